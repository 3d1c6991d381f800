"""Launches of a kernel in the host code of its own file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tiling.reading.scope import Names, around, everywhere
from tiling.reading.source import parsed, said, walk

if TYPE_CHECKING:
    from tree_sitter import Node


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


def launches(text: str, kernel: str) -> list[Launched]:
    """The launches of a kernel in host code, in the text's order."""
    found: list[Launched] = []
    if not text or "<<<" not in text:
        return found
    root = parsed(text)
    whole = everywhere(root)
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
        template, shape[0], shape[1], shared, tuple(listed.named_children), around(call, whole)
    )
