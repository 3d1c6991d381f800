"""Whether a kernel is a tiling of the model, map by map; if not, what differs first.

Compared are, of the first CTA: which results a thread makes, which elements it loads, and in which
words of shared memory they lie. By how much two stages, or As and Bs, lie apart is nobody's
concern.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from tiling.expand import accumulator_map, copy_map
from tiling.layout import AB, Operand, shared_layout
from tiling.reading.recorded import Run
from tiling.reading.tiled import Held, Tiled, Traces, trace
from tiling.shapes import BANKS, QUAD, SHARED_LIMIT, Refused, Tiling

ANY_K_TILE = 4
"""Of a kernel that shares nothing, and so has none."""


@dataclass(frozen=True)
class Likeness:
    """The tiling of the model that a kernel is, or is nearest to.

    tiling   None where the model has none like it
    differs  in words, what is not alike; the first thing is the one that a person should know
    """

    tiling: Tiling | None
    differs: tuple[str, ...]

    def said(self) -> str:
        """In a sentence."""
        if self.tiling is None:
            return f"is no tiling of the model: {self.differs[0]}"
        as_typed = " ".join(options(self.tiling))
        if not self.differs:
            return f"equals this tiling of the model: {as_typed}"
        return (
            f"is nearest to this tiling of the model: {as_typed}; what differs: {self.differs[0]}"
        )


def of(run: Run) -> tuple[Tiled, Likeness] | None:
    """What tiling a kernel is, and the model's; None where its values do not tell."""
    traces = trace(run.kernel, run.call)
    tiled = traces.tiled() if traces else None
    return (tiled, likeness(tiled, traces)) if traces and tiled else None


def options(tiling: Tiling) -> Iterator[str]:
    """The command line's options for a tiling."""
    yield f"--cta {tiling.bm}x{tiling.bn}x{tiling.bk}"
    yield f"--thread {tiling.tm}x{tiling.tn}"
    for name in ("stages", "vector", "pad"):
        value = getattr(tiling, name)
        if value != Tiling.__dataclass_fields__[name].default:
            yield f"--{name} {value}"
    if tiling.warp:
        yield f"--warp {tiling.warp[0]}x{tiling.warp[1]}"
    for name in ("split", "swizzle", "direct", "shared_store", "large_shared"):
        if getattr(tiling, name):
            yield "--" + name.replace("_", "-")


def likeness(tiled: Tiled, traces: Traces) -> Likeness:
    """The first tiling in which nothing differs, or the nearest."""
    if tiled.tensor:
        return Likeness(None, ("tensor cores multiply, which it has not",))
    found: list[Likeness] = []
    rule = ""
    for change in _candidates(tiled):
        try:
            tiling = Tiling(**change)
        except Refused as no:
            rule = rule or no.rule
            continue
        found.append(Likeness(tiling, tuple(_differences(tiled, traces, tiling))))
    if not found:
        return Likeness(None, (rule,))
    return min(found, key=lambda one: len(one.differs))


def _candidates(tiled: Tiled) -> Iterator[dict[str, Any]]:
    """Tilings that have its tiles, with and without a warp tile."""
    rows, cols = tiled.rows, tiled.cols
    array = tiled.arrays.get("A")
    direct = not tiled.arrays
    pad = array.k_step - rows.tile if array and array.i_step == 1 else 0
    tiles = rows.thread, cols.thread
    change: dict[str, Any] = {
        "bm": rows.tile,
        "bn": cols.tile,
        "bk": ANY_K_TILE if direct else tiled.bk,
        "tm": rows.thread,
        "tn": cols.thread,
        "stages": tiled.stages,
        "vector": 1 if direct else max(tiled.widths["A"], tiled.widths["B"]),
        "pad": max(0, pad) if not (array and array.swizzle) else 0,
        "split": QUAD in (rows.run, cols.run) and (rows.run, cols.run) != tiles,
        "swizzle": bool(array and array.swizzle) and rows.tile % BANKS == 0,
        "direct": direct,
        "shared_store": tiled.exchanged,
    }
    words = tiled.stages * tiled.bk * (rows.tile + cols.tile)
    change["large_shared"] = not direct and 4 * words > SHARED_LIMIT
    yield change
    yield change | {"warp": (rows.warp, cols.warp)}


