"""Files are there whole, old or new; what the dead leave goes; what is no file stays as it is."""

import errno
import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest

from publish import files
from publish.files import LOCK, PRIVATE, private_folder, replaceable, sweep, writable, write
from tiling.shapes import Refused


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_written_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    for content in "one\n", b"two", "γ":
        write(path, content)
        assert path.read_bytes() == (content.encode() if isinstance(content, str) else content)
    assert names(tmp_path) == ["a.txt"] and path.stat().st_mode & 0o777 == 0o666 & ~umask()


def umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


@pytest.mark.parametrize("step", ["mkdtemp", "flock", "write_bytes", "fsync", "replace"])
def test_what_fails_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    path = tmp_path / "a.txt"
    write(path, "old")

    def fail(*args: object, **options: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    of = {"mkdtemp": files.tempfile, "flock": fcntl, "fsync": os}.get(step, Path)
    monkeypatch.setattr(of, step, fail)
    if step == "flock":  # there are no locks everywhere
        write(path, "new")
        return
    with pytest.raises(OSError, match="Input/output"):
        write(path, "new")
    assert path.read_text() == "old" and names(tmp_path) == ["a.txt"]


def make(kind: str, path: Path) -> None:
    match kind:
        case "folder":
            path.mkdir()
        case "pipe":
            os.mkfifo(path)
        case "link":
            path.symlink_to(path.with_name("other.txt"))
        case "device":
            path.symlink_to("/dev/null")


@pytest.mark.parametrize("kind", ["folder", "pipe", "link", "device"])
def test_what_is_no_file_is_neither_replaced_nor_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("other.txt").write_text("other")
    make(kind, Path("a.txt"))
    before = Path("a.txt").lstat()
    with pytest.raises(OSError, match="no regular file"):
        write(Path("a.txt"), "new")
    with pytest.raises(Refused, match=r"a\.txt is there, and no regular file"):
        writable("--report", Path(), "b.txt", "a.txt")
    assert Path("a.txt").lstat().st_ino == before.st_ino
    assert Path("other.txt").read_text() == "other" and names(Path()) == ["a.txt", "other.txt"]
    with pytest.raises(OSError):
        replaceable(Path("/dev/null"))


def test_only_what_the_dead_left_is_swept(tmp_path: Path) -> None:
    """A process's number says nothing: it may be another machine's."""
    notes = tmp_path / f"{PRIVATE}notes"
    notes.mkdir()
    (notes / "mine.txt").touch()
    for name in "99999999999999999999-x", "0-x", "1-x", f"{os.getpid()}-x":
        (tmp_path / f"{PRIVATE}{name}").mkdir()
        (tmp_path / f"{PRIVATE}{name}" / LOCK).touch()
    (tmp_path / f"{PRIVATE}file").touch()
    link = tmp_path / f"{PRIVATE}link"
    link.symlink_to(notes)
    with private_folder(tmp_path) as mine:
        sweep(tmp_path)
        assert names(tmp_path) == sorted([*(p.name for p in (notes, link, mine)), f"{PRIVATE}file"])
        assert names(notes) == ["mine.txt"]
    assert not mine.exists()


def test_a_killed_process_holds_no_lock(tmp_path: Path) -> None:
    code = (
        "import os, pathlib, sys; from publish.files import private_folder\n"
        "with private_folder(pathlib.Path(sys.argv[1])): os._exit(0)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True)
    assert len(names(tmp_path)) == 1
    sweep(tmp_path)
    assert not names(tmp_path)


def test_a_folder_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for name, why in ("file", "file exists"), ("x" * 300, "name too long"):
        with pytest.raises(Refused, match=f"cannot be written: .*{why}"):
            writable("--out", tmp_path / name)
    with pytest.raises(Refused, match="file name too long"):
        writable("--out", tmp_path, "x" * 300)
