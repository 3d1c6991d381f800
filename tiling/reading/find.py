"""How a kernel is to be called, found where its file leaves it unambiguous.

What the parameters stand for is told by their types, names and use; the grid and block by the
launch in the file's own host code, or by trying: of the blocks that a launch bound or custom
allows, one with which CTAs make whole tiles that lie side by side.
"""

from collections.abc import Iterator
from dataclasses import replace
from itertools import permutations, product
from math import isqrt

import numpy as np

from tiling.reading import names, roles
from tiling.reading.call import LEADING, MATRICES, SCALARS, Call
from tiling.reading.expressions import Unclear
from tiling.reading.kernel import Kernel
from tiling.reading.launches import Launched, launches
from tiling.reading.probe import MOST, SQUARE, Trial, attempt, covers, told_of, tried, usual
from tiling.reading.recorded import Cta
from tiling.reading.roles import OPEN
from tiling.reading.scope import bare, number, parts, told
from tiling.reading.uses import Uses, uses
from tiling.shapes import MAX_THREADS, Gemm, Refused

MOST_SIZE = 2**16

FLAT = (256, 128, 64, 512, 1024, 32, 192, 384)
SQUARES = (16, 32, 8)
"""Threads of blocks that are tried, those that people use most first."""


DYNAMIC = 99 * 1024
"""Bytes of dynamic shared memory in a trial, where no launch says how many: what a CTA may have on
every architecture from compute capability 8.0 on."""

PATIENCE = 3
"""Endless trials after which no more are made."""


class _Endless(Exception):
    """A trial did not come to an end."""


def find(kernel: Kernel, args: tuple[str, ...] | None = None) -> Call | None:
    """The call that computes A·B, or else the one that its file says, or by which each element is
    written once; None where it is open. `args` where they are known."""
    used = uses(kernel.program)
    first = [args] if args else list(arguments(kernel, used, open_first=True))
    every = [args] if args else list(arguments(kernel, used))
    spare: tuple[Call, Trial] | None = None
    for gemm in None, SQUARE:
        for call in _calls(kernel, first):
            found = tried(kernel, call, gemm or usual(call))
            if found and found[1].endless:
                return call
            if found and found[1].right:
                return _alike(found[0]) if gemm else found[0]
            spare = spare or found
    for strict, gemm in (True, None), (False, None), (False, SQUARE):
        for one in _by_trying(kernel, used, every, strict, gemm):
            spare = one if one[1].right else spare or one
            if one[1].right:
                break
        if spare:
            call = told_of(_fitted(kernel, *spare), spare[1])
            return _alike(call) if gemm and spare[1].right else call
    return None


def _alike(call: Call) -> Call:
    """A call that was right for one size in place of three, and for no others."""
    return replace(call, said=(*call.said, "but right only where M, N and K are alike"))


