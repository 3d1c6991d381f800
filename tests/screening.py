"""A scene gone through without drawing, and looked at within its plays and after each."""

import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from manim import Wait

from publish import worker
from publish.frames import FrameRenderer
from publish.settings import Clip
from scenes.kit.tiling_scene import TilingScene
from tests.claims import Hearing, untrue
from tests.claims_of_scenes import CLAIMS
from tests.colours import confused
from tests.contrast import Contrast
from tests.fades import stuck
from tests.flights import astray
from tests.geometry import Geometry, family
from tests.marks import hasty

MOMENTS = (0.45, 0.6)
"""Shares of a play at which it is looked into: what moves lies between two cells, then most of what
flies has half of its way behind it."""

LookAt = Callable[[TilingScene], None]


class Screening(FrameRenderer):
    """Draws nothing; calls `begun` before each play, `within` at MOMENTS of it, `look_at` after."""

    def __init__(self, look_at: LookAt, within: LookAt | None, begun: LookAt | None) -> None:
        super().__init__(sink=lambda planes, repeat: None, mine=lambda chapter: False)
        self.look_at, self.within, self.begun = look_at, within, begun
        self.geometry, self.contrast = Geometry(), Contrast()

    def play(self, scene: TilingScene, *args: Any, **options: Any) -> None:
        super().play(scene, *args, **options)
        self.look_at(scene)

    def _end(self, scene: TilingScene) -> None:
        if self.begun:
            self.begun(scene)
        if self.within and not isinstance(scene.animations[0], Wait):
            for share in MOMENTS:
                for animation in scene.animations:
                    animation.interpolate(min(1, share * scene.duration / animation.run_time))
                self.within(scene)
        super()._end(scene)


@contextmanager
def configured(clip: Clip) -> Iterator[None]:
    with tempfile.TemporaryDirectory() as folder, worker.configured(clip, Path(folder)):
        yield


def screen(
    clip: Clip, look_at: LookAt, within: LookAt | None = None, begun: LookAt | None = None
) -> TilingScene:
    """Go through the clip's scene; `look_at` sees it after each play, `within` inside it."""
    with configured(clip):
        film = worker.scene_class(clip)(renderer=Screening(look_at, within, begun))
        film.render()
    return film


def lint(clip: Clip) -> dict[str, float]:
    """All that is wrong with a clip's pictures and words, and the second at which it is last so."""
    found: dict[str, float] = {}
    hearing = Hearing()

    def note(wrong: Iterable[str], film: TilingScene) -> None:
        found.update(dict.fromkeys(wrong, film.now))

    def begun(film: TilingScene) -> None:
        hearing.listen(film)
        note((*astray(film), *stuck(film)), film)

    film = screen(
        clip,
        lambda film: note(flaws(film), film),
        lambda film: note(flaws_within(film), film),
        begun,
    )
    note(hasty(film), film)
    for told in hearing.told(film):
        note(untrue(told, CLAIMS.get(clip.scene, [])), film)
    return found


def flaws(film: TilingScene) -> list[str]:
    """What is wrong with the picture as it stands."""
    parts = family(film)
    shown = [part for part in parts if len(part.points)]
    return [
        *film.renderer.geometry.flaws(film, parts),
        *film.renderer.contrast.flaws(film, shown),
        *confused(film, parts),
    ]


def flaws_within(film: TilingScene) -> list[str]:
    """What is wrong with it in the middle of a play: colours are looked at when it has ended."""
    return film.renderer.geometry.flaws(film, family(film))
