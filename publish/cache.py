"""Whether a clip on disk is the one that would be rendered: a fingerprint of all that goes in."""

import ast
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from publish.settings import Clip
from publish.sources import BEGAN, ROOT, digest
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
            path: known.get(ROOT / path) or digest(ROOT / path) for path in sources_of(clip)
        },
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def mark_of(parts: Sequence[Clip]) -> str:
    """Fingerprint of a film: of the cards and the clips of its scenes, in their order."""
    both = [fingerprint(clip) for part in parts for clip in (replace(part, card=True), part)]
    return hashlib.sha256(" ".join(both).encode()).hexdigest()


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
