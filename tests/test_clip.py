"""Clips on disk: whole, reproducible, rendered once, and never half written."""

import ast
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import av
import pytest
from click.testing import CliRunner

import publish.clip
import render
from publish import cache, sources
from publish.description import Caption, Chapter, Marks
from publish.files import LOCK, PRIVATE, private_folder
from publish.pool import Done, RenderFailed, Told
from publish.settings import Clip
from publish.sources import digest
from publish.stale import described, lacking
from scenes import SCENES
from tests import browsing
from tests.browsing import TINY, tiny_clips
from tests.test_film import Heard
from tests.test_imports import ROOMS, modules_after
from tiling.presets import choose
from tiling.shapes import Gemm

ROOT = Path(__file__).parent.parent
STEM = f"{browsing.STEM}-draft"
LATER = {"tiling.presets", "tiling.schedule", "scenes", "publish.clip", "numpy"}


def clip(out: Path, *options: str, **how: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "render.py", "clip", "overview", *TINY, "--out", str(out), *options]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, **how)


def tiny_in(out: Path) -> Clip:
    fields = zip(TINY[:6:2], TINY[1:6:2], strict=True)
    choice = choose(overrides={field.removeprefix("--"): value for field, value in fields})
    clip = Clip("overview", choice, quality="draft", out=out)
    assert clip.stem == STEM
    return clip


