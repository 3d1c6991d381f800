"""Amounts as they are written, by hand."""

import pytest

from scenes.kit.amounts import amount, grouped, of, plural


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0"), (9999, "9999"), (10_000, "10,000"), (1_234_567, "1,234,567")]
)
def test_groups_from_five_digits_on(number: int, text: str) -> None:
    assert grouped(number) == text


def test_one_is_not_many() -> None:
    assert [plural(n, "lane") for n in (0, 1, 32)] == ["0 lanes", "1 lane", "32 lanes"]


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (864, "864 "),
        (52_720, "52,720 "),
        (99_999, "99,999 "),
        (286_720, "287 k"),
        (999_999, "1.00 M"),
        (9_996_000, "10.0 M"),
        (999_999_999, "1.00 G"),
        (5 * 10**15, "5000 T"),
        (4_194_304, "4.19 M"),
        (16_777_216, "16.8 M"),
        (549_755_813_888, "550 G"),
    ],
)
def test_large_ones_have_three_digits_and_a_scale(number: int, text: str) -> None:
    assert amount(number) == text


def test_a_counter_keeps_its_width_and_where_it_can_the_scale_of_its_total() -> None:
    assert of(72, 576, "B") == " 72 of 576 B"
    assert of(72, 10_240, "B") == "    72 of 10,240 B"
    assert of(40_000_000, 4_000_000_000, "B") == "40.0 MB of 4.00 GB"
    assert of(1_400_000, 33_554_432, "B") == "    1.4 of 33.6 MB"
    assert of(8192, 4_194_304) == "8.19 k of 4.19 M"
    assert of(0, 4_194_304, "B") == "    0 B of 4.19 MB"
    assert of(7, 12) == " 7 of 12"
