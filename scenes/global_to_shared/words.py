"""What is said of a load, and told of it to those who cannot watch: of a tile for shared memory,
or, where there is none, of the values that threads read for themselves."""

from scenes.kit.amounts import grouped, plural
from scenes.kit.shot import Said
from tiling.for_scenes.loads import Load
from tiling.schedule import Schedule
from tiling.sectors import SECTOR
from tiling.shapes import WARP, dims


class LoadWords:
    """What is said of both alike. `good` and `bad` are sectors with lanes along rows and down
    columns."""

    this, all, rows, counted = "tile", "In all", "the rows", "for A's tile"

    def __init__(self, plan: Schedule, a: Load, b: Load) -> None:
        self.plan, self.tiling, self.a, self.b = plan, plan.tiling, a, b

    def one(self, columns: Load) -> str:
        return "One request" if columns.turns.requests[0] == 1 else "One turn of a warp"

    def first(self, rows: Load, columns: Load) -> str:
        good, bad = int(rows.turns.sectors[0]), int(columns.turns.sectors[0])
        return f"{self.one(columns)}: {plural(good, 'sector')} along rows, {bad} down columns"

    def whole(self, rows: Load, columns: Load, good: int, bad: int) -> Said:
        said = [self._sum(load, total) for load, total in ((rows, good), (columns, bad))]
        return Said(
            f"{self.all}: {said[0]} along rows, {said[1]} down columns",
            shows=(
                f"The requests {self.counted} touch {plural(good, 'sector')} with lanes along "
                f"{self.rows}, {plural(bad, 'sector')} with lanes down the columns. A bar for each."
            ),
        )

    def _sum(self, load: Load, total: int) -> str:
        """Sectors of all turns: as a sum where turns are few, for a sector may be in several."""
        each = [many for many in load.turns.sectors[: load.told].tolist() if many]
        if 1 < len(each) <= 4 and sum(each) == total:
            return f"{'+'.join(map(str, each))} = {total}"
        return grouped(total)

    def neighbours(self) -> bool:
        """Whether neighbouring lanes load neighbours."""
        return True

    def closing(self, good: int, bad: int) -> str:
        if good == bad:
            return f"For this {self.this} it is the same: {plural(good, 'sector')} either way"
        if good > bad:
            head = f"For this {self.this} the columns would do better"
            return f"{head}: {plural(bad, 'sector')}, not {grouped(good)}"
        head = "Neighbours load neighbours" if self.neighbours() else "Along rows it takes fewer"
        return f"{head}: {plural(good, 'sector')} {self.counted}, not {grouped(bad)}"


