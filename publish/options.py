"""What all commands share at the door: options, and refusing wrong input in one line."""

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import urlsplit

import click
from click.core import ParameterSource

from publish.settings import ASPECTS, QUALITIES, THEMES
from tiling.presets import FIELDS, Choice, choose, presets
from tiling.shapes import Refused

Decorator: TypeAlias = Callable[[Callable[..., None]], Callable[..., None]]

MAX_JOBS = 256
"""Processes that one clip may be shared among; each takes some hundred megabytes."""


class Refusal(click.ClickException):
    """Input that breaks a rule: one line, exit status 2."""

    exit_code = 2


@contextmanager
def one_line() -> Iterator[None]:
    """Whatever refuses the input does so in one line, not in a traceback or a page of usage."""
    try:
        yield
    except Refused as refused:
        raise Refusal(str(refused)) from None
    except click.UsageError as error:
        command = error.ctx.command_path if error.ctx else "render.py"
        if isinstance(error, click.NoSuchOption):
            remedy = "try " + " or ".join(error.possibilities or [f"{command} --help"])
            refused = Refused(error.option_name, "", f"is no option of {command}", remedy)
        else:
            rule = error.format_message().rstrip(".")
            refused = Refused(command, "", rule, f"try {command} --help")
        raise Refusal(str(refused)) from None


class Door(click.Group):
    """Commands that refuse wrong input in one line."""

    def make_context(self, info_name: Any, args: list[str], *rest: Any, **extra: Any) -> Any:
        if not args:  # then Click shows the help
            return super().make_context(info_name, args, *rest, **extra)
        with one_line():
            return super().make_context(info_name, args, *rest, **extra)

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        if args[0] not in self.commands and not args[0].startswith("-"):
            raise Refused("command", args[0], "is not known", "try " + ", ".join(self.commands))
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        with one_line():
            return super().invoke(ctx)


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


class _Path(click.Path):
    """An empty one, from a variable that is not set, would be the current folder."""

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        if value == "":
            raise Refused(param.opts[0], "", "is empty", "leave it out, or name a path")
        return super().convert(value, param, ctx)


PATH = _Path(path_type=Path)


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
    command = click.option("--config", type=PATH, help=config)(command)
    names = ", ".join(presets())
    return click.option("--preset", metavar="NAME", help=f"{names}  [default: seed]")(command)


def chosen(options: dict[str, Any]) -> Choice:
    """The tiling that a command's options name."""
    fields = {field: options[field.replace("-", "_")] for field in FIELDS}
    if config := options["config"]:
        words = config.stem.split("-")
        for word, others in (words[0], presets()), (words[-1], (*THEMES, *ASPECTS, *QUALITIES)):
            if word in others:  # other clips are called so
                rule = f"clips are named after it, and {word} has a meaning there"
                raise Refused("--config", config, rule, "call the file mine.toml")
    return choose(options["preset"], config, fields)


def one_of(names: Any) -> Callable[[click.Context, click.Parameter, Any], Any]:
    """A check that each value is one of the names, refused as every other field is."""

    def check(ctx: click.Context, param: click.Parameter, value: Any) -> Any:
        field = param.opts[0] if param.opts[0].startswith("-") else "scene"
        if value is None:
            return value
        for name in value if isinstance(value, tuple) else (value,):
            if name not in names:
                raise Refused(field, name, "is not known", "try " + ", ".join(names))
        return value

    return check


def named_option(name: str, values: Iterable[str], **how: Any) -> Decorator:
    """An option whose value is one of some names."""
    return click.option(name, metavar="|".join(values), callback=one_of(values), **how)


def quality_option() -> Decorator:
    return named_option("--quality", QUALITIES, default="web", show_default=True)


def out_option(does: str = "write to") -> Decorator:
    """The folder of the clips."""
    return click.option(
        "--out", default="media", show_default=True, type=PATH, help=f"Folder to {does}."
    )


def look_options(*more: str) -> Decorator:
    """What clips look like, where they go, and who renders them. `more`: words beside a theme's or
    an aspect's name."""
    jobs = click.option(
        "--jobs", default=str(os.cpu_count() or 1), help="Processes.  [default: one a core]"
    )
    options = [
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


def positive(field: str, value: str, most: int, would_do: str) -> int:
    """A whole number from 1 to `most`."""
    if not value.isdecimal() or not 1 <= int(value) <= most:
        rule = f"is not a whole number from 1 to {most}"
        raise Refused(field, value, rule, f"try {would_do}")
    return int(value)


def whole(field: str, value: str) -> int:
    """A whole number from 0."""
    if not value.isdecimal() or len(value) > 18:
        raise Refused(field, value, "is not a whole number from 0", "try 0")
    return int(value)


def web_address(field: str, value: str) -> None:
    """Refuse what is no folder on the web, relative or whole."""
    if urlsplit(value).scheme not in ("", "http", "https") or not value.isprintable():
        raise Refused(field, value, "is no web address or path", "try /assets/tilelapse")
