"""How rendering goes, on a terminal: one bar for each clip that is being rendered, one for all."""

from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from publish.settings import Clip
from tiling.presets import Choice
from tiling.shapes import printable
from tiling.verify import Rung, verify


def verified(choice: Choice) -> Rung:
    """The model rung for a choice, climbed. Raises ClickException where it fails."""
    columns, silent = (TextColumn("verify"), BarColumn()), not Console().is_terminal
    with Progress(*columns, transient=True, disable=silent) as bars:
        task = bars.add_task("", total=1.0)
        rung = verify("model", choice, lambda share: bars.update(task, completed=share))
    if rung.status == "failed":
        raise click.ClickException(f"the schedule is wrong, nothing is rendered: {rung.says}")
    return rung


class Display:
    """The Progress of some clips. For each that is done what `line` says of it is printed."""

    def __init__(self, clips: Sequence[Clip], line: Callable[[Clip], str]) -> None:
        self.line, self.start = line, perf_counter()
        self.bytes = 0
        columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
        self.bars = Progress(*columns, transient=True, disable=not Console().is_terminal)
        self.tasks: dict[str, Any] = {}
        self.all = self.bars.add_task("all", total=len(clips), visible=len(clips) > 1)

    def __enter__(self) -> "Display":
        self.bars.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.bars.stop()

    def total(self, clip: Clip, frames: int) -> None:
        self.bars.update(self._task(clip), total=frames)

    def advance(self, clip: Clip, frames: int) -> None:
        self.bars.advance(self._task(clip), frames)

    def done(self, clip: Clip) -> None:
        self._over(clip)
        if not clip.card:
            self._print(self.line(clip))

    def failed(self, clip: Clip) -> None:
        self._over(clip)

    def memory(self, needed: int) -> None:
        self.bytes = max(self.bytes, needed)

    def summary(self, jobs: int) -> str:
        """How long it took, in how many processes, and what the largest of them needed."""
        seconds, megabytes = perf_counter() - self.start, self.bytes / 1e6
        return f"{seconds:.0f} s, {jobs} processes of at most {megabytes:.0f} MB"

    def _task(self, clip: Clip) -> Any:
        if clip.stem not in self.tasks:
            self.tasks[clip.stem] = self.bars.add_task(clip.stem, total=None)
        return self.tasks[clip.stem]

    def _over(self, clip: Clip) -> None:
        if clip.stem in self.tasks:
            self.bars.remove_task(self.tasks.pop(clip.stem))
        self.bars.advance(self.all)

    def _print(self, line: str) -> None:
        self.bars.stop()
        click.echo(printable(line))
        self.bars.start()
