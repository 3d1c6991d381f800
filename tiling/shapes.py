"""What is multiplied, and in which tiles.

`Gemm` is the problem: C = A·B with A (M, K), B (K, N), C (M, N), row-major float32.
`Tiling` is how one kernel cuts it up. Both are validated when they are made, so whatever holds
one of them holds a valid one.
"""

from dataclasses import dataclass
from math import prod

WARP = 32
"""Threads in a warp."""

WORD = 4
"""Bytes in a float32, and in one word of shared memory."""

MAX_THREADS = 1024
"""Threads in a CTA, on every architecture (CUDA C++ Programming Guide, compute capabilities)."""

MAX_REGISTERS = 255
"""32-bit registers a thread can have, on every architecture (same table)."""

SHARED_LIMIT = 48 * 1024
"""Bytes of shared memory a CTA may use without opting in to more (same table)."""

SHARED_LIMIT_OPT_IN = 227 * 1024
"""Bytes after opting in, on the architectures that have most of it (compute capability 9.0)."""

MAX_ELEMENTS = 2**31 - 1
"""Elements in one matrix, so that an `int` holds every index the kernel makes."""


class Refused(ValueError):
    """Input that breaks a rule. The text is one line: field, value, rule, and what would do."""

    def __init__(self, field: str, value: object, rule: str, remedy: str) -> None:
        super().__init__(f"{field} {value}: {rule} ({remedy})")
        self.field, self.value, self.rule, self.remedy = field, value, rule, remedy


def dims(*sizes: object) -> str:
    """Sizes as this project writes them: `6×6×4`, or `4096³` where three are equal."""
    if len(sizes) == 3 and len(set(sizes)) == 1 and len(str(sizes[0])) > 2:
        return f"{sizes[0]}³"
    return "×".join(str(size) for size in sizes)


