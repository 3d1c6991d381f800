"""PTX texts cut and altered: each must run, or be refused in one line.

`python -m tests.ptx_altered 10000` tries so many, and says what came of them.
"""

import re
import resource
import signal
import sys
import time
import traceback
from collections import Counter
from pathlib import Path
from random import Random
from types import FrameType

from tests.kernel_cases import TILINGS
from tests.ptx_running import kernel
from tiling import nvidia
from tiling.kernel.build import device_defines, source
from tiling.ptx.machine import Launch, Machine
from tiling.ptx.memory import ROOM, Buffer
from tiling.ptx.program import load
from tiling.ptx.syntax import Refused

HERE = Path(__file__).parent
THREADS = 64
MOST_INSTRUCTIONS = 20_000
MOST_SECONDS = 10
"""Of the processor, for one text."""

MOST_BYTES = 2**31
"""Of address space: libraries alone take most of one GiB."""
HAND = kernel(
    """
    mov.u32 %r0, %tid.x;
    mov.u32 %r1, tile;
    shl.b32 %r2, %r0, 4;
    add.u32 %r1, %r1, %r2;
    mad.wide.u32 %q3, %r0, 16, %q0;
    cp.async.cg.shared.global [%r1], [%q3], 16;
    cp.async.commit_group;
    cp.async.wait_group 0;
    bar.sync 0;
    ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%r4, %r5, %r6, %r7}, [%r1];
    mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32
        {%f0, %f1, %f2, %f3}, {%r4, %r5, %r6, %r7}, {%r4, %r6}, {0f00000000, %f1, %f2, %f3};
    shfl.sync.bfly.b32 %r8|%p0, %r4, 1, 31, -1;
    @%p0 atom.shared.add.u32 %r9, [tile], %r8;
    bar.red.popc.u32 %r10, 0, %p0;
    bfe.u32 %r10, %r10, 3, 7;
    prmt.b32 %r11, %r10, %r8, 0x5410;
    lop3.b32 %r11, %r11, %r10, %r9, 0x96;
    brx.idx %r0, list;
    one: add.cc.u32 %r11, %r11, 1;
    addc.u32 %r11, %r11, %r10;
    two: cvt.rn.f32.u32 %f4, %r11;
    fma.rn.f32 %f5, %f4, 0f3F800000, %f0;
    mad.wide.u32 %q4, %r0, 4, %q1;
    st.global.f32 [%q4], %f5;
    """,
    params=2,
    declare=".shared .align 16 .b8 tile[1024];\nlist: .branchtargets one, two;",
    outside=".global .align 4 .b32 numbers[4] = {1, 2, -3, 0x7F};",
)


def texts() -> list[str]:
    """The text above, and where NVRTC is there what it makes of samples. Raises Missing."""
    small = ("--gpu-architecture=compute_80",)
    functions = (HERE / "ptx_samples.cpp").read_text()
    found = [HAND, nvidia.ptx((HERE / "ptx_samples.cu").read_text(), small)]
    for name in ("calls", "wide", "sorted"):
        found.append(nvidia.ptx(functions, (*small, f"-DALL=EACH({name})")))
    for name in ("two stages", "small"):
        options = ("-lineinfo", "--std=c++17", *device_defines(TILINGS[name]))
        found.append(nvidia.ptx(source(), (*small, *options)))
    return found


def altered(text: str, random: Random) -> str:
    """Once to four times cut, bent or put in another order."""
    for _ in range(random.choice([1, 1, 1, 2, 4])):
        if not re.search(r"\d", text):
            break
        text = random.choice(WAYS)(text, random)
    return text


def _line(change: str) -> object:
    def way(text: str, random: Random) -> str:
        lines = text.split("\n")
        at, other = random.randrange(len(lines)), random.randrange(len(lines))
        if change == "drop":
            del lines[at : at + random.choice([1, 1, 1, 5, 40])]
        elif change == "double":
            lines[at:at] = lines[other : other + random.choice([1, 1, 3, 30])]
        else:
            lines[at], lines[other] = lines[other], lines[at]
        return "\n".join(lines)

    return way


