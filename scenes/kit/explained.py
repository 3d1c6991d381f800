"""Words of the trade, explained on the screen where they first stand in a clip, as GLOSSARY.md has
them."""

import re

EXPLAINED = {
    "CTA": "the threads that share one shared memory",
    "k-tile": "BK steps along K: of A and of B a tile",
    "warp": "32 threads that run together",
    "lane": "one thread of a warp",
    "FMA": "a multiplication and an addition in one instruction",
    "FLOP": "a multiplication or an addition",
    "barrier": "all threads of the CTA wait for one another",
    "fragment": "the values of A or B that a thread holds for one k",
    "accumulator": "a register in which one element of C grows",
    "request": "one instruction of a warp that reaches memory",
    "sector": "32 bytes of global memory, the least that moves",
    "bank": "one of 32 columns of shared memory, 4 bytes wide",
    "wavefront": "one pass over the banks of shared memory",
    "stage": "one of several buffers in shared memory",
    "swizzle": "other places for words, so that lanes do not meet",
}
"""What each word means: 60 characters at most, with the word."""

_ANY = re.compile(rf"\b({'|'.join(EXPLAINED)})s?\b", re.IGNORECASE)


def first_word(text: str, known: set[str]) -> str | None:
    """The first word of a caption that is to be explained and is not known yet."""
    for match in _ANY.finditer(text):
        word = match[1] if match[1] in EXPLAINED else match[1].lower()
        if word in EXPLAINED and word not in known:
            return word
    return None


def explanation(word: str) -> str:
    """What is set under the caption."""
    return f"{word}: {EXPLAINED[word]}"
