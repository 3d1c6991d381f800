"""The rungs of proof that run the kernel: host, race, ptx, compiler, gpu."""

from collections.abc import Callable, Iterator
from math import prod
from typing import Any, TypeAlias

import numpy as np

from tiling import nvidia
from tiling.execute import execute
from tiling.faults import Broken, Missing
from tiling.fma import Floats
from tiling.kernel import compiled, cxx
from tiling.kernel import compiler as builds
from tiling.kernel import gpu as device
from tiling.kernel import host as cpu
from tiling.kernel.compare import EQUAL, compare
from tiling.kernel.observed import Counts, Differs
from tiling.kernel.provenance import Slots, late_barriers, provenance, recorded
from tiling.kernel.tied import differences, other_lines, other_widths, whole_grid
from tiling.occupancy import registers as schedule_registers
from tiling.presets import Choice
from tiling.ptx.sass import Unknown
from tiling.ptx.syntax import Refused
from tiling.schedule import Schedule, schedule
from tiling.shapes import Gemm
from tiling.traffic import kinds_of_cta
from tiling.verify import Advance, Failed, NotRun, floats, grid_fma, integers, that_fits

Says: TypeAlias = tuple[str, dict[str, Any]]

WHOLE_FMA, WHOLE_EVENTS = 2**18, 2**14
"""Multiply-adds, and events of all CTAs, up to which a CPU runs a GEMM whole, in seconds."""


