import pickle
from dataclasses import replace
from itertools import combinations

import bytewax.operators as op
import numpy as np
import pytest
from bytewax.dataflow import Dataflow
from bytewax.testing import TestingSink, TestingSource, run_main
from numpy.testing import assert_allclose, assert_array_equal
from scipy import signal, stats

from config.records import NOTHING, MetricBatch, Silences, Windows
from operators.trend import TRENDS, Trends, build, rows, trend
from operators.trend.bocpd import bocpd, changes
from operators.trend.slope import direction
from operators.trend.trend import run
from operators.trend.whiten import whitened
from tests import naive, naive_trend

NOISE = np.random.default_rng(6).normal(size=600)
ALL = build(TRENDS, {})


def windows(values, n=3, step="60s"):
    """Windows of n series in turn, each moved by its number."""
    table = [(f"s{i} x", k * 60, v + i) for k, v in enumerate(values) for i in range(n)]
    b = MetricBatch.of(table, seconds=True)
    at = np.arange(len(b))
    return Windows(step, b.poll, b.series, b.codes, b.time, b.value, {}, at, at, at, np.arange(n), Silences.none())


def cut(w, a, b):
    columns = {name: getattr(w, name)[a:b] for name in ("codes", "time", "value", "position", "first", "last")}
    return replace(w, **columns, fresh=w.fresh if a == 0 else NOTHING)


def fields(trends, w):
    return trends.update(w).fields


@pytest.mark.parametrize("name", TRENDS)
def test_documents_itself(name):
    assert all(part in (TRENDS[name].__doc__ or "") for part in ("Parameters", "Examples", "References", "doi:"))


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_batching_changes_nothing(size):
    whole, parts = windows(NOISE[:100].cumsum()), Trends(ALL)
    cuts = [fields(parts, cut(whole, a, a + size)) for a in range(0, len(whole), size)]
    for name, column in fields(Trends(ALL), whole).items():
        assert_array_equal(np.concatenate([c[name] for c in cuts]), column)


def test_series_do_not_mix_and_missing_windows_change_nothing():
    whole = windows(NOISE[:100].cumsum())
    together = fields(Trends(ALL), whole)
    gaps = windows(np.insert(NOISE[:100].cumsum(), 50, np.nan))
    gaps = replace(gaps, time=np.concatenate([whole.time[:150], whole.time[150:153], whole.time[150:]]))
    alone = fields(Trends(ALL), gaps)
    for t in ALL:
        single = run(t, NOISE[:100].cumsum() + 1)
        for name in t.fields:
            assert_array_equal(together[name][1::3], single[name])
            assert_array_equal(np.delete(alone[name], np.s_[150:153]), together[name])


def test_a_restart_changes_nothing():
    whole, first, never_stopped = windows(NOISE[:100].cumsum()), Trends(ALL), Trends(ALL)
    fields(first, cut(whole, 0, 200))
    second = Trends(ALL, pickle.loads(pickle.dumps(first.snapshot())))
    expected = fields(never_stopped, whole)
    for name, column in fields(second, cut(whole, 200, 300)).items():
        assert_array_equal(column, expected[name][200:])
    assert second.snapshot() == never_stopped.snapshot()


def test_a_fresh_slot_starts_afresh_and_another_layout_cold():
    trends, whole = Trends(ALL), windows(NOISE[:100])
    expected = fields(trends, whole)
    for name, column in fields(trends, whole).items():
        assert_array_equal(column, expected[name])
    wider = ALL[0]._replace(row=np.zeros(1, [("new", "f8"), *ALL[0].row.dtype.descr]))
    assert Trends([wider], trends.snapshot()).cold == [f"60s {wider.name}"]


