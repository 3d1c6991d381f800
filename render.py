"""The door: `python render.py --help`. Heavy imports are inside the command that needs them."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import click

from publish.settings import ASPECTS, QUALITIES, THEMES, Clip
from scenes import SCENES
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


@click.group(cls=Door, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Explainer videos of tiled matrix multiplication, drawn from the schedule the kernel runs.

    \b
    python render.py clip overview
    python render.py clip overview --preset sgemm --theme night
    python render.py inspect --gemm 64x48x40 --cta 16x16x8 --thread 4x4
    """


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
        if not value:
            raise Refused(field, "", "is missing", "try " + ", ".join(names))
        for name in value if isinstance(value, tuple) else (value,):
            if name not in names:
                raise Refused(field, name, "is not known", "try " + ", ".join(names))
        return value

    return check


@main.command("list")
def list_command() -> None:
    """Scenes and presets."""
    click.echo("Scenes")
    for name, claim in SCENES.items():
        click.echo(f"  {name:<10} {claim}")
    click.echo("Presets")
    for name, table in presets().items():
        sizes = f"{table['gemm']} in {table['cta']}, {table['thread']} a thread"
        click.echo(f"  {name:<10} {sizes}: {table['about']}")


@main.command()
@click.argument("names", nargs=-1, metavar="SCENE...", callback=one_of(SCENES))
@tiling_options
@click.option(
    "--theme", default=THEMES[0], show_default=True, callback=one_of(THEMES), help="paper or night."
)
@click.option(
    "--aspect",
    default=ASPECTS[0],
    show_default=True,
    callback=one_of(ASPECTS),
    help="wide or tall.",
)
@click.option(
    "--quality",
    default="web",
    show_default=True,
    callback=one_of(QUALITIES),
    help="draft, web or uhd.",
)
@click.option("--out", default="media", type=click.Path(path_type=Path), help="Folder to write to.")
@click.option("--jobs", default=str(os.cpu_count() or 1), help="Processes.  [default: one a core]")
def clip(names: tuple[str, ...], **options: Any) -> None:
    """Render clips: SCENE.mp4, a poster .jpg, subtitles .vtt, and .json about them all.

    \b
    python render.py clip overview
    python render.py clip overview --preset small --theme night --aspect tall
    """
    from publish.cache import fingerprint, up_to_date
    from publish.clip import sweep

    look = {key: options[key] for key in ("theme", "aspect", "quality", "out")}
    jobs = positive("--jobs", options["jobs"])
    choice = chosen(options)
    writable("--out", options["out"])
    sweep(options["out"])
    for name in names:
        wanted = Clip(name, choice, **look)
        if up_to_date(wanted, fingerprint(wanted)):
            click.echo(f"{wanted.file('.mp4')} is up to date")
        else:
            make(wanted, jobs)


