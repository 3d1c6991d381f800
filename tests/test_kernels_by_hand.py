"""The counts in the table of kernels, against addresses put into sets."""

import pytest

from tests.kernels.by_hand import Count, count
from tests.kernels.known import BROKEN, GOOD
from tests.kernels.table import Kernel, Line

LINES = [
    pytest.param(k, one, id=f"{k.file}-{one.part}-{one.array}") for k in GOOD for one in k.lines
]


@pytest.mark.parametrize(("kernel", "line"), LINES)
def test_counts(kernel: Kernel, line: Line) -> None:
    assert kernel.line(line.part)
    requests = kernel.warps * line.per_warp
    assert count(line, kernel.threads) == Count(requests, requests * line.each, line.ways)


@pytest.mark.parametrize("kernel", BROKEN, ids=lambda kernel: kernel.file)
def test_findings_name_lines(kernel: Kernel) -> None:
    for finding in kernel.findings:
        assert all(kernel.line(part) for part in (finding.part, finding.other) if part)
