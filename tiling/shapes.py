"""What is multiplied, and in which tiles.

`Gemm` is the problem: C = A·B with A (M, K), B (K, N), C (M, N), row-major float32.
`Tiling` is how one kernel cuts it up. Both are validated when they are made, so whatever holds
one of them holds a valid one.
"""

from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass, replace
from typing import Any

WARP = 32
"""Threads in a warp."""

WORD = 4
"""Bytes in a float32, and in one word of shared memory."""

QUAD = 4
"""Words in the widest access to shared memory, 128 bits: neighbours that a split thread tile keeps.
Global memory is accessed no wider here, though Blackwell could."""

BANKS = 32
"""Banks of shared memory, each one word wide (CUDA C++ Programming Guide, 5.x and later)."""

UNROLLED = 8192
"""Multiply-adds of a k-tile up to which NVRTC was found to unroll the loop over k."""

MAX_THREADS = 1024
"""Threads in a CTA, on every architecture (CUDA C++ Programming Guide, compute capabilities)."""

MAX_REGISTERS = 255
"""32-bit registers a thread can have, on every architecture (same table)."""

SHARED_LIMIT = 48 * 1024
"""Bytes of shared memory a CTA may use without opting in to more (same table)."""

SHARED_LIMIT_OPT_IN = 227 * 1024
"""Bytes after opting in, on the architectures that have most of it (compute capability 9.0)."""

MAX_ELEMENTS = 2**31 - 1
"""Elements in one matrix: a grid of one dimension then has room for all CTAs, and rows and columns
of a tile that hangs over an edge stay within 32 bits."""