def make(wanted: Clip, jobs: int) -> None:
    """Verify a clip's tiling, then render it, with a progress bar for each."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    from publish.clip import RenderFailed, render
    from tiling.verify import verify

    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, transient=True) as progress:
        task = progress.add_task("verify", total=1.0)
        rung = verify("model", wanted.choice, lambda share: progress.update(task, completed=share))
        if rung.status == "failed":
            raise click.ClickException(f"the schedule is wrong, nothing is rendered: {rung.says}")
        progress.remove_task(task)
        task = progress.add_task(wanted.stem, total=None)
        try:
            render(
                wanted,
                [rung],
                jobs,
                lambda total: progress.update(task, total=total),
                lambda frames: progress.advance(task, frames),
            )
        except RenderFailed as failed:
            raise click.ClickException(str(failed)) from None
    click.echo(f"{wanted.file('.mp4')}  verified: {rung.says}")


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


@main.command()
@tiling_options
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def inspect(as_json: bool, **options: Any) -> None:
    """The numbers of a tiling: what it requests, reads, computes and holds.

    \b
    python render.py inspect --preset sgemm
    python render.py inspect --preset small --cta 32x16x8
    """
    from tiling.traffic import traffic

    choice = chosen(options)
    found = traffic(choice.schedule())
    if as_json:
        from publish.cache import describe

        click.echo(json.dumps({**describe(choice), "traffic": found.as_dict()}, indent=2))
        return
    from rich.console import Console
    from rich.table import Table

    title = f"{choice.name}: {choice.gemm} in {choice.tiling}"
    table = Table(
        "", f"CTA {choice.cta}", f"all {found.ctas} CTAs", title=title, title_justify="left"
    )
    for column in table.columns[1:]:
        column.justify = "right"
    both = [found.cta, found.total]
    rows: list[tuple[str, list[str]]] = [
        ("A requested, elements", [f"{c.requested_a:,}" for c in both]),
        ("B requested, elements", [f"{c.requested_b:,}" for c in both]),
        ("A and B requested, bytes", [f"{c.requested_bytes:,}" for c in both]),
        ("C stored, elements", [f"{c.stored:,}" for c in both]),
        ("shared words written", [f"{c.shared_writes:,}" for c in both]),
        ("shared words read", [f"{c.shared_reads:,}" for c in both]),
        ("FMA executed", [f"{c.fma:,}" for c in both]),
        ("FLOP of the product", [f"{c.flop:,}" for c in both]),
        ("FLOP per byte requested", [f"{c.intensity:.4g}" for c in both]),
        ("requests per result", [f"{c.requests_per_result:.4g}" for c in both]),
        ("shared reads per result", [f"{c.shared_reads_per_result:.4g}" for c in both]),
    ]
    for label, values in rows:
        table.add_row(label, *values)
    console = Console()
    console.print(table)
    console.print(
        f"{found.threads} threads a CTA, {found.accumulators} accumulators each; "
        f"{found.shared_bytes:,} bytes of shared memory; "
        f"{found.k_tiles} k-tiles, {found.barriers} barriers.\n"
        f"Requested are elements that threads ask global memory for; caches stand behind it. "
        f"A thread for each result would request {found.naive_requested:,}, "
        f"{found.naive_requested / found.total.requested:.4g} times as many.",
        highlight=False,
    )


@main.command()
@tiling_options
@click.option("--rung", multiple=True, metavar="NAME", help="Only this one; may be repeated.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.option("--report", type=click.Path(path_type=Path), help="Write the JSON to this file too.")
@click.pass_context
def verify(
    ctx: click.Context, rung: tuple[str, ...], as_json: bool, report: Path | None, **options: Any
) -> None:
    """Climb the rungs of proof that can be climbed here, and say why not of the others.

    \b
    model     the schedule executes to A·B, without a hazard
    host      the kernel built by g++: bits of C and every thread's trace equal
    race      the same under ThreadSanitizer
    compiler  NVRTC for each architecture: registers, spills, instructions
    gpu       the kernel on this machine's GPU

    \b
    python render.py verify
    python render.py verify --preset sgemm --rung model --rung host --json
    """
    from rich.console import Console
    from rich.progress import Progress
    from rich.table import Table

    from publish.cache import describe
    from tiling.verify import RUNGS
    from tiling.verify import verify as climb

    for name in rung:
        if name not in RUNGS:
            raise Refused("--rung", name, "is not known", "try " + ", ".join(RUNGS))
    choice = chosen(options)
    if report is not None:
        if report.is_dir():
            raise Refused("--report", report, "is a folder", "try report.json")
        writable("--report", report.parent)
    rungs = []
    with Progress(console=Console(stderr=True), transient=True, disable=as_json) as progress:
        for name in rung or RUNGS:
            task = progress.add_task(name, total=1.0)
            tell = partial(progress.update, task)
            rungs.append(climb(name, choice, lambda share, tell=tell: tell(completed=share)))
            progress.remove_task(task)
    text = json.dumps({**describe(choice), "rungs": [r.as_dict() for r in rungs]}, indent=2)
    if report is not None:
        half = report.with_name(report.name + ".half")
        half.write_text(text + "\n", "utf-8")
        half.replace(report)
    if as_json:
        click.echo(text)
    else:
        title = f"{choice.name}: {choice.gemm} in {choice.tiling}"
        table = Table("rung", "status", "seconds", "", title=title, title_justify="left")
        for r in rungs:
            seconds = f"{r.seconds:.2f}" if r.status != "not run" else ""
            table.add_row(r.name, r.status, seconds, r.says)
        Console().print(table)
    if any(r.status == "failed" for r in rungs):
        ctx.exit(1)


if __name__ == "__main__":
    main()
