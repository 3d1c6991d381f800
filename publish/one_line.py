"""Commands that say whatever goes wrong in one line. The exit status is 2 where the input breaks a
rule, 1 where the machine does not do its part."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from typing import Any, NoReturn

import click

from tiling.regular import reason
from tiling.shapes import Refused, cut_short


class Refusal(click.ClickException):
    """Input that breaks a rule."""

    exit_code = 2


class Commands(click.Group):
    """A program's commands."""

    def main(self, *args: Any, **options: Any) -> Any:
        """Run the program. What it prints is UTF-8, whatever the terminal's encoding: it may go
        into a file, and from there into a page."""
        if sys.stderr is None:
            sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115
        if sys.stdout is None:
            fail("stdout is closed (try > /dev/null)")
        for stream in sys.stdout, sys.stderr:
            if isinstance(stream, TextIOWrapper):
                stream.reconfigure(encoding="utf-8", errors="backslashreplace")
        try:
            try:
                return super().main(*args, **options)
            finally:
                sys.stdout.flush()
        except MemoryError:
            fail("there is not enough memory")
        except OSError as error:
            fail(reason(error) + (f": {cut_short(error.filename)}" if error.filename else ""))

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
            line = str(Refused(error.option_name, "", f"is no option of {command}", remedy))
        else:
            rule = error.format_message().rstrip(".")
            line = str(Refused(command, "", rule, f"try {command} --help"))
        raise Refusal(line) from None


def fail(why: str) -> NoReturn:
    """End the program, saying why. What could not be printed is not tried once more."""
    sys.stdout = None
    click.echo(f"Error: {why}", err=True)
    sys.exit(1)