@pytest.mark.parametrize("dull", [np.full(60, 0.1), np.tile([3.0, 8.0], 30), np.array([1e-300, 1e36] * 30)])
def test_dull_series_go_nowhere(dull):
    found = fields(Trends(ALL), windows(dull, 1))
    assert not np.nansum(np.abs(found["sign"]))
    assert not np.any(np.abs(found["change"]) >= 1)
    assert not np.any(np.abs(found["momentum"]) >= 2)
    assert np.isnan(found["ago"]).all()
    assert all(np.isfinite(column[20:]).all() for name, column in found.items() if name not in ("since", "ago"))


def test_slope_is_that_of_theil_and_sen():
    x = np.append(NOISE[:60].round(1), NOISE[60:120].cumsum())
    found = run(TRENDS["slope"](), x)
    for i in range(9, len(x)):
        y = x[max(0, i - 29) : i + 1]
        at = 60.0 * np.arange(len(y))
        every = [(y[b] - y[a]) / (at[b] - at[a]) for a, b in combinations(range(len(y)), 2)]
        assert_allclose(found["slope"][i], np.median(every), atol=1e-12)
        assert found["low"][i] <= found["slope"][i] <= found["high"][i]
        assert_allclose(found["strength"][i], abs(naive.tau(y)), atol=1e-9)


def test_slope_and_interval_of_noise_without_memory_are_those_of_scipy():
    x = NOISE[:30] + np.arange(30) * 0.3
    found = run(TRENDS["slope"](confidence=0.95), x)
    slope, _, low, high = stats.theilslopes(x, 60.0 * np.arange(30), alpha=0.95)
    assert_allclose(found["slope"][-1], slope)
    assert found["low"][-1] <= low + 1e-12
    assert found["high"][-1] >= high - 1e-12
    assert found["high"][-1] - found["low"][-1] < 2.5 * (high - low)


def test_a_sign_only_when_sure():
    assert np.nanmean(np.abs(run(TRENDS["slope"](), NOISE)["sign"])) < 0.02
    rising, falling = NOISE[:200] + 0.3 * np.arange(200), NOISE[:200] - 0.3 * np.arange(200)
    assert run(TRENDS["slope"](), rising)["sign"][40:].min() == 1
    assert run(TRENDS["slope"](), falling)["sign"][40:].max() == -1
    remembering = np.convolve(np.random.default_rng(1).normal(size=3000), 0.8 ** np.arange(40))[:3000]
    assert np.nanmean(np.abs(run(TRENDS["slope"](), remembering)["sign"])) < 0.08


def test_a_spike_is_no_trend():
    x = NOISE[:60] + 0.3 * np.arange(60)
    far = x.copy()
    far[45] += 1e6
    calm, hit = run(TRENDS["slope"](), x)["slope"][-1], run(TRENDS["slope"](), far)["slope"][-1]
    assert_allclose(hit, calm, rtol=0.15)


def test_momentum_knows_the_direction():
    x = NOISE[:300] + np.append(np.zeros(150), 0.6 * np.arange(150))
    found = run(TRENDS["momentum"](), x)["momentum"]
    assert np.abs(found[100:150]).max() < 2 < found[-1]
    assert run(TRENDS["momentum"](), -x)["momentum"][-1] == -found[-1]


def test_changepoint_finds_when():
    x = NOISE[:300].clip(-3, 3) + np.append(np.zeros(200), np.full(100, -3.0))
    found = run(TRENDS["changepoint"](), x)
    when = np.flatnonzero(found["change"] <= -1)
    assert 200 <= when[0] <= 206
    assert abs(found["since"][-1] / 60 - 99) <= 2


def test_rows_say_nothing_before_ten_windows():
    scored = Trends(build(["slope"], {})).update(windows(np.arange(12.0), 1))
    table = rows(scored, "60s")
    assert (table.measurement, table.tags, len(table)) == ("trends", {"length": "60s"}, 3)
    assert table.fields["sign"].dtype == np.int64
    assert table.fields["sign"].tolist() == [1, 1, 1]
    assert table.time.tolist() == [540 * 10**9, 600 * 10**9, 660 * 10**9]
    assert_allclose(table.fields["slope"], 1 / 60)


