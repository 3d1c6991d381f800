"""What a scene says, without Manim."""

from typing import NamedTuple


class Said(NamedTuple):
    """A caption, the chapter that begins with it, and what the picture shows meanwhile, for those
    who cannot see it: as `TilingScene.say` takes them."""

    text: str
    chapter: str = ""
    shows: str = ""
