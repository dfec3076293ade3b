"""``scripts/quality --rivals``: what is asked of other libraries, as far as they are installed; River is, and the flag says what is not."""

import doctest
import importlib
import json
import tomllib
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from scripts.yardstick import beside
from scripts.yardstick.entries import ENTRIES, Entry
from scripts.yardstick.judge import Row
from scripts.yardstick.quality import main
from scripts.yardstick.rivals import BATCH, REMEDY, RIVALS, entries, versions
from scripts.yardstick.sets import Set
from tests.test_quality import stream

ROOT = Path(__file__).parent.parent
LIBRARIES = versions(entry.whose for of in RIVALS.values() for entry in of.values())
ALL = [(kind, name) for kind, of in RIVALS.items() for name in of]
HERE = [(kind, name) for kind, name in ALL if LIBRARIES[RIVALS[kind][name].whose]]
STREAMS = [(kind, name) for kind, name in HERE if name not in BATCH]


def of(kinds, names=HERE):
    return [(kind, name) for kind, name in names if kind in kinds]


@pytest.fixture
def data(tmp_path):
    """Make a folder with one drift and one series with an odd stretch."""
    x = np.random.default_rng(3).normal(10, 1, 700)
    (tmp_path / "shift").mkdir()
    (tmp_path / "shift" / "some.json").write_text(json.dumps([{"drift": 400, "x": [*x[:400], *(x[400:] + 9)]}]))
    x[500:504] += 30
    rows = "\n".join(f"{1709251200 + 300 * i},{v}" for i, v in enumerate(x))
    (tmp_path / "a.csv").write_text(f"timestamp,value\n{rows}\n")
    (tmp_path / "windows.json").write_text(json.dumps({"a.csv": [["1709400900", "1709402700"]]}))
    return tmp_path


@pytest.mark.parametrize("name", ["rivals", "rivals.fed", "beside"])
def test_the_examples_are_true(name):
    done = doctest.testmod(importlib.import_module(f"scripts.yardstick.{name}"))
    assert done.failed == 0 < done.attempted


def test_rivals_are_a_group_that_the_lock_knows_nothing_of():
    group = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]["rivals"]
    assert {line.split("==")[0] for line in group} == LIBRARIES.keys() - {"river"}
    lock = (ROOT / "requirements.lock").read_text()
    assert [line for line in group if f"{line.split('==')[0]}==" in lock] == []


def test_river_s_are_judged_everywhere():
    assert {kind for kind, name in HERE if name.startswith("river_")} == {"nab", "drift", "changepoint", "forecast"}
    assert not any(ENTRIES[kind].keys() & RIVALS[kind].keys() for kind in RIVALS)


def test_every_rival_is_in_the_document():
    text = (ROOT / "docs" / "detection.md").read_text()
    assert [name for _, name in ALL if f"`{name}`" not in text] == []


def test_the_flag_says_what_is_missing(data, monkeypatch, capsys):
    asked = ["--data", str(data), "--kind", "drift", "--rivals", "--jobs", "1", "--json"]
    monkeypatch.setitem(RIVALS["drift"], "river_adwin", Entry(len, "no-such-library"))
    assert main([*asked, "--detectors", "river_adwin"]) == 2
    assert f"no-such-library: {REMEDY}" in capsys.readouterr().err
    assert main([*asked, "--detectors", "river_kswin"]) == 0


def test_without_the_flag_there_are_no_rivals(capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["--detectors", "river_sad"])
    assert "--rivals" in capsys.readouterr().err


def test_rivals_are_judged_beside_ours(data, capsys):
    asked = "ewma,never,river_sad,river_hst,adwin,river_adwin"
    assert main(["--data", str(data), "--rivals", "--detectors", asked, "--jobs", "1", "--json"]) == 0
    told = capsys.readouterr()
    by = {(it["kind"], it["detector"]): it for it in map(json.loads, told.out.splitlines())}
    assert {(name, it["whose"]) for (_, name), it in by.items()} == {
        ("ewma", "ours"), ("never", "trivial"), ("river_sad", "river"), ("river_hst", "river"), ("adwin", "river"),
        ("river_adwin", "river"),
    }  # fmt: skip
    assert by["nab", "river_sad"]["standard"] > 50
    assert by["drift", "river_adwin"]["recall"] == 1.0
    assert f"river {LIBRARIES['river']}" in told.err


