"""The kernel of one tiling as a text of its own, to read or to take away.

Of gemm.cu and what it includes, the conditionals are resolved, so that branches not taken are gone;
the macros that are left become constants with their names; and nothing is there to record.
"""

import re
from math import prod
from textwrap import wrap

from tiling.kernel.build import ENTRY, device_defines, source
from tiling.presets import Choice
from tiling.schedule import grid
from tiling.shapes import SHARED_LIMIT, Tiling

CONSTANTS = {
    ("BM", "BN", "BK"): "CTA tile",
    ("TM", "TN"): "thread tile",
    ("WM", "WN"): "warp tile",
    ("QUAD_M", "QUAD_N"): "neighbours among a thread's rows, and columns",
    ("A_VECTOR", "B_VECTOR"): "floats of A, and of B, that a thread requests at once",
    ("PAD",): "unused words after each row of As",
    ("TWIST",): "by which the rows of As change places from k to k",
    ("STAGES",): "buffers in shared memory",
    ("FRAGMENTS",): "buffers of fragments in registers",
    ("A_WIDE", "B_WIDE"): "words of As, and of Bs, that are read at once",
    ("C_WIDE",): "words that are exchanged at once",
    ("SHARED_WORDS",): "all of shared memory",
}
"""Macros that the text keeps as constants, and what they are. What is neither here nor in a
condition is put in its place."""

ABSENT = ("TRACE", "ON_A_CPU")
"""Macros of other builds."""

ALIAS = "using Element = float;\n"
"""What stands for memory that nobody records."""


def printed(choice: Choice) -> str:
    """CUDA C++ that compiles alone, to the machine code of the kernel that is verified."""
    options = device_defines(choice.tiling)
    macros = dict(one.removeprefix("-D").split("=", 1) for one in options)
    body = _resolved(_bare(source()), macros)
    body = re.sub(r"\bElement\b", "float", body.replace(ALIAS, ""))
    kept = {name for names in CONSTANTS for name in names}
    for name in macros.keys() - kept:
        body = re.sub(rf"\b{name}\b", macros[name].replace(",", ", "), body)
    index = re.search(r"^using Index = .*\n", body, re.MULTILINE)
    assert index
    body = body[: index.end()] + "\n" + _constants(body, macros) + body[index.end() :]
    # Where branches are gone, blank lines are left.
    body = re.sub(r"\n{3,}", "\n\n", body)
    return _heading(choice) + re.sub(r"\{\n\n", "{\n", body).strip() + "\n"


def _heading(choice: Choice) -> str:
    """What it is, and how it is launched."""
    gemm, tiling = choice.gemm, choice.tiling
    ctas, dynamic = prod(grid(gemm, tiling)), tiling.shared_bytes if tiling.large_shared else 0
    sizes = f"{gemm.m}, {gemm.n}, {gemm.k}"
    launch = [f"{ENTRY}<<<{ctas}, {tiling.threads}, {dynamic}>>>(A, B, C, {sizes});"]
    if dynamic > SHARED_LIMIT:
        attribute = "cudaFuncAttributeMaxDynamicSharedMemorySize"
        launch.insert(0, f"cudaFuncSetAttribute({ENTRY}, {attribute}, {dynamic});")
    lines = [
        "C = A·B with A (M, K), B (K, N), C (M, N), row-major float32.",
        *wrap(f"{choice.name}: {gemm} in {_in_words(tiling)}.", 97),
        "",
        *(f"    {line}" for line in launch),
        "",
        f"A CTA of {tiling.threads} threads makes one tile of C; the CTAs are numbered row by row",
        "over C, so any M, N and K will do, with ceil(M / BM) * ceil(N / BN) CTAs.",
    ]
    return "".join(f"// {line}".rstrip() + "\n" for line in lines) + "\n"


def _in_words(tiling: Tiling) -> str:
    """Tiles, and whatever is not plain."""
    more = [
        f"{tiling.stages} stages" if tiling.stages > 1 else "",
        f"{tiling.fragments} buffers of fragments" if tiling.fragments > 1 else "",
        f"{tiling.vector} floats a request" if tiling.vector > 1 else "",
        f"{tiling.pad} words of padding" if tiling.pad else "",
        f"warp tiles of {tiling.warp[0]}×{tiling.warp[1]}" if tiling.warp else "",
        "split" if tiling.split else "",
        "swizzled" if tiling.swizzle else "",
        "without shared memory" if tiling.direct else "",
        "stored through shared memory" if tiling.shared_store else "",
    ]
    return ", ".join([f"tiles of {tiling}", *filter(None, more)])


def _constants(body: str, macros: dict[str, str]) -> str:
    """A line for each group of constants of which the code uses any."""
    code, lines = re.sub(r"//.*", "", body), []
    for names, what in CONSTANTS.items():
        used = [f"{name} = {macros[name]}" for name in names if re.search(rf"\b{name}\b", code)]
        if used:
            lines.append((f"constexpr Index {', '.join(used)};", what))
    width = max(len(line) for line, _ in lines)
    return "".join(f"{line:<{width}}  // {what}\n" for line, what in lines)


def _bare(text: str) -> str:
    """Without the marks of where each line comes from, and what each file says of itself."""
    text = re.sub(r'(#line 1 ".*"\n)(//.*\n)+', r"\1", text)
    return re.sub(r"#line .*\n", "", text)


def _resolved(text: str, macros: dict[str, str]) -> str:
    """The lines that these macros leave. Conditions that ask for others stay as they are."""
    # For each conditional that is open: whether it stays, whether its lines do, and whether those
    # of an earlier branch did.
    lines, open_ones = [], [(True, True, True)]
    for line in text.splitlines(keepends=True):
        directive = re.match(r"#(if|ifdef|elif|else|endif)\b([^/]*)", line)
        if directive is None:
            if all(here for _, here, _ in open_ones):
                lines.append(line)
            continue
        word, condition = directive[1], directive[2].strip()
        if word == "ifdef":
            word, condition = "if", f"defined({condition})"
        if word == "if":
            holds = _holds(condition, macros)
            open_ones.append((holds is None, holds is not False, holds is True))
            stays = holds is None
        else:
            stays, _, done = open_ones.pop()
            if word != "endif":
                here = stays or (not done and (word == "else" or bool(_holds(condition, macros))))
                open_ones.append((stays, here, done or here))
        if stays and all(here for _, here, _ in open_ones):
            lines.append(line)
    return "".join(lines)


def _holds(condition: str, macros: dict[str, str]) -> bool | None:
    """Whether a condition of C's preprocessor holds; None if it asks for a macro not known here."""
    known = {**macros, **dict.fromkeys(ABSENT, "0")}
    condition = re.sub(r"defined\((\w+)\)", lambda name: str(int(name[1] in macros)), condition)
    names = set(re.findall(r"[A-Za-z_]\w*", condition))
    if not names <= known.keys():
        return None
    for in_c, in_python in ((r"&&", " and "), (r"\|\|", " or "), (r"!(?!=)", " not ")):
        condition = re.sub(in_c, in_python, condition)
    return bool(eval(condition, {"__builtins__": {}}, {name: int(known[name]) for name in names}))
