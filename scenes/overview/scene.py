"""One CTA makes one tile of C by marching along K."""

from scenes.kit.amounts import amount
from scenes.kit.tiling_scene import TilingScene
from scenes.kit.timing import FRAME, to_read
from scenes.overview.board import ThreeMemories
from scenes.overview.pace import Beat, pace
from tiling.for_scenes.one_thread import THREAD
from tiling.schedule import (
    Barrier,
    Commit,
    Copy,
    Exchange,
    Fragments,
    Schedule,
    Store,
    Wait,
)
from tiling.shapes import WARP, Tiling, dims
from tiling.state import state_at
from tiling.traffic import traffic


class Overview(TilingScene):
    """The whole schedule of one CTA: first k-tile slowly, the middle quickly, the store."""

    def construct(self) -> None:
        self.board = ThreeMemories(self.choice, self.look)
        self.add(self.board)
        schedule = self.board.schedule

        opening = self._opening(schedule)
        self.say(opening, "start", self._setting(schedule))
        for beat in pace(schedule):
            self._tell(schedule, beat)
            if schedule.events[beat.first] == self._telling(schedule):
                self.poster_at = self.now
            self._enact(beat.last, beat.seconds)

        closing = self._closing(schedule)
        self.say(closing)
        self.hold(to_read(closing) + 0.6)
        self.say(opening)
        self._rewind(1.0)

    def _enact(self, step: int, seconds: float) -> None:
        """Play the schedule's events up to a step."""
        self.play_for(seconds, *self.board.enact(step))
        self.board.settle(state_at(self.board.schedule, step, self.board.state))

    def _rewind(self, seconds: float) -> None:
        """Go back to where the schedule begins, so that the clip can loop."""
        self.play_for(seconds, *self.board.back())
        self.board.settle(state_at(self.board.schedule, 0))
        self.wait(FRAME)  # the last frames are the first one, numbers and all

    def _tell(self, schedule: Schedule, beat: Beat) -> None:
        """Open the chapter that begins with these events, and say what they are about."""
        event, tiling = schedule.events[beat.first], schedule.tiling
        last, ahead = schedule.k_tiles - 1, tiling.stages - 1
        alone = beat.last == beat.first + 1
        chapter = text = shows = ""
        match event:
            case Copy("A", 0):
                chapter, text = "load", "Loading tiles from global to shared memory"
                if tiling.asynchronous:
                    text = "Copies from global to shared memory begin; no thread waits for them yet"
                shows = self._loads(schedule, 0)
            case Copy("B", 0) if self._hangs(schedule):
                text = "Nothing is requested beyond an edge: zeros fill the tile"
            case Commit(0):
                text = "Commit: these copies form one group, to wait for later"
            case Copy("A", 1) if ahead > 1:
                text = "There are more stages: the next tiles begin to be copied too"
                shows = self._loads(schedule, 1)
            case Wait(0):
                text = "Wait: each thread, until its own copies have arrived"
                shows = "The first tiles, pale so far, take their full colour."
            case Barrier(0, "reads"):
                text = "Barrier: wait until the tiles are complete"
                shows = "The border of shared memory lights up."
            case Copy("A", k_tile) if k_tile == ahead > 0:
                text = "While one stage is multiplied, others are on their way"
                if tiling.stages == 2:
                    text = "While one stage is multiplied, the other is on its way"
                shows = self._loads(schedule, k_tile)
            case Fragments(0, 0):
                chapter = "accumulate"
                text = "One thread's output: accumulate outer products in registers"
                if tiling.direct:
                    text = "Threads read rows of A and columns of B, each for itself"
                shows = self._accumulates(schedule)
            case Fragments(0, 1) if tiling.fragments > 1:
                text = "The next fragments are read while these are multiplied"
            case Barrier(1, "overwrite"):
                text = "Barrier: wait until nobody reads the old tiles"
            case Barrier(1, "both"):
                text = "One barrier: this tile is complete, and nobody reads the one before"
            case Copy("A", 1) if not tiling.asynchronous:
                chapter, text = "next k-tile", "The next tiles along K: load, wait, accumulate"
                shows = self._loads(schedule, 1)
            case Wait(1):
                chapter, text = "next k-tile", "The next tiles had a whole k-tile of time to arrive"
                shows = "The tiles of the next stage take their full colour."
            case Fragments(1, 0) if tiling.direct:
                chapter, text = "next k-tile", "So it goes on along K, each thread for itself"
            case Barrier(2, "overwrite") | Wait(2) | Fragments(2, 0) if not alone:
                chapter, text = "along K", f"The same for each of the {last + 1} k-tiles"
            case Copy("A", k_tile) if not tiling.asynchronous and alone and k_tile == last > 1:
                chapter, text = "last k-tile", "The last tiles along K"
                if self._ragged(schedule) and not self._hangs(schedule):
                    text = "The last tiles along K: zeros fill what hangs over"
                shows = self._loads(schedule, last)
            case Wait(k_tile) if alone and k_tile == last > 1:
                chapter, text = "last k-tile", "The last tiles: nothing more is to be copied"
                if self._ragged(schedule) and not self._hangs(schedule):
                    text = "The last tiles along K: zeros fill what hangs over"
            case Store(None):
                whole = schedule.inside("C") == tiling.tile_shape("C")
                stored = "Every thread stores its results to C"
                chapter, text = "store", stored if whole else "Results that lie inside C are stored"
                shows = self._stores(schedule)
            case Barrier(None, "overwrite") if schedule.events[beat.first + 1] == Exchange(0):
                chapter, text = "store", "Barrier: nobody reads the tiles any more"
            case Exchange(0):
                text = "A row of each thread goes where the tiles lay"
                shows = self._stores(schedule)
            case Store(0):
                text = "So neighbouring threads store neighbours in a row of C"
            case Barrier(None, "overwrite") if schedule.events[beat.first + 1] == Exchange(1):
                text = f"The same for each of the {tiling.tm} rows a thread has"
        if text:
            self.say(text, chapter, shows)

    def _ragged(self, schedule: Schedule) -> bool:
        """Whether the last k-tile hangs over the end of K."""
        return schedule.gemm.k % schedule.tiling.bk != 0

    def _telling(self, schedule: Schedule) -> Fragments:
        """Before this event everything can be seen at once: a still of it stands for the clip."""
        tiling, k_tile = schedule.tiling, min(1, schedule.k_tiles - 1)
        stage = 0 if tiling.direct else k_tile % tiling.stages
        k = min(1, tiling.bk - 1)
        return Fragments(k_tile, k, stage, k % tiling.fragments)

    def _hangs(self, schedule: Schedule) -> bool:
        """Whether a tile of the first k-tile hangs over an edge, of A or of B."""
        return any(schedule.inside(op) != schedule.tiling.tile_shape(op) for op in ("A", "B"))

    def _opening(self, schedule: Schedule) -> str:
        tiling = schedule.tiling
        toy = "A toy: one" if tiling.threads < WARP else "One"
        threads = f"{tiling.threads} thread" + "s" * (tiling.threads > 1)
        return f"{toy} CTA of {threads} makes one {dims(tiling.bm, tiling.bn)} tile of C"

    def _setting(self, schedule: Schedule) -> str:
        gemm, tiling, (row, col) = schedule.gemm, schedule.tiling, schedule.cta
        return (
            f"Three panels. Global memory holds A ({dims(gemm.m, gemm.k)}), B "
            f"({dims(gemm.k, gemm.n)}) and C ({dims(gemm.m, gemm.n)}), A to the left of C and B "
            f"above it; the CTA in row {row}, column {col} of the grid is outlined in C. "
            f"{self._room(tiling)} The registers of thread {THREAD} hold "
            f"{dims(tiling.tm, tiling.tn)} accumulators. A strip shows the schedule: "
            f"{schedule.k_tiles} k-tiles, {len(schedule.events)} events."
        )

    def _room(self, tiling: Tiling) -> str:
        a, b = dims(tiling.bm, tiling.bk), dims(tiling.bk, tiling.bn)
        if tiling.direct:
            return "Shared memory is not used: the second panel is the registers of the whole CTA."
        if tiling.stages == 1:
            return f"Shared memory has room for a tile of A ({a}) and one of B ({b})."
        return f"Shared memory has room for {tiling.stages} tiles of A ({a}) and of B ({b})."

    def _loads(self, schedule: Schedule, k_tile: int) -> str:
        """Which elements travel, and what has been requested when they are there."""
        copy_b = schedule.events.index(Copy("B", k_tile, k_tile % schedule.tiling.stages))
        requested = state_at(schedule, copy_b + 1).requested_bytes
        (row, k), (rows, ks) = schedule.origin("A", k_tile), schedule.inside("A", k_tile)
        (_, col), (_, cols) = schedule.origin("B", k_tile), schedule.inside("B", k_tile)
        pale = ", pale as long as they are on their way" if schedule.tiling.asynchronous else ""
        return (
            f"{_span('Row', row, rows)} of A and {_span('column', col, cols)} of B, both at "
            f"{_span('k', k, ks)}, travel to shared memory{pale}. Then {amount(requested)}B have "
            "been requested."
        )

    def _accumulates(self, schedule: Schedule) -> str:
        tiling = schedule.tiling
        found = self._found(tiling.bk)
        reads = "reads"
        if tiling.direct and self._hangs(schedule):
            reads = "reads, or past an edge makes zeros for,"
        return (
            f"At each of the {tiling.bk} k of the tile, thread {THREAD} {reads} {tiling.tm} values "
            f"of a and {tiling.tn} of b, and adds each of their {tiling.tm * tiling.tn} products "
            f"to an accumulator.{found}"
        )

    def _stores(self, schedule: Schedule) -> str:
        (row, col), (rows, cols) = schedule.origin("C"), schedule.inside("C")
        found = self._found(schedule.k_tiles * schedule.tiling.bk)
        return (
            f"The tile of C, {_span('row', row, rows)} and {_span('column', col, cols)}, travels "
            f"from the registers to global memory.{found}"
        )

    def _found(self, k_done: int) -> str:
        """What the followed thread has accumulated, where its numbers can be read."""
        values = self.board.registers.values
        if values is None:
            return ""
        rows = "; ".join(", ".join(f"{x:g}" for x in row) for row in values.acc[k_done - 1])
        return f" Then the accumulators of thread {THREAD} are, row by row: {rows}."

    def _closing(self, schedule: Schedule) -> str:
        cta = traffic(schedule).cta
        requested = state_at(schedule, len(schedule.events)).requested_bytes
        done, asked = f"{amount(cta.flop)}FLOP", f"{amount(requested)}B requested"
        if cta.fma == cta.useful_fma:
            done = f"{amount(cta.fma).strip()} FMA, {done},"
            return f"{done} for {asked}: {cta.intensity:.3g} FLOP per byte"
        # The others are on zeros, or for results that nobody stores.
        useful = f"{amount(cta.useful_fma).strip()} of {amount(cta.fma).strip()} FMAs"
        return f"{useful} are of the product: {done} for {asked}, {cta.intensity:.3g} FLOP per byte"


def _span(name: str, first: int, count: int) -> str:
    """`rows 6 to 11`, `row 12`, `k 0 to 3`."""
    if count == 1:
        return f"{name} {first}"
    return f"{name}{'s' * (name != 'k')} {first} to {first + count - 1}"
