"""Counterexamples: what a kernel must not do, with the line, the CTA, the threads, the element."""

from dataclasses import dataclass

from tiling.ptx.events import Finding, place_of
from tiling.ptx.syntax import Source
from tiling.reading.lines import own_line
from tiling.reading.recorded import Cta, Run

KINDS = {
    "is raced for": "race",
    "lies outside": "bounds",
    "is in no buffer": "bounds",
    "may not be written": "bounds",
    "was never written": "unwritten",
    "is still on its way": "copy",
    "is written while a copy": "copy",
    "is not aligned": "alignment",
    "does not reach a barrier": "barrier",
    "ended without reaching": "barrier",
    "waits at barrier": "barrier",
    "names a barrier": "barrier",
    "more than": "endless",
}
"""How the machine's findings begin, and what they are called here."""

WORD = 4


@dataclass(frozen=True)
class Wrong:
    """A counterexample.

    kind     product (C is not A·B), once (an element is written twice, or never), race, bounds,
             unwritten, copy (touched while it is on its way), alignment, barrier, endless or other
    says     what was found there, and who wrote it, in words
    source   the line, or None; text: what stands in it
    threads  of the CTA, some of them
    array    name of the matrix or shared array, or ""
    element  (row, col) of a matrix, or (word,) of a shared array; it may lie outside
    """

    kind: str
    says: str
    cta: Cta
    threads: tuple[int, ...] = ()
    source: Source | None = None
    text: str = ""
    array: str = ""
    element: tuple[int, ...] = ()

    def __str__(self) -> str:
        who = ", ".join(map(str, self.threads[:4])) + (", ..." if len(self.threads) > 4 else "")
        parts = [f"line {self.source.line} of {self.source.name}"] if self.source else []
        parts.append(f"CTA {self.cta}")
        parts += [f"thread{'s' * (len(self.threads) > 1)} {who}"] if self.threads else []
        at = f"[{', '.join(map(str, self.element))}]" if self.element else ""
        return f"{', '.join(parts)}: {f'{self.array}{at} {self.says}'.strip()}"


def told(run: Run, one: Finding) -> Wrong:
    """What the machine found, in terms of matrices and lines."""
    kind = next((kind for start, kind in KINDS.items() if one.kind.startswith(start)), "other")
    says = f"does not end: {one.kind}" if kind == "endless" else one.kind
    before = one.before
    if one.also is not None:  # the line that the person wrote, not one of CUDA's headers
        line = own_line(run.kernel, one.also)
        before = before.replace(place_of(one.also), f"line {line.line} of {line.name}")
    element: tuple[int, ...] = (one.offset // WORD,) if one.offset >= 0 else ()
    if matrix := run.matrices.get(one.array):
        element = matrix.at(one.offset)
        if one.kind == "lies outside":
            before = f"{one.array} is {matrix.rows}×{matrix.cols}"
    elif one.array == "an address":
        element = ()
    source = own_line(run.kernel, one.instruction) if one.instruction else None
    return Wrong(
        kind,
        says + (f"; {before}" if before else ""),
        one.cta,
        one.threads,
        source,
        run.kernel.built.text(source) if source else "",
        one.array,
        element,
    )
