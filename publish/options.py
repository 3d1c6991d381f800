"""What commands are given: the types of options, and the options that many share."""

import errno
import os
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeAlias, TypeVar
from urllib.parse import urlsplit

import click
from click.core import ParameterSource

from publish.settings import ASPECTS, QUALITIES, THEMES
from tiling.presets import FIELDS, Choice, choose, presets
from tiling.regular import reason
from tiling.shapes import Refused

Name = TypeVar("Name", bound=str)

Decorator: TypeAlias = Callable[[Callable[..., None]], Callable[..., None]]

MAX_JOBS = 256
"""Processes that one clip may be shared among; each takes some hundred megabytes."""


METAVARS = {
    "gemm": "MxNxK",
    "cta": "BMxBNxBK",
    "thread": "TMxTN",
    "block": "ROW,COL",
    "stages": "N",
    "fragments": "N",
    "vector": "N",
    "pad": "N",
    "warp": "WMxWN",
}


CHOOSING = "preset", "config", *(field.replace("-", "_") for field in FIELDS)
"""The parameters by which `chosen` chooses."""


class Field(click.ParamType):  # type: ignore[type-arg]  # Click 8.1 has none
    """The type of a parameter. What breaks its rule is refused by the parameter's name."""

    name = "field"
    remedy = ""

    def refused(self, value: object, rule: str, param: click.Parameter | None) -> Refused:
        option = isinstance(param, click.Option)
        return Refused(param.opts[0] if param and option else "scene", value, rule, self.remedy)


class Whole(Field):
    """A whole number from `least` to `most`."""

    def __init__(self, least: int, most: int, would_do: int) -> None:
        self.least, self.most, self.remedy = least, most, f"try {would_do}"

    def convert(self, value: Any, param: Any, ctx: Any) -> int:
        if re.fullmatch("[0-9]{1,18}", text := str(value)) and self.least <= int(text) <= self.most:
            return int(text)
        rule = f"is not a whole number from {self.least} to {self.most}"
        raise self.refused(value, rule, param)


class OneOf(Field):
    """One of some names."""

    def __init__(self, names: Iterable[str]) -> None:
        self.names = tuple(names)
        self.remedy = "try " + ", ".join(self.names)

    def convert(self, value: Any, param: Any, ctx: Any) -> str:
        if value not in self.names:
            raise self.refused(value, "is not known", param)
        return str(value)


class Several(Field):
    """Some of the names, each once, with commas between them."""

    def __init__(self, names: Iterable[str]) -> None:
        self.one = OneOf(names)
        self.remedy = "try " + ",".join(self.one.names)

    def convert(self, value: Any, param: Any, ctx: Any) -> list[str]:
        names = [self.one.convert(name.strip(), param, ctx) for name in value.split(",")]
        if len(set(names)) < len(names):
            raise self.refused(value, "names one twice", param)
        return names


class WebFolder(Field):
    """Where files lie on the web: a path, or a whole address."""

    remedy = "try /assets/tilelapse"

    def convert(self, value: Any, param: Any, ctx: Any) -> str:
        try:
            parts = urlsplit(value)
            whole = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
            good = whole or not parts.scheme
        except ValueError:  # of the host or the port
            good = False
        if not good or not value.isprintable() or set(value) & set("?#\\") or len(value) > 2000:
            raise self.refused(value, "is no web address or path", param)
        return str(value)


class PathField(click.Path):
    """An empty one, from a variable that is not set, would be the current folder."""

    def __init__(self, *suffixes: str) -> None:
        super().__init__(path_type=Path)
        self.suffixes = suffixes

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        if value == "":
            raise Refused(param.opts[0], "", "is empty", "leave it out, or name a path")
        path = Path(str(super().convert(value, param, ctx)))
        try:
            os.lstat(path)
        except OSError as error:
            if error.errno == errno.ENAMETOOLONG:
                raise Refused(param.opts[0], path, reason(error), "try a shorter one") from None
        if self.suffixes and path.suffix not in self.suffixes:
            rule = f"is not called {' or '.join(self.suffixes)}"
            raise Refused(param.opts[0], path, rule, f"try tilings{self.suffixes[0]}")
        return path


