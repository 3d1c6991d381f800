"""Widths of requests: the model's and those of the machine code."""

import re
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from tests.kernel_cases import needs_nvrtc
from tiling.faults import Broken
from tiling.kernel import compiler
from tiling.kernel import widths as kernel_widths
from tiling.kernel.build import source
from tiling.kernel.line_info import machine_code, ptx
from tiling.kernel.widths import Widths, by_line, differences, predicted, widths
from tiling.presets import choose, presets
from tiling.ptx.widths import Made
from tiling.shapes import Tiling

pytestmark = needs_nvrtc
BOTH_ENDS = ("sm_75", "sm_100")
SMEM, VECTOR, PIPELINED = (choose(name).tiling for name in ("smem", "vector", "pipelined"))

KNOWN = {
    ("tile1d", "sm_75"): "2048x64, 15360x128",
    ("tile1d", "sm_90"): "2048x32, 1024x64, 15360x128",
}
"""Where NVRTC 13.5 takes one read of A apart that the model has in one piece."""


@pytest.mark.parametrize(
    ("preset", "arch"),
    [*((preset, arch) for preset in presets() for arch in BOTH_ENDS), ("tile1d", "sm_90")],
)
def test_every_preset_makes_its_requests_as_wide_as_the_model_says(preset: str, arch: str) -> None:
    found = differences(choose(preset).tiling, arch)
    known = KNOWN.get((preset, arch))
    of_a = f"reads of A in shared memory: {known} bits, not 16384x128"
    assert found == ([of_a] if known else [])


@pytest.mark.parametrize("arch", BOTH_ENDS)
def test_line_information_does_not_change_the_machine_code(arch: str) -> None:
    without = compiler.compile_for(arch, PIPELINED).code
    with_lines = re.findall(r"/\*[0-9a-f]{4,}\*/\s+(.*?)\s*;", machine_code(PIPELINED, arch))
    assert tuple(with_lines) == without


@pytest.mark.parametrize("arch", ["sm_75", "sm_80"])
def test_every_access_knows_its_line_and_files_have_no_folder(arch: str) -> None:
    program, groups = by_line(PIPELINED, arch)
    for group in groups:
        assert group.certain, str(group)
        assert group.source is not None and "/" not in group.source.file
    places = [place for group in groups for place in group.places]
    assert len(places) == len(set(places))
    assert sorted(p for g in groups for m in g.made for p in m.places) == sorted(places)
    assert f".target {arch}" in ptx(PIPELINED, arch)
    assert program.max_threads[0] == PIPELINED.threads


def test_stores_that_ptx_has_one_by_one_are_seen_as_the_wide_ones_that_they_become() -> None:
    _, groups = by_line(PIPELINED, "sm_80")
    (merged,) = (group for group in groups if group.verdict == "merged")
    assert (merged.space, merged.kind, merged.asked[32]) == ("shared", "store", 32)
    assert merged.found == Counter({128: 16})
    assert widths(PIPELINED, "sm_80").requests["stores of results in shared memory"] == {128: 4096}


def test_off_their_alignment_copies_are_made_one_by_one() -> None:
    for skew, bits, many in (0, 128, 512), (1, 32, 2048):
        assert widths(VECTOR, "sm_80", skew=skew).requests["reads of A"] == {bits: many}
        assert predicted(VECTOR, "sm_80", skew)["reads of A"] == {bits: many}


def with_macros(**macros: int) -> str:
    """The kernel, whatever its tiling says of these macros."""
    return "".join(f"#undef {n}\n#define {n} {v}\n" for n, v in macros.items()) + source()


@pytest.mark.parametrize("arch", BOTH_ENDS)
def test_scalar_reads_are_the_model_s_where_they_are_merged_and_only_there(arch: str) -> None:
    assert differences(VECTOR, arch, with_macros(A_WIDE=1, B_WIDE=1)) == []
    # Rows that change places two by two are no neighbours in the order in which they are read.
    found = differences(VECTOR, arch, with_macros(A_WIDE=1, TWIST=1))
    of_a = [text for text in found if text.startswith("reads of A in shared memory: ")]
    assert len(of_a) == 1 and "x32, " in of_a[0] and of_a[0].endswith("not 8192x128")
    assert not any("of B" in text for text in found)


def test_copies_one_by_one_are_not_what_the_model_says() -> None:
    found = differences(VECTOR, "sm_80", with_macros(A_VECTOR=1, B_VECTOR=1))
    assert found == [
        "reads of A: 2048x32 bits, not 512x128",
        "reads of B: 2048x32 bits, not 512x128",
        "stores of B in shared memory: 2048x32 bits, not 512x128",
        "stores of B in shared memory off its alignment: 2048x32 bits, not 512x128",
    ]


def test_reads_that_reach_over_several_k_are_not_what_the_model_says() -> None:
    # One thread has all rows, so its fragments of neighbouring k are neighbours.
    # NVRTC may compile the same text otherwise the next time, but never as the model says.
    found = differences(Tiling(3, 4, 8, 3, 2), "sm_80")
    says = r"reads of A in shared memory: .*x128 bits, not 96x32"
    assert any(re.fullmatch(says, text) for text in found)


def test_a_kernel_that_does_what_it_must_not_is_broken() -> None:
    with pytest.raises(Broken, match="is not aligned to 16 bytes"):
        widths(
            VECTOR, "sm_80", with_macros(PAD=1, SHARED_WORDS=replace(VECTOR, pad=1).shared_words)
        )


def test_a_wide_read_that_brings_a_word_of_the_other_is_its_own() -> None:
    for values, whose in ([1, 1, 1, 2], "A"), ([1, 2, 2, 2], "B"), ([32, 32, 1, 2], "results"):
        found = kernel_widths._kind("load", "shared", np.array([values], np.float32))
        assert found == f"reads of {whose} in shared memory"


def test_what_is_made_in_parts_counts_so_many_times() -> None:
    heard = kernel_widths._Heard()
    heard.bits[7], heard.counts[7] = 128, Counter({"reads of A": 10})
    assert heard.as_requests([Made((7,), 128)]) == {"reads of A": {128: 10}}
    assert heard.as_requests([Made((7,), 32)]) == {"reads of A": {32: 40}}


def test_where_the_machine_code_leaves_it_open_the_model_may_be_either(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = predicted(SMEM, "sm_80")
    wrong = {**model, "reads of A": Counter({64: 1024})}
    told = "reads of A: 1024x64 bits, not 2048x32"
    for requests, merged, found in (wrong, model, []), (model, wrong, []), (wrong, wrong, [told]):
        have = Widths(requests, merged, ("unclear",))
        monkeypatch.setattr(kernel_widths, "widths", lambda *_, have=have: have)
        assert differences(SMEM, "sm_80") == ["unclear", *found]
