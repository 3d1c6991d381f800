"""One CTA makes one tile of C by marching along K."""

from scenes.stage.counters import count
from scenes.stage.film import Film
from scenes.stage.pace import Beat, pace, to_read
from scenes.stage.stage import Stage
from tiling.schedule import Barrier, Copy, Fragments, Schedule, Store
from tiling.shapes import WARP, dims
from tiling.state import state_at
from tiling.traffic import traffic


class Overview(Film):
    """The whole schedule of one CTA: first k-tile slowly, the middle quickly, the store."""

    def construct(self) -> None:
        self.stage = Stage(self.choice, self.look)
        self.add(self.stage)
        schedule = self.stage.schedule

        self.chapter("start")
        opening = self._opening(schedule)
        self.say(opening)
        self.hold(to_read(opening))
        for beat in pace(schedule):
            self._tell(schedule, beat)
            if schedule.events[beat.first] == self._telling(schedule):
                self.poster_at = self.now
            self.enact(self.stage, beat.last, beat.seconds)

        closing = self._closing(schedule)
        self.say(closing)
        self.hold(to_read(closing) + 0.6)
        self.say(opening)
        self.rewind(self.stage, 1.0)

    def _tell(self, schedule: Schedule, beat: Beat) -> None:
        """What is said when these events begin, and the chapters they open."""
        event, last = schedule.events[beat.first], schedule.k_tiles - 1
        told = beat.last == beat.first + 1
        match event:
            case Copy("A", 0):
                self.chapter("load")
                self.say("Loading tiles from global to shared memory")
            case Copy("A", 1):
                self.chapter("next k-tile")
                self.say("The next tiles along K: load, wait, accumulate")
            case Copy("B", 0) if self._hangs(schedule):
                self.say("Nothing is requested beyond an edge: zeros fill the tile")
            case Barrier(0, "reads"):
                self.explain("Barrier: wait until the tiles are complete")
            case Fragments(0, 0):
                self.chapter("accumulate")
                self.say("One thread's output: accumulate outer products in registers")
            case Barrier(1, "overwrite"):
                self.explain("Barrier: wait until nobody reads the old tiles")
            case Barrier(2, "overwrite") if not told:
                self.chapter("along K")
                self.say(f"And so on along K: {last - 2} more k-tiles")
            case Copy("A", k_tile) if told and k_tile == last > 1:
                self.chapter("last k-tile")
                self.say("The last tiles along K")
            case Store():
                self.chapter("store")
                self.say("Every thread stores its results to C")

    def _telling(self, schedule: Schedule) -> Fragments:
        """Before this event everything can be seen at once: a still of it stands for the clip."""
        return Fragments(min(1, schedule.k_tiles - 1), min(1, schedule.tiling.bk - 1))

    def explain(self, text: str) -> None:
        """Say it, and let it be read while the picture stands still."""
        self.say(text)
        self.hold(to_read(text))

    def _hangs(self, schedule: Schedule) -> bool:
        return any(schedule.inside(op) != schedule.tiling.tile_shape(op) for op in ("A", "B"))

    def _opening(self, schedule: Schedule) -> str:
        tiling = schedule.tiling
        toy = "A toy: one" if tiling.threads < WARP else "One"
        threads = f"{tiling.threads} thread" + "s" * (tiling.threads > 1)
        return f"{toy} CTA of {threads} makes one {dims(tiling.bm, tiling.bn)} tile of C"

    def _closing(self, schedule: Schedule) -> str:
        cta = traffic(schedule).cta
        requested = state_at(schedule, len(schedule.events)).requested_bytes
        ratio = f"{cta.intensity:.3g}"
        return f"{count(cta.flop)}FLOP for {count(requested)}B requested: {ratio} FLOP per byte"
