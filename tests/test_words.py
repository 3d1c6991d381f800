"""One word, one thing: no public name stands for two things."""

import ast
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).parent.parent
ROOMS = ("tiling", "scenes", "publish")
APART = {"kernel", "ptx", "reading"}
"""Rooms of tiling/ with words of their own."""

SAME = {"OuterProduct", "shots", "work"}
"""May stand twice: a scene has its folder's name, and this one that of an event; and each scene has
its shots. What a process does of a task is `work` in each module that the pool asks for it."""


def defined(tree: ast.Module) -> dict[str, bool]:
    """Public names at the top of a module, and whether each is a class or function."""
    found = {}
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found[node.name] = True
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for part in (part for target in targets for part in ast.walk(target)):
                if isinstance(part, ast.Name):
                    found[part.id] = False
    return {name: kind for name, kind in found.items() if not name.startswith("_")}


def twice(texts: dict[str, str]) -> dict[str, list[str]]:
    """Names that several modules define, of all modules' texts: classes and functions, and of
    constants those that others import. A constant that stays in its file speaks for itself there.
    """
    trees = {path: ast.parse(text) for path, text in texts.items()}
    imported = {
        f"{node.module}.{alias.name}"
        for tree in trees.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    where = defaultdict(list)
    for path, tree in trees.items():
        for name, speaks in defined(tree).items():
            module = path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
            if speaks or f"{module}.{name}" in imported:
                where[name].append(path)
    return {name: paths for name, paths in where.items() if len(paths) > 1}


def test_no_name_stands_for_two_things() -> None:
    paths = [path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py"))]
    paths = [path for path in paths if not APART & set(path.relative_to(ROOT).parts)]
    found = twice({path.relative_to(ROOT).as_posix(): path.read_text("utf-8") for path in paths})
    assert {name: paths for name, paths in found.items() if name not in SAME} == {}
    assert found.keys() >= SAME, "a name that no longer stands twice needs no excuse"


def test_a_name_that_stands_twice_is_found() -> None:
    texts = {
        "a.py": "def f(): pass\nclass C: pass\nONE = 1\nTWO: int = 2\n_g = 1",
        "b/__init__.py": "class f: pass\nONE, TWO = 1, 2\n_g = 2",
        "c.py": "def g():\n    class C: pass\nfrom b import TWO, ONE\nfrom a import TWO",
    }
    assert twice(texts) == {"f": ["a.py", "b/__init__.py"], "TWO": ["a.py", "b/__init__.py"]}
