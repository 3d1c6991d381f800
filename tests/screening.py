"""A scene gone through without drawing, and what stands on the screen after each play."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from manim import ManimColor, VMobject, tempconfig

from publish.frames import FrameRenderer
from publish.settings import Clip
from publish.worker import film_class, manim_settings
from scenes.stage.film import Film
from scenes.stage.look import PIXEL, Box, contrast
from scenes.stage.type import Cells, Label
from scenes.stage.zone import Zone

PHONE = 360
"""Pixels across a phone."""


@dataclass(frozen=True)
class Text:
    """A text on the screen: its box from baseline to cap height, and its ink as it is drawn."""

    says: str
    box: Box
    ink: Box
    size: float


class Screening(FrameRenderer):
    """Draws nothing; calls `look_at` after each play."""

    def __init__(self, look_at: Callable[[Film], None]) -> None:
        super().__init__(sink=lambda planes, repeat: None, mine=lambda chapter: False)
        self.look_at = look_at

    def play(self, scene: Film, *args: Any, **options: Any) -> None:
        super().play(scene, *args, **options)
        self.look_at(scene)


@contextmanager
def configured(clip: Clip) -> Iterator[None]:
    with (
        tempfile.TemporaryDirectory() as folder,
        tempconfig(manim_settings(clip, Path(folder))),
    ):
        yield


def screen(clip: Clip, look_at: Callable[[Film], None]) -> Film:
    """Go through the clip's scene; `look_at` sees it after each play."""
    with configured(clip):
        film = film_class(clip)(renderer=Screening(look_at))
        film.render()
    return film


def texts(film: Film) -> list[Text]:
    """What can be read now."""
    found = []
    for mobject in film.camera.get_mobjects_to_display(film.mobjects):
        if not isinstance(mobject, Label | Cells) or mobject.get_fill_opacity() == 0:
            continue
        says = (
            [mobject.text] if isinstance(mobject, Label) else [t for t in mobject.texts.flat if t]
        )
        ink = ink_box(film, mobject)
        for text, box in zip(says, mobject.boxes, strict=True):
            found.append(Text(text, box, ink if len(says) == 1 else box, mobject.size))
    return found


def ink_box(film: Film, mobject: VMobject) -> Box:
    """What a mobject covers, in design pixels."""
    low, high = mobject.points.min(axis=0) / PIXEL, mobject.points.max(axis=0) / PIXEL
    frame = film.look.frame
    return Box(low[0] + frame.w / 2, frame.h / 2 - high[1], high[0] - low[0], high[1] - low[1])


def within(box: Box, other: Box) -> bool:
    across = other.x <= box.x and box.right <= other.right
    return across and other.y <= box.y and box.bottom <= other.bottom


def faults(film: Film) -> list[str]:
    """What is wrong with the picture: texts that touch, leave the margin, or are too small."""
    wrong, seen = [], texts(film)
    margin = film.look.margin
    shown = film.mobjects
    panels = [part.box for one in shown for part in one.get_family() if isinstance(part, Zone)]
    for i, text in enumerate(seen):
        if not within(text.ink, margin.inset(-1)):
            wrong.append(f"{text.says!r} leaves the margin")
        if text.size < 22:
            wrong.append(f"{text.says!r} is {text.size:.0f} px large")
        if film.look.aspect == "tall" and text.size * PHONE / film.look.frame.w < 11:
            wrong.append(f"{text.says!r} is under 11 px on a phone")
        for panel in panels:
            if text.ink.meets(panel) and not within(text.ink, panel.inset(5)):
                wrong.append(f"{text.says!r} crosses the border of a zone")
        for other in seen[:i]:
            if text.ink.inset(-1).intersect(other.ink) is not None:
                wrong.append(f"{text.says!r} touches {other.says!r}")
    return wrong


def pale(film: Film, least: float = 4.5) -> list[str]:
    """Texts whose contrast with what lies behind them is too low: drawn, and measured."""
    renderer, look = film.renderer, film.look
    shown = film.camera.get_mobjects_to_display(film.mobjects)
    renderer.animated, renderer.paths = set(), {}
    film.camera.reset()
    renderer._draw_all([m for m in shown if not isinstance(m, Label | Cells)], [renderer._whole()])
    scale = film.camera.pixel_width / look.frame.w
    wrong = []
    for mobject in shown:
        if isinstance(mobject, Label | Cells) and mobject.get_fill_opacity() == 1:
            for box in mobject.boxes:
                x, y = int(box.x * scale) + 1, int(box.y * scale) + 1
                right, bottom = int(box.right * scale), int(box.bottom * scale)
                behind = film.camera.pixel_array[y:bottom, x:right, :3].reshape(-1, 3)
                # What most of the text lies on; a grid line under it does not make it unreadable.
                common = np.median(behind, axis=0) / 255
                found = contrast(mobject.get_fill_color(), ManimColor.from_rgb(common))
                if found < least:
                    name = getattr(mobject, "text", "a number")
                    wrong.append(f"{name!r} has contrast {found:.1f}")
    return wrong
