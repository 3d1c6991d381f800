"""A cache of built kernels for tests to spoil, and a compiler for them to replace by a script."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tiling.kernel import cxx, host
from tiling.presets import choose
from tiling.verify import verify

SEED = choose("seed").tiling


@pytest.fixture
def ready() -> list[Path]:
    """All that the rungs host and race need for `seed`, as it was built."""
    programs = [host.host_program(race) for race in (False, True)]
    return programs + [host.compiled(SEED, build) for build in ("plain", "trace", "race")]


@pytest.fixture
def cold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of an empty cache, not yet made."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "tilelapse"


@pytest.fixture
def warm(ready: list[Path], cold: Path) -> Path:
    """The folder of a cache that holds copies of what is ready."""
    cold.mkdir(mode=0o700)
    for file in ready:
        shutil.copy2(file, cold)
    return cold


def not_run(rung: str) -> str:
    """Why."""
    report = verify(rung, choose("seed"))
    assert report.status == "not run", report.says
    assert "\n" not in report.says
    return report.says


def passes(rung: str) -> None:
    report = verify(rung, choose("seed"))
    assert report.status == "passed", report.says


PRELUDE = """#!/bin/bash
real() { PATH="$TRUE_PATH" "$TRUE_CXX" "$@"; }
ready() {
    [[ "$*" == *fibers.cpp* ]] && { cp "$PLAIN_HOST" out; exit; }
    [[ "$*" == *threads.cpp* ]] && { cp "$RACE_HOST" out; exit; }
}
no_tsan=(); for x in "$@"; do [[ "$x" == -fsanitize=thread ]] || no_tsan+=("$x"); done
"""
"""`real` is the true compiler; `ready` answers for the host programs with those that are ready."""

VERSION = '[[ "$*" == *--version* ]] && { echo "g++ (of a test) 1"; exit; }\n'


@pytest.fixture
def script(
    ready: list[Path], cold: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., None]:
    """Puts a script in the place of g++, or of another program."""
    monkeypatch.setenv("PLAIN_HOST", str(ready[0]))
    monkeypatch.setenv("RACE_HOST", str(ready[1]))
    monkeypatch.setenv("TRUE_CXX", cxx.compiler()[0])
    monkeypatch.setenv("TRUE_PATH", os.environ["PATH"])
    programs = tmp_path / "programs"
    programs.mkdir()
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    monkeypatch.delenv("CXX", raising=False)

    def write(text: str, program: str = "g++") -> None:
        (programs / program).write_text(PRELUDE + text)
        (programs / program).chmod(0o755)

    return write
