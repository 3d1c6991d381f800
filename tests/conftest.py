"""What holds for all tests."""

import gc
import os
from pathlib import Path

import pytest

# Scenes are made of many objects that stay: to look for garbage so often takes a tenth of the time.
gc.set_threshold(200_000, 50, 50)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """`-m gpu` runs where neither Manim nor Hypothesis is: look at no other file there."""
    if config.option.markexpr == "gpu" and collection_path.suffix == ".py":
        return "gpu" not in collection_path.name
    return None


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """In CI a skip is a failure, but for the tests that need a GPU: they are counted here."""
    if not os.environ.get("CI") or hasattr(session.config, "workerinput"):
        return  # with -n, the process that hears of all tests counts
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = [report.nodeid for report in reporter.stats.get("skipped", [])]
    if wrongly := [name for name in skipped if "test_kernel_gpu" not in name]:
        reporter.write_line(f"skipped in CI, which only gpu tests may be: {wrongly}", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
