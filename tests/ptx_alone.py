"""One thread of a PTX text at a time, on Python's integers: the few opcodes that tests make up.

It reads lines as they stand, knows nothing of the machine, and is meant to be read in one go.
"""

import re
from typing import NamedTuple

OPERATIONS = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul.lo": lambda a, b: a * b,
    "and": lambda a, b: a & b,
    "or": lambda a, b: a | b,
    "xor": lambda a, b: a ^ b,
    "shl": lambda a, b: a << min(b, 64),
    "shr": lambda a, b: a >> min(b, 64),
}
COMPARE = {
    "eq": lambda a, b: a == b,
    "ne": lambda a, b: a != b,
    "lt": lambda a, b: a < b,
    "ge": lambda a, b: a >= b,
}
SPACE = {"shared": 1 << 50, "local": 1 << 51, "global": 0}
MOST_STEPS = 100_000


class Body(NamedTuple):
    """(guard, opcode, operands) of each instruction, places of labels, lists of labels."""

    lines: list[tuple[str, str, list[str]]]
    labels: dict[str, int]
    lists: dict[str, list[str]]


class Thread:
    """A thread of its own. `names` gives numbers to variables and special registers, `memory` holds
    its bytes by address; parameters are in a frame, as registers are."""

    def __init__(self, functions: dict[str, Body], names: dict[str, int]) -> None:
        self.functions, self.names = functions, names
        self.memory: dict[int, int] = {}
        self.steps = 0

    def run(self, name: str, frame: dict[str, int]) -> str:
        """Run a function. Its registers and parameters are in the frame. What it ended with."""
        lines, labels, lists = self.functions[name]
        at = 0
        while at < len(lines):
            self.steps += 1
            assert self.steps < MOST_STEPS
            guard, opcode, operands = lines[at]
            at += 1
            if guard and bool(frame[guard.lstrip("!")]) == guard.startswith("!"):
                continue
            match opcode.split(".")[0]:
                case "bra":
                    at = labels[operands[0]]
                case "brx":
                    at = labels[lists[operands[1]][frame[operands[0]]]]
                case "ret" | "exit":
                    return opcode
                case "call":
                    if self.call(operands, frame) == "exit":
                        return "exit"
                case "bar":
                    pass
                case _:
                    self.step(opcode.split("."), operands, frame)
        return "ret"

    def call(self, operands: list[str], frame: dict[str, int]) -> str:
        (result,), name, given = operands[0].split(","), operands[1], operands[2].split(",")
        inner = {f"{name}_{n}": frame[one] for n, one in enumerate(given)}
        ended = self.run(name, inner)
        if ended == "ret":
            frame[result] = inner[f"{name}_x"]
        return ended

    def value(self, text: str, frame: dict[str, int]) -> int:
        if text in frame:
            return frame[text]
        return self.names[text] if text in self.names else int(text, 0)

    def step(self, opcode: list[str], operands: list[str], frame: dict[str, int]) -> None:
        name, last = opcode[0], opcode[-1]
        bits = 1 if last == "pred" else int(last[1:])
        low = (1 << bits) - 1
        if name in ("ld", "st"):
            self.access(name, opcode, operands, bits // 8, frame)
            return
        values = [self.value(one, frame) & low for one in operands[1:3]]
        if name in ("mov", "cvt"):
            found = values[0]
        elif name == "cvta":
            found = values[0] + SPACE[opcode[1]]
        elif name == "selp":
            found = values[0] if frame[operands[3]] else values[1]
        elif name == "setp":
            if last[0] == "s":
                values = [v - (v >> bits - 1 << bits) for v in values]
            found = int(COMPARE[opcode[1]](*values))
            if "and" in opcode:
                other = operands[3]
                found &= frame[other.lstrip("!")] ^ other.startswith("!")
        elif name == "mad":
            found = values[0] * values[1] + self.value(operands[3], frame)
        else:
            amount = self.value(operands[2], frame) if name in ("shl", "shr") else values[1]
            found = OPERATIONS[name if name != "mul" else "mul.lo"](values[0], amount)
        frame[operands[0]] = found & ((1 << 64) - 1 if "wide" in opcode or name == "cvta" else low)

    def access(
        self, name: str, opcode: list[str], operands: list[str], width: int, frame: dict[str, int]
    ) -> None:
        place, registers = operands[::-1] if name == "ld" else operands
        base, _, offset = place.strip("[]").partition("+")
        if opcode[1] == "param":
            if name == "ld":
                frame[registers] = frame[base]
            else:
                frame[base] = self.value(registers, frame)
            return
        start = self.value(base, frame) + int(offset or "0") + SPACE.get(opcode[1], 0)
        for number, register in enumerate(registers.strip("{}").split(",")):
            at = range(start + number * width, start + (number + 1) * width)
            if name == "ld":
                frame[register] = int.from_bytes(bytes(self.memory[b] for b in at), "little")
            else:
                value = self.value(register, frame) & (1 << 8 * width) - 1
                self.memory.update(zip(at, value.to_bytes(width, "little"), strict=True))


def functions(text: str) -> dict[str, Body]:
    """Each body, where `.func` and `.entry` stand on a line with a name and `(`."""
    found: dict[str, list[str]] = {}
    for line in text.split("\n"):
        if head := re.search(r"\.(?:func.*\)|entry)\s+(\w+)\s*\(", line):
            found[head[1]] = []
        elif found:
            list(found.values())[-1].append(line.strip())
    return {name: body(lines) for name, lines in found.items()}


def body(lines: list[str]) -> Body:
    found = Body([], {}, {})
    for line in lines:
        if listed := re.fullmatch(r"(\w+): \.branchtargets (.*);", line):
            found.lists[listed[1]] = listed[2].split(", ")
        elif label := re.fullmatch(r"(\w+):", line):
            found.labels[label[1]] = len(found.lines)
        elif one := re.fullmatch(r"(?:@(\S+) )?([a-z][\w.]*)\s*(.*);", line):
            operands = re.findall(r"[\[{(][^\]})]*[\]})]|[^,\s]+", one[3])
            operands = [o.strip("()").replace(" ", "") for o in operands]
            found.lines.append((one[1] or "", one[2], operands))
    return found
