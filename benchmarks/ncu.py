"""A Python program under Nsight Compute, which reads the counters of its kernels."""

import csv
import subprocess
import sys
from collections.abc import Sequence

from tiling.faults import Missing


def launches(program: str, metrics: Sequence[str], only: str = "") -> list[dict[str, str]]:
    """ncu's rows, one for each launch and metric, of the program's kernels, or of `only` one name.

    The clocks are left as they are. Raises Missing where there is no ncu, or where it cannot run.
    """
    command = ["ncu", "--csv", "--print-units", "base", "--clock-control", "none"]
    command += ["--kernel-name", only] if only else []
    return rows(_said([*command, "--metrics", ",".join(metrics), sys.executable, "-c", program]))


def known() -> set[str]:
    """The names of all counters. Raises Missing."""
    return set(_said(["ncu", "--query-metrics"]).split())


def rows(text: str) -> list[dict[str, str]]:
    """What stands in ncu's CSV, without what it says besides."""
    return list(csv.DictReader(line for line in text.splitlines() if line.startswith('"')))


def _said(command: list[str]) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True)
    except FileNotFoundError:
        raise Missing("no ncu here") from None
    if done.returncode:
        said = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
        raise Missing(f"ncu says: {said[-1] if said else done.returncode}")
    return done.stdout
