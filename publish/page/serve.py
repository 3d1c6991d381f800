"""A server for looking at the page on one's own machine."""

import socket
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

HOST = "127.0.0.1"


def app(folder: Path) -> Starlette:
    """The files of a folder, with byte ranges: players seek by them."""
    return Starlette(routes=[Mount("/", StaticFiles(directory=folder, html=True))])


def listen(port: int) -> socket.socket:
    """A socket of this machine's own address: nobody else reaches it. Raises OSError."""
    found = socket.socket()
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((HOST, port))
        found.listen()
    except OSError:
        found.close()
        raise
    return found


def serve(folder: Path, at: socket.socket) -> None:
    """Serve a folder until interrupted."""
    uvicorn.Server(uvicorn.Config(app(folder), log_level="warning")).run([at])
