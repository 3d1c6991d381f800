"""The scenes, a folder each. Importing one imports Manim; this list does not."""

SCENES = {
    "overview": "One CTA makes one tile of C by marching along K.",
    "why_tile": "Without tiles every element is requested again and again.",
    "global_to_shared": "The threads load together, and neighbours load neighbours.",
    "outer_product": "One column times one row makes a whole tile of products.",
}
"""Scenes in viewing order, each with its claim. Scene `x_y` is `XY` in scenes/x_y/scene.py."""


def title_of(scene: str) -> str:
    """A scene's name in words."""
    return scene.replace("_", " ").capitalize()
