"""Whether a clip on disk is the one that would be rendered: a fingerprint of all that goes in."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from publish.settings import Clip
from publish.sources import BEGAN, ROOT, digest
from scenes import SCENES
from tiling.shapes import Refused

PACKAGES = (
    "manim",
    "numpy",
    "av",
    "pillow",
    "pycairo",
    "uharfbuzz",
    "fontpkg-inter",
    "fontpkg-jetbrains-mono",
)


def versions() -> dict[str, str]:
    """Of the packages that a frame depends on."""
    try:
        return {name: version(name) for name in PACKAGES}
    except PackageNotFoundError as missing:
        rule = "is not installed, and rendering needs it"
        raise Refused("package", missing.name, rule, "run make setup") from None


def fingerprint(clip: Clip, known: Mapping[Path, str] = BEGAN) -> str:
    """SHA-256 of the tiling, the look, the versions, and the sources that draw and encode.

    known: digests of sources; others are read now.
    """
    parts = {
        "clip": [clip.scene, clip.theme, clip.aspect, *clip.pixels, clip.fps],
        "choice": asdict(clip.choice),
        "versions": versions(),
        "sources": {
            path: known.get(ROOT / path) or digest(ROOT / path) for path in _sources(clip.scene)
        },
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def mark_of(parts: Sequence[Clip]) -> str:
    """Fingerprint of a film: of the cards and the clips of its scenes, in their order."""
    both = [fingerprint(clip) for part in parts for clip in (replace(part, card=True), part)]
    return hashlib.sha256(" ".join(both).encode()).hexdigest()


BESIDE = {
    f"publish/{name}.py"
    for name in (
        *("animate", "display", "film", "files", "one_line", "options", "posters", "sealed"),
        *("sources", "stale", "tables"),
    )
}
"""Sources of which no byte of a clip depends."""


def _sources(scene: str) -> Iterable[str]:
    """Paths of the model, of what makes clips, and of the scene with all its parts."""
    others = {f"scenes/{name}.py" for name in SCENES if name != scene}
    for room in "tiling", "scenes", "publish":
        for path in sorted((ROOT / room).rglob("*.py")):
            name = path.relative_to(ROOT).as_posix()
            if not {"kernel", "page"} & set(Path(name).parts) and name not in others | BESIDE:
                yield name
