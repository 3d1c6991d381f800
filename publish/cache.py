"""Whether a clip on disk is the one that would be rendered: a fingerprint of all that goes in."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from publish.settings import Clip
from scenes import SCENES
from tiling.presets import Choice
from tiling.shapes import Refused

ROOT = Path(__file__).parent.parent

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


def fingerprint(clip: Clip) -> str:
    """SHA-256 of the tiling, the look, the versions, and the sources that draw and encode."""
    parts = {
        "clip": [clip.scene, clip.theme, clip.aspect, *clip.pixels, clip.fps],
        "choice": describe(clip.choice),
        "versions": versions(),
        "sources": {path: digest(ROOT / path) for path in _sources(clip.scene)},
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def describe(choice: Choice) -> dict[str, Any]:
    """A choice as data."""
    return {
        "name": choice.name,
        "gemm": asdict(choice.gemm),
        "tiling": asdict(choice.tiling),
        "cta": list(choice.cta),
    }


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def up_to_date(clip: Clip, mark: str) -> bool:
    """Whether the clip's files are whole, belong together and were made from this fingerprint."""
    try:
        about = json.loads(clip.file(".json").read_text("utf-8"))
        files = about["files"].items()
        same = all(digest(clip.out / name) == wanted for name, wanted in files)
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return False
    return same and about.get("fingerprint") == mark


BESIDE = {
    f"publish/{name}.py" for name in ("animate", "display", "door", "film", "pictures", "tables")
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
