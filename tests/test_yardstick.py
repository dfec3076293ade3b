"""The measures of ``scripts/quality``: equal to the reference where it lies beside, and right in plain cases."""

import doctest
import importlib
import importlib.util
import os
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scripts.yardstick import anomaly, episodes, nab, ranking, resample, task
from scripts.yardstick.changepoint import CHANGEPOINT, covering, f1
from scripts.yardstick.drift import DRIFT, SOON
from scripts.yardstick.entries import ENTRIES
from scripts.yardstick.forecast import FORECAST
from scripts.yardstick.period import PERIOD
from scripts.yardstick.said import Forecast, Said
from scripts.yardstick.series import Labelled, corpus
from scripts.yardstick.trend import TREND

ROOT = Path(__file__).parent.parent
SHARED = ROOT.parent / "shared"
MODULES = sorted(f.stem for f in (ROOT / "scripts" / "yardstick").glob("[a-z]*.py"))
NAMES = {"standard": "standard", "low_fp": "reward_low_FP", "low_fn": "reward_low_FN"}


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_are_true(name):
    assert doctest.testmod(importlib.import_module(f"scripts.yardstick.{name}")).failed == 0


@pytest.fixture(scope="module")
def reference():
    """Return the reference's module; it reads files with pandas, which we have not, so that reading is left to us."""
    file = SHARED / "quality" / "score.py"
    if not file.exists():
        message = f"the reference {file} is not there"
        pytest.fail(message) if os.environ.get("CI") == "true" else pytest.skip(message)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "pandas", ModuleType("pandas"))
        spec = importlib.util.spec_from_file_location("score", file)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return module


