"""The sources as they were when the program began, before it imported the model and the scenes: a
clip is made of those, whatever somebody saves meanwhile. Import this first."""

import hashlib
from pathlib import Path

from tiling.regular import open_regular

ROOT = Path(__file__).parent.parent


def digest(path: Path) -> str:
    """SHA-256 of a regular file. Raises OSError."""
    with open_regular(path) as file:
        return hashlib.sha256(file.read()).hexdigest()


def all_sources() -> dict[Path, str]:
    """Digests of all that a clip may be made of."""
    model = [*ROOT.glob("tiling/*.*"), *ROOT.glob("tiling/for_scenes/*.py")]  # not what proves it
    rooms = [*ROOT.glob("scenes/**/*.py"), *ROOT.glob("publish/*.py")]
    return {path: digest(path) for path in model + rooms}


BEGAN = all_sources()
