"""What was built and kept is taken only while it is whole and this user's own."""

import errno
import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path
from time import time

import pytest

from tests.faulty import SEED, cold, not_run, passes, ready, warm
from tests.kernel_cases import TILINGS, TOY, needs_host, needs_race
from tiling.faults import Broken
from tiling.kernel import cxx, host
from tiling.kernel.build import source

pytestmark = [needs_host, needs_race]
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
RACE = pytest.mark.parametrize("rung", ["host", "race"])
__all__ = ["cold", "ready", "warm"]  # fixtures


def half(file: Path) -> None:
    os.truncate(file, file.stat().st_size // 2)


def one_bit(file: Path) -> None:
    text = bytearray(file.read_bytes())
    text[len(text) // 3] ^= 0x40
    file.write_bytes(text)


def empty(file: Path) -> None:
    os.truncate(file, 0)


def link(file: Path) -> None:
    away = file.with_name("away")
    file.rename(away)
    file.symlink_to(away)


def hard_link(file: Path) -> None:
    file.with_name("away").hardlink_to(file)


def folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


def pipe(file: Path) -> None:
    file.unlink()
    os.mkfifo(file)


def writable(file: Path) -> None:
    file.chmod(0o777)


def not_executable(file: Path) -> None:
    file.chmod(0o600)


def given_away(file: Path) -> None:
    os.chown(file, 12345, 12345)


@pytest.mark.parametrize(
    "spoil",
    [
        *(half, one_bit, empty, link, hard_link, folder, pipe, writable, not_executable),
        pytest.param(given_away, marks=needs_root),
    ],
)
def test_what_is_not_as_it_was_kept_is_built_again(
    spoil: Callable[[Path], None], warm: Path
) -> None:
    file = host.compiled(SEED, "race")
    spoil(file)
    passes("race")
    state = file.lstat()
    assert (state.st_mode, state.st_uid) == (stat.S_IFREG | 0o700, os.geteuid())
    assert state.st_nlink == 1
    assert host.compiled(SEED, "race") == file
    assert file.stat().st_ino == state.st_ino  # and not once more


def test_so_is_the_host_program(warm: Path) -> None:
    one_bit(host.host_program(race=False))
    passes("host")


def test_a_sound_library_of_another_build_is_not_taken_for_the_one_that_is_watched(
    warm: Path,
) -> None:
    plain, race = (host.compiled(SEED, build) for build in ("plain", "race"))
    assert b"__tsan_write" not in plain.read_bytes()
    shutil.copy2(plain, race)
    passes("race")
    assert b"__tsan_write" in host.compiled(SEED, "race").read_bytes()


def test_a_library_that_is_not_watched_never_passes_the_race_rung(
    warm: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = host.compiled(SEED)
    monkeypatch.setattr(host, "compiled", lambda *_: plain)
    assert not_run("race").startswith("ThreadSanitizer does not see the race that was planted")
    assert not plain.exists()  # nor is it kept


@RACE
@pytest.mark.parametrize("spoil", [link, pytest.param(given_away, marks=needs_root)])
def test_a_folder_that_is_not_this_user_s_own_is_not_used(
    spoil: Callable[[Path], None], rung: str, cold: Path
) -> None:
    (cold / "more").mkdir(parents=True)
    spoil(cold)
    says = {link: "it is a link", given_away: "it is another user's"}[spoil]
    assert not_run(rung) == f"cannot build in {cold}: {says}"
    assert [path.name for path in cold.iterdir()] == ["more"]


def test_a_folder_that_others_may_write_to_is_closed_to_them(warm: Path) -> None:
    warm.chmod(0o777)
    passes("host")
    assert stat.S_IMODE(warm.stat().st_mode) == 0o700


@RACE
def test_a_folder_that_cannot_be_made_is_named(rung: str, cold: Path) -> None:
    cold.touch()
    assert not_run(rung) == f"cannot build in {cold}: file exists"


def test_a_disk_that_can_only_be_read_serves_what_was_kept(
    warm: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    file = host.compiled(SEED)
    before = file.stat().st_ino
    monkeypatch.setattr(os, "utime", refuse)
    assert host.compiled(SEED).stat().st_ino == before


@pytest.mark.parametrize("step", ["write_text", "chmod", "replace"])
def test_a_disk_that_is_full_is_said_to_be_that(
    step: str, warm: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stands for writing it, too: a disk so small that g++ finds room and nobody else does not."""
    before = sorted(warm.iterdir())
    kept = host.compiled(SEED)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    kept.unlink()
    monkeypatch.setattr(Path, step, full)
    assert not_run("host") == f"cannot build in {warm}: no space left on device"
    monkeypatch.undo()
    assert sorted(warm.iterdir()) == [file for file in before if file != kept]


@pytest.mark.parametrize(("rung", "what"), [("host", "folder"), ("race", "library")])
def test_what_is_deleted_before_it_is_run_is_built_again_the_next_time(
    rung: str, what: str, warm: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = host.compiled

    def deleted(*arguments: object) -> Path:
        library = right(*arguments)
        if what == "folder":
            shutil.rmtree(warm)
        else:
            library.unlink()
        return library

    with monkeypatch.context() as patch:
        patch.setattr(host, "compiled", deleted)
        assert "no such file or directory" in not_run(rung).lower()
    passes(rung)


def test_a_build_is_kept_and_no_half_file_is_found(cold: Path) -> None:
    program = host.compiled(TOY)
    assert [path.name for path in cold.iterdir()] == [program.name]  # nothing unfinished
    assert stat.S_IMODE(cold.stat().st_mode) == 0o700
    assert stat.S_IMODE(program.stat().st_mode) == 0o700
    before = program.stat().st_ino
    assert host.compiled(TOY) == program
    assert program.stat().st_ino == before  # not built again
    other = host.compiled(TOY, kernel=source() + "\n// another text\n")
    assert other != program


def test_what_nobody_has_used_for_long_is_deleted(cold: Path) -> None:
    old, used = (host.compiled(TILINGS[name]) for name in ("toy", "small"))
    left, begun = (old.parent / name for name in ("left", "begun"))  # of builds, in folders
    for unfinished in left, begun:
        unfinished.mkdir()
        (unfinished / "gemm.cu").touch()
    for path in old, used, left:
        os.utime(path, (0, time() - cxx.LONG - 60))
    host.compiled(TILINGS["small"])
    cxx._forget.cache_clear()
    new = host.compiled(TILINGS["padded"])
    assert not old.exists() and used.exists() and new.exists()
    assert not left.exists() and begun.exists()


def test_a_build_that_fails_leaves_nothing(cold: Path) -> None:
    with pytest.raises(Broken):
        host.compiled(TOY, kernel="nonsense;")
    assert not list(cold.iterdir())
