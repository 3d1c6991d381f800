"""Distances of colours are those that were published, and colours that are alike are found."""

import numpy as np
import pytest

from publish.settings import Clip
from scenes.kit import registers
from scenes.kit.look import MADE
from scenes.overview import memories
from tests.colours import over_ground
from tests.geometry import family
from tests.screening import lint, screen
from tests.sight import SIGHTS, apart, lab
from tiling.presets import choose
from tiling.schedule import OuterProduct


@pytest.mark.parametrize(
    ("one", "other", "distance"),
    [
        ((50, 2.6772, -79.7751), (50, 0, -82.7485), 2.0425),
        ((50, 2.5, 0), (73, 25, -18), 27.1492),
        ((50, 2.5, 0), (50, 0, -2.5), 4.3065),
        ((50, 2.49, -0.001), (50, -2.49, 0.0009), 7.1792),
        ((50, 2.49, -0.001), (50, -2.49, 0.0011), 7.2195),
        ((50, -1, 2), (50, 0, 0), 2.3669),
        ((22.7233, 20.0904, -46.6940), (23.0331, 14.9730, -42.5619), 2.0373),
        ((90.8027, -2.0831, 1.4410), (91.1528, -1.6435, 0.0447), 1.4441),
    ],
)
def test_distances_are_those_of_sharma_wu_and_dalal(
    one: tuple[float, ...], other: tuple[float, ...], distance: float
) -> None:
    assert round(float(apart(np.array(one), np.array(other))), 4) == distance
    assert round(float(apart(np.array(other), np.array(one))), 4) == distance


def test_greys_look_the_same_in_each_sight() -> None:
    greys = np.linspace(0, 1, 11)[:, None].repeat(3, axis=1)
    for sight in SIGHTS:
        assert np.abs(lab(greys, sight) - lab(greys)).max() < 0.01
    assert lab(np.ones(3)) == pytest.approx([100, 0, 0], abs=0.01)
    assert lab(np.array([1.0, 0, 0])) == pytest.approx([53.24, 80.09, 67.20], abs=0.02)


def test_results_that_look_like_b_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in memories, registers:
        monkeypatch.setattr(module, "MADE", MADE - 0.05)
    found = lint(Clip("overview", choose("seed", None, {"gemm": "12x12x8"})))
    assert any("B and C look alike to those without green cones" in wrong for wrong in found)


@pytest.mark.parametrize("theme", ["paper", "night"])
def test_products_are_purple_where_values_meet(theme: str) -> None:
    """In the middle of a multiplication, at the middle of a result: C's colour over the ground."""
    seen = []

    def within(film: object) -> None:
        board, renderer = film.board, film.renderer
        if OuterProduct(0, 1) in board.schedule.events[board.state.step :][:1]:
            shapes = [p for p in family(film) if len(p.points) and not hasattr(p, "boxes")]
            renderer.animated = renderer.paths = {}
            film.camera.reset()
            renderer._draw_all(shapes, [renderer._whole()])
            box, scale = board.registers.cell("C"), film.camera.pixel_width / film.look.frame.w
            x, y = (int(place * scale) for place in (box.x + box.w / 4, box.y + box.h / 4))
            seen.append(film.camera.pixel_array[y, x] / 255)

    screen(Clip("overview", choose("small"), theme), lambda film: None, within)
    assert seen and {over_ground(theme, rgba.astype(float).tobytes())[0] for rgba in seen} == {"C"}
