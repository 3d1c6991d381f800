"""The film: one scene a file. Importing a scene imports Manim; this list does not."""

SCENES = {
    "overview": "One CTA makes one tile of C by marching along K.",
    "why_tile": "Without tiles every element is fetched again and again.",
}
"""Scenes in viewing order, each with its claim. Scene `x_y` is the class `XY` in scenes/x_y.py."""
