"""A clip as an animated WebP, where only pictures can go: `python -m publish.webp CLIP.mp4`."""

import sys
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from PIL import Image

WIDTH, FPS, QUALITY = 720, 12, 50


def animate(movie: Path, target: Path) -> None:
    """Write the clip WIDTH pixels wide; frames that look alike become one that lasts longer."""
    pictures: list[Image.Image] = []
    lasts: list[int] = []
    with av.open(movie) as source:
        stream = source.streams.video[0]
        every = max(1, round(Fraction(stream.average_rate) / FPS))
        height = round(stream.height * WIDTH / stream.width)
        for i, frame in enumerate(source.decode(stream)):
            if i % every:
                continue
            picture = frame.to_image().resize((WIDTH, height), Image.Resampling.LANCZOS)
            if pictures and _alike(picture, pictures[-1]):
                lasts[-1] += 1
            else:
                pictures.append(picture)
                lasts.append(1)
    durations = [round(count * 1000 / FPS) for count in lasts]
    options = {"quality": QUALITY, "method": 4, "loop": 0, "duration": durations}
    pictures[0].save(target, save_all=True, append_images=pictures[1:], **options)


def _alike(one: Image.Image, other: Image.Image) -> bool:
    difference = np.abs(np.asarray(one, np.int16) - np.asarray(other, np.int16))
    return float(np.percentile(difference, 99.99)) < 12


if __name__ == "__main__":
    clip = Path(sys.argv[1])
    animate(clip, clip.with_suffix(".webp"))
