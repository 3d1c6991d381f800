"""What the reports in evidence/ say, for the README.

python3 -m benchmarks.hardware_table [--write]
"""

import json
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.evidence import FOLDER
from benchmarks.tables import table, write

NOTHING = "**Not run on any hardware yet.**"

Report = dict[str, Any]


def reports(folder: Path = FOLDER) -> dict[str, dict[str, Report]]:
    """For each device by name its reports, of the kinds in READ those that there are."""
    found: dict[str, dict[str, Report]] = {}
    for kind in READ:
        for path in sorted(folder.glob(f"{kind}-*.json")):
            report = json.loads(path.read_text("utf-8"))
            found.setdefault(report["device"], {})[kind] = report
    return found


def proof(report: Report) -> Iterator[tuple[str, str]]:
    for what, random in ("gpu rung, presets", False), ("gpu rung, random tilings", True):
        rungs = [one for one in report["rungs"] if one["choice"].startswith("random") == random]
        many = Counter(one["status"] for one in rungs)
        rest = "".join(
            f", {count} {status}" for status, count in many.items() if status != "passed"
        )
        yield what, f"{many['passed']} of {len(rungs)} passed{rest}"


def sanitizer(report: Report) -> Iterator[tuple[str, str]]:
    for mutants in False, True:
        watches = [one for one in report["watches"] if bool(one["mutant"]) == mutants]
        right = [one["tool"] for one in watches if one["right"]]
        says = f"found {len(right)} of {len(watches)}" if mutants else f"clean: {', '.join(right)}"
        yield "compute-sanitizer" + ", mutants" * mutants, says


def counters(report: Report) -> Iterator[tuple[str, str]]:
    for tiling, launches in _by("tiling", report["launches"]).items():
        right = sum(len(one["right"]) for one in launches)
        yield f"counters, {tiling}", f"{right} of {sum(len(one['counted']) for one in launches)}"


def sgemm(report: Report) -> Iterator[tuple[str, str]]:
    for size in report["sizes"]:
        ours = [one for one in size["rates"] if one["kernel"] != "cuBLAS"]
        best = max(ours, key=lambda one: float(one["tflops"]))
        says = f"{best['kernel']}, {best['tflops']:.1f} TFLOP/s, {best['of_peak']:.0%} of peak, "
        yield f"{best['gemm']}, our fastest", f"{says}{best['of_cublas']:.1%} of cuBLAS"


def _by(name: str, found: list[Report]) -> dict[str, list[Report]]:
    groups: dict[str, list[Report]] = {}
    for one in found:
        groups.setdefault(one[name], []).append(one)
    return groups


READ = {"proof": proof, "sanitizer": sanitizer, "counters": counters, "sgemm": sgemm}


def shown(folder: Path = FOLDER) -> str:
    """A table for each device."""
    parts = []
    for device, by_kind in reports(folder).items():
        rows = [
            [what, says, report["commit"], report["date"]]
            for kind, report in by_kind.items()
            for what, says in READ[kind](report)
        ]
        on = next(iter(by_kind.values()))
        versions = f"driver {on['driver']}, NVRTC {on['nvrtc']}, CuPy {on['cupy']}"
        header = [f"measured on {device}", versions, "commit", "date"]
        parts.append(table(header, rows))
    return "\n\n".join(parts) or NOTHING


def main() -> None:
    print(shown())
    if "--write" in sys.argv:
        write("hardware", shown())


if __name__ == "__main__":
    main()
