"""Wavefronts of shared memory: against counts done by hand, and against a count lane by lane."""

from collections import defaultdict

import numpy as np
from hypothesis import given

from tests.strategies import SEED, SGEMM, schedules
from tiling.banks import (
    BankCost,
    copy_cost,
    cost,
    exchange_cost,
    exchanged_cost,
    read_cost,
    shared,
    write_cost,
)
from tiling.expand import expand_copy, expand_fragments
from tiling.layout import fragment_width
from tiling.presets import choose
from tiling.schedule import Copy, Fragments, Schedule


def test_the_rules_by_hand():
    lanes, one = np.arange(32), np.zeros(32, np.int64)

    def scalar(word) -> BankCost:
        return cost(one, lanes, word)

    assert scalar(lanes) == BankCost(1, 1, 1, 0)  # a bank each
    assert scalar(one) == BankCost(1, 1, 1, 31)  # one word for all
    assert scalar(2 * lanes) == BankCost(1, 1, 2, 0)  # every other bank, two words each
    assert scalar(32 * lanes) == BankCost(1, 1, 32, 0)  # all in bank 0
    assert scalar(33 * lanes) == BankCost(1, 1, 1, 0)  # padded
    assert scalar(lanes // 2) == BankCost(1, 1, 1, 16)  # pairs share
    assert cost(lanes, lanes, 32 * lanes).conflicts == 0  # each a request of its own
    assert scalar(32 * lanes).conflicts == 31


def test_the_rules_for_wide_accesses_by_hand():
    lane, word = np.indices((32, 4))

    def quads(first) -> BankCost:
        return cost(np.zeros(128, np.int64), lane.ravel(), (first + word).ravel(), 4)

    assert quads(4 * lane) == BankCost(1, 4, 4, 0)  # 8 lanes at a time, all 32 banks
    assert quads(0 * lane) == BankCost(1, 4, 4, 4 * 28)  # all the same 4 words, 4 times
    assert quads(8 * lane) == BankCost(1, 4, 8, 0)  # every other quad: 8 lanes in 16 banks
    assert quads(32 * lane).conflicts == 4 * 7
    lane, word = np.indices((32, 2))
    pairs = cost(np.zeros(64, np.int64), lane.ravel(), (2 * lane + word).ravel(), 2)
    assert pairs == BankCost(1, 2, 2, 0)  # half a warp at a time
    few = cost(np.zeros(8, np.int64), np.repeat([0, 1], 4), np.arange(8), 4)
    assert few == BankCost(1, 1, 1, 0)  # two lanes are in one quarter


def test_sgemm_by_hand():
    # As is transposed, 128 rows of A to each k. 32 lanes load 4 rows of A, 8 k each, so they write
    # words k·128 + row: for each of 4 rows 8 words of one bank, 8 wavefronts. 8 warps, 4 turns.
    tiling = SGEMM.tiling
    assert write_cost(tiling, "A") == BankCost(32, 32, 256, 0)
    # Bs keeps B's rows: 32 lanes write 32 neighbours.
    assert write_cost(tiling, "B") == BankCost(32, 32, 32, 0)
    # A warp is 2 rows of 16 threads, and reads 8 values a thread as two quads, 8 lanes at a time.
    # Of a 8 lanes read the same 4 words. 8 warps, 2 quads, 4 phases.
    assert read_cost(tiling, "A", 0) == BankCost(16, 64, 64, 64 * 28)
    # Of b each its own, 8 columns apart: 4 of the 8 quads of banks, 2 lanes in each.
    assert read_cost(tiling, "B", 0) == BankCost(16, 64, 128, 0)


def test_split_quads_by_hand():
    # The quads of neighbouring threads are neighbours: 8 lanes read 32 words side by side.
    tiling = choose("sgemm", None, {"split": True}).tiling
    assert read_cost(tiling, "A", 0) == BankCost(16, 64, 64, 64 * 28)
    assert read_cost(tiling, "B", 0) == BankCost(16, 64, 64, 0)
    # In a warp of 4 rows of 8 lanes a quarter is one row: nothing else changes.
    tiling = choose("sgemm", None, {"split": True, "warp": "32x64"}).tiling
    assert read_cost(tiling, "A", 0) == BankCost(16, 64, 64, 64 * 28)
    assert read_cost(tiling, "B", 0) == BankCost(16, 64, 64, 0)


def test_padding_by_hand():
    # With 132 words to each k: word k·132 + row lies in bank 4·k + row, of which there are 32.
    tiling = choose("sgemm", None, {"pad": "4"}).tiling
    assert write_cost(tiling, "A") == BankCost(32, 32, 32, 0)
    assert read_cost(tiling, "A", 3) == BankCost(16, 64, 64, 64 * 28)
    # One word of padding instead: bank k + row, 8 k and 4 rows make 11 banks, at most 4 in one. But
    # at k = 3 no quad begins at a multiple of its width: 8 reads of a word, 2 different in a warp.
    tiling = choose("sgemm", None, {"pad": "1"}).tiling
    assert write_cost(tiling, "A") == BankCost(32, 32, 128, 0)
    assert read_cost(tiling, "A", 3) == BankCost(64, 64, 64, 64 * 30)


def test_float4_loads_by_hand():
    # A thread loads 4 neighbours in k, and writes them one by one: lanes take 2 groups of a row of
    # A, 16 rows. The n-th store is of words (4·(lane mod 2) + n)·128 + row: 2 words to a bank. With
    # 4 words of padding the two lie in banks 16 apart, with a swizzle too: rows 0 to 15 change
    # places with rows 16 to 31 at k from 4 on.
    for more, wavefronts in ({}, 64), ({"pad": "4"}, 32), ({"swizzle": True}, 32):
        tiling = choose("sgemm", None, {"vector": "4", **more}).tiling
        assert write_cost(tiling, "A") == BankCost(32, 32, wavefronts, 0)
    # Of B a lane writes 4 neighbours at once: 8 lanes at a time 32 words side by side. 8 warps.
    assert write_cost(choose("sgemm", None, {"vector": "4"}).tiling, "B") == BankCost(8, 32, 32, 0)


def test_a_store_through_shared_memory_by_hand():
    # A round is a row of each thread, 16×128 words. 8 lanes write a quad each, 8 columns apart: 4
    # of the 8 quads of banks, 2 lanes in each; split quads are side by side. 8 warps, 2 quads, 4
    # phases. Read are 32 neighbours at a time.
    for more, wavefronts in ({}, 128), ({"split": True}, 64):
        tiling = choose("sgemm", None, {"shared-store": True, **more}).tiling
        assert exchange_cost(tiling) == BankCost(16, 64, wavefronts, 0)
        assert exchanged_cost(tiling) == BankCost(64, 64, 64, 0)
    plan = choose("seed", None, {"shared-store": True}).schedule()
    # The toy: 3 rows of 6 words, 9 threads that write 2 words each, then read one twice; 2 rounds.
    assert shared(plan).writes["C"] == BankCost(2, 2, 2, 0)
    assert shared(plan).reads["C"] == BankCost(4, 4, 4, 0)


def test_a_swizzle_costs_the_reads_nothing():
    plain, swizzled = choose("sgemm").tiling, choose("sgemm", None, {"swizzle": True}).tiling
    assert write_cost(swizzled, "A") == BankCost(32, 32, 32, 0)
    for k in range(8):
        assert read_cost(swizzled, "A", k) == read_cost(plain, "A", k)


def test_a_whole_cta_of_the_toy_by_hand():
    # 24 words, 9 threads: 3 turns of one warp. As: word 6·k + row. In a turn 9 lanes have 9 words
    # of 24, so all in different banks; the same for Bs. At each k a thread reads two neighbours of
    # a and two of b at once: 3 pairs of a, 3 of b, by 9 lanes, all in the warp's first half.
    found = shared(SEED)
    assert found.writes == {"A": BankCost(9, 9, 9, 0), "B": BankCost(9, 9, 9, 0)}
    assert found.reads == {"A": BankCost(12, 12, 12, 12 * 12), "B": BankCost(12, 12, 12, 12 * 12)}


@given(schedules())
def test_lane_by_lane(plan: Schedule):
    tiling = plan.tiling
    for operand in "A", "B":
        copies, asked = expand_copy(plan, Copy(operand, 0)), defaultdict(int)
        requests = defaultdict(lambda: defaultdict(list))
        width = tiling.vector if operand == "B" else 1  # As is written word by word
        for thread, word in zip(copies.thread.tolist(), copies.word.tolist(), strict=True):
            requests[thread // 32, asked[thread] // width][thread % 32].append(word)
            asked[thread] += 1
        assert write_cost(tiling, operand) == by_hand(requests, width)
        requests = defaultdict(lambda: defaultdict(list))
        read = expand_fragments(plan, Fragments(0, tiling.bk - 1))[operand]
        width = fragment_width(tiling, operand, tiling.bk - 1)
        for thread, words in enumerate(read.word.tolist()):
            for i, word in enumerate(words):
                requests[thread // 32, i // width][thread % 32].append(word)
        assert read_cost(tiling, operand, tiling.bk - 1) == by_hand(requests, width)


def by_hand(requests: dict, width: int) -> BankCost:
    phases = wavefronts = broadcast = 0
    for lanes in requests.values():
        for part in range(width):
            banks, read = defaultdict(set), 0
            for lane in range(part * 32 // width, (part + 1) * 32 // width):
                for word in lanes.get(lane, []):
                    banks[word % 32].add(word)
                    read += 1
            phases += bool(banks)
            wavefronts += max(map(len, banks.values()), default=0)
            broadcast += read - sum(map(len, banks.values()))
    return BankCost(len(requests), phases, wavefronts, broadcast)


@given(schedules())
def test_a_cta_is_the_sum_of_its_events(plan: Schedule):
    found = shared(plan)
    for operand in "A", "B":
        copies = [e for e in plan.events if isinstance(e, Copy) and e.operand == operand]
        assert found.writes[operand] == sum((copy_cost(plan, e) for e in copies), BankCost())
        reads = [e for e in plan.events if isinstance(e, Fragments)]
        assert found.reads[operand] == sum(
            (read_cost(plan.tiling, operand, e.k) for e in reads), BankCost()
        )