class OfTile(LoadWords):
    """A tile of A, then one of B, from global to shared memory."""

    def __init__(self, plan: Schedule, a: Load, b: Load) -> None:
        super().__init__(plan, a, b)
        sizes = dims(self.tiling.bm, self.tiling.bn, self.tiling.bk)
        self.target = "SHARED MEMORY", sizes

    def opening(self) -> Said:
        elements, threads = plural(self.a.size, "element"), plural(self.tiling.threads, "thread")
        return Said(
            f"{toy(self.plan)}{elements} of A for {threads}: who fetches which?",
            "who fetches what",
            f"{window_shown(self.plan)} and As and Bs, still empty, in shared memory.",
        )

    def order(self) -> str:
        if self.tiling.threads == 1:
            return "The one thread fetches element after element"
        vector = self.tiling.request("A")
        if vector == self.tiling.bk:
            return "Lanes in order: each fetches the next row of the tile"
        several = "" if vector == 1 else f"{vector} "
        return f"Lanes in order: each fetches the next {several}element{'s' * bool(several)}"

    def landing(self) -> Said:
        words = self.a.found.word[:3]
        places = zip(self.a.lane, words, *self.a.target.element(words), strict=False)
        told = [
            f"lane {lane} writes word {word}, which is As[{k}][{i}]" for lane, word, k, i in places
        ]
        text = "A row of A becomes a column of As in shared memory"
        if self.a.target.twist:
            text = "A row of A becomes a column of As; the swizzle moves its words between banks"
        return Said(text, "to shared", sentence(told))

    def zeros(self) -> Said:
        zeros = int((~self.a.inside).sum())
        return Said(
            "Outside A nothing is requested: these lanes write zeros",
            shows=f"{zeros} of the tile's {self.a.size} elements lie outside A: pale in As.",
        )

    def turn_by_turn(self) -> str:
        of, inside = self.a.turns, self.a.inside
        count, idle = int(of.turn[-1]) + 1, self.a.idle_at_last
        if not inside.all() and inside[: of.edges[1]].all():
            return "Outside A nothing is requested: zeros are written"
        if idle:
            return f"Turn by turn: the last leaves {plural(idle, 'thread')} idle"
        what, warps = plural(self.a.count(of.requests), "request"), int(of.warp.max()) + 1
        return f"{plural(warps, 'warp')} in {plural(count, 'turn')}: {what} load A's tile"

    def other(self) -> str:
        return "B keeps its shape: a row of B is a row of Bs"

    def columns(self, tall: bool) -> Said:
        one, other = ("top", "bottom") if tall else ("left", "right")
        return Said(
            "And if lanes were numbered down the columns?",
            "down the columns",
            f"Two windows on A's tile: at the {one} lanes are numbered along its rows, at the "
            f"{other} down its columns. The first turn of a warp is filled in, lane by lane.",
        )


class OfValues(LoadWords):
    """The values of A, then of B, that threads read at the first k from global memory to registers:
    those that have a result inside C."""

    this, all, rows, counted = "tiling", "A and B at k 0", "the rows of C", "at k 0"

    def __init__(self, plan: Schedule, a: Load, b: Load) -> None:
        super().__init__(plan, a, b)
        self.target = "REGISTERS", f"{self.tiling.tm} + {self.tiling.tn} a thread"

    def opening(self) -> Said:
        head = f"{toy(self.plan)}no shared memory: who fetches what at each k?"
        return Said(
            f"{head[:1].upper()}{head[1:]}",
            "who fetches what",
            f"{window_shown(self.plan)} and registers of the first threads, still empty.",
        )

    def order(self) -> str:
        if self.tiling.threads == 1:
            return "The one thread fetches value after value"
        first = slice(0, int(self.a.turns.edges[1]))
        if self.a.alone:
            return "Lanes in order: each fetches from a row of its own"
        if self.a.inside[first].all() and len(set(self.a.row[first].tolist())) == 1:
            return "Lanes in order: all fetch the same element"
        return "Lanes in order: those of one row of C fetch the same element"

    def landing(self) -> Said:
        return Said(
            "Each keeps it in a register, where no other thread sees it",
            "to registers",
            f"What they have read is now a[0] of {plural(int(self.a.turns.lanes[0]), 'lane')}.",
        )

    def zeros(self) -> Said:
        first, zeros = slice(0, int(self.a.turns.edges[1])), ~self.a.inside
        outside = bool((self.a.row[first] >= self.a.shape[0]).any())
        return Said(
            f"Outside {'A' if outside else 'C'} nothing is requested: these lanes hold zeros",
            shows=(
                f"{int(zeros[: self.a.done].sum())} of {self.a.done} values of A are zeros: what "
                "lies outside A, or is for a thread outside C."
            ),
        )

    def turn_by_turn(self) -> str:
        of, told = self.a.turns, self.a.told
        inside = self.a.inside[: self.a.done]
        if not inside.all() and inside[: of.edges[1]].all():
            return "Outside A nothing is requested, nor by threads outside C"
        warps, count = int(of.warp.max()) + 1, int(of.turn[told - 1]) + 1
        what = plural(self.a.count(of.requests), "request")
        return f"{plural(warps, 'warp')} in {plural(count, 'turn')}: {what} for A at this k"

    def again(self) -> Said:
        """Of the second k, if there is one."""
        first, second = (
            set(self.a.sector[part & self.a.inside].tolist())
            for part in (self.a.span(0, self.a.done), self.a.span(self.a.done, self.a.size))
        )
        same = "the same sectors of A are requested again"
        return Said(
            f"At the next k {same if first == second else 'all request again'}",
            "the next k",
            f"{plural(len(second), 'sector')} of A are outlined. Caches may still hold them.",
        )

    def other(self) -> str:
        of = self.b.turns
        lanes, sectors = plural(int(of.lanes[0]), "lane"), plural(int(of.sectors[0]), "sector")
        return f"One request for B: {lanes}, {sectors}"

    def one(self, columns: Load) -> str:
        return "One request for A"

    def columns(self, tall: bool) -> Said:
        one, other = ("top", "bottom") if tall else ("left", "right")
        return Said(
            "And if lanes were numbered down the columns of C?",
            "down the columns",
            f"Two windows on A: at the {one} lanes are numbered along the rows of C, at "
            f"the {other} down its columns. The first request of a warp is filled in, lane by "
            "lane.",
        )

    def _sum(self, load: Load, total: int) -> str:
        """Sectors of A and of B."""
        a = load.count(load.turns.sectors)
        return f"{grouped(a)}+{grouped(total - a)} = {grouped(total)}"

    def neighbours(self) -> bool:
        return self.tiling.tn == 1 or self.tiling.threads == 1


