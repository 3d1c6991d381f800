"""Words of the trade are explained where they first stand, as the glossary has them."""

import re
from pathlib import Path

import pytest

from scenes.kit.explained import EXPLAINED, explanation, first_word

GLOSSARY = (Path(__file__).parent.parent / "GLOSSARY.md").read_text("utf-8")
ROWS = dict(re.findall(r"^\| ([^|]+) \| ([^|]+) \|$", GLOSSARY, re.MULTILINE))


@pytest.mark.parametrize("word", EXPLAINED)
def test_it_says_what_the_glossary_says(word: str) -> None:
    assert ROWS[word].startswith(EXPLAINED[word])
    assert ROWS[word][len(EXPLAINED[word]) :][:1] in ("", ".")
    assert len(explanation(word)) <= 60


def test_the_first_word_that_is_not_known() -> None:
    text = "Warps of a CTA meet at the barrier"
    assert first_word(text, set()) == "warp"
    assert first_word(text, {"warp"}) == "CTA"
    assert first_word(text, {"warp", "CTA"}) == "barrier"
    assert first_word(text, {"warp", "CTA", "barrier"}) is None
    assert first_word("Bankers and lanes", set()) == "lane"
