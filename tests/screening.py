"""A scene gone through without drawing, and what stands on the screen after each play."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from manim import ManimColor, Mobject, VMobject
from manim.utils.family import extract_mobject_family_members

from publish import worker
from publish.frames import FrameRenderer, _merge
from publish.settings import Clip
from scenes.kit.bars import Bars
from scenes.kit.look import PIXEL, Box, contrast
from scenes.kit.panel import Panel
from scenes.kit.tiling_scene import TilingScene
from scenes.kit.type import Label, Texts

PHONE = 360
"""Pixels across a phone."""

AsDrawn: TypeAlias = tuple[bytes, bytes, bytes, float]


@dataclass(frozen=True)
class Text:
    """A text on the screen: its box from baseline to cap height, and its ink as it is drawn."""

    says: str
    box: Box
    ink: Box
    size: float


class Screening(FrameRenderer):
    """Draws nothing; calls `look_at` after each play."""

    def __init__(self, look_at: Callable[[TilingScene], None]) -> None:
        super().__init__(sink=lambda planes, repeat: None, mine=lambda chapter: False)
        self.look_at = look_at
        self.stood: dict[VMobject, AsDrawn] = {}
        self.paths = {}
        self.inks: dict[Mobject, tuple[np.ndarray, Box]] = {}
        self.looked: tuple[list[tuple[VMobject, AsDrawn]], list[str]] = [], []

    def play(self, scene: TilingScene, *args: Any, **options: Any) -> None:
        super().play(scene, *args, **options)
        self.look_at(scene)

    def draw_still(self, stands: dict[VMobject, AsDrawn]) -> None:
        """Draw mobjects: all that lies where anything is not as it was the last time."""
        same = [m for m, drawn in stands.items() if self.stood.get(m) == drawn]
        kept = set(same)
        gone = [reach for m, (reach, _) in self.paths.items() if m not in kept]
        come = [self._reach(m) for m in stands if m not in kept]
        ordered = bool(kept) and [m for m in self.stood if m in kept] == same
        self.animated, self.moving, self.stood = set(), list(stands), stands
        self.paths = {m: self.paths[m] for m in same if m in self.paths}
        self.static_image = self.camera.background
        other = _merge([box for box in gone + come if box])
        self._redraw(other if ordered else [self._whole()])


@contextmanager
def configured(clip: Clip) -> Iterator[None]:
    with tempfile.TemporaryDirectory() as folder, worker.configured(clip, Path(folder)):
        yield


def screen(clip: Clip, look_at: Callable[[TilingScene], None]) -> TilingScene:
    """Go through the clip's scene; `look_at` sees it after each play."""
    with configured(clip):
        film = worker.scene_class(clip)(renderer=Screening(look_at))
        film.render()
    return film


def flaws(film: TilingScene) -> list[str]:
    """What is wrong with the picture now."""
    parts = extract_mobject_family_members(film.mobjects, use_z_index=True)
    shown = [part for part in parts if len(part.points)]
    stands = {part: as_drawn(part) for part in shown}
    # While it stands as it stood, nothing else can be wrong with it.
    if list(stands.items()) != film.renderer.looked[0]:
        wrong = [*faults(film, parts, shown), *pale(film, stands)]
        film.renderer.looked = list(stands.items()), wrong
    return film.renderer.looked[1]


def as_drawn(mobject: VMobject) -> AsDrawn:
    """What is drawn with: its points, colours and width of stroke."""
    arrays = mobject.points, mobject.get_fill_rgbas(), mobject.get_stroke_rgbas()
    return *(array.tobytes() for array in arrays), mobject.stroke_width


def texts(film: TilingScene, shown: list[VMobject]) -> list[Text]:
    """What can be read."""
    found = []
    for mobject in shown:
        if not isinstance(mobject, Label | Texts) or mobject.get_fill_opacity() == 0:
            continue
        says = (
            [mobject.text] if isinstance(mobject, Label) else [t for t in mobject.texts.flat if t]
        )
        inks = [ink_box(film, mobject)] if len(says) == 1 else mobject.boxes
        for text, box, ink in zip(says, mobject.boxes, inks, strict=True):
            found.append(Text(text, box, ink, mobject.size))
    return found


