"""Seasons: evidence against its plain twin, what is found, what is not, and that cuts and restarts change nothing."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import lfilter

from operators.season.evidence import evidence
from operators.season.flatten import flatten
from operators.season.search import autocorrelation, part, search, shorter
from operators.season.season import RING, Season, period
from tests import naive_season as naive


def noise(n, seed=1, ar=0.0):
    return lfilter([1.0], [1.0, -ar], np.random.default_rng(seed).standard_normal(n + 300))[300:]


def wave(n, p):
    return np.sin(2 * np.pi * np.arange(n) / p)


def grown(values):
    season = Season()
    for x in values:
        season.update(x)
    return season


def test_evidence_is_that_of_sums_over_the_values():
    y = noise(480) + 0.3 * wave(480, 24) + 0.2 * wave(480, 8)
    y -= y.mean()
    over = np.abs(np.fft.rfft(y, 480 * 1001 // 7 * 7)) ** 2 / 480  # so fine that nothing is rounded
    periods = np.array([5.0, 12.0, 23.0, 24.0, 48.0])
    assert evidence(over, periods) == pytest.approx([naive.white(y, p) for p in periods], rel=1e-3)


def test_evidence_does_not_run_out_of_numbers():
    over = np.ones(1025)
    over[80:90] = [1e3, 2e3, 3e3, 4e3, 5e3, 6e3, 5e3, 4e3, 3e3, 2e3]
    seen = evidence(over, np.array([23.0, 24.0, 25.0]))
    assert np.isfinite(seen).all()
    assert seen.argmax() == 1


def test_autocorrelation_and_strength_are_their_twins():
    y = noise(200) + wave(200, 10)
    y -= y.mean()
    again = autocorrelation(y)
    assert again[[1, 5, 10, 50]] == pytest.approx([naive.autocorrelation(y, k) for k in (1, 5, 10, 50)])
    assert part(y, 10.0)[0] == pytest.approx(naive.explained(y, 10))


@pytest.mark.parametrize("p", [7, 24, 96, 288])
@pytest.mark.parametrize("ar", [0.0, 0.7])
def test_a_season_as_strong_as_the_noise_is_found(p, ar):
    n = max(500, 6 * p)
    x = noise(n, p, ar)
    found = period(x / x.std() * 0.7 + wave(n, p))
    assert found == pytest.approx(p, abs=max(1, 0.02 * p))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("ar", [0.0, 0.5, 0.9, 0.99, 1.0])
def test_noise_of_any_colour_has_none(ar, seed):
    assert period(noise(1200, seed, ar)) is None


@pytest.mark.parametrize(
    "x",
    [
        np.ones(500),
        np.full(500, np.nan),
        np.full(500, 1e300),
        np.arange(500.0) * 1e9,
        np.where(np.arange(500) < 250, 0.0, 1.0) + 0.1 * noise(500),
        (noise(500) > 1.5) * 1.0,
        np.random.default_rng(1).standard_cauchy(1000),
        np.cumsum(np.random.default_rng(1).poisson(3.0, 1000)),
    ],
    ids=["constant", "missing", "huge", "ramp", "shift", "two-valued", "cauchy", "counter"],
)
def test_what_has_none(x):
    assert period(x) is None


def test_two_values_may_have_one():
    assert period((np.arange(600) % 30 == 0) * 1.0) == 30


def test_trend_far_values_and_gaps_do_not_hide_it():
    rng, n = np.random.default_rng(2), 900
    x = noise(n) + wave(n, 48) + 0.02 * np.arange(n)
    x[rng.random(n) < 0.03] += 40.0
    x[rng.random(n) < 0.1] = np.nan
    x[300:400] = np.nan
    assert period(x) == 48


def test_the_day_and_the_week_are_told_apart():
    rng = np.random.default_rng(3)
    day, week = rng.standard_normal(24), np.repeat(rng.standard_normal(7), 24)
    x = np.tile(day, 7 * 8) + np.tile(week, 8) + 0.5 * noise(168 * 8)
    assert sorted(p for p, _ in grown(x).look()) == [24, 168]


def test_spikes_are_not_halved():
    x = 10.0 * (np.arange(960) % 48 == 5) + noise(960)
    assert [p for p, _ in grown(x).look()] == [48]
    y = flatten(x)
    assert shorter(y, np.full(2049, 9.0), 48.0) == 48.0


@pytest.mark.parametrize("days", [8, 20])
def test_a_day_of_minutes_is_seen_among_the_means(days):
    n = 1440 * days
    season = grown(wave(n, 1440) + noise(n))
    assert season.periods[0][0] == pytest.approx(1440, abs=8)


def test_a_period_gone_is_forgotten():
    season = grown(np.concatenate([wave(500, 20) + 0.1 * noise(500), noise(2 * RING)]))
    assert season.periods == []


@settings(deadline=None, max_examples=15)
@given(st.floats(1e-6, 1e6), st.floats(-1e6, 1e6))
def test_units_change_nothing(scale, shift):
    x = noise(300) + wave(300, 25)
    assert [p for p, _ in search(scale * (x + shift), 1, 2)] == [p for p, _ in search(x, 1, 2)]


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 600))
def test_a_restart_changes_nothing(cut):
    x = noise(600) + 2 * wave(600, 30)
    season = grown(x[:cut])
    again = Season(season.snapshot())
    for v in x[cut:]:
        season.update(v)
        again.update(v)
    assert again.snapshot() == season.snapshot()
    assert again.periods == season.periods


def test_a_snapshot_of_another_layout_starts_cold():
    season = grown(noise(100))
    assert Season(("other", season.snapshot()[1])).snapshot() == Season().snapshot()


def test_looking_changes_nothing():
    season = grown(noise(300))
    before = season.snapshot()
    season.look()
    assert season.snapshot() == before
