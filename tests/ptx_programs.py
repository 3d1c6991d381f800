"""Random PTX programs whose threads each do their own: branches, loops, calls, memory."""

from collections.abc import Callable
from random import Random

from tests.ptx_running import HEAD, REGISTERS
from tiling.ptx.memory import ROOM

THREADS = 48
WORDS = 8
VALUES = [f"%v{n}" for n in range(8)]
SLOT = 4 * WORDS


class Writer:
    """Makes up a function, line by line. Loops count down a register of their own."""

    def __init__(self, random: Random, callable_: list[str], crooked: bool) -> None:
        self.random, self.callable, self.crooked = random, callable_, crooked
        self.lines: list[str] = []
        self.apart: list[list[str]] = []
        self.lists: list[str] = []
        self.count = 0

    def say(self, line: str) -> None:
        self.lines.append(line)

    def label(self) -> str:
        self.count += 1
        return f"L{self.count}"

    def source(self) -> str:
        return self.random.choice([*VALUES, *VALUES, str(self.random.randrange(-9, 99))])

    def predicate(self) -> str:
        """A fresh condition in one of the predicates; its name."""
        p = f"%p{self.random.randrange(4)}"
        kind, comparison = self.random.choice("us"), self.random.choice(["eq", "ne", "lt", "ge"])
        a, bits = self.random.choice(VALUES), self.random.choice([1, 3, 7, 0xFF])
        self.say(f"and.b32 %t0, {a}, {bits};")
        self.say(f"setp.{comparison}.{kind}32 {p}, %t0, {self.random.randrange(bits + 1)};")
        if self.random.random() < 0.2:
            other, sign = self.random.randrange(4), self.random.choice(["", "!"])
            self.say(f"setp.lt.and.u32 {p}, %t0, {a}, {sign}%p{other};")
        return p

    def arithmetic(self) -> None:
        random = self.random
        name = random.choice(["add.s32", "sub.u32", "mul.lo.s32", "and.b32", "xor.b32", "or.b32"])
        guard = f"@{random.choice(['', '!'])}%p{random.randrange(4)} "
        guard *= random.random() < 0.3
        to, a = random.choice(VALUES), random.choice(VALUES)
        match random.randrange(5):
            case 0:
                self.say(f"{guard}shl.b32 {to}, {a}, {random.randrange(33)};")
            case 1:
                self.say(f"selp.b32 {to}, {a}, {self.source()}, %p{random.randrange(4)};")
            case _:
                self.say(f"{guard}{name} {to}, {a}, {self.source()};")

    def memory(self) -> None:
        """An access of any width in the thread's own part of any space, by its own or a generic
        address, its offset known or not."""
        random = self.random
        space = random.choice(["shared", "local", "global"])
        generic = random.random() < 0.3
        base = f"%{'g' if generic else 'b'}{space[0]}"
        width = random.choice([1, 2, 4, 4, 4, 8, 16])
        offset = random.randrange(SLOT // width) * width
        if random.random() < 0.4:
            self.say(f"and.b32 %t1, {random.choice(VALUES)}, {SLOT - width};")
            self.say("cvt.u64.u32 %w, %t1;")
            self.say(f"add.u64 %w, %w, {base};")
            base, offset = "%w", 0
        many = {8: 2, 16: 4}.get(width, 1)
        names = random.sample(VALUES, many)
        kind = f".v{many}.u32" if many > 1 else f".u{8 * width}"
        registers = "{" + ", ".join(names) + "}" if many > 1 else names[0]
        where = f"[{base}+{offset}]"
        guard = f"@%p{random.randrange(4)} " if random.random() < 0.25 else ""
        opcode = f"{'' if generic else '.' + space}{kind}"
        if random.random() < 0.5:
            self.say(f"{guard}ld{opcode} {registers}, {where};")
        else:
            self.say(f"{guard}st{opcode} {where}, {registers};")

    def statement(self, depth: int, ways_out: list[str]) -> None:
        kinds = ["arithmetic"] * 4 + ["memory"] * 4
        if depth < 3:
            kinds += ["choice"] * 3 + ["loop"] * 2 + ["switch"]
            kinds += ["call"] * (2 * bool(self.callable))
        if ways_out:
            kinds += ["leave"]
        match self.random.choice(kinds):
            case "arithmetic":
                self.arithmetic()
            case "memory":
                self.memory()
            case "choice":
                self.choice(depth, ways_out)
            case "loop":
                self.loop(depth)
            case "switch":
                self.switch(depth, ways_out)
            case "call":
                self.call()
            case "leave":
                self.say(f"@{self.predicate()} bra {self.random.choice(ways_out)};")

    def some(self, depth: int, ways_out: list[str]) -> None:
        for _ in range(self.random.randint(1, 5)):
            self.statement(depth, ways_out)

    def choice(self, depth: int, ways_out: list[str]) -> None:
        p, other, end = self.predicate(), self.label(), self.label()
        if self.crooked and self.random.random() < 0.5:  # what is rare stands at the function's end
            self.say(f"@{p} bra {other};")
            self.say(f"{end}:")
            here, self.lines = self.lines, [f"{other}:"]
            self.some(depth + 1, [])
            self.say(f"bra {end};")
            self.apart.append(self.lines)
            self.lines = here
            return
        self.say(f"@{self.random.choice(['!', ''])}{p} bra {other};")
        self.some(depth + 1, ways_out)
        if self.random.random() < 0.5:
            self.say(f"bra.uni {end};")
            self.say(f"{other}:")
            self.some(depth + 1, ways_out)
            self.say(f"{end}:")
        else:
            self.say(f"{other}:")

    def loop(self, depth: int) -> None:
        counter, again, end, last = f"%c{depth}", self.label(), self.label(), self.label()
        most = self.random.choice([1, 3, 5])
        self.say(f"and.b32 {counter}, {self.random.choice(VALUES)}, {most};")
        self.say(f"{again}:")
        tested_first = self.random.random() < 0.5
        if tested_first:
            self.say(f"setp.eq.u32 %p7, {counter}, 0;")
            self.say(f"@%p7 bra {end};")
        self.some(depth + 1, [end, last])
        self.say(f"{last}:")
        if not tested_first:
            self.say(f"setp.eq.u32 %p7, {counter}, 0;")
            self.say(f"@%p7 bra {end};")
        self.say(f"sub.u32 {counter}, {counter}, 1;")
        self.say(f"bra {again};")
        self.say(f"{end}:")

    def switch(self, depth: int, ways_out: list[str]) -> None:
        labels, end, name = [self.label() for _ in range(4)], self.label(), self.label()
        chosen = [*labels, self.random.choice(labels), *labels[:3]]
        self.lists.append(f"{name}: .branchtargets {', '.join(chosen)};")
        self.say(f"and.b32 %t2, {self.random.choice(VALUES)}, 7;")
        self.say(f"brx.idx %t2, {name};")
        for label in labels:
            self.say(f"{label}:")
            self.some(depth + 1, ways_out)
            if self.random.random() < 0.7:
                self.say(f"bra {end};")
        self.say(f"{end}:")

    def call(self) -> None:
        name, (a, b) = self.random.choice(self.callable), self.random.sample(VALUES, 2)
        guard = f"@{self.predicate()} " if self.random.random() < 0.3 else ""
        to = self.random.choice(VALUES)
        self.say("{")
        self.say(".param .b32 first;")
        self.say(".param .b32 second;")
        self.say(".param .b32 result;")
        self.say(f"st.param.b32 [first], {a};")
        self.say(f"st.param.b32 [second], {b};")
        self.say("st.param.b32 [result], 5;")
        self.say(f"{guard}call.uni (result), {name}, (first, second);")
        self.say(f"ld.param.b32 {to}, [result];")
        self.say("}")

    def all(self) -> list[str]:
        """Lists of labels stand before the code, what stands apart behind its end."""
        return [*self.lists, *self.lines, *(line for lines in self.apart for line in lines)]


OWN = """.reg .b32 %v<8>;
.reg .b32 %c<4>;
.reg .b32 %t<4>;
.reg .b64 %bs;
.reg .b64 %bl;
.reg .b64 %bg;
.reg .b64 %gs;
.reg .b64 %gl;
.reg .b64 %gg;
.reg .b64 %w;
"""


def program(seed: int, crooked: bool = False, barriers: bool = False) -> str:
    """A kernel of random statements, and functions that it calls, which call each other."""
    random = Random(seed)
    text, names = HEAD, list[str]()
    for number in range(random.randrange(3)):
        writer = Writer(random, list(names), crooked)
        writer.say(f"ld.param.b32 %v0, [f{number}_0];")
        writer.say(f"ld.param.b32 %v1, [f{number}_1];")
        for value in range(2, 8):
            writer.say(f"add.u32 %v{value}, %v{value - 2}, {value};")
        for p in range(4):
            writer.say(f"setp.lt.u32 %p{p}, %v{p}, 77;")
        addresses(writer, f"own{number}")
        for _ in range(3):
            writer.statement(1, [])
            if random.random() < 0.3:
                writer.say(f"st.param.b32 [f{number}_x], {random.choice(VALUES)};")
                writer.say(f"@{writer.predicate()} ret;")
        writer.say(f"st.param.b32 [f{number}_x], {random.choice(VALUES)};")
        writer.say("ret;")
        text += f".shared .align 16 .b8 own{number}s[{SLOT * THREADS}];\n"
        given = ", ".join(f".param .b32 f{number}_{n}" for n in "01")
        text += f".func (.param .b32 f{number}_x) f{number}({given})\n"
        text += "{\n" + REGISTERS + OWN + f".local .align 16 .b8 own{number}l[{SLOT}];\n"
        text += "\n".join(writer.all()) + "\n}\n"
        names.append(f"f{number}")
    writer = Writer(random, names, crooked)
    kernel(writer, lambda: writer.statement(0, []), barriers)
    return text + framed(writer)


def straight(seed: int) -> str:
    """A kernel of one block: arithmetic and memory alone, in any order."""
    writer = Writer(Random(seed), [], False)

    def some() -> None:
        for _ in range(10):
            writer.random.choice([writer.arithmetic, writer.memory])()

    kernel(writer, some)
    return HEAD + framed(writer)


def kernel(writer: Writer, say_something: Callable[[], object], barriers: bool = False) -> None:
    """Values from global memory, so many statements, and the values back."""
    addresses(writer, "tile")
    for number in range(8):
        writer.say(f"ld.global.u32 %v{number}, [%bg+{SLOT + 4 * number}];")
    for p in range(4):
        writer.say(f"setp.lt.u32 %p{p}, %v{p}, 999;")
    for _ in range(14):
        say_something()
        if barriers:
            writer.say("bar.sync 0;")
        elif writer.random.random() < 0.1 and writer.count:
            writer.say(f"@{writer.predicate()} exit;")
    for number in range(8):
        writer.say(f"st.global.u32 [%bg+{SLOT + 4 * number}], %v{number};")
    writer.say("ret;")


def framed(writer: Writer) -> str:
    return f""".shared .align 16 .b8 tiles[{SLOT * THREADS}];
.visible .entry k(.param .u64 p0)
{{
{REGISTERS}{OWN}.local .align 16 .b8 tilel[{SLOT}];
{chr(10).join(writer.all())}
}}
"""


def addresses(writer: Writer, name: str) -> None:
    """The thread's own parts of shared, local and global memory, which are zero at first."""
    say = writer.say
    say("mov.u32 %t0, %tid.x;")
    say(f"mad.wide.u32 %bs, %t0, {SLOT}, 0;")
    say(f"mov.u64 %w, {name}s;")
    say("add.u64 %bs, %bs, %w;")
    say(f"mov.u64 %bl, {name}l;")
    if name == "tile":
        say("ld.param.u64 %bg, [p0];")
    else:
        say(f"mov.u64 %bg, {2 << ROOM};")
    say(f"mad.wide.u32 %bg, %t0, {2 * SLOT}, %bg;")
    say("cvta.shared.u64 %gs, %bs;")
    say("cvta.local.u64 %gl, %bl;")
    say("cvta.global.u64 %gg, %bg;")
    for space in "sl":
        full = {"s": "shared", "l": "local"}[space]
        for at in range(0, SLOT, 16):
            say(f"st.{full}.v4.u32 [%b{space}+{at}], {{0, 0, 0, 0}};")
