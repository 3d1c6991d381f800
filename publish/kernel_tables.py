"""The numbers of somebody's kernel, line by line, for people and as JSON."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tiling.occupancy import CHIPS, Occupancy, occupancy
from tiling.reading import likeness
from tiling.reading.chosen import told
from tiling.reading.cures import Cure
from tiling.reading.lines import Line, Numbers, Part
from tiling.reading.prove import Proof
from tiling.reading.recorded import Run


def occupancies(run: Run) -> dict[str, Occupancy]:
    """How many of its CTAs fit on each chip; none where there is no machine code."""
    found = run.kernel.resources
    if found is None:
        return {}
    shared = found.shared + run.shape.shared
    return {
        arch: occupancy(chip, run.shape.threads, found.registers, shared)
        for arch, chip in CHIPS.items()
    }


def as_dict(found: list[Numbers]) -> dict[str, Any]:
    """All that `show` says, and more."""
    first = found[0]
    resources = first.run.kernel.resources
    fits = occupancies(first.run).items()
    return {
        **_about(first.run),
        "resources": None if resources is None else vars(resources),
        "ctas_on_a_multiprocessor": {arch: one.ctas for arch, one in fits},
        "tiling": _tiling(first.run),
        "main_loop": _loop(first),
        "ctas": [_cta(one) for one in found],
    }


def _about(run: Run) -> dict[str, Any]:
    """The kernel, and how it is called."""
    built = run.kernel.built
    return {
        "kernel": run.kernel.name,
        "file": str(built.file),
        "compiled_by": built.by,
        "arch": built.arch,
        "notes": [*built.said, *run.call.said],
        "gemm": [run.gemm.m, run.gemm.n, run.gemm.k],
        "call": {
            "grid": list(run.shape.grid),
            "block": list(run.shape.block),
            "shared": run.shape.shared,
            "args": list(run.call.args),
            "orders": {name: run.call.orders[name] for name in run.call.matrices},
        },
    }


def _tiling(run: Run) -> dict[str, Any] | None:
    known = likeness.of(run)
    if known is None:
        return None
    tiled, like = known
    model = None if like.tiling is None else list(likeness.options(like.tiling))
    return {**asdict(tiled), "model": model, "differs": list(like.differs)}


def _loop(found: Numbers) -> dict[str, Any] | None:
    if found.loop is None:
        return None
    return {
        "instructions": dict(found.loop.instructions),
        "multiply": found.loop.multiply,
        "share": round(found.loop.share, 4),
    }


def _cta(found: Numbers) -> dict[str, Any]:
    return {
        "cta": list(found.ctas[0]),
        "fma": found.fma,
        "barriers": found.barriers,
        "unclear": list(found.unclear),
        "cures": [_cure(one) for one in found.cures],
        "lines": [_line(line) for line in found.lines],
    }


def _cure(cure: Cure) -> dict[str, Any]:
    return {
        "array": cure.array,
        "row_words": cure.row,
        "pad": cure.pad,
        "swizzle": cure.swizzle,
        "extra_bytes": cure.extra,
        "wavefronts": cure.after.moved,
        "instead_of": cure.before.moved,
        "least": cure.before.least,
    }


def _line(line: Line) -> dict[str, Any]:
    return {
        "file": line.source.name,
        "line": line.source.line,
        "text": line.text,
        "runs": line.runs,
        "fma": line.fma,
        "in_main_loop": line.in_loop,
        "accesses": [
            {
                "kind": part.kind,
                "space": part.space,
                "array": part.array,
                "bits": list(part.bits),
                "requests": part.cost.requests,
                "lanes": part.cost.lanes,
                "bytes": part.cost.bytes,
                _unit(part): part.cost.moved,
                f"least_{_unit(part)}": part.cost.least,
                "ways": part.cost.ways,
                "idle": round(part.idle, 4),
            }
            for part in line.parts
        ],
    }


def _unit(part: Part) -> str:
    return "wavefronts" if part.space == "shared" else "sectors"


def show(found: list[Numbers]) -> None:
    """The lines that touch memory, the dearest first, and what holds for the whole kernel."""
    console, first = Console(), found[0]
    run = first.run
    console.print(escape(told(run)), highlight=False)
    for note in run.kernel.built.said:
        console.print(escape(note), highlight=False)
    x, y, z = first.ctas[0]
    title = f"\nCTA ({x}, {y}, {z}) of {run.gemm}, the dearest lines first"
    for text in (title, HEAD, *_rows(first)):
        console.print(escape(text), highlight=False, no_wrap=True, overflow="ellipsis", crop=True)
    console.print()
    for text in _notes(found):
        console.print(escape(text), highlight=False)
    if occupancies(run):
        console.print(_occupancy(run))


COLUMNS = {
    "requests": 9,
    "bits": 5,
    "moved": 10,
    "least": 9,
    "ways": 5,
    "idle": 5,
    "runs": 8,
    "loop": 5,
}
"""Names and widths."""

HEAD = " line  " + "".join(f"{name:>{width}}" for name, width in (("", 14), *COLUMNS.items()))


def _rows(found: Numbers) -> Iterator[str]:
    for line in found.lines:
        if line.parts:
            yield f"{line.source.line:5}  {line.text}"
        for number, part in enumerate(line.parts):
            cells = zip(_cells(line, part, number == 0), COLUMNS.items(), strict=True)
            named = f"{part.kind} {part.array}"
            yield f"       {named:<14}" + "".join(f"{text:>{width}}" for text, (_, width) in cells)


def _cells(line: Line, part: Part, first: bool) -> Iterator[str]:
    yield f"{part.cost.requests:,}"
    yield "/".join(map(str, part.bits))
    yield f"{part.cost.moved:,}{'w' if part.space == 'shared' else 's'}"
    yield f"{part.cost.least:,}"
    yield str(part.cost.ways) if part.cost.ways > 1 else ""
    yield f"{part.idle:.0%}" if part.idle else ""
    yield f"{line.runs:,}" if first else ""
    yield str(line.in_loop) if first and line.in_loop else ""


def _notes(found: list[Numbers]) -> Iterator[str]:
    first = found[0]
    run, built = first.run, first.run.kernel.built
    yield (
        "requests: of warps, each of so many bits a lane; moved: s sectors of 32 bytes, w "
        "wavefronts; least: had the same words lain together, in different banks; ways: of the "
        "worst conflict; runs: how often a warp comes to the line, of all warps together; loop: "
        "instructions in the main loop."
    )
    if not run.call.is_gemm:
        yield "It is no product of two matrices, as far as its arguments tell."
    elif known := likeness.of(run):
        yield f"{'; '.join(known[0].said())}."
        yield f"It {known[1].said()}."
    yield f"{first.fma:,} multiply-adds, {first.barriers:,} barriers; {built.by}, {built.arch}."
    if first.loop is not None:
        loop = first.loop
        yield (
            f"The main loop has {loop.size} instructions, {loop.instructions[loop.multiply]} of "
            f"them {loop.multiply}: {loop.share:.1%} of the issue slots."
        )
    for cure in first.cures:
        yield f"Counted: {cure}."
    for text in first.unclear:
        yield f"The machine code leaves open how wide requests are: {text}"
    if first.data:
        yield "Addresses depend on what is in the matrices: they were counted with zeros in them."
    if resources := run.kernel.resources:
        spilled = f", {resources.spilled} bytes spilled" if resources.spilled else ", no spills"
        shared = resources.shared + run.shape.shared
        yield (
            f"{resources.registers} registers a thread{spilled}; {shared:,} bytes of shared memory."
        )
    yield from _other(found)


def _other(found: list[Numbers]) -> Iterator[str]:
    """How other CTAs differ from the first."""
    for one in found[1:]:
        x, y, z = one.ctas[0]
        sums = [
            (
                sum(p.cost.requests for line in n.lines for p in line.parts),
                sum(p.cost.moved for line in n.lines for p in line.parts if p.space == space),
            )
            for n in (found[0], one)
            for space in ("global", "shared")
        ]
        if sums[:2] == sums[2:]:
            yield f"CTA ({x}, {y}, {z}) makes as many requests, which cost the same."
        else:
            yield (
                f"CTA ({x}, {y}, {z}) makes {sums[2][0]:,} requests, not {sums[0][0]:,}, of "
                f"{sums[2][1]:,} sectors, not {sums[0][1]:,}, and {sums[3][1]:,} wavefronts, not "
                f"{sums[1][1]:,}."
            )


def _occupancy(run: Run) -> Table:
    table = Table("", "chip", "CTAs", "warps", "occupancy", "limited by", title_justify="left")
    table.title = "On one multiprocessor, as compiled"
    for column in table.columns[2:5]:
        column.justify = "right"
    for arch, found in occupancies(run).items():
        counts = str(found.ctas), str(found.warps), f"{found.share:.0%}"
        table.add_row(arch, found.chip.name, *counts, found.limited_by)
    return table


def proof_as_dict(proof: Proof) -> dict[str, Any]:
    """All that `show_proof` says."""
    return {
        **_about(proof.run),
        "status": "failed" if proof.wrong else "passed",
        "checked": [
            {
                "gemm": [one.gemm.m, one.gemm.n, one.gemm.k],
                "ctas": one.ctas,
                "grid": one.of,
                "accesses": one.accesses,
                "floats": one.floats,
                "status": "failed" if one.wrong else "passed",
            }
            for one in proof.checked
        ],
        "wrong": [
            {
                "gemm": [gemm.m, gemm.n, gemm.k],
                "kind": one.kind,
                "says": one.says,
                "file": one.source.name if one.source else None,
                "line": one.source.line if one.source else None,
                "text": one.text,
                "cta": list(one.cta),
                "threads": list(one.threads),
                "array": one.array,
                "element": list(one.element),
            }
            for gemm, one in proof.wrong
        ],
        "remarks": list(proof.notes),
    }


def show_proof(proof: Proof) -> None:
    """What was run and what came of it, then the counterexamples."""
    console = Console()
    console.print(escape(told(proof.run)), highlight=False)
    for note in proof.run.kernel.built.said:
        console.print(escape(note), highlight=False)
    for one in proof.checked:
        many = f"all {one.of}" if one.ctas == one.of else f"{one.ctas} of {one.of}"
        says = f"{f'{many} CTAs' if one.of > 1 else 'its CTA'}, {one.accesses:,} accesses"
        if not one.wrong and proof.run.call.is_gemm:
            says += ": C is exact on whole numbers"
            says += ", within the bound on floats" if one.floats else ""
        elif not one.wrong:
            says += ": nothing that must not be"
        console.print(f"{'FAILED' if one.wrong else 'passed'}  {one.gemm}  {says}", highlight=False)
    for gemm, wrong in proof.wrong:
        console.print(escape(f"{gemm}: {wrong}"), highlight=False)
        if wrong.text:
            console.print(escape(f"    {wrong.text}"), highlight=False)
    for note in proof.notes:
        console.print(escape(note), highlight=False)
