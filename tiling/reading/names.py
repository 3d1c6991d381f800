"""Names of C++: what a symbol of PTX is called in the source, and its parameters' types."""

import ctypes
import re
from functools import lru_cache

from tiling.ptx.program import plain


@lru_cache(maxsize=256)
def demangled(symbol: str) -> str:
    """As `void k<128, 8>(float const*, int)`; where C++'s library is not here, the bare name."""
    try:
        library = ctypes.CDLL("libstdc++.so.6")
    except OSError:
        return plain(symbol)
    free = ctypes.CDLL(None).free
    library.__cxa_demangle.restype = ctypes.c_void_p
    library.__cxa_demangle.argtypes = [ctypes.c_char_p, *[ctypes.c_void_p] * 3]
    text = library.__cxa_demangle(symbol.encode(), None, None, None)
    if not text:
        return symbol
    try:
        return ctypes.string_at(text).decode("utf-8", "replace")
    finally:
        free.argtypes = [ctypes.c_void_p]
        free(text)


def called(symbol: str) -> str:
    """The name as people write it: `sgemm<128, 8>`."""
    whole = demangled(symbol)
    head = whole[: _closed(whole)]
    return head[_start(head) :]


def bare(name: str) -> str:
    """`sgemm` of `ns::sgemm<128, 8>`."""
    return name.partition("<")[0].rpartition("::")[2].strip()


def arguments(name: str) -> tuple[str, ...]:
    """`128`, `8` of `sgemm<128, 8>`."""
    inside = name.partition("<")[2].rpartition(">")[0]
    return tuple(map(normal, split(inside))) if inside.strip() else ()


def normal(name: str) -> str:
    """Alike for all ways to write one name: without blanks, suffixes of numbers and casts."""
    name = re.sub(r"\((?:unsigned |signed )?(?:int|long|char|bool|short)\)", "", name)
    name = re.sub(r"\b(\d+)[uUlL]+\b", r"\1", name)
    return re.sub(r"\s+", "", name)


def types(symbol: str) -> tuple[str, ...]:
    """Types of the parameters, as `float const*`; none where the name does not say."""
    whole = demangled(symbol)
    at = _closed(whole)
    inside = whole[at + 1 : whole.rfind(")")] if at < len(whole) else ""
    return tuple(split(inside)) if inside.strip() else ()


def split(text: str) -> list[str]:
    """At the commas that stand in no brackets."""
    parts, depth = [""], 0
    for one in text:
        depth += (one in "<([{") - (one in ">)]}")
        if one == "," and not depth:
            parts.append("")
        else:
            parts[-1] += one
    return [part.strip() for part in parts]


def _closed(whole: str) -> int:
    """Where the list of parameters begins: the first bracket outside of template arguments."""
    depth = 0
    for at, one in enumerate(whole):
        if one == "(" and not depth and not whole.startswith("(anonymous namespace)", at):
            return at
        depth += (one in "<(") - (one in ">)")
    return len(whole)


def _start(head: str) -> int:
    """Where the name begins, behind the type that a template's instance returns."""
    depth, start = 0, 0
    for at, one in enumerate(head):
        depth += (one in "<(") - (one in ">)")
        if one == " " and not depth and not head.startswith("namespace)", at + 1):
            start = at + 1
    return start
