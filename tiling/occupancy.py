"""How many CTAs fit on a streaming multiprocessor at once, and what keeps more from it.

The limits are those of the table "Technical Specifications per Compute Capability" in the CUDA C++
Programming Guide; how registers and shared memory are handed out is as NVIDIA's cuda_occupancy.h
has it, against which a test holds this.
"""

from dataclasses import dataclass

from tiling.shapes import MAX_REGISTERS, WARP, Tiling, ceil_div

REGISTERS = 65536
"""Of a multiprocessor. A quarter each belongs to one of its four partitions, and a warp to one."""

PARTITIONS = 4

REGISTER_STEP = 256
"""Registers are handed out to a warp in multiples of this."""


@dataclass(frozen=True)
class Chip:
    """A multiprocessor's limits. Bytes are of shared memory.

    lanes            single-precision multiply-adds a cycle
    threads, ctas    that may be resident
    shared_bytes     that all CTAs may have together
    reserved         bytes that each CTA takes beside its own
    step             bytes in multiples of which shared memory is handed out
    """

    name: str
    lanes: int
    threads: int
    ctas: int
    shared_bytes: int
    reserved: int = 1024
    step: int = 128

    @property
    def shared_bytes_of_cta(self) -> int:
        """What one CTA may have."""
        return self.shared_bytes - self.reserved


CHIPS = {
    "sm_75": Chip("T4", 64, 1024, 16, 64 * 1024, reserved=0, step=256),
    "sm_80": Chip("A100", 64, 2048, 32, 164 * 1024),
    "sm_86": Chip("A10, RTX 3090", 128, 1536, 16, 100 * 1024),
    "sm_89": Chip("L4, RTX 4090", 128, 1536, 24, 100 * 1024),
    "sm_90": Chip("H100, H200", 128, 2048, 32, 228 * 1024),
    "sm_100": Chip("B200", 128, 2048, 32, 228 * 1024),
}


@dataclass(frozen=True)
class RegisterNeed:
    """Registers of a thread that the schedule itself needs; a compiler adds addresses and counters.

    accumulators    TM·TN
    fragments       TM + TN for each of their buffers
    in_flight       elements of a k-tile that a thread copies, if it fetches all before it writes;
                    none if they go to shared memory by themselves, or not at all
    """

    accumulators: int
    fragments: int
    in_flight: int

    @property
    def needed(self) -> int:
        """Accumulators, which are always held, and fragments. Copies happen at another time."""
        return self.accumulators + self.fragments


def registers(tiling: Tiling) -> RegisterNeed:
    """What the schedule keeps in each thread's registers."""
    copied = 0
    for operand in () if tiling.asynchronous or tiling.direct else ("A", "B"):
        (rows, cols), size = tiling.tile_shape(operand), tiling.request(operand)
        copied += size * ceil_div(rows * cols // size, tiling.threads)
    fragments = tiling.fragments * (tiling.tm + tiling.tn)
    return RegisterNeed(tiling.tm * tiling.tn, fragments, copied)


@dataclass(frozen=True)
class Occupancy:
    """What is resident on one multiprocessor.

    limits    CTAs that each resource alone would allow
    """

    chip: Chip
    warps_of_cta: int
    limits: dict[str, int]

    @property
    def ctas(self) -> int:
        return min(self.limits.values())

    @property
    def limited_by(self) -> str:
        """The resource of which there is least; of several the first."""
        return min(self.limits, key=lambda name: self.limits[name])

    @property
    def warps(self) -> int:
        return self.ctas * self.warps_of_cta

    @property
    def share(self) -> float:
        """Of the warps that the chip could hold: what is called occupancy."""
        return self.warps * WARP / self.chip.threads


def occupancy(chip: Chip, threads: int, registers: int, shared_bytes: int) -> Occupancy:
    """Of CTAs with so many threads, registers a thread, and bytes of shared memory."""
    warps = ceil_div(threads, WARP)
    return Occupancy(
        chip,
        warps,
        {
            "registers": _by_registers(warps, registers),
            "shared memory": _by_shared(chip, shared_bytes),
            "threads": chip.threads // WARP // warps,
            "CTAs": chip.ctas,
        },
    )


def _by_registers(warps: int, registers: int) -> int:
    of_warp = ceil_div(registers * WARP, REGISTER_STEP) * REGISTER_STEP
    # Before a launch the hardware counts as if every partition took part alike.
    if registers > MAX_REGISTERS or of_warp * ceil_div(warps, PARTITIONS) * PARTITIONS > REGISTERS:
        return 0
    return REGISTERS // PARTITIONS // of_warp * PARTITIONS // warps


def _by_shared(chip: Chip, shared_bytes: int) -> int:
    of_cta = ceil_div(shared_bytes + chip.reserved, chip.step) * chip.step
    if of_cta > chip.shared_bytes:
        return 0
    return chip.shared_bytes // of_cta if of_cta else chip.ctas
