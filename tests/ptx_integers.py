"""Instructions on random integers in every thread, against a function of Python's integers."""

from collections.abc import Callable
from random import Random

import numpy as np

from tests.ptx_running import DTYPES, compute

COUNT = 384
UNSIGNED = ("u16", "u32", "u64")
SIGNED = ("s16", "s32", "s64")
WHOLE = UNSIGNED + SIGNED
BITS = ("b16", "b32", "b64")


def width(kind: str) -> int:
    return 1 if kind == "pred" else int(kind[1:])


def wrap(kind: str, value: int) -> int:
    """The value that so many bits stand for."""
    bits = width(kind)
    value &= (1 << bits) - 1
    return value - (1 << bits) if kind[0] == "s" and value >> bits - 1 else value


def some(kind: str, seed: int) -> list[int]:
    """Values at the edges of a type, of few bits, small and large."""
    random, bits = Random(f"{kind} {seed}"), width(kind)
    edges = [0, 1, -1, 1 << bits - 1, (1 << bits - 1) - 1, 2, -2, 31, 32, 63, 64, 255, 256]
    made = []
    for _ in range(COUNT):
        way = random.randrange(4)
        if way == 0:
            made.append(random.choice(edges))
        elif way == 1:
            made.append(random.getrandbits(bits))
        elif way == 2:
            made.append(random.getrandbits(random.randint(1, bits)) * random.choice([1, -1]))
        else:
            made.append(1 << random.randrange(bits) | 1 << random.randrange(bits))
    return [wrap(kind, value) for value in made]


def check(code: str, result: str, sources: tuple[str, ...], wanted: Callable[..., int]) -> None:
    """The code, given the sources, leaves in %x0 what is wanted, in every thread."""
    values = [some(kind, number) for number, kind in enumerate(sources)]
    arrays = [np.array(v, DTYPES[kind]) for v, kind in zip(values, sources, strict=True)]
    (found,) = compute(code, [result], sources, *arrays)
    for got, *given in zip(found.tolist(), *values, strict=True):
        assert got == wrap(result, wanted(*given)), (code, given)


LOGIC: dict[str, Callable[[int, int], int]] = {
    "and": lambda a, b: a & b,
    "or": lambda a, b: a | b,
    "xor": lambda a, b: a ^ b,
}
