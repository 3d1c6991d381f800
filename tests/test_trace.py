"""The trace has one record for every access, in each thread's own order."""

from collections import Counter

import numpy as np
from hypothesis import given

from tests.strategies import RAGGED, SEED, schedules
from tiling.expand import expand_copy, expand_fragments, expand_store
from tiling.schedule import (
    Barrier,
    Commit,
    Copy,
    Exchange,
    Fragments,
    OuterProduct,
    Store,
    Wait,
    schedule,
)
from tiling.shapes import Gemm, Tiling
from tiling.trace import Action, trace


def walk(m, n, k, bm, bn, bk, tm, tn, cta):
    """What a kernel would do, written as one: thread by thread, index by index."""
    records = []
    threads = bm // tm * (bn // tn)
    for thread in range(threads):
        step = epoch = 0

        def record(action, word, index, thread=thread):
            records.append((thread, step, action, word, index))  # noqa: B023

        first_row, first_col = thread // (bn // tn) * tm, thread % (bn // tn) * tn
        for k0 in range(0, k, bk):
            if k0 > 0:
                record(Action.BARRIER, -1, epoch)
                epoch, step = epoch + 1, step + 1
            for element in range(thread, bm * bk, threads):
                i, j = divmod(element, bk)
                row, col = cta[0] * bm + i, k0 + j
                inside = row < m and col < k
                record(Action.COPY_A, j * bm + i, row * k + col if inside else -1)
            step += 1
            for element in range(thread, bk * bn, threads):
                i, j = divmod(element, bn)
                row, col = k0 + i, cta[1] * bn + j
                inside = row < k and col < n
                record(Action.COPY_B, bk * bm + i * bn + j, row * n + col if inside else -1)
            step += 1
            record(Action.BARRIER, -1, epoch)
            epoch, step = epoch + 1, step + 1
            for kk in range(bk):
                for i in range(first_row, first_row + tm):
                    row, col = cta[0] * bm + i, k0 + kk
                    inside = row < m and col < k
                    record(Action.READ_A, kk * bm + i, row * k + col if inside else -1)
                for j in range(first_col, first_col + tn):
                    row, col = k0 + kk, cta[1] * bn + j
                    inside = row < k and col < n
                    word = bk * bm + kk * bn + j
                    record(Action.READ_B, word, row * n + col if inside else -1)
                step += 1
                record(Action.OUTER_PRODUCT, -1, k0 + kk)
                step += 1
        for i in range(tm):
            for j in range(tn):
                row, col = cta[0] * bm + first_row + i, cta[1] * bn + first_col + j
                inside = row < m and col < n
                record(Action.STORE, i * tn + j, row * n + col if inside else -1)
    return records


def test_a_ragged_cta_word_for_word():
    for cta in (0, 0), (1, 1), (2, 1):
        found = trace(RAGGED.at(cta))
        assert found.tolist() == walk(13, 11, 10, 6, 6, 4, 2, 2, cta)


def test_narrow_thread_tiles_word_for_word():
    plan = schedule(Gemm(5, 7, 3), Tiling(4, 6, 2, 4, 3), (1, 1))
    assert trace(plan).tolist() == walk(5, 7, 3, 4, 6, 2, 4, 3, (1, 1))


@given(schedules())
def test_one_record_for_every_access(plan):
    threads = plan.tiling.threads
    want = Counter()
    for event in plan.events:
        if isinstance(event, Copy):
            want[f"COPY_{event.operand}"] += expand_copy(plan, event).word.size
        elif isinstance(event, Fragments):
            for operand, read in expand_fragments(plan, event).items():
                want[f"READ_{operand}"] += read.word.size
        elif isinstance(event, Barrier):
            want["BARRIER"] += threads
        elif isinstance(event, Exchange):
            want["EXCHANGE"] += threads * plan.tiling.tn
        elif isinstance(event, Store):
            name = "STORE" if event.row is None else "STORE_SHARED"
            want[name] += expand_store(plan, event).word.size
        else:
            names = {OuterProduct: "OUTER_PRODUCT", Commit: "COMMIT", Wait: "WAIT"}
            want[names[type(event)]] += threads
    assert Counter(Action(action).name for action in trace(plan)["action"]) == want


@given(schedules())
def test_threads_one_after_another_each_in_program_order(plan):
    found = trace(plan)
    assert (np.diff(found["thread"]) >= 0).all()
    same = np.diff(found["thread"]) == 0
    assert (np.diff(found["step"])[same] >= 0).all()
    assert set(found["thread"]) == set(range(plan.tiling.threads))


@given(schedules())
def test_what_a_thread_reads_is_what_lies_in_the_word(plan):
    """Play the records: the words hold indices, and every read finds the index it names."""
    found = trace(plan)
    words, epochs = {}, Counter()
    for step in range(len(plan.events)):
        for _, _, action, word, index in found[found["step"] == step].tolist():
            if action in (Action.COPY_A, Action.COPY_B):
                words[word] = index
            elif action in (Action.READ_A, Action.READ_B):
                assert words[word] == index
            elif action == Action.BARRIER:
                epochs[index] += 1
    assert all(many == plan.tiling.threads for many in epochs.values())


def test_the_seed_has_so_many_records():
    """9 threads: 3·48 copies, 5 barriers, 12 k of 4 reads and a product, 4 results."""
    assert len(trace(SEED)) == 3 * 48 + 9 * (5 + 12 * (4 + 1) + 4)
