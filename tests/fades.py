"""Whether what comes and goes does so: it has gone before it is taken away, and it fades."""

from collections.abc import Iterator

from manim import Animation, Mobject

from scenes.kit.motion import Dissolve, Fade, Plain
from scenes.kit.tiling_scene import TilingScene


def stuck(film: TilingScene) -> Iterator[str]:
    """What is wrong with those that come or go in the play that begins."""
    for move in film.animations:
        goes, fades = isinstance(move, Plain) and move.remover, isinstance(move, Fade | Dissolve)
        if goes and at(move, 1) > 0:
            yield f"{name_of(move)} is taken away while it is seen"
        if fades and not any(0 < at(move, share) < 1 for share in (1 / 3, 2 / 3)):
            yield f"{name_of(move)} comes or goes at once"
        if goes or fades:
            move.interpolate(0)


def at(move: Animation, share: float) -> float:
    """How much is seen of what moves at a share of its run time."""
    move.interpolate(share)
    return max(map(opacity, move.mobject.get_family()))


def opacity(mobject: Mobject) -> float:
    if not len(mobject.points):
        return 0
    stroke = mobject.stroke_rgbas[0, 3] if mobject.stroke_width > 0 else 0
    return float(max(mobject.fill_rgbas[0, 3], stroke))


def name_of(move: Animation) -> str:
    return repr(getattr(move.mobject, "text", type(move.mobject).__name__))
