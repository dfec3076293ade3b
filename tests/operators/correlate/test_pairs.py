"""Pairs of series: the same as the plain twin, no more than chance where nothing is shared, found where something is."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from operators.correlate.innovations import innovations
from operators.correlate.pairs import pairs
from scripts.yardstick.correlation import KINDS, planted
from tests import naive_correlate

LAGS = 10


def drawn(kind, series=150, seed=1):
    return KINDS[kind](np.random.default_rng(seed), (series, 120))


def with_gaps(values, seed=2):
    return np.where(np.random.default_rng(seed).random(values.shape) < 0.03, np.nan, values)


@pytest.mark.parametrize("kind", ["white", "walk", "season", "heavy"])
@pytest.mark.parametrize("gaps", [False, True])
def test_they_are_those_of_the_plain_twin(kind, gaps):
    values, _ = planted(kind, 14, 6, 0.9, LAGS, seed=5)
    values = with_gaps(values) if gaps else values
    values[9, :30] = np.nan
    found, plain = pairs(values, LAGS), naive_correlate.pairs(values, LAGS)
    assert len(plain) >= 4
    assert set(zip(found.first.tolist(), found.second.tolist(), strict=True)) == set(plain)
    for k, pair in enumerate(zip(found.first.tolist(), found.second.tolist(), strict=True)):
        ours = [getattr(found, name)[k] for name in ("lag", "pearson", "spearman", "raw", "p", "n")]
        assert_allclose(ours, plain[pair], rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_series_that_have_nothing_to_do_with_each_other_are_not_told(kind):
    """11,175 pairs at 21 lags; of the two kinds that are made to look alike some remain, as docs/detection.md says."""
    assert len(pairs(drawn(kind), LAGS).first) <= (3 if kind in ("steps", "cron") else 0)


@pytest.mark.parametrize("kind", ["white", "memory", "walk", "season", "heavy", "trend"])
def test_followers_are_found_with_their_lag(kind):
    values, truth = planted(kind, 150, 30, 0.9, LAGS, seed=3)
    found = pairs(values, LAGS)
    told = dict(zip(zip(found.first.tolist(), found.second.tolist(), strict=True), found.lag.tolist(), strict=True))
    assert sum(told.get(pair) == lag for pair, lag in truth.items()) >= 27
    assert len(told) <= 31


def test_a_pair_is_told_the_same_whatever_stands_beside_it():
    values, _ = planted("walk", 40, 1, 0.95, LAGS, seed=4)
    alone, among = pairs(values[:2], LAGS), pairs(values, LAGS)
    assert len(alone.first) == len(among.first) == 1
    for a, b in zip(alone, among, strict=True):
        assert_allclose(a, b, rtol=1e-12)


def test_scale_and_level_do_not_matter():
    values, _ = planted("memory", 30, 8, 0.9, LAGS, seed=6)
    scaled = values * np.geomspace(1e-6, 1e6, 30)[:, None] + 1.0
    for a, b in zip(pairs(values, LAGS), pairs(scaled, LAGS), strict=True):
        assert_allclose(a, b, rtol=1e-6)


def test_no_more_than_the_foremost_of_each_series():
    common = np.random.default_rng(8).normal(size=120)
    values = common + 0.3 * np.random.default_rng(9).normal(size=(40, 120))
    found = pairs(values, LAGS)
    assert 100 <= len(found.first) <= 40 * 5
    assert set(found.lag.tolist()) == {0}


def test_what_hardly_changes_or_is_too_short_has_no_innovations():
    still, few = np.zeros(120), np.full(120, np.nan)
    still[40:45], few[:30] = 1.0, np.random.default_rng(1).normal(size=30)
    assert np.isnan(innovations(np.array([still, few, np.full(120, np.nan), np.arange(120.0)]))).all()
    assert len(pairs(np.array([still, few]), LAGS).first) == 0


def test_the_greatest_numbers_there_are_correlate_as_any_others():
    values, _ = planted("memory", 12, 4, 0.9, LAGS, seed=6)
    values /= abs(values).max()
    among = values * np.exp2([1023.0, 1000.0, 0.0, 400.0] * 3)[:, None]
    with np.errstate(all="raise", under="ignore"):
        found = pairs(among, LAGS)
        pairs(np.array([1.7e308 * np.linspace(-1, 1, 120), np.where(np.arange(120) == 60, 1e300, values[0])]), LAGS)
    assert len(found.first) >= 4
    for a, b in zip(pairs(values, LAGS), found, strict=True):
        assert_allclose(a, b, rtol=1e-6)


@pytest.mark.parametrize(("windows", "told"), [(81, 0), (80, 0), (60, 0), (83, 1), (120, 1)])
def test_without_far_shifts_no_pair_is_told(windows, told):
    x = np.random.default_rng(1).normal(size=(6, windows))
    x[1, 3:] = x[0, :-3]
    assert len(pairs(x, 20).first) == told
