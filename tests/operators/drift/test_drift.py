import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy import signal, stats

from operators.choose import choose
from operators.drift import DRIFTS, Watch, alarms
from operators.drift.rank import FIELDS, cell, hold, normal, under
from operators.drift.shiryaev import OVERSHOOT, shiryaev
from operators.trend.trend import run
from tests import naive_drift

NOISE = np.random.default_rng(6).normal(size=4000)
LATER = np.arange(4000) >= 2000
ALL = choose(DRIFTS, DRIFTS, {})
MEMORY = signal.lfilter([1], [1, -0.7], NOISE)
QUIET = {
    "noise": NOISE,
    "memory": MEMORY,
    "heavy tails": np.random.default_rng(2).standard_t(3, size=4000),
    "skew": np.exp(NOISE),
    "counts": np.random.default_rng(3).poisson(3, 4000) * 1.0,
    "rights and wrongs": (NOISE > 1.3) * 1.0,
    "a season": NOISE + 2 * np.sin(np.arange(4000) * 2 * np.pi / 48),
    "a walk": NOISE.cumsum(),
    "constant": np.full(4000, 0.1),
    "two values": np.tile([3.0, 8.0], 2000),
    "a ramp": np.arange(4000) / 100,
    "a counter": np.arange(4000) * 17.0 % 2**20,
    "extremes": np.array([1e-300, 1e36] * 2000),
}


@pytest.mark.parametrize("name", DRIFTS)
def test_documents_itself(name):
    assert all(part in (DRIFTS[name].__doc__ or "") for part in ("Parameters", "Examples", "References", "doi:"))


@pytest.mark.parametrize("drift", ALL, ids=lambda d: d.name)
def test_finds_a_drift_and_says_so_once(drift):
    found = alarms(drift, NOISE + 4.0 * LATER)
    assert len(found[(found >= 2000) & (found < 2100)]) >= 1


@pytest.mark.parametrize("drift", ALL, ids=lambda d: d.name)
@pytest.mark.parametrize("size", [1, 7, 1000])
def test_cuts_missing_readings_and_restarts_change_nothing(drift, size):
    values = (NOISE + 2.0 * LATER)[1500:2500]
    whole, parts = alarms(drift, values), []
    watch = Watch(drift)
    for a in range(0, 1000, size):
        watch.update([np.nan, np.inf])
        parts.append(a + watch.update(values[a : a + size]))
        watch = Watch(drift, pickle.loads(pickle.dumps(watch.snapshot()))) if a % (10 * size) == 0 else watch
        assert not watch.cold
    assert_array_equal(np.concatenate(parts), whole)


def test_a_state_of_another_kind_starts_cold():
    assert Watch(ALL[0], Watch(ALL[1]).snapshot()).cold


@pytest.mark.parametrize("name", QUIET)
def test_what_does_not_drift_is_quiet(name):
    assert len(alarms(shiryaev(every=50_000), QUIET[name])) <= 1


@pytest.mark.parametrize("scale", [1e-12, 1e12])
def test_unit_and_offset_change_nothing(scale):
    x = NOISE + 1.0 * LATER
    assert_array_equal(alarms(shiryaev(), x * scale), alarms(shiryaev(), x))
    assert_array_equal(alarms(shiryaev(), -x), alarms(shiryaev(), -x + 0.0))


@pytest.mark.parametrize(
    ("drifted", "way", "within"),
    [
        (NOISE + 1.0 * LATER, 1, 60),
        (NOISE - 1.0 * LATER, -1, 60),
        (NOISE * np.where(LATER, 3.0, 1.0), 2, 30),
        (NOISE * np.where(LATER, 0.3, 1.0), -2, 60),
        (MEMORY + 3.0 * LATER, 1, 100),
    ],
)
def test_says_which_way_and_since_when(drifted, way, within):
    found = run(shiryaev(), drifted, every=1.0)
    at = np.flatnonzero(found["drift"] >= 1)
    first = at[at >= 2000][0]
    assert first <= 2000 + within
    assert found["way"][first] == way
    assert abs(first - found["since"][first] - 2000) < 15


def test_false_alarms_are_as_many_as_asked():
    streams = np.random.default_rng(8).normal(size=(30, 4000))
    found = sum(len(alarms(shiryaev(every=2000), x)) for x in streams)
    assert 15 < found < 75  # 60 were asked for


@pytest.mark.parametrize("x", [NOISE[:700], MEMORY[:700], QUIET["a season"][:700], QUIET["rights and wrongs"][:700]])
def test_agrees_with_its_plain_twin(x):
    expected = naive_drift.evidence(x)
    line = OVERSHOOT * 1e12  # beyond reach: twins know no alarms
    found = run(shiryaev(every=1e12), x)["drift"]
    assert_allclose(np.expm1(found * np.log1p(line)), expected, rtol=1e-6)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=60))
def test_a_place_is_that_among_all_held(values):
    s = np.zeros(1, FIELDS)
    for y in values:
        hold(s[0], y, 1e9)
    for y in values:
        assert under(s[0], cell(y)) == sum(cell(v) < cell(y) for v in values)


def test_places_are_even_whatever_the_distribution():
    for x in (NOISE, QUIET["heavy tails"], QUIET["counts"] - 3, QUIET["rights and wrongs"]):
        s, z = np.zeros(1, FIELDS), []
        for n, y in enumerate(x):
            if n >= 200:
                z.append(normal(s[0], y, n))
            hold(s[0], y, 1e9)
        assert stats.kstest(z, "norm").pvalue > 0.01


def test_a_wrong_parameter_names_the_right_one():
    with pytest.raises(ValueError, match=r"shiryaev has no parameter evry; did you mean every\?"):
        choose(DRIFTS, ["shiryaev"], {"shiryaev": {"evry": 1000}})