def _differences(tiled: Tiled, traces: Traces, tiling: Tiling) -> Iterator[str]:
    """What is not as in the model, that which matters most first."""
    if tiling.threads != tiled.threads:
        yield f"{tiled.threads} threads, the model's {tiling.threads}"
        return
    for name in AB:
        yield from _layout(name, traces, tiling)
    if not tiling.asynchronous and tiled.copies.startswith("a k-tile"):
        yield "tiles are loaded a k-tile ahead and wait in registers"
    if tiled.stages > 1 and tiled.copies != "asynchronously":
        yield "tiles come to their stages through registers, the model's asynchronously"
    for name in AB:
        yield from _results(name, traces, tiling)
    for name in AB if not tiling.direct else ():
        yield from _loads(name, traces, tiling)
    element = traces.run.matrices["A"].element
    if element != "f32":
        yield f"its elements are {element}, the model's f32"


def _results(name: Operand, traces: Traces, tiling: Tiling) -> Iterator[str]:
    """Rows, or columns, of the results of each thread."""
    axis = accumulator_map(tiling)[0 if name == "A" else 1]
    held = traces.reads(name)
    pairs = np.unique(np.stack([held.thread, held.i]), axis=1)
    thread = np.repeat(np.arange(tiling.threads), axis.shape[1])
    wanted = np.unique(np.stack([thread, np.sort(axis).ravel()]), axis=1)
    if pairs.shape == wanted.shape and (pairs == wanted).all():
        return
    what = "rows" if name == "A" else "columns"
    for one in range(tiling.threads):
        mine = pairs[1][pairs[0] == one]
        if not np.array_equal(mine, np.sort(axis[one])):
            theirs = _runs(np.sort(axis[one]))
            yield f"thread {one} makes {what} {_runs(mine)}, the model's {theirs}"
            return


def _runs(numbers: np.ndarray) -> str:
    """`0–3, 16–19`."""
    cuts = np.flatnonzero(np.diff(numbers) != 1) + 1
    parts = [f"{p[0]}–{p[-1]}" if p.size > 1 else f"{p[0]}" for p in np.split(numbers, cuts)]
    return ", ".join(parts[:4]) + (", …" if len(parts) > 4 else "")


def _first(name: Operand, held: Held, bk: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(k, i, word) of the first k-tile, the words from its first on."""
    first = held.k < bk
    k, i, word = held.k[first], held.i[first], held.word[first]
    return k, i, word - word.min()


def _layout(name: Operand, traces: Traces, tiling: Tiling) -> Iterator[str]:
    """Words of shared memory."""
    if tiling.direct:
        return
    array = f"{name}s"
    if name not in traces.shared:
        yield f"{name} is not in shared memory"
        return
    k, i, word = _first(name, traces.shared[name], tiling.bk)
    layout = shared_layout(tiling)[name]
    wanted = layout.word(k, i) - layout.base
    wrong = np.flatnonzero(word != wanted)
    if not wrong.size:
        return
    at = wrong[0]
    place = (int(i[at]), int(k[at])) if name == "A" else (int(k[at]), int(i[at]))
    pitch = int(word[k == 0].max()) // max(1, int(i.max()))
    if (word == i * pitch + k).all():
        side = "rows" if name == "A" else "columns"
        yield f"{array} is kept by {side} of {pitch} words, the model's by k"
    else:
        yield f"{array} {list(place)} lies in word {word[at]}, the model's in {wanted[at]}"


def _loads(name: Operand, traces: Traces, tiling: Tiling) -> Iterator[str]:
    """Which thread loads which element of the first k-tile."""
    held = traces.held(name, traces.moved("load", name))
    first = held.k < tiling.bk
    row, col = (held.i, held.k) if name == "A" else (held.k, held.i)
    found = np.unique(np.stack([row[first], col[first], held.thread[first]]), axis=1)
    thread, rows, cols, _ = copy_map(tiling, name)
    wanted = np.unique(np.stack([rows, cols, thread]), axis=1)
    if found.shape != wanted.shape:
        yield f"{name}'s tile is loaded in {found.shape[1]} loads, the model's {wanted.shape[1]}"
        return
    wrong = np.flatnonzero((found != wanted).any(0))
    if wrong.size:
        r, c, by = found[:, wrong[0]].tolist()
        yield f"thread {by} loads {name}[{r}, {c}], the model's thread {int(wanted[2, wrong[0]])}"
