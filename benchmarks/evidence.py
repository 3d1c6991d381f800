"""What hardware said, as JSON in evidence/: with device, driver, versions, commit and date."""

import json
import re
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from publish.files import write
from tiling.faults import Missing
from tiling.kernel import gpu

FOLDER = Path(__file__).parent.parent / "evidence"


def device() -> dict[str, str]:
    """The device's names and versions. Ends the program where there is none, or no cuBLAS."""
    try:
        on = gpu.device()
        gpu.cublas()
        return on
    except Missing as missing:
        raise SystemExit(f"not run: {missing}") from None


def commit() -> str:
    """The commit that ran, with a + if files differ from it; "unknown" outside a repository."""
    try:
        head = _git("rev-parse", "--short", "HEAD")
        return head + "+" * bool(_git("status", "--porcelain", "--untracked-files=no"))
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def _git(*args: str) -> str:
    done = subprocess.run(
        ["git", *args], cwd=FOLDER.parent, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def keep(name: str, on: dict[str, str], found: dict[str, Any]) -> Path:
    """Write evidence/NAME-DEVICE.json."""
    slug = re.sub(r"[^a-z0-9]+", "-", on["device"].lower().removeprefix("nvidia ")).strip("-")
    path = FOLDER / f"{name}-{slug}.json"
    date = datetime.now(UTC).strftime("%Y-%m-%d")
    told = {**on, "commit": commit(), "date": date, **found}
    FOLDER.mkdir(exist_ok=True)
    write(path, json.dumps(told, indent=1) + "\n")
    return path
