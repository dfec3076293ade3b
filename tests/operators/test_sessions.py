"""Exchanges: what is closed is expected, in the ensemble and in absence; openings are compared with openings."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from config.exchange import Trading
from config.records import NOTHING, SECOND, MetricBatch, Poll, Scored, Series, Silences, Windows
from config.shelf import Nowhere, Shelf
from operators.anomaly import DETECTORS
from operators.detect import Deeply, Detect
from operators.lane import Lane
from operators.policy import Policy
from operators.sessions import CLOSED, UNKNOWN, Exchanges, Sessions, phase, reached, traded
from operators.validate import Validate, decoded

HOUR, MINUTE, DAY = 3600 * SECOND, 60 * SECOND, 86400 * SECOND
START = int(datetime(2026, 1, 5, tzinfo=UTC).timestamp()) * SECOND  # a Monday
SUMMER = 42


def days(n: int) -> Trading:
    """Weekdays from 9 to 17 but for the second Wednesday, a holiday; the second Friday ends at noon; the sixth week begins summer time."""
    kept = [d for d in range(n) if d % 7 < 5 and d != 9]
    opens = np.array([START + d * DAY + (9 if d < SUMMER else 8) * HOUR for d in kept])
    closes = opens + np.where(np.array(kept) == 11, 3, 8) * HOUR
    return Trading(opens, closes, opens)


CALENDAR = days(70)
EXCHANGES = Exchanges({"fills": "XTST"}, [CALENDAR])
BOUNDS = np.sort(np.concatenate([CALENDAR.opens, CALENDAR.closes]))


def is_open(t):
    return any(a <= t < b for a, b in zip(CALENDAR.opens.tolist(), CALENDAR.closes.tolist(), strict=True))


@settings(deadline=None)
@given(st.integers(-3 * DAY, 75 * DAY))
def test_time_of_trading_agrees_with_its_plain_twin(since):
    t, s = START + since, EXCHANGES.sessions
    inside = BOUNDS[0] <= t < BOUNDS[-1]
    passed = sum(max(0, min(t, b) - a) for a, b in zip(CALENDAR.opens.tolist(), CALENDAR.closes.tolist(), strict=True))
    passed += min(t - BOUNDS[0], 0) + max(t - BOUNDS[-1], 0)
    assert traded(s, 1, t) == passed
    if not inside:
        assert phase(s, 1, t) == UNKNOWN
    elif is_open(t):
        assert phase(s, 1, t) == t - max(a for a in CALENDAR.opens.tolist() if a <= t)
        assert reached(s, 1, passed) == t
    else:
        assert phase(s, 1, t) == CLOSED
        assert reached(s, 1, passed) == min(a for a in CALENDAR.opens.tolist() if a > t)


def test_a_break_at_noon_is_closed_and_the_day_goes_on():
    s = Sessions.of([Trading(np.array([10, 30]), np.array([20, 40]), np.array([10, 10]))])
    assert [phase(s, 1, t) for t in (9, 10, 19, 20, 30, 39, 40)] == [UNKNOWN, 0, 9, CLOSED, 20, 29, UNKNOWN]


POLICY = Policy(10**18, 300 * SECOND, 4, {"*": "first"}, {}, (300, 900), EXCHANGES)


def heard(rows, policy=POLICY, cuts=()):
    shard, found = Validate(policy, Lane(9)), []
    for part in np.split(np.arange(len(rows)), list(cuts)):
        b = MetricBatch.of([rows[i] for i in part], seconds=True)
        s = shard.update(decoded(b, stamp=START + 100 * DAY)).checked.silences
        names = shard.roster.names
        found += [(names[c], n, t // SECOND) for c, n, t in zip(s.codes, s.seconds, s.time, strict=True)]
        shard = Validate(policy, Lane(9), pickle.loads(pickle.dumps(shard.snapshot())))
    return found


def minutes(*series):
    """Readings by the minute: (name, from, to) in hours since START."""
    rows = [
        (name, START // SECOND + 60 * m, float(m)) for name, a, b in series for m in range(int(a * 60), int(b * 60))
    ]
    return sorted(rows, key=lambda row: row[1])


@pytest.mark.parametrize("alone", [True, False])
def test_nothing_is_absent_while_closed(alone):
    fills = [("fills px", 24 * d + 9, 24 * d + (12 if d == 11 else 17)) for d in range(14) if d % 7 < 5 and d != 9]
    rows = minutes(*fills, *([] if alone else [("cpu x", 9, 24 * 14)]))
    assert heard(rows) == []
    assert len(heard(rows, POLICY._replace(exchanges=Exchanges({}, [])))) > 10


def test_what_is_missing_at_the_opening_is_absent_once_it_has_been_open_long_enough():
    rows = minutes(("fills px", 9, 17), ("cpu x", 9, 40))
    morning = START // SECOND + 33 * 3600
    assert heard(rows) == [("fills px", 300, morning + 240), ("fills px", 900, morning + 840)]
    assert heard(rows, cuts=range(50, len(rows), 111)) == heard(rows)


def test_a_night_of_the_whole_shard_is_no_pause_of_the_exchange():
    """Nothing else is in the shard, and the other series of the exchange returns."""
    rows = minutes(("fills px", 9, 17), ("fills qty", 9, 17), ("fills qty", 33, 36))
    assert heard(rows) == [("fills px", 300, START // SECOND + 33 * 3600 + 240),
                           ("fills px", 900, START // SECOND + 33 * 3600 + 840)]  # fmt: skip


def test_a_new_calendar_takes_effect_on_saved_state():
    shard = Validate(POLICY._replace(exchanges=Exchanges({}, [])), Lane(9))
    shard.update(decoded(MetricBatch.of(minutes(("fills px", 9, 17)), seconds=True), stamp=START + 100 * DAY))
    again = Validate(POLICY, Lane(9), shard.snapshot())
    later = MetricBatch.of(minutes(("cpu x", 17, 34), ("fills px", 33, 34)), seconds=True)
    assert not len(again.update(decoded(later, stamp=START + 100 * DAY)).checked.silences)


def volume(n, seed=1):
    """Windows of five minutes: busy at the opening, calm at noon, silent while closed; and where each stands."""
    time = START + np.arange(n * 288) * 5 * MINUTE
    open_ = np.array([phase(EXCHANGES.sessions, 1, t) for t in time])
    time, since = time[(open_ >= 0) & (open_ < UNKNOWN)], open_[(open_ >= 0) & (open_ < UNKNOWN)]
    noise = np.random.default_rng(seed).normal(size=len(time))
    return time, since, 20 + 80 * np.exp(-since / HOUR) + 3 * noise


def judged(time, x, exchanges=EXCHANGES, cuts=(), keeper=None):
    deeply = Deeply("300s", [DETECTORS["ensemble"]()], 1, keeper or Nowhere(), exchanges)
    series, shard, out = Series(), Detect([], [], deeply=deeply), []
    code = series.code("fills qty")
    for part in np.split(np.arange(len(x)), list(cuts)):
        none = np.full(len(part), -1)
        fresh = np.array([0]) if part[0] == 0 else NOTHING
        w = Windows(
            "300s",
            Poll.of([]),
            series,
            none * 0 + code,
            time[part],
            x[part],
            {},
            part,
            none,
            none,
            fresh,
            Silences.none(),
        )
        it: Scored = shard.update(w)
        out.append(it.scores["ensemble"].score)
        if cuts:
            shard = Detect([], [], deeply=deeply, snapshot=shard.snapshot())
    return np.concatenate(out)


def episodes(score):
    """Where runs of odd windows begin."""
    return np.flatnonzero((score >= 1) & (np.append(0.0, score[:-1]) < 1))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_openings_are_compared_with_openings_wherever_the_clock_stands(seed):
    time, _, x = volume(56, seed)
    summer, second = np.searchsorted(time, START + SUMMER * DAY), np.searchsorted(time, START + 7 * DAY)
    score, by_hour = judged(time, x), judged(time, x, Exchanges({}, []))
    assert np.sum(episodes(score) > second) <= 1  # holiday, half day and summer time among them
    week = slice(summer, summer + 5 * 96)
    assert score[week].max() < 0.9 * by_hour[week].max()


def test_a_calm_opening_is_odd():
    time, since, x = volume(40)
    day = np.flatnonzero(since == 0)[-2]
    x[day : day + 6] = 22 + x[day : day + 6] % 3
    found = judged(time, x)
    assert (found[day : day + 8] >= 1).any()
    assert not np.any(found[day - 200 : day] >= 1)


def test_a_restart_and_cuts_change_no_score(tmp_path):
    time, _, x = volume(12)
    whole = judged(time, x, keeper=Shelf(tmp_path / "a"))
    assert_array_equal(judged(time, x, cuts=range(37, len(x), 91), keeper=Shelf(tmp_path / "b")), whole)
    assert not np.array_equal(judged(time, x, Exchanges({}, [])), whole)
