"""Whether operands can be told apart: by colour where they are lit, by their letters where not."""

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import combinations

import numpy as np
from manim import ManimColor, Mobject

from scenes.kit.look import PALETTES
from scenes.kit.shapes import Path
from scenes.kit.tiling_scene import TilingScene
from scenes.kit.type import Label, Texts
from tests.geometry import seen
from tests.sight import SIGHTS, apart, lab

LEAST = 8
"""CIEDE2000 of lit shapes of two operands, in each sight."""

LIT, PALE = 0.6, 0.2
"""Strengths of an operand's colour over the ground: from LIT on it is told by its colour alone;
from PALE on something names it; less is the ground of a matrix."""

NAMES = {"A": r"\b(A|As|a)\b", "B": r"\b(B|Bs|b)\b", "C": r"\b(C|acc|CTA|FMA|results?)\b"}
"""What names an operand, or what is made of it."""

RGB = tuple[float, float, float]


def confused(film: TilingScene, parts: list[Mobject]) -> Iterator[str]:
    """Operands of the picture that somebody could take for one another."""
    shown = dict[str, dict[RGB, float]]()
    fills = {p.fill_rgbas.tobytes() for p in parts if isinstance(p, Path) and len(p.points)}
    for fill in fills:
        operand, color, strength = over_ground(film.look.theme.name, fill)
        if operand:
            shown.setdefault(operand, {})[color] = strength
    lit = {
        operand: tuple(sorted(color for color, strength in colors.items() if strength >= LIT))
        for operand, colors in shown.items()
    }
    for one, other in combinations(sorted(lit), 2):
        for sight, distance in nearest(lit[one], lit[other]):
            if distance < LEAST:
                yield f"{one} and {other} look alike to {sight}: {distance:.1f}"
    said = [part for part in parts if isinstance(part, Label | Texts) and seen(part)]
    words = " ".join(word for text in said for word in words_of(text))
    for operand, colors in shown.items():
        pale = any(PALE <= strength < LIT for strength in colors.values())
        if pale and not re.search(NAMES[operand], words):
            yield f"nothing names {operand}"


def words_of(text: Label | Texts) -> list[str]:
    return [text.text] if isinstance(text, Label) else [word for word in text.texts.flat if word]


@lru_cache(maxsize=1024)
def over_ground(name: str, fill: bytes) -> tuple[str, RGB, float]:
    """(operand, colour, strength) of a fill (RGBA) as it is seen over the ground; "" if its colour
    is no operand's."""
    theme = PALETTES[name]
    *rgb, alpha = np.frombuffer(fill, float)[:4]
    ground = np.array(ManimColor(theme.background).to_rgb())
    way = (np.array(rgb) - ground) * alpha
    for operand, color in theme.operand.items():
        toward = np.array(ManimColor(color).to_rgb()) - ground
        strength = float(way @ toward / (toward @ toward))
        if strength > 0.02 and np.abs(way - strength * toward).max() < 0.01:
            return operand, tuple((ground + way).round(3).tolist()), strength
    return "", (0, 0, 0), 0


@lru_cache(maxsize=1024)
def nearest(one: tuple[RGB, ...], other: tuple[RGB, ...]) -> list[tuple[str, float]]:
    """In each sight, how far apart the two colours are that are most alike."""
    if not one or not other:
        return []
    found = []
    for sight in SIGHTS:
        here, there = (lab(np.array(colors), sight) for colors in (one, other))
        found.append((sight, float(apart(here[:, None], there[None]).min())))
    return found
