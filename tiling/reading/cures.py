"""What would become of bank conflicts, had the rows of a shared array other places: counted from
the addresses that a CTA used.

The rows are padded by 1 to 8 words, or their words put in another order, by the XOR of a word's
place in its row with the row's number. Only what was counted is told.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tiling.ptx.memory import Ints
from tiling.ptx.program import plain
from tiling.reading.cost import Cost
from tiling.reading.kernel import Kernel
from tiling.reading.names import arguments, bare
from tiling.reading.rows import row_length
from tiling.reading.tally import Move, Tally

WORD = 4
MOST_PAD = 8


@dataclass(frozen=True)
class Cure:
    """Another place for the words of a shared array, better than the one it has.

    row           words of a row as it is
    pad           unused words after each row, or 0
    swizzle       (bits, shift, words): of a row's number, shifted to the right, so many bits are
                  XORed to its words' places, in groups of so many words; or None
    extra         bytes of shared memory more
    before, after what all requests for the array cost
    """

    array: str
    row: int
    pad: int
    swizzle: tuple[int, int, int] | None
    extra: int
    before: Cost
    after: Cost

    def __str__(self) -> str:
        """As `As: rows of 132 words: 1.0 wavefronts instead of 4.0 ...; 512 bytes more`."""
        if self.swizzle:
            bits, shift, words = self.swizzle
            number = f"row >> {shift}" if shift else "row"
            number = f"({number} & {2**bits - 1})" + (f" * {words}" if words > 1 else "")
            what = f"words at col ^ {number}"
        else:
            what = f"rows of {self.row + self.pad} words"
        more = f"{self.extra} bytes more" if self.extra else "no bytes more"
        now, then = (cost.moved / cost.least for cost in (self.before, self.after))
        gain = f"{then:.1f} instead of {now:.1f} wavefronts for each that is needed"
        return f"{self.array}: {what}: {gain}; {more}"


def cures(kernel: Kernel, tally: Tally, dynamic: int) -> Iterator[Cure]:
    """The best padding and the best swizzle of each array with conflicts whose rows are known;
    `dynamic` bytes of shared memory are given by the launch."""
    arrays = dict.fromkeys(tally.arrays.values())
    for array in arrays:
        before = _sum(tally, array, lambda offset: offset)
        if before is None or before.moved == before.least:
            continue
        start, size = _place(kernel, array, dynamic)
        row = _row(kernel, array)
        widest = max(_widths(tally, array), default=WORD) // WORD
        if not row or size % (row * WORD) or size == row * WORD:
            continue
        yield from _best(tally, array, before, start, size, row, max(1, widest))


def _best(
    tally: Tally, array: str, before: Cost, start: int, size: int, row: int, words: int
) -> Iterator[Cure]:
    rows = size // (row * WORD)
    found = []
    for pad in range(1, MOST_PAD + 1):
        if (row + pad) % words == 0:
            after = _sum(tally, array, _padded(start, size, row, pad))
            if after:
                found.append(Cure(array, row, pad, None, rows * pad * WORD, before, after))
    twisted = []
    groups = row // words
    if row % words == 0 and groups & (groups - 1) == 0:
        for bits in range(1, min(groups.bit_length(), 6)):
            for shift in range(4):
                one = bits, shift, words
                after = _sum(tally, array, _swizzled(start, size, row, one))
                if after:
                    twisted.append(Cure(array, row, 0, one, 0, before, after))
    for some in (found, twisted):
        better = [one for one in some if one.after.moved < before.moved]
        if better:
            yield min(better, key=lambda one: (one.after.moved, one.extra))


def _sum(tally: Tally, array: str, move: Move) -> Cost | None:
    costs: Mapping[int, Cost] | None = tally.moved(array, move)
    if not costs:
        return None
    return sum(costs.values(), Cost())


def _padded(start: int, size: int, row: int, pad: int) -> Move:
    def move(offset: Ints) -> Ints:
        inside = (offset >= start) & (offset < start + size)
        moved: Ints = offset + inside * ((offset - start) // (row * WORD)) * pad * WORD
        return moved

    return move


def _swizzled(start: int, size: int, row: int, how: tuple[int, int, int]) -> Move:
    bits, shift, words = how

    def move(offset: Ints) -> Ints:
        inside = (offset >= start) & (offset < start + size)
        number = (offset - start) // (row * WORD) >> shift & (2**bits - 1)
        moved: Ints = start + ((offset - start) ^ number * words * WORD)
        return inside * moved + ~inside * offset

    return move


def _place(kernel: Kernel, array: str, dynamic: int) -> tuple[int, int]:
    """Where a shared array begins, and its bytes."""
    program = kernel.program
    for variable in (*program.module.variables.values(), *program.function.variables.values()):
        place = program.places.get(variable.name)
        if place and place[0] == "shared" and plain(variable.name) == array:
            return place[1], variable.size or dynamic
    return 0, 0


def _row(kernel: Kernel, array: str) -> int:
    """Words of a row of a shared array, as the source has it, or 0."""
    row, size = row_length(kernel.built.own, bare(kernel.name), array, arguments(kernel.name))
    return row * size // WORD if row * size % WORD == 0 else 0


def _widths(tally: Tally, array: str) -> Iterator[int]:
    for (place, space), name in tally.arrays.items():
        if name == array and space == "shared":
            yield from (bits // 8 for bits in tally.bits.get((place, space), ()))
