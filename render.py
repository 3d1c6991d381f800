"""The door: `python render.py --help`. Heavy imports are inside the command that needs them."""

import json
import os
import sys
from functools import partial
from pathlib import Path
from typing import Any

import click

from publish.door import (
    CHOOSING,
    MAX_JOBS,
    PATH,
    Door,
    alone,
    chosen,
    look_options,
    named_option,
    one_of,
    out_option,
    positive,
    quality_option,
    tiling_options,
    web_address,
    whole,
    writable,
)
from publish.kernel import inspect as inspect_kernel
from publish.kernel import kernel_options
from publish.settings import ASPECTS, THEMES, Clip
from scenes import SCENES
from tiling.occupancy import CHIPS
from tiling.presets import presets
from tiling.shapes import Refused


@click.group(cls=Door, context_settings={"help_option_names": ["-h", "--help"]})
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
@click.argument("names", nargs=-1, metavar="SCENE...", callback=one_of(SCENES))
@click.option("--all", "every", is_flag=True, help="Every scene, in both themes and both aspects.")
@click.option("--pictures", is_flag=True, help="Also SCENE.webp and SCENE.gif, which move.")
@tiling_options
@look_options("both")
@click.pass_context
def clip(
    ctx: click.Context, names: tuple[str, ...], every: bool, pictures: bool, **options: Any
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
    from publish.cache import fingerprint, up_to_date
    from publish.clip import sweep

    if not names and not every:
        raise Refused("scene", "", "is missing", "try " + ", ".join(SCENES) + ", or --all")
    if names and every:
        raise Refused("--all", "", "means every scene", "leave out " + ", ".join(names))
    names = tuple(SCENES) if every else names
    jobs, choice = positive("--jobs", options["jobs"], MAX_JOBS, "2"), chosen(options)
    writable("--out", options["out"])
    sweep(options["out"])
    usual = ("both", "both") if every else (THEMES[0], ASPECTS[0])
    look, shape = options["theme"] or usual[0], options["aspect"] or usual[1]
    wanted = [
        Clip(name, choice, theme, aspect, options["quality"], options["out"])
        for name in dict.fromkeys(names)
        for theme in (THEMES if look == "both" else [look])
        for aspect in (ASPECTS if shape == "both" else [shape])
    ]
    stale = [one for one in wanted if not up_to_date(one, fingerprint(one))]
    for one in wanted:
        if one not in stale:
            click.echo(f"{one.file('.mp4')} is up to date")
    failed = _render(stale, jobs) if stale else []
    if pictures:
        _add_pictures([one for one in wanted if one not in failed], jobs)
    if failed:
        ctx.exit(1)


def _add_pictures(clips: list[Clip], jobs: int) -> None:
    """Moving pictures of clips that lack them."""
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    from rich.console import Console
    from rich.progress import track

    from publish.animate import ANIMATED, has_pictures, make_pictures
    from publish.clip import unwritable
    from publish.pool import unheard

    lacking = [one for one in clips if not has_pictures(one)]
    with ProcessPoolExecutor(jobs, get_context("spawn")) as pool:
        with unheard():
            made = pool.map(make_pictures, lacking)
        done = track(
            zip(lacking, made, strict=True),
            "pictures",
            len(lacking),
            console=Console(stderr=True),
            transient=True,
            disable=not Console(stderr=True).is_terminal,
        )
        try:
            for one, _ in done:
                click.echo(", ".join(str(one.file(kind)) for kind in ANIMATED))
        except OSError as error:
            raise unwritable(clips[0].out, error) from None


def _render(clips: list[Clip], jobs: int) -> list[Clip]:
    """Verify the clips' tiling, then render them all. Returns those that failed, which do not stop
    the others."""
    from publish.clip import render
    from publish.display import Display, verified

    rung = verified(clips[0].choice)
    with Display(clips, rung.says) as display:
        render(clips, [rung], jobs, display)
    if len(clips) > 1:
        click.echo(display.summary(len(clips), jobs))
    for failed, why in display.failures:
        if len(clips) == 1 and isinstance(why, Refused):
            raise why
        click.echo(f"Error: {failed.stem}: {why}", err=True)
    return [failed for failed, _ in display.failures]


@main.command()
@click.option("--scenes", help="Which, and in which order.  [e.g. overview,outer_product]")
@tiling_options
@look_options()
def film(scenes: str | None, **options: Any) -> None:
    """Join scenes to one film: film.mp4 with chapters, each scene behind its title card.

    Scenes that are up to date are not rendered again.

    \b
    python render.py film
    python render.py film --scenes overview,outer_product --preset sgemm --theme night
    """
    from publish.cache import up_to_date
    from publish.clip import sweep
    from publish.display import Display, verified
    from publish.film import film_of, make_film, mark_of
    from publish.pool import RenderFailed

    names = list(SCENES) if scenes is None else [name.strip() for name in scenes.split(",")]
    for name in names:
        if name not in SCENES:
            raise Refused("--scenes", name, "is not known", "try " + ",".join(SCENES))
    if len(set(names)) < len(names):
        raise Refused("--scenes", scenes, "names a scene twice", "try " + ",".join(SCENES))
    jobs, choice = positive("--jobs", options["jobs"], MAX_JOBS, "2"), chosen(options)
    writable("--out", options["out"])
    sweep(options["out"])
    look = [options[key] or default[0] for key, default in (("theme", THEMES), ("aspect", ASPECTS))]
    whole, parts = film_of(names, Clip("", choice, *look, options["quality"], options["out"]))
    if up_to_date(whole, mark_of(parts)):
        click.echo(f"{whole.file('.mp4')} is up to date")
        return
    rung = verified(choice)
    try:
        with Display(parts, rung.says) as display:
            make_film(whole, parts, [rung], jobs, display)
    except RenderFailed as failed:
        raise click.ClickException(str(failed)) from None
    click.echo(f"{whole.file('.mp4')}  {len(parts)} scenes")


@main.command()
@click.argument("names", nargs=-1, metavar="SCENE...", callback=one_of([*SCENES, "film"]))
@click.option("--base-url", default="", help="Where the files will lie.  [e.g. /assets/tilelapse]")
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
    from publish.page.gallery import write_page
    from publish.page.shown import in_looks

    if page:
        if names:
            raise Refused("--page", "", "shows every clip", "leave out " + ", ".join(names))
        alone(ctx, "--page", "base_url", "theme", "controls", "no_render", "quality", *CHOOSING)
        path, count, stale = write_page(options["out"])
        click.echo(f"{path}  {count} clips")
        for stem, why in stale.items():
            click.echo(f"{stem}.mp4 is stale: {why}", err=True)
        return
    if not names:
        raise Refused("scene", "", "is missing", "try " + ", ".join(SCENES) + ", or --page")
    web_address("--base-url", base_url)
    choice = chosen(options)
    wanted = {
        name: [
            Clip(name, choice, each, aspect, options["quality"], options["out"])
            for each in (THEMES if theme == "auto" else [theme])
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

    from publish.page.shown import lacking

    todo = {one: why for one in clips if one.scene in SCENES and (why := lacking(one))}
    if not todo:
        return
    chosen(options)  # refused before any work
    writable("--out", options["out"])
    with redirect_stdout(sys.stderr):
        for why in todo.values():
            click.echo(why)
        if failed := _render(list(todo), os.cpu_count() or 1):
            raise click.ClickException(f"{failed[0].file('.mp4')} could not be rendered")


@main.command()
@out_option("serve")
@click.option("--port", default="8000", show_default=True, help="Of 127.0.0.1.")
def serve(out: Path, port: str) -> None:
    """Show the page of all clips on this machine, with byte ranges, so that seeking works.

    \b
    make gallery
    python render.py serve
    """
    from publish.page.gallery import PAGE
    from publish.page.serve import HOST, listen
    from publish.page.serve import serve as run

    number = positive("--port", port, 65535, "8000")
    if not (out / PAGE).is_file():
        raise Refused("--out", out, f"has no {PAGE}", "try python render.py embed --page, first")
    try:
        at = listen(number)
    except OSError as error:
        why = f"cannot be listened on: {(error.strerror or str(error)).lower()}"
        raise Refused("--port", number, why, f"try {number % 65535 + 1}") from None
    click.echo(f"http://{HOST}:{number}/  (Ctrl+C ends it)")
    run(out, at)


@main.command()
@kernel_options(inspect_kernel)
@tiling_options
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.option("--sweep", is_flag=True, help="Instead rank all tilings of a family, as predicted.")
@named_option("--chip", CHIPS, default="sm_90", show_default=True, help="For --sweep.")
@click.option("--csv", "as_csv", is_flag=True, help="The whole ranking, as CSV.")
@click.option("--plot", metavar="FILE", type=PATH, help="The ranking as .png or .svg.")
@click.pass_context
def inspect(
    ctx: click.Context,
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
    if plot is not None and plot.suffix not in (".png", ".svg"):
        raise Refused("--plot", plot, "is neither .png nor .svg", f"try {plot.stem}.svg")
    if sweep or as_csv or plot:
        asked = "--plot" if plot else "--csv" if as_csv else "--sweep"
        alone(ctx, asked, "as_json", *CHOOSING, *(["as_csv"] if plot else []))
        if plot:
            writable("--plot", plot.parent, "tilings.svg")
        _sweep(chip, as_csv, plot)
        return
    alone(ctx, "the numbers of one tiling", "chip")
    from publish.cache import describe
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
        click.echo(json.dumps({**describe(choice), **counts}, indent=2))
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
            plot(order, f"{arch} ({CHIPS[arch].name})", to)
        except OSError as error:
            why = (error.strerror or str(error)).lower()
            raise Refused("--plot", to, f"cannot be written: {why}", "try tilings.svg") from None
        click.echo(str(to))
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
@tiling_options
@click.option("--rung", multiple=True, metavar="NAME", help="Only this one; may be repeated.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.option("--report", type=PATH, help="Write the JSON to this file too.")
@click.option(
    "--without-barrier",
    metavar="N",
    help="Instead say what can go wrong without the Nth barrier or wait of the schedule, from 0.",
)
@click.pass_context
def verify(
    ctx: click.Context,
    rung: tuple[str, ...],
    as_json: bool,
    report: Path | None,
    without_barrier: str | None,
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

    from publish.cache import describe
    from publish.tables import show_rungs
    from tiling.verify import RUNGS
    from tiling.verify import verify as climb

    for name in rung:
        if name not in RUNGS:
            raise Refused("--rung", name, "is not known", "try " + ", ".join(RUNGS))
    choice = chosen(options)
    if without_barrier is not None:
        from tiling.counterexample import told

        alone(ctx, "--without-barrier", "rung", "as_json", "report")
        number = whole("--without-barrier", without_barrier)
        try:
            click.echo(told(choice.schedule(), number))
        except Refused as no:
            raise Refused("--without-barrier", number, no.rule, no.remedy) from None
        return
    if report is not None:
        if report.is_dir():
            raise Refused("--report", report, "is a folder", "try report.json")
        writable("--report", report.parent, "report.json")
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
        try:
            half.write_text(text + "\n", "utf-8")
            half.replace(report)
        except OSError as error:
            half.unlink(missing_ok=True)
            why = (error.strerror or str(error)).lower()
            raise Refused("--report", report, f"cannot be written: {why}", "try another") from None
    if as_json:
        click.echo(text)
    else:
        show_rungs(choice, rungs)
    if any(r.status == "failed" for r in rungs):
        ctx.exit(1)


if __name__ == "__main__":
    main()