def alone(ctx: click.Context, what: str, *others: str) -> None:
    """Refuse parameters that were given though they say nothing beside `what`."""
    for param in ctx.command.params:
        given = ctx.get_parameter_source(str(param.name)) is ParameterSource.COMMANDLINE
        if given and param.name in others:
            raise Refused(param.opts[0], "", f"does not go with {what}", "leave out one of them")


def tiling_options(command: Callable[..., None]) -> Callable[..., None]:
    """--preset or --config, and an option for each field of a tiling."""
    helps = {
        "gemm": "C = A·B with A (M, K), B (K, N).",
        "cta": "CTA tile BMxBNxBK.",
        "thread": "Thread tile TMxTN.",
        "block": "Row,col of the CTA that is looked at.",
        "stages": "Buffers in shared memory; from 2 on, copies are asynchronous.",
        "fragments": "Buffers of fragments in registers: 1, or 2 to read one k ahead.",
        "vector": "Floats a thread requests at once: 1, 2 or 4.",
        "pad": "Unused floats after each row of As.",
        "warp": "Warp tile WMxWN.",
    }
    flags = {
        "split": "Thread tile in quads, spread over the warp tile.",
        "swizzle": "Words of As in another order at each k.",
        "direct": "No shared memory: threads read A and B from global memory.",
        "shared-store": "C's tile goes through shared memory, so that rows are stored whole.",
        "large-shared": "Opt in to more than 48 KB of shared memory.",
    }
    for field in reversed(flags):
        both = f"--{field}/--no-{field}"
        command = click.option(both, default=None, help=flags[field])(command)
    for field in reversed(helps):
        example = f"  [e.g. {FIELDS[field]}]"
        command = click.option(f"--{field}", metavar=METAVARS[field], help=helps[field] + example)(
            command
        )
    config = "A tiling as TOML, after which its clips are named.  [e.g. mine.toml]"
    command = click.option("--config", type=PathField(), help=config)(command)
    names = ", ".join(presets())
    return click.option("--preset", metavar="NAME", help=f"{names}  [default: seed]")(command)


def chosen(options: dict[str, Any]) -> Choice:
    """The tiling that a command's options name."""
    fields = {field: options[field.replace("-", "_")] for field in FIELDS}
    if config := options["config"]:
        if not config.stem.isprintable():
            rule = "clips are named after it, and it cannot be printed"
            raise Refused("--config", config, rule, "call the file mine.toml")
        words = config.stem.split("-")
        for word, others in (words[0], presets()), (words[-1], (*THEMES, *ASPECTS, *QUALITIES)):
            if word in others:  # other clips are called so
                rule = f"clips are named after it, and {word} has a meaning there"
                raise Refused("--config", config, rule, "call the file mine.toml")
    return choose(options["preset"], config, fields)


def named_option(name: str, values: Iterable[str], **how: Any) -> Decorator:
    """An option whose value is one of some names."""
    return click.option(name, metavar="|".join(values), type=OneOf(values), **how)


def quality_option() -> Decorator:
    return named_option("--quality", QUALITIES, default="web", show_default=True)


def out_option(does: str = "write to") -> Decorator:
    """The folder of the clips."""
    return click.option(
        "--out", default="media", show_default=True, type=PathField(), help=f"Folder to {does}."
    )


def look_options(*more: str) -> Decorator:
    """What clips look like, where they go, and who renders them. `more`: words beside a theme's or
    an aspect's name."""
    jobs: Decorator = click.option(
        "--jobs",
        type=Whole(1, MAX_JOBS, 2),
        default=min(os.cpu_count() or 1, MAX_JOBS),
        metavar="N",
        help="Processes.  [default: one a core]",
    )
    options: list[Decorator] = [
        named_option("--theme", [*THEMES, *more]),
        named_option("--aspect", [*ASPECTS, *more]),
        quality_option(),
        out_option(),
        jobs,
    ]

    def add(command: Callable[..., None]) -> Callable[..., None]:
        for option in reversed(options):
            command = option(command)
        return command

    return add


def those(names: tuple[Name, ...], word: str | None, all_of_them: bool) -> tuple[Name, ...]:
    """The themes or aspects that an option stands for: `both`, or one; without it the first, or all
    of them."""
    if word == "both" or (word is None and all_of_them):
        return names
    return tuple(name for name in names if name == word) or names[:1]
