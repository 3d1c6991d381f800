"""What the machine does not take: one line that names the line and the text; and altered texts."""

import re
from random import Random

import pytest

from tests.kernel_cases import needs_nvrtc
from tests.ptx_altered import HAND, altered, one, outcome, texts
from tests.ptx_running import HEAD, kernel, line_of, run
from tiling.ptx.machine import Launch, Machine
from tiling.ptx.program import load
from tiling.ptx.syntax import Refused


def refused(text: str) -> str:
    with pytest.raises(Refused) as told:
        run(text, threads=32)
    says = str(told.value)
    assert "\n" not in says and len(says) < 300
    return says


INSTRUCTIONS = {
    # Opcodes that are not known, and those that are for later.
    "frobnicate.u32 %r1, %r2;": "is not known to this machine",
    "tex.2d.v4.f32.s32 {%r1, %r2, %r3, %r4}, [%q1, {%r5, %r6}];": "tex",
    "mbarrier.init.shared.b64 [%r1], 32;": "is not known to this machine",
    "mbarrier.try_wait.parity.shared.b64 %p1, [%r1], %r2;": "is not known to this machine",
    "cp.async.bulk.wait_group 0;": "is not known here",
    "cp.async.bulk.shared::cluster.global [%r1], [%q1], 16, [%r2];": ".bulk",
    "cp.async.mbarrier.arrive.shared.b64 [%r1];": "cp.async",
    "wgmma.fence.sync.aligned;": "is not known to this machine",
    "wgmma.mma_async.sync.aligned.m64n8k16.f32.f16.f16 %f1, %q1, %q2, 1;": "wgmma",
    "vadd.s32.s32.s32 %r1, %r2, %r3;": "is not known",
    "suld.b.1d.b32.trap %r1, [surf, {%r2}];": "is not known",
    "cluster.sync;": "is not known",
    "barrier.cluster.arrive;": "cluster",
    # Types and modifiers.
    "add.u8 %h1, %h2, %h3;": "u8",
    "add.b32 %r1, %r2, %r3;": "b32",
    "add.s32.wide %r1, %r2, %r3;": ".wide",
    "add.sat.u32 %r1, %r2, %r3;": ".sat is for s32",
    "add.cc.sat.s32 %r1, %r2, %r3;": ".sat",
    "mul.s32 %r1, %r2, %r3;": "lo, hi or wide is missing",
    "mul.lo.sat.s32 %r1, %r2, %r3;": ".sat",
    "mul.wide.u64 %q1, %q2, %q3;": ".wide is not for u64",
    "mad.wide.cc.u32 %q1, %r2, %r3, %q4;": ".cc",
    "neg.u32 %r1, %r2;": "u32",
    "and.u32 %r1, %r2, %r3;": "u32",
    "shl.u32 %r1, %r2, 1;": "u32",
    "shf.l.b32 %r1, %r2, %r3, 1;": "wrap or clamp",
    "lop3.b64 %q1, %q2, %q3, %q4, 1;": "b64",
    "lop3.or.b32 %r1|%p1, %r2, %r3, %r4, 1, %p2;": ".or",
    "prmt.b32.f5e %r1, %r2, %r3, %r4;": ".f5e",
    "popc.u32 %r1, %r2;": "u32",
    "selp.pred %p1, %p2, %p3, %p4;": "pred",
    "setp.lt.s32.s32 %p1, %r1, %r2;": ".s32",
    "setp.equ.s32 %p1, %r1, %r2;": ".equ is for floats",
    "setp.s32 %p1, %r1, %r2;": "a comparison is missing",
    "setp.nand.s32 %p1, %r1, %r2;": "a comparison is missing",
    "cvt.s32.f32 %r1, %f1;": "rounding",
    "mov.v2.u32 {%r1, %r2}, %q1;": ".v2",
    "mov.u128 %q1, %q2;": "no type",
    "mov %r1, %r2;": "no type",
    "ld.global.v2.u32 %r1, [%q1];": "1 registers, not 2",
    "ld.global.v4.u64 {%q1, %q2, %q3, %q4}, [%q5];": "more than 16 bytes",
    "ld.global.cold.u32 %r1, [%q1];": ".cold",
    "ld.moon.u32 %r1, [%q1];": ".moon",
    "ld.global.L2::cache_hint.u32 %r1, [%q1], %q2;": ".L2::cache_hint",
    "ld.shared::cluster.u32 %r1, [%r2];": ".shared::cluster",
    "st.global.u32 %r1, [%q1];": "no register [%q1]",
    "atom.global.add.s64 %q1, [%q2], %q3;": "s64",
    "atom.global.nand.b32 %r1, [%q2], %r3;": "an operation",
    "atom.global.cas.f32 %f1, [%q2], %f3, %f4;": "f32",
    "red.global.add.v2.f32 [%q2], {%f3, %f4};": ".v2",
    "cp.async.cg.shared.global [%r1], [%q1], 8;": "with .cg 16",
    "cp.async.ca.shared.global [%r1], [%q1], 12;": "4, 8 or 16 bytes",
    "cp.async.ca.global.shared [%q1], [%r1], 4, 5, 6;": "operands",
    "@%p1 cp.async.commit_group;": "guard",
    "cp.async.wait_group;": "operands",
    "bar.sync;": "a number",
    "bar.sync 0, 32, 64;": "a number",
    "bar.arrive 0;": "a number",
    "bar.red.xor.pred %p1, 0, %p2;": "popc, and, or",
    "@%p1 bar.sync 0;": "guard",
    "barrier.sync 0;": ".aligned",
    "shfl.idx.b32 %r1, %r2, 0, 31;": "without .sync",
    "shfl.sync.next.b32 %r1, %r2, 0, 31, -1;": "a mode",
    "bra.now there;": ".now",
    "ret.uni.uni;": ".uni",
    "membar.world;": ".world",
    "call.maybe f;": ".maybe",
    "callous f;": "no register f",
    # Operands.
    "add.s32 %r1, %r2;": "2 operands, not 3",
    "add.s32 %r1, %r2, %r3, %r4;": "4 operands, not 3",
    "add.s32;": "operands",
    "add.s32 %r1,, %r3;": "no register",
    "add.s32 %r1, %r99, 1;": "no register %r99",
    "add.s32 %r1, nothing, 1;": "nothing",
    "add.s32 %r1, %q1, %d1, 1;": "4 operands",
    "add.s32 %h1, %r1, 1;": "%h1 is no register for",
    "add.s64 %q1, %r1, 1;": "%r1 is no register for",
    "add.s32 %p1, %r1, 1;": "%p1 is no register",
    "add.s32 7, %r1, 1;": "7",
    "add.s32 %r1, %r 2, 1;": "%r 2",
    "st.shared.u32 [%r1] %r2;": "st.shared.u32",
    "ld.shared.u32 %r1, [%r2+%r3];": "is not an address",
    "ld.shared.u32 %r1, [%r2*4];": "is not an address",
    "ld.shared.u32 %r1, [%r2;": "[%r2",
    "ld.shared.u32 %r1, [%p1];": "%p1",
    "ld.shared.u32 %r1, [%r2+99999999999999999999];": "is not an address",
    "mov.u32 %r1, 1e5;": "1e5",
    "mov.u32 %r1, 1.5;": "1.5",
    "mov.u32 %r1, 0x1_0;": "0x1_0",
    "mov.u32 %r1, 09;": "09",
    "mov.u32 %r1, ٣;": "٣".encode("unicode_escape").decode() + "|٣",
    "mov.b64 {%r1, %r2, %r3}, %q1;": "mov.b64",
    "mov.b64 {%r1, %r2}, {%r3, %r4};": "mov.b64",
    "bra nowhere;": "no label nowhere",
    "brx.idx %r1, nowhere;": "no list of labels",
    "call nobody;": "calls nobody",
    "call (%r1), %q1, (%r2);": "calls %q1",
    "@%r1 add.s32 %r1, %r2, 1;": "%r1 is no register for pred",
    "@%p99 add.s32 %r1, %r2, 1;": "no register %p99",
    "@%p1;": "@%p1",
    "@;": "@",
}


