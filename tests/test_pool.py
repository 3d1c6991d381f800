"""What is heard of processes that work on clips: those that die, stand still, or say nothing."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest

from publish import pool
from publish.pool import Advanced, Done, GaveUp, RenderFailed, Told, _listen, share
from publish.settings import Clip
from tiling.presets import choose

ROOT = Path(__file__).parent.parent
CLIP = Clip("overview", choose())


class Process:
    """Stands for a process: when it is killed, its end of the pipe is closed."""

    def __init__(self, end: Connection) -> None:
        self.end, self.killed = end, False

    def kill(self) -> None:
        self.killed = True
        self.end.close()


@contextmanager
def heard(*says: list[Any]) -> Iterator[dict[Connection, Any]]:
    """Processes that have sent these. One whose last word is "" has ended, the others are alive."""
    processes = {}
    for words in says:
        ours, theirs = Pipe(duplex=False)
        processes[ours] = Process(theirs)
        for word in words:
            if isinstance(word, bytes):
                os.write(theirs.fileno(), word)
            elif word == "":
                theirs.close()
            else:
                theirs.send(word)
    yield processes
    for end, process in processes.items():
        end.close()
        process.end.close()


def test_a_task_is_done_when_it_is_for_all() -> None:
    done = Told(0, Done())
    with heard([None, Told(0, Advanced(3)), done], [done]) as processes:
        assert list(_listen(processes, 1)) == [Told(0, Advanced(3)), done]


def failures(told: list[Told]) -> dict[int, str]:
    return {one.task: str(one.news.why) for one in told if isinstance(one.news, GaveUp)}


@pytest.mark.parametrize("last", [[""], [b"\x00\x00\x00\x09half", ""], [b"\x00\x00", ""]])
def test_a_process_that_ends_loses_the_task_it_was_at(last: list[Any]) -> None:
    """Even in the middle of what it says."""
    both = [Told(0, Done()), Told(1, Done())]
    with heard([both[0], *last], both) as processes:
        told = list(_listen(processes, 2))
    assert told[0] == both[0] and list(failures(told)) == [1] and len(told) == 2
    with heard(last) as processes:
        assert list(failures(list(_listen(processes, 2)))) == [0, 1]


def test_a_process_that_stands_still_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "BEAT", 0.01)
    monkeypatch.setattr(pool, "PATIENCE", 0.05)
    both = [Told(0, Done()), Told(1, Done())]
    with heard(both, [None, both[0]]) as processes:
        told = list(_listen(processes, 2))
        assert [process.killed for process in processes.values()] == [False, True]
    assert told[0] == both[0] and "stood still" in failures(told)[1]


def test_while_this_process_is_stopped_nobody_is_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """As by Ctrl+Z, which stops them all: the first to go on must not kill the others."""
    monkeypatch.setattr(pool, "BEAT", 0.01)
    monkeypatch.setattr(pool, "PATIENCE", 0.1)
    with heard([Told(0, Advanced(1))]) as processes:
        news = _listen(processes, 1)
        assert next(news) == Told(0, Advanced(1))
        time.sleep(0.3)
        (process,) = processes.values()
        process.end.send(Told(0, Done()))
        assert next(news) == Told(0, Done()) and not process.killed


def work(clip: Clip, folder: Path, send: Any, first: bool) -> None:
    """What the processes of these tests do, by the name of the folder."""
    match folder.name:
        case "done":
            send(Done())
        case "raises":
            raise ZeroDivisionError("planted")
        case "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        case "waits":
            send(Advanced(os.getpid()))
            time.sleep(60)


def test_what_goes_wrong_in_a_process_is_told(tmp_path: Path) -> None:
    """Also where its module cannot be imported."""
    tasks = [(CLIP, tmp_path / name) for name in ("raises", "done", "killed")]
    for _, folder in tasks:
        folder.mkdir()
    told = list(share(tasks, 1, "tests.test_pool"))
    assert told[1] == Told(1, Done())
    assert failures(told)[0] == "ZeroDivisionError: planted"
    assert "ended, or stood still" in failures(told)[2] and len(told) == 3
    (told_of_none,) = share([(CLIP, tmp_path)], 1, "tests.no_such_module")
    assert isinstance(told_of_none.news, GaveUp)
    assert isinstance(told_of_none.news.why, RenderFailed)
    assert "No module named 'tests.no_such_module'" in str(told_of_none.news.why)


ENDLESS = """
import sys
from pathlib import Path
from publish.pool import Advanced, share
from tests.test_pool import CLIP
if __name__ == "__main__":
    for told in share([(CLIP, Path("waits"))], 2, "tests.test_pool"):
        print(told.news.frames, flush=True)
"""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_no_process_outlives_the_one_that_started_it(tmp_path: Path, how: int) -> None:
    """Killed, or interrupted as Ctrl+C does it: all of them get the signal."""
    program = tmp_path / "endless.py"
    program.write_text(ENDLESS)
    parent = subprocess.Popen(
        [sys.executable, str(program)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    children = [int(parent.stdout.readline()) for _ in range(2)]
    if how == signal.SIGKILL:
        parent.kill()
    else:
        os.killpg(parent.pid, how)
    parent.communicate()
    end = time.monotonic() + 10
    while any(alive(child) for child in children) and time.monotonic() < end:
        time.sleep(0.02)
    assert not any(alive(child) for child in children)


def alive(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False
