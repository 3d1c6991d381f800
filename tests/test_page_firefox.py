"""Clips on a page, in Firefox: playing, looping, sources and captions."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browsing import FIREFOX, PLAIN, STEM, TINY, render_py, served, tiny_clips
from tests.firefox import Tab, firefox

pytestmark = [
    pytest.mark.skipif(FIREFOX is None, reason="no Firefox here: make setup-browser"),
]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    out = tmp_path_factory.mktemp("site")
    tiny_clips(tmp_path_factory, out)
    where = ("overview", *TINY, "--theme", "paper", "--out", str(out))
    (out / "plain.html").write_text(PLAIN.format(css="", body=render_py("embed", *where)), "utf-8")
    with served(out) as address:
        yield address


@pytest.fixture
def tab(tmp_path: Path) -> Iterator[Tab]:
    with firefox(FIREFOX, tmp_path) as started:
        yield started


def test_it_plays_loops_and_shows_its_captions(tab: Tab, site: str) -> None:
    tab.open(f"{site}/plain.html")
    tab.until("v.currentTime > 0.5 && !v.paused")
    tab.video("v.currentTime = v.duration - 0.3")
    tab.until("v.currentTime > 0.2 && v.currentTime < 5 && !v.paused")
    tab.video("v.textTracks[0].mode = 'showing'")
    tab.until("v.textTracks[0].activeCues && v.textTracks[0].activeCues.length == 1")
    first = tab.video("v.textTracks[0].cues[0].text")
    assert first == "A toy: one CTA of 4 threads makes one 2×2 tile of C"


@pytest.mark.parametrize(("width", "name"), [(390, f"{STEM}-tall"), (1280, STEM)])
def test_the_source_is_the_one_for_the_window(tab: Tab, site: str, width: int, name: str) -> None:
    tab.size(width, 800)
    tab.open(f"{site}/plain.html")
    tab.until("v.currentTime > 0")
    assert tab.video("v.currentSrc") in {f"{site}/{name}-draft{end}" for end in (".webm", ".mp4")}
