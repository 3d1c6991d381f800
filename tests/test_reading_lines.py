"""Counts by line: from a sliced kernel as from the whole one, and cures that hold when applied."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from render import main
from tests.kernel_cases import needs
from tests.kernels.table import HERE
from tests.reading import read
from tiling import nvidia
from tiling.ptx.events import Access, Event
from tiling.reading.call import Call
from tiling.reading.cost import bank_loads, in_global, in_shared
from tiling.reading.lines import Numbers, count
from tiling.reading.recorded import Run, record
from tiling.reading.slice import sliced
from tiling.shapes import Gemm

pytestmark = needs(nvidia.tools)


def run(name: str, gemm: Gemm, grid: tuple[str, ...], block: str, **more: object) -> Run:
    kernel = read(HERE / name)
    args = tuple({"a": "A", "b": "B", "c": "C"}.get(p.name, p.name) for p in kernel.parameters)
    return Run(kernel, Call(grid, (block,), args, **more), gemm)  # type: ignore[arg-type]


SMALL = Gemm(256, 256, 24)


def tile_2d(gemm: Gemm = SMALL) -> Run:
    return run("tile_2d.cu", gemm, ("N / 128", "M / 128"), "256")


@pytest.mark.parametrize(
    ("file", "tile", "block"), [("tile_2d.cu", 128, "256"), ("mma_swizzled.cu", 64, "128")]
)
def test_a_sliced_kernel_touches_what_the_whole_one_touches(file, tile, block):
    one = run(file, Gemm(2 * tile, 2 * tile, 64), (f"N / {tile}", f"M / {tile}"), block)
    rest = sliced(one.kernel.program)
    assert len(rest.places) < len(one.kernel.program.function.body) * 0.9 and not rest.data

    def touched(program, places):
        found = []

        def hear(event: Event) -> None:
            if isinstance(event, Access) and event.kind != "land":
                for row, place in enumerate(event.place):
                    found.append((places[place], event.epoch, event.offset[row].tobytes()))

        machine = one.machine(one.buffers({}), hear, program=program)
        machine.run((1, 0, 0))
        return sorted(found), machine

    whole, machine = touched(one.kernel.program, range(10**6))
    less, small = touched(rest.program, rest.places)
    assert whole == less
    times = dict(rest.times(small))
    assert dict(machine.issued()) == {place: here.warps for place, here in times.items()}


def test_addresses_that_depend_on_data_keep_what_makes_them(tmp_path):
    file = tmp_path / "gather.cu"
    file.write_text(
        "__global__ void gather(float *C, const int *A) {\n"
        "  __shared__ int s[32];\n"
        "  s[threadIdx.x] = A[threadIdx.x] + 1;\n"
        "  __syncthreads();\n"
        "  C[s[threadIdx.x ^ 1]] = 1;\n}\n"
    )
    rest = sliced(read(file).program)
    assert rest.data and any(one.opcode.startswith("add") for one in rest.program.function.body)


def test_numbers_say_of_which_cta_they_are_and_know_multiply_adds():
    one = tile_2d()
    found = count(one, ((1, 0, 0),))
    assert found.ctas == ((1, 0, 0),)
    assert found.fma == 128 * 128 * 24 and found.barriers == 2 * 3
    assert found.loop is not None and found.loop.multiply == "FFMA"
    assert found.loop.instructions["FFMA"] == 8 * 8 * 8
    assert [line.moved for line in found.lines] == sorted(
        (line.moved for line in found.lines), reverse=True
    )


def test_requests_merged_over_rounds_of_a_loop_are_wide_only_where_they_follow_each_other():
    """ptxas unrolls the loop over k, and reads As four words of a row at once."""
    found = count(tile_2d(), ((0, 0, 0),))
    part = only(found, "As", "load")
    assert part.bits == (128,) and part.cost.requests == 8 * 8 * 2 * 3
    assert not found.unclear


def only(found: Numbers, array: str, kind: str):
    (part,) = (p for n in found.lines for p in n.parts if (p.array, p.kind) == (array, kind))
    return part


LANES = np.arange(32)[None]
ALL = np.ones((1, 32), bool)


@pytest.mark.parametrize(
    ("words", "width", "moved", "least", "ways"),
    [
        (LANES, 4, 1, 1, 1),
        (LANES * 0, 4, 1, 1, 1),  # one word for all
        (LANES * 2, 4, 2, 1, 2),
        (LANES * 32, 4, 32, 1, 32),
        (LANES * 33, 4, 1, 1, 1),
        (LANES * 4, 16, 4, 4, 1),
        (LANES * 8, 16, 8, 4, 2),
        (LANES // 8 * 32, 4, 4, 1, 4),
    ],
)
def test_wavefronts_of_shared_memory(words, width, moved, least, ways):
    found = in_shared(words * 4, ALL, width)
    assert (found.moved, found.least, found.ways) == (moved, least, ways)
    assert bank_loads(words * 4, ALL, width).sum() == np.unique(words).size * width // 4 or (
        width > 4
    )


@pytest.mark.parametrize(
    ("words", "width", "moved", "least"),
    [
        (LANES, 4, 4, 4),
        (LANES + 1, 4, 5, 4),
        (LANES * 0, 4, 1, 1),
        (LANES * 8, 4, 32, 4),
        (LANES * 4, 16, 16, 16),
    ],
)
def test_sectors_of_global_memory(words, width, moved, least):
    found = in_global(words * 4, ALL, width)
    assert (found.moved, found.least, found.bytes) == (moved, least, 32 * width)


PADDED = (
    "__global__ void k(float *C, const float *A) {\n"
    "  __shared__ float s[32][ROW];\n"
    "  s[threadIdx.y][threadIdx.x] = A[threadIdx.y * 32 + threadIdx.x];\n"
    "  __syncthreads();\n"
    "  C[threadIdx.y * 32 + threadIdx.x] = s[threadIdx.x][threadIdx.y];\n}\n"
)


def counted(folder: Path, row: int, dynamic: bool = False) -> Numbers:
    file = folder / f"rows_of_{row}{'_dynamic' * dynamic}.cu"
    text = PADDED.replace("ROW", str(row))
    if dynamic:
        text = text.replace("__shared__ float s[32]", "extern __shared__ float s[]")
    file.write_text(text)
    call = Call(("1",), ("32", "32"), ("C", "A"), shared=str(dynamic * 4 * 32 * row))
    return count(Run(read(file), call, Gemm(32, 32, 32)), ((0, 0, 0),))


def test_a_cure_is_what_the_kernel_costs_when_it_is_applied(tmp_path):
    before, after = counted(tmp_path, 32), counted(tmp_path, 33)
    padding, swizzle = before.cures
    assert (padding.row, padding.pad, padding.extra) == (32, 1, 32 * 4)
    assert swizzle.swizzle == (5, 0, 1) and swizzle.extra == 0
    costs = [
        sum(p.cost.moved for n in one.lines for p in n.parts if p.array == "s")
        for one in (before, after)
    ]
    assert costs == [32 + 32 * 32, 64]
    assert [padding.before.moved, padding.after.moved] == costs == [1056, swizzle.after.moved]
    assert str(padding).startswith("s: rows of 33 words: 1.0 instead of 16.5 wavefronts")
    assert str(swizzle).startswith("s: words at col ^ (row & 31): 1.0 instead of 16.5")
    assert not after.cures
    assert counted(tmp_path, 32, dynamic=True).cures == before.cures


def test_what_a_cta_did_is_kept_access_by_access():
    one = replace(tile_2d(), gemm=Gemm(128, 128, 128))
    data = {
        name: m.flat(np.ones((1, m.rows, m.cols)))
        for name, m in one.matrices.items()
        if name != "C"
    }
    found = record(one, (0, 0, 0), data)
    assert not found.findings
    table = found.table
    assert table.thread.size == table.offset.size == sum(a.offset.size for a in found.accesses)
    stored = [number for number, a in enumerate(found.accesses) if a.buffer.name == "C"]
    into_c = np.isin(table.which, stored)
    assert np.unique(table.offset[into_c]).size == into_c.sum() == 128 * 128
    assert (table.epoch[into_c] == 2 * 16).all() and (table.bytes[into_c] == 4).all()
    arrays = {name for a in found.accesses for name in found.array(a)}
    assert arrays == {"A", "B", "As", "Bs", "C"}
    line = found.source(int(table.place[into_c][0]))
    assert line is not None and "C[" in one.kernel.built.text(line)


def test_inspect_tells_the_dearest_line_first(tmp_path):
    counted(tmp_path, 32)
    done = CliRunner().invoke(main, ["inspect", "--kernel", str(tmp_path / "rows_of_32.cu")])
    assert done.exit_code == 2 and "fill in the TOML" in done.stderr
    assert 'args   = "C, A"' in done.stdout
    file = tmp_path / "k.toml"
    file.write_text('kernel = "rows_of_32.cu"\ngrid = "1"\nblock = "32, 32"\nargs = "C, A"\n')
    done = CliRunner().invoke(main, ["inspect", "--config", str(file), "--gemm", "32x32x32"])
    assert done.exit_code == 0, done.output
    text = done.stdout
    assert text.index("    5  C[threadIdx.y") < text.index("    3  s[threadIdx.y]")
    assert "load s 32 32 1,024w 32 32 32" in " ".join(text.split())
    assert "Counted: s: rows of 33 words" in " ".join(text.split())
