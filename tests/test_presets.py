"""Choosing a tiling: presets, files, and fields changed on top of either."""

import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tiling.presets import FIELDS, choose, presets
from tiling.shapes import Gemm, Refused, Tiling

GEMM = Gemm(4096, 4096, 4096)
WARP = Tiling(128, 128, 8, 8, 8, vector=4, warp=(32, 64), split=True, swizzle=True)
WANT = {
    "seed": (Gemm(12, 12, 12), Tiling(6, 6, 4, 2, 2), (1, 0)),
    "ragged": (Gemm(13, 11, 10), Tiling(6, 6, 4, 2, 2), (2, 1)),
    "small": (Gemm(64, 48, 40), Tiling(16, 16, 8, 4, 4), (3, 0)),
    "sgemm": (Gemm(4096, 4096, 4096), Tiling(128, 128, 8, 8, 8), (12, 16)),
    "naive": (GEMM, Tiling(32, 32, 8, 1, 1, direct=True), (127, 0)),
    "smem": (GEMM, Tiling(32, 32, 32, 1, 1), (127, 0)),
    "tile1d": (GEMM, Tiling(64, 64, 8, 8, 1), (63, 0)),
    "tile2d": (GEMM, Tiling(128, 128, 8, 8, 8), (31, 0)),
    "vector": (GEMM, Tiling(128, 128, 8, 8, 8, vector=4), (31, 0)),
    "warp": (GEMM, WARP, (31, 0)),
    "pipelined": (GEMM, replace(WARP, stages=3, fragments=2, shared_store=True), (31, 0)),
}


def fields(choice):
    return choice.gemm, choice.tiling, choice.cta


def test_these_are_the_presets():
    assert set(presets()) == set(WANT)


@pytest.mark.parametrize("name", WANT)
def test_a_preset(name):
    choice = choose(name)
    assert choice.name == name
    assert fields(choice) == WANT[name]
    assert choice.schedule().cta == choice.cta


def test_the_default_is_the_seed():
    assert choose() == choose("seed") == choose(overrides={"gemm": None})


def test_a_single_field_on_top_of_a_preset():
    choice = choose("small", overrides={"thread": "2x4"})
    assert choice.name == "small-thread2x4"
    assert choice.tiling == Tiling(16, 16, 8, 2, 4) and choice.gemm == WANT["small"][0]


def test_every_field_can_be_changed():
    changes = {
        "gemm": "100×90X80",
        "cta": "64x64x16",
        "thread": "4x4",
        "block": "1,1",
        "stages": "2",
        "fragments": "2",
        "vector": "4",
        "pad": "0",
        "warp": "16x32",
        "split": True,
        "swizzle": True,
        "direct": False,
        "shared-store": True,
        "large-shared": True,
    }
    assert set(changes) == set(FIELDS)
    tiling = Tiling(64, 64, 16, 4, 4, 2, 4, 0, (16, 32), True, True, 2, False, True, True)
    assert fields(choose("sgemm", overrides=changes)) == (Gemm(100, 90, 80), tiling, (1, 1))


def test_another_grid_takes_the_default_block_and_any_other_change_keeps_it():
    assert choose("sgemm", overrides={"pad": "4"}).cta == (12, 16)
    assert choose("sgemm", overrides={"gemm": "256x256x256"}).cta == (1, 0)
    assert choose("sgemm", overrides={"cta": "256x128x8"}).cta == (15, 0)
    assert choose("sgemm", overrides={"gemm": "256x256x256", "block": "0,1"}).cta == (0, 1)


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text('gemm = "20x30x9"\ncta = "8x8x4"\nthread = "2x2"\nblock = "1,2"\npad = 4\n')
    return path


def test_a_file(config):
    choice = choose(config=config)
    assert choice.name == "mine"
    assert fields(choice) == (Gemm(20, 30, 9), Tiling(8, 8, 4, 2, 2, pad=4), (1, 2))


def test_a_field_on_top_of_a_file(config):
    choice = choose(config=config, overrides={"vector": "2", "pad": "0"})
    assert choice.name == "mine-vector2-pad0"
    assert fields(choice) == (Gemm(20, 30, 9), Tiling(8, 8, 4, 2, 2, vector=2), (1, 2))


def test_a_file_has_every_field_but_three_by_default(tmp_path):
    path = tmp_path / "least.toml"
    path.write_text('gemm = "12x12x12"\ncta = "6x6x4"\nthread = "2x2"\n')
    assert fields(choose(config=path)) == WANT["seed"]


def test_a_file_may_set_all(tmp_path):
    path = tmp_path / "all.toml"
    lines = [f'{key} = "{value}"' for key, value in FIELDS.items()]
    text = "\n".join(lines).replace('"true"', "true").replace("6x6x4", "32x64x4")
    text = text.replace("direct = true", "direct = false")  # all the others need shared memory
    path.write_text(text.replace("1,0", "0,0").replace("2x2", "8x8"))
    assert choose(config=path).tiling.warp == (32, 64)


def test_a_refusal_says_whether_the_file_or_the_command_line_is_wrong(config):
    with pytest.raises(Refused, match=r"^--thread 3x2: "):
        choose(config=config, overrides={"thread": "3x2"})
    config.write_text(config.read_text().replace("2x2", "3x2"))
    with pytest.raises(Refused, match=r"mine\.toml: thread 3x2: "):
        choose(config=config)


def test_a_file_may_begin_with_the_mark_that_some_editors_write(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text('\ufeffgemm = "24x24x24"\ncta = "6x6x4"\nthread = "2x2"\n', "utf-8")
    assert choose(config=path).gemm == Gemm(24, 24, 24)


number = st.integers(0, 130).map(str) | st.sampled_from(["8", "16", "32", "64", "128", "256"])
pairs, triples = (st.lists(number, min_size=n, max_size=n).map("x".join) for n in (2, 3))
flags = st.booleans()
OVERRIDES = {
    "gemm": triples,
    "cta": triples,
    "thread": st.sampled_from(["1x1", "2x2", "4x4", "8x8", "3x5", "8x4", "16x16"]) | pairs,
    "block": st.tuples(number, number).map(",".join),
    "stages": number,
    "vector": st.sampled_from(["1", "2", "3", "4"]),
    "pad": number,
    "warp": pairs,
    "fragments": st.sampled_from(["1", "2", "3"]),
    **dict.fromkeys(["split", "swizzle", "direct", "shared-store", "large-shared"], flags),
}


@given(st.sampled_from(list(presets())), st.fixed_dictionaries({}, optional=OVERRIDES))
@settings(max_examples=60, deadline=None)
def test_advice_that_is_followed_leads_to_a_tiling(preset, overrides):
    """By options, whatever of it a preset has. A line speaks of one fault; there may be more: of
    the GEMM, the tiling, the block and their spelling."""
    for _ in range(6):
        try:
            choose(preset, None, overrides)
            return
        except Refused as no:
            overrides = followed(no, overrides)
    choose(preset, None, overrides)


def followed(no: Refused, overrides: dict[str, object]) -> dict[str, object]:
    """Options as they are when the first thing is done that a line advises."""
    if leave := re.search(r"leave (.+) out", no.remedy):
        left = leave[1].split(" and ")
        assert set(left) <= set(overrides), str(no)
        overrides = {field: value for field, value in overrides.items() if field not in left}
    if both := re.match(r"try cta (\S+) with thread ([0-9x]+)", no.remedy):
        return {**overrides, "cta": both[1], "thread": both[2]}
    if value := re.match(r"try (\S+)", no.remedy):
        field = no.field.removeprefix("--")
        return {**overrides, field: value[1]}
    return overrides
