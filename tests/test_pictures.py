"""What holds of every scene in every look, whatever the tiling: what is on the screen can be read.

Each scene is gone through without drawing; within each play and after it, it is looked at.
"""

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from manim import tempconfig
from manim.__main__ import main as manim

from publish.settings import ASPECTS, THEMES, Clip
from publish.worker import scene_class
from scenes import SCENES
from scenes.kit.tiling_scene import TilingScene
from tests.geometry import family
from tests.screening import Screening, configured, flaws, lint, screen
from tests.tilings import DIRECT, FILMED, random_choices
from tiling.presets import Choice, choose

SHOWN = [
    # Places are those of an aspect, colours those of a theme: the two go on by turns.
    *(
        (choice, THEMES[(n + turn) % 2], aspect)
        for n, choice in enumerate([*map(choose, FILMED), *DIRECT])
        for turn, aspect in enumerate(ASPECTS)
    ),
    *((choice, THEMES[n // 2 % 2], ASPECTS[n % 2]) for n, choice in enumerate(random_choices(20))),
]


def name_of(value: object) -> str:
    if isinstance(value, Choice):
        return f"{value.gemm} in {value.tiling}{' direct' * value.tiling.direct}"
    return str(value)


@pytest.mark.parametrize(("choice", "theme", "aspect"), SHOWN, ids=name_of)
@pytest.mark.parametrize("scene", SCENES)
def test_whatever_is_shown_can_be_read_and_is_so(
    scene: str, choice: Choice, theme: str, aspect: str
) -> None:
    """The rules: tests/geometry.py, contrast.py, flights.py, fades.py, reading.py."""
    assert not lint(Clip(scene, choice, theme, aspect, "draft"))


@pytest.mark.parametrize("scene", SCENES)
def test_what_is_looked_at_is_the_whole_picture(scene: str) -> None:
    """Though only those parts are drawn anew in which something changed."""

    def look_at(film: TilingScene) -> None:
        flaws(film)
        renderer, pixels = film.renderer, film.camera.pixel_array
        found = pixels.copy()
        pixels[:] = film.camera.background
        renderer._draw_all(renderer.moving, [renderer._whole()])
        assert np.array_equal(found, pixels)

    screen(Clip(scene, choose("ragged"), quality="draft"), look_at)


@pytest.mark.parametrize("scene", [scene for scene in SCENES if scene != "overview"])
def test_about_a_minute_of_the_toy(scene: str) -> None:
    assert 30 <= screen(Clip(scene, choose()), lambda film: None).now <= 90


@pytest.mark.parametrize("scene", SCENES)
def test_a_clip_ends_on_its_first_frame(scene: str) -> None:
    pictures: list[np.ndarray] = []

    def draw(film: TilingScene) -> None:
        parts = [part for part in family(film) if len(part.points)]
        film.renderer.animated = film.renderer.paths = {}
        film.camera.reset()
        film.renderer._draw_all(parts, [film.renderer._whole()])
        pictures.append(film.camera.pixel_array.copy())

    clip = Clip(scene, choose("ragged"), quality="draft")
    with configured(clip):
        film = scene_class(clip)(
            renderer=Screening(
                look_at=lambda film: None,
                within=None,
                begun=lambda film: None if pictures else draw(film),
            )
        )
        film.render()
        draw(film)
    assert int(np.abs(pictures[0].astype(int) - pictures[1]).max()) <= 1


@pytest.mark.parametrize("scene", SCENES)
def test_scenes_are_ordinary_manim_scenes(scene: str, tmp_path: Path) -> None:
    name = scene.title().replace("_", "")
    slow = ["-ql", "--fps", "5"]  # every run time is a whole number of frames still
    command = ["render", "--dry_run", "--media_dir", str(tmp_path), *slow]
    with tempconfig({}):
        run = CliRunner().invoke(manim, [*command, f"scenes/{scene}/scene.py", name])
    assert run.exit_code == 0, run.output[-2000:]
