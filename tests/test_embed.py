"""The block that is pasted into a page, and the files it shows."""

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, replace
from html.parser import HTMLParser
from pathlib import Path

import av
import pytest
from click.testing import CliRunner
from PIL import Image

import render
from publish.animate import LONGER
from publish.clip import add_pictures, put_in_place
from publish.description import Chapter, text_of
from publish.files import private_folder
from publish.page.figure import figure
from publish.page.gallery import write_page
from publish.page.on_disk import Shown, all_in, in_looks
from publish.sealed import REPORT, sealed
from publish.settings import ASPECTS, FILM, KINDS, THEMES, Clip
from publish.sources import digest
from publish.stale import described, lacking
from tests.altered import WHOLE, altered
from tests.browsing import TINY, render_py, tiny_clips
from tests.test_film import Heard
from tiling.presets import choose
from tiling.shapes import Refused
from tiling.verify import Rung

CHOICE = choose(overrides={"gemm": "4x4x2", "cta": "2x2x2", "thread": "1x1"})
CLIPS = [Clip("overview", CHOICE, t, a, "draft") for t in THEMES for a in ASPECTS]


class Tags(HTMLParser):
    """Every tag of a text with its attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.found if name == tag]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("media")
    tiny_clips(tmp_path_factory, out)
    return out


@pytest.fixture
def shown(folder: Path) -> Shown:
    return in_looks(replace(clip, out=folder) for clip in CLIPS)


def test_sources_ask_for_less_and_less(shown: Shown) -> None:
    sources = Tags(figure(shown)).all("source")
    webm = [source for source in sources if source["src"].endswith(".webm")]
    assert {source["src"] for source in sources} == {
        clip.stem + kind for clip in CLIPS for kind in (".webm", ".mp4")
    }
    assert [source.get("media") for source in webm] == [
        "(max-width: 600px) and (prefers-color-scheme: dark)",
        "(prefers-color-scheme: dark)",
        "(max-width: 600px)",
        None,
    ]
    for source in sources:
        movie = av.open(shown.folder / source["src"])
        codec = {"h264": "avc1.", "libdav1d": "av01.0."}[movie.streams.video[0].codec.name]
        assert f'codecs="{codec}' in source["type"]


def test_it_can_be_pasted_into_markdown_and_into_templates(shown: Shown) -> None:
    text = figure(shown)
    assert text.startswith("<figure") and text.endswith("</figure>")
    assert all(line and line == line.strip() for line in text.splitlines())
    assert "{{" not in text and "{%" not in text  # Liquid's and Hugo's
    assert not [a for _, a in Tags(text).found if "id" in a]  # so none can clash


def test_the_address_of_the_files(shown: Shown) -> None:
    for base in "/clips", "/clips/", "https://example.org/a b":
        tags = Tags(figure(shown, base))
        start = base.rstrip("/") + "/overview"
        addresses = [tag["src"] for tag in tags.all("source")] + [
            tag["href"] for tag in tags.all("a")
        ]
        assert len(addresses) > 8 and all(address.startswith(start) for address in addresses)
        assert tags.all("video")[0]["poster"].startswith(start)


def test_text_is_escaped(shown: Shown) -> None:
    evil = '"><script>alert(1)</script>'
    first = replace(
        shown.first,
        choice=replace(CHOICE, name=evil),
        chapters=(Chapter(0.0, evil),),
        verified=(Rung("model", "passed", evil),),
    )
    text = figure(Shown(shown.folder, {("paper", "wide"): first}), evil)
    assert len(Tags(text).all("script")) == 1
    assert "<script>alert" not in text


@pytest.mark.parametrize("missing", [".json", ".webm", ".vtt"])
def test_a_clip_that_is_not_there_is_named_with_what_makes_it(
    folder: Path, tmp_path: Path, missing: str
) -> None:
    out = Path(shutil.copytree(folder, tmp_path / "media"))
    gone = replace(CLIPS[3], out=out)
    gone.file(missing).unlink()
    wanted = [replace(clip, out=out) for clip in CLIPS]
    with pytest.raises(Refused) as refused:
        in_looks(wanted)
    assert str(gone.file(".mp4")) in str(refused.value)
    command = f"clip overview --theme both --aspect both --quality draft --out {out}"
    assert f"{command} with the same tiling" in str(refused.value)
    assert len(in_looks(wanted[:3]).looks) == 3


def change(clip: Clip, **what: object) -> None:
    """Say something else in a clip's .json, as if it had been made so."""
    clip.file(".json").write_text(text_of(replace(described(clip), **what)))


