"""The line of the kernel that is shown with an event is the line that does it, as compiled."""

import pytest

from tests.kernel_cases import needs_nvrtc
from tiling import kernel_line
from tiling.kernel.build import file_text
from tiling.kernel.rungs import ptx
from tiling.kernel_line import lines_of
from tiling.presets import choose, presets
from tiling.verify import Failed

CHOICES = [
    *map(choose, presets()),
    choose("seed", None, {"stages": "3", "fragments": "2"}),
    choose("small", None, {"stages": "2", "shared-store": True, "vector": "4"}),
]


@pytest.mark.parametrize("choice", CHOICES, ids=lambda choice: choice.name)
def test_every_event_has_lines(choice):
    text = file_text("gemm.cu").splitlines()
    for event in set(choice.schedule().events):
        lines = lines_of(choice.tiling, event)
        assert lines
        for line in lines:
            assert text[line.number - 1].strip() == line.text


def test_lines_as_people_read_them():
    plan = choose("seed").schedule()
    shown = {type(e).__name__: lines_of(plan.tiling, e)[-1].text for e in plan.events}
    assert shown["Copy"] == "*reinterpret_cast<Wide<B_VECTOR> *>(&shared[word]) = wide;"
    assert shown["Fragments"] == "load<B_WIDE>(&b[j], &shared[stage + b_word(k, thread_col(j))]);"
    assert shown["Barrier"] in ("__syncthreads();", "if (k_tile > 0) __syncthreads();")


@needs_nvrtc
@pytest.mark.parametrize(
    ("table", "key", "text"),
    [
        ("LOADS", "A", "const auto wide = group_of_B"),
        ("WRITES", "B", "a_word(k + v, row)] = wide"),
        ("READS", 0, "load<B_WIDE>("),
        ("BARRIERS", "overwrite", "const Index k_tiles"),
    ],
)
def test_the_rung_sees_another_line(monkeypatch, table, key, text):
    wrong = getattr(kernel_line, table)
    wrong = {**wrong, key: text} if isinstance(wrong, dict) else (text, *wrong[1:])
    monkeypatch.setattr(kernel_line, table, wrong)
    with pytest.raises(Failed, match=r"(load|store|barrier).*: (in|never in) line"):
        ptx(choose("seed"), lambda share: None)
