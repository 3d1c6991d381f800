"""The server for the page: to whom it speaks, of what, and for how long."""

import logging
import socket
import time
from collections.abc import Iterator

import pytest

from publish.page import serve
from tests.browsing import served


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, int]]:
    folder = tmp_path_factory.mktemp("site")
    for name in ("index.html", ".env", ".git/config", "a/b.txt", "a/.b.txt"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(name)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(serve, "PATIENCE", 0.2)
        patch.setattr(serve, "MOST", 8)
        with served(folder) as at:
            host, port = at.removeprefix("http://").split(":")
            yield host, int(port)


def status(address: tuple[str, int], path: str, host: str | None = None) -> int:
    """0 where it hangs up."""
    host = "{}:{}".format(*address) if host is None else host
    with socket.create_connection(address, timeout=10) as asking:
        asking.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        answer = asking.recv(100)
    return int(answer.split()[1]) if answer else 0


def test_it_serves_what_is_meant_to_be_seen(address: tuple[str, int]) -> None:
    assert [status(address, path) for path in ("/", "/index.html", "/a/b.txt")] == [200] * 3
    hidden = ("/.env", "/%2eenv", "/.git/config", "/a/.b.txt", "/a/../.env", "//etc/passwd")
    odd = ("/%00", "/%ff", "/" + "a" * 5000, "/..%2f..%2fetc/passwd", "/.rendering-x/")
    assert [status(address, path) for path in (*hidden, *odd)] == [404] * 11


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:{}", "127.0.0.1:1", "localhost", ""]
)
def test_who_asks_for_another_name_is_not_answered(address: tuple[str, int], host: str) -> None:
    """A page elsewhere may have had its name turned to this address."""
    assert status(address, "/", host.format(address[1])) == 400


def test_it_has_two_names(address: tuple[str, int]) -> None:
    for name in "127.0.0.1", "localhost", "LOCALHOST":
        assert status(address, "/", f"{name}:{address[1]}") == 200


@pytest.mark.parametrize("first", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: {}\r\n\r\nGET / HT"])
def test_who_says_nothing_more_is_hung_up_on(address: tuple[str, int], first: bytes) -> None:
    host = "{}:{}".format(*address).encode()
    with socket.create_connection(address, timeout=10) as asking:
        asking.sendall(first.replace(b"{}", host))
        while asking.recv(10_000):
            pass  # until it ends


def test_many_at_once_are_refused_quietly(
    address: tuple[str, int], caplog: pytest.LogCaptureFixture
) -> None:
    many = [socket.create_connection(address, timeout=10) for _ in range(30)]
    time.sleep(0.05)
    for one in many:
        one.close()
    end = time.monotonic() + 10
    while status(address, "/") != 200 and time.monotonic() < end:
        time.sleep(0.02)
    assert status(address, "/") == 200
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]
