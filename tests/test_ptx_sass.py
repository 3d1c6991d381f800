"""Memory instructions read from what nvdisasm prints."""

import pytest

from tiling.ptx.sass import Request, Unknown, requests
from tiling.ptx.syntax import Source

HEAD = "//--------------------- .text.{} --------------------------\n"


def code(*lines: str, kernel: str = "k") -> str:
    """Lines as nvdisasm prints them: instructions get their addresses, the others stay."""
    text, at = HEAD.format(kernel), 0
    for line in lines:
        if line.startswith((".L", "//##")):
            text += f"\t{line}\n" if line.startswith("//##") else f"{line}\n"
        else:
            text += f"        /*{at:04x}*/                   {line} ;\n"
            at += 16
    return text


def one(line: str) -> Request:
    (found,) = requests(code(line))
    return found


@pytest.mark.parametrize(
    ("line", "space", "kind", "bits"),
    [
        ("LDS R0, [R2]", "shared", "load", 32),
        ("LDS.U R0, [R2]", "shared", "load", 32),
        ("LDS.U8 R0, [R2]", "shared", "load", 8),
        ("LDS.S16 R0, [R2]", "shared", "load", 16),
        ("LDS.64 R0, [R2]", "shared", "load", 64),
        ("LDS.U.128 R0, [R2]", "shared", "load", 128),
        ("STS.128 [R2], R4", "shared", "store", 128),
        ("LDSM.16.M88.4 R4, [R2]", "shared", "matrix", 128),
        ("LDSM.16.MT88.2 R4, [R2]", "shared", "matrix", 64),
        ("LDSM.16.M88 R4, [R2]", "shared", "matrix", 32),
        ("ATOMS.ADD RZ, [R2], R4", "shared", "atomic", 32),
        ("ATOMS.CAS.64 R4, [R2], R4, R6", "shared", "atomic", 64),
        ("LDG.E R0, desc[UR8][R2.64]", "global", "load", 32),
        ("LDG.E.64.CONSTANT R0, [R2.64]", "global", "load", 64),
        ("LDG.E.LTC128B.CONSTANT R0, [R2.64]", "global", "load", 32),
        ("LDG.E.ENL2.256 R0, R4, desc[UR8][R2.64]", "global", "load", 256),
        ("STG.E.U8 desc[UR8][R2.64], R0", "global", "store", 8),
        ("RED.E.ADD.F32.FTZ.RN.STRONG.GPU [R2.64], R0", "global", "atomic", 32),
        ("LDGSTS.E.BYPASS.LTC128B.128 [R5], [R2.64], !P4", "global", "copy", 128),
        ("LDGSTS.E.64 [R5], desc[UR8][R2.64]", "global", "copy", 64),
        ("LDL.LU R0, [R1]", "local", "load", 32),
        ("STL.64 [R1], R2", "local", "store", 64),
        ("LD.E.128 R4, [R2.64]", "generic", "load", 128),
        ("ST.E [R2.64], R4", "generic", "store", 32),
    ],
)
def test_opcodes_tell_space_kind_and_width(line: str, space: str, kind: str, bits: int) -> None:
    found = one(line)
    assert (found.opcode, *found[3:6]) == (line.split()[0], space, kind, bits)


@pytest.mark.parametrize(
    "line",
    ["LDC R1, c[0x0][0x28]", "FFMA R0, R1, R2, R3", "LDGDEPBAR", "BAR.SYNC 0x0", "MEMBAR.ALL.GPU"],
)
def test_what_moves_nothing_through_memory_is_left_out(line: str) -> None:
    assert requests(code(line)) == []


@pytest.mark.parametrize(
    ("operand", "base", "offset"),
    [
        ("[R7]", "R7", 0),
        ("[R7+0x40]", "R7", 64),
        ("[R8+UR4+0x800]", "R8+UR4", 2048),
        ("[R99.X4+0x1000]", "R99.X4", 4096),
        ("[R2.64+-0x10]", "R2.64", -16),
        ("desc[UR8][R38.64+0x4]", "R38.64", 4),
        ("[UR5]", "UR5", 0),
    ],
)
def test_addresses_are_a_base_and_an_offset(operand: str, base: str, offset: int) -> None:
    found = one(f"LDG.E R0, {operand}")
    assert (found.base, found.offset) == (base, offset)


def test_guards_are_told_and_what_never_runs_is_left_out() -> None:
    found = requests(code("@!P1 LDS R0, [R2]", "@!PT LDS RZ, [RZ]", "@UP0 LDS R0, [R2]"))
    assert [(request.at, request.guard) for request in found] == [(0, "!P1"), (32, "UP0")]


def test_each_instruction_has_the_lines_that_stand_above_it() -> None:
    file = '"/a b/k.cu"'
    found = requests(
        code(
            "LDS R0, [R1]",
            f"//## File {file}, line 7 inlined at {file}, line 20",
            f"//## File {file}, line 20 inlined at {file}, line 30",
            f"//## File {file}, line 30",
            "LDS R0, [R1]",
            "LDS R0, [R1]",
            f"//## File {file}, line 0",  # of no line
            "LDS R0, [R1]",
            f'//## File "other.h", line 4 inlined at {file}, line 31',
            f"//## File {file}, line 31",
            f"//## File {file}, line 9",
            "LDS R0, [R1]",
        )
    )
    name = "/a b/k.cu"
    inlined = Source(name, 7, Source(name, 20, Source(name, 30)))
    assert [request.source for request in found] == [None, *[inlined] * 3, Source(name, 9)]


def test_loops_are_branches_backwards() -> None:
    found = requests(
        code(
            "LDS R0, [R1]",  # 0x00
            "@P0 BRA `(.L_x_2)",
            ".L_x_0:",
            "LDS R0, [R1]",  # 0x20
            ".L_x_1:",
            "LDS R0, [R1]",  # 0x30
            "@P1 BRA `(.L_x_1)",
            "@P0 BRA P1, `(.L_x_0)",
            ".L_x_2:",
            "LDS R0, [R1]",  # 0x60
        )
    )
    assert [(r.at, r.loop) for r in found] == [(0, -1), (0x20, 0x20), (0x30, 0x30), (0x60, -1)]


def test_one_kernel_of_several_is_read() -> None:
    both = code("LDS R0, [R1]", kernel="one") + code("STS.64 [R1], R2", kernel="two")
    assert [request.bits for request in requests(both, "two")] == [64]
    assert [request.bits for request in requests(both, "one")] == [32]
    with pytest.raises(Unknown, match="several kernels: one, two"):
        requests(both)
    with pytest.raises(Unknown, match="no kernel 'three'; it has: one, two"):
        requests(both, "three")
    with pytest.raises(Unknown, match="has no code"):
        requests("nvdisasm: what is this?")
