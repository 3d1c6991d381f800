"""Clips on a page, in Chromium: what a reader of the page sees, hears of, and can do."""

import io
from collections.abc import Iterator
from pathlib import Path
from urllib.request import Request, urlopen

import av
import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, sync_playwright

from publish.description import Description, read
from publish.page.figure import inline
from tests.browsing import (
    AXE,
    CHROMIUM,
    FLAGS,
    PLAIN,
    STEM,
    TINY,
    render_py,
    served,
    tiny_clips,
    visit,
)
from tests.shots import SCHEMES, SIZE, about_page, shot

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: make setup-browser")

PHONE = {"width": 390, "height": 844}
HOSTILE = """* { max-width: 50%; color: #eee; } body { background: #111; margin: 0; }
video { height: 100%; width: 10px; object-fit: cover; }
button { display: none; position: absolute; font-size: 40px; }
figure { width: 120px; float: right; overflow: hidden; } figcaption { display: none; }"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Clips in all four looks, and pages with the block that `embed` prints for them."""
    out = tmp_path_factory.mktemp("site")
    tiny_clips(tmp_path_factory, out)
    where = ("overview", *TINY, "--out", str(out))
    block = render_py("embed", *where)
    render_py("embed", "--page", "--out", str(out))
    pages = {
        "plain.html": PLAIN.format(css="", body=block),
        "controls.html": PLAIN.format(css="", body=render_py("embed", *where, "--controls")),
        "paper.html": PLAIN.format(css="", body=render_py("embed", *where, "--theme", "paper")),
        "two.html": PLAIN.format(css="", body=block + "<p style='height:3000px'>…</p>" + block),
        "hostile.html": PLAIN.format(css=HOSTILE, body=block),
    }
    pages["about.html"] = about_page(block)
    for name, text in pages.items():
        (out / name).write_text(text, "utf-8")
    return out


@pytest.fixture(scope="module")
def about(folder: Path) -> Description:
    found = read(folder / f"{STEM}-draft.json")
    assert isinstance(found, Description)
    return found


def begins(about: Description, chapter: str) -> float:
    """Seconds."""
    return next(one.seconds for one in about.chapters if one.text == chapter)


@pytest.fixture(scope="module")
def site(folder: Path) -> Iterator[str]:
    with served(folder) as address:
        yield address


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)


def test_it_plays_without_a_gesture_and_loops(browser: Browser, site: str) -> None:
    with visit(browser, f"{site}/plain.html") as seen:
        seen.until("v.currentTime > 0.5 && !v.paused")
        seen.page.evaluate("document.querySelector('video').currentTime = 1e6")
        seen.until("v.currentTime > 0.2 && v.currentTime < 5 && !v.paused && !v.ended")
        assert all(request.startswith((site, "data:")) for request in seen.requests)
        assert seen.page.evaluate("window.shifts") == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("size", "aspect"), [(PHONE, "tall"), (None, "wide")])
def test_the_look_is_the_readers(
    browser: Browser, site: str, scheme: str, size: dict[str, int] | None, aspect: str
) -> None:
    options = {"viewport": size} if size else {}
    with visit(browser, f"{site}/plain.html", color_scheme=scheme, **options) as seen:
        seen.until("v.currentTime > 0")
        name = STEM + "-night" * (scheme == "dark") + "-tall" * (aspect == "tall") + "-draft"
        assert seen.video("v.currentSrc") == f"{site}/{name}.webm"
        assert seen.video("v.poster") == f"{site}/{name}.jpg"
        box = seen.page.locator("video").bounding_box()
        assert abs(box["width"] / box["height"] - (16 / 9 if aspect == "wide" else 9 / 16)) < 0.01
        assert seen.page.evaluate("window.shifts") == 0


def test_a_theme_that_was_chosen_holds_in_the_dark(browser: Browser, site: str) -> None:
    with visit(browser, f"{site}/paper.html", color_scheme="dark") as seen:
        seen.until("v.currentTime > 0")
        assert seen.video("v.currentSrc") == f"{site}/{STEM}-draft.webm"


def test_it_plays_only_in_view(browser: Browser, site: str) -> None:
    with visit(browser, f"{site}/two.html") as seen:
        second = "document.querySelectorAll('video')[1]"
        seen.until("v.currentTime > 0.2 && !v.paused")
        assert seen.page.evaluate(f"{second}.paused")
        seen.page.evaluate("window.scrollTo(0, 1e6)")
        seen.until(f"v.paused && !{second}.paused && {second}.currentTime > 0.2")
        at = seen.video("v.currentTime")
        seen.page.evaluate("window.scrollTo(0, 0)")
        seen.until(f"!v.paused && v.currentTime > {at} && {second}.paused")


