"""Whose kernel is looked at, and how it is called: from a command's options, or from a TOML.

    kernel = "mine.cu"
    name   = "sgemm<128, 128, 8, 8, 8>"
    gemm   = "1024x1024x1024"
    grid   = "N/128, M/128"
    block  = "256"
    args   = "M, N, K, 1.0, A, B, 0.0, C"

All but `kernel` may be left out where it can be found.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tiling.presets import table_of
from tiling.ptx.memory import Buffer
from tiling.reading.call import LEADING, MATRICES, SCALARS, Call, launch, members
from tiling.reading.compile import AS_USUAL, Asked, cut
from tiling.reading.expressions import Unclear, mentioned, value
from tiling.reading.find import find, open_parts
from tiling.reading.kernel import Kernel, load
from tiling.reading.names import split
from tiling.reading.probe import settled
from tiling.reading.recorded import Run
from tiling.reading.roles import OPEN
from tiling.shapes import Gemm, Refused

FIELDS = {
    "kernel": "mine.cu",
    "name": "sgemm<128, 128, 8, 8, 8>",
    "gemm": "1024x1024x1024",
    "grid": "N/128, M/128",
    "block": "256",
    "args": "M, N, K, 1.0, A, B, 0.0, C",
    "shared": "0",
    "batch": "1",
    "arch": "sm_80",
    "include": "include",
    "define": "BM=128",
}
"""Of the TOML, each with what would do."""

ALPHA, BETA = 2.0, 3.0
"""What the parameters of these names get: numbers that no mistake hides behind."""

DEFAULT = Gemm(1024, 1024, 1024)
MOST_SIZE = 2**20
"""Rows or columns of a matrix beyond which nothing is run."""


@dataclass(frozen=True)
class Wanted:
    """What was asked for, as text; fields as in the TOML, "" where nothing was said."""

    kernel: str
    name: str = ""
    gemm: str = ""
    grid: str = ""
    block: str = ""
    args: str = ""
    shared: str = ""
    batch: str = ""
    how: Asked = AS_USUAL


def read_toml(file: Path) -> Wanted | None:
    """What a TOML says of a kernel; None if it speaks of none. Raises Refused."""

    def refused(field: str, shown: object, rule: str, remedy: str) -> Refused:
        return Refused(f"{cut(str(file))}: {field}".strip(), shown, rule, remedy)

    table = table_of(file)
    if "kernel" not in table:
        return None
    for key, given in table.items():
        if key not in FIELDS:
            raise refused(cut(key), "", "is not a field", "try " + ", ".join(FIELDS))
        several = key in ("include", "define") and isinstance(given, list)
        for one in given if several else [given]:
            if not isinstance(one, str):
                raise refused(key, cut(repr(one)), "is no text", f'try {key} = "{FIELDS[key]}"')
            if not one.strip():
                raise refused(key, "", "is empty", f'try {key} = "{FIELDS[key]}"')

    def listed(key: str) -> tuple[str, ...]:
        given = table.get(key, [])
        return (given,) if isinstance(given, str) else tuple(given)

    plain = {key: table[key] for key in table if key not in ("arch", "include", "define", "kernel")}
    folder = file.parent
    how = Asked(
        table.get("arch", AS_USUAL.arch),
        tuple(str(folder / one) for one in listed("include")),
        listed("define"),
    )
    return Wanted(str(folder / table["kernel"]), **plain, how=how)


def named(text: str) -> tuple[Path, str]:
    """`FILE.cu:NAME` as its file and the kernel's name."""
    if not text:
        raise Refused("--kernel", "", "is empty", "try mine.cu or mine.cu:sgemm")
    for colon in re.finditer(":", text):
        left = Path(text[: colon.start()])
        if _is_file(left) and not _is_file(Path(text)):
            return left, text[colon.end() :].strip()
    file, _, name = text.partition(":")
    return (Path(file), name.strip()) if file and not _is_file(Path(text)) else (Path(text), "")


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def choose(wanted: Wanted) -> Run:
    """The kernel with the sizes and the call that were asked for, or found. Raises Refused, with a
    TOML to fill in where something is open, and Missing."""
    file, name = named(wanted.kernel)
    gemm = sizes(wanted.gemm) if wanted.gemm else None
    kernel = load(file, wanted.name or name, wanted.how)
    call = given = _given(kernel, wanted)
    each = 0
    if given is not None and not _is_open(given):
        call, each = settled(kernel, given)
    if call is None or _is_open(call):
        found = find(
            kernel, given.args if given and not any(map(OPEN.__contains__, given.args)) else None
        )
        if found is None:
            raise _ask(kernel, file, found)
        call = _merged(found, wanted) if given else found
    gemm = gemm or call.gemm or DEFAULT
    _square(kernel, call, gemm)
    run = Run(kernel, call, gemm, ALPHA, BETA)
    _can_be_made(run)
    if each:
        _covers(run, each)
    return run