def reduced(choice: Choice) -> Schedule:
    """The schedule to run on a CPU: the whole GEMM, or one that differs only in being small.

    The same tiling on up to 2×2 whole CTAs and two whole k-tiles more than there are stages, with
    the same remainders over every edge: every kind of CTA and of k-tile is there, every stage is
    used again, and what is left out repeats them.
    """
    whole = choice.schedule()
    if grid_fma(whole) <= WHOLE_FMA and prod(whole.grid) * len(whole.events) <= WHOLE_EVENTS:
        return whole

    def few(size: int, tile: int, most: int) -> int:
        return min(size // tile, most) * tile + size % tile

    tiling, gemm = choice.tiling, choice.gemm
    small = Gemm(
        few(gemm.m, tiling.bm, 2),
        few(gemm.n, tiling.bn, 2),
        few(gemm.k, tiling.bk, 2 + tiling.stages),
    )
    return schedule(small, tiling)


FULL_FMA = 2**27
"""Multiply-adds up to which a CTA is run over the whole of K in the machine for PTX, in seconds."""

PTX_ARCHITECTURES = ("compute_75", "compute_80", "compute_90", "compute_100")


def full_length(choice: Choice) -> Schedule:
    """The real grid and the real K, or fewer CTAs, or fewer k-tiles, where they take too long."""
    whole = that_fits(choice.schedule())
    tiling, gemm = choice.tiling, whole.gemm
    most = FULL_FMA // (tiling.bm * tiling.bn * tiling.bk)
    if whole.k_tiles <= most:
        return whole
    k = max(most, 2 + tiling.stages) * tiling.bk + gemm.k % tiling.bk
    return schedule(Gemm(gemm.m, gemm.n, min(k, gemm.k)), tiling, whole.cta)


def corners(plan: Schedule) -> list[tuple[int, int]]:
    """The chosen CTA, one of each kind, and the far corner."""
    rows, cols = plan.grid
    kinds = [cta for cta, _ in kinds_of_cta(plan)]
    return list(dict.fromkeys([plan.cta, *(kinds if len(kinds) > 1 else []), (rows - 1, cols - 1)]))


def _reports(climb: Callable[[Choice, Advance], Says]) -> Callable[[Choice, Advance], Says]:
    """What is missing here means "not run"; what the kernel does wrong means "failed"."""

    def climbed(choice: Choice, advance: Advance) -> Says:
        try:
            return climb(choice, advance)
        except Missing as missing:
            raise NotRun(str(missing)) from None
        except Broken as broken:
            raise Failed(str(broken)) from None
        except (Refused, Unknown) as no:  # an instruction that our machine does not know yet
            raise NotRun(f"the machine for PTX does not take it: {no}") from None

    return climbed


@_reports
def host(choice: Choice, advance: Advance) -> Says:
    """g++'s build of the kernel: the model's bits of C, and the model's trace."""
    plan = reduced(choice)
    a, b = floats(plan.gemm)
    want = execute(plan, a, b)
    # A and B off their alignment take the path that a wide request cannot take.
    for turn, skew in enumerate((0, 1) if choice.tiling.vector > 1 else (0, 0)):
        c, _ = cpu.run(plan, a, b, order=turn, skew=skew)
        same_bits(c, want)
        advance((turn + 1) / 4)
    a, b = provenance(plan.gemm)
    c, slots = cpu.run(plan, a, b, "trace", order=2)
    same_bits(c, execute(plan, a, b))
    records = same_trace(slots, plan, lambda share: advance(0.5 + share / 2))
    says = f"{_size(choice, plan)}: C equals the model's bit for bit, all {records} records equal"
    return says, {"compiler": cxx.compiler()[1], **_ran(plan), "records": records}


@_reports
def race(choice: Choice, advance: Advance) -> Says:
    """The same, each CUDA thread a thread of the system, watched by ThreadSanitizer."""
    plan = reduced(choice)
    a, b = floats(plan.gemm)
    c, _ = cpu.run(plan, a, b, "race")
    same_bits(c, execute(plan, a, b))
    says = f"{_size(choice, plan)}: ThreadSanitizer saw {choice.tiling.threads} threads, no race"
    return says, {"compiler": cxx.compiler()[1], **_ran(plan)}


@_reports
def ptx(choice: Choice, advance: Advance) -> Says:
    """What NVRTC compiles, run in the machine for PTX: every access, the bits of C, the counts."""
    small, full = reduced(choice), full_length(choice)
    runs = [(small, list(np.ndindex(small.grid)))]
    if small.gemm != choice.gemm:
        runs.append((full, corners(full)))
    builds = compiled.as_made(choice.tiling, PTX_ARCHITECTURES)
    total, done = len(builds) * sum(len(ctas) for _, ctas in runs), 0
    accesses, otherwise = 0, set()
    for plan, ctas in runs:
        a, b = floats(plan.gemm)
        want = execute(plan, a, b, ctas)
        for build in builds:
            archs = build.archs
            found: dict[tuple[int, int], Counts] = {}
            try:
                for cta, counts in compiled.run(build, plan, a, b, want, ctas):
                    found[cta] = counts
                    done += 1
                    advance(done / total)
            except Differs as differs:
                raise Failed(f"{', '.join(archs)}: {differs}") from None
            wrong = list(_untied(plan, found, whole=plan is small))
            for counts in found.values():
                wrong += other_lines(plan, counts, build.program.flow.body)
            if wrong:
                raise Failed(f"{', '.join(archs)}: " + "; ".join(wrong[:3]))
            accesses += sum(c.accesses for c in found.values())
            otherwise |= {text for c in found.values() for text in _otherwise(archs, plan, c)}
    says = f"{_size(choice, small)} and " if small.gemm != choice.gemm else ""
    what = f"{len(runs[-1][1])} CTAs of {full.gemm}" if len(runs) > 1 else _size(choice, small)
    says = f"{says}{what}, as compiled for {', '.join(PTX_ARCHITECTURES)}: "
    says += f"C to the bit, all {accesses} accesses and all counts as the model says; no race"
    otherwise |= {f"{', '.join(b.archs)}: {text}" for b in builds for text in b.unclear}
    if otherwise:
        says += f"; but {'; '.join(sorted(otherwise))}"
    return says, {"nvrtc": nvidia.tools()["nvrtc"], "accesses": accesses, **_ran(full)}


def _otherwise(archs: tuple[str, ...], plan: Schedule, found: Counts) -> Iterator[str]:
    """Requests of shared memory that are compiled in other widths than the model's."""
    if found.again:
        yield f"{found.again} words of shared memory read twice on {', '.join(archs)}"
    for (what, operand), said, got in other_widths(plan, found):
        widths = " and ".join(map(str, sorted(got))) or "no words of its own"
        model = " or ".join(map(str, sorted(said)))
        array = {"A": "As", "B": "Bs", "C": "C's rows"}[operand]
        yield f"{array} {what} {widths} at once on {', '.join(archs)}, not {model}"


def _untied(plan: Schedule, found: dict[tuple[int, int], Counts], whole: bool) -> Iterator[str]:
    """Counts of the model that are not those of the compiled kernel."""
    for cta, counts in found.items():
        yield from differences(plan.at(cta), counts, each_turn=whole)
    if whole:
        yield from whole_grid(plan, found)


@_reports
def compiler(choice: Choice, advance: Advance) -> Says:
    """NVRTC's build for each architecture: no spills, and the model's counts in machine code."""
    versions, archs = nvidia.tools(), builds.supported()
    found: dict[str, Any] = dict(versions)
    wrong, registers, more, rolled = [], [], [], False
    want: dict[str, int] = {}
    for done, arch in enumerate(archs):
        machine = builds.compile_for(arch, choice.tiling)
        want, got = builds.predicted(choice.tiling, arch), builds.count(machine, choice.tiling)
        wrong += [f"{arch}: {text}" for text in builds.complaints(machine, choice.tiling)]
        registers.append(f"{machine.registers} on {arch}")
        rolled |= got["FFMA"] % want["FFMA"] != 0
        more += [f"{op} {got[op]} on {arch}" for op in want if got[op] != want[op]]
        found[arch] = {
            "registers": machine.registers,
            "spilled": machine.spilled,
            "shared": machine.shared,
            "predicted": want,
            "census": got,
        }
        advance((done + 1) / len(archs))
    if wrong:
        raise Failed("; ".join(wrong))
    counts = ", ".join(f"{opcode} {many}" for opcode, many in want.items() if many)
    counts += " as the model says"
    if rolled:
        counts = "the k loop is too long to be unrolled, so its instructions were not counted"
    elif more:
        counts += f", but for what the compiler repeats or widens: {', '.join(more)}"
    at_launch = " set at launch" if choice.tiling.large_shared else ""
    memory = f"{choice.tiling.shared_bytes} bytes of shared memory{at_launch}"
    own = schedule_registers(choice.tiling).needed
    says = f"no spills; {memory}; registers {', '.join(registers)} ({own} of them the schedule's); "
    says += counts
    return f"{says} (NVRTC {versions['nvrtc']}, nvdisasm {versions['nvdisasm']})", found


@_reports
def gpu(choice: Choice, advance: Advance) -> Says:
    """CuPy's build on a GPU: bits of C, trace, barriers by the clock; large ones at full size."""
    named = device.device()
    whole, plan = that_fits(choice.schedule()), reduced(choice)
    a, b = floats(plan.gemm)
    same_bits(device.gemm(a, b, choice.tiling).get(), execute(plan, a, b))
    same_integers(plan)
    advance(0.1)
    a, b = provenance(plan.gemm)
    c, slots = device.traced(a, b, choice.tiling)
    same_bits(c, execute(plan, a, b))
    records = same_trace(slots, plan, lambda share: advance(0.1 + share / 5))
    says = f"{named['device']}, {_size(choice, plan)}: bits of C and all {records} records equal"
    says += ", integers cuBLAS's"
    if plan.gemm != whole.gemm:
        says += "; " + _full_size(whole, lambda share: advance(0.3 + 0.7 * share))
    versions = f"driver {named['driver']}, NVRTC {named['nvrtc']}, CuPy {named['cupy']}"
    return f"{says} ({versions})", {**named, **_ran(plan), "records": records}


def _full_size(whole: Schedule, advance: Advance) -> str:
    """The GEMM as it was chosen: integers everywhere, bits in a CTA of each kind and the chosen."""
    same_integers(whole)
    advance(0.3)
    a, b = floats(whole.gemm)
    c = device.gemm(a, b, whole.tiling).get()
    ctas = list(dict.fromkeys([whole.cta, *(cta for cta, _ in kinds_of_cta(whole))]))
    for done, cta in enumerate(ctas):
        want = execute(whole, a, b, [cta])
        row, col = whole.at(cta).origin("C")
        tile = np.s_[row : row + whole.tiling.bm, col : col + whole.tiling.bn]
        same_bits(c[tile], want[tile], (row, col))
        advance(0.3 + 0.7 * (done + 1) / len(ctas))
    return f"{whole.gemm}: integers cuBLAS's, bits of {len(ctas)} CTAs equal"


def same_integers(plan: Schedule) -> None:
    """The kernel's product of whole numbers is NumPy's and cuBLAS's. Raises Failed.

    Every partial sum is a whole number up to 2^24, so any order of adding gives the same.
    """
    a, b = integers(plan.gemm)
    c = device.gemm(a, b, plan.tiling).get()
    for whose, theirs in ("NumPy's", a @ b), ("cuBLAS's", device.sgemm(a, b).get()):
        # A sum of -0 alone is -0 where nothing starts at +0.
        same_bits(c, theirs + np.float32(0), whose=whose)


def same_bits(
    c: Floats, want: Floats, at: tuple[int, int] = (0, 0), whose: str = "the model's"
) -> None:
    """Raises Failed at the first element whose bits differ. Zeros of either sign differ too."""
    differ = c.view(np.int32) != np.ascontiguousarray(want).view(np.int32)
    if differ.any():
        i, j = map(int, np.argwhere(differ)[0])
        many = int(differ.sum())
        raise Failed(
            f"C[{at[0] + i}, {at[1] + j}] is {c[i, j]}, not {whose} {want[i, j]}; "
            f"so {many} of {c.size} elements"
        )


def same_trace(slots: Slots, plan: Schedule, advance: Advance) -> int:
    """Compare all CTAs' slots (CTAs, threads, stride); the number of records. Raises Failed."""
    ctas = list(np.ndindex(plan.grid))
    for number, cta in enumerate(ctas):
        if (text := compare(slots[number], plan.at(cta))) != EQUAL:
            raise Failed(text)
        advance((number + 1) / len(ctas))
    if late := late_barriers(plan, slots):
        raise Failed("; ".join(late[:3]))
    return int(recorded(slots).sum())


def _size(choice: Choice, plan: Schedule) -> str:
    ctas = prod(plan.grid)
    if plan.gemm == choice.gemm:
        return f"all {ctas} CTAs"
    return f"cut down to {plan.gemm} ({ctas} CTAs, same tiling and remainders)"


def _ran(plan: Schedule) -> dict[str, Any]:
    gemm: Gemm = plan.gemm
    return {"gemm": [gemm.m, gemm.n, gemm.k], "grid": list(plan.grid)}
