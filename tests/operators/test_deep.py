"""Detectors for a counted number of series."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from config.records import NOTHING
from operators.anomaly import DETECTORS
from operators.anomaly.zscore import zscore
from operators.deep import Deep
from operators.detector import Bank

LIGHT = [zscore(warmup=2)]


def stream(seed, n, series):
    noise = np.random.default_rng(seed)
    return noise.integers(0, series, n), np.arange(n) * 60_000_000_000, noise.normal(size=n)


def scores(deep, codes, time, value, cuts=()):
    parts = [0, *sorted(cuts), len(codes)]
    said = [deep.update(codes[a:b], time[a:b], value[a:b], NOTHING) for a, b in pairwise(parts)]
    return np.concatenate([s["zscore"].score for s in said])


@settings(deadline=None)
@given(seed=st.integers(0, 99), budget=st.integers(0, 8), cuts=st.lists(st.integers(0, 200), max_size=5))
def test_the_first_series_are_scored_as_by_a_bank_of_their_own(seed, budget, cuts):
    codes, time, value = stream(seed, 200, 6)
    first = list(dict.fromkeys(codes.tolist()))[:budget]
    mine = np.isin(codes, first)
    expected = np.full(200, np.nan)
    expected[mine] = Bank(LIGHT).update(codes[mine], time[mine], value[mine], NOTHING)["zscore"].score
    assert_array_equal(scores(Deep(LIGHT, budget), codes, time, value, cuts), expected)


@settings(deadline=None)
@given(seed=st.integers(0, 99), cut=st.integers(0, 200))
def test_a_restart_changes_nothing(seed, cut):
    codes, time, value = stream(seed, 200, 6)
    whole = scores(Deep(LIGHT, 3), codes, time, value)
    deep = Deep(LIGHT, 3)
    before = scores(deep, codes[:cut], time[:cut], value[:cut])
    after = scores(Deep(LIGHT, 3, deep.snapshot()), codes[cut:], time[cut:], value[cut:])
    assert_array_equal(np.append(before, after), whole)


def test_a_larger_budget_grants_rows_to_those_that_were_refused():
    codes, time, value = stream(1, 400, 6)
    deep = Deep(LIGHT, 2)
    scores(deep, codes, time, value)
    larger = Deep(LIGHT, 6, deep.snapshot())
    assert not np.isnan(scores(larger, codes, time, value)[100:]).any()
    assert larger.used == 6


def test_a_slot_that_another_series_takes_over_keeps_its_row_but_not_its_past():
    codes, time, value = np.zeros(3, np.int64), np.arange(3), np.array([1.0, 3.0, 2.0])
    deep = Deep(LIGHT, 1)
    deep.update(codes, time, value, NOTHING)
    again = deep.update(codes, time, value, np.array([0]))
    assert_array_equal(again["zscore"].score, [np.nan, np.nan, 0.0])
    assert deep.used == 1


def test_a_slot_that_was_refused_is_asked_again_for_its_next_series():
    deep = Deep(LIGHT, 1)
    two, time, value = np.array([0, 1]), np.arange(2), np.ones(2)
    deep.update(two, time, value, NOTHING)
    deep.budget = 2
    deep.update(two, time, value, np.array([1]))
    assert deep.used == 2


def test_a_series_without_readings_takes_no_row():
    deep = Deep(LIGHT, 1)
    deep.update(np.array([0, 1]), np.arange(2), np.array([np.nan, 1.0]), NOTHING)
    assert deep.slots.tolist()[:2] == [-1, 0]


@pytest.mark.parametrize("name", ["ensemble"])
def test_what_was_held_back_as_no_news_is_told(name):
    detector = DETECTORS[name]()
    value = np.append(np.random.default_rng(3).normal(size=600), np.full(4, 30.0))
    codes, time = np.zeros(604, np.int64), np.arange(604) * 60_000_000_000
    plain = Bank([detector]).update(codes, time, value, NOTHING)[name]
    deep = Deep([detector], 1).update(codes, time, value, NOTHING)[name]
    assert plain.rank is not None
    assert_array_equal(deep.score, plain.rank)
    assert (deep.score[601:] >= 1).sum() > (plain.score[601:] >= 1).sum()
