"""What runs on hardware, as far as it can be tried without: predictions, reading of reports.

Programs that are not here are stood in for by scripts that say what those would.
"""

import json
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from benchmarks import counters, evidence, hardware, hardware_table, ncu, sanitizer, sgemm
from tests.kernel_cases import TILINGS, TOY, needs_host
from tests.stand_in import stand_in as stand_in
from tiling.expand import expand_copy, expand_store
from tiling.faults import Missing
from tiling.kernel import gpu
from tiling.kernel.build import source
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
        "DRAM bytes read": (2 * 256 * 64 * 4, warps * 8 * 8 * 4 * 32),
        "DRAM bytes written": (0, warps * 64 * 32 * 32),
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


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Puts a shell script of some name where programs are looked for first."""

    def make(name: str, script: str) -> None:
        path = tmp_path / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    return make


CSV = """cat <<'END'
==PROF== Connected to process 1
"ID","Process ID","Kernel Name","Metric Name","Metric Unit","Metric Value"
"0","1","gemm(const float *, const float *)","smsp__sum_of_this.sum","inst","4,194,304"
"0","1","gemm(const float *, const float *)","l1tex__that.sum","","12"
END"""


def test_ncus_csv_is_read(program):
    program("ncu", CSV)
    names = {"FMA": "smsp__sum_of_this.sum", "load sectors": "l1tex__that.sum", "x": "y.sum"}
    rows = ncu.launches("", list(names.values()))
    assert counters.counted(rows, names) == {"FMA": 4194304, "load sectors": 12}
    with pytest.raises(ValueError, match="2 launches"):
        counters.counted([rows[0], rows[1] | {"ID": "1"}], names)
    assert sgemm.blas_kernels(Gemm(1, 1, 1)) == ["gemm(const float *, const float *)"]


def test_ncu_is_told_what_to_count_of_which_kernel(program):
    program("ncu", """printf '"said"\\n"%s"\\n' "$*" """)
    ((said,),) = (row.values() for row in ncu.launches("PROGRAM", ["a.sum", "b.sum"], "gemm"))
    assert said == (
        "--csv --print-units base --clock-control none --kernel-name gemm "
        f"--metrics a.sum,b.sum {sys.executable} -c PROGRAM"
    )


def test_an_ncu_that_cannot_run_is_missing(program):
    program("ncu", "echo; echo '==ERROR== LibraryNotLoaded' >&2; exit 1")
    with pytest.raises(Missing, match="ncu says: ==ERROR== LibraryNotLoaded"):
        ncu.known()
    assert sgemm.blas_kernels(Gemm(1, 1, 1)) == ["not known: ncu says: ==ERROR== LibraryNotLoaded"]


def test_only_counters_that_ncu_knows_are_asked_for(program):
    known = "smsp__sass_thread_inst_executed_op_ffma_pred_on  Counter  inst  # of FMA"
    program("ncu", f"echo '{known}'; echo other x")
    assert counters.known(ncu.known()) == {"FMA": counters.METRICS["FMA"][0]}


def test_a_wrong_prediction_is_named():
    one = {"tiling": "t", "gemm": "1³", "predicted": {"a": 1, "b": 2}, "counted": {"a": 1, "b": 3}}
    assert "| t | 1³ | 1 of 2 | b 3, predicted 2 |" in counters.shown([one | {"right": ["a"]}])


def test_what_is_counted_is_right_where_it_is_equal_or_within_bounds(monkeypatch):
    gemm = Gemm(256, 256, 64)
    want = counters.predicted(schedule(gemm, counters.TILINGS["smem"]))
    got = {what: sum(many) // 2 if isinstance(many, tuple) else many for what, many in want.items()}
    monkeypatch.setattr(counters, "profile", lambda *_: got)
    assert counters.look("smem", gemm, {})["right"] == list(want)
    got["FMA"] += 1
    got["DRAM bytes read"] = want["DRAM bytes read"][1] + 1
    assert set(want) - set(counters.look("smem", gemm, {})["right"]) == {"FMA", "DRAM bytes read"}


WATCHED = """for last; do :; done
case "$last" in
"") exit 0;;
store*) exit 9;;
barrier*) exit 0;;
*) echo; echo no device; exit 1;;
esac"""


def test_the_sanitizer_has_to_find_the_mutants_and_nothing_else(program):
    program("compute-sanitizer", WATCHED)
    watches = map(sanitizer.watched, sanitizer.WATCHES)
    found = {(one["tool"], one["mutant"]): one for one in watches}
    assert found["memcheck", ""]["right"] and not found["memcheck", ""]["found"]
    assert found["memcheck", "store: row not checked"]["right"]
    silent = found["racecheck", "barrier before reads recorded, not made"]
    assert not silent["found"] and not silent["right"]
    broken = found["racecheck", "no barrier before overwrite"]
    assert broken["not_run"] == "compute-sanitizer ends with 1: no device" and not broken["right"]


def test_a_kernel_that_hangs_under_the_sanitizer_is_ended(program, monkeypatch, tmp_path):
    program("compute-sanitizer", f"sleep 60 & echo $! >{tmp_path}/child; wait")
    monkeypatch.setattr(sanitizer, "SECONDS", 0.5)
    with pytest.raises(Missing, match=r"not done after 0\.5 s"):
        sanitizer.found(sanitizer.WATCHES[0])
    child = Path("/proc", (tmp_path / "child").read_text().strip(), "cmdline")
    assert not child.exists() or not child.read_bytes()  # gone, or nobody has asked how it ended


def test_the_sanitizer_watches_the_kernel_and_mutants_that_there_are():
    texts = [sanitizer.kernel(watch.mutant) for watch in sanitizer.WATCHES]
    assert [text == source() for text in texts] == [not one.mutant for one in sanitizer.WATCHES]
    assert {one.tool for one in sanitizer.WATCHES} >= {"memcheck", "racecheck", "synccheck"}


def test_the_clock_is_read_while_the_kernel_runs(program, stand_in):
    program("nvidia-smi", "sleep 0.2; [ $1 = --id=0000:0f:00.0 ] && echo 1980")
    launched: list[int] = []
    assert sgemm.clock(stand_in, lambda: launched.append(1)) == 1980
    assert len(launched) > 20


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


PROOF = {
    "rungs": [
        {"choice": "seed", "status": "passed"},
        {"choice": "random 0", "status": "passed"},
        {"choice": "random 1", "status": "not run"},
        {"choice": "random 2", "status": "failed"},
    ],
}
WATCHES = {
    "watches": [
        {"tool": "memcheck", "mutant": "", "right": True},
        {"tool": "racecheck", "mutant": "", "right": False},
        {"tool": "racecheck", "mutant": "m", "right": True},
    ]
}
COUNTED = {
    "launches": [
        {"tiling": "seed", "counted": {"a": 1, "b": 2}, "right": ["a"]},
        {"tiling": "seed", "counted": {"a": 1, "b": 2}, "right": ["a", "b"]},
    ]
}


def test_the_table_is_made_from_the_reports(tmp_path, monkeypatch):
    monkeypatch.setattr(evidence, "FOLDER", tmp_path)
    assert hardware_table.shown(tmp_path) == hardware_table.NOTHING
    on = {"device": "NVIDIA H200", "driver": "1.2", "nvrtc": "13.0", "cupy": "14"}
    rates = sgemm.rates({"cuBLAS": 2.0, "warp": 4.0, "vector": 5.0}, Gemm(1000, 1000, 1000), 10.0)
    evidence.keep("proof", on, PROOF)
    evidence.keep("sanitizer", on, WATCHES)
    evidence.keep("counters", on, COUNTED)
    evidence.keep("sgemm", on, {"sizes": [{"rates": rates}]})
    (tmp_path / "other.json").write_text("{}")
    lines = hardware_table.shown(tmp_path).splitlines()
    assert lines[0] == (
        "| measured on NVIDIA H200 | driver 1.2, NVRTC 13.0, CuPy 14 | commit | date |"
    )
    assert [line.split(" | ")[:2] for line in lines[2:]] == [
        ["| gpu rung, presets", "1 of 1 passed"],
        ["| gpu rung, random tilings", "1 of 3 passed, 1 not run, 1 failed"],
        ["| compute-sanitizer", "clean: memcheck"],
        ["| compute-sanitizer, mutants", "found 1 of 1"],
        ["| counters, seed", "3 of 4"],
        ["| 1000³, our fastest", "warp, 0.5 TFLOP/s, 5% of peak, 50.0% of cuBLAS"],
    ]


def test_the_readme_says_what_the_reports_say():
    text = (ROOT / "README.md").read_text("utf-8")
    said = text.split("<!-- hardware -->\n")[1].split("\n<!-- /hardware -->")[0]
    assert said == hardware_table.shown()


@needs_host
def test_all_reports_are_written_and_read(program, stand_in, tmp_path, monkeypatch, capsys):
    """As on a machine with a GPU, but for what the stand-ins say."""
    monkeypatch.setattr(evidence, "FOLDER", tmp_path)
    monkeypatch.setattr(sys, "argv", ["", "--sweep"])
    monkeypatch.setitem(sys.modules, "cupy", stand_in)
    few = [choice for choice in hardware.cases() if choice.name in ("seed", "random 0")]
    monkeypatch.setattr(hardware, "cases", lambda: few)
    monkeypatch.setattr(counters, "GEMMS", (Gemm(12, 12, 12),))
    monkeypatch.setattr(counters, "TILINGS", {"seed": TOY})
    monkeypatch.setattr(sgemm, "LADDER", ("naive",))
    monkeypatch.setattr(sgemm, "SIZES", (Gemm(13, 11, 10),))
    monkeypatch.setattr(sgemm, "SWEPT", Gemm(12, 12, 12))
    monkeypatch.setattr(sgemm, "candidates", lambda: [TOY, TILINGS["small"]])
    monkeypatch.setattr(sgemm, "ROUNDS", 1)
    monkeypatch.setattr(sgemm, "race", lambda cupy, launches, gemm: dict.fromkeys(launches, 1.0))
    program("compute-sanitizer", "exit 0")  # which misses the mutants
    program("nvidia-smi", "echo 1980")
    name = counters.METRICS["FMA"][0]
    program(
        "ncu",
        f"""case "$*" in *query-metrics*) echo {name.removesuffix(".sum")};;
        *) printf '"ID","Kernel Name","Metric Name","Metric Value"\\n"0","gemm","{name}","1728"\\n'
        esac""",
    )
    statuses = []
    for main in hardware.main, sanitizer.main, counters.main:
        with pytest.raises(SystemExit) as ended:
            main()
        statuses.append(int(ended.value.code))
    assert statuses == [0, 1, 1]
    sgemm.main()
    assert "barriers: this ncu has no such counter" in capsys.readouterr().out
    lines = [line.split(" | ")[:2] for line in hardware_table.shown(tmp_path).splitlines()[2:]]
    assert lines == [
        ["| gpu rung, presets", "1 of 1 passed"],
        ["| gpu rung, random tilings", "1 of 1 passed"],
        ["| compute-sanitizer", "clean: memcheck, racecheck, synccheck, initcheck"],
        ["| compute-sanitizer, mutants", "found 0 of 4"],
        ["| counters, seed", "1 of 1"],
        ["| 13×11×10, our fastest", "naive, 0.0 TFLOP/s, 0% of peak, 100.0% of cuBLAS"],
    ]
    (size,) = json.loads((tmp_path / "sgemm-a-stand-in.json").read_text())["sizes"]
    assert size["cublas_kernels"] == ["gemm"] and size["clock_mhz"] == 1980
    assert [one["kernel"] for one in size["rates"]] == ["cuBLAS", "naive", "best of the sweep"]


def test_without_cublas_nothing_is_run(monkeypatch):
    monkeypatch.setattr(gpu, "_cupy", lambda: None)
    monkeypatch.setattr(gpu, "device", dict)
    monkeypatch.setitem(sys.modules, "cupy", SimpleNamespace())
    with pytest.raises(SystemExit, match="not run: CuPy finds no cuBLAS here: cannot import name"):
        evidence.device()


@pytest.mark.parametrize("name", ["hardware", "sanitizer", "counters", "sgemm"])
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
