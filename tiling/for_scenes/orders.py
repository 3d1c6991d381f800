"""Lanes numbered down the columns, as no schedule does: to be counted beside its own order."""

from collections.abc import Sequence
from typing import Literal

import numpy as np

from tiling.expand import Accesses, by_value, copy_map, fragment_words, place, place_fragments
from tiling.layout import Arrangement, Operand, arrangement, shared_layout
from tiling.schedule import Copy, Fragments, Schedule

Order = Literal["rows", "columns"]
"""Lanes along the rows of a tile, as schedules number them, or down its columns."""

ORDERS: tuple[Order, Order] = ("rows", "columns")


def copy_down_columns(schedule: Schedule, event: Copy) -> Accesses:
    """A copy whose groups of neighbours are numbered down the columns of the tile, as
    `expand_copy` gives it: arrays (elements,)."""
    tiling, operand = schedule.tiling, event.operand
    (rows, cols), size = tiling.tile_shape(operand), tiling.request(operand)
    element = np.arange(rows * cols)
    group, thread = element // size, copy_map(tiling, operand)[0]
    row, col = group % rows, group // rows * size + element % size
    tile = shared_layout(tiling, event.stage)[operand]
    word = tile.word(col, row) if operand == "A" else tile.word(row, col)
    return place(schedule, operand, event.k_tile, thread, row, col, word)


def values_down_columns(
    schedule: Schedule, events: Sequence[Fragments], operand: Operand
) -> Accesses:
    """Fragments from global memory, threads numbered down the columns of C, warps and lanes alike;
    as `expand_values` gives them: arrays (values of all events, threads)."""
    tiling = schedule.tiling
    axes, thread = arrangement(tiling), np.arange(tiling.threads)[:, None]
    col, row = Arrangement(axes.cols, axes.rows).position(thread)
    rows, cols = axes.rows.at(row, np.arange(tiling.tm)), axes.cols.at(col, np.arange(tiling.tn))
    words = fragment_words(tiling, 0)  # none: it is for tilings without shared memory
    reads = (place_fragments(schedule, event, rows, cols, words)[operand] for event in events)
    return by_value(list(reads))
