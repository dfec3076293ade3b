"""A level that stays is said once, a spike never; neither cuts nor restarts change what is said."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.records import NOTHING, SECOND, Poll, Scored, Scores, Series, Silences, Windows
from config.shelf import Shelf
from operators.anomaly import DETECTORS
from operators.detect import Deeply, Detect
from operators.settle import Settle

NOISE = np.random.default_rng(6).normal(size=4000)


def said(columns, cuts=()):
    """Events of scored readings of two series in turn, restored at each cut."""
    series, found, settle = Series(), [], Settle("ensemble")
    codes = np.array([series.code("a x"), series.code("b x")])
    for part in np.split(np.arange(len(columns)), sorted(cuts)):
        odd, x = columns[part, :2].repeat(2, 0).T
        x[1::2] = 0.0
        odd[1::2] = 0.0
        at = np.repeat(part, 2) * 60 * SECOND
        scores = Scores(odd, x * 0 + 5, x * 0 + 3, x * 0 + 7)
        code = np.tile(codes, len(part))
        it = Scored("60s", Poll.of([]), series, code, at, at, x, {}, {}, at, at, Silences.none())
        found += settle.update(it, scores, NOTHING)
        settle = Settle("ensemble", settle.snapshot())
    return [(e.series, e.time // (60 * SECOND), e.text, e.value) for e in found]


def readings(*parts):
    return np.array([row for odd, x, n in parts for row in [(odd, x)] * n])


def test_a_level_that_stays_is_said_once_it_is_ordinary():
    shift = readings((0.0, 5.0, 3), (2.0, 9.0, 20), (0.0, 9.0, 30))
    assert said(shift) == [("a x", 30, "settled at 9 after 5", 9.0)]


@pytest.mark.parametrize("back", [5.0, 6.9])
def test_what_comes_back_is_no_new_normal(back):
    assert said(readings((0.0, 5.0, 3), (2.0, 9.0, 1), (0.0, back, 30))) == []
    assert said(readings((0.0, 5.0, 3), (2.0, 9.0, 1), (0.0, 9.0, 5), (0.0, back, 30))) == []


def test_a_shift_that_is_odd_again_is_not_told_again_but_the_way_back_is():
    shift = readings((2.0, 9.0, 20), (0.0, 9.0, 10), (2.0, 9.5, 1), (0.0, 9.0, 30))
    assert len(said(shift)) == 1
    back = readings((2.0, 9.0, 20), (0.0, 9.0, 10), (2.0, 0.0, 5), (0.0, 0.0, 30))
    assert [value for *_, value in said(back)] == [9.0, 0.0]
    assert len(said(np.concatenate([shift, readings((0.0, 5.0, 2000)), shift]))) == 2


@settings(deadline=None, max_examples=50)
@given(seed=st.integers(0, 99), cuts=st.lists(st.integers(0, 400), max_size=6))
def test_agrees_with_words_wherever_it_is_cut(seed, cuts):
    dice = np.random.default_rng(seed)
    odd = np.repeat(dice.choice([0.0, 0.0, 2.0], 40), 10)
    columns = np.stack([odd, np.repeat(dice.choice([5.0, 5.5, 9.0, 0.0], 20), 20)], 1)
    assert said(columns, cuts) == said(columns) == in_words(columns)


def in_words(columns):
    """Every run of eight ordinary readings behind an odd one, with the expectation of 5, of which six lie beyond 3 to 7 on one side."""
    out, last = [], None
    for k in range(8, len(columns)):
        odd, x = columns[k - 7 : k + 1].T
        if columns[k - 8, 0] < 1 or (odd >= 1).any():
            continue
        mean = x.mean()
        told = last and k - last[0] < 1440 and abs(mean - 5 - last[2]) <= 2 and abs(5 - last[1]) > 2
        if max((x > 7).sum(), (x < 3).sum()) >= 6 and not told:
            last = (k, mean, mean - 5)
            out.append(("a x", k, f"settled at {mean:.6g} after 5", mean))
    return out


def windows(x, at):
    series, n = Series(), len(x)
    codes, none = np.full(n, series.code("a x")), np.full(n, -1)
    fresh = np.array([0]) if at[0] == 0 else NOTHING
    return Windows("60s", Poll.of([]), series, codes, at * 60 * SECOND, x, {}, at, none, none, fresh, Silences.none())


def ensemble(x, tmp_path=None, cuts=()):
    """Events of windows judged by the ensemble; at each cut the shard is made again from its snapshot."""
    deeply = Deeply("60s", [DETECTORS["ensemble"]()], 1, Shelf(tmp_path / "rows.sqlite3"))
    shard, found = Detect([], [], deeply=deeply), []
    for part in np.split(np.arange(len(x)), list(cuts)):
        found += shard.update(windows(x[part], part)).events
        shard = Detect([], [], deeply=deeply, snapshot=shard.snapshot())
    return [(e.type, round(e.value), e.time // (60 * SECOND)) for e in found]


def test_the_ensemble_says_each_shift_once_and_no_spike(tmp_path):
    x = 17 + NOISE[:3000]
    x[600] += 40
    x[1000:2000] += 25
    x[2000:] -= 30
    found = ensemble(x, tmp_path)
    assert [(kind, value) for kind, value, _ in found] == [("new-normal", 42), ("new-normal", -13)]
    assert 1008 <= found[0][2] < 1150
    assert 2008 <= found[1][2] < 2150
    assert ensemble(x, tmp_path, cuts=range(37, 3000, 111)) == found