def ceil_div(a: int, b: int) -> int:
    return -(-a // b)


def divisors(n: int) -> list[int]:
    return [d for d in range(1, n + 1) if n % d == 0]


def _check_sizes(field: str, names: str, sizes: tuple[object, ...]) -> None:
    for name, size in zip(names.split(), sizes, strict=True):
        if not isinstance(size, int) or isinstance(size, bool) or size < 1:
            remedy = "try " + "x".join(
                str(s) if isinstance(s, int) and s > 0 else "4" for s in sizes
            )
            raise Refused(
                field,
                "x".join(map(str, sizes)),
                f"{name}={size} is not a positive whole number",
                remedy,
            )


@dataclass(frozen=True)
class Gemm:
    """C = A·B with A (m, k), B (k, n) and C (m, n), row-major float32."""

    m: int
    n: int
    k: int

    def __post_init__(self) -> None:
        _check_sizes("gemm", "M N K", (self.m, self.n, self.k))
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
    stages        buffers in shared memory
    vector        floats in one global request of a thread, where rows are aligned and whole
    pad           unused floats after each row of As, which is stored transposed
    warp          warp tile (WM, WN), or None: threads in row-major order over the CTA tile
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
    large_shared: bool = False

    def __post_init__(self) -> None:
        _check_sizes("cta", "BM BN BK", (self.bm, self.bn, self.bk))
        _check_sizes("thread", "TM TN", (self.tm, self.tn))
        self._check_thread_tile()
        self._check_threads()
        self._check_registers()
        self._check_stages()
        self._check_vector()
        self._check_warp()
        self._check_shared()

    def __str__(self) -> str:
        return f"{dims(self.bm, self.bn, self.bk)} / {dims(self.tm, self.tn)}"

    @property
    def threads(self) -> int:
        """Threads in a CTA, one for each thread tile."""
        return (self.bm // self.tm) * (self.bn // self.tn)

    @property
    def shared_words(self) -> int:
        """Words of shared memory: all stages of As (BK, BM + pad) and of Bs (BK, BN)."""
        return self.stages * self.bk * (self.bm + self.pad + self.bn)

    @property
    def shared_bytes(self) -> int:
        return self.shared_words * WORD

    def tile_shape(self, operand: str) -> tuple[int, int]:
        """(rows, columns) of the tile of A, B or C, as it lies in the matrix."""
        return {"A": (self.bm, self.bk), "B": (self.bk, self.bn), "C": (self.bm, self.bn)}[operand]

    def _check_thread_tile(self) -> None:
        value = f"{self.tm}x{self.tn}"
        for name, part, of, whole in ("TM", self.tm, "BM", self.bm), ("TN", self.tn, "BN", self.bn):
            if whole % part:
                tms = _nearest(divisors(self.bm), self.tm)
                tns = _nearest(divisors(self.bn), self.tn)
                tries = dict.fromkeys(f"{tms[0]}x{tn}" for tn in tns)
                tries |= dict.fromkeys(f"{tm}x{tns[0]}" for tm in tms)
                raise Refused(
                    "thread",
                    value,
                    f"{name}={part} does not divide {of}={whole}",
                    "try " + " or ".join(list(tries)[:2]),
                )

    def _check_threads(self) -> None:
        if self.threads > MAX_THREADS:
            raise Refused(
                "thread",
                f"{self.tm}x{self.tn}",
                f"{dims(self.bm, self.bn)} makes {self.threads} threads, "
                f"more than a CTA's {MAX_THREADS}",
                self._try_thread(),
            )

    def _check_registers(self) -> None:
        """A thread tile lives in registers; one that cannot would not be what the pictures show."""
        needs = _registers(self.tm, self.tn)
        if needs > MAX_REGISTERS:
            raise Refused(
                "thread",
                f"{self.tm}x{self.tn}",
                f"needs {needs} registers for accumulators and fragments, "
                f"more than a thread's {MAX_REGISTERS}",
                self._try_thread(),
            )

    def _try_thread(self) -> str:
        """The thread tile nearest to what was asked that makes few enough threads and registers."""
        fits = [
            (max(abs(tm - self.tm), abs(tn - self.tn)), abs(tm - tn), tm, tn)
            for tm in divisors(self.bm)
            for tn in divisors(self.bn)
            if (self.bm // tm) * (self.bn // tn) <= MAX_THREADS
            and _registers(tm, tn) <= MAX_REGISTERS
        ]
        return "try {2}x{3}".format(*min(fits)) if fits else "try a CTA tile of 128x128x8"

    def _check_stages(self) -> None:
        if not _whole(self.stages) or self.stages < 1:
            raise Refused("stages", self.stages, "is not a positive whole number", "try 1")
        if self.stages > 1:
            raise Refused("stages", self.stages, "the schedule has one stage so far", "try 1")

    def _check_vector(self) -> None:
        if not _whole(self.vector) or self.vector not in (1, 2, 4):
            raise Refused("vector", self.vector, "a request is 1, 2 or 4 floats", "try 1, 2 or 4")
        for name, size in ("BK", self.bk), ("BN", self.bn):
            if size % self.vector:
                fits = [str(v) for v in (1, 2, 4) if self.bk % v == 0 and self.bn % v == 0]
                raise Refused(
                    "vector",
                    self.vector,
                    f"does not divide {name}={size}",
                    "try " + " or ".join(fits),
                )

    def _check_warp(self) -> None:
        if self.warp is None:
            return
        _check_sizes("warp", "WM WN", self.warp)
        wm, wn = self.warp
        rules = [
            (self.bm % wm == 0, f"WM={wm} does not divide BM={self.bm}"),
            (self.bn % wn == 0, f"WN={wn} does not divide BN={self.bn}"),
            (wm % self.tm == 0, f"TM={self.tm} does not divide WM={wm}"),
            (wn % self.tn == 0, f"TN={self.tn} does not divide WN={wn}"),
        ]
        for holds, rule in rules:
            if not holds:
                raise Refused("warp", f"{wm}x{wn}", rule, self._try_warp())
        lanes = (wm // self.tm) * (wn // self.tn)
        if lanes != WARP:
            raise Refused(
                "warp", f"{wm}x{wn}", f"makes {lanes} lanes, not {WARP}", self._try_warp()
            )

    def _try_warp(self) -> str:
        fits = [
            f"{wm}x{wn}"
            for wm in divisors(self.bm)
            for wn in divisors(self.bn)
            if wm % self.tm == 0
            and wn % self.tn == 0
            and prod((wm // self.tm, wn // self.tn)) == WARP
        ]
        return "try " + " or ".join(fits[:2]) if fits else "leave warp out"

    def _check_shared(self) -> None:
        if not _whole(self.pad) or self.pad < 0:
            raise Refused("pad", self.pad, "is not a whole number from 0", "try 0 or 4")
        limit = SHARED_LIMIT_OPT_IN if self.large_shared else SHARED_LIMIT
        if self.shared_bytes <= limit:
            return
        if self.bk * (self.bm + self.bn) * WORD <= limit:
            pad = limit // (WORD * self.bk) - self.bm - self.bn
            raise Refused(
                "pad", self.pad, self._too_much(limit), f"try {pad - pad % 4 if pad > 4 else pad}"
            )
        bks = [d for d in divisors(self.bk) if d * (self.bm + self.bn) * WORD <= limit]
        remedy = f"try {self.bm}x{self.bn}x{bks[-1]}" if bks else "try 128x128x8"
        if not self.large_shared and self.shared_bytes <= SHARED_LIMIT_OPT_IN:
            remedy += ", or large-shared to opt in to more"
        raise Refused("cta", f"{self.bm}x{self.bn}x{self.bk}", self._too_much(limit), remedy)

    def _too_much(self, limit: int) -> str:
        opted = "after" if self.large_shared else "without"
        return (
            f"needs {self.shared_bytes} bytes of shared memory, "
            f"more than {limit} {opted} opting in to more"
        )


def _registers(tm: int, tn: int) -> int:
    """Registers of TM×TN accumulators and of one k's fragments, addresses not counted."""
    return tm * tn + tm + tn


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _nearest(options: list[int], wanted: int) -> list[int]:
    """Options by their distance from what was asked, the larger first."""
    return sorted(options, key=lambda d: (abs(d - wanted), -d))
