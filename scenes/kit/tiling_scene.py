"""What every scene is: a picture, a caption line, chapters, and a clock that counts frames."""

from dataclasses import dataclass
from typing import ClassVar

from manim import Animation, Scene, VGroup

from scenes.kit.look import LABEL, Look
from scenes.kit.motion import Fade
from scenes.kit.places import caption_line
from scenes.kit.timing import to_read
from scenes.kit.type import CAP, Label, wrap
from tiling.presets import Choice, choose

LINES = 2
"""Of a caption, at most: a longer one is set smaller."""

TURN = 0.4
"""Seconds in which one caption makes room for the next."""


@dataclass(frozen=True)
class Mark:
    """Something said or begun at a time of the clip, in seconds.

    `shows` says in words what the picture shows meanwhile, for those who cannot see it.
    """

    seconds: float
    text: str
    shows: str = ""


class TilingScene(Scene):
    """A scene about one tiling in one look. Its parameters are class attributes, since Manim makes
    scenes without arguments; `publish` sets them on a subclass."""

    choice: ClassVar[Choice] = choose()
    look: ClassVar[Look] = Look()

    def setup(self) -> None:
        self.camera.background_color = self.look.theme.background
        self.captions: list[Mark] = []
        self.chapters: list[Mark] = []
        self.poster_at = -1.0  # a scene says when it can be seen whole
        self._caption = VGroup()
        self._turn: list[Animation] = []

    def say(self, text: str, chapter: str = "", shows: str = "") -> None:
        """Put words on the caption line, together with what is played next.

        If those before them have not stood long enough to be read, the picture stands till then.
        `chapter` names a part of the clip that begins with them, which a page can seek to. `shows`
        goes into the transcript: what is seen, numbers too, that the words do not say.
        """
        if self.captions:
            last = self.captions[-1]
            short = round(to_read(last.text) - (self.now - last.seconds), 3)
            if short > 0:
                self.hold(short)
        if chapter:
            self.chapters.append(Mark(self.now, chapter))
            self.next_section(chapter)
        place, size = caption_line(self.look)
        while len(lines := wrap(text, size, place.w, "MEDIUM")) > LINES and size > LABEL:
            size -= 2
        lead = size * 1.22
        top = place.center[1] - lead * (len(lines) - 1) / 2 + CAP * size / 2
        caption = VGroup(
            *(
                Label(
                    self.look,
                    line,
                    place.center[0],
                    top + i * lead,
                    size,
                    self.look.theme.ink,
                    "center",
                    weight="MEDIUM",
                )
                for i, line in enumerate(lines)
            )
        )
        self.captions.append(Mark(self.now, text, shows))
        if len(self._caption):
            old = [Fade(line, appear=False, run_time=TURN) for line in self._caption]
            self._turn = [*old, *(Fade(line, appear=True, run_time=TURN) for line in caption)]
        else:
            self.add(*caption)
        self._caption = caption

    @property
    def now(self) -> float:
        """Seconds so far. Run times are multiples of 0.2 s: whole frames at 15, 30 and 60."""
        return round(self.time, 3)

    def play_for(self, seconds: float, *animations: Animation) -> None:
        """Play for a time, and turn to a new caption if there is one."""
        turn, self._turn = self._turn, []
        for animation in animations:
            animation.set_run_time(seconds)
        self.play(*turn, *animations)

    def hold(self, seconds: float) -> None:
        """Let the picture stand."""
        if self._turn:
            turn, self._turn = self._turn, []
            self.play(*turn)
            seconds = round(seconds - TURN, 3)
        if seconds > 0:
            self.wait(seconds)
