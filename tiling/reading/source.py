"""What the C++ of a file says beside its kernels' code: signatures, and launches in host code.

The text is parsed by tree-sitter's grammar of CUDA, so nothing of it is run. What it says of sizes
is told as arithmetic (`expressions`) in which each name of the host code stands for what the
kernel's parameter is, or for the value that it was given.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

from tiling.faults import Missing
from tiling.reading.expressions import Unclear, value

if TYPE_CHECKING:
    from tree_sitter import Node

SIZES = {"float": 4, "double": 8, "half": 2, "__half": 2, "int": 4, "float4": 16, "char": 1}
SIZES |= {"unsigned": 4, "half2": 4, "__half2": 4, "float2": 8, "__nv_bfloat16": 2, "int4": 16}
"""Bytes of the types that host code asks the size of."""

DEEPEST = 20
"""Names for names, and calls in calls, beyond which an expression is left alone."""


@dataclass(frozen=True)
class Declared:
    """A parameter as it is written."""

    name: str
    type: str


@dataclass(frozen=True)
class Launched:
    """One `kernel<<<grid, block, shared>>>(arguments)`, nothing put in.

    around   what the names in it stand for, as far as the text before it says
    """

    template: tuple[Node, ...]
    grid: Node
    block: Node
    shared: Node | None
    arguments: tuple[Node, ...]
    around: Names


@dataclass
class Names:
    """Names and what they stand for: an expression, or what has parts (`dim3`).

    values     of variables, the last assignment before the launch
    functions  of one `return`, with their parameters
    """

    values: dict[str, Node] = field(default_factory=dict)
    functions: dict[str, tuple[list[str], Node]] = field(default_factory=dict)


@lru_cache(maxsize=32)
def parsed(text: str) -> Node:
    """The tree of a text. Raises Missing without the parser."""
    try:
        import tree_sitter_cuda
        from tree_sitter import Language, Parser
    except ImportError:
        raise Missing("no parser of CUDA here: pip install 'tilelapse[kernel]'") from None
    text = re.sub(r"__attribute__\(\((global|shared|device|host)\)\)", r"__\1__", text)
    text = re.sub(r"__attribute__\(\(launch_bounds\(", "__launch_bounds__((", text)
    tree = Parser(Language(tree_sitter_cuda.language())).parse(text.encode())
    return tree.root_node


def said(node: Node | None) -> str:
    return (node.text or b"").decode("utf-8", "replace") if node is not None else ""


def walk(node: Node) -> Iterator[Node]:
    todo = [node]
    while todo:
        one = todo.pop()
        yield one
        todo += reversed(one.children)


def signature(text: str, kernel: str, count: int) -> tuple[Declared, ...]:
    """The parameters of a kernel that has so many, or () where they are not found."""
    if not text:
        return ()
    for node in walk(parsed(text)):
        if (
            node.type == "function_declarator"
            and said(node.child_by_field_name("declarator")) == kernel
        ):
            found = tuple(_parameters(node))
            if len(found) == count and not any(" " in one.name for one in found):
                return found
    return ()


def _parameters(function: Node) -> Iterator[Declared]:
    """Names and types of a function's parameters."""
    listed = function.child_by_field_name("parameters")
    for one in listed.named_children if listed else ():
        if one.type not in ("parameter_declaration", "optional_parameter_declaration"):
            continue
        name = _name(one.child_by_field_name("declarator"))
        whole = said(one).partition("=")[0]
        type_ = re.sub(rf"\b{re.escape(name)}\b(?!.*\b{re.escape(name)}\b)", "", whole, flags=re.S)
        yield Declared(name, " ".join(type_.replace("[]", "*").split()))


def struct_fields(text: str, name: str) -> tuple[Declared, ...]:
    """The fields of a struct of this name, in order; () where it is not found."""
    if not text or not re.fullmatch(r"[A-Za-z_]\w*", name):
        return ()
    for node in walk(parsed(text)):
        if node.type != "struct_specifier" or (body := node.child_by_field_name("body")) is None:
            continue
        called = [said(node.child_by_field_name("name"))]
        if node.parent is not None and node.parent.type == "type_definition":
            called += map(said, node.parent.children_by_field_name("declarator"))
        if name in called:
            return tuple(_fields(body))
    return ()


def _fields(body: Node) -> Iterator[Declared]:
    for one in body.named_children:
        if one.type == "field_declaration":
            kind = said(one.child_by_field_name("type"))
            for declarator in one.children_by_field_name("declarator"):
                pointer = "*" if declarator.type == "pointer_declarator" else ""
                yield Declared(_name(declarator), kind + pointer)


def _name(node: Node | None) -> str:
    """The name that a declarator declares."""
    while node is not None and node.type not in ("identifier", "field_identifier"):
        inner = node.child_by_field_name("declarator")
        if inner is None:
            inner = next((c for c in node.named_children if "declarator" in c.type), None)
        if inner is None:
            inner = next((c for c in node.named_children if c.type == "identifier"), None)
        node = inner
    return said(node)


def launches(text: str, kernel: str) -> list[Launched]:
    """The launches of a kernel in host code, in the text's order."""
    found: list[Launched] = []
    if not text or "<<<" not in text:
        return found
    root = parsed(text)
    whole = Names()
    for node in root.named_children:
        _learn(node, whole)
    for node in walk(root):
        if node.type == "call_expression" and (launch := _launch(node, kernel, whole)):
            found.append(launch)
    return found


