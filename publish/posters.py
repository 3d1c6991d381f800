"""The README's posters, from rendered clips: `python -m publish.posters`.

media/posters/SCENE[-PRESET][-night].webp
"""

from PIL import Image

from publish.settings import THEMES, Clip
from scenes import SCENES
from tiling.presets import DEFAULT, choose

MORE = ("overview", "pipelined"), ("global_to_shared", "naive")
"""Presets that the README shows beside the default one."""

WIDTH, QUALITY = 1280, 80


def main() -> None:
    for scene, preset in [*((scene, DEFAULT) for scene in SCENES), *MORE]:
        for theme in THEMES:
            clip = Clip(scene, choose(preset), theme)
            posters = clip.out / "posters"
            posters.mkdir(exist_ok=True)
            poster = Image.open(clip.file(".jpg"))
            size = WIDTH, round(poster.height * WIDTH / poster.width)
            small = poster.resize(size, Image.Resampling.LANCZOS)
            small.save(posters / f"{clip.stem}.webp", quality=QUALITY, method=6)


if __name__ == "__main__":
    main()