def _cut(text: str, random: Random) -> str:
    at = random.randrange(len(text))
    return text[:at] if random.random() < 0.5 else text[at:]


def _bytes(text: str, random: Random) -> str:
    some = list(text)
    for _ in range(random.choice([1, 1, 2, 10, 200])):
        at = random.randrange(len(some))
        some[at] = random.choice([chr(ord(some[at]) ^ 1 << random.randrange(7)), "\0", "é", "٣"])
        if random.random() < 0.3:
            some[at] = random.choice(list(';{}[]()|!@.,:%-+\n\t /*"0'))
    return "".join(some)


def _tokens(text: str, random: Random) -> str:
    """Exchange two words, or put one in another's place."""
    words = text.split(" ")
    at, other = random.randrange(len(words)), random.randrange(len(words))
    words[at], words[other] = words[other], words[at] if random.random() < 0.5 else words[other]
    return " ".join(words)


def _parts(text: str, random: Random) -> str:
    """Put one modifier, name or operand of the text in another's place."""
    found = list(re.finditer(r"[\w$%]+", text))
    one, other = random.choice(found), random.choice(found)
    return text[: one.start()] + other[0] + text[one.end() :]


HUGE = ("99999999999", "4294967296", "-1", "0", "9" * 30, "0x" + "F" * 40, "7" * 5000, "65536")
HUGE += ("1048576", "0f7F800000", "3.5", "2147483647")


def _numbers(text: str, random: Random) -> str:
    one = random.choice(list(re.finditer(r"\d+", text)))
    return text[: one.start()] + random.choice(HUGE) + text[one.end() :]


WAYS = (
    *(_line("drop"), _line("double"), _line("swap")),
    *(_cut, _bytes, _tokens, _parts, _parts, _numbers, _numbers),
)


def arguments(sizes: list[int]) -> list[Buffer | bytes]:
    """A small buffer for each pointer, every third never written, and 20 for each other number."""
    return [
        Buffer(f"a{number}", number + 1 << ROOM, 4096, written=number % 3 < 2)
        if size == 8
        else (20).to_bytes(size, "little")
        for number, size in enumerate(sizes)
    ]


def outcome(text: str, random: Random) -> str:
    """Load and run any of the kernels: "refused", "ran" or "found", where there were findings."""
    names = [line.split("(")[0].split()[-1] for line in text.split("\n") if ".entry" in line]
    try:
        program = load(text, random.choice(names) if len(names) > 1 else None)
        launch = Launch(
            (2, 2, 1), (THREADS, 1, 1), arguments([p.size for p in program.params]), 1024
        )
        machine = Machine(program, launch, lambda _: None, MOST_INSTRUCTIONS)
        return "found" if machine.run((1, 0, 0)) else "ran"
    except Refused as refused:
        assert str(refused) and "\n" not in str(refused), str(refused)
        return "refused"


def one(whole: list[str], number: int) -> str:
    """The outcome of the text of this number."""
    random = Random(number)
    return outcome(altered(random.choice(whole), random), random)


def guarded(whole: list[str], number: int) -> str:
    """The same, and what it failed with, as a line."""
    signal.setitimer(signal.ITIMER_PROF, MOST_SECONDS)
    try:
        return one(whole, number)
    except Exception as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        print(number, type(error).__name__, str(error)[:80], place.name, place.lineno)
        return "FAILED"
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def late(signum: int, frame: FrameType | None) -> None:
    raise TimeoutError


def main() -> None:
    signal.signal(signal.SIGPROF, late)
    resource.setrlimit(resource.RLIMIT_AS, (MOST_BYTES, MOST_BYTES))
    count, first = int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0
    whole, outcomes, slowest = texts(), Counter[str](), (0.0, 0)
    for number in range(first, first + count):
        start = time.process_time()
        outcomes[guarded(whole, number)] += 1
        slowest = max(slowest, (time.process_time() - start, number))
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"{dict(outcomes)}; the slowest took {slowest[0]:.1f} s (number {slowest[1]}); {most} MB")


if __name__ == "__main__":
    main()
