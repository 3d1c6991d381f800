"""What runs on hardware, as far as it can be tried without: predictions, reading of reports."""

import json
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest

from benchmarks import counters, evidence, hardware, sgemm
from tests.kernel_cases import TILINGS
from tiling.expand import expand_copy, expand_store
from tiling.presets import presets
from tiling.schedule import Copy, schedule
from tiling.shapes import Gemm, Tiling

ROOT = Path(__file__).parent.parent
PLAIN = Tiling(128, 128, 8, 8, 8)


def test_the_counters_of_a_plain_tiling_by_hand():
    # 4 CTAs of 8 warps, 8 k-tiles. Each k-tile: 4 requests a warp of A and of B, 4 sectors each;
    # As written in 8 wavefronts a request, Bs in one; 16 fragment reads of each a warp and k-tile
    # in 4 and 8 wavefronts. 64 stores a warp, of 32 sectors.
    found = counters.predicted(schedule(Gemm(256, 256, 64), PLAIN))
    warps = 4 * 8
    assert found == {
        "FMA": 256 * 256 * 64,
        "load requests": warps * 8 * 8,
        "load sectors": warps * 8 * 8 * 4,
        "copy requests": 0,
        "copy sectors": 0,
        "store requests": warps * 64,
        "store sectors": warps * 64 * 32,
        "shared read wavefronts": warps * 8 * 16 * (4 + 8),
        "shared write wavefronts": warps * 8 * (4 * 8 + 4),
        "shared read conflicts": warps * 8 * 16 * 4,
        "shared write conflicts": warps * 8 * 4 * 7,
        "barriers": warps * 15,
    }


@pytest.mark.parametrize("name", ["toy", "small", "tall warps", "two stages", "shared store"])
def test_all_ctas_are_counted(name: str):
    """Sectors of every CTA one by one, where rows are read element by element."""
    plan = schedule(Gemm(37, 66, 11), TILINGS[name])
    sectors = {"load": 0, "store": 0}
    for cta in np.ndindex(plan.grid):
        here = plan.at(cta)
        for step, event in enumerate(here.events):
            name = "load" if isinstance(event, Copy) else "store"
            if isinstance(event, Copy):
                moved, cols = expand_copy(here, event), here.gemm.shape(event.operand)[1]
            elif type(event).__name__ == "Store":
                moved, cols = expand_store(here, event), here.gemm.n
            else:
                continue
            touched, done = defaultdict(set), defaultdict(int)
            flat = zip(*(np.broadcast_to(x, moved.thread.shape).flat for x in (
                moved.thread, moved.row, moved.col, moved.predicate)), strict=True)  # fmt: skip
            for thread, row, col, inside in flat:
                turn = done[thread]
                done[thread] += 1
                if inside:
                    touched[step, turn, thread // 32].add(int(row * cols + col) // 8)
            sectors[name] += sum(map(len, touched.values()))
    found = counters.predicted(plan)
    assert found["load sectors"] + found["copy sectors"] == sectors["load"]
    assert found["store sectors"] == sectors["store"]


CSV = """==PROF== Connected to process 1
"ID","Process ID","Kernel Name","Metric Name","Metric Unit","Metric Value"
"0","1","gemm(const float *, const float *)","smsp__sum_of_this.sum","inst","4,194,304"
"0","1","gemm(const float *, const float *)","l1tex__that.sum","","12"
"""


def test_ncus_csv_is_read():
    names = {"FMA": "smsp__sum_of_this.sum", "load sectors": "l1tex__that.sum", "x": "y.sum"}
    assert counters.counted(CSV, names) == {"FMA": 4194304, "load sectors": 12}
    with pytest.raises(ValueError, match="2 launches"):
        counters.counted(
            CSV.replace('"0","1","gemm(const float *, const float *)","l1', '"1","1","gemm","l1'),
            names,
        )


def test_only_counters_that_ncu_knows_are_asked_for():
    listed = "smsp__sass_thread_inst_executed_op_ffma_pred_on  Counter  inst  # of FMA\nother  x"
    assert counters.known(listed) == {"FMA": counters.METRICS["FMA"][0]}


def test_a_wrong_prediction_is_named():
    one = {"tiling": "t", "gemm": "1³", "predicted": {"a": 1, "b": 2}, "counted": {"a": 1, "b": 3}}
    assert "| t | 1³ | 1 of 2 | b 3, predicted 2 |" in counters.shown([one])


def test_rates_by_hand():
    took = {"cuBLAS": 2.0, "warp": 4.0}
    fast, slow = sgemm.rates(took, Gemm(1000, 1000, 1000), peak=10.0)
    assert (fast["tflops"], fast["of_cublas"], fast["of_peak"]) == (1.0, 1.0, 0.1)
    assert (slow["tflops"], slow["of_cublas"], slow["of_peak"]) == (0.5, 0.5, 0.05)
    assert "| `warp` | 1000³ | 4.000 | 0.5 | 50.0% | 5.0% |" in sgemm.shown([fast, slow])


def test_what_is_raced_and_proved():
    candidates = list(sgemm.candidates())
    assert len(set(candidates)) == len(candidates) > 100
    assert all(one.threads % 32 == 0 for one in candidates)
    cases = hardware.cases()
    assert [choice.name for choice in cases[: len(presets())]] == list(presets())
    assert len(cases) == len(presets()) + 200
    assert len({choice.tiling for choice in cases}) > 150


def test_evidence_names_device_commit_and_date(tmp_path, monkeypatch):
    monkeypatch.setattr(evidence, "FOLDER", tmp_path)
    path = evidence.keep("proof", {"device": "NVIDIA H200 80GB"}, {"rungs": []})
    assert path.name == "proof-h200-80gb.json"
    kept = json.loads(path.read_text())
    assert kept["device"] == "NVIDIA H200 80GB" and kept["commit"] and kept["date"]


@pytest.mark.parametrize("name", ["hardware", "counters", "sgemm"])
def test_without_a_device_nothing_is_claimed(name: str, tmp_path: Path):
    try:
        evidence.device()
    except SystemExit as none:
        assert str(none).startswith("not run: ")
    else:
        pytest.skip("a device is here")
    before = sorted((ROOT / "evidence").iterdir())
    command = [sys.executable, "-m", f"benchmarks.{name}"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 1 and run.stderr.startswith("not run: no CuPy here")
    assert sorted((ROOT / "evidence").iterdir()) == before
