"""Each check once, silences, the limit of series, and that batch cuts and restarts change nothing."""

from __future__ import annotations

import pickle
from dataclasses import replace

import numpy as np
import pytest

from config.records import ENDED, RETURNED, SECOND, MetricBatch, Poll, Series
from config.settings import Metric
from operators.lane import Lane
from operators.policy import Policy
from operators.validate import Validate, decoded

POLICY = Policy(60 * SECOND, 300 * SECOND, 4, {"*": "first", "fill*": "each"}, {}, (300, 900))


def points(*rows):
    return MetricBatch.of(rows, seconds=True)


def codes(out):
    return [(r.code, r.points) for r in out.rejects]


@pytest.mark.parametrize(
    ("row", "code"),
    [
        (("a x", 1000, float("nan")), "not-finite"),
        (("a x", 1000, 101.0), "out-of-range"),
        (("a x", -1, 1.0), "too-old"),
        (("a x", 1061, 1.0), "future"),
        (("b x", 1000, 1.0), "cardinality"),
        (("a x", 699, 1.0), "late"),
        (("a x", 1000, 6.0), "conflict"),
    ],
)
def test_each_check_gives_its_code(row, code):
    policy = POLICY._replace(metric={"a": Metric(max=100.0)})
    shard = Validate(policy, Lane(1))
    shard.update(decoded(points(("a x", 1000, 5.0)), stamp=1000 * SECOND))
    out = shard.update(decoded(points(row), stamp=1000 * SECOND))
    assert codes(out) == [(code, 1)]
    assert out.rejects[0].series == (row[0],)


def test_the_first_check_that_hits_decides():
    shard = Validate(POLICY, Lane(9))
    out = shard.update(decoded(points(("a x", -5, np.inf), ("a x", 10**6, 1.0)), stamp=0))
    assert [c for c, _ in codes(out)] == ["not-finite", "future"]


def test_one_reject_a_message_and_code():
    b = points(("a x", 1000, 5.0), ("a x", 600, 1.0), ("b x", 1000, 1.0), ("b x", 600, 1.0), ("a x", 1000, 4.0))
    out = Validate(POLICY, Lane(9)).update(decoded(replace(b, message=np.zeros(5, np.int64)), stamp=1000 * SECOND))
    assert codes(out) == [("late", 2), ("conflict", 1)]
    assert out.rejects[0].series == ("a x", "b x")


def test_a_duplicate_is_dropped_without_a_reject():
    out = Validate(POLICY, Lane(9)).update(decoded(points(*[("a x", 1000, 5.0)] * 3), stamp=1000 * SECOND))
    assert (len(out.checked.points), out.rejects) == (1, [])


def test_what_memory_cannot_tell_is_late():
    rows = [("a x", t, 1.0) for t in (1000, 1001, 1002, 1003, 1004)]
    out = Validate(POLICY, Lane(9)).update(decoded(points(*rows, ("a x", 1000, 1.0)), stamp=1000 * SECOND))
    assert codes(out) == [("late", 1)]


def test_events_of_one_stamp_all_count():
    out = Validate(POLICY, Lane(9)).update(decoded(points(*[("fills px", 1000, 5.0)] * 3), stamp=1000 * SECOND))
    assert out.checked.forward.tolist() == [True] * 3


def test_detectors_see_the_rate_of_a_counter():
    series = Series()
    code = series.code("net bytes", counter=True)
    time, value = np.array([0, 10, 20, 15, 30]) * SECOND, np.array([100.0, 200.0, 50.0, 1.0, 60.0])
    b = MetricBatch(Poll.of([b""] * 5), series, np.full(5, code), time, value, np.arange(5))
    checked = Validate(POLICY, Lane(9)).update(decoded(b)).checked
    np.testing.assert_array_equal(checked.rate, [np.nan, 10.0, 5.0, np.nan, 1.0])
    assert checked.forward.tolist() == [True, True, True, False, True]
    assert checked.points.series.counters().tolist() == [True]


