"""Writing files: each is there whole, old or new, whatever happens meanwhile.

All that is written is made in a private folder beside where it goes, and moved from there: a move
within one file system is one step. A private folder holds a lock for as long as whoever made it
lives, on whatever machine, by which the next one knows what the dead have left.
"""

import errno
import fcntl
import os
import shutil
import stat
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tiling.regular import reason
from tiling.shapes import Refused

PRIVATE, LOCK = ".rendering-", "tilelapse.lock"
"""How private folders' names begin, and what lies in each."""

ROOM = 2**20
"""Bytes for which there must be room before any work begins."""


@contextmanager
def private_folder(beside: Path) -> Iterator[Path]:
    """A folder of this process alone, gone afterwards. Raises OSError."""
    sweep(beside)
    folder = Path(tempfile.mkdtemp(prefix=PRIVATE, dir=beside))
    try:
        with (folder / "new").open("wb") as lock:
            with suppress(OSError):  # some file systems have no locks: then nobody sweeps it
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                (folder / "new").rename(folder / LOCK)  # locked before anybody looks for it
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def sweep(folder: Path) -> None:
    """Remove the private folders of processes that were killed, and no other."""
    for left in folder.glob(PRIVATE + "*"):
        with suppress(OSError), (left / LOCK).open("r+b") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(left, ignore_errors=True)


def move(files: Iterable[Path], to: Path) -> None:
    """Move files out of a private folder that lies in `to`, one after the other: all of them are on
    the disk before the first is moved. Raises OSError."""
    files = list(files)
    for file in files:
        replaceable(to / file.name)
        with file.open("rb") as written:
            os.fsync(written.fileno())
    for file in files:
        file.replace(to / file.name)


def write(path: Path, content: str | bytes) -> None:
    """Write one file whole, text in UTF-8. Raises OSError."""
    with private_folder(path.parent) as folder:
        half = folder / path.name
        half.write_bytes(content.encode() if isinstance(content, str) else content)
        move([half], path.parent)


def replaceable(path: Path) -> None:
    """Raise OSError where something lies that is no regular file: a link, a pipe, a device."""
    with suppress(FileNotFoundError):
        if not stat.S_ISREG(path.lstat().st_mode):
            raise OSError(None, f"{path.name} is there, and no regular file", str(path))


def probe(folder: Path) -> None:
    """Raise OSError where nothing can be written, or there is no room."""
    (folder / "probe").write_bytes(bytes(ROOM))


def unwritable(field: str, path: Path, error: OSError) -> Refused:
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    remedy = "make room, or try another folder" if full else "try another folder"
    return Refused(field, path, f"cannot be written: {reason(error)}", remedy)


def writable(field: str, folder: Path, *names: str) -> None:
    """Refuse a folder into which files of these names cannot be written, before any work."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in names:
            replaceable(folder / name)
        with private_folder(folder) as private:
            probe(private)
    except OSError as error:
        wanted = folder / names[0] if len(names) == 1 else folder
        raise unwritable(field, wanted, error) from None
