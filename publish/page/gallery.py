"""The page of all clips: media/index.html, which needs nothing but the files beside it."""

from dataclasses import dataclass, field
from pathlib import Path

from publish.description import Description, Report
from publish.files import write
from publish.page.figure import FORMATS, figure, templates
from publish.page.on_disk import Shown, all_in
from publish.tables import traffic_rows
from tiling.presets import Choice
from tiling.shapes import Refused
from tiling.traffic import Traffic, traffic
from tiling.verify import RUNGS, Rung

PAGE = "index.html"

OFFERED = (*FORMATS[::-1], ".webp", ".gif", ".jpg", ".vtt", ".txt", ".json")
"""The files of a clip that the page has links to, in this order."""


@dataclass(frozen=True)
class Article:
    """What the page has of one clip: the block that shows it, why its looks are stale, and for each
    look its name and (name, bytes) of the files that it offers."""

    shown: Shown
    figure: str
    stale: dict[str, str]
    files: list[tuple[str, list[tuple[str, int]]]]


@dataclass(frozen=True)
class Group:
    """The clips of one choice, its numbers, and what was verified of it."""

    choice: Choice
    tiling: str
    found: Traffic
    rows: list[tuple[str, list[str]]]
    rungs: list[Rung]
    articles: list[Article] = field(default_factory=list)


@dataclass(frozen=True)
class PageMade:
    """The page that was written, how many clips it has, which of their looks are stale, and which
    files were skipped; both by name with the reason."""

    path: Path
    clips: int
    stale: dict[str, str]
    skipped: dict[str, str]


def write_page(folder: Path) -> PageMade:
    """Write the page of all clips that lie in a folder.

    Raises Refused where there is none.
    """
    found = all_in(folder)
    if not found.shown:
        remedy = f"try python render.py clip --all --out {folder}"
        raise Refused("--out", folder, "has no clip to show", remedy)
    groups: dict[Choice, Group] = {}
    for shown in found.shown:
        if shown.choice not in groups:
            groups[shown.choice] = _group(shown, found.reports)
        files = [_files(folder, about) for about in shown.looks.values()]
        article = Article(shown, figure(shown), shown.stale, files)
        groups[shown.choice].articles.append(article)
    text = templates().get_template("page.html").render(groups=list(groups.values()))
    write(folder / PAGE, text + "\n")
    stale = {
        stem: why
        for group in groups.values()
        for article in group.articles
        for stem, why in article.stale.items()
    }
    return PageMade(folder / PAGE, len(found.shown), stale, found.skipped)


def _group(shown: Shown, reports: list[Report]) -> Group:
    """All rungs of proof stand in it: from the clip, and from what `verify --report` left."""
    choice = shown.choice
    climbed = {rung.name: rung for rung in shown.first.verified}
    for report in reports:
        if (report.gemm, report.tiling, report.cta) == (choice.gemm, choice.tiling, choice.cta):
            climbed |= {rung.name: rung for rung in report.rungs}
    says = "python render.py verify climbs it"
    rungs = [climbed.get(name, Rung(name, "not run", says)) for name in RUNGS]
    found = traffic(choice.schedule())
    return Group(choice, shown.tiling, found, traffic_rows(found), rungs)


def _files(folder: Path, about: Description) -> tuple[str, list[tuple[str, int]]]:
    names = [about.stem + kind for kind in OFFERED if kind in {*about.files, ".json"}]
    sizes = [(name, (folder / name).stat().st_size) for name in names]
    return f"{about.theme}, {about.aspect}", sizes
