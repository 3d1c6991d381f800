"""Drawing only what moved gives the same frames as drawing everything.

But for two levels of 255: under a clip, Cairo may round the edge of each shape one up or down, and
two shapes may share an edge.
"""

from typing import Any

import numpy as np
import pytest
from manim import config

from publish.frames import FrameRenderer, to_planes
from publish.settings import Clip
from publish.worker import scene_class
from scenes.kit.tiling_scene import TilingScene
from tests.screening import configured
from tiling.presets import choose

ROUNDING = 2


class Doubting(FrameRenderer):
    """Draws every frame a second time, whole, and compares."""

    def __init__(self, **options: Any) -> None:
        self.emitted = self.pixel_faults = self.plane_faults = 0
        super().__init__(self.take, lambda chapter: True, **options)

    def take(self, planes: list[np.ndarray], repeat: int) -> None:
        self.emitted += repeat
        if self.frames % 7:  # one in seven is enough to see what an earlier one left behind
            return
        drawn = self.camera.pixel_array.copy()
        self.camera.reset()
        self._draw_all(self.camera.get_mobjects_to_display(self.scene.mobjects), [self._whole()])
        self.pixel_faults += farthest(drawn, self.camera.pixel_array) > ROUNDING
        pairs = zip(planes, to_planes(self.camera.pixel_array), strict=True)
        self.plane_faults += any(farthest(one, other) > ROUNDING for one, other in pairs)
        self.camera.pixel_array[:] = drawn


def farthest(one: np.ndarray, other: np.ndarray) -> int:
    return int((np.maximum(one, other) - np.minimum(one, other)).max())


@pytest.mark.parametrize(
    ("scene", "preset", "theme", "aspect"),
    [
        ("overview", "seed", "paper", "wide"),
        ("overview", "ragged", "night", "tall"),
        ("why_tile", "seed", "night", "wide"),
        ("global_to_shared", "ragged", "paper", "tall"),
        ("outer_product", "small", "night", "tall"),
    ],
)
def test_partial_frames_equal_whole_frames(
    scene: str, preset: str, theme: str, aspect: str
) -> None:
    clip = Clip(scene, choose(preset), theme, aspect, "draft")
    with configured(clip):
        renderer = Doubting()
        film: TilingScene = scene_class(clip)(renderer=renderer)
        film.render()
    assert renderer.emitted == renderer.frames == round(film.now * clip.fps) > 300
    assert renderer.pixel_faults == 0
    assert renderer.plane_faults == 0


def test_manim_is_as_it_was_after_a_clip_even_one_that_fails() -> None:
    before = dict(config._d)
    clip = Clip("overview", choose(), aspect="tall", quality="draft")
    with pytest.raises(ZeroDivisionError), configured(clip):
        assert config.pixel_width == 540 and config.frame_rate == 15
        raise ZeroDivisionError
    assert dict(config._d) == before
