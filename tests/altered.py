"""A clip's description as anyone may have changed it: each value another, cut short, foreign."""

import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from publish.sealed import CLIP, sealed

VALUES: tuple[Any, ...] = (
    *(None, True, -1, 0, 7, 10**30, 10**4000, 0.5, -0.5, 1e308, float("nan"), float("inf")),
    *("", "x", "night", "../../etc/passwd", "\x1b[2J\n", "\ud800", "x" * 100_000),
    *([], {}, [[]], [None], {"": ""}, [{"seconds": 0, "text": "x"}]),
)
"""What stands in the place of each value in turn."""

DEEP = "[" * 100_000

WHOLE: dict[str, bytes] = {
    "nothing": b"",
    "null": b"null",
    "a number": b"7",
    "a list": b"[1, 2]",
    "an object": b"{}",
    "not JSON": b"GIF89a",
    "not UTF-8": b'{"scene": "\xff"}',
    "UTF-16": '{"scene": "overview"}'.encode("utf-16"),
    "zeros": bytes(5000),
    "deep": DEEP.encode() + b"]" * 100_000,
    "deep and cut": DEEP.encode(),
    "a long number": b'{"frames": ' + b"9" * 5000 + b"}",
    "large": b'{"scene": "' + b"x" * 20_000_000 + b'"}',
    "a package": b'{"name": "site", "version": "1.0.0", "files": ["index.js"]}',
}
"""Files that are no description at all."""


def altered(text: bytes) -> Iterator[tuple[str, bytes]]:
    """(what was done, what became of it), some thousand of them. Each change of a value is there
    twice: as somebody edits it, and with a digest that fits."""
    yield from WHOLE.items()
    for end in range(1, len(text), max(1, len(text) // 60)):
        yield f"cut at {end}", text[:end]
    for at in range(3, len(text), max(1, len(text) // 60)):
        yield f"bit {at}", text[:at] + bytes([text[at] ^ 4]) + text[at + 1 :]
    yield "twice", text + text
    yield "a mark in front", b"\xef\xbb\xbf" + text
    about = json.loads(text)
    for path in _paths(about):
        name = "/".join(map(str, path))
        changes = {f"{name} is {value!r:.20}": _with(about, path, value) for value in VALUES}
        changes[f"{name} is gone"] = _without(about, path)
        if isinstance(path[-1], str):
            changes[f"{name} is renamed"] = _renamed(about, path)
        for change, became in changes.items():
            yield change, json.dumps(became).encode()
            with suppress(ValueError):  # half a character is no text
                yield f"{change}, sealed", _sealed(became)


def _sealed(about: dict[str, Any]) -> bytes:
    data = {key: value for key, value in about.items() if key not in ("kind", "digest")}
    return sealed(str(about.get("kind", CLIP)), data).encode()


def _paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else ()
    if isinstance(value, list):
        items = list(enumerate(value))[:2]  # the others are like these
    for key, part in items:
        yield (*path, key)
        yield from _paths(part, (*path, key))


def _inner(about: Any, path: tuple[Any, ...]) -> tuple[Any, Any]:
    """A copy, and what in it holds the last part of the path."""
    copy = json.loads(json.dumps(about))
    inner = copy
    for key in path[:-1]:
        inner = inner[key]
    return copy, inner


def _with(about: Any, path: tuple[Any, ...], value: Any) -> Any:
    copy, inner = _inner(about, path)
    inner[path[-1]] = value
    return copy


def _without(about: Any, path: tuple[Any, ...]) -> Any:
    copy, inner = _inner(about, path)
    del inner[path[-1]]
    return copy


def _renamed(about: Any, path: tuple[Any, ...]) -> Any:
    copy, inner = _inner(about, path)
    inner[path[-1] + "s"] = inner.pop(path[-1])
    return copy
