"""What would do in the place of a tiling that breaks a rule. Whatever is advised was tried."""

from dataclasses import fields
from itertools import product
from math import lcm, log
from typing import Any

from tiling.shapes import SHARED_LIMIT_OPT_IN, WORD, Tiling, divisors, is_whole

PLAIN = {"bm": 128, "bn": 128, "bk": 8, "tm": 8, "tn": 8}
"""What is advised where no value of one field would do."""

USUAL = {field.name: field.default for field in fields(Tiling) if field.name not in PLAIN}


def remedy(tiling: Tiling, field: str) -> tuple[str, tuple[str, ...]]:
    """What to do about a refused field: values of it that would do with all others as they are, the
    nearest first, or what else. Second, the fields to be left out."""
    fits = (change for change in _candidates(tiling, field) if tiling.altered(**change).holds)
    tries: list[str] = []
    for change in fits:
        if (text := tiling.altered(**change).spelled(field)) not in tries:
            tries.append(text)
        if len(tries) == 2:
            break
    if tiling.altered(large_shared=True).holds:
        tries = [*tries[:1], "large-shared to opt in to more"]
    if tries:
        return "try " + " or ".join(tries), ()
    name = field.replace("-", "_")
    if name in USUAL and tiling.altered(**{name: USUAL[name]}).holds:
        return f"leave {field} out", (field,)
    return _plain(tiling)


def _plain(tiling: Tiling) -> tuple[str, tuple[str, ...]]:
    """A common tiling, with as much of the rest as goes with it."""
    kept = tiling.altered(**PLAIN, **{**USUAL, "large_shared": tiling.large_shared})
    left = []
    for name in USUAL:
        more = kept.altered(**{name: getattr(tiling, name)})
        if more.holds:
            kept = more
        else:
            left.append(name.replace("_", "-"))
    leave = f", and leave {' and '.join(left)} out" if left else ""
    return f"try cta 128x128x8 with thread 8x8{leave}", tuple(left)


def _candidates(tiling: Tiling, field: str) -> list[dict[str, Any]]:
    """Changes of one field that may mend it, the nearest first."""
    sides = [_sides_of(tiling.bm), _sides_of(tiling.bn)]
    match field:
        case "cta":
            return _candidate_tiles(tiling)
        case "thread":
            return [{"tm": tm, "tn": tn} for tm, tn in _nearest(sides, (tiling.tm, tiling.tn))]
        case "warp":
            return [{"warp": pair} for pair in _nearest(sides, tiling.warp or (1, 1))]
        case "vector":
            return [{"vector": vector} for vector in (4, 2, 1)]
        case "pad":
            most = tiling.shared_limit // (WORD * tiling.bk * tiling.stages)
            return [{"pad": pad} for pad in (max(0, min(most - tiling.bm - tiling.bn, 4)), 0)]
        case "stages":
            stage = WORD * tiling.stage_words
            most = tiling.shared_limit // stage if is_whole(tiling.stages) and stage else 1
            return [{"stages": stages} for stages in (most, 1)]
        case "fragments":
            return [{"fragments": 2}, {"fragments": 1}]
        case _:
            return []


def _candidate_tiles(tiling: Tiling) -> list[dict[str, Any]]:
    wm, wn = tiling.warp or (tiling.tm, tiling.tn)
    if not (is_whole(wm) and is_whole(wn) and tiling.vector in (1, 2, 4)):
        return []
    steps = (wm, lcm(wn, tiling.vector), tiling.vector)
    wanted = (tiling.bm, tiling.bn, tiling.bk)
    sides = [
        sorted({step << i for i in range(11)} | ({size} if is_whole(size) else set()))
        for step, size in zip(steps, wanted, strict=True)
    ]
    sides[2] += [d for d in _sides_of(tiling.bk) if d not in sides[2]]
    return [{"bm": bm, "bn": bn, "bk": bk} for bm, bn, bk in _nearest(sides, wanted)]


def _sides_of(whole: int) -> list[int]:
    """Divisors, or none of what is too long a side to fit into shared memory anyway."""
    return divisors(whole) if is_whole(whole) and whole * WORD <= SHARED_LIMIT_OPT_IN else []


def _nearest(sides: list[list[int]], wanted: tuple[int, ...]) -> list[tuple[int, ...]]:
    """One of each side, by how many times larger or smaller than wanted; squares first."""

    def far(sizes: tuple[int, ...]) -> tuple[float, int, tuple[int, ...]]:
        times = (
            abs(log(size / want)) if is_whole(want) else abs(log(size / 4))
            for size, want in zip(sizes, wanted, strict=True)
        )
        return round(sum(times), 9), abs(sizes[0] - sizes[1]), tuple(-size for size in sizes)

    return sorted(product(*sides), key=far)