def _launch(call: Node, kernel: str, whole: Names) -> Launched | None:
    syntax = next((c for c in call.children if c.type == "kernel_call_syntax"), None)
    function = call.child_by_field_name("function")
    listed = call.child_by_field_name("arguments")
    if syntax is None or function is None or listed is None:
        return None
    name, template = said(function), tuple["Node", ...]()
    if inner := next((n for n in walk(function) if n.type == "template_function"), None):
        name = said(inner.child_by_field_name("name"))
        given = inner.child_by_field_name("arguments")
        template = tuple(given.named_children) if given else ()
    if name.rpartition("::")[2] != kernel or len(syntax.named_children) < 2:
        return None
    shape = syntax.named_children
    shared = shape[2] if len(shape) > 2 else None
    return Launched(
        template, shape[0], shape[1], shared, tuple(listed.named_children), _around(call, whole)
    )


def _around(call: Node, whole: Names) -> Names:
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
                _learn(one, names)
    return names


def _learn(statement: Node, names: Names) -> None:
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
            _learn(one, names)


def _declare(one: Node, names: Names) -> None:
    if one.type == "init_declarator":
        value_ = one.child_by_field_name("value")
        if value_ is not None:
            names.values[_name(one)] = value_
    elif one.type == "function_declarator":  # dim3 block(TILE, TILE) might be a function's
        inside = said(one.child_by_field_name("parameters"))
        call = next(
            (n for n in walk(parsed(f"int _ = dim3{inside};")) if n.type == "argument_list"), None
        )
        if call is not None:
            names.values[_name(one)] = call


def _function(function: Node, names: Names) -> None:
    body = function.child_by_field_name("body")
    head = function.child_by_field_name("declarator")
    while head is not None and head.type != "function_declarator":
        head = head.child_by_field_name("declarator")
    statements = body.named_children if body is not None else []
    if head is None or len(statements) != 1 or statements[0].type != "return_statement":
        return
    if returned := statements[0].named_children:
        parameters = [one.name for one in _parameters(head)]
        names.functions[said(head.child_by_field_name("declarator"))] = parameters, returned[0]


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


def row_length(text: str, kernel: str, array: str, template: tuple[str, ...]) -> tuple[int, int]:
    """(elements of a row, bytes of an element) of a shared array of a kernel: the last of several
    dimensions, or of one what its rows' numbers are multiplied by where it is used. (0, 0) where
    that is not to be seen."""
    body = _body(text, kernel, template)
    if body is None:
        return 0, 0
    function, names = body
    for one in walk(function):
        if one.type == "array_declarator" and _name(one) == array:
            parent = one.parent
            if parent is not None and parent.type == "array_declarator":
                continue
            size = _bytes_of(one)
            inner = one.child_by_field_name("declarator")
            if inner is not None and inner.type == "array_declarator":
                return _whole(one.child_by_field_name("size"), names), size
            return _multiplier(function, array, names), size
    return 0, 0


def _body(text: str, kernel: str, template: tuple[str, ...]) -> tuple[Node, Names] | None:
    """A kernel's definition, and what names stand for in it: its template's arguments too."""
    if not text:
        return None
    whole = Names()
    root = parsed(text)
    for node in root.named_children:
        _learn(node, whole)
    for node in walk(root):
        if node.type != "function_definition":
            continue
        head = next((n for n in walk(node) if n.type == "function_declarator"), None)
        if head is None or said(head.child_by_field_name("declarator")) != kernel:
            continue
        names = Names(dict(whole.values), dict(whole.functions))
        outer = node.parent
        if outer is not None and outer.type == "template_declaration":
            listed = outer.child_by_field_name("parameters")
            for one, given in zip(listed.named_children if listed else (), template, strict=False):
                name = _name(one.child_by_field_name("declarator")) or said(one).split()[-1]
                if given.isdecimal():
                    names.values[name] = _expression(given)
        inside = node.child_by_field_name("body")
        for statement in inside.named_children if inside is not None else ():
            _learn(statement, names)
        return node, names
    return None


def _expression(text: str) -> Node:
    tree = parsed(f"int _ = {text};")
    return next(n for n in walk(tree) if n.type == "number_literal")


def _whole(node: Node | None, names: Names) -> int:
    try:
        found = number(told(node, names, {})) if node is not None else None
    except Unclear:
        return 0
    return found or 0


def _bytes_of(declarator: Node) -> int:
    """Of an element of a declared array."""
    node: Node | None = declarator
    while node is not None and node.type not in ("declaration", "field_declaration"):
        node = node.parent
    kind = said(node.child_by_field_name("type")) if node is not None else ""
    return SIZES.get(kind, 0)


def _multiplier(function: Node, array: str, names: Names) -> int:
    """What is most often multiplied in an array's index, and added to something."""
    found: dict[int, int] = {}
    for one in walk(function):
        if one.type != "subscript_expression" or said(one.child_by_field_name("argument")) != array:
            continue
        for part in walk(one):
            if (
                part.type == "binary_expression"
                and said(part.child_by_field_name("operator")) == "*"
            ):
                sides = part.child_by_field_name("left"), part.child_by_field_name("right")
                for size in (_whole(side, names) for side in sides):
                    found[size] = found.get(size, 0) + (size > 1)
    return max(found, key=lambda size: (found[size], size), default=0)


def number(text: str) -> int | None:
    """The value of arithmetic in which no name is left, or None."""
    try:
        return int(value(text, {}))
    except Unclear:
        return None
