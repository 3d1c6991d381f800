"""How many CTAs fit: against counts done by hand, and against NVIDIA's own calculator."""

import random
import shutil
import subprocess
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

import pytest

from tiling.kernel.compiler import ARCHITECTURES
from tiling.occupancy import CHIPS, occupancy, registers
from tiling.presets import choose
from tiling.shapes import Tiling

HERE = Path(__file__).parent


def header() -> Path | None:
    """cuda_occupancy.h, if the package that brings it is here."""
    try:
        found = [file for file in files("nvidia-cuda-runtime") if file.name == "cuda_occupancy.h"]
    except PackageNotFoundError:
        return None
    return Path(found[0].locate())


def test_registers_by_hand():
    # 8×8 accumulators, 8 + 8 of fragments; 1024 elements of each tile for 256 threads.
    found = registers(choose("sgemm").tiling)
    assert (found.accumulators, found.fragments, found.in_flight) == (64, 16, 8)
    assert found.needed == 80
    # 24 elements of each tile for 9 threads: 3 for some, in the toy.
    assert registers(choose("seed").tiling).in_flight == 6
    assert registers(Tiling(8, 8, 4, 2, 2, vector=4)).in_flight == 8


def test_h100_by_hand():
    # 80 registers: 2560 a warp, 6 warps in a quarter of 16384, 24 warps: 3 CTAs of 8.
    found = occupancy(CHIPS["sm_90"], 256, 80, 8192)
    assert (found.ctas, found.warps, found.limited_by) == (3, 24, "registers")
    assert found.share == 24 / 64
    # 8 KB and 1 KB of the system's: 25 CTAs in 228 KB.
    assert found.limits == {"registers": 3, "shared memory": 25, "threads": 8, "CTAs": 32}
    # 128 registers: 4096 a warp, 4 in a quarter, 2 CTAs. One more: 4352, 3 in a quarter, 1 CTA.
    assert occupancy(CHIPS["sm_90"], 256, 128, 8192).ctas == 2
    assert occupancy(CHIPS["sm_90"], 256, 129, 8192).ctas == 1


def test_what_a_chip_cannot_hold_has_none():
    chip = CHIPS["sm_86"]
    assert occupancy(chip, 64, 32, chip.shared_bytes_of_cta).ctas == 1
    assert occupancy(chip, 64, 32, chip.shared_bytes_of_cta + 1).ctas == 0
    assert occupancy(chip, 1024, 64, 0).ctas == 1
    assert occupancy(chip, 1024, 65, 0).ctas == 0


def test_every_architecture_that_is_compiled_for_has_its_limits():
    assert set(ARCHITECTURES) <= set(CHIPS)


@pytest.mark.skipif(shutil.which("g++") is None, reason="no g++ here")
@pytest.mark.skipif(header() is None, reason="no nvidia-cuda-runtime here, which has the header")
def test_nvidias_calculator_says_the_same(tmp_path: Path):
    program = tmp_path / "occupancy"
    include = str(header().parent)
    command = ["g++", "-O1", "-I", include, "-o", str(program), str(HERE / "occupancy.cpp")]
    subprocess.run(command, check=True, capture_output=True)
    chance = random.Random(1)
    cases, lines = [], []
    for arch, chip in CHIPS.items():
        major, minor = int(arch[3:-1]), int(arch[-1])
        limits = chip.threads, chip.ctas, chip.shared_bytes, chip.reserved
        for _ in range(1000):
            most = chance.choice([0, 20_000, chip.shared_bytes + 2000])
            cta = chance.randint(1, 1024), chance.randint(1, 255), chance.randint(0, most)
            cases.append((chip, *cta))
            lines.append(" ".join(map(str, (major, minor, *limits, *cta))))
    run = subprocess.run([program], input="\n".join(lines), capture_output=True, text=True)
    theirs = [int(line) for line in run.stdout.split()]
    assert theirs == [occupancy(*case).ctas for case in cases]
    assert len({*theirs}) > 10
