"""Every mistake is caught, by the rungs that the committed table says."""

import pytest

from tests.device_mutants import DEVICE_MUTANTS
from tests.kernel_cases import needs_host, needs_nvrtc, needs_race
from tests.mutant_list import KERNEL_MUTANTS, Mutant
from tests.mutants import MUTANTS, RUNGS, TABLE, looks, read, table

pytestmark = [needs_host, needs_race, needs_nvrtc]


ROWS = {line.split(" | ")[0]: line for line in TABLE.read_text(encoding="utf-8").splitlines()}
OUT_OF_DATE = "run python -m tests.mutants"

EVERY = 16
"""Every so many mutants are shown to all rungs, and all that `ptx` does not see."""


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_every_mutant_is_caught(mutant: Mutant) -> None:
    line = ROWS.get(f"| {mutant.name}")
    assert line, OUT_OF_DATE
    said, asked = read(line), looks(mutant)
    assert {rung for rung in RUNGS if said[rung] is not None} == set(asked), OUT_OF_DATE
    # Three builds of g++ for each would cost more than all else: a part of them is made anew.
    quick = "ptx" in asked and said["ptx"] and MUTANTS.index(mutant) % EVERY
    for rung in ("ptx", "compiler") if quick else asked:
        assert asked[rung]() == said[rung], f"{rung}: {OUT_OF_DATE}"


def test_what_the_table_says() -> None:
    for mutant in MUTANTS:
        seen = read(ROWS[f"| {mutant.name}"])
        assert any(seen.values())
        # Where values are right, counting instructions is not enough, unless nothing else differs.
        if seen["bits"] is False and not mutant.surplus:
            assert seen["trace"] or seen["race"]
        if mutant in DEVICE_MUTANTS:
            assert seen["ptx"]


def test_there_are_enough_of_them_and_each_is_another() -> None:
    assert len(KERNEL_MUTANTS) >= 30
    assert len(DEVICE_MUTANTS) >= 50
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS)


def test_the_committed_table_is_what_the_script_writes() -> None:
    rows = [ROWS[f"| {mutant.name}"] for mutant in MUTANTS]
    assert TABLE.read_text(encoding="utf-8") == table(rows), OUT_OF_DATE
