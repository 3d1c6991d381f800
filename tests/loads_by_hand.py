"""Who loads what, by the rule of the kernel and nothing else, written out with loops."""

from bisect import bisect
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from tests.tilings import DIRECT, FILMED, random_choices, random_direct
from tiling.presets import Choice, choose
from tiling.shapes import Gemm, Tiling

EVERY = [
    *map(choose, dict.fromkeys([*FILMED, "naive", "smem", "tile1d", "tile2d", "vector", "warp"])),
    choose("small", None, {"vector": "2", "pad": "4"}),
    choose("seed", None, {"pad": "1", "block": "0,1"}),
    Choice("unaligned", Gemm(100, 64, 41), Tiling(16, 16, 8, 4, 4, vector=4), (6, 1)),
    Choice("one k", Gemm(40, 40, 1), Tiling(8, 8, 1, 1, 1), (1, 1)),
    Choice("flat", Gemm(1, 64, 64), Tiling(8, 8, 8, 2, 2), (0, 0)),
    Choice("odd", Gemm(100, 75, 33), Tiling(32, 64, 8, 4, 8), (3, 1)),
    *random_choices(20),
    *DIRECT[1:],
    *random_direct(4, seed=1),
    Choice("columns", Gemm(64, 512, 64), Tiling(32, 256, 4, 1, 8, direct=True), (0, 0)),
    Choice("idle", Gemm(40, 8, 12), Tiling(32, 32, 4, 1, 1, direct=True), (0, 0)),
    Choice("one lane", Gemm(8, 8, 8), Tiling(8, 1, 8, 8, 1, direct=True), (0, 0)),
]
"""Presets, random tilings, and what is unlike others: unaligned rows, lanes that are no neighbours,
threads outside C."""


def name_of(choice: Choice) -> str:
    tiling = choice.tiling
    return f"{choice.gemm} in {tiling} {tiling.vector} {tiling.pad}{' direct' * tiling.direct}"


class Loaded(NamedTuple):
    """An element, whose it is, and where it lands: in which row of the target, and where there."""

    request: int
    thread: int
    row: int
    col: int
    inside: bool
    at: int
    place: int
    sector: int


Each = tuple[int, int, tuple[int, int], tuple[int, int], bool]
"""Turn, thread, element of the tile, where it lands, whether its thread has a result inside C."""


@cache
def load_one_by_one(choice: Choice, operand: str, down: bool = False, k: int = 0) -> list[Loaded]:
    """In the order of the requests. With lanes along rows, or `down` columns."""
    gemm, tiling, (i, j) = choice.gemm, choice.tiling, choice.cta
    origin = (i * tiling.bm, 0) if operand == "A" else (0, j * tiling.bn)
    rows, cols = gemm.shape(operand)
    found = []
    # Asynchronous copies of A are of one float each: in As neighbours are apart.
    wide = 1 if operand == "A" and tiling.stages > 1 else tiling.vector
    each = (
        _values(choice, operand, down, k) if tiling.direct else _tile(tiling, operand, down, wide)
    )
    for turn, thread, (r, c), (at, place), busy in each:
        row, col = origin[0] + r, origin[1] + c
        inside = busy and row < rows and col < cols
        first = c - c % wide
        whole = row < rows and origin[1] + first + wide <= cols
        aligned = (row * cols + origin[1] + first) % wide == 0
        part = 0 if tiling.direct or (whole and aligned) else 1 + c % wide
        sector = (row * cols + col) * 4 // 32
        found.append(((turn, thread // 32, part), thread, row, col, inside, at, place, sector))
    found.sort(key=lambda one: one[0])
    real = sorted({key for key, _, _, _, inside, *_ in found if inside})
    # What is not loaded comes with the request before it.
    return [Loaded(bisect(real, key) - 1, *rest) for key, *rest in found]


def _tile(tiling: Tiling, operand: str, down: bool, wide: int) -> Iterator[Each]:
    """For shared memory."""
    rows, cols = (tiling.bm, tiling.bk) if operand == "A" else (tiling.bk, tiling.bn)
    order = [(r, g) for r in range(rows) for g in range(cols // wide)]
    if down:
        order = [(r, g) for g in range(cols // wide) for r in range(rows)]
    for number, (r, g) in enumerate(order):
        for c in range(g * wide, g * wide + wide):
            word = (r, c) if operand == "B" else (c, r)
            if operand == "A" and tiling.swizzle:
                word = c, r ^ c // wide * 4 * max(1, 8 * wide // tiling.bk) % 32
            yield number // tiling.threads, number % tiling.threads, (r, c), word, True


def _values(choice: Choice, operand: str, down: bool, k: int) -> Iterator[Each]:
    """For registers: of each value all threads, one after the other."""
    tiling, gemm, (i0, j0) = choice.tiling, choice.gemm, choice.cta
    wm, wn = tiling.warp or (tiling.bm, tiling.bn)
    tall, across = wm // tiling.tm, wn // tiling.tn  # lanes of a warp tile

    def at(position: int, i: int, warp: int, size: int) -> int:
        quad, lanes = 4 if tiling.split else size, warp // size
        first = position // lanes * warp + position % lanes * quad
        return first + i // quad * (warp // (size // quad)) + i % quad

    for i in range(tiling.tm if operand == "A" else tiling.tn):
        for thread in range(tiling.threads):
            warp, lane = divmod(thread, tall * across)
            if down:
                warp_row, warp_col = warp % (tiling.bm // wm), warp // (tiling.bm // wm)
                row, col = warp_row * tall + lane % tall, warp_col * across + lane // tall
            else:
                warp_row, warp_col = divmod(warp, tiling.bn // wn)
                row, col = warp_row * tall + lane // across, warp_col * across + lane % across
            busy = i0 * tiling.bm + at(row, 0, wm, tiling.tm) < gemm.m
            busy = busy and j0 * tiling.bn + at(col, 0, wn, tiling.tn) < gemm.n
            element = (
                (at(row, i, wm, tiling.tm), k) if operand == "A" else (k, at(col, i, wn, tiling.tn))
            )
            yield i, thread, element, (i, thread), busy


def sectors_of(
    loads: list[Loaded], places: set[tuple[int, int]] | None = None, request: int | None = None
) -> set[int]:
    """Of what is loaded, in these places, or with this request."""
    return {
        one.sector
        for one in loads
        if one.inside
        and (places is None or (one.row, one.col) in places)
        and (request is None or one.request == request)
    }