@pytest.mark.parametrize("instruction", INSTRUCTIONS)
def test_an_instruction_is_refused_with_its_text_and_its_line(instruction: str) -> None:
    text = kernel("mov.u32 %r1, 5;\n" + instruction + "\nmov.u32 %r2, 6;")
    says = refused(text)
    assert re.match(rf"PTX line {line_of(text, instruction)}: ", says), says
    assert any(part in says for part in INSTRUCTIONS[instruction].split("|")), says
    opcode = instruction.split()[
        -2 if instruction[0] == "@" and len(instruction.split()) > 2 else 0
    ]
    assert opcode.rstrip(";").split(".")[0] in says


def test_what_is_never_run_is_refused_all_the_same() -> None:
    assert "frob" in refused(kernel("bra end; frob.u32 %r1; end: mov.u32 %r1, 1;"))


@pytest.mark.parametrize("comment", ["", "// @%p add.s32", "/* one\n } */"])
def test_the_line_of_the_source_is_said(comment: str) -> None:
    """Comments are passed over, and two slashes in a path are none."""
    outside = f'.file 1 "far//gemm.cu" {comment}\n'
    body = f".loc 1 42 3\nmov.u32 %r1, 5; {comment}\nadd.s32 %r1, %r2, %r99;"
    text = kernel(body, outside=outside)
    says = refused(text)
    assert says.endswith("no register %r99 (line 42 of gemm.cu)")
    assert says.startswith(f"PTX line {line_of(text, 'add.s32 %r1')}: ")


