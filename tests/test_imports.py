"""Rooms keep to themselves: who may import what (the table of the design, section 2)."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

HEAVY = {"manim", "cupy", "cuda", "tree_sitter", "av", "PIL", "scipy", "matplotlib"}

FOLDERS = [
    f"scenes.{path.parent.name}"
    for path in sorted((ROOT / "scenes").glob("*/__init__.py"))
    if path.parent.name != "kit"
]
"""One scene each."""

# room: what of other rooms and HEAVY it may import at the top of a module, and inside a function
ALLOWED: dict[str, tuple[set[str], set[str]]] = {
    "tiling": (set(), {"tiling.kernel", "cuda"}),
    "tiling.kernel": ({"tiling", "tiling.ptx"}, {"cupy"}),
    "tiling.ptx": (set(), set()),
    "tiling.reading": ({"tiling", "tiling.ptx"}, {"tree_sitter", "tree_sitter_cuda"}),
    "scenes": (set(), set()),
    "scenes.kit": ({"manim", "tiling"}, set()),
    **dict.fromkeys(FOLDERS, ({"manim", "tiling", "scenes", "scenes.kit"}, set())),
    "publish": (
        {
            *("tiling", "tiling.reading", "scenes", "scenes.kit", "scenes.title_card"),
            *("manim", "av", "PIL"),
        },
        set(),
    ),
}
OF_ANOTHER_SCENE = ["scenes.why_tile.board.Through"]
ROOMS = {*ALLOWED, "render", "tests", "benchmarks"}
PURE = {"tiling", "tiling.ptx", "tiling.reading"}
"""Rooms that need nothing but Python and NumPy to be loaded."""

GIVEN = {*sys.stdlib_module_names, "numpy"}


def room_of(module: str) -> str:
    """The innermost room that a module is in, or the package that it is of."""
    rooms = [room for room in ROOMS if f"{module}.".startswith(f"{room}.")]
    return max(rooms, key=len, default=module.split(".")[0])


def module_of(path: Path) -> str:
    """`tiling/ptx/flow.py` is tiling.ptx.flow, `tiling/ptx/__init__.py` is tiling.ptx."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(text: str) -> list[tuple[str, bool]]:
    """(name, whether it is imported when the file is) of all that a file imports."""
    tree = ast.parse(text)
    inside = {
        node
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        or (isinstance(function, ast.If) and ast.unparse(function.test) == "TYPE_CHECKING")
        for node in ast.walk(function)
    }
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [(alias.name, node not in inside) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            found += [(f"{node.module}.{alias.name}", node not in inside) for alias in node.names]
    return found


def forbidden(room: str, text: str) -> list[str]:
    """What a file of this room imports that it may not."""
    at_top, in_functions = ALLOWED[room]
    found = []
    for name, top in imports(text):
        of = room_of(name)
        asked = room in PURE or of in ROOMS | HEAVY
        if asked and of not in GIVEN | {room} | at_top | (set() if top else in_functions):
            found.append(name)
    return found


def files(room: str) -> list[Path]:
    folder = ROOT / room.replace(".", "/")
    return [path for path in sorted(folder.rglob("*.py")) if room_of(module_of(path)) == room]


ALL = [path for room in ALLOWED for path in files(room)]
DRAWN = [path for path in ALL if path.relative_to(ROOT).parts[0] == "scenes"]


def test_the_rooms_are_found():
    names = {path.relative_to(ROOT).as_posix() for path in ALL}
    assert {"tiling/shapes.py", "scenes/overview/scene.py", "publish/cache.py"} <= names
    assert {"tiling/kernel/rungs.py", "tiling/ptx/machine.py"} <= names
    assert len(ALL) == len(set(ALL))
    assert not {path.parent.name for path in files("tiling")} & {"kernel", "ptx", "reading"}


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_file_imports_only_what_its_room_may(path):
    assert not forbidden(room_of(module_of(path)), path.read_text("utf-8"))


@pytest.mark.parametrize(
    ("room", "text", "names"),
    [
        ("tiling", "import numpy, tiling.shapes", []),
        ("tiling", "from tiling.ptx.machine import Machine", ["tiling.ptx.machine.Machine"]),
        ("tiling", "from tiling import ptx", ["tiling.ptx"]),
        ("tiling", "def f():\n import tiling.ptx", ["tiling.ptx"]),
        ("tiling", "import tiling.kernel.rungs", ["tiling.kernel.rungs"]),
        ("tiling", "def f():\n import tiling.kernel.rungs", []),
        ("tiling", "import rich", ["rich"]),
        ("tiling.ptx", "import numpy.typing, re; from tiling.ptx import flow", []),
        ("tiling.ptx", "from tiling.shapes import Gemm", ["tiling.shapes.Gemm"]),
        ("tiling.ptx", "from tiling import shapes", ["tiling.shapes"]),
        ("tiling.ptx", "def f():\n import tiling.kernel", ["tiling.kernel"]),
        ("tiling.ptx", "import scipy", ["scipy"]),
        ("tiling.kernel", "from tiling.ptx import flow; import tiling.shapes", []),
        ("tiling.kernel", "import cupy", ["cupy"]),
        ("tiling.kernel", "def f():\n import cupy", []),
        ("tiling.reading", "from tiling.kernel import build", ["tiling.kernel.build"]),
        ("tiling.reading", "import tree_sitter", ["tree_sitter"]),
        ("tiling.reading", "if TYPE_CHECKING:\n import tree_sitter", []),
        ("scenes", "import manim", ["manim"]),
        ("scenes.kit", "import manim, tiling.shapes; from scenes.kit import look", []),
        ("scenes.kit", "import tiling.kernel, publish.cache", ["tiling.kernel", "publish.cache"]),
        ("scenes.kit", "from scenes import SCENES", ["scenes.SCENES"]),
        ("scenes.kit", "from scenes.overview import board", ["scenes.overview.board"]),
        ("scenes.overview", "from scenes.kit.look import Look; import scenes.overview.pace", []),
        ("scenes.overview", "from scenes.why_tile.board import Through", OF_ANOTHER_SCENE),
    ],
)
def test_what_a_room_may_not_import_is_named(room, text, names):
    assert forbidden(room, text) == names


EXPANDS = {"execute", "expand", "sectors", "banks", "hazards", "trace", "counterexample"}
"""Modules of tiling/ whose functions make numbers of a schedule, thread by thread."""

UNITS = {"WORD", "QUAD", "BANKS", "SECTOR"}
"""Of the hardware: who multiplies by one of them makes a number."""


def computed(text: str) -> list[str]:
    """What a file computes that a reader of the model should: names of the functions that it takes
    from EXPANDS, and of UNITS with which it does arithmetic."""
    found = []
    for name, _ in imports(text):
        room, _, rest = name.partition(".")
        if room == "tiling" and rest.split(".")[0] in EXPANDS and rest.split(".")[-1].islower():
            found.append(name)
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.BinOp):
            sides = {side.id for side in (node.left, node.right) if isinstance(side, ast.Name)}
            found += sorted(sides & UNITS)
    return found