def labelled(rng, n, windows, tight):
    """Return a series of n points with so many windows, which neither touch nor begin at the first point."""
    edges = np.sort(rng.choice(np.arange(1, n // 3), 2 * windows, replace=False)) * 3
    spans = edges.reshape(-1, 2)
    inside = np.zeros(n, bool)
    for first, last in spans:
        inside[first : last + 1] = True
    points = inside & (rng.random(n) < 0.3) if tight else inside
    return Labelled(f"a/{n}.csv", np.arange(n) * 300 * 10**9, rng.normal(size=n), spans, points)


def beside(reference, series):
    """Return our series as the reference's corpus."""
    theirs = reference.Corpus.__new__(reference.Corpus)
    theirs.series = [
        SimpleNamespace(
            name=it.name, ts=it.time / 1e9, x=it.value, wins=[tuple(map(int, w)) for w in it.windows],
            probation=it.begin, label=it.inside, points=it.points,
        )
        for it in series
    ]  # fmt: skip
    theirs.n_windows = sum(len(it.windows) for it in series)
    return theirs


def assert_equal(reference, series, said):
    """Compare every measure that both have."""
    theirs = beside(reference, series)
    by_name = {it.name: score for it, score in zip(series, said, strict=True)}
    judged = [anomaly.judge(it, lambda time, value, s=s: Said(s)) for it, s in zip(series, said, strict=True)]
    found = anomaly.figures(series, judged, 0)
    prepared = reference.Prepared(theirs)
    for ours, profile in NAMES.items():
        score, threshold = prepared.sweep(by_name, profile)
        assert found[ours] == pytest.approx(score, abs=1e-9)
        assert found[f"{ours}_fixed"] == pytest.approx(prepared.at(by_name, 1.0, profile), abs=1e-9)
        if ours == "standard":
            assert found["threshold"] == (threshold if score > 0 else np.inf)
    for suffix, threshold in (("", found["threshold"]), ("_fixed", 1.0)):
        want = reference.window_stats(theirs, by_name, threshold)
        assert found[f"recall{suffix}"] == pytest.approx(want["recall"])
        assert found[f"false_per_10k{suffix}"] == pytest.approx(want["FP_episodes_per_10k"])
        assert found[f"delay{suffix}"] == pytest.approx(want["median_position"], nan_ok=True)
        if suffix:
            assert found["f1_fixed"] == pytest.approx(want["F1"])
    assert found["f1"] == pytest.approx(reference.best_f1(theirs, by_name)[0])
    ap, vus, _ = reference.ap_vus(theirs, by_name)
    assert (found["ap"], found["vus_pr"]) == pytest.approx((ap, vus), abs=1e-9)


@pytest.mark.parametrize("name", ["ewma", "profile", "difference"])
def test_measures_on_real_series_are_the_reference_s(reference, name):
    """Every sixth series of the largest sets, as operators score them."""
    series = [it for name in ("ms_cloud", "nab") for it in corpus(SHARED / "data" / name)[::6]]
    assert_equal(reference, series, [ENTRIES["nab"][name].run(it.time, it.value).score for it in series])


@pytest.mark.parametrize("seed", range(8))
def test_measures_of_random_scores_are_the_reference_s(reference, seed):
    """Scores with many ties, none at all, far ones."""
    rng = np.random.default_rng(seed)
    series = [labelled(rng, 700 + 90 * k, int(rng.integers(0, 4)), seed % 2 == 0) for k in range(5)]
    series.append(labelled(rng, 300, 2, False))
    said = [np.round(rng.gamma(0.5, 1.0, len(it.time)), int(rng.integers(0, 4))) * 1.3 for it in series]
    for score in said:
        score[rng.random(len(score)) < 0.1] = np.nan
    assert_equal(reference, series, said)


@settings(deadline=None)
@given(st.lists(st.sampled_from([0.0, 0.5, 1.0, 2.0]), min_size=1, max_size=60), st.integers(1, 9), st.randoms())
def test_episodes_are_those_of_the_plain_twin(score, gap, random):
    outside = [random.random() < 0.8 for _ in score]
    false, flagged = np.zeros(2), np.zeros(2)
    episodes.episodes(np.array(score), np.array(outside), np.array([1.0, 0.5]), gap, false, flagged)
    for k, threshold in enumerate((1.0, 0.5)):
        alarms = [i for i, s in enumerate(score) if outside[i] and s >= threshold]
        told = []
        for i in alarms:
            if not told or i > told[-1] + gap:
                told.append(i)
        assert (false[k], flagged[k]) == (len(told), len(alarms))


def test_an_alarm_at_the_start_of_every_window_is_perfect_and_silence_is_nothing():
    rng = np.random.default_rng(1)
    series = [labelled(rng, 2000, 2, False) for _ in range(3)]
    series = [it for it in series if (it.windows[:, 0] >= it.begin).all()]
    score = [np.zeros(len(it.time)) for it in series]
    for it, s in zip(series, score, strict=True):
        s[it.windows[:, 0]] = 3.0
    judged = [anomaly.judge(it, lambda time, value, s=s: Said(s)) for it, s in zip(series, score, strict=True)]
    found = anomaly.figures(series, judged, 50)
    assert found["standard"] == found["low_fp_fixed"] == pytest.approx(100.0)
    assert (found["recall_at_1"], found["false_per_series_week_fixed"], found["delay_fixed"]) == (1.0, 0.0, 0.0)
    assert found["f1"] == found["f1_fixed"] == 1.0


def test_ranks_order_points_where_scores_are_gated():
    it = labelled(np.random.default_rng(2), 900, 2, False)
    gated, rank = np.zeros(900), it.inside * 1.0
    plain, ranked = (anomaly.judge(it, lambda time, value, r=r: Said(gated, rank=r)) for r in (None, rank))
    assert plain.ap < ranked.ap == 1.0
    assert ranked.vus > plain.vus
    partly = Said(rank.copy(), rank=np.full(900, np.nan))
    assert anomaly.judge(it, lambda time, value: partly).ap == 1.0


def test_a_sweep_over_the_ladder_is_the_sweep():
    rng = np.random.default_rng(3)
    series = [labelled(rng, 800, 2, False) for _ in range(4)]
    score = [rng.gamma(0.5, 1.0, len(it.time) - it.begin).round(2) + it.inside[it.begin :] for it in series]
    for profile in nab.PROFILES.values():
        gains = nab.gains(series, score, profile)
        want, _ = nab.swept(gains, 8, profile)
        best = anomaly.steps(gains, 4).sum(axis=0).max()
        assert nab.scaled(best, 8, profile) == pytest.approx(want)


def test_intervals_hold_the_figure_and_do_not_change():
    column = np.random.default_rng(4).normal(5, 1, 40)
    drawn = resample.weights(resample.draws(40, 300))
    assert (drawn.sum(axis=1) == 40).all()
    low, high = resample.interval(resample.mean(drawn, column))
    assert low < column.mean() < high
    assert (low, high) == resample.interval(resample.mean(resample.weights(resample.draws(40, 300)), column))
    assert high - low == pytest.approx(4 * column.std() / np.sqrt(40), rel=0.25)


def test_volume_sees_what_is_near_and_average_precision_does_not():
    label = np.arange(600) // 20 == 15
    near, far = np.roll(label, 25) * 1.0, np.roll(label, 200) * 1.0
    assert ranking.average_precision(near, label) == pytest.approx(ranking.average_precision(far, label), abs=0.02)
    assert ranking.volume(near, label) > ranking.volume(far, label) + 0.1


def judged(kind, items, run):
    return task.figures(kind, [task.marked(kind, it, run) for it in items], 100)


def test_directions_are_counted():
    items = [{"x": [0.0] * 9, "label": label} for label in (1, 1, -1, 0)]
    found = judged(TREND, items, lambda x: 1)
    assert [found[k] for k in ("accuracy", "false", "missed", "opposite")] == pytest.approx([0.5, 1, 0, 1 / 3])


@pytest.mark.parametrize(("said", "right"), [(24, 1), (24.9, 1), (26, 0), (168, 1), (None, 0)])
def test_any_period_of_a_series_is_right_if_it_is_near(said, right):
    found = judged(PERIOD, [{"x": [0.0] * 9, "periods": [24, 168]}, {"x": [0.0] * 9, "periods": []}], lambda x: said)
    assert (found["right"], found["false"]) == (right, float(said is not None))


def test_the_first_alarm_soon_after_a_change_finds_it_and_all_others_are_false():
    x = [0.0] * 5000
    items = [{"x": x, "drift": 2000}, {"x": x, "drift": None}]
    found = judged(DRIFT, items, lambda x: [100, 2030, 2100])
    assert (found["recall"], found["delay"], found["false_per_10k"]) == (1.0, 30.0, 5.0)
    late = judged(DRIFT, items, lambda x: [2000 + SOON])
    assert (late["recall"], np.isnan(late["delay"]), late["false_per_10k"]) == (0.0, True, 2.0)


def test_change_points_are_measured_as_the_benchmark_does():
    """Numbers by hand, from the definitions of section 4.2."""
    people = [[20, 60], [22], []]
    assert f1(people, [20, 60]) == pytest.approx(2 * 1 * (1 + 1 + 1) / 3 / 2, abs=1e-12)
    assert f1(people, [40]) == pytest.approx(2 * 0.5 * (11 / 18) / (0.5 + 11 / 18))
    assert covering([[25, 50]], [50], 100) == pytest.approx(0.25 * 0.5 + 0.25 * 0.5 + 0.5)
    item = {"x": [0.0] * 100, "annotations": {"a": [50], "b": [50]}}
    found = judged(CHANGEPOINT, [item], lambda x: [50])
    assert (found["f1"], found["covering"]) == (1.0, 1.0)


def test_forecasts_are_measured_against_the_naive_one():
    train = np.tile([1.0, 2.0, 3.0, 4.0], 10) + np.repeat(np.arange(10), 4) * 0.5
    item = {"train": train.tolist(), "test": [6.0, 7.0, None, 9.0], "season": 4, "horizon": 4}
    yhat = np.array([6.0, 7.0, 8.0, 10.0])
    narrow, wide = (yhat - 0.1, yhat + 0.1), (yhat - 2.0, yhat + 2.0)
    found = judged(FORECAST, [item], lambda x, horizon, season: Forecast(yhat, {0.8: narrow, 0.95: wide}))
    assert found["mase"] == pytest.approx(1 / 3 / 0.5)
    assert (found["coverage_80"], found["coverage_95"], found["width_80"]) == pytest.approx((2 / 3, 1.0, 0.4))
    assert np.isnan(judged(FORECAST, [item], lambda x, h, s: Forecast(yhat, {}))["coverage_80"])
