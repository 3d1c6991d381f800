"""In which width does the machine code make each access of PTX?

ptxas may make one request of neighbouring accesses, or several of one; only the machine code tells.
With line information both know the line of the source that an access comes from, and the lines into
which that was inlined.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple, TypeAlias

from tiling.ptx.asked import Asked
from tiling.ptx.sass import Request
from tiling.ptx.syntax import Source

Widths: TypeAlias = Counter[int]
"""How many requests there are of each width, in bits of one thread."""


class Made(NamedTuple):
    """One request as the machine makes it: of one access, or of neighbours together. If `bits` is
    less than they ask for, it is made in parts of so many bits."""

    places: tuple[int, ...]
    bits: int


@dataclass(frozen=True)
class Group:
    """Accesses of PTX that share a line of the source, and the requests there in the machine code.

    places     of the accesses, in PTX's order; none where only the machine code has something
    source     of the first of them
    asked      their widths
    found      the widths in the machine code, where each may stand several times
    verdict    "as PTX says", "merged", "split", "gone" (the machine code has none), "added" (PTX
               has none), or "differs"
    made       the accesses as requests of the machine code; if it differs, as PTX has them
    merged     where it differs, the same with all neighbours merged that could be; else as `made`
    elsewhere  those of `found` that stand outside of the loop that `made` speaks of, and have other
               widths
    """

    places: tuple[int, ...]
    source: Source | None
    space: str
    kind: str
    asked: Widths
    found: Widths
    verdict: str
    made: tuple[Made, ...]
    merged: tuple[Made, ...]
    elsewhere: Widths

    @property
    def certain(self) -> bool:
        """Whether every request of the machine code here is one of `made`."""
        return self.verdict in ("as PTX says", "merged", "split") and not self.elsewhere

    def __str__(self) -> str:
        """As `load shared, line 12: asked 16x32, found 4x128: merged`."""
        where = f", line {self.source.line}" if self.source else ""
        text = f"{self.kind} {self.space}{where}: asked {told(self.asked)}, "
        text += f"found {told(self.found)}: {self.verdict}"
        return text + (f", but for {told(self.elsewhere)}" if self.elsewhere else "")


def told(widths: Widths) -> str:
    """As `2x32, 4x128`: how many of how many bits."""
    return ", ".join(f"{many}x{bits}" for bits, many in sorted(widths.items())) or "none"


def compare(asked: Sequence[Asked], requests: Sequence[Request]) -> list[Group]:
    """In which width the machine code makes each access of PTX, with the accesses in groups.

    First all that agrees exactly is taken out, then what has one width whatever its number, then
    what the machine code has several times (ptxas repeats a loop's body), last what agrees within
    a loop alone.
    """
    groups: list[Group] = []
    left: Side = (list(asked), list(requests))
    for rule in RULES:
        # One width everywhere says nothing of the chains of a line, so there lines come first.
        for level in LEVELS[rule is _same :]:
            left = _settle(left, level, rule, groups)
    for accesses, found in _sides(left, LEVELS[1]).values():
        verdict = "added" if not accesses else "differs" if found else "gone"
        plain = [Made((one.place,), one.bits) for one in accesses]
        groups.append(_group(accesses, found, Explained(verdict, plain)))
    return sorted(groups, key=lambda group: group.places or (len(asked),))


Side: TypeAlias = tuple[list[Asked], list[Request]]
Level: TypeAlias = Callable[[Asked | Request], Hashable]

LEVELS: tuple[Level, ...] = (
    lambda one: (one.source, one.space, one.kind),
    # ptxas loses the outer lines of an instruction where its neighbour has the same inner line.
    lambda one: (one.source and one.source[:2], one.space, one.kind),
    # ptxas may have found out the space of a generic address.
    lambda one: (one.source and one.source[:2], one.kind),
    lambda one: (one.space, one.kind),
)
"""By what accesses and requests are grouped, the narrowest first."""


def _sides(both: Side, level: Level) -> dict[Hashable, Side]:
    found: dict[Hashable, Side] = defaultdict(lambda: ([], []))
    for access in both[0]:
        found[level(access)][0].append(access)
    for request in both[1]:
        found[level(request)][1].append(request)
    return found


class Explained(NamedTuple):
    """How requests come from accesses, and those that do not."""

    verdict: str
    made: list[Made]
    elsewhere: Sequence[Request] = ()


Rule: TypeAlias = Callable[[list[Asked], list[Request]], Explained | None]


def _settle(left: Side, level: Level, rule: Rule, groups: list[Group]) -> Side:
    """Add the groups that a rule explains; what is left."""
    rest: Side = ([], [])
    for accesses, found in _sides(left, level).values():
        explained = rule(accesses, found) if accesses and found else None
        if explained is None:
            rest[0].extend(accesses)
            rest[1].extend(found)
        else:
            groups.append(_group(accesses, found, explained))
    return sorted(rest[0], key=lambda one: one.place), rest[1]


def _group(accesses: list[Asked], found: list[Request], explained: Explained) -> Group:
    made = tuple(explained.made)
    first: Asked | Request = accesses[0] if accesses else found[0]
    return Group(
        tuple(one.place for one in accesses),
        first.source,
        first.space,
        first.kind,
        _widths(accesses),
        _widths(found),
        explained.verdict,
        made,
        tuple(_as_wide_as_can_be(accesses)) if explained.verdict == "differs" else made,
        _widths(explained.elsewhere),
    )


def _widths(some: Sequence[Asked | Request]) -> Widths:
    return Counter(one.bits for one in some)


def _equal(accesses: list[Asked], found: list[Request]) -> Explained | None:
    """The same words, once."""
    return _explained(accesses, _widths(found))


def _same(accesses: list[Asked], found: list[Request]) -> Explained | None:
    """One width here and there, whatever the number."""
    return _alike(accesses, found) if set(_widths(accesses)) == set(_widths(found)) else None


def _repeated(accesses: list[Asked], found: list[Request]) -> Explained | None:
    """The same words, several times."""
    times = _total(found) // _total(accesses)
    widths = _widths(found)
    if times < 2 or any(many % times for many in widths.values()):
        return None
    return _explained(accesses, Counter({bits: many // times for bits, many in widths.items()}))


def _alike(accesses: list[Asked], found: list[Request]) -> Explained | None:
    """One width there, which all accesses can have, whatever the number."""
    bits, *more = _widths(found)
    return None if more else _explained(accesses, Counter({bits: _total(accesses) // bits}))


def _looped(accesses: list[Asked], found: list[Request]) -> Explained | None:
    """The same words in one loop, and others outside of it: a round that ptxas has peeled off."""
    explained = []
    for loop in {one.loop for one in found} - {-1}:
        inside = [one for one in found if one.loop == loop]
        outside = [one for one in found if one.loop != loop]
        if one := _explained(accesses, _widths(inside)):
            explained.append(one._replace(elsewhere=outside))
    return explained[0] if len(explained) == 1 else None


RULES: tuple[Rule, ...] = (_equal, _same, _repeated, _alike, _looped)


def _explained(accesses: list[Asked], want: Widths) -> Explained | None:
    """The accesses as requests of the widths wanted, if that can be in one way only."""
    if _total(accesses) != sum(bits * many for bits, many in want.items()):
        return None
    parts = [[one] for one in accesses]
    for bits in sorted(want, reverse=True):
        lacking = want[bits] - sum(_total(part) == bits for part in parts)
        whole = _neighbours(parts, bits)
        if lacking == len(whole):
            parts = _merged(parts, whole)
    have = Counter(map(_total, parts))
    too_wide, lacking_widths = have - want, want - have
    least = max(lacking_widths, default=0)
    if len(lacking_widths) > 1 or any(want[bits] or bits < least for bits in too_wide):
        return None  # only some of a width would be split, and nobody knows which
    made = [
        Made(tuple(one.place for one in part), min(_total(part), least or _total(part)))
        if _total(part) in too_wide
        else Made(tuple(one.place for one in part), _total(part))
        for part in parts
    ]
    merged = len(parts) < len(accesses)
    return Explained("split" if too_wide else "merged" if merged else "as PTX says", made)


def _total(some: Sequence[Asked | Request]) -> int:
    return sum(one.bits for one in some)


def _neighbours(parts: list[list[Asked]], bits: int) -> list[list[Asked]]:
    """Those that together fill `bits` without a gap, from an offset that is a multiple of it."""
    slots: dict[Hashable, list[Asked]] = defaultdict(list)
    for one in (one for part in parts if _total(part) < bits for one in part):
        if one.kind in ("load", "store"):
            slots[one.run, 8 * one.offset // bits].append(one)
    return [
        in_order
        for slot in slots.values()
        if _total(in_order := sorted(slot, key=lambda one: one.offset)) == bits
        and all(one.offset + one.bits // 8 == after.offset for one, after in pairwise(in_order))
    ]


def _merged(parts: list[list[Asked]], whole: list[list[Asked]]) -> list[list[Asked]]:
    """The parts in PTX's order, those that are in `whole` now as one."""
    taken = {one.place for part in whole for one in part}
    left = [part for part in parts if part[0].place not in taken]
    return sorted(left + whole, key=lambda part: min(one.place for one in part))


def _as_wide_as_can_be(accesses: list[Asked]) -> Iterator[Made]:
    parts = [[one] for one in accesses]
    for bits in 128, 64, 32:
        parts = _merged(parts, _neighbours(parts, bits))
    return (Made(tuple(one.place for one in part), _total(part)) for part in parts)