def _can_be_made(run: Run) -> None:
    """Refuse arguments that do not fit, before any work."""
    small = {name: Buffer(name, 0, 1) for name in run.matrices}
    launch(run.kernel, run.call, run.gemm, small, run.alpha, run.beta)


def sizes(text: str) -> Gemm:
    """`MxNxK`. Raises Refused."""
    parts = text.lower().replace("×", "x").split("x")
    if len(parts) != 3 or not all(re.fullmatch(r"\s*[0-9]{1,9}\s*", part) for part in parts):
        raise Refused("--gemm", cut(text), "is not three numbers", "try 1024x1024x1024")
    found = [int(part) for part in parts]
    if min(found) < 1:
        raise Refused("--gemm", cut(text), "has a size below 1", "try 1024x1024x1024")
    if max(found) > MOST_SIZE:
        raise Refused("--gemm", cut(text), f"has a size above {MOST_SIZE}", "try 1024x1024x1024")
    return Gemm(*found)


def _given(kernel: Kernel, wanted: Wanted) -> Call | None:
    """The call that was asked for, open where nothing was said; None if nothing was."""
    texts = wanted.grid, wanted.block, wanted.args, wanted.shared, wanted.batch
    if not any(texts):
        return None
    grid, block = (_axes(text) if text else (OPEN,) for text in (wanted.grid, wanted.block))
    args = tuple(split(wanted.args)) if wanted.args else (OPEN,) * len(kernel.parameters)
    if len(args) != len(kernel.parameters):
        rule = f"has {len(args)} arguments, but {kernel.name} takes {len(kernel.parameters)}"
        raise Refused("args", cut(wanted.args), rule, f"it has ({_listed(kernel)})")
    if wanted.args:
        _check(kernel, args)
    said = ("the call as it was given",)
    return Call(grid, block, args, wanted.shared or "0", batch=wanted.batch or "1", said=said)


def _is_open(call: Call) -> bool:
    return any(OPEN in text for text in (*call.grid, *call.block, *call.args))


def _axes(text: str) -> tuple[str, ...]:
    return tuple(split(text))


def _check(kernel: Kernel, args: tuple[str, ...]) -> None:
    """Refuse arguments that no parameter can have."""
    every = [one for arg in args for one in members(arg)]
    for name in MATRICES:
        if every.count(name) > 1:
            raise Refused("args", name, "stands twice", "name each matrix once")
    for parameter, arg in zip(kernel.parameters, args, strict=True):
        shown = f"{parameter.type} {parameter.name}".strip() or "a parameter"
        if arg in MATRICES:
            if parameter.size != 8 or (parameter.type and not parameter.pointer):
                rule = f"is a matrix, but {shown} is no pointer"
                raise Refused("args", cut(arg), rule, "try M, N or K there")
        elif parameter.pointer:
            raise Refused("args", cut(arg), f"is no matrix, but {shown} is a pointer", "try A")
        else:
            for one in members(arg):
                _check_number(one)


