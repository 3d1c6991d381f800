"""How long the rows of a kernel's shared arrays are, as its source has it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tiling.reading.expressions import Unclear
from tiling.reading.scope import SIZES, Names, everywhere, learn, number, told
from tiling.reading.source import name_of, parsed, said, walk

if TYPE_CHECKING:
    from tree_sitter import Node


def row_length(text: str, kernel: str, array: str, template: tuple[str, ...]) -> tuple[int, int]:
    """(elements of a row, bytes of an element) of a shared array of a kernel: the last of several
    dimensions, or of one what its rows' numbers are multiplied by where it is used. (0, 0) where
    that is not to be seen."""
    body = _body(text, kernel, template)
    if body is None:
        return 0, 0
    function, names = body
    for one in walk(function):
        if one.type == "array_declarator" and name_of(one) == array:
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
    root = parsed(text)
    whole = everywhere(root)
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
                name = name_of(one.child_by_field_name("declarator")) or said(one).split()[-1]
                if given.isdecimal():
                    names.values[name] = _expression(given)
        inside = node.child_by_field_name("body")
        for statement in inside.named_children if inside is not None else ():
            learn(statement, names)
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
