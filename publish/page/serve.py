"""A server for looking at the page on one's own machine."""

from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

HOST = "127.0.0.1"


def app(folder: Path) -> Starlette:
    """The files of a folder, with byte ranges: players seek by them."""
    return Starlette(routes=[Mount("/", StaticFiles(directory=folder, html=True))])


def serve(folder: Path, port: int) -> None:
    """Serve a folder until interrupted. 127.0.0.1 only: nobody else reaches it."""
    uvicorn.run(app(folder), host=HOST, port=port, log_level="warning")