def test_rules_read_one_length_and_rows_have_all():
    scored, stored = [], []
    flow = Dataflow("trends")
    items = [("metrics-0", windows(np.arange(12.0), 1, step)) for step in ("60s", "3600s")]
    out = trend("trend", op.input("in", flow, TestingSource(items)), build(["slope"], {}))
    op.output("scored", out.scored, TestingSink(scored))
    op.output("rows", out.rows, TestingSink(stored))
    run_main(flow)
    assert [it.step for _, it in scored] == ["trends"]
    assert sorted(it.tags["length"] for _, it in stored) == ["3600s", "60s"]


def test_a_wrong_parameter_names_the_right_one():
    with pytest.raises(ValueError, match=r"slope has no parameter confidense; did you mean confidence\?"):
        build(["slope"], {"slope": {"confidense": 0.9}})


def remembering(stays, n, seed=4):
    return signal.lfilter([1], [1, -stays], np.random.default_rng(seed).normal(size=n))


@pytest.mark.parametrize("n", [30, 59, 120, 400])
@pytest.mark.parametrize("stays", [-0.6, 0.4, 0.7, 1.0])
def test_the_slope_under_memory_is_that_of_its_plain_twin(n, stays):
    at = np.arange(n) * 60.0 + np.random.default_rng(n).integers(0, 30, n)
    y = remembering(stays, n) + 0.01 * at
    found = whitened(y, at, n, 0.01, np.empty((6, n)))
    assert_allclose(found, naive_trend.whitened(y, at, 0.01), rtol=1e-8, atol=1e-12)


def test_a_whole_series_has_a_direction_under_memory_seasons_and_far_readings():
    season, line = 3 * np.sin(np.arange(600) * 2 * np.pi / 24), np.arange(600) / 300
    far = NOISE + np.where(np.arange(600) % 50 == 7, 30.0, 0.0)
    for noise in (NOISE, NOISE + season, far, remembering(0.5, 600)):
        assert (direction(noise), direction(noise + line), direction(noise - line)) == (0, 1, -1)
    assert direction(np.insert(NOISE + line, 300, [np.nan, np.inf])) == 1


def test_walks_seldom_have_a_direction():
    assert sum(abs(direction(remembering(1.0, 200, seed))) for seed in range(100)) <= 5


@pytest.mark.parametrize("dull", [[], [1.0] * 9, np.full(200, 0.1), np.tile([3.0, 8.0], 100), [1e-300, 1e36] * 60])
def test_a_dull_series_has_no_direction(dull):
    assert direction(dull) == 0


def test_a_sure_slope_without_noise():
    assert direction(np.arange(100.0)) == 1
    assert direction(-(np.arange(100.0) ** 0.5)) == -1


@pytest.mark.parametrize("seed", range(3))
def test_certainty_is_that_of_the_plain_twin(seed):
    x = np.append(remembering(0.3, 100, seed), remembering(1.0, 60, seed) + 8)
    found = run(bocpd(), x, every=1.0)
    certain, ago = naive_trend.bocpd(x, 500.0, 0.99)
    assert_allclose(found["certainty"], certain, rtol=1e-7, atol=1e-12)
    assert_array_equal(found["ago"], ago)


def test_changes_of_level_pace_and_spread_are_found_where_they_lie():
    steps = np.where(np.arange(600) < 300, 0.1, 1.0) + 0.2 * NOISE
    for x in (NOISE + 5.0 * (np.arange(600) >= 300), steps.cumsum(), NOISE * np.where(np.arange(600) < 300, 1, 8)):
        found = changes(bocpd(), x)
        assert np.abs(found - 300).min() <= 5
        assert len(found) <= 2


def test_noise_walks_and_far_readings_seldom_begin_anew():
    far = NOISE + np.where(np.arange(600) % 97 == 7, 30.0, 0.0)
    for x in (NOISE, NOISE.cumsum(), remembering(0.7, 600), far):
        assert len(changes(bocpd(), x)) <= 1
