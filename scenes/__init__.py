"""The film: one scene a file. Importing a scene imports Manim; this list does not."""

SCENES = {
    "overview": "One CTA makes one tile of C by marching along K.",
    "global_to_shared": "The threads load together, and neighbours load neighbours.",
}
"""Scenes in viewing order, each with its claim. Scene `x_y` is the class `XY` in scenes/x_y.py."""
