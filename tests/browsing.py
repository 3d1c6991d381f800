"""Pages in real browsers: where they come from, who serves them, and what a visit notices."""

import fcntl
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from publish.page.serve import HOST, server

ROOT = Path(__file__).parent.parent
HERE = Path(__file__).parent / "browser"
AXE = HERE / "node_modules/axe-core/axe.min.js"

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FIREFOX = shutil.which("firefox-esr") or shutil.which("firefox")

FLAGS = ["--disable-background-networking", "--disable-component-update", "--disable-sync"]

PLAIN = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>A page</title>
<meta name="viewport" content="width=device-width"><link rel="icon" href="data:,">
<style>{css}</style></head><body><main><h1>A page</h1>{body}</main></body></html>"""
"""A page with nothing on it but a heading and the body."""

OF_V = "() => { const v = document.querySelector('video'); return %s; }"

HOLDS = """
window.shifts = 0;
new PerformanceObserver(list => list.getEntries().forEach(entry => {
  if (!entry.hadRecentInput) window.shifts += entry.value;
})).observe({ type: "layout-shift", buffered: true });
"""
"""Sums up how much the page jumps (cumulative layout shift)."""


TINY = ("--gemm", "4x4x2", "--cta", "2x2x2", "--thread", "1x1", "--quality", "draft")
CHANGED = "seed-gemm4x4x2-cta2x2x2-thread1x1"
STEM = f"overview-{CHANGED}"
"""Options of a clip that is rendered in seconds, and how its files' names begin."""


def tiny_clips(factory: pytest.TempPathFactory, to: Path) -> None:
    """Put that clip into a folder, in all looks. It is rendered once, for all files of tests."""
    base = factory.getbasetemp()
    common = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    with (common / "tiny.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        looks = ("--theme", "both", "--aspect", "both", "--out", str(common / "tiny"))
        render_py("clip", "overview", *TINY, *looks)
    shutil.copytree(common / "tiny", to, dirs_exist_ok=True)


def render_py(*arguments: str) -> str:
    """What a command prints. It must succeed."""
    command = [sys.executable, "render.py", *arguments]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return run.stdout


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The address at which `python render.py serve` would show a folder."""
    running = server(folder)
    thread = threading.Thread(target=running.run, daemon=True)
    thread.start()
    while not running.started:
        time.sleep(0.01)
    port = running.servers[0].sockets[0].getsockname()[1]
    yield f"http://{HOST}:{port}"
    running.should_exit = True
    thread.join()


@dataclass
class Visit:
    """One page, open, and what it said and asked for."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def video(self, expression: str) -> Any:
        """A JavaScript expression of `v`, the first video."""
        return self.page.evaluate(OF_V % expression)

    def until(self, expression: str, seconds: float = 15) -> None:
        """Wait for an expression of `v` to become true."""
        self.page.wait_for_function(OF_V % expression, timeout=1000 * seconds)


@contextmanager
def visit(browser: Browser, address: str, **context: Any) -> Iterator[Visit]:
    """Open a page in a fresh profile. What goes wrong there fails the test at the end."""
    with browser.new_context(**{"viewport": {"width": 1280, "height": 800}, **context}) as fresh:
        fresh.add_init_script(HOLDS)
        page = fresh.new_page()
        seen = Visit(page)
        page.on("console", lambda said: said.type == "error" and seen.complaints.append(said.text))
        page.on("pageerror", lambda error: seen.complaints.append(str(error)))
        page.on("request", lambda request: seen.requests.append(request.url))
        page.goto(address)
        yield seen
    assert not seen.complaints
