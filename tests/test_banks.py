"""Wavefronts of shared memory: against counts done by hand, and against a count lane by lane."""

from collections import defaultdict

import numpy as np
from hypothesis import given

from tests.strategies import SEED, SGEMM, schedules
from tiling.banks import Cost, cost, read_cost, shared, write_cost
from tiling.expand import expand_copy, expand_fragments
from tiling.presets import choose
from tiling.schedule import Copy, Fragments, Schedule


def test_the_rules_by_hand():
    lanes, one = np.arange(32), np.zeros(32, np.int64)
    assert cost(one, lanes) == Cost(1, 1, 0)  # a bank each
    assert cost(one, one) == Cost(1, 1, 31)  # one word for all
    assert cost(one, 2 * lanes) == Cost(1, 2, 0)  # every other bank, two words each
    assert cost(one, 32 * lanes) == Cost(1, 32, 0)  # all in bank 0
    assert cost(one, 33 * lanes) == Cost(1, 1, 0)  # padded
    assert cost(one, lanes // 2) == Cost(1, 1, 16)  # pairs share
    assert cost(lanes, 32 * lanes).conflicts == 0  # each a request of its own
    assert cost(one, 32 * lanes).conflicts == 31


def test_sgemm_by_hand():
    # As is transposed, 128 rows of A to each k. 32 lanes load 4 rows of A, 8 k each, so they write
    # words k·128 + row: for each of 4 rows 8 words of one bank, 8 wavefronts. 8 warps, 4 turns.
    plan = SGEMM
    assert write_cost(plan.tiling, "A") == Cost(32, 256, 0)
    # Bs keeps B's rows: 32 lanes write 32 neighbours.
    assert write_cost(plan.tiling, "B") == Cost(32, 32, 0)
    # A warp is 2 rows of 16 threads: of a it reads two words, 8 apart; of b sixteen, 8 apart, which
    # lie in 4 banks, 4 in each. 8 warps, 8 values.
    assert read_cost(plan.tiling, "A", 0) == Cost(64, 64, 64 * 30)
    assert read_cost(plan.tiling, "B", 0) == Cost(64, 256, 64 * 16)


def test_padding_by_hand():
    # With 132 words to each k: word k·132 + row lies in bank 4·k + row, of which there are 32.
    plan = choose("sgemm", None, {"pad": "4"}).schedule()
    assert write_cost(plan.tiling, "A") == Cost(32, 32, 0)
    # 8 warps with 2 words each still: a's reads had no conflict to lose.
    assert read_cost(plan.tiling, "A", 3) == Cost(64, 64, 64 * 30)
    # One word of padding instead: bank k + row, 8 k and 4 rows make 11 banks, at most 4 in one.
    assert write_cost(choose("sgemm", None, {"pad": "1"}).tiling, "A") == Cost(32, 128, 0)


def test_float4_loads_by_hand():
    # A thread loads 4 neighbours in k, and writes them one by one: lanes take 2 groups of a row of
    # A, 16 rows. The n-th store is of words (4·(lane mod 2) + n)·128 + row: 2 words to a bank. With
    # 4 words of padding the two lie in banks 16 apart.
    for pad, wavefronts in ("0", 64), ("4", 32):
        plan = choose("sgemm", None, {"vector": "4", "pad": pad})
        assert write_cost(plan.tiling, "A") == Cost(32, wavefronts, 0)
    # Of B a lane takes 4 neighbours: its n-th word is 4·lane + n, 8 banks with 4 words each.
    assert write_cost(choose("sgemm", None, {"vector": "4"}).tiling, "B") == Cost(32, 128, 0)


def test_a_whole_cta_of_the_toy_by_hand():
    # 24 words, 9 threads: 3 turns of one warp. As: word 6·k + row. In a turn 9 lanes have 9 words
    # of 24, so all in different banks; the same for Bs. Reads: 3 words of a, 3 of b, by 9 lanes.
    found = shared(SEED)
    assert found.writes == {"A": Cost(9, 9, 0), "B": Cost(9, 9, 0)}
    assert found.reads == {"A": Cost(24, 24, 24 * 6), "B": Cost(24, 24, 24 * 6)}


@given(schedules())
def test_lane_by_lane(plan: Schedule):
    tiling = plan.tiling
    for operand in "A", "B":
        copies, asked = expand_copy(plan, Copy(operand, 0)), defaultdict(int)
        requests = defaultdict(list)
        for thread, word in zip(copies.thread.tolist(), copies.word.tolist(), strict=True):
            requests[thread // 32, asked[thread]].append(word)
            asked[thread] += 1
        assert write_cost(tiling, operand) == by_hand(requests)
        requests = defaultdict(list)
        read = expand_fragments(plan, Fragments(0, tiling.bk - 1))[operand]
        for thread, words in enumerate(read.word.tolist()):
            for i, word in enumerate(words):
                requests[thread // 32, i].append(word)
        assert read_cost(tiling, operand, tiling.bk - 1) == by_hand(requests)


def by_hand(requests: dict) -> Cost:
    wavefronts = broadcast = 0
    for words in requests.values():
        banks = defaultdict(set)
        for word in words:
            banks[word % 32].add(word)
        wavefronts += max(map(len, banks.values()))
        broadcast += len(words) - len(set(words))
    return Cost(len(requests), wavefronts, broadcast)


@given(schedules())
def test_a_cta_is_the_sum_of_its_events(plan: Schedule):
    found = shared(plan)
    for operand in "A", "B":
        copies = [e for e in plan.events if isinstance(e, Copy) and e.operand == operand]
        assert found.writes[operand] == sum(
            (write_cost(plan.tiling, operand) for _ in copies), Cost()
        )
        reads = [e for e in plan.events if isinstance(e, Fragments)]
        assert found.reads[operand] == sum(
            (read_cost(plan.tiling, operand, e.k) for e in reads), Cost()
        )
