"""Reading files that somebody names or left: regular ones only. To read a pipe or a device might
never end."""

import errno
import os
import stat
from io import BufferedReader
from pathlib import Path


def reason(error: OSError) -> str:
    """Why, in words."""
    return (error.strerror or str(error)).lower()


def of_the_file(error: OSError) -> bool:
    """Whether it says something of a file, not of a process that has no more descriptors or memory
    and may read it the next time."""
    return error.errno not in (errno.EMFILE, errno.ENFILE, errno.ENOMEM)


def open_regular(path: Path) -> BufferedReader:
    """A regular file, to be read. Raises OSError."""
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC  # a pipe that nobody writes does not block
    file = os.fdopen(os.open(path, flags), "rb")
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise OSError(errno.EINVAL, "not a regular file", str(path))
    return file


def read_regular(path: Path, limit: int) -> bytes:
    """What is in a regular file of at most so many bytes. Raises OSError, for a longer one too."""
    with open_regular(path) as file:
        data: bytes | None = file.read(limit + 1)
    if data is None:  # it would block: one of the kernel's own
        raise OSError(errno.EINVAL, "not a file on a disk", str(path))
    if len(data) > limit:
        raise OSError(errno.EFBIG, f"larger than {limit:,} bytes", str(path))
    return data
