"""A server for looking at the page on one's own machine."""

import asyncio
import os
import resource
import socket
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

HOST = "127.0.0.1"

BACKLOG = 16
"""Connections that may wait to be looked at, and are then looked at together."""

MOST = min(64, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 4)
"""Connections at once. Each may need two descriptors, and this process does not run out of them:
who comes when there are too many is hung up on."""

PATIENCE = 10.0
"""Seconds in which a connection must have asked for something."""


class OwnFiles(StaticFiles):
    """The files of a folder, with byte ranges: players seek by them. None whose name begins with a
    dot, nor what lies in such a folder: nobody means those to be seen."""

    def lookup_path(self, path: str) -> tuple[str, os.stat_result | None]:
        if any(part.startswith(".") and part != "." for part in Path(path).parts):
            return "", None
        return super().lookup_path(path)


class OwnName:
    """Answers only who asks for this machine by its own name: a page from elsewhere, whose name has
    been turned to this address meanwhile, is not answered."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            port = scope["server"][1]
            names = {f"{name}:{port}" for name in (HOST, "localhost")}
            if port == 80:
                names |= {HOST, "localhost"}
            if Headers(scope=scope).get("host", "").lower() not in names:
                await PlainTextResponse("not a name of this server", 400)(scope, receive, send)
                return
        await self.app(scope, receive, send)


class Guarded(H11Protocol):
    """A connection that is closed where it only waits, and where there are too many of them."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > MOST:
            transport.abort()
        else:
            self.loop.call_later(PATIENCE, self.look, None)

    def look(self, before: RequestResponseCycle | None) -> None:
        """Close the connection if it has asked for nothing since the last look."""
        idle = self.cycle is None or self.cycle.response_complete
        if idle and self.cycle is before:
            self.transport.abort()
        elif not self.transport.is_closing():
            self.loop.call_later(PATIENCE, self.look, self.cycle)


def server(folder: Path, port: int = 0) -> uvicorn.Server:
    """What serves a folder, to this machine alone."""
    app = OwnName(Starlette(routes=[Mount("/", OwnFiles(directory=folder, html=True))]))
    config = uvicorn.Config(
        app,
        host=HOST,
        port=port,
        http=Guarded,
        ws="none",
        lifespan="off",
        backlog=BACKLOG,
        log_level="error",
    )
    return uvicorn.Server(config)


def listen(port: int) -> socket.socket:
    """A socket of this machine's own address: nobody else reaches it. Raises OSError."""
    found = socket.socket()
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((HOST, port))
        found.listen(BACKLOG)
    except OSError:
        found.close()
        raise
    return found


def serve(folder: Path, at: socket.socket) -> None:
    """Serve a folder until interrupted."""
    server(folder).run([at])
