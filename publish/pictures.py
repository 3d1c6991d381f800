"""The README's pictures, from rendered clips: `python -m publish.pictures`.

media/overview.webp, the first scene moving; media/posters/SCENE[-night].webp, each scene's poster.
"""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from PIL import Image

from publish.settings import THEMES, Clip
from scenes import SCENES
from tiling.presets import choose

WIDTH, FPS, QUALITY = 720, 12, 50
POSTER_WIDTH, POSTER_QUALITY = 1280, 80


def animate(movie: Path, target: Path) -> None:
    """Write the clip WIDTH pixels wide; frames that look alike become one that lasts longer."""
    pictures: list[Image.Image] = []
    lasts: list[int] = []
    with av.open(movie) as source:
        stream = source.streams.video[0]
        every = max(1, round(Fraction(stream.average_rate) / FPS))
        for i, frame in enumerate(source.decode(stream)):
            if i % every:
                continue
            picture = _narrow(frame.to_image(), WIDTH)
            if pictures and _alike(picture, pictures[-1]):
                lasts[-1] += 1
            else:
                pictures.append(picture)
                lasts.append(1)
    durations = [round(count * 1000 / FPS) for count in lasts]
    options = {"quality": QUALITY, "method": 4, "loop": 0, "duration": durations}
    pictures[0].save(target, save_all=True, append_images=pictures[1:], **options)


def _narrow(picture: Image.Image, width: int) -> Image.Image:
    height = round(picture.height * width / picture.width)
    return picture.resize((width, height), Image.Resampling.LANCZOS)


def _alike(one: Image.Image, other: Image.Image) -> bool:
    difference = np.abs(np.asarray(one, np.int16) - np.asarray(other, np.int16))
    return float(np.percentile(difference, 99.99)) < 12


def main() -> None:
    first = Clip(next(iter(SCENES)), choose())
    animate(first.file(".mp4"), first.file(".webp"))
    posters = first.out / "posters"
    posters.mkdir(exist_ok=True)
    for scene in SCENES:
        for theme in THEMES:
            clip = Clip(scene, choose(), theme)
            picture = _narrow(Image.open(clip.file(".jpg")), POSTER_WIDTH)
            picture.save(posters / f"{clip.stem}.webp", quality=POSTER_QUALITY, method=6)


if __name__ == "__main__":
    main()
