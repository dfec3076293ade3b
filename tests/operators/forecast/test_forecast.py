"""Forecasts: equal to their plain twin; cuts, restarts and questions change nothing; what they are good at; coverage."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import lfilter

from operators.forecast.forecast import Forecast, forecast
from operators.forecast.members import weights
from operators.forecast.plan import plan
from tests import naive_forecast as naive


def noise(n, seed=1, ar=0.0):
    return lfilter([1.0], [1.0, -ar], np.random.default_rng(seed).standard_normal(n + 100))[100:]


def days(n, seed=1, season=12):
    """Make a season that is no sine, other on the seventh day, in noise that lasts."""
    rng = np.random.default_rng(seed)
    course, t = rng.standard_normal(season) * 5, np.arange(n)
    return 50 + course[t % season] * np.where(t // season % 7 == 6, 0.3, 1.0) + noise(n, seed, 0.7)


def grown(values, season=12, horizon=24):
    it = Forecast(season, horizon)
    it.update(values)
    return it


@pytest.mark.parametrize(
    ("season", "horizon", "n"), [(4, 9, 150), (7, 16, 50), (None, 8, 120), (None, 1, 40), (5, 5, 33)]
)
def test_it_is_its_plain_twin(season, horizon, n):
    x = days(n, season=season or 12)
    if season is None:
        x = x[: plan(None, horizon).reach]  # what is kept
    it = grown(x, season, horizon)
    yhat, interval = naive.forecast(x, it.plan)
    assert it.ahead().yhat - x[0] == pytest.approx(yhat, rel=1e-6, abs=1e-6)
    assert it.state.spread[0] == pytest.approx([naive.mean_error(a, 64) for a in interval.away], rel=1e-6, abs=1e-6)
    assert it.state.uneven == pytest.approx(interval.uneven, rel=1e-6)
    assert it.state.width == pytest.approx(list(interval.width.values()), rel=1e-9)


@settings(deadline=None, max_examples=20)
@given(st.lists(st.integers(0, 400), max_size=4), st.sampled_from([None, 6, 12]))
def test_cuts_and_restarts_change_nothing(cuts, season):
    x = days(400)
    x[100:120] = np.nan
    whole, parts = grown(x, season), Forecast(season, 24)
    at = [0, *sorted(cuts), 400]
    for a, b in pairwise(at):
        parts.update(x[a:b])
        parts = Forecast(season, 24, parts.snapshot())
    assert parts.snapshot() == whole.snapshot()


def test_asking_changes_nothing():
    it = grown(days(300))
    before = it.snapshot()
    first = it.ahead()
    assert it.snapshot() == before
    assert (it.ahead().yhat == first.yhat).all()


def test_a_snapshot_of_another_season_starts_cold():
    assert np.isnan(Forecast(24, 24, grown(days(300)).snapshot()).ahead().yhat).all()


@settings(deadline=None, max_examples=20)
@given(st.floats(1e-3, 1e6), st.floats(-1e3, 1e3))
def test_units_change_nothing(scale, shift):
    x = days(300)
    plain, other = grown(x).ahead(), grown(scale * (x + shift)).ahead()
    assert other.yhat / scale - shift == pytest.approx(plain.yhat, rel=1e-5, abs=1e-4)


@pytest.mark.parametrize(
    "x",
    [
        np.ones(400),
        np.tile([0.0, 1.0], 200),
        np.full(400, np.nan),
        np.concatenate([np.full(50, np.nan), np.ones(20)]),
        np.tile([1e30, -1e30, 5.0], 100),
        np.tile([1e300, 1.0, np.inf], 100),
        np.where(np.arange(400) < 200, 1.0, 1e9),
        np.arange(400.0),
    ],
    ids=["constant", "two-valued", "missing", "late", "large", "infinite", "shift", "ramp"],
)
@pytest.mark.parametrize("season", [None, 12])
def test_nothing_breaks_it(x, season):
    said = grown(x, season).ahead()
    known = x[np.abs(x) < 1e36]
    assert np.isfinite(said.yhat).all() if len(known) > 12 else np.isnan(said.yhat).all()
    if len(known) > 12:
        assert said.yhat.min() >= known.min() - np.ptp(known)
        assert said.yhat.max() <= known.max() + np.ptp(known)


@pytest.mark.parametrize("season", [0, 1, 2049])
def test_a_season_out_of_range_is_refused(season):
    with pytest.raises(ValueError, match="season"):
        Forecast(season, 10)


@pytest.mark.parametrize("horizon", [0, 513])
def test_a_horizon_out_of_range_is_refused(horizon):
    with pytest.raises(ValueError, match="horizon"):
        Forecast(None, horizon)


def test_a_ramp_goes_on_and_a_constant_stays():
    assert grown(np.arange(300.0), None, 6).ahead().yhat == pytest.approx(np.arange(300.0, 306.0), abs=0.01)
    said = grown(np.full(300, 7.0), None, 6).ahead()
    assert (said.yhat == 7.0).all()
    assert (said.bands[0.95][1] == 7.0).all()


def test_it_knows_the_week_within_the_season():
    x = days(12 * 70)
    course = days(12 * 72)[len(x) :]
    said = grown(x).ahead().yhat
    assert np.abs(said - course).mean() < 0.7 * np.abs(naive.naive(x, 12, 24) - course).mean()


def test_it_is_at_least_as_good_as_any_member():
    rng = np.random.default_rng(5)
    ratio = []
    for seed in range(10):
        x = days(700, seed) + 0.1 * np.cumsum(rng.standard_normal(700))
        it, said = grown(x[:600]), []
        for o in range(600, 670, 10):
            said.append(np.abs(it.ahead().yhat - x[o : o + 24]).mean())
            it.update(x[o : o + 10])
        ratio.append(np.mean(said) / it.state.error.min())
    assert np.median(ratio) < 1.15


def test_a_gap_keeps_the_phase():
    x = np.tile([10.0, 20.0, 30.0, 40.0, 20.0, 0.0], 60)
    x[200:221] = np.nan
    assert grown(x, 6, 6).ahead().yhat == pytest.approx([10, 20, 30, 40, 20, 0], abs=0.5)


def test_the_better_member_weighs_more():
    assert weights(np.array([2.0, 1.0, 1.0])) == pytest.approx(np.array([1, 16, 16]) / 33)
    assert weights(np.array([0.0, 1.0])).tolist() == [1.0, 0.0]
    assert weights(np.zeros(4)).tolist() == [0.25] * 4


SERIES = {
    "noise": lambda seed: noise(2000, seed),
    "lasting": lambda seed: noise(2000, seed, 0.8),
    "seasonal": lambda seed: days(2000, seed),
    "heavy": lambda seed: np.random.default_rng(seed).standard_t(3, 2000),
}


@pytest.mark.parametrize("kind", SERIES)
def test_intervals_hold_what_they_say(kind):
    inside = {0.8: [], 0.95: []}
    for seed in range(6):
        x = SERIES[kind](seed)
        it = grown(x[:500], 12 if kind == "seasonal" else None)
        for o in range(500, 1960, 20):
            for share, (low, high) in it.ahead().bands.items():
                inside[share].append(np.mean((low <= x[o : o + 24]) & (x[o : o + 24] <= high)))
            it.update(x[o : o + 20])
    assert np.mean(inside[0.8]) == pytest.approx(0.8, abs=0.02)
    assert np.mean(inside[0.95]) == pytest.approx(0.95, abs=0.02)


def test_bands_lie_within_each_other():
    _, bands = forecast(days(500), 24, 12)
    assert (bands[0.95][0] < bands[0.8][0]).all()
    assert (bands[0.8][1] < bands[0.95][1]).all()
