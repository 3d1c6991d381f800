"""What the C++ of a file says of its kernels: the parameters they have, and structs among them.

The text is parsed by tree-sitter's grammar of CUDA, so nothing of it is run.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from tiling.faults import Missing

if TYPE_CHECKING:
    from tree_sitter import Node


@dataclass(frozen=True)
class Declared:
    """A parameter as it is written."""

    name: str
    type: str


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
            found = tuple(parameters(node))
            if len(found) == count and not any(" " in one.name for one in found):
                return found
    return ()


def parameters(function: Node) -> Iterator[Declared]:
    """Names and types of a function's parameters."""
    listed = function.child_by_field_name("parameters")
    for one in listed.named_children if listed else ():
        if one.type not in ("parameter_declaration", "optional_parameter_declaration"):
            continue
        name = name_of(one.child_by_field_name("declarator"))
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
                yield Declared(name_of(declarator), kind + pointer)


def name_of(node: Node | None) -> str:
    """The name that a declarator declares."""
    while node is not None and node.type not in ("identifier", "field_identifier"):
        inner = node.child_by_field_name("declarator")
        if inner is None:
            inner = next((c for c in node.named_children if "declarator" in c.type), None)
        if inner is None:
            inner = next((c for c in node.named_children if c.type == "identifier"), None)
        node = inner
    return said(node)
