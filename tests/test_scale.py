"""4096³ costs what 12³ costs until someone asks for detail: counted in objects and bytes."""

import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from tests.strategies import SGEMM
from tiling import expand
from tiling.execute import execute
from tiling.schedule import schedule
from tiling.shapes import Gemm, Tiling
from tiling.traffic import traffic

ROOT = Path(__file__).parent.parent


def peak(work) -> int:
    """Most bytes that were allocated at once while it ran."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_counting_sgemm_expands_nothing(monkeypatch):
    """No event is turned into arrays, so the counts need no more than the events themselves."""

    def expanded(*args):
        raise AssertionError("counting has no need of arrays")

    for name in "copy_map", "fragment_words", "accumulator_map":
        monkeypatch.setattr(expand, name, expanded)
    fresh = Gemm(4096, 4096, 4096 - 8), SGEMM.tiling  # not in the cache of events
    assert peak(lambda: traffic(schedule(*fresh))) < 50e6


def test_a_schedule_grows_with_K_and_not_with_the_grid():
    k_tiles = [len(schedule(Gemm(1, 1, k), SGEMM.tiling).events) for k in (8, 16, 4096)]
    assert k_tiles == [20, 40, 10240]
    assert len(schedule(Gemm(30000, 30000, 8), SGEMM.tiling).events) == 20


def test_executing_many_ctas_holds_shared_memory_and_accumulators_once():
    """256³ in 64×64×8: operands 0.5 MB; C, accumulators and their float64 a few times that."""
    plan = schedule(Gemm(256, 256, 256), Tiling(64, 64, 8, 8, 8))
    a = np.ones((256, 256), np.float32)
    assert peak(lambda: execute(plan, a, a)) < 20e6


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_inspecting_sgemm_fits_in_200_MB():
    """VmHWM, because ru_maxrss is inherited from the process that starts another."""
    code = (
        "from render import main\n"
        "main(['inspect', '--preset', 'sgemm'], standalone_mode=False)\n"
        "print(open('/proc/self/status').read().partition('VmHWM:')[2].split()[0])"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert "4096³" in done.stdout, done.stderr
    assert 1e6 < int(done.stdout.split()[-1]) * 1024 < 200e6
