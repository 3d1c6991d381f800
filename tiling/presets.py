"""Choosing a tiling: a preset or a TOML file, and single fields changed on top of it."""

import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from tiling.schedule import Schedule, grid, schedule
from tiling.shapes import Gemm, Refused, Tiling

FIELDS = {
    "gemm": "12x12x12",
    "cta": "6x6x4",
    "thread": "2x2",
    "block": "1,0",
    "stages": "1",
    "vector": "1",
    "pad": "0",
    "warp": "32x64",
    "large-shared": "true",
}
"""Every field of a choice, with a value that would do."""

DEFAULT = "seed"


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
        name, where = preset or DEFAULT, ""
        if name not in presets():
            raise Refused("--preset", name, "is not a preset", "try " + ", ".join(presets()))
        table = {key: value for key, value in presets()[name].items() if key != "about"}
    changed = {key: value for key, value in (overrides or {}).items() if value is not None}
    with _named(changed, where):
        return _build(name + "-changed" if changed else name, {**table, **changed}, changed)


@contextmanager
def _named(changed: Mapping[str, str], where: str) -> Iterator[None]:
    """Say of a refused field whether it came from the command line or from the file."""
    try:
        yield
    except Refused as no:
        prefix = "--" if no.field in changed or not where else where
        raise Refused(prefix + no.field, no.value, no.rule, no.remedy) from None


def _read(config: Path) -> dict[str, Any]:
    try:
        table = tomllib.loads(config.read_text("utf-8"))
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise Refused("--config", config, f"cannot be read: {reason}", "try a TOML file") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Refused("--config", config, f"is not TOML: {error}", 'try cta = "6x6x4"') from None
    for key in table:
        if key not in FIELDS:
            raise Refused(f"{config}:", key, "is not a field", "try " + ", ".join(FIELDS))
    for key in ("gemm", "cta", "thread"):
        if key not in table:
            raise Refused(f"{config}:", key, "is missing", f'try {key} = "{FIELDS[key]}"')
    return table


def _build(name: str, table: Mapping[str, Any], changed: Mapping[str, str]) -> Choice:
    gemm = Gemm(*_sizes("gemm", table["gemm"], "x", 3))
    bm, bn, bk = _sizes("cta", table["cta"], "x", 3)
    tm, tn = _sizes("thread", table["thread"], "x", 2)
    warp = table.get("warp")
    large = table.get("large-shared", False)
    if not isinstance(large, bool):
        raise Refused("large-shared", large, "is not true or false", "try true")
    tiling = Tiling(
        bm,
        bn,
        bk,
        tm,
        tn,
        stages=_number("stages", table.get("stages", 1)),
        vector=_number("vector", table.get("vector", 1)),
        pad=_number("pad", table.get("pad", 0)),
        warp=None if warp is None else _pair("warp", warp, "x"),
        large_shared=large,
    )
    rows, _ = grid(gemm, tiling)
    # A block belongs to the grid it was chosen for: on another grid the default stands again.
    moved = bool({"gemm", "cta"} & set(changed)) and "block" not in changed
    block = None if moved else table.get("block")
    cta = (rows - 1, 0) if block is None else _pair("block", block, ",")
    schedule(gemm, tiling, cta)  # refuses a block that is not on the grid
    return Choice(name, gemm, tiling, cta)


def _pair(field: str, value: object, separator: str) -> tuple[int, int]:
    first, second = _sizes(field, value, separator, 2)
    return first, second


def _sizes(field: str, value: object, separator: str, count: int) -> list[int]:
    parts = str(value).lower().replace("×", "x").split(separator)
    if not isinstance(value, str) or len(parts) != count:
        raise Refused(
            field, value, f'is not {count} numbers as "{FIELDS[field]}"', f"try {FIELDS[field]}"
        )
    return [_number(field, part, of=value) for part in parts]


def _number(field: str, value: object, of: object = None) -> int:
    try:
        if isinstance(value, bool | float):
            raise ValueError
        return int(value)  # type: ignore[call-overload, no-any-return]
    except (TypeError, ValueError):
        rule = f"{value!r} is not a whole number"
        raise Refused(field, value if of is None else of, rule, f"try {FIELDS[field]}") from None
