"""JSON files that are covered by a digest of their own: whoever reads one knows whether it is whole
and as the program wrote it. It keeps out accidents and edits, not somebody who computes it anew."""

import hashlib
import json
from pathlib import Path
from typing import Any

from tiling.regular import of_the_file, read_regular, reason
from tiling.shapes import cut_short

CLIP, REPORT = "clip 2", "report 2"
"""Kinds of files, each with the number of its format: a clip's description, a report of proof."""

LIMIT = 2**22
"""Bytes of a file. The longest, a report of all rungs on thousands of CTAs, has about one MB."""


class Unfit(ValueError):
    """A file that is not what it should be; the text says why, in one short line."""


def sealed(kind: str, data: dict[str, Any]) -> str:
    """The text of a file of this kind."""
    whole = {"kind": kind, **data}
    return json.dumps({**whole, "digest": _digest(whole)}, indent=2) + "\n"


def unsealed(path: Path) -> tuple[str, dict[str, Any]]:
    """The kind of a file, and its data.

    Raises Unfit, and OSError where this process has no more descriptors or memory.
    """
    try:
        whole = json.loads(read_regular(path, LIMIT), parse_int=_integer, parse_constant=_integer)
        wanted = whole.pop("digest", None) if isinstance(whole, dict) else None
        fits = wanted == _digest(whole)
    except OSError as error:
        if not of_the_file(error):
            raise
        raise Unfit(f"cannot be read: {reason(error)}") from None
    except RecursionError:
        raise Unfit("nested too deep") from None
    except ValueError as error:  # UTF-8, too
        raise Unfit(f"not JSON: {cut_short(error)}") from None
    if wanted is None or not isinstance(kind := whole.pop("kind", None), str):
        raise Unfit("not written by this program, or by another version of it")
    if not fits:
        raise Unfit("edited or damaged: its digest does not fit")
    return kind, whole


def _integer(text: str) -> int:
    """A whole number with which there can be reckoned; NaN and infinities are none."""
    if not text.lstrip("-").isdecimal() or len(text) > 18:
        raise ValueError(f"{cut_short(text, 20)} is not a number of up to 18 digits")
    return int(text)


def _digest(whole: object) -> str:
    """SHA-256 of the values, however they are laid out in the file."""
    text = json.dumps(whole, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()  # a ValueError where it is no text
