"""Every mistake is caught, by the rungs that the committed table says."""

import pytest

from tests.kernel_cases import needs_host, needs_nvrtc, needs_race
from tests.mutant_list import KERNEL_MUTANTS, MUTANTS, Mutant
from tests.mutants import TABLE, seen_by, table

pytestmark = [needs_host, needs_race, needs_nvrtc]


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_every_mutant_is_caught(mutant: Mutant) -> None:
    seen = seen_by(mutant)
    assert any(seen.values())
    # Where values are right, counting instructions is not enough, unless nothing else can differ.
    if seen["bits"] is False and not mutant.surplus:
        assert seen["trace"] or seen["race"]


def test_there_are_enough_of_them_and_each_is_another() -> None:
    assert len(KERNEL_MUTANTS) >= 30
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS)


def test_the_committed_table_is_what_the_script_writes() -> None:
    assert TABLE.read_text(encoding="utf-8") == table(), "run python -m tests.mutants"
