"""What every scene is: a picture, a caption line, chapters, and a clock that counts frames."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from manim import Animation, Camera, ManimColor, Scene, VGroup

from scenes.kit.explained import explanation, first_word
from scenes.kit.look import LABEL, Box, Look
from scenes.kit.motion import Fade
from scenes.kit.places import caption_line, note_line
from scenes.kit.shot import Act, Hold, Poster, Said, Shot
from scenes.kit.timing import to_read
from scenes.kit.type import CAP, Label, wrap
from tiling.presets import Choice, choose

LINES = 2
"""Of a caption, at most: a longer one is set smaller."""

NOTE = 24
"""Design pixels by which a caption stands higher where a word of it is explained."""

TURN = 0.4
"""Seconds in which one caption makes room for the next."""


@dataclass(frozen=True)
class Mark:
    """Something said or begun at a time of the clip, in seconds.

    `shows` says in words what the picture shows meanwhile, for those who cannot see it; `note`
    explains a word.
    """

    seconds: float
    text: str
    shows: str = ""
    note: str = ""

    @property
    def read(self) -> str:
        """All that there is to read."""
        return f"{self.text} {self.note}".strip()


class TilingScene(Scene):
    """A scene about one tiling in one look. Its parameters are class attributes, since Manim makes
    scenes without arguments; `publish` sets them on a subclass."""

    choice: ClassVar[Choice] = choose()
    look: ClassVar[Look] = Look()
    explained: ClassVar[tuple[str, ...]] = ()
    """Words of the trade that the picture itself explains."""

    def setup(self) -> None:
        assert isinstance(self.camera, Camera)
        self.camera.background_color = ManimColor(self.look.theme.background)
        self.captions: list[Mark] = []
        self.chapters: list[Mark] = []
        self.poster_at = -1.0  # a scene says when it can be seen whole
        self._caption = VGroup()
        self._known = set(self.explained)
        self._notes: dict[str, str] = {}
        self._turn: list[Animation] = []

    def tell(self, shots: Iterable[Shot]) -> None:
        """Play shots one after another."""
        for shot in shots:
            match shot:
                case Said():
                    self.say(*shot)
                case Hold(seconds):
                    self.hold(seconds)
                case Poster():
                    self.poster_at = self.now
                case _:
                    self.act(shot)

    def act(self, act: Act) -> None:
        """Play an act of this scene's own."""
        raise NotImplementedError

    def say(self, text: str, chapter: str = "", shows: str = "") -> None:
        """Put words on the caption line, together with what is played next.

        If those before them have not stood long enough to be read, the picture stands till then.
        `chapter` names a part of the clip that begins with them, which a page can seek to. `shows`
        goes into the transcript: what is seen, numbers too, that the words do not say. A word of
        the trade that stands here first is explained below, in small.
        """
        if self.captions:
            self._let_read(self.captions[-1].read)
        if chapter:
            self.chapters.append(Mark(self.now, chapter))
            self.next_section(chapter)
        note = self._note_of(text)
        self.captions.append(Mark(self.now, text, shows, note))
        caption = self._set(text, note)
        if len(self._caption):
            old = [Fade(line, appear=False, run_time=TURN) for line in self._caption]
            self._turn = [*old, *(Fade(line, appear=True, run_time=TURN) for line in caption)]
        else:
            self.add(*caption)
        self._caption = caption

    def tear_down(self) -> None:
        """The last words, too, stand as long as it takes to read them. They are the first again:
        what explains a word of them has been read."""
        self._let_read(self.captions[-1].text)
        super().tear_down()

    def _let_read(self, words: str) -> None:
        """Let the picture stand until the words that are on it can have been read."""
        short = round(to_read(words) - (self.now - self.captions[-1].seconds), 3)
        if short > 0:
            self.hold(short)

    def _note_of(self, text: str) -> str:
        """What explains a word of the caption; the same where the same is said again, so that a
        clip can end as it begins."""
        if text not in self._notes:
            word = first_word(text, self._known)
            self._known |= {word} if word else set()
            self._notes[text] = explanation(word) if word else ""
        return self._notes[text]

    def _set(self, text: str, note: str) -> VGroup:
        """The lines of a caption, and in small what explains a word of it."""
        place, size = caption_line(self.look)
        if note:
            place = Box(place.x, place.y, place.w, place.h - NOTE)
        while len(lines := wrap(text, size, place.w, "MEDIUM")) > LINES and size > LABEL:
            size -= 2
        lead, x, ink = size * 1.22, place.center[0], self.look.theme.ink
        top = place.center[1] - lead * (len(lines) - 1) / 2 + CAP * size / 2
        caption = VGroup()
        for i, line in enumerate(lines):
            caption.add(
                Label(self.look, line, x, top + i * lead, size, ink, "center", weight="MEDIUM")
            )
        if note:
            y, small = note_line(self.look)
            caption.add(Label(self.look, note, x, y, small, self.look.theme.muted, "center"))
        return caption

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