def heard(out):
    s, names = out.checked.silences, out.checked.points.series.names
    return [(names[c], n, t // SECOND) for c, n, t in zip(s.codes, s.seconds, s.time, strict=True)]


def test_silence_is_told_by_the_stamps_of_others_and_so_is_the_return():
    rows = [("a x", t, float(t)) for t in range(0, 100, 10)] + [("b x", t, 0.0) for t in range(0, 1100, 10)]
    shard = Validate(POLICY, Lane(9))
    assert heard(shard.update(decoded(points(*rows), stamp=2000 * SECOND))) == [("a x", 300, 390), ("a x", 900, 990)]
    again = shard.update(decoded(points(("a x", 1100, 0.0)), stamp=2000 * SECOND))
    assert heard(again) == [("a x", RETURNED, 1100)]


def test_a_slow_series_is_given_five_of_its_intervals():
    rows = [("a x", t, float(t)) for t in range(0, 1000, 100)] + [("b x", t, 0.0) for t in range(900, 1500, 10)]
    out = Validate(POLICY, Lane(9)).update(decoded(points(*rows), stamp=2000 * SECOND))
    assert heard(out) == [("a x", 300, 1400)]


def test_a_pause_of_all_is_no_absence_of_each():
    rows = [(f"{k} x", t, 0.0) for t in range(0, 100, 10) for k in "ab"] + [("a x", 7200, 0.0), ("b x", 7201, 0.0)]
    out = Validate(POLICY, Lane(9)).update(decoded(points(*rows), stamp=9000 * SECOND))
    assert [(s, n) for s, n, _ in heard(out)] == [
        ("a x", 300), ("b x", 300), ("a x", RETURNED), ("b x", RETURNED)]  # fmt: skip


def test_a_stale_marker_ends_a_series_until_it_returns():
    shard = Validate(POLICY, Lane(9))
    first = decoded(points(("a x", 10, 0.0), ("b x", 10, 0.0)))
    assert heard(shard.update(replace(first, ended=np.array([[0, 1]])))) == [("a x", ENDED, 10)]
    assert heard(shard.update(decoded(points(("b x", 30, 0.0), ("a x", 31, 0.0)), stamp=SECOND))) == [
        ("a x", RETURNED, 31)]  # fmt: skip


def test_a_series_in_two_partitions_is_an_event():
    lane = Lane(9)
    Validate(POLICY, lane).update(decoded(points(("a x", 10, 0.0))))
    b = points(("a x", 20, 0.0))
    out = Validate(POLICY, lane).update(decoded(replace(b, poll=replace(b.poll, partition=1))))
    assert [(e.type, e.series, e.time) for e in out.events] == [("series-split", "a x", 20 * SECOND)]


def test_a_slot_silent_for_a_day_makes_room_and_starts_afresh():
    shard, day = Validate(POLICY, Lane(2)), 86400
    shard.update(decoded(points(("a x", 10, 7.0), ("b x", 10, 0.0)), stamp=10 * SECOND))
    shard.update(decoded(points(("b x", day, 0.0)), stamp=day * SECOND))
    assert codes(shard.update(decoded(points(("c x", day + 5, 0.0)), stamp=day * SECOND))) == [("cardinality", 1)]
    out = shard.update(decoded(points(("b x", day + 10, 0.0)), stamp=day * SECOND))
    out = shard.update(decoded(points(("c x", day + 10, 0.0), ("c x", 10, 7.0)), stamp=day * SECOND))
    assert out.checked.fresh.tolist() == [0]
    assert out.checked.points.series.names == ["c x", "b x"]
    assert codes(out) == [("late", 1)]
    restored = Validate(POLICY, Lane(2), pickle.loads(pickle.dumps(shard.snapshot())))
    assert codes(restored.update(decoded(points(("c x", day + 10, 1.0)), stamp=day * SECOND))) == [("conflict", 1)]


def quality(cuts, restart=False):
    rng, rows = np.random.default_rng(3), []
    shard = Validate(POLICY, Lane(9))
    t = np.cumsum(rng.integers(0, 3, 400))
    value = rng.integers(0, 3, 400).astype(float)
    names = [f"{k} x" for k in rng.integers(0, 3, 400)]
    late = rng.random(400) < 0.1
    begin = 0
    for end in [*cuts, 400]:
        b = points(*[(names[i], int(t[i]) - 500 * bool(late[i]), value[i]) for i in range(begin, end)])
        stamps = t[begin:end] * SECOND
        d = decoded(b)
        d = replace(d, points=replace(d.points, poll=replace(d.points.poll, stamps=stamps, received=stamps)))
        d = replace(d, producers=["p"], producer=np.arange(begin, end) % 2 - 1, seq=np.arange(begin, end))
        rows += shard.update(d).rows
        if restart:
            shard = Validate(POLICY, Lane(9), pickle.loads(pickle.dumps(shard.snapshot())))
        begin = end
    return rows


def test_quality_by_minute_does_not_depend_on_cuts_or_restarts():
    whole = quality([])
    assert len(whole) > 4
    assert quality(range(1, 400)) == whole == quality([7, 100, 399], restart=True)
    minute = whole[0].fields
    assert minute["received"] == minute["accepted"] + minute["rejected"] + minute["duplicate"]
    assert {r.tags["producer"] for r in whole} == {"p", "-"}
