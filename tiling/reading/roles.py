"""What the parameters of a kernel stand for, by their types, names and use."""

import re
from collections.abc import Iterator
from itertools import permutations

from tiling.reading.call import MATRICES, SCALARS
from tiling.reading.kernel import Parameter
from tiling.reading.uses import Uses

OPEN = "?"
"""A parameter that stands for something which is not known."""

_LEADING = re.compile(r"(?:ld|lead|stride|pitch)([abcd])|([abcd])(?:ld|stride|pitch)")
_SIDE = re.compile(
    r"(?:num|size|dim|n)?([abc])?(rows?|height|hei|h|cols?|columns?|width|wid|w)([abc])?"
)
_SIZE = re.compile(r"(?:size|dim|num|n|len|g|problem)?([mnk])(?:size|dim|global|total|len|g|s)?")
_MATRIX = re.compile(
    r"(?:d|dev|device|g|gm|in|mat|matrix|ptr|p|input|global)??([abcd])"
    r"(?:t|trans|transposed|d|dev|device|mat|matrix|ptr|in|data|g)?"
)
_INNER = {"inner", "common", "depth", "shared", "reduction", "l", "ksize", "sizek"}


def size_role(name: str) -> str:
    """M, N, K or lda to ldd of a parameter's name, or ""."""
    low = re.sub(r"[_\d]+", "", name.lower())
    if found := _LEADING.fullmatch(low):
        return f"ld{found[1] or found[2]}"
    if low in ("m", "n", "k"):
        return low.upper()
    if low in _INNER:
        return "K"
    if (found := _SIDE.fullmatch(low)) and not (found[1] and found[3]):
        matrix, down = (found[1] or found[3] or "c").upper(), found[2][0] in "rh"
        return MATRICES[matrix][0 if down else 1]
    if found := _SIZE.fullmatch(low):
        return found[1].upper()
    return ""


def matrix_role(name: str) -> str:
    """A, B, C or D of a pointer's name, or ""."""
    low = re.sub(r"[_\d]+", "", name.lower())
    low = re.sub(
        r"^(?:d|dev|device|g|gm|in|out|mat|matrix|ptr|p|input|output|global)(?=[abcd])", "", low
    )
    low = re.sub(r"(?:t|trans|transposed|d|dev|device|mat|matrix|ptr|in|out|data|g)$", "", low)
    return low.upper() if low in ("a", "b", "c", "d") else ""


def matrix_roles(parameters: tuple[Parameter, ...], used: Uses) -> dict[int, str]:
    """The matrices among the pointers, by number. With more than one result, or none, nobody
    knows."""
    pointers = [
        n for n, one in enumerate(parameters) if one.pointer or any(f.pointer for f in one.fields)
    ]
    written = [n for n in pointers if n in used.written]
    read = [n for n in pointers if n not in used.written]
    if len(written) != 1 or len(read) > 3:
        return {}
    named = {n: matrix_role(parameters[n].name) for n in read}
    if len(read) == 3:
        if sorted(named.values()) != ["A", "B", "C"]:
            named = dict(zip(read, "ABC", strict=True))
        return {**named, written[0]: "D"}
    if len(read) == 2 and sorted(named.values()) != ["A", "B"]:
        named = dict(zip(read, "AB", strict=True))
    if len(read) < 2:
        named = dict(zip(read, "A", strict=False))
    return {**named, written[0]: "C"}


def scalar_roles(parameters: tuple[Parameter, ...], used: Uses) -> dict[int, str]:
    """alpha and beta among the numbers with a point, by name or in this order; 1 and 0 in their
    place where the kernel looks at neither."""
    real = [n for n, one in enumerate(parameters) if one.real]
    by_name = {n: parameters[n].name.lower() for n in real}
    if len(real) == 2 and "beta" in by_name[real[0]]:
        real = real[::-1]
    found = dict(zip(real, SCALARS, strict=False))
    if len(real) == 1 and "beta" in by_name[real[0]]:
        found = {real[0]: "beta"}
    constant = {"alpha": "1.0", "beta": "0.0"}
    return {n: constant[one] if n in used.ignored else one for n, one in found.items()}


def size_roles(
    parameters: tuple[Parameter, ...], open_first: bool = False
) -> Iterator[dict[int, str]]:
    """The sizes among the whole numbers, likely ones first. What no name tells is M, N and K in
    any order, as far as these are left, and else open."""
    whole = [n for n, one in enumerate(parameters) if one.integer]
    named = {n: role for n in whole if (role := size_role(parameters[n].name))}
    if len(whole) == 1:  # one size for all
        yield {whole[0]: "N"}
        return
    unnamed = [n for n in whole if n not in named]
    left = [role for role in "MNK" if role not in named.values()]
    if unnamed and open_first:
        yield {**named, **dict.fromkeys(unnamed, OPEN)}
    if unnamed and len(unnamed) <= len(left):
        for order in permutations(left, len(unnamed)):
            yield {**named, **dict(zip(unnamed, order, strict=True))}
    else:
        yield {**named, **dict.fromkeys(unnamed, OPEN)}


def struct_role(parameter: Parameter, matrix: str) -> str:
    """What a struct that holds a matrix stands for, member by member: `{K, M, A}`. Its sizes are
    named after the matrix: its width, its stride."""
    found = []
    for one in parameter.fields:
        found.append(matrix if one.pointer else size_role(matrix + one.name) or OPEN)
    return "{" + ", ".join(found) + "}"
