"""The door: `python render.py --help`. Heavy imports are inside the command that needs them."""

import json
from functools import partial
from pathlib import Path
from typing import Any

import click

from publish.door import Door, chosen, look_options, one_of, positive, tiling_options, writable
from publish.settings import ASPECTS, THEMES, Clip
from scenes import SCENES
from tiling.presets import presets
from tiling.shapes import Refused


@click.group(cls=Door, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Explainer videos of tiled matrix multiplication, drawn from the schedule the kernel runs.

    \b
    python render.py clip overview
    python render.py clip overview --preset sgemm --theme night
    python render.py film
    python render.py inspect --gemm 64x48x40 --cta 16x16x8 --thread 4x4
    """


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
@click.option("--all", "every", is_flag=True, help="Every scene, in both themes and both aspects.")
@tiling_options
@look_options
@click.pass_context
def clip(ctx: click.Context, names: tuple[str, ...], every: bool, **options: Any) -> None:
    """Render clips: SCENE.mp4, a poster .jpg, subtitles .vtt, a transcript .txt, and .json about
    them all.

    Without --theme a clip is paper, without --aspect wide; with --all it is made in both.

    \b
    python render.py clip overview
    python render.py clip overview --preset small --theme night --aspect tall
    python render.py clip --all --theme night
    """
    from publish.cache import fingerprint, up_to_date
    from publish.clip import sweep

    if not names and not every:
        raise Refused("scene", "", "is missing", "try " + ", ".join(SCENES) + ", or --all")
    if names and every:
        raise Refused("--all", "", "means every scene", "leave out " + ", ".join(names))
    jobs, choice = positive("--jobs", options["jobs"]), chosen(options)
    writable("--out", options["out"])
    sweep(options["out"])
    themes = [options["theme"]] if options["theme"] else THEMES if every else THEMES[:1]
    aspects = [options["aspect"]] if options["aspect"] else ASPECTS if every else ASPECTS[:1]
    wanted = [
        Clip(name, choice, theme, aspect, options["quality"], options["out"])
        for name in (SCENES if every else dict.fromkeys(names))
        for theme in themes
        for aspect in aspects
    ]
    stale = [one for one in wanted if not up_to_date(one, fingerprint(one))]
    for one in wanted:
        if one not in stale:
            click.echo(f"{one.file('.mp4')} is up to date")
    if stale:
        _render(ctx, stale, jobs)


def _render(ctx: click.Context, clips: list[Clip], jobs: int) -> None:
    """Verify the clips' tiling, then render them all; what fails does not stop the others."""
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
    if display.failures:
        ctx.exit(1)


@main.command()
@click.option("--scenes", help="Which, and in which order.  [e.g. overview,outer_product]")
@tiling_options
@look_options
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
    jobs, choice = positive("--jobs", options["jobs"]), chosen(options)
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
@tiling_options
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def inspect(as_json: bool, **options: Any) -> None:
    """The numbers of a tiling: what it requests, reads, computes and holds.

    \b
    python render.py inspect --preset sgemm
    python render.py inspect --preset small --cta 32x16x8
    """
    from publish.cache import describe
    from publish.tables import show_traffic
    from tiling.traffic import traffic

    choice = chosen(options)
    found = traffic(choice.schedule())
    if as_json:
        click.echo(json.dumps({**describe(choice), "traffic": found.as_dict()}, indent=2))
    else:
        show_traffic(choice, found)


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

    from publish.cache import describe
    from publish.tables import show_rungs
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
        show_rungs(choice, rungs)
    if any(r.status == "failed" for r in rungs):
        ctx.exit(1)


if __name__ == "__main__":
    main()
