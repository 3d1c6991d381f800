"""The README's picture of a page with a clip on it, and the block that was pasted into that page.

`python -m tests.shots` needs Chromium and the clip `overview` in all looks; it writes
media/page.webp, media/page-night.webp and the README's snippet.
"""

import io
from pathlib import Path

from markdown_it import MarkdownIt
from PIL import Image
from playwright.sync_api import Browser, sync_playwright

from benchmarks.tables import write
from tests.browsing import CHROMIUM, FLAGS, HERE, PLAIN, ROOT, render_py, served, visit

STYLE = """
body { margin: 0 auto; max-width: 760px; padding: 8px 24px; font: 17px/1.6 system-ui, sans-serif;
  color: #1f2328; background: #fff; }
@media (prefers-color-scheme: dark) { body { color: #e6edf3; background: #0d1117; } }
main > h1:first-child { display: none; } h1 { line-height: 1.1; } a { color: inherit; }
"""
"""Of the page around the block, which has a look of its own."""

SIZE = {"width": 820, "height": 800}

SCHEMES = {"light": "", "dark": "-night"}


def about_page(block: str, css: str = "") -> str:
    """A Jekyll-like About page, the block where its old inline script stood, as HTML."""
    _, _, about = (HERE / "about.md").read_text("utf-8").split("---", 2)
    before, script = about.split("<script>\n")
    _, after = script.split("</script>\n")
    body = MarkdownIt("commonmark", {"html": True}).render(before + block + after)
    return PLAIN.format(css=css, body=body)


def shot(browser: Browser, address: str, scheme: str) -> Image.Image:
    """The page as a reader has it, its clip at the chapter in which the thread accumulates."""
    with visit(browser, address, viewport=SIZE, color_scheme=scheme) as seen:
        seen.until("v.currentTime > 0.2 && !v.paused")
        seen.page.get_by_role("button", name="Pause").click()
        seen.page.evaluate("document.querySelector('video').currentTime = 13.7")
        seen.until("!v.seeking && v.currentTime == 13.7")
        seen.page.locator("button[aria-current]").wait_for()
        return Image.open(io.BytesIO(seen.page.screenshot())).convert("RGB")


def main() -> None:
    media = ROOT / "media"
    page = media / "about.html"
    page.write_text(about_page(render_py("embed", "overview", "--no-render"), STYLE), "utf-8")
    try:
        with served(media) as site, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            for scheme, suffix in SCHEMES.items():
                picture = shot(browser, f"{site}/{page.name}", scheme)
                picture.save(media / f"page{suffix}.webp", quality=85, method=6)
    finally:
        page.unlink()
    block = render_py("embed", "overview", "--no-render", "--base-url", "/assets/tilelapse")
    write("snippet", f"```html\n{block.strip()}\n```", Path(ROOT / "README.md"))


if __name__ == "__main__":
    main()
