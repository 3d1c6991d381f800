"""What the tests of `tiling.reading` share."""

from functools import cache
from pathlib import Path

import pytest

from tiling import nvidia
from tiling.faults import Missing
from tiling.reading.kernel import Kernel, load


@cache
def read(file: Path, name: str = "") -> Kernel:
    """A file of kernels alone, by NVRTC, which takes a tenth of nvcc's time."""

    def missing(*_: str) -> None:
        raise Missing("not wanted here")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(nvidia, "nvcc", missing)
        return load(file, name)
