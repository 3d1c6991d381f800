"""What each thread does in one event."""

from collections import Counter

import numpy as np
from hypothesis import given

from tests.strategies import RAGGED, SEED, schedules
from tiling.expand import expand_copy, expand_exchange, expand_fragments, expand_store
from tiling.layout import shared_layout
from tiling.schedule import Copy, Exchange, Fragments, Store, schedule
from tiling.shapes import Gemm, Tiling


def copies(plan):
    return [(e, expand_copy(plan, e)) for e in plan.events if isinstance(e, Copy)]


def test_six_threads_load_three_elements_of_A_and_three_load_two():
    loads = Counter(expand_copy(SEED, Copy("A", 0)).thread.tolist())
    assert [loads[t] for t in range(9)] == [3, 3, 3, 3, 3, 3, 2, 2, 2]


def test_neighbouring_threads_fetch_neighbouring_elements():
    """A's tile is 6×4: threads 0 to 3 fetch its first row, 4 to 7 its second."""
    fetched = expand_copy(SEED, Copy("A", 1))
    assert fetched.thread[:9].tolist() == list(range(9))
    assert fetched.row[:9].tolist() == [6, 6, 6, 6, 7, 7, 7, 7, 8]
    assert fetched.col[:9].tolist() == [4, 5, 6, 7, 4, 5, 6, 7, 4]
    assert fetched.word[:9].tolist() == [0, 6, 12, 18, 1, 7, 13, 19, 2]  # transposed


@given(schedules())
def test_a_copy_takes_each_element_of_its_tile_once_to_its_own_word(plan):
    for event, found in copies(plan):
        row, col = plan.origin(event.operand, event.k_tile)
        rows, cols = plan.tiling.tile_shape(event.operand)
        tile = shared_layout(plan.tiling, event.stage)[event.operand]
        elements = set(zip(found.row.tolist(), found.col.tolist(), strict=True))
        assert elements == {(row + i, col + j) for i in range(rows) for j in range(cols)}
        assert found.word.size == len(set(found.word.tolist())) == rows * cols
        i, j = found.row - row, found.col - col
        want = tile.word(j, i) if event.operand == "A" else tile.word(i, j)
        assert (found.word == want).all()


@given(schedules())
def test_a_thread_copies_whole_vectors_and_no_thread_much_more_than_another(plan):
    for event, found in copies(plan):
        vector = 1 if plan.tiling.stages > 1 and event.operand == "A" else plan.tiling.vector
        groups = found.thread.reshape(-1, vector)
        assert (groups == groups[:, :1]).all()
        assert (np.diff(found.col.reshape(-1, vector), axis=1) == 1).all()
        assert len(set(found.row.reshape(-1, vector)[0])) == 1
        loads = np.bincount(found.thread, minlength=plan.tiling.threads)
        assert len(loads) == plan.tiling.threads and np.ptp(loads) <= vector


@given(schedules())
def test_predicates_are_true_exactly_inside_the_matrix(plan):
    store = expand_store(plan)
    found = [(e.operand, accesses) for e, accesses in copies(plan)] + [("C", store)]
    fragment = Fragments(plan.k_tiles - 1, plan.tiling.bk - 1)
    found += expand_fragments(plan, fragment).items()
    for operand, accesses in found:
        rows, cols = plan.gemm.shape(operand)
        places = zip(accesses.row.flat, accesses.col.flat, accesses.predicate.flat, strict=True)
        assert all(on == (r in range(rows) and c in range(cols)) for r, c, on in places)


def test_the_corner_of_the_ragged_preset():
    """Its tile of A is 1 row by 2 of k inside; its tile of C 1 row by 5 columns."""
    assert expand_copy(RAGGED, Copy("A", 2)).predicate.sum() == 1 * 2
    assert expand_copy(RAGGED, Copy("B", 2)).predicate.sum() == 2 * 5
    assert expand_store(RAGGED).predicate.sum() == 1 * 5


@given(schedules())
def test_fragments_read_the_words_that_the_copies_wrote(plan):
    """A thread's fragment at k holds A[its rows, k] and B[k, its columns], found by the copies."""
    k_tile, k = plan.k_tiles - 1, plan.tiling.bk - 1
    store = expand_store(plan)
    at = k_tile * plan.tiling.bk + k
    for operand, read in expand_fragments(plan, Fragments(k_tile, k)).items():
        copied = expand_copy(plan, Copy(operand, k_tile))
        lies = dict(
            zip(copied.word.tolist(), zip(copied.row, copied.col, strict=True), strict=True)
        )
        for thread in range(plan.tiling.threads):
            held = [lies[word] for word in read.word[thread].tolist()]
            if operand == "A":
                assert held == [(row, at) for row in store.row[thread, :, 0]]
            else:
                assert held == [(at, col) for col in store.col[thread, 0, :]]
            assert held == list(zip(read.row[thread], read.col[thread], strict=True))


@given(schedules())
def test_the_stores_of_all_ctas_cover_C_exactly_once(plan):
    stored = np.zeros(plan.gemm.shape("C"), int)
    for cta in np.ndindex(plan.grid):
        store = expand_store(plan.at(cta))
        np.add.at(stored, (store.row[store.predicate], store.col[store.predicate]), 1)
    assert (stored == 1).all()


@given(schedules())
def test_a_store_numbers_accumulators_row_by_row(plan):
    store, tiling = expand_store(plan), plan.tiling
    assert store.word.shape == (tiling.threads, tiling.tm, tiling.tn)
    assert (store.word == np.arange(tiling.tm * tiling.tn).reshape(tiling.tm, tiling.tn)).all()
    if not tiling.split:
        assert (np.diff(store.row, axis=1) == 1).all() and (np.diff(store.col, axis=2) == 1).all()


@given(schedules())
def test_a_store_through_shared_memory_is_of_what_was_exchanged(plan):
    """Round by round, and neighbouring threads store neighbouring columns."""
    direct = expand_store(plan)
    seen = set()
    for row in range(plan.tiling.tm):
        wrote, store = expand_exchange(plan, Exchange(row)), expand_store(plan, Store(row))
        assert (wrote.row == direct.row[:, row]).all() and (wrote.col == direct.col[:, row]).all()
        lies = dict(
            zip(wrote.word.flat, zip(wrote.row.flat, wrote.col.flat, strict=True), strict=True)
        )
        assert len(lies) == wrote.word.size == store.word.size
        assert max(lies) < plan.tiling.shared_words or not plan.tiling.shared_store
        places = list(zip(store.row, store.col, strict=True))
        assert [lies[word] for word in store.word] == places
        assert (store.thread == np.arange(store.thread.size) % plan.tiling.threads).all()
        same_row = np.diff(store.row) == 0
        assert (np.diff(store.col)[same_row] == 1).all()
        seen |= set(places)
    assert len(seen) == plan.tiling.bm * plan.tiling.bn


def test_one_thread_does_everything_in_a_tile_of_its_own():
    plan = schedule(Gemm(3, 3, 3), Tiling(3, 3, 3, 3, 3))
    assert set(expand_copy(plan, Copy("A", 0)).thread.tolist()) == {0}