@pytest.mark.parametrize(
    ("what", "why"),
    [
        ({"fingerprint": "0" * 64}, "the sources that draw it have changed since"),
        ({"choice": replace(CHOICE, cta=(0, 1))}, "it was made of another tiling"),
        ({"files": dict.fromkeys(KINDS, "0" * 64)}, "its .mp4 is not the one that was rendered"),
    ],
)
def test_a_stale_clip_is_refused_with_the_reason(
    folder: Path, tmp_path: Path, what: dict[str, object], why: str
) -> None:
    out = Path(shutil.copytree(folder, tmp_path / "media"))
    wanted = [replace(clip, out=out) for clip in CLIPS]
    assert not in_looks(wanted).stale
    change(wanted[0], **what)
    with pytest.raises(Refused, match=f"stale: {why}"):
        in_looks(wanted)
    assert len(in_looks(wanted[1:]).looks) == 3


def test_other_versions_are_named(folder: Path, tmp_path: Path) -> None:
    out = Path(shutil.copytree(folder, tmp_path / "media"))
    clip = replace(CLIPS[0], out=out)
    change(clip, versions=described(clip).versions | {"manim": "0.1"})
    assert lacking(clip) == f"{clip.file('.mp4')} is stale: manim has another version since"


def test_the_page_says_what_is_stale(folder: Path, tmp_path: Path) -> None:
    out = Path(shutil.copytree(folder, tmp_path / "media"))
    assert write_page(out).stale == {}
    clip = replace(CLIPS[1], out=out)
    change(clip, fingerprint="0" * 64)
    written = write_page(out)
    assert written.stale == {clip.stem: "the sources that draw it have changed since"}
    text = written.path.read_text("utf-8")
    assert f"<code>{clip.stem}.mp4</code>, the sources that draw it" in text
    run = CliRunner().invoke(render.main, ["embed", "--page", "--out", str(out)])
    assert run.exit_code == 0 and f"{clip.stem}.mp4 is stale: the sources" in run.stderr


def test_what_is_missing_or_stale_is_rendered_first(folder: Path, tmp_path: Path) -> None:
    """And only that; what is printed is the HTML alone."""
    out = Path(shutil.copytree(folder, tmp_path / "media"))
    clips = [replace(clip, out=out) for clip in CLIPS]
    clips[0].file(".mp4").unlink()
    change(clips[3], fingerprint="0" * 64)
    before = [clip.file(".vtt").stat().st_mtime_ns for clip in clips]
    html = render_py("embed", "overview", *TINY, "--out", str(out))
    assert html.startswith("<figure") and html.rstrip().endswith("</figure>")
    after = [clip.file(".vtt").stat().st_mtime_ns for clip in clips]
    assert [one != other for one, other in zip(before, after, strict=True)] == [
        True,
        False,
        False,
        True,
    ]
    assert html == figure(in_looks(clips)) + "\n"


def test_the_page_has_every_clip_once_and_what_proves_it(folder: Path, tmp_path: Path) -> None:
    out = Path(shutil.copytree(folder, tmp_path / "media"))
    render_py("clip", "overview", *TINY, "--gemm", "5x4x2", "--out", str(out))
    rungs = [asdict(Rung("host", "passed", "of this tiling"))]
    (out / "proof.json").write_text(sealed(REPORT, {**asdict(CHOICE), "rungs": rungs}), "utf-8")
    # The other tiling's clip has another name, so it took the place of none of the four.
    assert sorted(len(one.looks) for one in all_in(out).shown) == [1, 4]
    text = write_page(out).path.read_text("utf-8")
    assert text.count("of this tiling") == 1
    assert text.count("<video") == text.count("&lt;video") == 2  # shown, and as a snippet