MANY = "".join(f".global .b8 x{n}[99999999]; " for n in range(3))
TEXTS = {
    "": "has no .version",
    "hello": "is not PTX",
    HEAD: "kernels: none",
    HEAD + "add.s32 %r1, %r2, 3;": "stands outside of a function",
    HEAD + "}": "stands outside of a function",
    HEAD + "L:": "stands outside of a function",
    HEAD + ".visible .entry k() { ret;": "k is not closed",
    HEAD + ".visible .entry k() { ret; } }": "stands outside of a function",
    HEAD + ".visible .entry k() { .visible .entry j() { ret; } }": "stands inside a function",
    HEAD + ".visible .entry k();": "kernels: none",
    HEAD + ".visible .entry k() { L: ret; L: ret; }": "a label stands twice",
    HEAD + ".visible .entry k() .clustered 4 { ret; }": ".clustered",
    HEAD + ".visible .entry k() .reqnctapercluster 2 { ret; }": ".reqnctapercluster",
    HEAD + ".visible .entry k() { .reg .b32 %r<99999999>; ret; }": "is not the name of a register",
    HEAD + ".visible .entry k() { .reg .b24 %r; ret; }": "is not a declaration of registers",
    HEAD + ".visible .entry k() { .shared .b8 x[300000]; ret; }": "300000 bytes of shared memory",
    HEAD + ".visible .entry k() { .local .b8 x[600000]; ret; }": "600000 bytes of local memory",
    HEAD + ".visible .entry k() { .shared .align 3 .b8 x[4]; ret; }": "a power of two",
    HEAD + ".global .b8 x[99999999999]; .visible .entry k() { ret; }": "bytes, more than",
    HEAD + ".global .b8 x[200000000], y[200000000]; .entry k() { ret; }": "is not a declaration",
    HEAD + MANY + ".entry k() { ret; }": "bytes of variables",
    HEAD + ".func f() { .shared .b8 x[4]; ret; } .entry k() { call f; ret; }": "shared memory",
    HEAD + ".global .b32 x = y; .visible .entry k() { ret; }": "only numbers",
    HEAD + ".global .f32 x = 1.5; .visible .entry k() { ret; }": "only numbers",
    HEAD + ".global .texref x; .visible .entry k() { ret; }": "is not a declaration",
    HEAD.replace("64\n", "32\n") + ".visible .entry k() { ret; }": "only 64-bit addresses",
    HEAD
    + ".func f() { call f; } .visible .entry k() { call f; }": "calls within calls without end",
    HEAD + ".func f(.reg .b32 %a) { ret; } .visible .entry k() { ret; }": "parameters in registers",
    HEAD + ".visible .entry k() { ret; } .visible .entry j() { ret; }": "kernels: k, j",
}


@pytest.mark.parametrize("text", TEXTS)
def test_texts_that_are_no_kernel(text: str) -> None:
    assert TEXTS[text] in refused(text)


def test_arguments_that_do_not_fit() -> None:
    program = load(kernel("", 2))
    for arguments in ([], [b"12345678"], [b"12345678", b"1234"], [b""] * 3):
        with pytest.raises(Refused, match=r"parameters, not|bytes, not"):
            Machine(program, Launch((1, 1, 1), (1, 1, 1), arguments))
    with pytest.raises(Refused, match="no kernel 'other'; it has: k"):
        load(kernel(""), "other")


def test_local_memory_of_all_threads_together() -> None:
    program = load(kernel("", declare=".local .b8 x[500000];"))
    with pytest.raises(Refused, match="500000 bytes of local memory for each of 1024 threads"):
        Machine(program, Launch((1, 1, 1), (1024, 1, 1), []))


def test_functions_that_double_at_every_call_are_refused_soon() -> None:
    text = HEAD + ".func f0() { ret; }\n"
    for number in range(1, 26):
        text += f".func f{number}() {{ call f{number - 1}; call f{number - 1}; }}\n"
    assert "instructions with all calls put in" in refused(text + ".entry k() { call f25; }")


def test_a_text_by_hand_that_is_altered() -> None:
    for number in range(60):
        random = Random(number)
        outcome(altered(HAND, random), random)


@needs_nvrtc
def test_texts_of_real_kernels_that_are_altered() -> None:
    """`python -m tests.ptx_altered 10000` tries many more."""
    whole = texts()
    assert {one(whole, number) for number in range(80)} == {"refused", "ran", "found"}
