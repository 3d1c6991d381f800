"""Names of C++ and what they stand for, told as arithmetic (`expressions`): in it each name of the
host code is what the kernel's parameter is, or the value that it was given."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tiling.reading.expressions import Unclear, value
from tiling.reading.source import name_of, parameters, parsed, said, walk

if TYPE_CHECKING:
    from tree_sitter import Node

SIZES = {"float": 4, "double": 8, "half": 2, "__half": 2, "int": 4, "float4": 16, "char": 1}
SIZES |= {"unsigned": 4, "half2": 4, "__half2": 4, "float2": 8, "__nv_bfloat16": 2, "int4": 16}
"""Bytes of the types that host code asks the size of."""

DEEPEST = 20
"""Names for names, and calls in calls, beyond which an expression is left alone."""


@dataclass
class Names:
    """Names and what they stand for: an expression, or what has parts (`dim3`).

    values     of variables, the last assignment before the launch
    functions  of one `return`, with their parameters
    """

    values: dict[str, Node] = field(default_factory=dict)
    functions: dict[str, tuple[list[str], Node]] = field(default_factory=dict)


def everywhere(root: Node) -> Names:
    """What a text says outside of functions."""
    names = Names()
    for node in root.named_children:
        learn(node, names)
    return names


def around(call: Node, whole: Names) -> Names:
    """What names stand for at a place: what was said in the blocks around it, before it."""
    names = Names(dict(whole.values), dict(whole.functions))
    path, node = [], call
    while node.parent is not None:
        path.append((node.parent, node))
        node = node.parent
    for parent, inside in reversed(path):
        if parent.type in ("compound_statement", "function_definition", "for_statement"):
            for one in parent.named_children:
                if one.start_byte >= inside.start_byte:
                    break
                learn(one, names)
    return names


def learn(statement: Node, names: Names) -> None:
    """Take in a declaration, an assignment or a small function."""
    if statement.type == "declaration":
        for one in statement.children_by_field_name("declarator"):
            _declare(one, names)
    elif statement.type == "expression_statement":
        for one in statement.named_children:
            if (
                one.type == "assignment_expression"
                and said(one.child_by_field_name("operator")) == "="
            ):
                right = one.child_by_field_name("right")
                if right is not None:
                    names.values[said(one.child_by_field_name("left"))] = right
    elif statement.type in ("function_definition", "template_declaration"):
        for one in walk(statement):
            if one.type == "function_definition":
                _function(one, names)
    elif statement.type in ("linkage_specification", "namespace_definition", "declaration_list"):
        for one in statement.named_children:
            learn(one, names)


def _declare(one: Node, names: Names) -> None:
    if one.type == "init_declarator":
        value_ = one.child_by_field_name("value")
        if value_ is not None:
            names.values[name_of(one)] = value_
    elif one.type == "function_declarator":  # dim3 block(TILE, TILE) might be a function's
        inside = said(one.child_by_field_name("parameters"))
        call = next(
            (n for n in walk(parsed(f"int _ = dim3{inside};")) if n.type == "argument_list"), None
        )
        if call is not None:
            names.values[name_of(one)] = call


def _function(function: Node, names: Names) -> None:
    body = function.child_by_field_name("body")
    head = function.child_by_field_name("declarator")
    while head is not None and head.type != "function_declarator":
        head = head.child_by_field_name("declarator")
    statements = body.named_children if body is not None else []
    if head is None or len(statements) != 1 or statements[0].type != "return_statement":
        return
    if returned := statements[0].named_children:
        takes = [one.name for one in parameters(head)]
        names.functions[said(head.child_by_field_name("declarator"))] = takes, returned[0]


def parts(node: Node | None, names: Names, given: Mapping[str, str], deep: int = 0) -> list[str]:
    """The dimensions of a grid or block, as arithmetic. Raises Unclear."""
    if node is None or deep > DEEPEST:
        raise Unclear("is not said")
    if node.type in ("argument_list", "initializer_list"):
        inside = [one for one in node.named_children if one.type != "comment"]
        return [bare(told(one, names, given)) for one in inside]
    if node.type == "call_expression" and said(node.child_by_field_name("function")) == "dim3":
        return parts(node.child_by_field_name("arguments"), names, given, deep + 1)
    if node.type == "compound_literal_expression":
        return parts(node.child_by_field_name("value"), names, given, deep + 1)
    name = said(node)
    axes = [names.values.get(f"{name}.{axis}") for axis in "xyz"]
    found = None
    if node.type == "identifier" and name in names.values:
        found = parts(names.values[name], names, given, deep + 1)
    if any(axes):
        start = [*(found or []), "1", "1", "1"][:3]
        pairs = zip(axes, start, strict=True)
        return [bare(told(a, names, given)) if a else one for a, one in pairs]
    return found or [bare(told(node, names, given))]


def bare(text: str) -> str:
    """Arithmetic without brackets around the whole."""
    depth = 0
    for at, one in enumerate(text):
        depth += (one == "(") - (one == ")")
        if not depth and at < len(text) - 1:
            return text
    return bare(text[1:-1]) if text.startswith("(") else text


def told(node: Node, names: Names, given: Mapping[str, str], deep: int = 0) -> str:
    """An expression of C++ as arithmetic, names of `given` as they are there. Raises Unclear."""
    if deep > DEEPEST:
        raise Unclear("goes too deep")

    def inner(field_: str) -> str:
        one = node.child_by_field_name(field_)
        if one is None:
            raise Unclear("is not said")
        return told(one, names, given, deep + 1)

    match node.type:
        case "number_literal":
            return _literal(said(node))
        case "true" | "false":
            return "1" if node.type == "true" else "0"
        case "identifier" | "field_expression" | "qualified_identifier" | "type_identifier":
            name = said(node)
            if name in given:
                return given[name]
            if name in names.values:
                return told(names.values[name], names, given, deep + 1)
            whole, _, axis = name.rpartition(".")
            if whole in names.values and axis in ("x", "y", "z"):
                found = [*parts(names.values[whole], names, given, deep + 1), "1", "1"]
                one = found["xyz".index(axis)]
                return one if re.fullmatch(r"\w+", one) else f"({one})"
            raise Unclear(f"{name} is not said")
        case "parenthesized_expression" | "initializer_list" | "type_descriptor":
            if len(node.named_children) != 1:
                raise Unclear("is no number")
            return told(node.named_children[0], names, given, deep + 1)
        case "binary_expression":
            operator = said(node.child_by_field_name("operator"))
            return f"({inner('left')} {operator} {inner('right')})"
        case "unary_expression":
            return f"({said(node.child_by_field_name('operator'))}{inner('argument')})"
        case "conditional_expression":
            return f"select({inner('condition')}, {inner('consequence')}, {inner('alternative')})"
        case "cast_expression":
            return _as(said(node.child_by_field_name("type")), inner("value"))
        case "sizeof_expression":
            size = SIZES.get(
                said(node.named_children[0]).strip("() ") if node.named_children else ""
            )
            if size is None:
                raise Unclear("has an unknown type")
            return str(size)
        case "call_expression":
            return _call(node, names, given, deep)
    raise Unclear(f"is {node.type.replace('_', ' ')}")


def _literal(text: str) -> str:
    text = text.replace("'", "")
    bare = text if text[:2] in ("0x", "0X") else text.rstrip("fF")
    bare = bare.rstrip("uUlLzZ")
    if bare.endswith("."):
        bare += "0"
    try:
        return str(int(bare, 0)) if re.fullmatch(r"\w+", bare) else str(float(bare))
    except ValueError:
        raise Unclear("is no number") from None


def _as(type_: str, text: str) -> str:
    return f"float({text})" if type_ in ("float", "double") else f"int({text})"


def _call(node: Node, names: Names, given: Mapping[str, str], deep: int) -> str:
    function, listed = node.child_by_field_name("function"), node.child_by_field_name("arguments")
    if function is None or listed is None:
        raise Unclear("is not said")
    name = said(function).removeprefix("std::")
    args = [told(one, names, given, deep + 1) for one in listed.named_children]
    if (cast := re.fullmatch(r"static_cast<(.*)>", name)) and len(args) == 1:
        return _as(cast[1].strip(), args[0])
    if name in ("int", "float", "double", "unsigned", "size_t") and len(args) == 1:
        return _as(name, args[0])
    if re.fullmatch(r"ceilf?|floorf?|sqrtf?|min|max", name.partition("<")[0]):
        return f"{name.partition('<')[0].removesuffix('f')}({', '.join(args)})"
    parameters, returned = names.functions.get(
        name.rpartition("::")[2].partition("<")[0], ([], None)
    )
    if returned is None or len(parameters) != len(args):
        raise Unclear(f"{name} is not known")
    inside = dict(given) | dict(zip(parameters, args, strict=True))
    return told(returned, names, inside, deep + 1)


def number(text: str) -> int | None:
    """The value of arithmetic in which no name is left, or None."""
    try:
        return int(value(text, {}))
    except Unclear:
        return None