def _fitted(kernel: Kernel, call: Call, trial: Trial) -> Call:
    """A call that was tried with much dynamic shared memory, with as much as it touched."""
    if call.shared != str(DYNAMIC):
        return call
    touched = max(0, trial.shared - kernel.program.shared)
    said = (*call.said, "as much dynamic shared memory as is touched")
    return replace(call, shared=str(-(-touched // 16) * 16), said=said)


def arguments(kernel: Kernel, used: Uses, open_first: bool = False) -> Iterator[tuple[str, ...]]:
    """What the parameters may stand for, likely ones first. With `open_first` what no name tells is
    first left to the launch."""
    parameters = kernel.parameters
    known = roles.matrix_roles(parameters, used) | roles.scalar_roles(parameters, used)
    for sizes in roles.size_roles(parameters, open_first):
        found = {**known, **sizes}
        for n, one in enumerate(parameters):
            if one.fields and n in found:
                found[n] = roles.struct_role(one, found[n])
        yield tuple(found.get(n, OPEN) for n in range(len(parameters)))


def _calls(kernel: Kernel, every: list[tuple[str, ...]]) -> Iterator[Call]:
    """Calls by the launches in the file; last with M, N and K in another order, since some call so
    what others do not."""
    found = launches(kernel.built.own, names.bare(kernel.name))
    found = [one for one in found if _same(one, kernel)]
    turned = [other for args in every for other in _turned(args)]
    for args in dict.fromkeys([*every, *turned]):
        for launched in found:
            yield from _as_launched(kernel, launched, args)


def _turned(args: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """The same with M, N and K in every order, if they all stand there once."""
    sizes = [n for n, arg in enumerate(args) if arg in "MNK"]
    if sorted(args[n] for n in sizes) == ["K", "M", "N"]:
        for order in permutations("MNK"):
            other = dict(zip(sizes, order, strict=True))
            yield tuple(other.get(n, arg) for n, arg in enumerate(args))


def _same(launched: Launched, kernel: Kernel) -> bool:
    """Whether a launch may be of this instance: no argument of the template is another number."""
    for node, own in zip(launched.template, names.arguments(kernel.name), strict=False):
        try:
            given = number(told(node, launched.around, {}))
        except Unclear:
            continue
        if given is not None and own.isdecimal() and given != int(own):
            return False
    return True


def _as_launched(kernel: Kernel, launched: Launched, args: tuple[str, ...]) -> Iterator[Call]:
    """Calls as a launch has them. Where a name stands for several sizes, it is each of them in turn
    in each axis of the grid; a third axis may count products of a batch."""
    if len(launched.arguments) != len(args):
        return
    bound: dict[str, list[str]] = {}
    for node, role in zip(launched.arguments, args, strict=True):
        if role in "MNK" and node.type in ("identifier", "field_expression"):
            bound.setdefault((node.text or b"").decode(), []).append(role)
    template = _template(kernel, launched)
    ways = [template | dict(zip(bound, each, strict=True)) for each in product(*bound.values())]
    grids: list[list[str]] = []
    for given in ways:
        try:
            grids.append(parts(launched.grid, launched.around, given))
            block = parts(launched.block, launched.around, given)
            shared = "0"
            if launched.shared is not None:
                shared = bare(told(launched.shared, launched.around, given))
            filled = _filled(launched, args, given)
        except Unclear:
            return
    axes = [list(dict.fromkeys(axis)) for axis in zip(*grids, strict=True)]
    said = ("the launch in the file",)
    mixed = sorted(product(*axes), key=lambda grid: len(set(grid)) < len(grid))
    for grid in mixed:
        call = Call(grid, tuple(block), filled, shared, said=said, gemm=_sizes(launched, args))
        yield call
        if len(grid) == 3 and grid[2] != "1":
            yield replace(call, batch=grid[2])


def _sizes(launched: Launched, args: tuple[str, ...]) -> Gemm | None:
    """The sizes that the host code gives, where they are plain numbers."""
    found: dict[str, int] = {}
    for node, role in zip(launched.arguments, args, strict=True):
        try:
            size = number(told(node, launched.around, {})) if role in "MNK" else None
        except Unclear:
            return None
        if size is not None:
            found[role] = size
    if len(found) == 1:
        found = dict.fromkeys("MNK", *found.values())
    sizes = [found.get(role, 0) for role in "MNK"]
    return Gemm(*sizes) if min(sizes) > 0 and max(sizes) < MOST_SIZE else None


def _template(kernel: Kernel, launched: Launched) -> dict[str, str]:
    """Names of the host's own template, where it passes them on to the kernel's."""
    own = names.arguments(kernel.name)
    return {
        (node.text or b"").decode(): value
        for node, value in zip(launched.template, own, strict=False)
        if value.isdecimal() and not (node.text or b"").decode().isdecimal()
    }


def _filled(launched: Launched, args: tuple[str, ...], given: dict[str, str]) -> tuple[str, ...]:
    """Arguments whose part is open, as the launch has them."""
    found = []
    for node, role in zip(launched.arguments, args, strict=True):
        found.append(bare(told(node, launched.around, given)) if role == OPEN else role)
    return tuple(found)


def _by_trying(
    kernel: Kernel,
    used: Uses,
    every: list[tuple[str, ...]],
    strict: bool,
    gemm: Gemm | None,
) -> Iterator[tuple[Call, Trial]]:
    """Calls with a block and a grid by which whole tiles lie side by side. Raises Refused where
    several end in an endless loop."""
    endless = 0
    for args in every:
        if any(OPEN in arg for arg in args):
            continue
        for block in blocks(kernel, used):
            shared = str(DYNAMIC if used.dynamic else 0)
            said = ("tried until C was covered exactly once",)
            call = Call(("1",), block, args, shared, said=said)
            try:
                found = _grid(kernel, call, used, strict, gemm or usual(call))
            except _Endless:
                endless += 1
                if endless < PATIENCE:
                    continue
                rule = f"does not come to an end within {MOST} instructions of a CTA"
                remedy = "look for an endless loop, or give the call in a TOML"
                raise Refused("--kernel", kernel.name, rule, remedy) from None
            if found is not None:
                yield found


def blocks(kernel: Kernel, used: Uses) -> list[tuple[str, ...]]:
    """Blocks that are worth a trial."""
    bound, most = kernel.program.max_threads, kernel.max_threads or MAX_THREADS
    if len([size for size in bound if size > 1]) > 1:
        return [tuple(map(str, bound))]
    if "%tid.y" in used.registers:
        found = [(x, x) for x in SQUARES] + [(32, y) for y in (8, 4, 16)] + [(64, 4), (16, 8)]
        if kernel.max_threads:
            side = isqrt(kernel.max_threads)
            found = [(side, side)] * (side * side == kernel.max_threads) + found
            exact = [b for b in found if b[0] * b[1] == kernel.max_threads]
            found = exact + [b for b in found if b not in exact]
        return [(str(x), str(y)) for x, y in dict.fromkeys(found) if x * y <= most]
    flat = [kernel.max_threads] * bool(kernel.max_threads) + [n for n in FLAT if n <= most]
    return [(str(n),) for n in dict.fromkeys(flat)]


def _grid(
    kernel: Kernel, call: Call, used: Uses, strict: bool, gemm: Gemm
) -> tuple[Call, Trial] | None:
    """The grid by which CTAs as these cover the result, if there is one."""
    wide = 2 * max(gemm.m, gemm.n)
    flat = "%ctaid.y" not in used.registers
    open_ = replace(call, grid=(str(wide * wide),) if flat else (str(wide), str(wide)))
    ctas: list[Cta] = [(0, 0, 0), (1, 0, 0)] + ([] if flat else [(0, 1, 0)])
    try:
        trial = attempt(kernel, open_, ctas, gemm, strict)
    except Refused:
        return None
    if trial.endless:
        raise _Endless
    if len(trial.offsets) < len(ctas):
        return None
    tiles = [_tile(trial.offsets[cta], gemm.n) for cta in ctas]
    if any(tile is None for tile in tiles):
        return None
    rows, cols, *corner = tiles[0] or (0, 0, 0, 0)
    if corner != [0, 0]:
        return None
    many = f"cdiv(M, {rows})" if rows > 1 else "M", f"cdiv(N, {cols})" if cols > 1 else "N"
    after = [tile[2:] for tile in tiles[1:] if tile is not None]
    if flat and after in ([(0, cols)], [(rows, 0)]):
        grid: tuple[str, ...] = (f"{many[0]} * {many[1]}",)
    elif after == [(0, cols), (rows, 0)]:
        grid = many[1], many[0]
    elif after == [(rows, 0), (0, cols)]:
        grid = many
    else:
        return None
    last = tried(kernel, replace(call, grid=grid), gemm, strict)
    return last if last is not None and covers(kernel, *last, gemm) else None


def _tile(offsets: np.ndarray, cols: int) -> tuple[int, int, int, int] | None:
    """(rows, cols, first row, first col) of elements that fill a rectangle of a row-major matrix,
    or None."""
    if not offsets.size:
        return None
    row, col = offsets // cols, offsets % cols
    high, wide = int(np.ptp(row)) + 1, int(np.ptp(col)) + 1
    if high * wide != offsets.size:
        return None
    return high, wide, int(row.min()), int(col.min())


def open_parts(kernel: Kernel, call: Call | None) -> dict[str, str]:
    """What a TOML must say, with what is known filled in."""
    args = next(arguments(kernel, uses(kernel.program)), ())
    return {
        "gemm": "1024x1024x1024",
        "grid": ", ".join(call.grid) if call else OPEN,
        "block": ", ".join(call.block) if call else OPEN,
        "args": ", ".join(call.args if call else args),
    }


KNOWN = (*MATRICES, "M", "N", "K", *LEADING, *SCALARS)
