"""In which order blocks are run, so that threads that went apart meet again.

No block comes before one that may still lead to it, but for the head of a loop, and a loop's
blocks come together, before what follows it: the weak topological order of Bourdoncle, Efficient
chaotic iteration strategies with widenings, 1993. The text's own order will not do: compilers put
what is rarely run at a function's end.
"""

from collections.abc import Iterator, Sequence


def order(leads_to: Sequence[Sequence[int]]) -> list[int]:
    """The numbers of blocks, where block n leads to those of `leads_to[n]`.

    Where several blocks of a loop lead back to its head h, ~h stands for the loop's end: threads
    that go back wait there for those that are still in the loop.
    """
    found: list[int] = []
    todo = [list(range(len(leads_to)))]
    while todo:
        some = todo.pop()
        if len(some) == 1:
            found += some
            continue
        for head, *others in _components(some, leads_to):
            if others:
                if sum(head in leads_to[block] for block in (head, *others)) > 1:
                    todo.append([~head])
                todo.append(others)
            todo.append([head])
    return found


def _components(some: list[int], leads_to: Sequence[Sequence[int]]) -> Iterator[list[int]]:
    """Blocks that all lead to each other, as lists that begin with the one that is come to first;
    those that lead nowhere else come first (Tarjan, Depth-first search and linear graph
    algorithms, 1972)."""
    inside, number, low = set(some), dict[int, int](), dict[int, int]()
    waiting: list[int] = []
    path: list[tuple[int, Iterator[int]]] = []

    def enter(block: int) -> None:
        number[block] = low[block] = len(number)
        waiting.append(block)
        # The last in the text is looked at first, and so comes last where the order is free.
        path.append((block, iter(sorted(inside.intersection(leads_to[block]), reverse=True))))

    for start in some:
        if start not in number:
            enter(start)
        while path:
            block, after = path[-1]
            for other in after:
                if other not in number:
                    enter(other)
                    break
                if other in low:
                    low[block] = min(low[block], number[other])
            else:
                path.pop()
                if path:
                    low[path[-1][0]] = min(low[path[-1][0]], low[block])
                if low[block] == number[block]:
                    together: list[int] = []
                    while block in low:
                        together.append(waiting.pop())
                        del low[together[-1]]
                    yield together[::-1]
