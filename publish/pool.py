"""Processes that work on clips together. Each goes through all of them, in order, and does what no
other has taken: so one clip keeps all cores busy, and so do many."""

import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from threading import RLock, Thread
from typing import TypeAlias

from publish.description import Marks
from publish.files import probe
from publish.settings import Clip
from tiling.regular import reason
from tiling.shapes import Refused


@dataclass(frozen=True)
class Total:
    """How many frames the clip has."""

    frames: int


@dataclass(frozen=True)
class Advanced:
    """So many more of them are done."""

    frames: int


@dataclass(frozen=True)
class MemoryUsed:
    """What one process has needed so far."""

    bytes: int


@dataclass(frozen=True)
class Done:
    """All is done, and every process has left the clip. Of a clip that was rendered, its marks."""

    marks: Marks | None = None


@dataclass(frozen=True)
class GaveUp:
    """`why` is an OSError where the folder takes no more, Refused where the scene cannot be made of
    this choice, else RenderFailed."""

    why: Exception


News: TypeAlias = Total | Advanced | MemoryUsed | Done | GaveUp


@dataclass(frozen=True)
class Told:
    """What is heard of a task, by its number."""

    task: int
    news: News


BEAT, PATIENCE = 0.2, 60.0
"""Seconds from one sign of life to the next, and those without one after which a process is given
up."""


class RenderFailed(Exception):
    """A clip could not be made; the text says why. Nothing was written under a final name."""


def share(tasks: Sequence[tuple[Clip, Path]], jobs: int, module: str) -> Iterator[Told]:
    """Let `jobs` processes go through all tasks, each a clip and a folder, and tell how it goes.

    module: has the function `work(clip, folder, send, first)`, which does what no other process has
    taken of a clip, and sends Done. `first` is true in one of the processes.

    Each task ends with Done or GaveUp. A task that fails does not stop the others.
    """
    # A fresh interpreter each: forking one that has threads is not safe.
    context = multiprocessing.get_context("spawn")
    processes: dict[Connection, BaseProcess] = {}
    try:
        for number in range(jobs):
            ours, theirs = context.Pipe(duplex=False)
            process: BaseProcess = context.Process(
                target=_process, args=(os.getpid(), tasks, theirs, number, module), daemon=True
            )
            with unheard():
                process.start()
                processes[ours] = process
            theirs.close()
        yield from _listen(processes, len(tasks))
    finally:
        for process in processes.values():
            process.kill()
            process.join()


@contextmanager
def unheard() -> Iterator[None]:
    """Processes that are started meanwhile do not hear Ctrl+C: who started them, and hears it when
    they are, ends them."""
    heard = []
    resource_tracker.ensure_running()  # now: it would unblock the signal when it starts
    handler = signal.signal(signal.SIGINT, lambda *_: heard.append(True))
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        signal.signal(signal.SIGINT, handler)
    if heard and callable(handler):
        handler(signal.SIGINT, None)


def _process(
    parent: int, tasks: Sequence[tuple[Clip, Path]], progress: Connection, number: int, module: str
) -> None:
    """The whole life of a process that renders. What goes wrong is sent, not raised."""
    lock = RLock()

    def send(told: Told | None) -> None:
        try:
            with lock:
                progress.send(told)
        except BrokenPipeError:  # whoever started this process is gone
            os._exit(1)

    Thread(target=_live_with, args=(parent, send), daemon=True).start()
    _keep_to_one_core(parent + number)
    for task, (clip, folder) in enumerate(tasks):

        def tell(news: News, task: int = task) -> None:
            send(Told(task, news))

        try:
            import_module(module).work(clip, folder, tell, number == 0)
        except Refused as refused:
            tell(GaveUp(refused))
        except OSError as error:
            tell(GaveUp(OSError(error.errno, reason(error))))
        except Exception as error:
            tell(GaveUp(_reason(error, folder)))


def _reason(error: Exception, folder: Path) -> Exception:
    """Manim's text comes by way of files, and one that was cut short fails as something else."""
    try:
        probe(folder)
    except OSError as full:
        return OSError(full.errno, reason(full))
    return RenderFailed(f"{type(error).__name__}: {error}")


def _keep_to_one_core(number: int) -> None:
    """The AV1 encoder has threads of its own, however it is asked: they stay on the process's core,
    so that the processes do not take one another's, and `--jobs 1` leaves the others free."""
    if hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {cores[number % len(cores)]})


def _live_with(parent: int, send: Callable[[None], None]) -> None:
    """Say that this process is alive, and end it when who started it is gone, killed perhaps."""
    while os.getppid() == parent:
        send(None)
        time.sleep(BEAT)
    os._exit(1)


def _listen(processes: Mapping[Connection, BaseProcess], tasks: int) -> Iterator[Told]:
    """Hear all processes out. A task is done when it is for every process."""
    ahead = {end: list(range(tasks)) for end in processes}  # what each has still to go through
    quiet = dict.fromkeys(processes, 0.0)  # seconds
    before = time.monotonic()
    done: dict[int, Told] = {}
    over: set[int] = set()
    while ahead:
        lost: list[int] = []  # tasks at which a process ended
        ready = wait(list(ahead), BEAT)
        # While this process was stopped itself, or busy, nobody was quiet.
        passed, before = min(time.monotonic() - before, 2 * BEAT), time.monotonic()
        for end in ready:
            assert isinstance(end, Connection)
            match told := _received(end):
                case None:
                    pass
                case EOFError():
                    lost += ahead.pop(end)[:1]
                case Told(task, Done()):
                    done[task] = told
                    ahead[end].remove(task)
                case Told(task, GaveUp()):
                    ahead[end].remove(task)
                    if task not in over:
                        over.add(task)
                        yield told
                case Told():
                    yield told
        if not ahead:  # nobody is left to render what has not ended
            lost += [task for task in range(tasks) if task not in done]
        for task in lost:
            if task not in over:
                over.add(task)
                why = "a rendering process ended, or stood still, before its work was done"
                yield Told(task, GaveUp(RenderFailed(why)))
        for task in sorted(done.keys() - over):
            if not any(task in left for left in ahead.values()):
                over.add(task)
                yield done[task]
        ahead = {end: left for end, left in ahead.items() if left}
        quiet = {end: 0.0 if end in ready else quiet[end] + passed for end in ahead}
        for end in ahead:
            if quiet[end] > PATIENCE:  # stopped, by a signal perhaps
                processes[end].kill()


def _received(end: Connection) -> Told | EOFError | None:
    """What a process sends: None says that it is alive, EOFError that it is not."""
    try:
        told: Told | None = end.recv()
    except (EOFError, OSError):  # the latter in the middle of what it sends
        return EOFError()
    return told
