"""What holds of every scene in every look, whatever the tiling: what is on the screen can be read.

Each scene is gone through without drawing; after each play its texts are looked at.
"""

import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from publish.frames import FrameRenderer
from publish.settings import ASPECTS, THEMES, Clip
from publish.worker import scene_class
from scenes import SCENES
from scenes.kit import bars
from scenes.kit.tiling_scene import TilingScene
from scenes.kit.timing import FRAME, READING
from scenes.kit.type import Label
from tests.screening import configured, flaws, screen
from tests.tilings import DIRECT, FILMED, random_choices
from tiling.presets import Choice, choose

LOOKS = [(theme, aspect) for theme in THEMES for aspect in ASPECTS]
SHOWN = [
    *((choice, look) for choice in (*map(choose, FILMED), *DIRECT) for look in LOOKS),
    # Places are those of an aspect, colours those of a theme: here the two go on by turns.
    *(
        (choice, (THEMES[(n + turn) % 2], aspect))
        for n, choice in enumerate(random_choices(20))
        for turn, aspect in enumerate(ASPECTS)
    ),
]


def name_of(value: object) -> str:
    if isinstance(value, Choice):
        return f"{value.gemm} in {value.tiling}{' direct' * value.tiling.direct}"
    return "-".join(value)  # a look


@pytest.mark.parametrize(("choice", "look"), SHOWN, ids=name_of)
@pytest.mark.parametrize("scene", SCENES)
def test_whatever_is_written_can_be_read(scene: str, choice: Choice, look: tuple[str, str]) -> None:
    """No texts touch, all inside the margin, none too small, each stands out from its ground."""
    found: dict[str, float] = {}

    def look_at(film: TilingScene) -> None:
        found.update(dict.fromkeys(flaws(film), film.now))

    film = screen(Clip(scene, choice, *look, "draft"), look_at)
    assert not found
    assert 0 < film.poster_at < film.now
    assert film.chapters and film.chapters[0].seconds == 0
    for caption, following in pairwise(film.captions):
        assert len(caption.text) <= READING * (following.seconds - caption.seconds) + 1e-6
    for mark in [*film.captions, *film.chapters]:
        assert round(mark.seconds / FRAME, 6).is_integer()


@pytest.mark.parametrize("fault", ["overlap", "overflow", "small", "pale", "border"])
@pytest.mark.parametrize("scene", SCENES)
def test_a_planted_fault_is_seen(scene: str, fault: str) -> None:
    seen: list[str] = []
    word = {
        "overlap": "touches",
        "overflow": "leaves",
        "small": "px large",
        "pale": "contrast",
        "border": "crosses",
    }[fault]

    def look_at(film: TilingScene) -> None:
        ink, margin = film.look.theme.ink, film.look.margin
        match fault:
            case "overlap":
                x, y = film._caption[0].boxes[0].center
                label = Label(film.look, "over", x, y, 60, ink)
            case "overflow":
                label = Label(film.look, "out of here", margin.right - 40, 1000, 30, ink)
            case "small":
                label = Label(film.look, "tiny", 500, 925, 12, ink)
            case "border":
                label = Label(film.look, "panel", margin.x - 5, 700, 60, ink)
            case _:
                label = Label(film.look, "pale", 500, 925, 30, "#cccccc")
        film.add(label)
        seen.extend(wrong for wrong in flaws(film) if word in wrong)
        film.remove(label)

    screen(Clip(scene, choose(), quality="draft"), look_at)
    assert seen


def test_a_text_on_a_bar_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bars, "OVER", -20)
    seen: list[str] = []
    clip = Clip("outer_product", choose("naive"), aspect="tall", quality="draft")
    screen(clip, lambda film: seen.extend(flaws(film)))
    assert any("lies on a bar" in wrong for wrong in seen)


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
def test_about_half_a_minute_of_the_toy(scene: str) -> None:
    assert 20 <= screen(Clip(scene, choose()), lambda film: None).now <= 42


@pytest.mark.parametrize("scene", SCENES)
def test_a_clip_ends_on_its_first_frame(scene: str) -> None:
    frames: list[list[np.ndarray]] = []

    def keep(planes: list[np.ndarray], repeat: int) -> None:
        frames[1:] = [[plane.copy() for plane in planes]]

    clip = Clip(scene, choose("ragged"), quality="draft")
    ends = 0, len(screen(clip, lambda film: None).chapters) - 1  # what lies between is not drawn
    with configured(clip):
        scene_class(clip)(renderer=FrameRenderer(keep, lambda chapter: chapter in ends)).render()
    for one, other in zip(frames[0], frames[1], strict=True):
        assert int(np.abs(one.astype(int) - other).max()) <= 1


@pytest.mark.parametrize("scene", SCENES)
def test_scenes_are_ordinary_manim_scenes(scene: str, tmp_path: Path) -> None:
    name = scene.title().replace("_", "")
    command = [sys.executable, "-m", "manim", "render", "--dry_run", "--media_dir", str(tmp_path)]
    slow = ["-ql", "--fps", "5"]  # every run time is a whole number of frames still
    run = subprocess.run(
        [*command, *slow, f"scenes/{scene}/scene.py", name], capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr[-2000:]
