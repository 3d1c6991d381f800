"""`--kernel` at the door: the numbers and the proof of somebody's kernel."""

import json
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click

from publish.door import CHOOSING, Decorator, alone
from tiling.shapes import Refused

OPTIONS = ("kernel", "include", "define", "arch")
"""Parameters that speak of a kernel alone."""


def kernel_options(does: Callable[..., None]) -> Decorator:
    """--kernel and what belongs to it. With it, or with a TOML that names a kernel, a command does
    `does` in place of what it does with a tiling."""

    def add(command: Callable[..., None]) -> Callable[..., None]:
        @wraps(command)
        def either(ctx: click.Context, **options: Any) -> None:
            ours = {name: options.pop(name) for name in OPTIONS}
            wanted = _wanted(ctx, ours, options)
            if wanted is None:
                _unused(ctx)
                ctx.invoke(command, **options)
            else:
                does(ctx, wanted, **options)

        either = click.pass_context(either)
        helps = [
            ("--arch", {"default": "sm_80", "show_default": True, "help": "Of its machine code."}),
            ("--define", {"multiple": True, "metavar": "NAME=VALUE", "help": "A macro for it."}),
            ("--include", {"multiple": True, "metavar": "FOLDER", "help": "Of its headers."}),
        ]
        for name, how in helps:
            either = click.option(name, **how)(either)
        text = "Instead a kernel of your own.  [e.g. mine.cu or mine.cu:sgemm<128, 8>]"
        return click.option("--kernel", metavar="FILE.cu[:NAME]", help=text)(either)

    return add


def _wanted(ctx: click.Context, ours: dict[str, Any], options: dict[str, Any]) -> Any:
    """The kernel that the options name, or None where they speak of a tiling."""
    config: Path | None = options["config"]
    if ours["kernel"] is None and (config is None or not _speaks_of_a_kernel(config)):
        return None
    from tiling.reading.chosen import Wanted, read_toml
    from tiling.reading.compile import Asked

    if ours["kernel"] is not None:
        alone(ctx, "--kernel", *(name for name in CHOOSING if name != "gemm"))
        how = Asked(ours["arch"], ours["include"], ours["define"])
        return Wanted(ours["kernel"], gemm=options["gemm"] or "", how=how)
    assert config is not None
    alone(ctx, "a kernel", *(name for name in CHOOSING if name not in ("gemm", "config")))
    wanted = read_toml(config)
    assert wanted is not None
    from dataclasses import replace

    how = replace(
        wanted.how,
        includes=(*wanted.how.includes, *ours["include"]),
        defines=(*wanted.how.defines, *ours["define"]),
    )
    return replace(wanted, how=how, gemm=options["gemm"] or wanted.gemm)


def _speaks_of_a_kernel(config: Path) -> bool:
    import tomllib

    try:
        return "kernel" in tomllib.loads(config.read_text("utf-8-sig"))
    except (OSError, ValueError):
        return False  # whoever reads it as a tiling says what is wrong


def _unused(ctx: click.Context) -> None:
    for name in OPTIONS[1:]:
        if ctx.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE:
            raise Refused(f"--{name}", "", "says nothing without --kernel", "try --kernel mine.cu")


def _chosen(wanted: Any) -> Any:
    from tiling.faults import Missing
    from tiling.reading.chosen import Open, choose

    try:
        return choose(wanted)
    except Open as open_:
        click.echo(open_.toml, nl=False)
        raise
    except Missing as missing:
        raise Refused("--kernel", wanted.kernel, str(missing), "then again") from None


def inspect(ctx: click.Context, wanted: Any, as_json: bool, **options: Any) -> None:
    """The numbers of each line of a kernel."""
    from publish.kernel_tables import as_dict, show
    from tiling.reading.lines import corners, count

    alone(ctx, "--kernel", "sweep", "chip", "as_csv", "plot")
    run = _chosen(wanted)
    found = [count(run, (cta,)) for cta in corners(run)]
    if as_json:
        click.echo(json.dumps(as_dict(found), indent=2))
    else:
        show(found)
