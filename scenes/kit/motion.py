"""What moves: shapes on their way, texts that change. None needs a copy of what it moves."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Generic, TypeAlias, TypeVar

from manim import Animation, ManimColor, Scene, VMobject, rate_functions

from scenes.kit.look import Box, Look
from scenes.kit.route import Route
from scenes.kit.shapes import STROKE, Patch, Pose, Slab
from scenes.kit.type import Texts

M = TypeVar("M", bound=VMobject)
T = TypeVar("T", Texts, Patch)

Part: TypeAlias = tuple[float, float]
"""From one share of the run time to another."""


class Plain(Animation, Generic[M]):
    """An animation that needs no copy of what it moves."""

    def __init__(
        self,
        moved: M,
        rate_func: Callable[[float], float] = rate_functions.smooth,
        run_time: float = 1.0,
        introducer: bool = False,
        remover: bool = False,
    ) -> None:
        self.moved = moved
        super().__init__(
            moved,
            rate_func=rate_func,
            run_time=run_time,
            introducer=introducer,
            remover=remover,
        )

    def create_starting_mobject(self) -> M:
        return self.moved


class Move(Plain[Slab]):
    """A slab on its way to another pose, eased in a part of the run time, or evenly if None."""

    def __init__(self, slab: Slab, pose: Pose, part: Part | None = (0, 1)) -> None:
        self.pose = pose
        rate = during(*part) if part else rate_functions.linear
        super().__init__(slab, rate)

    def begin(self) -> None:
        self.start = self.moved.pose
        super().begin()

    def interpolate_mobject(self, alpha: float) -> None:
        self.moved.take(self.start.toward(self.pose, self.rate_func(alpha)))


class Jump(Move):
    """The same of an outline that may lie on numbers: it does not slide over those between, but
    goes out where it is and lights up where it comes to."""

    def interpolate_mobject(self, alpha: float) -> None:
        share = self.rate_func(alpha)
        pose, left = (self.start, 1 - 2 * share) if share < 0.5 else (self.pose, 2 * share - 1)
        self.moved.take(Pose(pose.box, pose.fill * left, pose.stroke * left))


class Carry(Plain[Slab]):
    """A slab that travels to another box in a part of the run time; it is seen only then."""

    def __init__(self, slab: Slab, to: Box, part: Part, route: Route) -> None:
        self.start, self.to, self.part, self.route = slab.pose, to, part, route
        super().__init__(slab, remover=True)

    def interpolate_mobject(self, alpha: float) -> None:
        there = Pose(self.to, self.start.fill, self.start.stroke)
        pose = self.start.toward(there, during(*self.part)(alpha))
        seen = self.part[0] <= alpha < self.part[1]
        self.moved.take(pose if seen else Pose(pose.box, 0, 0))


LANDED = 0.9
"""Share of the run time after which what is carried has arrived."""


def carried(look: Look, here: Box, there: Box, route: Route, strength: float, part: Part) -> Carry:
    """What travels from one memory to another: the operand's colour with an outline."""
    color = look.theme.tint(route.operand, strength)
    return Carry(Slab(look, here, color, look.theme.ink), there, part, route)


class Spread(Plain[Slab]):
    """A slab that grows over a box and then fades: a value used for every cell it covers. If it is
    `passing`, it is in the picture only while it does."""

    def __init__(
        self, slab: Slab, over: Box, passing: bool = False, opacity: float | None = None
    ) -> None:
        self.over, self.start = over, Pose(slab.pose.box, VEIL if opacity is None else opacity)
        super().__init__(slab, introducer=passing, remover=passing)

    def interpolate_mobject(self, alpha: float) -> None:
        grown = during(0, GROWN)(alpha)
        left = 1 - during(GROWN, 1)(alpha)
        pose = self.start.toward(Pose(self.over, self.start.fill), grown)
        self.moved.take(Pose(pose.box, self.start.fill * left))


VEIL = 0.4
"""Opacity of a Spread: two of them over one another, and both are seen."""


GROWN = 0.6
"""Share of a Spread's run time after which it has grown and the results appear."""


class Swap(Plain[VMobject]):
    """Texts or patches that become others at one moment of the run time."""

    def __init__(self, shown: T, other: T, moment: float) -> None:
        self.swap, self.moment = partial(shown.take, other), moment
        super().__init__(shown, rate_functions.linear)

    def interpolate_mobject(self, alpha: float) -> None:
        if alpha >= self.moment:
            self.swap()


class Fade(Plain[VMobject]):
    """Text that goes in the first half of the run time, or appears in the second."""

    def __init__(self, label: VMobject, appear: bool, run_time: float = 1.0) -> None:
        self.appear = appear
        super().__init__(label, run_time=run_time, introducer=appear, remover=not appear)

    def interpolate_mobject(self, alpha: float) -> None:
        opacity = during(0.5, 1)(alpha) if self.appear else 1 - during(0, 0.5)(alpha)
        self.moved.set_fill(opacity=opacity)