def printable(value: object) -> str:
    """A text on one line that a terminal can show: what cannot be printed is escaped."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in str(value))


def cut_short(value: object, most: int = 200) -> str:
    """The same, and of what is longer than so many characters the beginning."""
    try:
        text = str(value)
    except ValueError:  # Python converts up to 4300 digits
        return "a number of thousands of digits"
    begin = printable(text[:most])
    return begin if len(text) <= most else f"{begin}… ({len(text):,} characters)"


class Refused(ValueError):
    """Input that breaks a rule. The text is one line: field, value, rule, and what would do.

    leave: the fields that the remedy leaves out.
    """

    def __init__(
        self, field: str, value: object, rule: str, remedy: str, leave: tuple[str, ...] = ()
    ) -> None:
        named = f"{cut_short(field)} {cut_short(value)}".rstrip()
        super().__init__(f"{named}: {cut_short(rule, 500)} ({cut_short(remedy, 500)})")
        self.field, self.value, self.rule, self.remedy = field, value, rule, remedy
        self.leave = leave

    def __reduce__(self) -> tuple[object, ...]:
        """From process to process as what it was made from."""
        return Refused, (self.field, self.value, self.rule, self.remedy, self.leave)


def dims(*sizes: object) -> str:
    """Sizes as this project writes them: `6×6×4`, or `4096³` where three are equal."""
    if len(sizes) == 3 and len(set(sizes)) == 1 and len(str(sizes[0])) > 2:
        return f"{sizes[0]}³"
    return "×".join(str(size) for size in sizes)


def ceil_div(a: int, b: int) -> int:
    return -(-a // b)


def is_whole(value: object, least: int = 1) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def _not_sizes(names: str, sizes: tuple[object, ...]) -> Iterator[str]:
    for name, size in zip(names.split(), sizes, strict=True):
        if not is_whole(size):
            yield f"{name}={size} is not a positive whole number"


@dataclass(frozen=True)
class Gemm:
    """C = A·B with A (m, k), B (k, n) and C (m, n), row-major float32."""

    m: int
    n: int
    k: int

    def __post_init__(self) -> None:
        sizes = (self.m, self.n, self.k)
        for rule in _not_sizes("M N K", sizes):
            would_do = "x".join(str(size) if is_whole(size) else "12" for size in sizes)
            raise Refused("gemm", "x".join(map(str, sizes)), rule, f"try {would_do}")
        for name, rows, cols in ("A", self.m, self.k), ("B", self.k, self.n), ("C", self.m, self.n):
            if rows * cols > MAX_ELEMENTS:
                raise Refused(
                    "gemm",
                    f"{self.m}x{self.n}x{self.k}",
                    f"{name} has {rows * cols} elements, more than {MAX_ELEMENTS}",
                    "try 4096x4096x4096",
                )

    def __str__(self) -> str:
        return dims(self.m, self.n, self.k)

    def shape(self, operand: str) -> tuple[int, int]:
        """(rows, columns) of A, B or C."""
        return {"A": (self.m, self.k), "B": (self.k, self.n), "C": (self.m, self.n)}[operand]


@dataclass(frozen=True)
class Tiling:
    """How one CTA, and each of its threads, cuts the work.

    bm, bn, bk    CTA tile: BM×BN of C, marching along K in k-tiles of BK
    tm, tn        thread tile: TM×TN accumulators in each thread's registers
    stages        buffers in shared memory. With more than one, copies are asynchronous
    fragments     buffers of fragments in registers: with 2 those of the next k are read before
                  the outer product of this one
    vector        floats in one global request of a thread, where rows are aligned and whole
    pad           unused floats after each row of As, which is stored transposed
    warp          warp tile (WM, WN), or None: threads in row-major order over the CTA tile
    split         the thread tile in quads: groups of QUAD rows and columns, spread evenly over the
                  warp tile, or without one over the CTA tile
    swizzle       the words of As in another order at each k, against bank conflicts without a pad
    direct        no shared memory: a thread reads A and B from global memory for itself
    shared_store  C's tile goes through shared memory, so that a warp stores neighbours in a row
    large_shared  opt in to more than 48 KB of shared memory
    """

    bm: int
    bn: int
    bk: int
    tm: int
    tn: int
    stages: int = 1
    vector: int = 1
    pad: int = 0
    warp: tuple[int, int] | None = None
    split: bool = False
    swizzle: bool = False
    fragments: int = 1
    direct: bool = False
    shared_store: bool = False
    large_shared: bool = False

    def __post_init__(self) -> None:
        for field, rule in self.broken():
            from tiling import remedies  # which makes tilings to try

            raise Refused(field, remedies.spelled(self, field), rule, *remedies.remedy(self, field))

    def __str__(self) -> str:
        return f"{dims(self.bm, self.bn, self.bk)} / {dims(self.tm, self.tn)}"

    @property
    def threads(self) -> int:
        """Threads in a CTA, one for each thread tile."""
        return (self.bm // self.tm) * (self.bn // self.tn)

    @property
    def stage_words(self) -> int:
        """Words of one stage: As (BK, BM + pad), then Bs (BK, BN)."""
        return 0 if self.direct else self.bk * (self.bm + self.pad + self.bn)

    @property
    def shared_words(self) -> int:
        """Words of shared memory: all stages, or what the store of C needs after them."""
        store = self.bm // self.tm * self.bn if self.shared_store else 0
        return max(self.stages * self.stage_words, store)

    @property
    def shared_bytes(self) -> int:
        return self.shared_words * WORD

    @property
    def asynchronous(self) -> bool:
        """Whether copies are only begun, and have arrived after a wait."""
        return self.stages > 1

    def request(self, operand: str) -> int:
        """Floats of A or B that a thread requests at once, where rows are aligned and whole.

        An asynchronous copy leaves neighbours as neighbours, which in As they are not.
        """
        return 1 if self.asynchronous and operand == "A" else self.vector

    def plain(self) -> "Tiling":
        """The same tiles with one buffer of each: what threads do, one thing after another."""
        return replace(self, stages=1, fragments=1, shared_store=False)

    def tile_shape(self, operand: str) -> tuple[int, int]:
        """(rows, columns) of the tile of A, B or C, as it lies in the matrix."""
        return {"A": (self.bm, self.bk), "B": (self.bk, self.bn), "C": (self.bm, self.bn)}[operand]

    def unchecked(self, **changes: Any) -> "Tiling":
        """A copy with other values, which nobody has validated."""
        other = copy(self)
        vars(other).update(changes)
        return other

    def broken(self) -> Iterator[tuple[str, str]]:
        """(field, rule) of what does not hold. Each rule relies on those before it: ask for one."""
        for rule in _not_sizes("BM BN BK", (self.bm, self.bn, self.bk)):
            yield "cta", rule
        for rule in _not_sizes("TM TN", (self.tm, self.tn)):
            yield "thread", rule
        yield from self._broken_threads()
        if not is_whole(self.stages):
            yield "stages", "is not a positive whole number"
        if not is_whole(self.vector) or self.vector not in (1, 2, 4):
            yield "vector", "a request is 1, 2 or 4 floats"
        for name, size in ("BK", self.bk), ("BN", self.bn):
            if size % self.vector:
                yield "vector", f"does not divide {name}={size}"
        if self.warp is not None:
            yield from self._broken_warp(*self.warp)
        if not is_whole(self.pad, least=0):
            yield "pad", "is not a whole number from 0"
        for name, size in ("TM", self.tm), ("TN", self.tn):
            if self.split and size % QUAD:
                yield "split", f"{name}={size} is not made of quads of {QUAD}"
        if self.swizzle and self.bm % BANKS:
            yield "swizzle", f"BM={self.bm} is not a multiple of the {BANKS} banks"
        if self.swizzle and self.pad:
            yield "pad", "is for As without a swizzle"
        needing = {"stages": 1, "vector": 1, "pad": 0, "swizzle": False, "shared_store": False}
        for name, without in needing.items():
            if self.direct and getattr(self, name) != without:
                yield "direct", f"leaves no shared memory for {name.replace('_', '-')}"
        yield from self._broken_shared()

    def _broken_threads(self) -> Iterator[tuple[str, str]]:
        if not is_whole(self.fragments) or self.fragments > 2:
            yield "fragments", "registers hold 1 or 2 buffers of fragments"
        for name, part, of, whole in ("TM", self.tm, "BM", self.bm), ("TN", self.tn, "BN", self.bn):
            if whole % part:
                yield "thread", f"{name}={part} does not divide {of}={whole}"
        if self.threads > MAX_THREADS:
            tile = dims(self.bm, self.bn)
            too_many = f"{self.threads} threads, more than a CTA's {MAX_THREADS}"
            yield "thread", f"{tile} makes {too_many}"
        # Accumulators and fragments live in registers, as the pictures show them.
        needs = self.tm * self.tn + self.fragments * (self.tm + self.tn)
        if needs > MAX_REGISTERS:
            holds = f"needs {needs} registers for accumulators and fragments"
            yield "thread", f"{holds}, more than a thread's {MAX_REGISTERS}"
        # Registers have no index: the loop over k must be unrolled to alternate between buffers.
        if self.fragments > 1 and self.tm * self.tn * self.bk > UNROLLED:
            yield "fragments", f"is for k-tiles of up to {UNROLLED} multiply-adds a thread"

    def _broken_warp(self, wm: int, wn: int) -> Iterator[tuple[str, str]]:
        for rule in _not_sizes("WM WN", (wm, wn)):
            yield "warp", rule
        for name, part, of, whole in (
            ("WM", wm, "BM", self.bm),
            ("WN", wn, "BN", self.bn),
            ("TM", self.tm, "WM", wm),
            ("TN", self.tn, "WN", wn),
        ):
            if whole % part:
                yield "warp", f"{name}={part} does not divide {of}={whole}"
        lanes = (wm // self.tm) * (wn // self.tn)
        if lanes != WARP:
            yield "warp", f"makes {lanes} lanes, not {WARP}"

    @property
    def shared_limit(self) -> int:
        """Bytes of shared memory that a CTA may use."""
        return SHARED_LIMIT_OPT_IN if self.large_shared else SHARED_LIMIT

    def _broken_shared(self) -> Iterator[tuple[str, str]]:
        if self.shared_bytes > (limit := self.shared_limit):
            less = {"pad": 0, "stages": 1, "shared-store": False}
            fits = (
                field
                for field, value in less.items()
                if self.unchecked(**{field.replace("-", "_"): value}).shared_bytes <= limit
            )
            field = next(fits, "cta")
            opted = "after" if self.large_shared else "without"
            needs = f"needs {self.shared_bytes} bytes of shared memory"
            yield field, f"{needs}, more than {limit} {opted} opting in to more"
