"""Device functions put in the place of their calls, so that one body is left to run.

A parameter that a caller has filled is memory of the thread, and so is it in the function called:
`st.param`, `ld.param` there mean the same bytes.
"""

import re
from dataclasses import replace

from tiling.ptx.forms import refused
from tiling.ptx.syntax import NAME, Function, Instruction, Module, Refused, Variable

DEEPEST = 32
"""Calls within calls beyond which a function is held to call itself."""

MOST_INSTRUCTIONS = 2**16
"""Instructions of a body, called functions put in, beyond which it is not a kernel's."""

ASSERT = "__assertfail"
CALLS = ("call", "call.uni")


def inlined(module: Module, kernel: Function) -> Function:
    """The kernel without calls. Raises Refused for a call of what is not known."""
    if not any(one.opcode in CALLS for one in kernel.body):
        return kernel
    whole = replace(
        kernel,
        body=[],
        labels={},
        registers=dict(kernel.registers),
        variables=dict(kernel.variables),
        ranges=dict(kernel.ranges),
        targets={},
    )
    _put(module, kernel, whole, "", {}, None, 0)
    return whole


def _put(
    module: Module,
    function: Function,
    into: Function,
    suffix: str,
    given: dict[str, str],
    end: str | None,
    depth: int,
) -> None:
    """Append a function's body; names get the suffix, parameters the names that are given."""

    def own(name: str) -> str:
        if name in given:
            return given[name]
        local = (
            name in function.labels
            or name in function.variables
            or function.type_of(name) is not None
        )
        return name + suffix if local and suffix else name

    def renamed(operand: str) -> str:
        return re.sub(rf"{NAME}(?:\.\d+\.\d+)?", lambda found: own(found[0]), operand)

    if suffix:
        for name in _registers(function):
            into.registers[name + suffix] = function.type_of(name) or ""
        for name, variable in function.variables.items():
            if variable.space not in ("local", "param"):
                why = f"{variable.space} memory declared in a function that is called is not known"
                raise Refused(why, variable.line, name)
            into.variables[name + suffix] = variable._replace(name=name + suffix)
    places: dict[int, list[str]] = {}
    for label, place in function.labels.items():
        places.setdefault(place, []).append(label)
    for label, names in function.targets.items():
        into.targets[own(label)] = tuple(map(own, names))
    for place, one in enumerate(function.body):
        for label in places.get(place, ()):
            into.labels[own(label)] = len(into.body)
        guard = one.guard and ("!" if one.guard[0] == "!" else "") + own(one.guard.lstrip("!"))
        moved = one._replace(guard=guard, operands=tuple(map(renamed, one.operands)))
        if one.opcode in CALLS:
            _call(module, into, moved, depth)
        elif one.opcode in ("ret", "ret.uni") and end is not None:
            into.body.append(moved._replace(opcode="bra", operands=(end,)))
        else:
            into.body.append(moved)
        if len(into.body) > MOST_INSTRUCTIONS:
            raise refused(one, f"more than {MOST_INSTRUCTIONS} instructions with all calls put in")
    for label in places.get(len(function.body), ()):
        into.labels[own(label)] = len(into.body)


def _registers(function: Function) -> set[str]:
    """Registers that the body mentions."""
    found: set[str] = set()
    for one in function.body:
        for text in (one.guard, *one.operands):
            found |= set(re.findall(rf"{NAME}(?:\.\d+\.\d+)?", text))
    return {name for name in found if function.type_of(name) is not None}


def _call(module: Module, into: Function, call: Instruction, depth: int) -> None:
    """Put in the function that is called: `call (result), name, (parameters)`."""
    operands = list(call.operands)
    results = operands.pop(0)[1:-1].split(",") if operands and operands[0].startswith("(") else []
    name = operands.pop(0) if operands else ""
    given = operands.pop(0)[1:-1].split(",") if operands else []
    function = module.functions.get(name)
    if name == ASSERT:
        into.body.append(call._replace(opcode="trap", operands=()))
        return
    if function is None or not function.body:
        raise refused(call, f"calls {name or 'nothing'}, which is not in this text")
    if depth >= DEEPEST:
        raise refused(call, "calls within calls without end")
    results, given = [r for r in results if r], [g for g in given if g]
    if len(results) != len(function.results) or len(given) != len(function.params):
        raise refused(call, f"{name} has other parameters")
    suffix = f".{len(into.body)}.{depth}"
    end = f"$end{suffix}"
    formal: list[Variable] = [*function.results, *function.params]
    names = dict(zip((v.name for v in formal), [*results, *given], strict=True))
    into.body.extend(_skip(call, end))
    _put(module, function, into, suffix, names, end, depth + 1)
    into.labels[end] = len(into.body)


def _skip(call: Instruction, end: str) -> list[Instruction]:
    """Threads whose guard does not hold go past the call."""
    if not call.guard:
        return []
    guard = call.guard[1:] if call.guard[0] == "!" else "!" + call.guard
    return [call._replace(opcode="bra", operands=(end,), guard=guard)]
