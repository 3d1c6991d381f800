"""Arithmetic as a TOML has it and a launch is made of: `(N + 127) / 128`, with C's division."""

import ast
import math
from collections.abc import Callable, Mapping
from typing import TypeAlias

Number: TypeAlias = int | float


class Unclear(ValueError):
    """An expression whose value cannot be told; the text says why, in a few words."""


def value(text: str, names: Mapping[str, Number]) -> Number:
    """What it comes to. Raises Unclear."""
    try:
        return _value(ast.parse(text.strip(), mode="eval").body, names)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        if isinstance(error, Unclear):
            raise
        raise Unclear("is no arithmetic") from None
    except ZeroDivisionError:
        raise Unclear("divides by zero") from None
    except OverflowError:
        raise Unclear("is too large") from None


def mentioned(text: str) -> set[str]:
    """The names in it that stand for something."""
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return set()
    calls = {node.func for node in ast.walk(tree) if isinstance(node, ast.Call)}
    return {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and n not in calls}


MOST = 2**63


def _divided(one: Number, other: Number) -> Number:
    if isinstance(one, float) or isinstance(other, float):
        return one / other
    return int(math.copysign(1, one) * math.copysign(1, other)) * (abs(one) // abs(other))


def _remainder(one: Number, other: Number) -> Number:
    return one - other * _divided(one, other)


_BINARY: dict[type[ast.operator], Callable[[Number, Number], Number]] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.Div: _divided,
    ast.FloorDiv: _divided,
    ast.Mod: _remainder,
    ast.LShift: lambda a, b: int(a) << min(int(b), 64),
    ast.RShift: lambda a, b: int(a) >> int(b),
    ast.BitAnd: lambda a, b: int(a) & int(b),
    ast.BitOr: lambda a, b: int(a) | int(b),
    ast.BitXor: lambda a, b: int(a) ^ int(b),
}
_COMPARED: dict[type[ast.cmpop], Callable[[Number, Number], bool]] = {
    ast.Lt: lambda a, b: a < b,
    ast.LtE: lambda a, b: a <= b,
    ast.Gt: lambda a, b: a > b,
    ast.GtE: lambda a, b: a >= b,
    ast.Eq: lambda a, b: a == b,
    ast.NotEq: lambda a, b: a != b,
}
_CALLED: dict[str, Callable[..., Number]] = {
    "min": min,
    "max": max,
    "ceil": math.ceil,
    "floor": math.floor,
    "sqrt": math.sqrt,
    "float": float,
    "int": int,
    "cdiv": lambda a, b: -(-int(a) // int(b)),
    "select": lambda test, yes, no: yes if test else no,
}


def _value(node: ast.expr, names: Mapping[str, Number]) -> Number:
    match node:
        case ast.Constant(value=bool() | int() | float() as number):
            found: Number = number
        case ast.Name(id=name):
            if name not in names:
                raise Unclear(f"{name} is not known")
            found = names[name]
        case ast.UnaryOp(op=ast.USub(), operand=of):
            found = -_value(of, names)
        case ast.UnaryOp(op=ast.UAdd(), operand=of):
            found = _value(of, names)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _BINARY:
            found = _BINARY[type(op)](_value(left, names), _value(right, names))
        case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in _COMPARED:
            found = _COMPARED[type(op)](_value(left, names), _value(right, names))
        case ast.Call(func=ast.Name(id=name), args=args, keywords=[]) if name in _CALLED:
            try:
                found = _CALLED[name](*(_value(one, names) for one in args))
            except TypeError:
                raise Unclear(f"{name} takes other arguments") from None
        case _:
            raise Unclear("is no arithmetic")
    if abs(found) > MOST or found != found:
        raise Unclear("is too large")
    return found