@pytest.mark.parametrize(("kind", "name"), of({"nab"}))
def test_what_is_said_of_a_reading_rests_on_the_past_alone(kind, name):
    time, x = stream(1)
    whole, part = (RIVALS[kind][name].run(time[:n], x[:n]).score for n in (900, 640))
    np.testing.assert_array_equal(whole[:640], part)
    assert np.isnan(whole[[40, 41, 650]]).all()
    assert np.isfinite(np.delete(whole, [40, 41, 650])[100:]).all()
    assert np.nanmin(whole) >= 0.0


@pytest.mark.parametrize(("kind", "name"), of({"nab"}))
def test_odd_series_break_nothing(kind, name):
    time = np.arange(200) * 10**9
    for x in (np.full(200, 5.0), np.full(200, np.nan), 1e300 * np.arange(200), np.arange(200) % 2 * 1e9):
        assert RIVALS[kind][name].run(time, x).score.shape == (200,)


@pytest.mark.parametrize(("kind", "name"), of({"drift", "changepoint"}, STREAMS))
def test_an_alarm_rests_on_the_past_alone(kind, name):
    _, x = stream(2)
    whole, part = (np.asarray(RIVALS[kind][name].run(v), np.int64).tolist() for v in (x, x[:640]))
    assert part == whole[: len(part)]
    assert all(a < b for a, b in pairwise(whole))
    assert whole


@pytest.mark.parametrize(("kind", "name"), of({"forecast"}))
def test_a_forecast_follows_a_season(kind, name):
    at = np.arange(432)
    x = 50 + 10 * np.sin(at / 24 * 2 * np.pi) + np.random.default_rng(5).normal(0, 0.5, 432)
    said = RIVALS[kind][name].run(x[:384], 48, 24)
    assert said.yhat.shape == (48,)
    if name == "river_holt_winters":
        assert np.isnan(said.yhat[-1])  # it runs away, and is not taken at its word there
    else:
        assert np.abs(said.yhat - x[384:]).mean() < 4.0
    assert said.bounds.keys() == ({0.8, 0.95} if name in BATCH else set())


def test_the_joint_table_has_the_best_first_and_names_versions():
    def rows(name, *figures):
        keys = ("mase", "coverage_80", "coverage_95", "us_per_point")
        whose = (("combination", "ours"), ("river_snarimax", "river"), ("naive", "trivial"))
        values = [dict(zip(keys, it, strict=True)) for it in figures]
        return [Row(name, "forecast", n, w, 2, v) for (n, w), v in zip(whose, values, strict=True)]

    nan = float("nan")
    a = rows("a", (0.9, 0.8, 0.95, 2.0), (0.7, nan, nan, 300.0), (1.4, 0.7, 0.9, 0.1))
    b = rows("b", (1.0, 0.8, 0.95, 2.0), (2.0, nan, nan, 300.0), (1.5, 0.7, 0.9, 0.1))
    lines = beside.joint([(Set("a", "forecast", [1, 2]), a), (Set("b", "forecast", [1]), b[:2])]).splitlines()
    assert lines[0].startswith("| detector | of | a (2): MASE | in 80 % |")
    assert lines[2:] == [
        "| **`combination`** | ours | 0.900 | 0.800 | 0.950 | 1.000 | 0.800 | 0.950 | 2 |",
        f"| `river_snarimax` | river {LIBRARIES['river']} | 0.700 | – | – | 2.000 | – | – | 300 |",
        "| `naive` | baseline | 1.400 | 0.700 | 0.900 | – | – | – | 0.1 |",
    ]


def test_a_name_is_looked_up_in_both_tables():
    assert list(entries("drift")) == [*ENTRIES["drift"], *RIVALS["drift"]]
    assert entries("trend") == ENTRIES["trend"]
