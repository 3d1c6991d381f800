"""Many clips at once, and scenes joined to a film."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import pytest

from publish.cache import mark_of
from publish.captions import transcript
from publish.clip import render
from publish.description import Caption, Chapter, Marks
from publish.film import make_film
from publish.pool import RenderFailed
from publish.settings import KINDS, Clip, film_of
from publish.stale import described, lacking
from scenes import SCENES, title_of
from scenes.title_card.scene import SECONDS
from tests.browsing import CHANGED, TINY
from tests.screening import flaws, screen
from tiling.presets import choose
from tiling.shapes import Refused

ROOT = Path(__file__).parent.parent
CHOICE = choose(overrides={"gemm": "4x4x2", "cta": "2x2x2", "thread": "1x1"})


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "render.py", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


class Heard:
    """A Progress that remembers."""

    def __init__(self) -> None:
        self.frames: dict[str, int] = {}
        self.totals: dict[str, int] = {}
        self.ended: dict[str, bool] = {}
        self.bytes = 0

    def total(self, clip: Clip, frames: int) -> None:
        self.totals[clip.stem] = frames

    def advance(self, clip: Clip, frames: int) -> None:
        self.frames[clip.stem] = self.frames.get(clip.stem, 0) + frames

    def done(self, clip: Clip) -> None:
        assert clip.stem not in self.ended
        self.ended[clip.stem] = False

    def failed(self, clip: Clip) -> None:
        assert clip.stem not in self.ended
        self.ended[clip.stem] = True

    def memory(self, needed: int) -> None:
        self.bytes = max(self.bytes, needed)


def test_a_clip_that_fails_does_not_stop_the_others(tmp_path: Path) -> None:
    good = [
        Clip("overview", CHOICE, theme, "wide", "draft", tmp_path) for theme in ("paper", "night")
    ]
    bad = Clip("nothing_like_it", CHOICE, out=tmp_path)
    (tmp_path / "a file").write_text("")
    nowhere = replace(good[0], out=tmp_path / "a file" / "under it")
    heard = Heard()
    nowhere = replace(nowhere, aspect="tall")
    failed = render([good[0], bad, nowhere, good[1]], [], 2, heard)
    assert failed.keys() == {bad, nowhere}
    assert heard.ended == {clip.stem: clip in failed for clip in (*good, bad)}
    assert isinstance(failed[bad], RenderFailed) and "nothing_like_it" in str(failed[bad])
    assert isinstance(failed[nowhere], Refused)
    for clip in good:
        assert not lacking(clip)
        assert heard.frames[clip.stem] == heard.totals[clip.stem] > 0
    assert {path.name for path in tmp_path.iterdir()} == {
        "a file",
        *(clip.file(kind).name for clip in good for kind in (*KINDS, ".json")),
    }
    assert 5e7 < heard.bytes < 2e9


@pytest.mark.parametrize(
    ("why", "line"),
    [
        (RenderFailed("planted"), "overview-card-draft: planted"),
        (Refused("--out", "private", "is full", "make room"), r"--out {}: is full \(make room\)"),
    ],
)
def test_why_a_film_could_not_be_made_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, why: Exception, line: str
) -> None:
    def fails(clips: list[Clip], *rest: object) -> dict[Clip, Exception]:
        return {clips[0]: why}

    monkeypatch.setattr("publish.film.render", fails)
    whole, parts = film_of(list(SCENES), Clip("", choose(), quality="draft", out=tmp_path))
    with pytest.raises(type(why), match=line.format(tmp_path)):
        make_film(whole, parts, [], 1, Heard())
    assert not list(tmp_path.iterdir())


def test_all_means_every_scene_in_every_look(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from click.testing import CliRunner

    import publish.clip
    import render as door

    asked: list[Clip] = []

    def pretend(clips: list[Clip], verified: Any, jobs: int, progress: Any) -> Any:
        asked.extend(clips)
        for clip in clips[1:]:
            progress.done(clip)
        return {clips[0]: RenderFailed("planted")}

    monkeypatch.setattr(publish.clip, "render", pretend)
    arguments = ["clip", "--all", *TINY, "--out", str(tmp_path)]
    result = CliRunner().invoke(door.main, arguments)
    looks = {(clip.scene, clip.theme, clip.aspect) for clip in asked}
    assert looks == {
        (s, t, a) for s in SCENES for t in ("paper", "night") for a in ("wide", "tall")
    }
    assert len(asked) == len(looks) == 4 * len(SCENES)
    assert result.exit_code == 1 and "planted" in result.stderr
    assert f"{len(asked) - 1} of {len(asked)} clips" in result.stdout and "MB" in result.stdout
    asked.clear()
    CliRunner().invoke(door.main, [*arguments, "--theme", "night"])
    assert {clip.theme for clip in asked} == {"night"} and len(asked) == 2 * len(SCENES)


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a film of two scenes, the last one first."""
    out = tmp_path_factory.mktemp("media")
    done = run("film", "--scenes", ",".join(ORDER), *TINY, "--out", str(out))
    assert done.returncode == 0, done.stderr
    return out