@pytest.mark.parametrize("path", DRAWN, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_scene_computes_nothing(path):
    assert not computed(path.read_text("utf-8"))


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("from tiling.expand import Bools, Order; from tiling.sectors import SECTOR", []),
        ("from tiling.traffic import traffic; from tiling.for_scenes.loads import first_load", []),
        ("from tiling.expand import expand_copy", ["tiling.expand.expand_copy"]),
        ("import tiling.execute", ["tiling.execute"]),
        ("from tiling import hazards", ["tiling.hazards"]),
        ("WORD * 2 + 1; SECTOR == 32", ["WORD"]),
    ],
)
def test_what_a_scene_computes_is_named(text, names):
    assert computed(text) == names


def modules_after(code: str) -> set[str]:
    """Modules that are loaded when an interpreter has run the code."""
    code += "\nprint(*sys.modules, file=sys.stderr)"
    command = [sys.executable, "-c", "import sys\n" + code]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return set(done.stderr.splitlines()[-1].split())


@pytest.mark.parametrize("room", ["tiling", "tiling.ptx", "tiling.reading"])
def test_a_whole_room_loads_without_the_rest(room):
    loaded = modules_after("import " + ", ".join(map(module_of, files(room))))
    packages = {"tiling"} if room == "tiling.ptx" else set()  # that the room is a part of
    rooms = {room_of(name) for name in loaded - packages}
    assert "numpy" in loaded and rooms & (ROOMS | HEAVY) == {room} | ALLOWED[room][0]


@pytest.mark.parametrize("command", ["list", "inspect", "inspect --json", "verify", "clip --help"])
def test_a_command_that_draws_nothing_loads_nothing_that_draws(command):
    code = f"from render import main\nmain({command.split()}, standalone_mode=False)"
    assert not modules_after(code) & {"manim", "cairo", "av", "PIL", "msgspec", "jinja2"}


def test_refusing_a_clip_does_not_load_manim():
    code = (
        "from click.testing import CliRunner\nfrom render import main\n"
        "assert CliRunner().invoke(main, ['clip', 'why_tile', '--thread', '5x5']).exit_code == 2"
    )
    assert "manim" not in modules_after(code)