def test_a_reader_who_has_stopped_it_is_not_overruled(browser: Browser, site: str) -> None:
    with visit(browser, f"{site}/two.html") as seen:
        seen.until("v.currentTime > 0.2")
        seen.page.get_by_role("button", name="Pause Overview").first.click()
        seen.until("v.paused")
        seen.page.evaluate("window.scrollTo(0, 1e6)")
        seen.page.wait_for_timeout(300)
        seen.page.evaluate("window.scrollTo(0, 0)")
        seen.page.wait_for_timeout(300)
        assert seen.video("v.paused")
        seen.page.get_by_role("button", name="Play Overview").first.click()
        seen.until("!v.paused")


def test_reduced_motion_does_not_move_until_asked(browser: Browser, site: str) -> None:
    with visit(browser, f"{site}/plain.html", reduced_motion="reduce") as seen:
        seen.page.wait_for_timeout(1000)
        assert seen.video("v.paused && v.currentTime == 0")
        poster = Image.open(io.BytesIO(urlopen(f"{site}/{STEM}-draft.jpg").read()))
        shot = Image.open(io.BytesIO(seen.page.locator("video").screenshot())).convert("RGB")
        assert difference(shot, poster.resize(shot.size)) < 4
        seen.page.get_by_role("button", name="Play Overview").click()
        seen.until("!v.paused && v.currentTime > 0.2")


def test_captions_are_the_ones_of_their_time(
    browser: Browser, site: str, folder: Path, about: Description
) -> None:
    said = about.captions[2]
    with visit(browser, f"{site}/plain.html") as seen:
        seen.page.evaluate("document.querySelector('video').textTracks[0].mode = 'showing'")
        seen.until("v.textTracks[0].cues && v.textTracks[0].cues.length > 3")
        at = said.seconds + 0.5
        seen.page.evaluate(f"document.querySelector('video').currentTime = {at}")
        seen.until(f"v.textTracks[0].activeCues[0].startTime == {said.seconds}")
        assert seen.video("v.textTracks[0].activeCues[0].text") == said.text
        assert f"\n{said.text}\n" in (folder / f"{STEM}-draft.vtt").read_text("utf-8")


def test_chapter_buttons_seek_to_their_frame(
    browser: Browser, site: str, folder: Path, about: Description
) -> None:
    with visit(browser, f"{site}/plain.html") as seen:
        seen.until("v.currentTime > 0")
        seen.page.get_by_role("button", name="Pause Overview").click()
        for name in "accumulate", "store", "load":
            seconds = begins(about, name)
            time = seen.page.evaluate(
                """name => new Promise(done => {
                  const v = document.querySelector("video");
                  v.requestVideoFrameCallback((now, frame) => done(frame.mediaTime));
                  [...document.querySelectorAll("button")].find(b => b.textContent == name).click();
                })""",
                name,
            )
            assert round(time * 15) == round(seconds * 15)
            button = seen.page.get_by_role("button", name=name, exact=True)
            seen.until("!v.seeking")
            button.and_(seen.page.locator("[aria-current]")).wait_for()
            shown = Image.open(io.BytesIO(seen.page.locator("video").screenshot())).convert("RGB")
            wanted = frame(folder / f"{STEM}-draft.webm", round(seconds * 15))
            assert difference(shown, wanted.resize(shown.size)) < 4


def test_everything_can_be_done_from_the_keyboard(
    browser: Browser, site: str, about: Description
) -> None:
    with visit(browser, f"{site}/plain.html") as seen:
        seen.until("v.currentTime > 0.2")
        page = seen.page
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == "Pause"
        outline = "parseFloat(getComputedStyle(document.activeElement).outlineWidth)"
        assert page.evaluate(outline) >= 2
        page.keyboard.press("Space")
        seen.until("v.paused")
        third = about.chapters[2]
        for _ in range(3):
            page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == third.text
        page.keyboard.press("Enter")
        seen.until(f"Math.abs(v.currentTime - {third.seconds}) < 0.1")


def test_controls_are_the_browsers_where_asked(browser: Browser, site: str) -> None:
    for name, wanted in ("plain", False), ("controls", True):
        with visit(browser, f"{site}/{name}.html") as seen:
            assert seen.video("v.controls") is wanted


def test_without_script_it_is_a_video_with_controls(browser: Browser, site: str) -> None:
    with visit(browser, f"{site}/plain.html", java_script_enabled=False) as seen:
        assert seen.video("v.controls && v.autoplay && v.loop && v.muted")
        assert not seen.page.get_by_role("button", name="load").is_visible()
        seen.page.wait_for_timeout(1500)
        assert seen.video("v.currentTime") > 0