ORDER = list(reversed(SCENES))[:2]
STEM = f"film-{CHANGED}-draft"


def test_the_film_has_its_scenes_frame_by_frame(film: Path) -> None:
    whole, parts = film_of(ORDER, Clip("", CHOICE, quality="draft", out=film))
    about = described(whole)
    assert about.scenes == tuple(ORDER) and about.fingerprint == mark_of(parts)
    clips = [described(part) for part in parts]
    card = round(SECONDS * 15)
    assert about.frames == sum(clip.frames + card for clip in clips)
    with av.open(whole.file(".mp4")) as movie:
        stream = movie.streams.video[0]
        decoded = list(movie.decode(stream))
        assert [frame.pts * stream.time_base * 15 for frame in decoded] == list(range(about.frames))
        chapters = movie.chapters()
    starts = [0.0]
    for clip in clips[:-1]:
        starts.append(starts[-1] + SECONDS + clip.frames / 15)
    assert [c["metadata"]["title"] for c in chapters] == [title_of(scene) for scene in ORDER]
    assert [float(c["start"] * c["time_base"]) for c in chapters] == pytest.approx(starts)
    # Not encoded again: each scene's frames decode to what they are in its own clip.
    first = card
    for part in parts:
        with av.open(part.file(".mp4")) as movie:
            for i, frame in enumerate(movie.decode(video=0)):
                if i % 40 == 0:
                    same = frame.to_ndarray() == decoded[first + i].to_ndarray()
                    assert same.all()
        first += described(part).frames + card


def test_its_captions_are_those_of_the_scenes_later(film: Path) -> None:
    whole, parts = film_of(ORDER, Clip("", CHOICE, quality="draft", out=film))
    captions, start = [], 0.0
    for part in parts:
        clip = described(part)
        captions.append((round(start, 3), title_of(part.scene)))
        start += SECONDS
        captions += [(round(c.seconds + start, 3), c.text) for c in clip.captions]
        start += clip.frames / 15
    assert [(c.seconds, c.text) for c in described(whole).captions] == captions
    assert (film / f"{STEM}.vtt").read_text().count("-->") == len(captions)
    words = " ".join((film / f"{STEM}.txt").read_text().split())
    assert all(" ".join(text.split()) in words for _, text in captions)


def test_nothing_changed_joins_nothing(film: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in film.iterdir()}
    done = run("film", "--scenes", ",".join(ORDER), *TINY, "--out", str(film))
    assert done.returncode == 0 and "up to date" in done.stdout
    assert {path: path.stat().st_mtime_ns for path in film.iterdir()} == before


@pytest.mark.parametrize("scene", SCENES)
@pytest.mark.parametrize(("theme", "aspect"), [("paper", "wide"), ("night", "tall")])
def test_title_cards_can_be_read(scene: str, theme: str, aspect: str) -> None:
    found: list[str] = []

    def look_at(film: Any) -> None:
        found.extend(flaws(film))

    card = screen(Clip(scene, choose("sgemm"), theme, aspect, "draft", card=True), look_at)
    assert not found
    assert card.now == SECONDS and len(card.captions[0].text) <= 17 * SECONDS


def test_a_transcript_says_when_what_is_said_and_what_is_seen() -> None:
    captions = Caption(0.0, "Loading tiles", "A tile travels."), Caption(62.4, "Done")
    marks = Marks(frames=1000, captions=captions, chapters=(Chapter(0.0, "load"),))
    assert transcript(["Overview: a claim", "C = A·B"], marks).splitlines() == [
        "Overview: a claim",
        "=================",
        "",
        "C = A·B",
        "",
        "Load",
        "----",
        "",
        "0:00  Loading tiles",
        "      A tile travels.",
        "",
        "1:02  Done",
    ]
