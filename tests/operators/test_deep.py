"""Detectors for a counted number of series."""

from __future__ import annotations

import pickle
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from config.records import NOTHING
from config.shelf import Shelf
from operators.anomaly import DETECTORS, build
from operators.anomaly.ewma import ewma
from operators.anomaly.zscore import zscore
from operators.deep import SINCE, Deep
from operators.detector import Bank

LIGHT = [zscore(warmup=2)]


def stream(seed, n, series):
    noise = np.random.default_rng(seed)
    return noise.integers(0, series, n), np.arange(n) * 60_000_000_000, noise.normal(size=n)


@pytest.fixture(scope="module")
def keeper(tmp_path_factory):
    return Shelf(tmp_path_factory.mktemp("shelf") / "rows.sqlite3")


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
@given(seed=st.integers(0, 99), saves=st.lists(st.integers(0, 900), min_size=1, max_size=12), lost=st.integers(0, 12))
def test_a_restart_changes_nothing(keeper, seed, saves, lost):
    """Saved again and again, ended some time after one of the snapshots, of which the last may not have come to be."""
    codes, time, value = stream(seed, 900, 6)
    whole = scores(Deep(LIGHT, 3), codes, time, value)
    shard, saves = f"{seed} {saves} {lost}", sorted(saves)
    deep, snapshots = Deep(LIGHT, 3, keeper), []
    deep.shard = shard
    for a, b in pairwise([0, *saves]):
        scores(deep, codes[a:b], time[a:b], value[a:b])
        snapshots.append((b, deep.snapshot()))
    at, snapshot = snapshots[-1 - lost % min(2, len(snapshots))]
    again = Deep(LIGHT, 3, keeper, pickle.loads(pickle.dumps(snapshot)))
    assert again.cold == 0
    assert_array_equal(scores(again, codes[at:], time[at:], value[at:]), whole[at:])


def test_the_ensemble_restarts_exactly_from_a_saved_row_and_the_readings_since(keeper):
    detectors = [DETECTORS["ensemble"]()]
    codes, _, value = stream(5, 700, 2)
    time = np.arange(700) * 60_000_000_000
    whole = Deep(detectors, 2).update(codes, time, value, NOTHING)["ensemble"].score
    deep = Deep(detectors, 2, keeper)
    deep.shard = "exact"
    for a, b in pairwise([0, 100, 230, 611]):
        deep.update(codes[a:b], time[a:b], value[a:b], NOTHING)
        snapshot = deep.snapshot()
    again = Deep(detectors, 2, keeper, pickle.loads(pickle.dumps(snapshot)))
    assert again.cold == 0
    assert_array_equal(again.update(codes[611:], time[611:], value[611:], NOTHING)["ensemble"].score, whole[611:])


def test_rows_that_are_gone_start_cold_and_say_so(keeper):
    codes, time, value = stream(2, 900, 3)
    deep = Deep(LIGHT, 3, keeper)
    deep.shard = "gone"
    scores(deep, codes, time, value)
    snapshot = deep.snapshot()
    keeper.take("gone", {})
    again = Deep(LIGHT, 3, keeper, snapshot)
    assert again.cold == 3
    assert np.isnan(scores(again, codes[:3], time[:3], value[:3])).any()


def test_a_row_of_another_layout_starts_cold(keeper):
    codes, time, value = stream(2, 900, 3)
    deep = Deep(LIGHT, 3, keeper)
    deep.shard = "layout"
    scores(deep, codes, time, value)
    assert Deep([ewma()], 3, keeper, deep.snapshot()).cold == 3


def test_only_what_changed_is_saved(keeper):
    """A snapshot holds a few readings a series, and each row is saved once in dozens of readings."""
    detector, puts = DETECTORS["ensemble"](), []
    deep = Deep([detector], 8, keeper)
    deep.shard = "large"
    codes, time, value = np.arange(8), np.arange(8), np.random.default_rng(4).normal(size=(200, 8))
    for n in range(200):
        deep.update(codes, time + n * 60_000_000_000, value[n], NOTHING)
        puts.append(len(deep.unsaved))
        size = sum(len(part) for part in deep.snapshot() if isinstance(part, bytes))
        assert size < 8 * (16 * SINCE + 100)
    assert 8 * 200 / SINCE <= sum(puts) <= 8 * 200 / (SINCE // 2)
    assert max(puts) <= 3


def test_a_larger_budget_grants_rows_to_those_that_were_refused():
    codes, time, value = stream(1, 400, 6)
    deep = Deep(LIGHT, 2)
    scores(deep, codes, time, value)
    larger = Deep(LIGHT, 6, snapshot=deep.snapshot())
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


def test_what_a_gate_hides_is_hidden_in_the_flow_too():
    noise = np.random.default_rng(1).normal(size=800)
    noise[700:704] += 30.0
    time, codes = np.arange(800) * 60 * 10**9, np.zeros(800, np.int64)
    open_, shut = (
        Deep(build(["ensemble"], {"ensemble": gate}), 1).update(codes, time, noise, NOTHING)["ensemble"].score
        for gate in ({}, {"min_deviation": 100.0})
    )
    assert np.nanmax(open_) > 1.5
    assert np.nanmax(shut) == 0.0
