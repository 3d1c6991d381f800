"""A ranking of tilings as a picture: what shared memory lets each keep of the chip's pace, over
what it requests from global memory. PNG or SVG, through Cairo, which Manim brings."""

from collections.abc import Callable, Sequence
from io import BytesIO
from math import log2, pi
from typing import Any, TypeAlias

import cairo

from tiling.sweep import Prediction

Context: TypeAlias = "cairo.Context[Any]"

WIDTH, HEIGHT, LEFT, BELOW, ABOVE, MARGIN = 960, 640, 90, 80, 100, 60
"""Points: the picture, and what it leaves beside its axes."""

INK, PALE, DOT = (0.2, 0.22, 0.25), (0.87, 0.88, 0.9), (0.608, 0.349, 0.714)
"""Colours: words, grid, and the purple of C."""


def plot(order: Sequence[Prediction], chip: str, suffix: str) -> bytes:
    """A dot for all tilings that are alike in this, its area by occupancy; the best has its name.

    `suffix`: of the file that is made, .svg or .png.
    """
    file = BytesIO()
    if suffix == ".svg":
        surface = cairo.SVGSurface(file, WIDTH, HEIGHT)
        _draw(cairo.Context(surface), order, chip)
        surface.finish()
        return file.getvalue()
    image = cairo.ImageSurface(cairo.FORMAT_RGB24, 2 * WIDTH, 2 * HEIGHT)
    context = cairo.Context(image)
    context.scale(2, 2)
    _draw(context, order, chip)
    image.write_to_png(file)
    return file.getvalue()


def _draw(context: Context, order: Sequence[Prediction], chip: str) -> None:
    context.set_source_rgb(1, 1, 1)
    context.paint()
    context.select_font_face("sans-serif")
    context.set_font_size(15)
    x, y = _axes(context, order)
    _words(context, f"{len(order)} tilings on {chip}, predicted", LEFT, 32)
    for intensity, pace, share in {(one.intensity, one.pace, one.fits.share) for one in order}:
        context.new_path()
        context.arc(x(intensity), y(pace), 1 + 6 * share**0.5, 0, 2 * pi)
        context.set_source_rgba(*DOT, 0.35)
        context.fill()
    best = order[0]
    more = ", split" if best.tiling.split else ""
    _words(context, f"{best.tiling}{more}", x(best.intensity), y(best.pace) - 14, "center")


def _axes(
    context: Context, order: Sequence[Prediction]
) -> tuple[Callable[[float], float], Callable[[float], float]]:
    """Draws them, and returns where an intensity and a pace lie on them."""
    least = 2 ** int(log2(min(one.intensity for one in order)))
    most = 2 * 2 ** int(log2(max(one.intensity for one in order)))

    def x(intensity: float) -> float:
        share = log2(intensity / least) / log2(most / least)
        return LEFT + share * (WIDTH - LEFT - MARGIN)

    def y(pace: float) -> float:
        return HEIGHT - BELOW - pace * (HEIGHT - BELOW - ABOVE)

    context.set_line_width(1)
    tick = least
    while tick <= most:
        _line(context, (x(tick), y(0)), (x(tick), y(1)))
        _words(context, f"{tick}", x(tick), y(0) + 24, "center")
        tick *= 2
    for percent in range(0, 101, 20):
        _line(context, (x(least), y(percent / 100)), (x(most), y(percent / 100)))
        _words(context, f"{percent}%", LEFT - 12, y(percent / 100) + 5, "right")
    middle = x((least * most) ** 0.5)
    _words(context, "FLOP for each byte requested from global memory", middle, y(0) + 56, "center")
    told = "up: share of the multiply-adds that shared memory can feed; large: many warps at once"
    _words(context, told, LEFT, 54)
    return x, y


def _line(context: Context, start: tuple[float, float], end: tuple[float, float]) -> None:
    context.set_source_rgb(*PALE)
    context.move_to(*start)
    context.line_to(*end)
    context.stroke()


def _words(context: Context, text: str, x: float, y: float, anchor: str = "left") -> None:
    width = context.text_extents(text).x_advance
    context.set_source_rgb(*INK)
    context.move_to(x - width * {"left": 0, "center": 0.5, "right": 1}[anchor], y)
    context.show_text(text)
