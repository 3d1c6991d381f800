"""Whether texts stand out from what lies behind them: drawn, and measured."""

from functools import lru_cache
from typing import TypeAlias

import numpy as np
from manim import ManimColor, VMobject

from publish.frames import _merge
from scenes.kit.fast_mobject import FastMobject
from scenes.kit.look import Box, contrast
from scenes.kit.tiling_scene import TilingScene
from scenes.kit.type import Label, Texts

LEAST = 4.5
"""Contrast of a text with its ground: WCAG 2.2 for small text."""

AsDrawn: TypeAlias = tuple[object, bytes, bytes, float]
"""What a mobject is drawn with: its points, colours, width of stroke."""


class Contrast:
    """What stood last, and what was found then: only what has changed is looked at anew."""

    def __init__(self) -> None:
        self.stood: dict[VMobject, AsDrawn] = {}
        self.found: dict[VMobject, list[str]] = {}
        self.reach: dict[VMobject, Box] = {}
        self.kept: list[np.ndarray] = []  # so that no other array has the identity of one of these

    def flaws(self, film: TilingScene, shown: list[VMobject]) -> list[str]:
        """Texts whose contrast with what lies behind them is too low."""
        stands = {part: as_drawn(part) for part in shown}
        changed = {part for part, drawn in stands.items() if self.stood.get(part) != drawn}
        if changed or list(stands) != list(self.stood):
            redrawn = self._draw(film, stands)
            for text in (part for part in shown if isinstance(part, Label | Texts)):
                if text in changed:
                    self.reach[text] = film.renderer._reach(text)
                if text in changed or any(map(self.reach[text].meets, redrawn)):
                    self.found[text] = pale(film, text)
        self.stood, self.kept = stands, [part.points for part in shown]
        return [wrong for part in shown for wrong in self.found.get(part, ())]

    def _draw(self, film: TilingScene, stands: dict[VMobject, AsDrawn]) -> list[Box]:
        """Draw the shapes, where any is not as it was; and where that is."""
        renderer = film.renderer
        shapes, stood = (
            {m: drawn for m, drawn in these.items() if not isinstance(m, Label | Texts)}
            for these in (stands, self.stood)
        )
        same = [m for m, drawn in shapes.items() if stood.get(m) == drawn]
        kept = set(same)
        if not kept or [m for m in stood if m in kept] != same:  # the order is another
            redrawn = [renderer._whole()]
        else:
            gone = [reach for m, (reach, _) in renderer.paths.items() if m not in kept]
            redrawn = [box for box in (*gone, *map(renderer._reach, shapes.keys() - kept)) if box]
        renderer.paths = {m: renderer.paths[m] for m in same if m in renderer.paths}
        renderer.animated, renderer.moving = set(), list(shapes)
        renderer.static_image = renderer.camera.background
        renderer._redraw(_merge(redrawn))
        return redrawn


def as_drawn(mobject: VMobject) -> AsDrawn:
    points = mobject.points
    same = id(points) if isinstance(mobject, FastMobject) else points.tobytes()
    return same, mobject.fill_rgbas.tobytes(), mobject.stroke_rgbas.tobytes(), mobject.stroke_width


def pale(film: TilingScene, text: Label | Texts, least: float = LEAST) -> list[str]:
    if text.get_fill_opacity() < 1:
        return []
    scale = film.camera.pixel_width / film.look.frame.w
    ink, wrong = text.get_fill_color().to_hex(), []
    for box in text.boxes:
        x, y = int(box.x * scale) + 1, int(box.y * scale) + 1
        right, bottom = int(box.right * scale), int(box.bottom * scale)
        behind = film.camera.pixel_array[y:bottom, x:right, :3].reshape(-1, 3)
        found = contrast_on(ink, behind.tobytes())
        if found < least:
            wrong.append(f"{getattr(text, 'text', 'a number')!r} has contrast {found:.1f}")
    return wrong


@lru_cache(maxsize=4096)
def contrast_on(ink: str, behind: bytes) -> float:
    """Contrast of an ink with the pixels behind a text (RGB, one after the other), most of which
    are the same from play to play."""
    # What most of the text lies on; a grid line under it does not make it unreadable.
    common = np.median(np.frombuffer(behind, np.uint8).reshape(-1, 3), axis=0) / 255
    return contrast(ManimColor(ink), ManimColor.from_rgb(common))
