"""Putting a measured table into a Markdown file, between its markers."""

import os
import platform
from pathlib import Path

from publish import files

README = Path(__file__).parent.parent / "README.md"


def table(header: list[str], rows: list[list[str]]) -> str:
    """A Markdown table; all columns but the first are aligned to the right."""
    lines = ["| " + " | ".join(cells) + " |" for cells in (header, *rows)]
    lines.insert(1, "| --- |" + " ---: |" * (len(header) - 1))
    return "\n".join(lines)


def machine() -> str:
    """Where it was measured, in a line."""
    models = [
        line.split(":", 1)[1].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ]
    return f"{os.cpu_count()} cores of {models[0]}, Python {platform.python_version()}"


def write(name: str, text: str, path: Path = README) -> None:
    """Replace what stands between <!-- name --> and <!-- /name -->."""
    before, rest = path.read_text("utf-8").split(f"<!-- {name} -->\n")
    _, after = rest.split(f"<!-- /{name} -->")
    files.write(path, f"{before}<!-- {name} -->\n{text}\n<!-- /{name} -->{after}")
