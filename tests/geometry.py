"""Whether what is written can be read, at one moment of a scene: where things lie.

A text counts from half its opacity on: one that comes or goes is under half of it while another
takes its place. None of those that count
- is too small, leaves the margin, or touches another text; words keep AIR from one another;
- has the border of a panel, an outline or a bar under it (lines thinner than OUTLINE may be);
- is covered by a shape that is drawn over it.
What flies from one memory to another brings its numbers along, and may pass over others, and over
what stands in the very box from which it starts or in which it lands. It may pass over words, too,
but does not rest on them: it covers them at one moment within a play at most.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from manim import Mobject, VMobject

from scenes.kit.bars import Bars
from scenes.kit.look import PIXEL, Box
from scenes.kit.motion import Carry, Travel
from scenes.kit.panel import Panel
from scenes.kit.shapes import STROKE, Patch, Slab
from scenes.kit.tiling_scene import TilingScene
from scenes.kit.type import Label, Texts

PHONE = 360
"""Pixels across a phone."""

AIR = 3
"""Design pixels between words, at least."""

OUTLINE = 2
"""Design pixels from which a line is an outline."""

WORD = re.compile("[a-z]{2}|[A-Z]{3}")
"""What tells words from numbers, and from the names of axes."""

HALF = 0.5
"""Opacity from which something is seen."""


@dataclass(frozen=True)
class Written:
    """The texts of one mobject: their inks (texts, 4), what is wrong with each by itself, and the
    air that others leave them."""

    says: list[str]
    inks: np.ndarray
    wrong: list[str]
    air: float


class Geometry:
    """What has been found out about each mobject, for as long as it lies where it lies."""

    def __init__(self) -> None:
        self.written: dict[VMobject, tuple[np.ndarray, Written]] = {}
        self.boxes: dict[VMobject, tuple[np.ndarray, np.ndarray]] = {}
        self.play, self.passed = -1, set[str]()

    def flaws(self, film: TilingScene, parts: list[Mobject]) -> list[str]:
        flights = {m.mobject: m for m in film.animations or () if isinstance(m, (Carry, Travel))}
        slabs = [part for part in parts if isinstance(part, Slab)]
        texts, order = list[Written](), list[int]()
        for at, part in enumerate(parts):
            if isinstance(part, (Label, Texts)) and seen(part) and part not in flights:
                texts.append(self._written(film, part))
                order += [at] * len(texts[-1].says)
        if not order:
            return []
        says = [word for text in texts for word in text.says]
        inks = np.concatenate([text.inks for text in texts])
        wrong = [flaw for text in texts for flaw in text.wrong] + touching(texts)
        still = [slab for slab in slabs if slab not in flights]
        wrong += [f"{says[i]!r} {what}" for i, what in under(parts, still, inks)]
        passed = set[str]()
        for i, flies in self._over(film, parts, flights, inks, np.array(order)):
            if flies and WORD.search(says[i]):
                passed.add(f"{says[i]!r} is flown over at two moments of a play")
            elif not flies:
                wrong.append(f"{says[i]!r} is covered")
        play = film.renderer.num_plays
        wrong += sorted(passed & self.passed) if play == self.play else []
        self.play, self.passed = play, passed
        return wrong

    def _written(self, film: TilingScene, mobject: Label | Texts) -> Written:
        points, written = self.written.get(mobject, (None, None))
        if written is None or points is not mobject.points:
            written = alone(film, mobject)
            self.written[mobject] = mobject.points, written
        return written

    def _over(
        self,
        film: TilingScene,
        parts: list[Mobject],
        flights: dict[Mobject, Carry | Travel],
        inks: np.ndarray,
        order: np.ndarray,
    ) -> Iterator[tuple[int, bool]]:
        """(text, whether it flies) where a shape is drawn over texts."""
        first = int(order.min())
        shapes = [
            (at, shape, self._boxes(film, shape))
            for at, shape in enumerate(parts[first:], first)
            if isinstance(shape, (Slab, Patch)) and seen(shape)
        ]
        if not shapes:
            return
        boxes = np.concatenate([each for _, _, each in shapes])
        which = np.repeat(np.arange(len(shapes)), [len(each) for _, _, each in shapes])
        later = np.array([at for at, _, _ in shapes])[which] > order[:, None]
        over = (shared(inks, boxes) > 1) & later
        for i, one in sorted({(i, int(which[box])) for i, box in np.argwhere(over).tolist()}):
            _, shape, _ = shapes[one]
            if shape not in flights:
                yield i, False
            elif not within(inks[i][None], grown(ends_of(film, flights[shape]), 1)).any():
                yield i, True

    def _boxes(self, film: TilingScene, shape: Slab | Patch) -> np.ndarray:
        """(boxes, 4) of a slab, or of each box of a patch."""
        points, boxes = self.boxes.get(shape, (None, None))
        if boxes is None or points is not shape.points:
            boxes = boxes_in(film, shape.points)
            self.boxes[shape] = shape.points, boxes
        return boxes


def family(film: TilingScene) -> list[Mobject]:
    """All parts, in the order in which they are drawn."""
    found: dict[Mobject, None] = {}

    def gather(mobjects: list[Mobject]) -> None:
        for mobject in mobjects:
            found[mobject] = None
            gather(mobject.submobjects)

    gather(film.mobjects)
    return list(found)


def seen(shape: VMobject) -> bool:
    """Whether at least half of a filled shape is seen."""
    return bool(len(shape.points)) and shape.fill_rgbas[0, 3] >= HALF


def alone(film: TilingScene, mobject: Label | Texts) -> Written:
    """The texts of a mobject, looked at by themselves."""
    look, label = film.look, isinstance(mobject, Label)
    says = [mobject.text] if label else [text for text in mobject.texts.flat if text]
    inks = sides(mobject.boxes)
    if len(says) == 1:  # with what reaches under the baseline, or over the capitals
        at = in_pixels(film, mobject.points)
        inks = np.concatenate([at.min(axis=0), at.max(axis=0)])[None]
    wrong = []
    for text, out in zip(says, ~within(inks, sides([look.margin.inset(-1)]))[:, 0], strict=True):
        if out:
            wrong.append(f"{text!r} leaves the margin")
        if mobject.size < 22:
            wrong.append(f"{text!r} is {mobject.size:.0f} px large")
        if look.aspect == "tall" and mobject.size * PHONE / look.frame.w < 11:
            wrong.append(f"{text!r} is under 11 px on a phone")
    meet = np.argwhere(np.tril(shared(grown(inks, 1), inks) > 0.01, -1))
    wrong += [f"{says[i]!r} touches {says[other]!r}" for i, other in meet]
    return Written(says, inks, wrong, AIR if label else 1)


def touching(texts: list[Written]) -> list[str]:
    """Texts of two mobjects that touch."""
    ends = [(text.inks[:, :2].min(0), text.inks[:, 2:].max(0)) for text in texts]
    reach = np.array(ends).reshape(-1, 4)
    wrong = []
    for i, j in np.argwhere(np.tril(shared(grown(reach, AIR), reach) > 0.01, -1)):
        one, other = texts[i], texts[j]
        air = min(one.air, other.air)
        for a, b in np.argwhere(shared(grown(one.inks, air), other.inks) > 0.01):
            wrong.append(f"{one.says[a]!r} touches {other.says[b]!r}")
    return wrong


def under(parts: list[Mobject], slabs: list[Slab], inks: np.ndarray) -> Iterator[tuple[int, str]]:
    """(text, what is wrong) where borders, outlines and bars lie under texts."""
    panels = sides([part.box for part in parts if isinstance(part, Panel)])
    outlines = sides([slab.pose.box for slab in slabs if outlined(slab)])
    for lines, half, what in (
        (panels, 5, "crosses the border of a panel"),
        (outlines, 1, "has an outline through it"),
    ):
        crosses = (shared(inks, grown(lines, half)) > 0) & ~within(inks, grown(lines, -half))
        for i in np.flatnonzero(crosses.any(axis=1)):
            yield i, what
    figures = [part for part in parts if isinstance(part, Bars)]
    bars = sides([s.pose.box for bar in figures for s in bar.slabs.values() if s.pose.fill])
    own = sides([box for bar in figures for box in bar.letters.boxes])  # written into bars
    inside = (within(inks, grown(own, 3))[:, :, None] & within(inks, bars)[:, None]).any((1, 2))
    for i in np.flatnonzero((shared(inks, bars) > 0).any(axis=1) & ~inside):
        yield i, "lies on a bar"


def outlined(slab: Slab) -> bool:
    return slab.pose.stroke >= HALF and slab.stroke_width >= OUTLINE * STROKE


def in_pixels(film: TilingScene, points: np.ndarray) -> np.ndarray:
    """(points, 2) in design pixels."""
    frame = film.look.frame
    return points[:, :2] * (1 / PIXEL, -1 / PIXEL) + (frame.w / 2, frame.h / 2)


def ends_of(film: TilingScene, flight: Carry | Travel) -> np.ndarray:
    """(boxes, 4): from where something flies, and to where."""
    if isinstance(flight, Carry):
        return sides([flight.start.box, flight.to])
    return np.concatenate([boxes_in(film, flight.start), boxes_in(film, flight.end)])


def boxes_in(film: TilingScene, points: np.ndarray) -> np.ndarray:
    """(boxes, 4) of points that outline one box after another."""
    corners = in_pixels(film, points).reshape(-1, 16, 2)
    return np.concatenate([corners.min(axis=1), corners.max(axis=1)], axis=1)


def sides(boxes: list[Box]) -> np.ndarray:
    """(boxes, 4): left, top, right, bottom of each."""
    return np.array([(b.x, b.y, b.right, b.bottom) for b in boxes]).reshape(-1, 4)


def grown(boxes: np.ndarray, by: float) -> np.ndarray:
    """(boxes, 4): each larger on all sides."""
    return boxes + np.array([-by, -by, by, by])


def within(boxes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """(boxes, others): whether a box lies in another."""
    one, other = boxes[:, None], others[None]
    return (other[..., :2] <= one[..., :2]).all(-1) & (one[..., 2:] <= other[..., 2:]).all(-1)


def shared(boxes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """(boxes, others): the shorter side of what two boxes share, 0 or less if that is nothing."""
    one, other = boxes[:, None], others[None]
    ends, begins = np.minimum(one, other)[..., 2:], np.maximum(one, other)[..., :2]
    return (ends - begins).min(-1)
