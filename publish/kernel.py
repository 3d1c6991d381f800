"""`--kernel` at the door: the numbers and the proof of somebody's kernel."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Any

import click

from publish.files import unwritable, writable, write
from publish.options import CHOOSING, Decorator, alone
from tiling.shapes import Refused

OPTIONS = ("kernel", "include", "define", "arch", "sizes")
"""Parameters that speak of a kernel alone."""


def kernel_options(does: Callable[..., None], sizes: bool = False) -> Decorator:
    """--kernel and what belongs to it, with `sizes` also --sizes. With it, or with a TOML that
    names a kernel, a command does `does` in place of what it does with a tiling."""

    def add(command: Callable[..., None]) -> Callable[..., None]:
        @wraps(command)
        def either(ctx: click.Context, **options: Any) -> None:
            ours = {name: options.pop(name) for name in OPTIONS if name in options}
            wanted = _wanted(ctx, ours, options)
            if wanted is None:
                _unused(ctx)
                ctx.invoke(command, **options)
            else:
                more = {"sizes": ours["sizes"]} if sizes else {}
                does(ctx, wanted, **more, **options)

        made: Callable[..., None] = click.pass_context(either)
        helps: list[tuple[str, dict[str, Any]]] = [
            ("--arch", {"default": "sm_80", "show_default": True, "help": "Of its machine code."}),
            ("--define", {"multiple": True, "metavar": "NAME=VALUE", "help": "A macro for it."}),
            ("--include", {"multiple": True, "metavar": "FOLDER", "help": "Of its headers."}),
        ]
        if sizes:
            text = "At awkward sizes too: it claims to take any."
            made = click.option("--sizes", is_flag=True, help=text)(made)
        for name, how in helps:
            made = click.option(name, **how)(made)
        text = "Instead a kernel of your own.  [e.g. mine.cu or mine.cu:sgemm<128, 8>]"
        return click.option("--kernel", metavar="FILE.cu[:NAME]", help=text)(made)

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
    from tiling.presets import table_of

    return "kernel" in table_of(config)


def _unused(ctx: click.Context) -> None:
    for name in OPTIONS:
        if ctx.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE:
            raise Refused(f"--{name}", "", "says nothing without --kernel", "try --kernel mine.cu")


@contextmanager
def _with_tools(wanted: Any) -> Iterator[None]:
    """What is missing on this machine is said in one line too."""
    from tiling.faults import Missing

    try:
        yield
    except Missing as missing:
        raise Refused("--kernel", wanted.kernel, str(missing), "then try again") from None


def _chosen(wanted: Any) -> Any:
    from tiling.reading.chosen import Open, choose

    try:
        return choose(wanted)
    except Open as open_:
        click.echo(open_.toml, nl=False)
        raise


def inspect_kernel(ctx: click.Context, wanted: Any, as_json: bool, **options: Any) -> None:
    """The numbers of each line of a kernel."""
    from publish.kernel_tables import as_dict, show
    from tiling.reading.lines import corners, count

    alone(ctx, "--kernel", "sweep", "chip", "as_csv", "plot")
    with _with_tools(wanted):
        run = _chosen(wanted)
        found = [count(run, (cta,)) for cta in corners(run)]
    if as_json:
        click.echo(json.dumps(as_dict(found), indent=2))
    else:
        show(found)


def check_report(report: Path) -> None:
    """Refuse a report that cannot be written, before any work."""
    writable("--report", report.parent, report.name)


def save_report(report: Path, text: str) -> None:
    """Write a report, whole or not at all. Raises Refused."""
    try:
        write(report, text)
    except OSError as error:
        raise unwritable("--report", report, error) from None


def verify_kernel(
    ctx: click.Context,
    wanted: Any,
    sizes: bool,
    as_json: bool,
    report: Path | None,
    **options: Any,
) -> None:
    """Whether a kernel computes A·B, and does nothing that it must not. Exit status 1 if not."""
    from rich.console import Console
    from rich.progress import Progress

    from publish.kernel_tables import proof_as_dict, show_proof
    from tiling.reading.prove import prove

    alone(ctx, "--kernel", "rung", "without_barrier")
    if report is not None:
        check_report(report)
    with _with_tools(wanted):
        run = _chosen(wanted)
    with Progress(console=Console(stderr=True), transient=True, disable=as_json) as progress:
        task = progress.add_task(run.kernel.name, total=1.0)
        proof = prove(run, sizes, lambda share: progress.update(task, completed=share))
    text = json.dumps(proof_as_dict(proof), indent=2)
    if report is not None:
        save_report(report, text)
    if as_json:
        click.echo(text)
    else:
        show_proof(proof)
    if proof.wrong:
        ctx.exit(1)
