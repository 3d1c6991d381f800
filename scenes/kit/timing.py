"""How long words stand, and what time is counted in."""

import re
from math import ceil

READING = 12
"""Characters of a caption that a viewer reads in a second while the picture moves, at most."""

NUMBER = 0.5
"""Seconds more for each number: `128×128×8` is three of them."""

FRAME = 0.2
"""Seconds that are whole frames at 15, 30 and 60 a second: every run time is a multiple."""


def to_read(text: str) -> float:
    """Seconds that a caption must stand."""
    numbers = len(re.findall(r"\d[\d,.]*", text))
    seconds = len(text) / READING + NUMBER * numbers
    return round(ceil(round(seconds / FRAME, 6)) * FRAME, 1)


def evenly(first: int, last: int, most: int) -> list[int]:
    """Whole numbers from first to last in equal steps, at most so many; empty if there is none."""
    steps = min(most, last - first)
    return [first + (last - first) * i // steps for i in range(steps + 1)] if steps > 0 else []