class Relight(Plain[Patch]):
    """A patch that goes out where it is in the first half, and lights up elsewhere in the other."""

    def __init__(self, patch: Patch, other: Patch, part: Part) -> None:
        self.other, self.part, self.here = other, part, patch.points
        self.seen = other.get_fill_opacity(), other.get_stroke_opacity()
        super().__init__(patch, rate_func=rate_functions.linear)

    def interpolate_mobject(self, alpha: float) -> None:
        first, last = self.part
        middle = (first + last) / 2
        there = alpha >= middle or not len(self.here)
        self.moved.set_points(self.other.points if there else self.here)
        share = during(middle, last)(alpha) if there else 1 - during(first, middle)(alpha)
        self.moved.set_fill(opacity=self.seen[0] * share)
        self.moved.set_stroke(opacity=self.seen[1] * share)


class Travel(Plain[VMobject]):
    """A path on its way to where another of as many points lies; seen in a part of the run time."""

    def __init__(self, path: VMobject, to: VMobject, part: Part, route: Route) -> None:
        self.start, self.end, self.part = path.points, to.points, part
        self.route = route
        self.seen = path.get_fill_opacity()
        super().__init__(path, rate_func=rate_functions.linear, introducer=True, remover=True)

    def interpolate_mobject(self, alpha: float) -> None:
        share = during(*self.part)(alpha)
        self.moved.set_points(self.start + (self.end - self.start) * share)
        seen = self.part[0] <= alpha < self.part[1]
        self.moved.set_fill(opacity=self.seen * seen)


class Dissolve(Plain[VMobject]):
    """A part of the picture, whatever is in it, that goes, or appears when another has gone."""

    def __init__(self, what: VMobject, appear: bool) -> None:
        self.appear = appear
        self.seen = [
            (part, part.get_fill_opacity(), part.get_stroke_opacity())
            for part in what.get_family()
            if len(part.points)
        ]
        super().__init__(
            what, rate_func=rate_functions.linear, introducer=appear, remover=not appear
        )

    def interpolate_mobject(self, alpha: float) -> None:
        share = during(0.5, 1)(alpha) if self.appear else 1 - during(0, 0.5)(alpha)
        for part, fill, stroke in self.seen:
            part.set_fill(opacity=fill * share, family=False)
            part.set_stroke(opacity=stroke * share, family=False)

    def clean_up_from_scene(self, scene: Scene) -> None:
        """What has left the scene may come back as it was."""
        super().clean_up_from_scene(scene)
        if not self.appear:
            for part, fill, stroke in self.seen:
                part.set_fill(opacity=fill, family=False).set_stroke(opacity=stroke, family=False)


def exchange(leave: Sequence[VMobject], come: Sequence[VMobject]) -> list[Animation]:
    """Some parts of the picture go, and others come in their place."""
    return [Dissolve(part, part in come) for part in (*leave, *come)]


class Glimpse(Plain[VMobject]):
    """Text that is seen from the moment it has something to say until a share of the run time."""

    def __init__(self, text: VMobject, until: float) -> None:
        self.until = until
        super().__init__(text, remover=True, introducer=True)

    def interpolate_mobject(self, alpha: float) -> None:
        self.moved.set_fill(opacity=float(0.25 <= alpha < self.until))


class Pulse(Plain[VMobject]):
    """A border that lights up and goes out again."""

    def __init__(self, border: VMobject, color: str, width: float) -> None:
        self.dark, self.thin = ManimColor(border.get_stroke_color()), border.get_stroke_width()
        self.light, self.thick = ManimColor(color), width * STROKE
        rate = rate_functions.there_and_back_with_pause
        super().__init__(border, rate)

    def interpolate_mobject(self, alpha: float) -> None:
        share = self.rate_func(alpha)
        width = self.thin + (self.thick - self.thin) * share
        self.moved.set_stroke(self.dark.interpolate(self.light, share), width)


class Arrive(Plain[VMobject]):
    """Something that lights up when it comes to a barrier, and goes out when all have come."""

    def __init__(self, who: VMobject, moment: float) -> None:
        self.moment = moment
        super().__init__(who, rate_func=rate_functions.linear)

    def interpolate_mobject(self, alpha: float) -> None:
        come = during(self.moment, min(self.moment + 0.1, OPENS - 0.01))(alpha)
        gone = during(OPENS, 1)(alpha)
        self.moved.set_fill(opacity=VEIL * come * (1 - gone))


OPENS = 0.85
"""Share of a barrier's time after which all go on."""


def during(first: float, last: float) -> Callable[[float], float]:
    """A rate function that eases in and out between two moments of the run time."""

    def rate(t: float) -> float:
        return float(rate_functions.smooth(min(1.0, max(0.0, (t - first) / (last - first)))))

    return rate
