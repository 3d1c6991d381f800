"""The C++ compiler, and what it made, kept from one time to the next in a folder of this user.

What is kept is code that is run. So it is taken only if it is a file of this user's alone and not
one bit of it has changed; anything else is made again.
"""

import hashlib
import os
import re
import stat
import subprocess
import tempfile
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from shutil import rmtree, which
from time import time

from tiling.faults import Broken, Missing, ending
from tiling.regular import reason

LONG = 14 * 24 * 3600
"""Seconds after which what was built and not used since is deleted."""

IN_THE_SOURCE = re.compile(r"^[^\s:]+:\d+:(?:\d+:)? error: .*", re.MULTILINE)
"""How a compiler names a mistake. One that runs out of memory or disk has a "fatal error"."""


@lru_cache
def version(path: str) -> str:
    """What a C++ compiler says that it is. Raises Missing if it is none that runs."""
    try:
        done = subprocess.run([path, "--version"], capture_output=True, text=True, errors="replace")
    except OSError as error:
        raise Missing(f"{path} does not run: {reason(error)}") from None
    first = done.stdout.partition("\n")[0].strip()
    if done.returncode or not first:
        raise Missing(f"{path} is no C++ compiler: it does not say its version")
    return first


def compiler() -> tuple[str, str]:
    """(path, version) of the C++ compiler: $CXX or g++. Raises Missing."""
    name = os.environ.get("CXX") or "g++"
    path = which(name)
    if path is None:
        raise Missing("no g++ here" if name == "g++" else f"no g++ here: CXX is {name[:80]}")
    path = str(Path(path).absolute())
    return path, version(path)


def kept(texts: dict[str, str], options: tuple[str, ...], libraries: tuple[str, ...] = ()) -> Path:
    """What the compiler makes of these texts by their names, from the cache if it is sound there.

    All that are not headers are compiled; the first gives what is kept its name.

    Raises Broken if the compiler finds a mistake in them, Missing for whatever else is wrong.
    """
    path, says = compiler()
    name = next(iter(texts))
    key = hashlib.sha256(repr((path, says, options, libraries, texts)).encode()).hexdigest()[:32]
    folder = cache()
    file = folder / f"{name}-{key}"
    if _sound(file, key):
        return file
    try:
        _forget(folder)
        with tempfile.TemporaryDirectory(dir=folder) as scratch:
            _compile(Path(scratch), path, texts, options, libraries)
            made = Path(scratch, "out")
            with made.open("ab") as end:
                end.write(_seal(key, made.read_bytes()))
            made.chmod(0o700)
            if file.is_dir() and not file.is_symlink():
                rmtree(file)
            made.replace(file)  # whole or not at all: no half file is ever found
    except OSError as error:
        raise Missing(f"cannot build in {folder}: {reason(error)}") from None
    return file


def _compile(
    folder: Path,
    path: str,
    texts: dict[str, str],
    options: tuple[str, ...],
    libraries: tuple[str, ...],
) -> None:
    """Writes folder/out."""
    for file, text in texts.items():
        (folder / file).write_text(text, "utf-8")
    sources = [file for file in texts if not file.endswith(".h")]
    done = subprocess.run(
        [path, *options, f"-ffile-prefix-map={folder}=.", *sources, *libraries, "-o", "out"],
        cwd=folder,
        env={**os.environ, "LC_ALL": "C", "TMPDIR": str(folder)},  # its errors are read below
        capture_output=True,
        text=True,
        errors="replace",
    )
    compiler, name, log = Path(path).name, sources[0], done.stderr.replace(f"{folder}/", "")
    if done.returncode and (errors := IN_THE_SOURCE.findall(log)):
        raise Broken(f"{compiler} refuses {name}: " + "; ".join(errors[:2]))
    if done.returncode:
        raise Missing(f"{compiler} cannot build {name} here: {ending(done.returncode, log)}")
    if not (folder / "out").is_file():
        raise Missing(f"{compiler} makes nothing of {name}")


def _seal(key: str, made: bytes) -> bytes:
    """What stands behind the program or library, where no loader looks: it is this, of this key."""
    return hashlib.sha256(key.encode() + made).digest()


def _sound(file: Path, key: str) -> bool:
    """Whether this is what was kept under the key: ours, nobody else's to write, and unchanged."""
    try:
        opened = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(opened, "rb") as data:
            found = os.fstat(opened)
            if (found.st_mode, found.st_uid, found.st_nlink) != (_OURS, os.geteuid(), 1):
                return False
            made = data.read()
            with suppress(OSError):  # a disk that is read only
                os.utime(opened)  # in use
    except OSError:
        return False
    size = hashlib.sha256().digest_size
    return made[-size:] == _seal(key, made[:-size])


_OURS = stat.S_IFREG | 0o700


@lru_cache
def _forget(folder: Path) -> None:
    """Delete what nobody has used for long, and what was left unfinished. Once in a process."""
    for path in folder.iterdir():
        with suppress(OSError):  # another process may have been quicker
            if time() - path.stat().st_mtime > LONG:
                if path.is_dir():
                    rmtree(path)
                else:
                    path.unlink()


def cache() -> Path:
    """A folder for what was built, which only this user can write to. Raises Missing."""
    try:
        base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    except RuntimeError:
        raise Missing("no folder to build in: this user has no home") from None
    folder = Path(base, "tilelapse").absolute()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode):
            raise Missing(f"cannot build in {folder}: it is a link")
        if found.st_uid != os.geteuid():
            raise Missing(f"cannot build in {folder}: it is another user's")
        if found.st_mode & 0o022:
            folder.chmod(0o700)
    except OSError as error:
        raise Missing(f"cannot build in {folder}: {reason(error)}") from None
    return folder