def _check_number(arg: str) -> None:
    """Refuse what is neither a matrix nor arithmetic over sizes."""
    known = {*"MNK", *LEADING, *SCALARS}
    if arg in MATRICES:
        return
    if unknown := mentioned(arg) - known:
        rule = f"{cut(sorted(unknown)[0])} is not known"
        raise Refused("args", cut(arg), rule, "try " + ", ".join(sorted(known)))
    try:
        value(arg, dict.fromkeys(known, 64))
    except Unclear as unclear:
        raise Refused("args", cut(arg), str(unclear), "try M, N, K or a number") from None


def _merged(found: Call, wanted: Wanted) -> Call:
    """A call that was found, with what was said of it in place of that."""
    said: dict[str, Any] = {}
    for field in ("grid", "block", "args"):
        if text := getattr(wanted, field):
            said[field] = _axes(text)
    for field in ("shared", "batch"):
        if text := getattr(wanted, field):
            said[field] = text
    return replace(found, **said)


def _square(kernel: Kernel, call: Call, gemm: Gemm) -> None:
    alike = gemm.m == gemm.n == gemm.k
    if len(call.sizes) == 1 and call.is_gemm and not alike:
        rule = f"is not square, and {kernel.name} takes one size for all"
        raise Refused("--gemm", gemm, rule, f"try {gemm.m}x{gemm.m}x{gemm.m}")


def _covers(run: Run, each: int) -> None:
    """Refuse a grid whose CTAs, each of which writes so many elements, cannot write all."""
    matrix, ctas = run.matrices[run.call.result], run.shape.ctas
    if each * ctas < matrix.count:
        rule = f"has {ctas} CTAs, which write {each} elements each, of {matrix.count}"
        text = ", ".join(run.call.grid)
        raise Refused("grid", cut(text), rule, f"it takes {-(-matrix.count // each)} CTAs")


def _ask(kernel: Kernel, file: Path, found: Call | None) -> Refused:
    """What is open, in one line, and the TOML that would say it behind it."""
    parts = open_parts(kernel, found)
    open_ = [field for field, text in parts.items() if OPEN in text]
    called = f"{cut(kernel.name)}({_listed(kernel)})"
    rule = f"it is open how {called} is called: {', '.join(open_)}"
    return Open(file, kernel, rule, as_toml(file, kernel, parts))


def _listed(kernel: Kernel) -> str:
    """The parameters, as a person would write them."""
    shown = (f"{p.type or f'{p.size} bytes'} {p.name}".strip() for p in kernel.parameters)
    return cut(", ".join(shown), 200)


class Open(Refused):
    """A call that could not be found. `toml` is the text that a person can fill in."""

    def __init__(self, file: Path, kernel: Kernel, rule: str, toml: str) -> None:
        super().__init__("--kernel", cut(str(file)), rule, "fill in the TOML, give it as --config")
        self.toml = toml


def as_toml(file: Path, kernel: Kernel, parts: Mapping[str, str]) -> str:
    """The TOML of a call; what is open is a question mark."""
    lines = {"kernel": file.name, "name": kernel.name, **parts}
    width = max(map(len, lines))
    return "".join(f"{key:<{width}} = {_quoted(text)}\n" for key, text in lines.items())


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in escaped) + '"'


def told(run: Run) -> str:
    """How a kernel is called, in one line."""
    call, shape = run.call, run.shape
    args = ", ".join(call.args)
    orders = [name for name in call.matrices if call.orders[name] == "col"]
    column = f"; {' and '.join(orders)} column-major" if orders else ""
    return (
        f"{run.kernel.name}({args}), grid {', '.join(call.grid)} = {_of(shape.grid)}, "
        f"block {_of(shape.block)}{column}: {'; '.join(call.said) or 'as given'}"
    )


def _of(axes: tuple[int, int, int]) -> str:
    cut_ = 3 if axes[2] > 1 else 2 if axes[1] > 1 else 1
    return "×".join(map(str, axes[:cut_]))