def test_tilings_that_differ_in_anything_have_numbers_of_their_own(
    folder: Path, tmp_path: Path
) -> None:
    out = Path(shutil.copytree(folder, tmp_path / "media"))
    one = replace(CLIPS[0], out=out)
    tiling = replace(CHOICE.tiling, vector=2, pad=4)
    other = replace(one, choice=replace(CHOICE, name="other", tiling=tiling))
    for kind in (*KINDS, ".json"):
        shutil.copy(one.file(kind), other.file(kind))
    other.file(".json").write_text(text_of(replace(described(one), choice=other.choice)))
    text = write_page(out).path.read_text("utf-8")
    assert text.count("Its numbers") == 2
    assert text.count("1×1 a thread, vector 2, pad 4</h2>") == 1


def test_a_picture_of_an_older_clip_is_not_offered(folder: Path, tmp_path: Path) -> None:
    out = Path(shutil.copytree(folder, tmp_path / "media"))
    (out / f"{CLIPS[0].stem}.gif").write_bytes(b"GIF89a")
    assert f"{CLIPS[0].stem}.gif" not in write_page(out).path.read_text("utf-8")


def test_a_page_of_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="has no clip to show"):
        write_page(tmp_path)
    assert not list(tmp_path.iterdir())


STEPS = {"fsync": os, "mkdtemp": tempfile, "replace": Path, "unlink": Path, "write_text": Path}