def toy(plan: Schedule) -> str:
    return "A toy: " if plan.tiling.threads < WARP else ""


def window_shown(plan: Schedule) -> str:
    tile = dims(*plan.tiling.tile_shape("A"))
    return (
        f"A window on A in global memory around the first tile of the CTA at {plan.cta}, {tile} "
        "elements, cut into sectors as they lie in memory; the lanes of a warp;"
    )


def first_lanes(load: Load) -> str:
    """Which elements the first lanes take."""
    first = int(load.turns.edges[1])
    found = zip(load.lane, load.row, load.col, load.inside, strict=True)
    told = [
        f"lane {lane} takes row {row}, column {col}"
        for _, (lane, row, col, inside) in zip(range(min(4, first)), found, strict=False)
        if inside
    ]
    rest = " And so on through the first turn." if first > 4 else ""
    return f"{sentence(told)}{rest}"


def first_sectors(load: Load) -> str:
    """In which sectors the elements of the first turn lie."""
    first = load.span(0, int(load.turns.edges[1])) & load.inside
    found = sorted(set(load.sector[first].tolist()))
    numbers = ", ".join(map(str, found[:8])) + (", …" if len(found) > 8 else "")
    return f"Outlined are the sectors they lie in, counted from where A begins: {numbers}."


def first_request(load: Load) -> str:
    """Of the first turn, how many requests, lanes and sectors."""
    of = load.turns
    requests = int(of.requests[0])
    said = "One request" if requests == 1 else plural(requests, "request")
    lanes, touched = plural(int(of.lanes[0]), "lane"), plural(int(of.sectors[0]), "sector")
    return f"{said}: {lanes}, {touched} of {SECTOR} bytes"


def totals(load: Load) -> str:
    """Of all that is told turn by turn."""
    of, what = load.turns, plural(load.done, "element")
    if load.schedule.tiling.direct:
        # What several threads read is a value of each.
        what = plural(load.count(of.lanes), "value")
    requests, touched = (
        plural(load.count(each), name)
        for each, name in ((of.requests, "request"), (of.sectors, "sector"))
    )
    return f"{what} in {requests} that touch {touched} in all"


def sentence(parts: list[str]) -> str:
    """One sentence of several, none of whose other letters change."""
    text = "; ".join(parts)
    return f"{text[:1].upper()}{text[1:]}."
