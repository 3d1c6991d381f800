"""The block of HTML that a person pastes into a page."""

import base64
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from publish.captions import vtt
from publish.page.on_disk import Shown
from publish.settings import MovieKind

NARROW = 600
"""CSS pixels of the window's width up to which the tall clip is shown."""

FORMATS: tuple[MovieKind, ...] = (".webm", ".mp4")
"""In the order in which a browser is asked to take them."""

HERE = Path(__file__).parent


@cache
def templates() -> Environment:
    """Everything that is filled in is escaped; what is not given is an error."""
    loader = FileSystemLoader(HERE)
    made = Environment(
        loader=loader,
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals["inline"] = inline
    return made


def inline(name: str) -> str:
    """A file of this folder without comments, indentation and empty lines.

    Markdown ends a block of HTML at an empty line, and takes an indented one for code.
    """
    lines = (line.strip() for line in (HERE / name).read_text("utf-8").splitlines())
    return "\n".join(line for line in lines if line and not line.startswith(("//", "/*")))


def figure(shown: Shown, base_url: str = "", controls: bool = False) -> str:
    """HTML that shows the clip on any page: no other script or style, no request but its files.

    base_url: where the files will lie, relative to the page or whole.
    """
    base = base_url.rstrip("/") + "/" if base_url else ""
    first = shown.first
    clip = first.clip()
    html = (
        templates()
        .get_template("figure.html")
        .render(
            shown=shown,
            first=first,
            size=clip.pixels,
            base=base + quote(first.stem),
            sources=list(_sources(shown, base)),
            captions=base64.b64encode(vtt(first, clip.fps).encode()).decode(),
            narrow=NARROW if len({look[1] for look in shown.looks}) == 2 else None,
            controls=controls,
        )
    )
    return "\n".join(line.strip() for line in html.splitlines() if line.strip())


def _sources(shown: Shown, base: str) -> Iterator[dict[str, str]]:
    """The files, of which the browser takes the first that fits: the looks that ask for more first,
    the plainest, which asks for nothing, last."""
    themes, aspects = ({look[i] for look in shown.looks} for i in (0, 1))
    for (theme, aspect), about in reversed(shown.looks.items()):
        asks = []
        if aspect == "tall" and len(aspects) == 2:
            asks.append(f"(max-width: {NARROW}px)")
        if theme == "night" and len(themes) == 2:
            asks.append("(prefers-color-scheme: dark)")
        for kind in FORMATS:
            if kind in about.types:
                src = base + quote(about.stem + kind)
                yield {"src": src, "type": about.types[kind], "media": " and ".join(asks)}
