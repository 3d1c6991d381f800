"""What tiling a kernel is: recovered from its trace, and compared with the model's maps.

Kernels alone, which NVRTC compiles in a tenth of nvcc's time; their tilings are read off the files.
"""

from functools import cache

import numpy as np
import pytest

from tests.kernel_cases import needs_nvrtc
from tests.kernels.known import GOOD
from tests.test_reading_family import called, loaded
from tiling import nvidia
from tiling.faults import Missing
from tiling.kernel.printed import printed
from tiling.presets import choose
from tiling.reading import find, kernel
from tiling.reading.likeness import likeness
from tiling.reading.tiled import Traces, trace

pytestmark = needs_nvrtc

KERNELS = {one.file: one for one in GOOD}

SAID = {
    "coalesced.cu": "equals this tiling of the model: --cta 32x32x4 --thread 1x1 --direct",
    "tile_2d_transposed.cu": "equals this tiling of the model: --cta 64x64x8 --thread 4x4",
    "xor_swizzle.cu": "equals this tiling of the model: --cta 32x32x8 --thread 1x4 --warp 32x4 "
    "--swizzle",
    "split_columns.cu": "equals this tiling of the model: --cta 64x64x8 --thread 8x8 --vector 4 "
    "--pad 4 --split",
    "padded_nt.cu": "is nearest to this tiling of the model: --cta 16x16x16 --thread 1x1; "
    "what differs: As is kept by rows of 17 words, the model's by k",
    "warp_dot.cu": "is nearest to this tiling of the model: --cta 1x4x4 --thread 1x1 --direct; "
    "what differs: 128 threads, the model's 4",
    "mma_swizzled.cu": "is no tiling of the model: tensor cores multiply, which it has not",
}


@cache
def traces(file: str) -> Traces:
    one = KERNELS[file]
    found = trace(loaded(one), called(one))
    assert found is not None
    return found


@pytest.mark.parametrize("file", SAID)
def test_what_a_kernel_is(file: str) -> None:
    found = traces(file)
    tiled = found.tiled()
    assert tiled is not None
    assert likeness(tiled, found).said() == SAID[file]


def test_layouts_and_stages() -> None:
    """Of files in which they stand as arithmetic."""
    three = traces("three_stages.cu").tiled()
    assert three and three.stages == 3 and three.copies == "asynchronously"
    assert (three.arrays["A"].k_step, three.arrays["A"].i_step) == (1, 20)
    half = traces("mma_swizzled.cu").tiled()
    assert half and half.tensor and half.arrays["B"].swizzle == "XORed by k"
    assert "As: (row, k) in element 64·row + k, XORed by row" in list(half.said())


@pytest.mark.parametrize("preset", ["warp", "pipelined", "naive"])
def test_our_own_kernel_is_its_own_tiling(preset: str, tmp_path, monkeypatch) -> None:
    """What `render.py source` prints, read as somebody's: all maps of the model are found again."""

    def missing(*_: str) -> None:
        raise Missing("not wanted here")

    monkeypatch.setattr(nvidia, "nvcc", missing)  # it takes ten times as long as NVRTC
    file = tmp_path / "ours.cu"
    file.write_text(printed(choose(preset)), "utf-8")
    own = kernel.load(file)
    call = find.find(own)
    assert call is not None
    found = trace(own, call)
    assert found is not None
    tiled = found.tiled()
    assert tiled is not None
    like, tiling = likeness(tiled, found), choose(preset).tiling
    assert like.differs == () and like.tiling is not None
    for field in ("bm", "bn", "tm", "tn", "pad", "split", "swizzle", "direct", "stages"):
        assert getattr(like.tiling, field) == getattr(tiling, field), field


def test_another_map_is_told() -> None:
    """Of the right kernel, with one thread's rows exchanged with another's."""
    found = traces("tile_2d_transposed.cu")
    tiled = found.tiled()
    assert tiled is not None
    held = found.shared["A"]
    other = np.where(held.thread == 3, 35, np.where(held.thread == 35, 3, held.thread))
    changed = Traces(found.recorded, found.origins)
    changed.shared = found.shared | {"A": type(held)(other, held.epoch, held.word, held.k, held.i)}
    said = likeness(tiled, changed).differs
    assert said == ("thread 3 makes rows 8–11, the model's 0–3",)
