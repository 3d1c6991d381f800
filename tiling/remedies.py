"""What would do in place of a tiling's field that breaks a rule. Whatever is advised was tried."""

from dataclasses import fields
from itertools import product
from math import isqrt, lcm, log
from typing import Any

from tiling.shapes import SHARED_LIMIT_OPT_IN, WORD, Tiling, is_whole

PLAIN = {"bm": 128, "bn": 128, "bk": 8, "tm": 8, "tn": 8}
"""What is advised where no value of one field would do."""

USUAL = {field.name: field.default for field in fields(Tiling) if field.name not in PLAIN}
"""What the other fields are where they are left out."""


def spelled(tiling: Tiling, field: str) -> str:
    """A field's value as the command line spells it."""
    match field:
        case "cta":
            return f"{tiling.bm}x{tiling.bn}x{tiling.bk}"
        case "thread":
            return f"{tiling.tm}x{tiling.tn}"
        case "warp" if tiling.warp:
            return "x".join(map(str, tiling.warp))
        case "split" | "swizzle" | "direct" | "shared-store":
            return ""
        case _:
            return str(getattr(tiling, field))


def remedy(tiling: Tiling, field: str) -> tuple[str, tuple[str, ...]]:
    """What to do about a refused field: values of it that would do with all others as they are, the
    nearest first, or what else. Second, the fields that it leaves out."""
    tries: list[str] = []
    for change in _candidates(tiling, field):
        if _holds(changed := tiling.unchecked(**change)):
            if (text := spelled(changed, field)) not in tries:
                tries.append(text)
            if len(tries) == 2:
                break
    if _holds(tiling.unchecked(large_shared=True)):
        tries = [*tries[:1], "large-shared to opt in to more"]
    if tries:
        return "try " + " or ".join(tries), ()
    name = field.replace("-", "_")
    if name in USUAL and _holds(tiling.unchecked(**{name: USUAL[name]})):
        return f"leave {field} out", (field,)
    return _plain(tiling)


def _holds(tiling: Tiling) -> bool:
    return not any(tiling.broken())


def _plain(tiling: Tiling) -> tuple[str, tuple[str, ...]]:
    """A common tiling, with as much of the rest as goes with it."""
    kept = tiling.unchecked(**PLAIN, **{**USUAL, "large_shared": tiling.large_shared})
    left = []
    for name in USUAL:
        more = kept.unchecked(**{name: getattr(tiling, name)})
        if _holds(more):
            kept = more
        else:
            left.append(name.replace("_", "-"))
    leave = f", and leave {' and '.join(left)} out" if left else ""
    return f"try cta 128x128x8 with thread 8x8{leave}", tuple(left)


def _candidates(tiling: Tiling, field: str) -> list[dict[str, Any]]:
    """Changes of one field that may mend it, the nearest first."""
    match field:
        case "cta":
            return _candidate_tiles(tiling)
        case "thread":
            pairs = _nearest(_sides(tiling), (tiling.tm, tiling.tn))
            return [{"tm": tm, "tn": tn} for tm, tn in pairs]
        case "warp":
            pairs = _nearest(_sides(tiling), tiling.warp or (1, 1))
            return [{"warp": pair} for pair in pairs]
        case "vector":
            return [{"vector": vector} for vector in (4, 2, 1)]
        case "pad":
            row = WORD * tiling.bk * tiling.stages
            most = tiling.shared_limit // row - tiling.bm - tiling.bn
            return [{"pad": pad} for pad in (max(0, min(most, 4)), 0)]
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
    sides[2] += [d for d in _divisors_of(tiling.bk) if d not in sides[2]]
    return [{"bm": bm, "bn": bn, "bk": bk} for bm, bn, bk in _nearest(sides, wanted)]


def _sides(tiling: Tiling) -> list[list[int]]:
    return [_divisors_of(tiling.bm), _divisors_of(tiling.bn)]


def _divisors_of(whole: int) -> list[int]:
    """None of what is too long a side to fit into shared memory anyway."""
    if not is_whole(whole) or whole * WORD > SHARED_LIMIT_OPT_IN:
        return []
    return divisors(whole)


def divisors(n: int) -> list[int]:
    """Ascending."""
    low = [d for d in range(1, isqrt(n) + 1) if n % d == 0]
    return low + [n // d for d in reversed(low) if d * d != n]


def _nearest(sides: list[list[int]], wanted: tuple[int, ...]) -> list[tuple[int, ...]]:
    """One of each side, by how many times larger or smaller than wanted; squares first."""

    def far(sizes: tuple[int, ...]) -> tuple[float, int, tuple[int, ...]]:
        times = (
            abs(log(size / want)) if is_whole(want) else abs(log(size / 4))
            for size, want in zip(sizes, wanted, strict=True)
        )
        return round(sum(times), 9), abs(sizes[0] - sizes[1]), tuple(-size for size in sizes)

    return sorted(product(*sides), key=far)