def digests(out: Path) -> dict[str, str]:
    return {path.name: digest(path) for path in sorted(out.iterdir())}


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the tiny clip, undisturbed."""
    out, looks = tmp_path_factory.mktemp("media"), tmp_path_factory.mktemp("looks")
    tiny_clips(tmp_path_factory, looks)
    for path in looks.glob(f"{STEM}.*"):
        path.rename(out / path.name)
    return out


def test_the_files(rendered: Path) -> None:
    assert sorted(digests(rendered)) == [
        STEM + end for end in (".jpg", ".json", ".mp4", ".txt", ".vtt", ".webm")
    ]
    about = described(tiny_in(rendered))
    with av.open(rendered / f"{STEM}.mp4") as movie:
        stream = movie.streams.video[0]
        assert (stream.codec_context.name, stream.pix_fmt) == ("h264", "yuv420p")
        assert (stream.width, stream.height) == about.clip().pixels == (960, 540)
        assert stream.average_rate == 15
        stamps = [frame.pts * stream.time_base * 15 for frame in movie.decode(stream)]
    assert stamps == list(range(about.frames))
    start = (rendered / f"{STEM}.mp4").read_bytes()
    assert start.index(b"moov") < start.index(b"mdat")  # "faststart"
    assert (rendered / f"{STEM}.jpg").read_bytes()[:2] == b"\xff\xd8"
    assert about.verified[0].name == "model" and about.verified[0].status == "passed"
    assert about.choice.gemm == Gemm(4, 4, 2)
    assert about.chapters[0].seconds == 0


def test_a_chapter_begins_with_a_keyframe(rendered: Path) -> None:
    about = described(tiny_in(rendered))
    with av.open(rendered / f"{STEM}.mp4") as movie:
        stream = movie.streams.video[0]
        keys = {
            round(float(packet.pts * stream.time_base), 3)
            for packet in movie.demux(stream)
            if packet.is_keyframe and packet.pts is not None
        }
    assert {chapter.seconds for chapter in about.chapters} <= keys


def test_the_poster_is_a_frame_of_the_clip(rendered: Path) -> None:
    import numpy as np
    from PIL import Image

    poster = np.asarray(Image.open(rendered / f"{STEM}.jpg").convert("L"), float)
    with av.open(rendered / f"{STEM}.mp4") as movie:
        nearest = min(
            float(np.abs(frame.to_ndarray(format="gray") - poster).mean())
            for frame in movie.decode(video=0)
        )
    assert nearest < 1.5


def test_nothing_changed_renders_nothing(rendered: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in rendered.iterdir()}
    arguments = ["clip", "overview", *TINY, "--out", str(rendered)]
    code = (
        "import sys; from click.testing import CliRunner; import render;"
        f"r = CliRunner().invoke(render.main, {arguments});"
        "print(r.output); sys.exit(r.exit_code or 'manim' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "up to date" in run.stdout
    assert {path: path.stat().st_mtime_ns for path in rendered.iterdir()} == before


def test_one_process_or_two_make_the_same_bytes(rendered: Path, tmp_path: Path) -> None:
    assert clip(tmp_path, "--jobs", "1").returncode == 0
    assert digests(tmp_path) == digests(rendered)


@pytest.mark.parametrize("damage", ["none", "cut", "gone", "description gone", "nonsense"])
def test_a_damaged_clip_is_not_up_to_date(rendered: Path, tmp_path: Path, damage: str) -> None:
    for path in rendered.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    about, movie = tmp_path / f"{STEM}.json", tmp_path / f"{STEM}.mp4"
    match damage:
        case "cut":
            movie.write_bytes(movie.read_bytes()[:-100])
        case "gone":
            movie.unlink()
        case "description gone":
            about.unlink()
        case "nonsense":
            about.write_text("[1, 2]")
    why = lacking(tiny_in(tmp_path))
    assert (why is None) == (damage == "none")


def test_killed_at_any_moment_it_recovers(rendered: Path, tmp_path: Path) -> None:
    command = [sys.executable, "render.py", "clip", "overview", *TINY, "--out", str(tmp_path)]
    # The last one while it moves its files into place, whenever that is.
    for patience in (0.9, 1.8, 60):
        process = subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        end = time.monotonic() + patience
        while time.monotonic() < end and not list(tmp_path.glob("overview*")):
            time.sleep(0.001)
        process.send_signal(signal.SIGKILL)
        process.wait()
        for name, found in digests_of_finals(tmp_path).items():
            assert found == digests(rendered)[name]  # nothing half written under a final name
    assert clip(tmp_path).returncode == 0
    assert digests(tmp_path) == digests(rendered)  # and nothing left over


def test_interrupted_it_says_one_word_and_leaves_nothing(tmp_path: Path) -> None:
    """As Ctrl+C does it: all processes get the signal, at whatever they are."""
    command = [sys.executable, "render.py", "clip", "overview", "--out", str(tmp_path)]
    heard = {"preexec_fn": lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)}
    for patience in (0, 1.2):  # it would take half a minute
        process = subprocess.Popen(
            command, cwd=ROOT, stderr=subprocess.PIPE, text=True, start_new_session=True, **heard
        )
        while not list(tmp_path.glob(".rendering-*")):
            time.sleep(0.01)
        time.sleep(patience)
        os.killpg(process.pid, signal.SIGINT)
        assert process.communicate()[1].split() == ["Aborted!"]
        assert process.returncode == 1
        assert not list(tmp_path.iterdir())


def digests_of_finals(out: Path) -> dict[str, str]:
    return {path.name: digest(path) for path in out.glob("overview*")}


def test_two_runs_at_once(rendered: Path, tmp_path: Path) -> None:
    command = [sys.executable, "render.py", "clip", "overview", *TINY, "--out", str(tmp_path)]
    runs = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL) for _ in range(2)]
    assert [run.wait() for run in runs] == [0, 0]
    assert digests(tmp_path) == digests(rendered)


def test_a_disk_that_fills_up(rendered: Path, tmp_path: Path) -> None:
    for path in rendered.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    full = {"preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (9000, 9000))}
    run = clip(tmp_path, "--gemm", "4x4x1", **full)
    assert run.returncode == 2
    lines = run.stderr.strip().splitlines()
    assert len(lines) == 1 and "--out" in lines[0] and "file too large" in lines[0]
    assert digests(tmp_path) == digests(rendered)


@pytest.mark.parametrize("change", [["--gemm", "4x4x6"], ["--theme", "night"], ["--block", "0,0"]])
def test_a_change_of_what_is_drawn_changes_the_fingerprint(change: list[str]) -> None:
    field, value = change[0].removeprefix("--"), change[1]
    plain = Clip("overview", choose())
    if field == "theme":
        other = Clip("overview", choose(), theme=value)
    else:
        other = Clip("overview", choose(overrides={field: value}))
    assert cache.fingerprint(plain) != cache.fingerprint(other)


@pytest.mark.parametrize(
    ("source", "stale"),
    [
        ("scenes/overview/scene.py", ["overview"]),
        ("scenes/overview/timeline.py", ["overview"]),
        ("scenes/global_to_shared/shots.py", ["global_to_shared"]),
        ("tiling/for_scenes/tally.py", ["why_tile"]),
        ("tiling/sectors.py", ["global_to_shared"]),
        ("scenes/kit/look.py", list(SCENES)),
        ("scenes/kit/__init__.py", list(SCENES)),
        ("publish/frames.py", list(SCENES)),
        ("tiling/schedule.py", list(SCENES)),
        ("tiling/presets.toml", list(SCENES)),
        ("tiling/occupancy.py", []),
        ("tiling/ptx/machine.py", []),
        ("tiling/kernel/host.py", []),
        ("publish/animate.py", []),
    ],
)
def test_a_change_of_a_source_makes_stale_what_uses_it(source: str, stale: list[str]) -> None:
    clips = [Clip(scene, choose()) for scene in SCENES]
    before = [cache.fingerprint(one) for one in clips]
    assert ROOT / source in sources.BEGAN or not stale
    after = [cache.fingerprint(one, sources.BEGAN | {ROOT / source: "changed"}) for one in clips]
    found = [one.scene for one, x, y in zip(clips, before, after, strict=True) if x != y]
    assert found == stale


def test_a_source_that_is_edited_meanwhile_is_not_what_the_clip_was_made_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the old clip nor the new one is up to date then: nothing is put in its place."""
    one = Clip("overview", choose(), out=tmp_path / "media")
    marks = Marks(frames=9, captions=(Caption(0.0, "a"),), chapters=(Chapter(0.0, "b"),))

    def edited(tasks: object, jobs: int, module: str) -> Iterator[Told]:
        monkeypatch.setattr(cache, "digest", lambda path: f"{path} was edited")
        yield Told(0, Done(marks))

    monkeypatch.setattr("publish.clip.share", edited)
    (why,) = publish.clip.render([one], [], 1, Heard()).values()
    assert isinstance(why, RenderFailed) and "changed while it was rendered" in str(why)
    assert not list(one.out.iterdir())


