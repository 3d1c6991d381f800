"""What a build, a run or the system says when it cannot, in one line."""

import re


class Missing(Exception):
    """Something that a build or a run needs is not on this machine; the text says what."""


class Broken(Exception):
    """The kernel does not build, or does what no kernel may do; the text says what."""


def ending(status: int, log: str) -> str:
    """How a process ended that should have ended well, and the line of its log that says most."""
    how = f"signal {-status}" if status < 0 else f"exit status {status}"
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    telling = [line for line in lines if re.search("error|fatal|fail|cannot", line, re.IGNORECASE)]
    line = (telling or lines or [""])[0][:200]
    return how + (f": {line}" if line else "")
