"""Processes that render clips together. Each goes through all of them, in order, and draws the
chapters that no other has taken: so one clip keeps all cores busy, and so do many."""

import multiprocessing
import os
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
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
class Memory:
    """What one process has needed so far."""

    bytes: int


@dataclass(frozen=True)
class Done:
    """All is done, and every process has left the clip."""

    marks: Marks


@dataclass(frozen=True)
class Failed:
    """`why` is an OSError where the folder takes no more, Refused where the scene cannot be made of
    this choice, else RenderFailed."""

    why: Exception


News: TypeAlias = Total | Advanced | Memory | Done | Failed


@dataclass(frozen=True)
class Told:
    """What is heard of a task, by its number."""

    task: int
    news: News


class RenderFailed(Exception):
    """A clip could not be made; the text says why. Nothing was written under a final name."""


def share(tasks: Sequence[tuple[Clip, Path]], jobs: int) -> Iterator[Told]:
    """Let `jobs` processes render each clip's chapters into its folder, and tell how it goes.

    Each task ends with Done or Failed. A task that fails does not stop the others.
    """
    # A fresh interpreter each: forking one that has threads is not safe.
    context = multiprocessing.get_context("spawn")
    processes, ends = [], []
    try:
        for number in range(jobs):
            ours, theirs = context.Pipe(duplex=False)
            process = context.Process(
                target=_process, args=(os.getpid(), tasks, theirs, number), daemon=True
            )
            with unheard():
                process.start()
                processes.append(process)
            theirs.close()
            ends.append(ours)
        yield from _listen(ends, len(tasks))
    finally:
        for process in processes:
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
    parent: int, tasks: Sequence[tuple[Clip, Path]], progress: Connection, number: int
) -> None:
    """The whole life of a process that renders. What goes wrong is sent, not raised."""
    Thread(target=_die_with, args=(parent,), daemon=True).start()
    _keep_to_one_core(parent + number)
    from tqdm import tqdm  # of Manim

    from publish.worker import Work  # imports Manim

    tqdm.set_lock(RLock())  # its own would outlive a process that is killed
    for task, (clip, folder) in enumerate(tasks):

        def send(news: News, task: int = task) -> None:
            try:
                progress.send(Told(task, news))
            except BrokenPipeError:  # whoever started this process is gone
                os._exit(1)

        try:
            Work(clip, folder, send).run(count=number == 0)
        except Refused as refused:
            send(Failed(refused))
        except OSError as error:
            send(Failed(OSError(error.errno, reason(error))))
        except Exception as error:
            send(Failed(_reason(error, folder)))


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


def _die_with(parent: int) -> None:
    """End this process when whoever started it is gone, killed perhaps."""
    while os.getppid() == parent:
        time.sleep(0.1)
    os._exit(1)


def _listen(ends: Sequence[Connection], tasks: int) -> Iterator[Told]:
    """Hear all processes out. A task is done when it is for every process."""
    ahead = {end: list(range(tasks)) for end in ends}  # what each has still to go through
    done: dict[int, Told] = {}
    over: set[int] = set()
    while ahead:
        for end in wait(list(ahead)):
            assert isinstance(end, Connection)
            try:
                told = end.recv()
            except EOFError:
                lost = ahead.pop(end)[:1]  # the task that the process was at, if it had not ended
                told = None
            else:
                lost = []
                match told.news:
                    case Done():
                        done[told.task] = told
                        ahead[end].remove(told.task)
                    case Failed():
                        ahead[end].remove(told.task)
                        if told.task not in over:
                            over.add(told.task)
                            yield told
                    case _:
                        yield told
            if not ahead:  # nobody is left to render what has not ended
                lost = [task for task in range(tasks) if task not in done]
            for task in lost:
                if task not in over:
                    over.add(task)
                    why = "a rendering process ended before its work was done"
                    yield Told(task, Failed(RenderFailed(why)))
            for task in sorted(done.keys() - over):
                if not any(task in left for left in ahead.values()):
                    over.add(task)
                    yield done[task]