def test_the_sources_are_those_from_before_the_imports() -> None:
    """A process that has imported a scene speaks of that one, whatever was saved since."""
    first = next(
        node
        for node in ast.parse((ROOT / "render.py").read_text()).body
        if isinstance(node, ast.ImportFrom) and node.module.split(".")[0] in ROOMS
    )
    assert (first.module, first.names[0].name) == ("publish", "sources")
    assert not set(modules_after("import publish.sources")) & LATER
    source = ROOT / "scenes" / "overview" / "scene.py"
    assert sources.BEGAN[source] == digest(source)
    known = {**sources.BEGAN, source: "0"}
    for scene in SCENES:
        used = cache.sources_of(Clip(scene, choose()))
        assert {ROOT / path for path in used} <= sources.BEGAN.keys()
    one = Clip("overview", choose())
    assert cache.fingerprint(one, known) != cache.fingerprint(one) == cache.fingerprint(one, {})


def test_what_is_imported_inside_a_function_is_a_source(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = {
        "scenes/__init__.py": "",
        "scenes/one/__init__.py": "",
        "scenes/one/scene.py": "def f():\n    from scenes.kit import look",
        "scenes/two/scene.py": "",
        "scenes/kit/__init__.py": "",
        "scenes/kit/look.py": "import tiling.shapes as shapes, numpy",
        "scenes/kit/bars.py": "",
        "tiling/shapes.py": "from scenes.one.scene import f",
    }
    for name, text in texts.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(cache, "ROOT", tmp_path)
    monkeypatch.setattr(cache, "MAKES", ())
    unused = {"scenes/two/scene.py", "scenes/kit/bars.py"}
    assert set(cache.sources_of(Clip("one", choose()))) == set(texts) - unused


def test_a_change_of_a_version_changes_the_fingerprint(monkeypatch: pytest.MonkeyPatch) -> None:
    before = cache.fingerprint(Clip("overview", choose()))
    monkeypatch.setattr(cache, "version", lambda name: "0")
    assert cache.fingerprint(Clip("overview", choose())) != before


def test_what_the_dead_left_goes_and_what_the_living_have_stays(
    rendered: Path, tmp_path: Path
) -> None:
    for path in rendered.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    dead = tmp_path / f"{PRIVATE}dead"
    dead.mkdir()
    (dead / LOCK).touch()
    with private_folder(tmp_path) as mine:
        # Killed after its last file was in place, a run leaves only its folder.
        arguments = ["clip", "overview", *TINY, "--out", str(tmp_path)]
        run = CliRunner().invoke(render.main, arguments)
        assert run.exit_code == 0 and "up to date" in run.stdout
        assert mine.exists() and not dead.exists()
    assert digests(tmp_path) == digests(rendered)
