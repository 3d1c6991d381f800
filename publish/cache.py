"""Whether a clip on disk is the one that would be rendered: a fingerprint of all that goes in."""

import ast
import hashlib
import json
from dataclasses import asdict
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from publish.settings import Clip
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
        "sources": {path: digest(ROOT / path) for path in sources_of(clip)},
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


MAKES = ("publish/clip.py", "publish/worker.py", "tiling/presets.toml")
"""What makes a clip of a scene, and data that a scene is made of."""

UNSEEN = {"publish/cache.py", "publish/pool.py", "tiling/verify.py"}
"""Who draws which chapter, and the proof, which speaks for itself: no picture depends on them, nor
on what they alone import."""


def sources_of(clip: Clip) -> list[str]:
    """Paths, from ROOT, of all that this clip is made by: its scene's folder, and whatever of the
    project that imports, by one way or another; and the same of what encodes."""
    scene = "title_card" if clip.card else clip.scene
    todo = [path.relative_to(ROOT).as_posix() for path in (ROOT / "scenes" / scene).rglob("*.py")]
    todo += MAKES
    found: set[str] = set()
    while todo:
        path = todo.pop()
        if path not in found | UNSEEN:
            found.add(path)
            todo += _imported(ROOT, path, digest(ROOT / path)) if path.endswith(".py") else []
    return sorted(found)


@lru_cache(maxsize=1024)
def _imported(root: Path, path: str, _contents: str) -> tuple[str, ...]:
    """Files of the project that a file imports anywhere in it, and the packages they are in."""
    names: set[str] = set()
    for node in ast.walk(ast.parse((root / path).read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    parts = [name.split(".") for name in names]
    modules = {"/".join(part[:end]) for part in parts for end in range(1, len(part) + 1)}
    files = (f"{module}{end}" for module in modules for end in (".py", "/__init__.py"))
    return tuple(sorted(file for file in files if (root / file).is_file()))
