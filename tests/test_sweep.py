"""The family of tilings is what it says, and its order follows from the predictions."""

import csv
import io
from pathlib import Path

import cairo
import pytest
from click.testing import CliRunner

import render
from publish.plot import plot
from tiling.banks import shared
from tiling.occupancy import CHIPS
from tiling.presets import choose
from tiling.schedule import Fragments, schedule
from tiling.shapes import Gemm, Tiling
from tiling.sweep import EACH, SIDES, family, predict, ranked
from tiling.traffic import traffic

H100 = CHIPS["sm_90"]


def test_the_family_holds_valid_tilings_once():
    found = list(family())
    assert len(found) == len(set(found)) > 1000
    assert choose("sgemm").tiling in found
    assert all(one.threads % 32 == 0 and one.bm in SIDES and one.tm in EACH for one in found)


def test_sgemm_by_hand():
    # A k-tile is 8 warps · 64 · 8 = 4096 warp multiply-adds, 4 a cycle. It writes As in 256
    # wavefronts and Bs in 32, and reads 64 of a and 128 of b for each of 8 k: 1824.
    found = predict(choose("sgemm").tiling, H100)
    assert (found.fma, found.wavefronts, found.intensity) == (4096, 1824, 32)
    assert found.pace == 1024 / 1824
    assert predict(choose("sgemm").tiling, CHIPS["sm_80"]).pace == 1


@pytest.mark.parametrize("tiling", [Tiling(32, 64, 8, 4, 4, pad=4), Tiling(64, 32, 16, 8, 2)])
def test_predictions_are_those_of_a_schedule(tiling: Tiling):
    plan = schedule(Gemm(2 * tiling.bm, tiling.bn, 5 * tiling.bk), tiling)
    found, costs, counted = predict(tiling, H100), shared(plan), traffic(plan).cta
    both = [*costs.writes.values(), *costs.reads.values()]
    assert 5 * found.wavefronts == sum(cost.wavefronts for cost in both)
    assert 5 * found.fma * 32 == counted.fma
    assert found.intensity == pytest.approx(counted.intensity)
    assert sum(isinstance(e, Fragments) for e in plan.events) == 5 * tiling.bk


def test_the_order():
    slow, fast = Tiling(128, 128, 8, 8, 8), Tiling(128, 128, 8, 8, 8, pad=4)
    far = Tiling(32, 32, 8, 1, 1)
    order = ranked([predict(tiling, H100) for tiling in (slow, far, fast)])
    assert [one.tiling for one in order] == [fast, slow, far]
    assert [one.pace for one in order] == sorted((one.pace for one in order), reverse=True)
    # 1024 threads of 152 registers are more than a multiprocessor has.
    assert ranked([predict(Tiling(512, 256, 8, 16, 8), H100)]) == []


def test_the_command(monkeypatch: pytest.MonkeyPatch):
    few = [choose("sgemm").tiling, Tiling(32, 32, 8, 2, 2)]
    monkeypatch.setattr("tiling.sweep.family", lambda: iter(few))
    table = CliRunner().invoke(render.main, ["inspect", "--sweep"])
    assert table.exit_code == 0 and "128x128x8" in table.stdout and "best 2 of 2" in table.stdout
    text = CliRunner().invoke(render.main, ["inspect", "--sweep", "--csv"]).stdout
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["cta"] for row in rows] == ["128x128x8", "32x32x8"]
    assert float(rows[0]["pace"]) == pytest.approx(1024 / 1824, abs=1e-4)


@pytest.mark.parametrize(("kind", "begins"), [("png", b"\x89PNG"), ("svg", b"<?xml")])
def test_the_plot(kind: str, begins: bytes, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    few = [choose("sgemm").tiling, Tiling(32, 32, 8, 2, 2), Tiling(128, 64, 8, 8, 4, split=True)]
    monkeypatch.setattr("tiling.sweep.family", lambda: iter(few))
    path = tmp_path / f"tilings.{kind}"
    run = CliRunner().invoke(render.main, ["inspect", "--plot", str(path)])
    assert run.exit_code == 0 and run.stdout == f"{path}\n"
    assert path.read_bytes().startswith(begins)


def test_dots_lie_where_their_numbers_are(monkeypatch: pytest.MonkeyPatch):
    """Higher for a higher pace, further right for a higher intensity, larger for more warps."""
    arcs = []

    class Watched(cairo.Context):
        def arc(self, *args: float) -> None:
            arcs.append(args)

    monkeypatch.setattr("publish.plot.cairo.Context", Watched)
    order = ranked([predict(t, H100) for t in (Tiling(128, 128, 8, 8, 8), Tiling(32, 32, 8, 2, 2))])
    plot(order, "a chip", ".svg")
    high, low = sorted(arcs, key=lambda arc: arc[1])
    assert high[0] > low[0] and high[2] < low[2]  # sgemm's threads fill fewer warps
    # 32 FLOP a byte is two steps of the scale beyond 8, of three in all.
    assert (high[0] - low[0]) == pytest.approx((960 - 90 - 60) * 2 / 3)
