"""What all commands share at the door: options, and refusing wrong input in one line."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from publish.settings import ASPECTS, QUALITIES, THEMES
from tiling.presets import FIELDS, Choice, choose, presets
from tiling.shapes import Refused

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
    "vector": "N",
    "pad": "N",
    "warp": "WMxWN",
}


def tiling_options(command: Callable[..., None]) -> Callable[..., None]:
    """--preset or --config, and an option for each field of a tiling."""
    helps = {
        "gemm": "C = A·B with A (M, K), B (K, N).",
        "cta": "CTA tile BMxBNxBK.",
        "thread": "Thread tile TMxTN.",
        "block": "Row,col of the CTA that is looked at.",
        "stages": "Buffers in shared memory.",
        "vector": "Floats a thread requests at once: 1, 2 or 4.",
        "pad": "Unused floats after each row of As.",
        "warp": "Warp tile WMxWN.",
    }
    opt_in = "Opt in to more than 48 KB of shared memory."
    large = click.option("--large-shared", is_flag=True, default=None, help=opt_in)
    command = large(command)
    for field in reversed(helps):
        example = f"  [e.g. {FIELDS[field]}]"
        command = click.option(f"--{field}", metavar=METAVARS[field], help=helps[field] + example)(
            command
        )
    command = click.option("--config", type=click.Path(path_type=Path), help="A tiling as TOML.")(
        command
    )
    names = ", ".join(presets())
    return click.option("--preset", metavar="NAME", help=f"{names}  [default: seed]")(command)


def chosen(options: dict[str, Any]) -> Choice:
    """The tiling that a command's options name."""
    fields = {field: options[field.replace("-", "_")] for field in FIELDS}
    return choose(options["preset"], options["config"], fields)


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


def look_options(command: Callable[..., None]) -> Callable[..., None]:
    """What clips look like, where they go, and who renders them."""
    options = [
        click.option("--theme", metavar="|".join(THEMES), callback=one_of(THEMES)),
        click.option("--aspect", metavar="|".join(ASPECTS), callback=one_of(ASPECTS)),
        click.option(
            "--quality",
            metavar="|".join(QUALITIES),
            default="web",
            show_default=True,
            callback=one_of(QUALITIES),
        ),
        click.option(
            "--out", default="media", type=click.Path(path_type=Path), help="Folder to write to."
        ),
        click.option(
            "--jobs", default=str(os.cpu_count() or 1), help="Processes.  [default: one a core]"
        ),
    ]
    for option in reversed(options):
        command = option(command)
    return command


def positive(field: str, value: str) -> int:
    if not value.isdecimal() or int(value) < 1:
        raise Refused(field, value, "is not a positive whole number", "try 2")
    if int(value) > MAX_JOBS:
        raise Refused(field, value, f"is more than {MAX_JOBS} processes", "try 2")
    return int(value)


def writable(field: str, folder: Path) -> None:
    """Refuse a folder that cannot be written, before any work."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK):
            raise PermissionError(None, "permission denied")
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise Refused(field, folder, f"cannot be written: {reason}", "try media") from None
