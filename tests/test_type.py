"""Outlines of texts: where they lie, and what neighbours do to one another."""

import numpy as np
import pytest

from scenes.kit.look import LEAST, PIXEL, Box, Look
from scenes.kit.type import (
    ADVANCE,
    CAP,
    MONO,
    WEIGHTS,
    WORDS,
    Label,
    _outline,
    fitting_size,
    width_of,
)


@pytest.mark.parametrize("font", [WORDS, MONO])
@pytest.mark.parametrize("weight", WEIGHTS)
def test_capitals_stand_on_the_baseline_and_are_as_high_as_boxes_say(
    font: str, weight: str
) -> None:
    points, _ = _outline("HIT", font, weight)
    assert points[:, 1].min() == pytest.approx(0, abs=0.001)
    assert points[:, 1].max() == pytest.approx(CAP, abs=0.005)


@pytest.mark.parametrize("text", ["acc[i][j] += a[i] * b[j]", "Loading tiles, 12×12×12 → C·°%8&@"])
def test_contours_are_closed_and_made_of_whole_curves(text: str) -> None:
    for font in WORDS, MONO:
        curves = _outline(text, font, "NORMAL")[0].reshape(-1, 4, 3)
        begins = np.flatnonzero(np.r_[True, (curves[1:, 0] != curves[:-1, 3]).any(axis=1)])
        for first, end in zip(begins, [*begins[1:], len(curves)], strict=True):
            np.testing.assert_array_equal(curves[first, 0], curves[end - 1, 3])


def test_heavier_is_wider() -> None:
    widths = [width_of("shared memory", 1, WORDS, weight) for weight in WEIGHTS]
    assert widths == sorted(widths) and len(set(widths)) == len(widths)


def test_words_are_kerned() -> None:
    assert width_of("AV", 1) < width_of("A", 1) + width_of("V", 1)


def test_every_character_of_code_is_itself_and_takes_the_same_room() -> None:
    """JetBrains Mono would draw one arrow, and one sign for "not equal"."""
    for text in "->", "!=", "=>", "+= ":
        points, width = _outline(text, MONO, "NORMAL")
        assert width == pytest.approx(len(text) * ADVANCE)
        alone = [_outline(c, MONO, "NORMAL")[0] + (i * ADVANCE, 0, 0) for i, c in enumerate(text)]
        np.testing.assert_allclose(points, np.concatenate(alone), atol=1e-12)


def test_nothing_is_no_wider_than_nothing() -> None:
    assert width_of("", 24) == 0 and len(Label(Look(), "", 0, 0, 24, "#000000").points) == 0


@pytest.mark.parametrize(("anchor", "share"), [("left", 0), ("center", 0.5), ("right", 1)])
def test_a_label_is_where_its_box_is(anchor: str, share: float) -> None:
    look = Look()
    label = Label(look, "HHH", 500, 300, 40, "#000000", anchor)
    (box,) = label.boxes
    assert box.x + share * box.w == pytest.approx(500) and box.bottom == 300
    low, high = label.points.min(axis=0), label.points.max(axis=0)
    corner, other = look.point(box.x, box.bottom), look.point(box.right, box.y)
    assert np.abs(low - corner).max() < 4 * PIXEL and np.abs(high - other).max() < 4 * PIXEL


def test_numbers_fit_their_cells_and_come_closer_before_they_are_left_out():
    sizes = [fitting_size(Box(0, 0, side, side), 1, 50) for side in range(20, 100)]
    assert sizes == sorted(sizes) and sizes[-1] == 50
    for side, size in zip(range(20, 100), sizes, strict=True):
        assert size <= 0.8 * side
        assert (size >= LEAST) == (0.8 * side >= LEAST)
    wide = [fitting_size(Box(0, 0, side, 40), 3, 50) for side in range(30, 100)]
    for side, size in zip(range(30, 100), wide, strict=True):
        assert 3 * ADVANCE * size <= 0.88 * side + 1e-9