@pytest.mark.parametrize("step", STEPS)
def test_a_fault_at_any_step_leaves_whole_files(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """The n-th of each step fails in turn, while a clip's files and a page are put in place. Each
    is the old one or the new one then, and no mixture is taken for a clip."""
    out, old, new = tmp_path, CLIPS[0], CLIPS[2]  # the new one looks as at night
    clip, real, count, fails_at = replace(old, out=out), getattr(STEPS[step], step), 0, 0

    def failing(*args: object, **options: object) -> object:
        nonlocal count
        count += 1
        if count == fails_at:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return real(*args, **options)

    def put(fingerprint: str) -> None:
        about = described(replace(old, out=folder))
        with private_folder(out) as private:
            for kind in ".mp4", ".jpg":  # and no .webm
                shutil.copy(folder / (new.stem + kind), private / (old.stem + kind))
            put_in_place(clip, private, about, ["new"], [], fingerprint)
        write_page(out)

    def found() -> dict[str, str]:
        return {name: digest(out / name) for name in names if (out / name).exists()}

    names = [old.stem + kind for kind in (*KINDS, ".json")]
    for name in names:
        shutil.copy(folder / name, out / name)
    before = found()
    put("0" * 64)
    after = found()
    assert sum(before[name] != after.get(name) for name in names) == 5  # not the captions
    monkeypatch.setattr(STEPS[step], step, failing)
    while count >= fails_at:
        count, fails_at = 0, fails_at + 1
        for name in names:
            shutil.copy(folder / name, out / name)
        with suppress(OSError):
            put("0" * 64)
        now = found()
        assert all(now.get(name) in (before[name], after.get(name)) for name in names)
        assert (lacking(clip) is None) == (now == before)
        # A folder that could not be removed is swept by the next one.
        assert not [path for path in out.iterdir() if path.name not in (*names, "index.html")]
    assert fails_at > 1


def some(text: bytes) -> Iterator[tuple[str, bytes]]:
    """All files that are no description, and of the other changes one in forty."""
    for number, (change, data) in enumerate(altered(text)):
        if number < len(WHOLE) or number % 40 == 0:
            yield change, data


def test_an_altered_description_is_named_and_skipped_or_holds_together(
    folder: Path, tmp_path: Path
) -> None:
    """Whatever lies there the page is written, and of each clip it says something or nothing."""
    out = tmp_path / "media"
    out.mkdir()
    for clip in CLIPS[:2]:
        for kind in (*KINDS, ".json"):
            (out / clip.file(kind).name).symlink_to(folder / clip.file(kind).name)
    path = out / f"{CLIPS[0].stem}.json"
    text = path.read_bytes()
    path.unlink()
    tried = shown = 0
    for change, data in some(text):
        path.write_bytes(data)
        found = all_in(out)
        names = [about.stem for one in found.shown for about in one.looks.values()]
        assert (CLIPS[0].stem in names) != (path.name in found.skipped), change
        assert CLIPS[1].stem in names and len(found.skipped) < 2, change
        assert all(len(why) < 300 and why.isprintable() for why in found.skipped.values()), change
        for one in found.shown:
            assert figure(one).isascii() or figure(one).encode("utf-8"), change
        tried, shown = tried + 1, shown + (path.name not in found.skipped)
        if tried % 10 == 0:
            write_page(out)
    assert tried > 80 and 0 < shown < tried / 3


def test_what_is_no_file_is_skipped(folder: Path, tmp_path: Path) -> None:
    out = Path(shutil.copytree(folder, tmp_path / "media"))
    os.mkfifo(out / "pipe.json")
    (out / "folder.json").mkdir()
    (out / "device.json").symlink_to("/dev/zero")
    (out / "nowhere.json").symlink_to("nowhere")
    (out / "round.json").symlink_to("round.json")
    (out / f"{CLIPS[1].stem}.vtt").unlink()
    os.mkfifo(out / f"{CLIPS[1].stem}.vtt")
    written = write_page(out)
    names = {"pipe.json", "folder.json", "device.json", "nowhere.json", "round.json"}
    assert written.skipped.keys() == {*names, f"{CLIPS[1].stem}.json"}
    run = CliRunner().invoke(render.main, ["embed", "--page", "--out", str(out)])
    assert run.exit_code == 0
    assert "pipe.json is skipped: cannot be read: not a regular file" in run.stderr


def test_what_was_verified_cannot_be_edited(folder: Path, tmp_path: Path) -> None:
    out = Path(shutil.copytree(folder, tmp_path / "media"))
    wanted = [replace(clip, out=out) for clip in CLIPS]
    path = wanted[2].file(".json")
    path.write_text(path.read_text().replace("all 4 CTAs", "all 9 CTAs"))
    with pytest.raises(Refused, match="edited or damaged"):
        in_looks(wanted)
    written = write_page(out)
    assert "edited or damaged" in written.skipped[path.name]
    assert "all 9 CTAs" not in written.path.read_text()


def test_a_film_is_of_the_scenes_that_were_asked_for(folder: Path, tmp_path: Path) -> None:
    film = replace(CLIPS[0], scene=FILM, out=tmp_path)
    about = replace(described(replace(CLIPS[0], out=folder)), scene=FILM, scenes=("overview",))
    film.file(".json").write_text(text_of(about))
    assert "it has other scenes" in lacking(film, ["overview", "why_tile"])
    assert "it has other scenes" not in lacking(film, ["overview"])


def test_moving_pictures_move_as_the_movie_does(folder: Path, tmp_path: Path) -> None:
    out = Path(shutil.copytree(folder, tmp_path / "media"))
    clip = replace(CLIPS[1], out=out)
    end = described(clip).chapters[1].seconds
    captions = tuple(one for one in described(clip).captions if one.seconds < end)
    chapters = described(clip).chapters[:1]
    frames = cut(clip.file(".mp4"), end)
    change(clip, frames=frames, captions=captions, chapters=chapters)
    assert not add_pictures([clip], 1, Heard())
    about = described(clip)
    for kind in ".webp", ".gif":
        assert about.files[kind] == digest(clip.file(kind))
        with Image.open(clip.file(kind)) as picture:
            assert max(picture.size) == LONGER and picture.info["loop"] == 0
            milliseconds = 0
            for number in range(picture.n_frames):
                picture.seek(number)
                picture.load()
                milliseconds += picture.info["duration"]
            ground = picture.convert("RGB").getpixel((0, 0))
        assert milliseconds == pytest.approx(about.frames / clip.fps * 1000, abs=10)
        assert ground == (255, 255, 255)


def cut(movie: Path, seconds: float) -> int:
    """Leave of a movie what comes before a chapter, which begins with a key frame: its frames."""
    whole = movie.rename(movie.with_name("whole.mp4"))
    with av.open(whole) as source, av.open(movie, "w") as target:
        stream, frames = source.streams.video[0], 0
        copy = target.add_stream_from_template(stream)
        for packet in source.demux(stream):
            if packet.dts is not None and packet.pts * stream.time_base < seconds:
                packet.stream, frames = copy, frames + 1
                target.mux(packet)
    return frames
