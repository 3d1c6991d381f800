"""Choosing a tiling: a preset or a TOML file, and single fields changed on top of it."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from tiling.regular import read_regular, reason
from tiling.schedule import Schedule, grid, schedule
from tiling.shapes import Gemm, Refused, Tiling, cut_short

FIELDS = {
    "gemm": "12x12x12",
    "cta": "6x6x4",
    "thread": "2x2",
    "block": "1,0",
    "stages": "2",
    "fragments": "2",
    "vector": "1",
    "pad": "0",
    "warp": "32x64",
    "split": "true",
    "swizzle": "true",
    "direct": "true",
    "shared-store": "true",
    "large-shared": "true",
}
"""Every field of a choice, with a value that would do."""

FLAGS = {field for field, would_do in FIELDS.items() if would_do == "true"}

DEFAULT = "seed"

MOST = 2**13
"""Bytes of a file: more would be no tiling, and a parser can be kept busy for long with it."""

NUMBER = re.compile(r"[+-]?[0-9]{1,18}")


@dataclass(frozen=True)
class Choice:
    """A GEMM, its tiling, and the (row, col) of the CTA that is looked at."""

    name: str
    gemm: Gemm
    tiling: Tiling
    cta: tuple[int, int]

    def schedule(self) -> Schedule:
        return schedule(self.gemm, self.tiling, self.cta)


@lru_cache
def presets() -> dict[str, dict[str, Any]]:
    """The tables of presets.toml, by name."""
    return tomllib.loads(files("tiling").joinpath("presets.toml").read_text("utf-8"))


def choose(
    preset: str | None = None,
    config: Path | None = None,
    overrides: Mapping[str, str] | None = None,
) -> Choice:
    """The tiling that these name. Raises Refused, in words of the door, for whatever is wrong.

    overrides: fields of FIELDS as text, which replace those of the preset or file.
    """
    if preset is not None and config is not None:
        raise Refused("--config", config, "comes in place of --preset", "give one of them")
    if config is not None:
        name, table, where = config.stem, _read(config), f"{config}: "
    else:
        name, where = DEFAULT if preset is None else preset, ""
        if name not in presets():
            raise Refused("--preset", name, "is not a preset", "try " + ", ".join(presets()))
        table = {key: value for key, value in presets()[name].items() if key != "about"}
    changed = {key: value for key, value in (overrides or {}).items() if value is not None}
    with _named(changed, where):
        would_do = {**FIELDS, **{key: str(table[key]) for key in changed if key in table}}
        named = "-".join([name, *(_in_name(field, changed[field]) for field in changed)])
        return _build(named, {**table, **changed}, changed, would_do)


@contextmanager
def _named(changed: Mapping[str, str], where: str) -> Iterator[None]:
    """Say of a refused field whether it came from the command line or from the file. What a preset
    or a file has cannot be left out: what was changed of it can."""
    try:
        yield
    except Refused as no:
        prefix = "--" if no.field in changed or not where else where
        kept = changed and not set(no.leave) <= set(changed)
        remedy = f"leave {' and '.join(changed)} out" if kept else no.remedy
        raise Refused(prefix + no.field, no.value, no.rule, remedy) from None


def _in_name(field: str, value: object) -> str:
    """A changed field as it stands in the names of files: `stages2`, `swizzle`, `no-swizzle`."""
    if field in FLAGS:
        return field if value else f"no-{field}"
    return field + re.sub(r"[^0-9]+", "x", str(value))


def table_of(config: Path) -> dict[str, Any]:
    """What a TOML says. Raises Refused, for what is no regular file too."""
    try:
        text = read_regular(config, MOST).decode("utf-8-sig")  # some editors put a mark in front
        return tomllib.loads(text)
    except OSError as error:
        rule = f"cannot be read: {reason(error)}"
        raise Refused("--config", config, rule, "try a TOML file") from None
    except (ValueError, RecursionError) as error:  # of the encoding and of long numbers, too
        remedy = 'try cta = "6x6x4", with the quotes'
        raise Refused("--config", config, f"is not TOML: {error}", remedy) from None


def _read(config: Path) -> dict[str, Any]:
    table = table_of(config)
    for key in table:
        if key not in FIELDS:
            raise Refused(f"{config}:", key, "is not a field", "try " + ", ".join(FIELDS))
    for key in ("gemm", "cta", "thread"):
        if key not in table:
            raise Refused(f"{config}:", key, "is missing", f'try {key} = "{FIELDS[key]}"')
    return table


def _build(
    name: str, table: Mapping[str, Any], changed: Mapping[str, str], would_do: Mapping[str, str]
) -> Choice:
    """The choice that a table of fields describes; `would_do` has a good value of each."""

    def refused(field: str, rule: str) -> Refused:
        return Refused(field, table[field], rule, f"try {would_do[field]}")

    def sizes(field: str, count: int, separator: str = "x") -> list[int]:
        value = table[field]
        parts = value.lower().replace("×", "x").split(separator) if isinstance(value, str) else []
        if len(parts) != count:
            raise refused(field, f'is not {count} numbers as "{would_do[field]}"')
        return [number(field, part.strip(" ")) for part in parts]

    def number(field: str, value: object) -> int:
        if not NUMBER.fullmatch(text := cut_short(value)):
            shown = f"'{text}'" if isinstance(value, str) else text
            raise refused(field, f"{shown} is not a whole number")
        return int(text)

    def pair(field: str, separator: str = "x") -> tuple[int, int]:
        first, second = sizes(field, 2, separator)
        return first, second

    gemm = Gemm(*sizes("gemm", 3))
    bm, bn, bk = sizes("cta", 3)
    tm, tn = sizes("thread", 2)
    more: dict[str, Any] = {
        key: number(key, table[key])
        for key in ("stages", "fragments", "vector", "pad")
        if key in table
    }
    for key in FLAGS & table.keys():
        if not isinstance(table[key], bool):
            raise refused(key, "is not true or false")
        more[key.replace("-", "_")] = table[key]
    tiling = Tiling(
        bm,
        bn,
        bk,
        tm,
        tn,
        warp=pair("warp") if "warp" in table else None,
        **more,
    )
    rows, _ = grid(gemm, tiling)
    # A block belongs to the grid it was chosen for: on another grid the default stands again.
    moved = bool({"gemm", "cta"} & set(changed)) and "block" not in changed
    cta = pair("block", ",") if "block" in table and not moved else (rows - 1, 0)
    schedule(gemm, tiling, cta)  # refuses a block that is not on the grid
    return Choice(name, gemm, tiling, cta)
