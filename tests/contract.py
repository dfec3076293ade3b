"""What every detector must hold to, whatever it detects."""

from __future__ import annotations

import pickle

import numpy as np
from numpy.testing import assert_array_equal

from config.records import NOTHING, SECOND
from operators.anomaly import DETECTORS, gate
from operators.detector import Bank, Detector, run

WALK = np.random.default_rng(7).normal(size=400).cumsum()
NOISE = np.random.default_rng(5).normal(size=3000)
ZERO = np.zeros(1, np.int64)


def walks(n: int):
    """Return slots, stamps and readings of n walks in turn, ten seconds apart."""
    codes = np.tile(np.arange(n), len(WALK))
    return codes, np.repeat(np.arange(len(WALK)), n) * 10 * SECOND, np.repeat(WALK, n) + codes


def scores(d: Detector, points, bank: Bank | None = None, fresh=NOTHING):
    return (bank or Bank([d])).update(*points, fresh)[d.name].score


def specimen(d: Detector):
    """Return a series that ends in what the detector is for, and where that begins."""
    if d.name == "flatline":
        return np.append(NOISE[:300], np.full(60, 0.5)), 300
    if d.name == "cusum":
        return np.append(NOISE[:300], NOISE[300:340] + 3), 300
    return np.append(NOISE[:300], [NOISE[300] + 20, *NOISE[301:310]]), 300


def documents_itself(d: Detector) -> None:
    doc = DETECTORS[d.name].__doc__ or ""
    assert all(part in doc for part in ("Parameters", "Examples", "References", "doi:"))


def scores_are_finite_and_not_negative(d: Detector) -> None:
    extremes = [1e-300, 1e36] * 50, [-1e36, 1e36] * 50, [0.0, 1e-36, 3.0] * 50, np.append(np.full(99, 1e30), NOISE)
    for values in (WALK, *extremes):
        found = run(d, values)
        assert np.all(found[~np.isnan(found)] >= 0)
        assert np.all(np.isfinite(found[~np.isnan(found)]))


def is_silent_before_it_is_warm(d: Detector) -> None:
    assert np.isnan(run(d, WALK)[:2]).all()
    assert not np.isnan(run(d, WALK)[200:]).any()


def missing_readings_change_nothing(d: Detector) -> None:
    codes, time, value = walks(1)
    gaps = [
        np.insert(column, 200, [filling] * 5) for column, filling in ((codes, 0), (time, time[200]), (value, np.nan))
    ]
    assert_array_equal(np.delete(scores(d, gaps), np.s_[200:205]), scores(d, (codes, time, value)))
    assert np.isnan(scores(d, gaps)[200:205]).all()


def batching_changes_nothing(d: Detector) -> None:
    points = walks(3)
    for size in (1, 7, 1000):
        bank, n = Bank([d]), len(points[0])
        parts = [scores(d, [c[k : k + size] for c in points], bank) for k in range(0, n, size)]
        assert_array_equal(np.concatenate(parts), scores(d, points))


def series_do_not_mix(d: Detector) -> None:
    codes, time, value = walks(3)
    alone = codes == 1
    assert_array_equal(scores(d, (codes, time, value))[alone], scores(d, (ZERO.repeat(400), time[alone], value[alone])))


def scoring_does_not_learn(d: Detector) -> None:
    bank = Bank([d])
    scores(d, walks(1), bank)
    before = bank.rows[d.name].tobytes()  # bytes: NaN is NaN
    d.score(bank.rows[d.name][0], 5.0, 400 * SECOND, d.params)
    d.expect(bank.rows[d.name][0], 400 * SECOND, d.params)
    assert bank.rows[d.name].tobytes() == before


def a_restart_changes_nothing(d: Detector) -> None:
    bank, never_stopped = Bank([d]), Bank([d])
    for b in (bank, never_stopped):
        scores(d, walks(3), b)
    resumed = Bank([d], pickle.loads(pickle.dumps(bank.snapshot())))
    codes, time, value = walks(5)
    later = codes[::-1].copy(), time + 4000 * SECOND, value
    assert_array_equal(scores(d, later, resumed), scores(d, later, never_stopped))
    assert resumed.cold == []
    assert resumed.snapshot() == never_stopped.snapshot()


def a_fresh_row_starts_afresh(d: Detector) -> None:
    bank = Bank([d])
    scores(d, walks(1), bank)
    assert_array_equal(scores(d, walks(1), bank, ZERO), scores(d, walks(1)))


def ordinary_noise_is_ordinary(d: Detector) -> None:
    assert np.mean(run(d, NOISE) >= 1) < 0.01


def what_it_is_for_scores_highest(d: Detector) -> None:
    values, begin = specimen(d)
    found = run(d, values)
    assert np.nanmax(found[begin:]) >= 1 > np.nanmax(found[:begin])


def the_dull_is_quiet(d: Detector) -> None:
    rare = (np.random.default_rng(1).random(3000) < 0.02).astype(float)
    ramp = np.arange(3000) / 100
    steps = np.arange(3000) // 40 * 1.0
    saw_tooth_of_a_counter = np.diff(np.arange(3001) * 17 % 2**20, prepend=0.0) * 0 + 17.0
    for dull in (np.full(3000, 0.1), rare, np.tile([3.0, 8.0], 1500), ramp, steps, saw_tooth_of_a_counter):
        assert not np.any(run(d, dull) >= 1)


def gates_hide_but_do_not_teach(d: Detector) -> None:
    values, begin = specimen(d)
    free = run(d, values)
    hidden = run(d._replace(gate=gate(min_deviation=1e9)), values)
    assert not np.any(hidden > 0)
    above, below = (run(d._replace(gate=gate(direction=way)), values) for way in ("high", "low"))
    assert_array_equal(np.fmax(above, below), free)
    assert begin < len(free)


def everything_is_said_of_all_or_of_the_odd(d: Detector) -> None:
    values, _ = specimen(d)
    points = ZERO.repeat(len(values)), np.arange(len(values)) * SECOND, values
    some, every = Bank([d]).update(*points, NOTHING)[d.name], Bank([d]).update(*points, NOTHING, True)[d.name]
    assert_array_equal(some.score, every.score)
    odd, warm = some.score >= 1, ~np.isnan(some.score)
    for told, of_all in ((some.yhat, every.yhat), (some.lower, every.lower), (some.upper, every.upper)):
        assert_array_equal(told, np.where(odd, of_all, np.nan))
        assert np.isfinite(of_all[warm]).all()
        assert np.isnan(of_all[~warm]).all()
    assert (every.lower <= every.yhat)[warm].all()
    assert (every.yhat <= every.upper)[warm].all()


CHECKS = (
    documents_itself,
    scores_are_finite_and_not_negative,
    is_silent_before_it_is_warm,
    missing_readings_change_nothing,
    batching_changes_nothing,
    series_do_not_mix,
    scoring_does_not_learn,
    a_restart_changes_nothing,
    a_fresh_row_starts_afresh,
    ordinary_noise_is_ordinary,
    what_it_is_for_scores_highest,
    the_dull_is_quiet,
    gates_hide_but_do_not_teach,
    everything_is_said_of_all_or_of_the_odd,
)
