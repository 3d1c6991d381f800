"""A scene is added as CONTRIBUTING.md says: with the scene that stands there."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import scenes
from publish.settings import Clip
from scenes.kit.tiling_scene import TilingScene
from tests.screening import flaws, screen
from tests.test_imports import computed, forbidden
from tiling.presets import choose

ROOT = Path(__file__).parent.parent


@pytest.fixture
def added(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of the page's scene, as if it stood among the others."""
    (source,) = re.findall(r"```python\n(.*?)```", (ROOT / "CONTRIBUTING.md").read_text(), re.S)
    assert source.count("\n") < 60
    folder = tmp_path / "cover_c"
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "scene.py").write_text(source, "utf-8")
    monkeypatch.setattr(scenes, "__path__", [*scenes.__path__, str(tmp_path)])
    yield folder
    for name in [name for name in sys.modules if name.startswith("scenes.cover_c")]:
        del sys.modules[name]


@pytest.mark.parametrize("preset", ["seed", "ragged", "sgemm"])
@pytest.mark.parametrize("aspect", ["wide", "tall"])
def test_the_scene_of_the_page(added: Path, preset: str, aspect: str) -> None:
    found: list[str] = []

    def look_at(scene: TilingScene) -> None:
        found.extend(flaws(scene))

    scene = screen(Clip("cover_c", choose(preset), aspect=aspect, quality="draft"), look_at)
    assert not found and 0 < scene.poster_at < scene.now
    assert [mark.text for mark in scene.captions][::2] == [scene.captions[0].text] * 2


def test_it_obeys_the_rules(added: Path) -> None:
    text = (added / "scene.py").read_text("utf-8")
    assert not forbidden("scenes.overview", text) and not computed(text)
    ruff = [sys.executable, "-m", "ruff"]
    for command in (["check"], ["format", "--check"]):
        config = ["--config", str(ROOT / "pyproject.toml")]
        run = subprocess.run([*ruff, *command, *config, str(added)], capture_output=True, text=True)
        assert run.returncode == 0, run.stdout
