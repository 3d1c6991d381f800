"""What holds for all tests."""

from pathlib import Path

import pytest


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """`-m gpu` runs where neither Manim nor Hypothesis is: look at no other file there."""
    if config.option.markexpr == "gpu" and collection_path.suffix == ".py":
        return "gpu" not in collection_path.name
    return None
