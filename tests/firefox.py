"""Firefox, driven by the protocol that it speaks itself (WebDriver BiDi): no driver program."""

import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

READY = "WebDriver BiDi listening on "

PREFERENCES = {
    "app.update.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "toolkit.telemetry.enabled": False,
}


class Tab:
    """One tab of a running Firefox."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket, self.numbers = socket, count()
        self._send("session.new", capabilities={})
        tree = self._send("browsingContext.getTree")
        self.context = tree["contexts"][0]["context"]

    def open(self, address: str) -> None:
        self._send("browsingContext.navigate", context=self.context, url=address, wait="complete")

    def size(self, width: int, height: int) -> None:
        viewport = {"width": width, "height": height}
        self._send("browsingContext.setViewport", context=self.context, viewport=viewport)

    def video(self, expression: str) -> Any:
        """A JavaScript expression of `v`, the first video: a number, a text or a truth."""
        code = f"(() => {{ const v = document.querySelector('video'); return {expression}; }})()"
        target = {"context": self.context}
        answer = self._send("script.evaluate", expression=code, target=target, awaitPromise=True)
        assert answer["type"] == "success", answer
        return answer["result"].get("value")

    def until(self, expression: str, seconds: float = 20) -> None:
        """Wait for an expression of `v` to become true."""
        end = time.monotonic() + seconds
        while not self.video(expression):
            assert time.monotonic() < end, f"never: {expression}"
            time.sleep(0.1)

    def _send(self, method: str, **params: Any) -> Any:
        number = next(self.numbers)
        self.socket.send(json.dumps({"id": number, "method": method, "params": params}))
        while True:
            answer = json.loads(self.socket.recv(timeout=60))
            if answer.get("id") == number:
                assert answer["type"] == "success", answer
                return answer["result"]


@contextmanager
def firefox(program: str, profile: Path) -> Iterator[Tab]:
    """Start Firefox with a new profile, and end it."""
    lines = (f"user_pref({json.dumps(k)}, {json.dumps(v)});" for k, v in PREFERENCES.items())
    (profile / "user.js").write_text("\n".join(lines), "utf-8")
    command = [program, "--headless", "--no-remote", "--profile", str(profile)]
    said = profile / "said.txt"
    with said.open("w") as output:
        process = subprocess.Popen(
            [*command, "--remote-debugging-port", "0"], stdout=output, stderr=output
        )
    try:
        while READY not in said.read_text("utf-8"):
            assert process.poll() is None, said.read_text("utf-8")
            time.sleep(0.1)
        address = said.read_text("utf-8").split(READY)[1].split()[0]
        with connect(f"{address}/session", max_size=None) as socket:
            yield Tab(socket)
    finally:
        process.kill()
        process.wait()
