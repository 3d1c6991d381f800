"""The door: `python render.py --help`. Heavy imports are inside the command that needs them."""

import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from publish import sources  # noqa: F401  what it says of the sources is from before the imports
from publish.files import sweep, unwritable, writable, write
from publish.kernel import (
    check_report,
    inspect_kernel,
    kernel_options,
    save_report,
    verify_kernel,
)
from publish.one_line import Commands
from publish.options import (
    CHOOSING,
    OneOf,
    PathField,
    Several,
    WebFolder,
    Whole,
    alone,
    chosen,
    look_options,
    named_option,
    out_option,
    quality_option,
    those,
    tiling_options,
)
from publish.settings import ANIMATED, ASPECTS, FILM, THEMES, Clip
from scenes import SCENES
from tiling.occupancy import CHIPS
from tiling.presets import presets
from tiling.regular import reason
from tiling.shapes import Refused, cut_short, printable


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Explainer videos of tiled matrix multiplication, drawn from the schedule the kernel runs.

    \b
    python render.py clip overview
    python render.py clip overview --preset sgemm --theme night
    python render.py film
    python render.py embed overview
    python render.py inspect --gemm 64x48x40 --cta 16x16x8 --thread 4x4
    """


@main.command("list")
def list_command() -> None:
    """Scenes and presets."""
    click.echo("Scenes")
    for name, claim in SCENES.items():
        click.echo(f"  {name:<17} {claim}")
    click.echo("Presets")
    for name, table in presets().items():
        sizes = f"{table['gemm']} in {table['cta']}, {table['thread']} a thread"
        click.echo(f"  {name:<17} {sizes}: {table['about']}")


@main.command()
@click.argument("names", nargs=-1, metavar="SCENE...", type=OneOf(SCENES))
@click.option("--all", "every", is_flag=True, help="Every scene, in both themes and both aspects.")
@click.option("--pictures", is_flag=True, help="Also SCENE.webp and SCENE.gif, which move.")
@tiling_options
@look_options("both")
@click.pass_context
def clip(
    ctx: click.Context, /, names: tuple[str, ...], every: bool, pictures: bool, **options: Any
) -> None:
    """Render clips: SCENE.mp4, a smaller .webm, a poster .jpg, subtitles .vtt, a transcript .txt,
    and .json about them all.

    Without --theme a clip is paper, without --aspect wide; with --all it is made in both.

    \b
    python render.py clip overview
    python render.py clip overview --preset small --theme night --aspect tall
    python render.py clip why_tile --theme both --aspect both
    python render.py clip --all --theme night
    """
    from publish.stale import lacking

    if not names and not every:
        raise Refused("scene", "", "is missing", "try " + ", ".join(SCENES) + ", or --all")
    if names and every:
        raise Refused("--all", "", "means every scene", "leave out " + ", ".join(names))
    names = tuple(SCENES) if every else names
    jobs, choice = options["jobs"], chosen(options)
    wanted = [
        Clip(name, choice, theme, aspect, options["quality"], options["out"])
        for name in dict.fromkeys(names)
        for theme in those(THEMES, options["theme"], every)
        for aspect in those(ASPECTS, options["aspect"], every)
    ]
    writable("--out", options["out"], *(name for one in wanted for name in one.names))
    stale = [one for one in wanted if lacking(one)]
    for one in wanted:
        if one not in stale:
            click.echo(printable(f"{one.file('.mp4')} is up to date"))
    failed = _render(stale, jobs) if stale else {}
    if pictures:
        failed |= _add_pictures([one for one in wanted if one not in failed], jobs)
    if failed:
        ctx.exit(1)


def _render(clips: list[Clip], jobs: int) -> dict[Clip, Exception]:
    """Verify the clips' tiling, then render them all. Returns those that failed, and why: they do
    not stop the others."""
    from publish.clip import render
    from publish.display import Display, verified

    rung = verified(clips[0].choice)
    with Display(clips, lambda one: f"{one.file('.mp4')}  verified: {rung.says}") as display:
        failed = render(clips, [rung], jobs, display)
    if len(clips) > 1:
        done = f"{len(clips) - len(failed)} of {len(clips)} clips"
        click.echo(f"{done} in {display.summary(jobs)}")
    return _said(failed, alone=len(clips) == 1)


def _add_pictures(clips: list[Clip], jobs: int) -> dict[Clip, Exception]:
    """Moving pictures of clips that lack them. Returns those that failed, and why."""
    from publish.clip import add_pictures
    from publish.display import Display
    from publish.stale import described

    lacking = [one for one in clips if not set(ANIMATED) <= set(described(one).files)]
    with Display(lacking, lambda one: ", ".join(str(one.file(k)) for k in ANIMATED)) as display:
        failed = add_pictures(lacking, jobs, display)
    return _said(failed, alone=len(clips) == 1)


def _said(failed: dict[Clip, Exception], alone: bool) -> dict[Clip, Exception]:
    """Say why clips failed. Of one that was asked for alone it is the whole answer."""
    for one, why in failed.items():
        if alone and isinstance(why, Refused):
            raise why
        click.echo(f"Error: {one.stem}: {cut_short(why, 500)}", err=True)
    return failed


@main.command()
@click.option(
    "--scenes",
    type=Several(SCENES),
    metavar="SCENE,...",
    help="Which, and in which order.  [e.g. overview,outer_product]",
)
@tiling_options
@look_options()
def film(scenes: list[str] | None, **options: Any) -> None:
    """Join scenes to one film: film.mp4 with chapters, each scene behind its title card.

    Scenes that are up to date are not rendered again.

    \b
    python render.py film
    python render.py film --scenes overview,outer_product --preset sgemm --theme night
    """
    from publish.display import Display, verified
    from publish.film import make_film
    from publish.pool import RenderFailed
    from publish.settings import film_of
    from publish.stale import lacking

    names = scenes or list(SCENES)
    jobs, choice = options["jobs"], chosen(options)
    (theme,) = those(THEMES, options["theme"], False)
    (aspect,) = those(ASPECTS, options["aspect"], False)
    look = Clip("", choice, theme, aspect, options["quality"], options["out"])
    whole, parts = film_of(names, look)
    writable("--out", options["out"], *(name for one in [whole, *parts] for name in one.names))
    if not lacking(whole, names):
        click.echo(printable(f"{whole.file('.mp4')} is up to date"))
        return
    rung = verified(choice)
    try:
        with Display(parts, lambda one: f"{one.file('.mp4')}  verified: {rung.says}") as display:
            make_film(whole, parts, [rung], jobs, display)
    except RenderFailed as failed:
        raise click.ClickException(str(failed)) from None
    click.echo(printable(f"{whole.file('.mp4')}  {len(parts)} scenes"))


@main.command()
@click.argument("names", nargs=-1, metavar="SCENE...", type=OneOf([*SCENES, FILM]))
@click.option(
    "--base-url",
    type=WebFolder(),
    default="",
    metavar="URL",
    help="Where the files will lie.  [e.g. /assets/tilelapse]",
)
@named_option("--theme", [*THEMES, "auto"], default="auto", help="auto: as the reader has it.")
@click.option("--controls", is_flag=True, help="The browser's own controls too.")
@click.option("--page", is_flag=True, help="Instead write index.html, a page of all clips.")
@click.option("--no-render", is_flag=True, help="Refuse what is missing or stale.")
@tiling_options
@quality_option()
@out_option("look in")
@click.pass_context
def embed(
    ctx: click.Context,
    /,
    names: tuple[str, ...],
    base_url: str,
    theme: str,
    controls: bool,
    page: bool,
    no_render: bool,
    **options: Any,
) -> None:
    """Print the HTML that shows clips on a page: to be pasted into HTML or Markdown.

    It needs the clips in wide and tall, and without --theme in both themes. A scene that is
    missing, or stale because its tiling or sources have changed since, is rendered first; a film
    is not.

    \b
    python render.py embed overview --base-url /assets/tilelapse
    python render.py embed overview --no-render
    python render.py embed --page
    """
    from publish.page.figure import figure
    from publish.page.gallery import PAGE, write_page
    from publish.page.on_disk import in_looks

    if page:
        if names:
            raise Refused("--page", "", "shows every clip", "leave out " + ", ".join(names))
        alone(ctx, "--page", "base_url", "theme", "controls", "no_render", "quality", *CHOOSING)
        try:
            written = write_page(options["out"])
        except OSError as error:
            raise unwritable("--page", options["out"] / PAGE, error) from None
        click.echo(printable(f"{written.path}  {written.clips} clips"))
        for stem, why in written.stale.items():
            click.echo(f"{stem}.mp4 is stale: {why}", err=True)
        for name, why in written.skipped.items():
            click.echo(f"{cut_short(name)} is skipped: {why}", err=True)
        return
    if not names:
        raise Refused("scene", "", "is missing", "try " + ", ".join(SCENES) + ", or --page")
    choice = chosen(options)
    sweep(options["out"])
    wanted = {
        name: [
            Clip(name, choice, each, aspect, options["quality"], options["out"])
            for each in those(THEMES, None if theme == "auto" else theme, True)
            for aspect in ASPECTS
        ]
        for name in dict.fromkeys(names)
    }
    if not no_render:
        _render_lacking([one for looks in wanted.values() for one in looks], options)
    for looks in wanted.values():
        click.echo(figure(in_looks(looks), base_url, controls))


def _render_lacking(clips: list[Clip], options: dict[str, Any]) -> None:
    """Render scenes that are missing or stale. What is said of it leaves stdout to the HTML."""
    from contextlib import redirect_stdout

    from publish.stale import lacking

    todo = {one: why for one in clips if one.scene in SCENES and (why := lacking(one))}
    if not todo:
        return
    writable("--out", options["out"], *(name for one in todo for name in one.names))
    with redirect_stdout(sys.stderr):
        for why in todo.values():
            click.echo(printable(why))
        if failed := _render(list(todo), os.cpu_count() or 1):
            raise click.ClickException(f"{next(iter(failed)).file('.mp4')} could not be rendered")


@main.command()
@out_option("serve")
@click.option(
    "--port",
    type=Whole(1, 65535, 8000),
    default=8000,
    show_default=True,
    metavar="N",
    help="Of 127.0.0.1.",
)
def serve(out: Path, port: int) -> None:
    """Show the page of all clips on this machine, with byte ranges, so that seeking works.

    \b
    make gallery
    python render.py serve
    """
    from publish.page.gallery import PAGE
    from publish.page.serve import HOST, listen
    from publish.page.serve import serve as run

    if not (out / PAGE).is_file():
        remedy = f"try python render.py embed --page --out {out}, first"
        raise Refused("--out", out, f"has no {PAGE}", remedy)
    try:
        at = listen(port)
    except OSError as error:
        why = f"cannot be listened on: {reason(error)}"
        with listen(0) as free:
            remedy = f"try {free.getsockname()[1]}"
        raise Refused("--port", port, why, remedy) from None
    click.echo(f"http://{HOST}:{port}/  (Ctrl+C ends it)")
    run(out, at)


@main.command()
@kernel_options(inspect_kernel)
@tiling_options
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.option("--sweep", is_flag=True, help="Instead rank all tilings of a family, as predicted.")
@named_option("--chip", CHIPS, default="sm_90", show_default=True, help="For --sweep.")
@click.option("--csv", "as_csv", is_flag=True, help="The whole ranking, as CSV.")
@click.option(
    "--plot", metavar="FILE", type=PathField(".svg", ".png"), help="The ranking as .png or .svg."
)
@click.pass_context
def inspect(
    ctx: click.Context,
    /,
    as_json: bool,
    sweep: bool,
    chip: str,
    as_csv: bool,
    plot: Path | None,
    **options: Any,
) -> None:
    """The numbers of a tiling: what it requests, reads, computes and holds.

    \b
    python render.py inspect --preset sgemm
    python render.py inspect --preset small --cta 32x16x8
    python render.py inspect --sweep --chip sm_80 --csv > tilings.csv
    python render.py inspect --plot tilings.svg
    """
    if sweep or as_csv or plot:
        asked = "--plot" if plot else "--csv" if as_csv else "--sweep"
        alone(ctx, asked, "as_json", *CHOOSING, *(["as_csv"] if plot else []))
        if plot:
            writable("--plot", plot.parent, plot.name)
        _sweep(chip, as_csv, plot)
        return
    alone(ctx, "the numbers of one tiling", "chip")
    from publish.tables import (
        occupancy_of,
        request_rows,
        show_occupancy,
        show_requests,
        show_traffic,
    )
    from tiling.traffic import traffic

    choice = chosen(options)
    plan = choice.schedule()
    found = traffic(plan)
    if as_json:
        fits = occupancy_of(plan).items()
        counts = {
            "traffic": found.as_dict(),
            "warp_requests": request_rows(plan),
            "ctas_at_best": {arch: one.ctas for arch, one in fits},
        }
        click.echo(json.dumps({**asdict(choice), **counts}, indent=2))
    else:
        show_traffic(choice, found)
        show_requests(plan)
        show_occupancy(plan)


def _sweep(arch: str, as_csv: bool, to: Path | None) -> None:
    """Rank the family of tilings on a chip."""
    from rich.console import Console
    from rich.progress import track

    from publish.tables import ranking_as_csv, show_ranking
    from tiling import sweep

    tilings = list(sweep.family())
    console = Console(stderr=True)
    predictions = [
        sweep.predict(tiling, CHIPS[arch])
        for tiling in track(
            tilings,
            "predict",
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
    ]
    order = sweep.ranked(predictions)
    if to is not None:
        from publish.plot import plot

        try:
            write(to, plot(order, f"{arch} ({CHIPS[arch].name})", to.suffix))
        except OSError as error:
            raise unwritable("--plot", to, error) from None
        click.echo(printable(to))
    elif as_csv:
        click.echo(ranking_as_csv(order), nl=False)
    else:
        show_ranking(order, arch)


@main.command()
@tiling_options
def source(**options: Any) -> None:
    """Print the kernel of one tiling: plain CUDA C++ that compiles alone, and how it is launched.

    It becomes the same machine code as the kernel that `verify` looks at.

    \b
    python render.py source --preset sgemm
    python render.py source --preset naive --cta 16x16x8 > naive.cu
    """
    from tiling.kernel.printed import printed

    click.echo(printed(chosen(options)), nl=False)


@main.command()
@kernel_options(verify_kernel, sizes=True)
@tiling_options
@click.option("--rung", multiple=True, metavar="NAME", help="Only this one; may be repeated.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.option("--report", type=PathField(), help="Write the JSON to this file too.")
@click.option(
    "--without-barrier",
    type=Whole(0, 10**18, 0),
    metavar="N",
    help="Instead say what can go wrong without the Nth barrier or wait of the schedule, from 0.",
)
@click.pass_context
def verify(
    ctx: click.Context,
    /,
    rung: tuple[str, ...],
    as_json: bool,
    report: Path | None,
    without_barrier: int | None,
    **options: Any,
) -> None:
    """Climb the rungs of proof that can be climbed here, and say why not of the others.

    \b
    model     the schedule executes to A·B, without a hazard
    host      the kernel built by g++: bits of C and every thread's trace equal
    race      the same under ThreadSanitizer
    ptx       what NVRTC compiles, run at real sizes: bits of C, every access, every count
    compiler  NVRTC for each architecture: registers, spills, instructions
    gpu       the kernel on this machine's GPU

    \b
    python render.py verify
    python render.py verify --preset sgemm --rung model --rung host --json
    python render.py verify --without-barrier 1
    """
    from rich.console import Console
    from rich.progress import Progress

    from publish.sealed import REPORT, sealed
    from publish.tables import show_rungs
    from tiling.verify import RUNGS, Rung
    from tiling.verify import verify as climb

    for name in rung:
        if name not in RUNGS:
            raise Refused("--rung", name, "is not known", "try " + ", ".join(RUNGS))
    choice = chosen(options)
    if without_barrier is not None:
        from tiling.counterexample import told

        alone(ctx, "--without-barrier", "rung", "as_json", "report")
        try:
            click.echo(told(choice.schedule(), without_barrier))
        except Refused as no:
            raise Refused("--without-barrier", no.value, no.rule, no.remedy) from None
        return
    if report is not None:
        check_report(report)
    with Progress(console=Console(stderr=True), transient=True, disable=as_json) as progress:

        def climbed(name: str) -> Rung:
            task = progress.add_task(name, total=1.0)
            found = climb(name, choice, lambda share: progress.update(task, completed=share))
            progress.remove_task(task)
            return found

        rungs = [climbed(name) for name in rung or RUNGS]
    text = sealed(REPORT, {**asdict(choice), "rungs": [asdict(rung) for rung in rungs]})
    if report is not None:
        save_report(report, text)
    if as_json:
        click.echo(text, nl=False)
    else:
        show_rungs(choice, rungs)
    if any(r.status == "failed" for r in rungs):
        ctx.exit(1)


if __name__ == "__main__":
    main()
