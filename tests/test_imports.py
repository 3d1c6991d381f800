"""Rooms keep to themselves: who may import what (the table of the design, section 2)."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

OURS = {"tiling", "scenes", "publish", "render", "tests", "benchmarks"}
HEAVY = {"manim", "cupy", "cuda", "av", "PIL", "scipy", "matplotlib"}

# room: what of OURS and HEAVY it may import at the top of a module, and what inside a function
ALLOWED = {
    "tiling": (set(), {"tiling.kernel"}),
    "tiling/kernel": (set(), {"cupy", "cuda"}),
    "scenes": ({"manim", "tiling"}, set()),
    "publish": ({"tiling", "scenes", "manim", "av", "PIL"}, set()),
}


def room_of(path: Path) -> str:
    parts = path.relative_to(ROOT).parts
    return "tiling/kernel" if parts[:2] == ("tiling", "kernel") else parts[0]


def imports(path: Path) -> list[tuple[str, bool]]:
    """(module, whether it is imported when the file is) of each import statement."""
    tree = ast.parse(path.read_text("utf-8"))
    inside = {
        node
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        for node in ast.walk(function)
    }
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [(alias.name, node not in inside) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            found.append((str(node.module), node not in inside))
    return found


def files(room: str) -> list[Path]:
    return [path for path in sorted((ROOT / room).rglob("*.py")) if room_of(path) == room]


ALL = [path for room in ALLOWED for path in files(room)]


def test_the_rooms_are_found():
    names = {path.relative_to(ROOT).as_posix() for path in ALL}
    assert {"tiling/shapes.py", "scenes/overview.py", "publish/cache.py"} <= names


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_file_imports_only_what_its_room_may(path):
    room = room_of(path)
    at_top, in_functions = ALLOWED[room]
    own = {"tiling"} if room.startswith("tiling") else {room}
    for module, top in imports(path):
        package = module.split(".")[0]
        if module.startswith("tiling.kernel") and room == "tiling":
            assert not top, f"{path.name} imports {module} at its top"
        elif package in OURS | HEAVY:
            allowed = own | at_top | (set() if top else in_functions)
            assert package in allowed, f"{path.name} imports {module}"


@pytest.mark.parametrize("path", files("tiling"), ids=lambda path: path.name)
def test_the_model_is_python_and_numpy(path):
    for module, _ in imports(path):
        package = module.split(".")[0]
        assert package in {*sys.stdlib_module_names, "numpy", "tiling"}, module


def modules_after(code: str) -> set[str]:
    """Top packages that are loaded when an interpreter has run the code."""
    code += "\nprint(*{name.split('.')[0] for name in sys.modules}, file=sys.stderr)"
    command = [sys.executable, "-c", "import sys\n" + code]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return set(done.stderr.splitlines()[-1].split())


def test_the_whole_model_loads_without_the_rest():
    names = [f"tiling.{path.stem}" for path in files("tiling") if path.stem != "__init__"]
    loaded = modules_after("import " + ", ".join(names))
    assert "numpy" in loaded and not loaded & (HEAVY | OURS - {"tiling"})


@pytest.mark.parametrize("command", ["list", "inspect", "inspect --json", "verify", "clip --help"])
def test_a_command_that_draws_nothing_loads_nothing_that_draws(command):
    code = f"from render import main\nmain({command.split()}, standalone_mode=False)"
    assert not modules_after(code) & {"manim", "cairo", "av", "PIL"}


def test_refusing_a_clip_does_not_load_manim():
    code = (
        "from click.testing import CliRunner\nfrom render import main\n"
        "assert CliRunner().invoke(main, ['clip', 'why_tile', '--thread', '5x5']).exit_code == 2"
    )
    assert "manim" not in modules_after(code)
