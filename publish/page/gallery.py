"""The page of all clips: media/index.html, which needs nothing but the files beside it."""

import json
from pathlib import Path
from typing import Any

from publish.page.figure import FORMATS, figure, templates
from publish.page.shown import About, Shown, all_in
from publish.tables import traffic_rows
from tiling.presets import Choice
from tiling.shapes import Refused
from tiling.traffic import traffic
from tiling.verify import RUNGS

PAGE = "index.html"

OFFERED = (*FORMATS[::-1], ".webp", ".gif", ".jpg", ".vtt", ".txt", ".json")
"""The files of a clip that the page has links to, in this order."""

SAME = ("gemm", "tiling", "cta")
"""What a report of proof and a clip have in common when it speaks of the clip's tiling."""


def write_page(folder: Path) -> tuple[Path, int, dict[str, str]]:
    """Write the page of all clips that lie in a folder. Returns it, how many they are, and which of
    their looks are stale and why.

    Raises Refused where there is none.
    """
    shown = all_in(folder)
    if not shown:
        remedy = "try python render.py clip --all"
        raise Refused("--out", folder, "has no clip to show", remedy)
    groups: dict[Choice, dict[str, Any]] = {}
    for one in shown:
        group = groups.setdefault(one.choice, {"shown": one, "clips": []})
        files = [_files(one, about) for about in one.looks.values()]
        clip = {"shown": one, "figure": figure(one), "files": files, "stale": one.stale}
        group["clips"].append(clip)
    for choice, group in groups.items():
        found = traffic(choice.schedule())
        group |= {"cta": choice.cta, "found": found, "rows": traffic_rows(found)}
        group["rungs"] = _rungs(folder, group["shown"].first)
    text = templates().get_template("page.html").render(groups=list(groups.values()))
    half = folder / (PAGE + ".half")
    half.write_text(text + "\n", "utf-8")
    stale = {stem: why for one in shown for stem, why in one.stale.items()}
    return half.replace(folder / PAGE), len(shown), stale


def _files(shown: Shown, about: About) -> dict[str, Any]:
    """A look's name, and the (name, bytes) of each of its files."""
    names = [about["stem"] + suffix for suffix in OFFERED]
    files = [*about["files"], about["stem"] + ".json"]
    sizes = [(name, (shown.folder / name).stat().st_size) for name in names if name in files]
    return {"look": f"{about['theme']}, {about['aspect']}", "sizes": sizes}


def _rungs(folder: Path, about: About) -> list[dict[str, Any]]:
    """All rungs of proof: from the clip, and from what `verify --report` left in the folder."""
    climbed = {rung["name"]: rung for rung in about["verified"]}
    for path in sorted(folder.glob("*.json")):
        try:
            report = json.loads(path.read_text("utf-8"))
            if all(report[key] == about["choice"][key] for key in SAME):
                climbed |= {rung["name"]: rung for rung in report["rungs"]}
        except (OSError, ValueError, LookupError, TypeError):
            continue  # something else that lies there
    says = "python render.py verify climbs it"
    return [climbed.get(name, {"name": name, "status": "not run", "says": says}) for name in RUNGS]