def ink_box(film: TilingScene, mobject: VMobject) -> Box:
    """What a mobject covers, in design pixels."""
    points, box = film.renderer.inks.get(mobject, (None, None))
    if points is mobject.points:
        return box
    low, high = mobject.points.min(axis=0) / PIXEL, mobject.points.max(axis=0) / PIXEL
    frame = film.look.frame
    box = Box(low[0] + frame.w / 2, frame.h / 2 - high[1], high[0] - low[0], high[1] - low[1])
    film.renderer.inks[mobject] = mobject.points, box
    return box


def faults(film: TilingScene, parts: list[VMobject], shown: list[VMobject]) -> list[str]:
    """Texts that touch, leave the margin, or are too small."""
    wrong, seen = [], texts(film, shown)
    margin = film.look.margin
    inks = sides([text.ink for text in seen])
    for text, out in zip(seen, ~within(inks, sides([margin.inset(-1)]))[:, 0], strict=True):
        if out:
            wrong.append(f"{text.says!r} leaves the margin")
        if text.size < 22:
            wrong.append(f"{text.says!r} is {text.size:.0f} px large")
        if film.look.aspect == "tall" and text.size * PHONE / film.look.frame.w < 11:
            wrong.append(f"{text.says!r} is under 11 px on a phone")
    panels = [part.box for part in parts if isinstance(part, Panel)]
    crosses = shared(inks, sides(panels)) > 0
    crosses &= ~within(inks, sides([panel.inset(5) for panel in panels]))
    for i in np.flatnonzero(crosses.any(axis=1)):
        wrong.append(f"{seen[i].says!r} crosses the border of a panel")
    for figure in (part for part in parts if isinstance(part, Bars)):
        bars = [slab.pose.box for slab in figure.slabs.values() if slab.pose.fill]
        letters = [text.says in "AB" for text in seen]  # which are written into the bars
        for i in np.flatnonzero((shared(inks, sides(bars)) > 0).any(axis=1) & ~np.array(letters)):
            wrong.append(f"{seen[i].says!r} lies on a bar")
    grown = sides([text.ink.inset(-1) for text in seen])
    for i, other in np.argwhere(np.tril(shared(grown, inks) > 0.01, -1)):
        wrong.append(f"{seen[i].says!r} touches {seen[other].says!r}")
    return wrong


def sides(boxes: list[Box]) -> np.ndarray:
    """(boxes, 4): left, top, right, bottom of each."""
    return np.array([(b.x, b.y, b.right, b.bottom) for b in boxes]).reshape(-1, 4)


def within(boxes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """(boxes, others): whether a box lies in another."""
    one, other = boxes[:, None], others[None]
    return (other[..., :2] <= one[..., :2]).all(-1) & (one[..., 2:] <= other[..., 2:]).all(-1)


def shared(boxes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """(boxes, others): the shorter side of what two boxes share, 0 or less if that is nothing."""
    one, other = boxes[:, None], others[None]
    ends, begins = np.minimum(one, other)[..., 2:], np.maximum(one, other)[..., :2]
    return (ends - begins).min(-1)


def pale(film: TilingScene, stands: dict[VMobject, AsDrawn], least: float = 4.5) -> list[str]:
    """Texts whose contrast with what lies behind them is too low: drawn, and measured."""
    look = film.look
    shapes = {m: drawn for m, drawn in stands.items() if not isinstance(m, Label | Texts)}
    film.renderer.draw_still(shapes)
    scale = film.camera.pixel_width / look.frame.w
    wrong = []
    for mobject in stands:
        if isinstance(mobject, Label | Texts) and mobject.get_fill_opacity() == 1:
            ink = mobject.get_fill_color().to_hex()
            for box in mobject.boxes:
                x, y = int(box.x * scale) + 1, int(box.y * scale) + 1
                right, bottom = int(box.right * scale), int(box.bottom * scale)
                behind = film.camera.pixel_array[y:bottom, x:right, :3].reshape(-1, 3)
                found = contrast_on(ink, behind.tobytes())
                if found < least:
                    name = getattr(mobject, "text", "a number")
                    wrong.append(f"{name!r} has contrast {found:.1f}")
    return wrong


@lru_cache(maxsize=4096)
def contrast_on(ink: str, behind: bytes) -> float:
    """Contrast of an ink with the pixels behind a text (RGB, one after the other), most of which
    are the same from play to play."""
    # What most of the text lies on; a grid line under it does not make it unreadable.
    common = np.median(np.frombuffer(behind, np.uint8).reshape(-1, 3), axis=0) / 255
    return contrast(ManimColor(ink), ManimColor.from_rgb(common))