def test_a_hostile_page_shows_it_whole(browser: Browser, site: str) -> None:
    with visit(browser, f"{site}/hostile.html") as seen:
        seen.until("v.currentTime > 0")
        names = "main", "figure", "video"
        main, figure, video = (seen.page.locator(name).bounding_box() for name in names)
        assert video["width"] == figure["width"] == main["width"]
        assert abs(video["width"] / video["height"] - 16 / 9) < 0.01
        assert seen.page.get_by_role("button", name="accumulate").is_visible()
        assert seen.page.get_by_text("Verified, model").is_visible()


def test_it_goes_into_an_about_page_where_the_old_script_stood(
    browser: Browser, site: str, about: Description
) -> None:
    with visit(browser, f"{site}/about.html") as seen:
        seen.until("v.currentTime > 0.2 && !v.paused")
        assert seen.page.locator("figure > p, figure > pre, figure em").count() == 0
        assert seen.page.get_by_role("heading", name="About me").is_visible()
        assert seen.page.locator("strong").inner_text() == "that"
        assert seen.page.locator("script").count() == 1
        seen.page.get_by_role("button", name="store").click()
        seen.until(f"v.currentTime >= {begins(about, 'store')}")


def test_the_readmes_picture_is_of_the_readers_look(browser: Browser, site: str) -> None:
    light, dark = (shot(browser, f"{site}/about.html", scheme) for scheme in SCHEMES)
    assert light.size == dark.size == tuple(SIZE.values())
    brightness = [np.asarray(picture, float).mean() for picture in (light, dark)]
    assert brightness[0] > 180 and brightness[1] < brightness[0] - 50


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["plain.html", "index.html"])
def test_no_barriers_are_found(browser: Browser, site: str, name: str, scheme: str) -> None:
    if not AXE.exists():
        pytest.skip("no axe-core here: make setup-browser")
    with visit(browser, f"{site}/{name}", color_scheme=scheme) as seen:
        seen.until("v.readyState > 1")
        seen.page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
        seen.page.add_script_tag(path=AXE)
        found = seen.page.evaluate("axe.run()")
        assert [(rule["id"], rule["nodes"][0]["html"]) for rule in found["violations"]] == []
        assert len(found["passes"]) > 10


@pytest.mark.parametrize("width", [320, 768, 1920])
def test_the_page_of_all_clips(browser: Browser, site: str, folder: Path, width: int) -> None:
    with visit(browser, f"{site}/", viewport={"width": width, "height": 900}) as seen:
        seen.until("v.currentTime > 0.2")
        page = seen.page
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        for link in page.locator("a[download]").all():
            assert (folder / link.get_attribute("href")).is_file()
        assert page.locator("a[download]").count() == 4 * 6
        assert page.get_by_role("cell", name="all 4 CTAs executed", exact=False).count() == 1
        assert all(request.startswith((site, "data:")) for request in seen.requests)
        assert page.evaluate("window.shifts") == 0


def test_its_copy_button_copies_the_block(browser: Browser, site: str, folder: Path) -> None:
    with visit(browser, f"{site}/", permissions=["clipboard-read", "clipboard-write"]) as seen:
        seen.page.get_by_text("Embed Overview").click()
        seen.page.get_by_role("button", name="Copy").click()
        seen.page.get_by_role("button", name="Copied").wait_for()
        copied = seen.page.evaluate("navigator.clipboard.readText()")
    assert copied.strip() == render_py("embed", "overview", *TINY, "--out", str(folder)).strip()


def test_the_page_works_from_a_file(browser: Browser, folder: Path) -> None:
    with visit(browser, (folder / "index.html").as_uri()) as seen:
        seen.until("v.currentTime > 0.2 && v.textTracks.length == 1")
        seen.page.evaluate("document.querySelector('video').textTracks[0].mode = 'showing'")
        seen.until("v.textTracks[0].cues && v.textTracks[0].cues.length > 3")


def test_the_server_gives_ranges(site: str, folder: Path) -> None:
    whole = (folder / f"{STEM}-draft.mp4").read_bytes()
    asked = Request(f"{site}/{STEM}-draft.mp4", headers={"Range": "bytes=100-199"})
    with urlopen(asked) as answer:
        assert answer.status == 206
        assert answer.headers["Content-Range"] == f"bytes 100-199/{len(whole)}"
        assert answer.read() == whole[100:200]


def test_the_script_is_short() -> None:
    assert len(inline("figure.js").encode()) <= 2048


def frame(movie: Path, number: int) -> Image.Image:
    with av.open(movie) as container:
        for i, found in enumerate(container.decode(video=0)):
            if i == number:
                return found.to_image()
    raise AssertionError(f"{movie} has no frame {number}")


def difference(one: Image.Image, other: Image.Image) -> float:
    """Mean of the channels' distances, 0 to 255."""
    both = [np.asarray(picture.convert("RGB"), np.int16) for picture in (one, other)]
    return float(np.abs(both[0] - both[1]).mean())
