"""Shapes that recur are met again; noise, walks and smooth wandering have none."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from operators.motif import Motifs, run
from scripts.yardstick.correlation import KINDS
from tests import naive_motif

HUMP = 6 * np.sin(np.arange(20) * np.pi / 19)


def recurring(length, every, seed=2, shape=HUMP, first=300):
    values = np.random.default_rng(seed).normal(size=length)
    for begin in range(first, length - 60, every):
        values[begin : begin + len(shape)] += shape
    return values


def test_they_are_those_of_the_plain_twin():
    values = recurring(560, 120, 1, first=150)
    found = [(m.template, m.times, m.begin, m.since) for m in run(values)]
    assert len(found) >= 1
    assert found == naive_motif.run(values)


def test_a_shape_is_told_each_time_and_how_long_after_the_time_before():
    found = run(recurring(4500, 362))
    assert len(found) >= 8  # of 11, the first of which cannot be
    times = [
        round(m.since / 362) for m in found
    ]  # seen at another of its ends it may be another template, met less often
    assert [m.since for m in found] == pytest.approx([362 * k for k in times], abs=5)
    assert np.mean(np.array(times) <= 2) > 0.7
    assert max(m.times for m in found) >= 7


def test_two_shapes_are_two_templates():
    other = np.append(np.full(8, 7.0), np.full(12, -5.0))
    values = recurring(5000, 500)
    for begin in range(550, 4900, 500):
        values[begin : begin + 20] += other
    found = run(values)
    # what begins with the first shape lies near 300, what begins with the other near 50 in each 500
    halves = {m.template: set() for m in found}
    for m in found:
        halves[m.template].add(bool((m.begin + 16 - 175) % 500 < 250))
    assert len(found) >= 12
    assert all(len(half) == 1 for half in halves.values())
    assert {True, False} == set.union(*halves.values())


@pytest.mark.parametrize("kind", ["white", "heavy", "counts", "spikes", "memory", "walk", "trend", "day"])
def test_where_nothing_recurs_nothing_is_told(kind):
    assert run(KINDS[kind](np.random.default_rng(3), (1, 3000))[0]) == []


def test_smooth_wandering_and_dull_series_have_no_shapes():
    smooth = np.convolve(np.random.default_rng(5).normal(size=5020), np.hanning(15), "valid")
    for values in (smooth, np.zeros(500), np.tile([3.0, 8.0], 500), np.arange(1000) / 7, np.full(500, np.nan)):
        assert [m for m in run(values) if m.similarity < 0.99] == []


def test_series_do_not_mix_and_a_restart_changes_nothing():
    values = np.stack([recurring(1500, 200, seed) for seed in range(3)], 1)
    values[700:710, 1] = np.nan
    alone = [[m._replace(row=k) for m in run(values[:, k])] for k in range(3)]
    motifs, found = Motifs(3), []
    for t, row in enumerate(values):
        found += motifs.update(row)
        if t % 97 == 0:
            saved = pickle.loads(pickle.dumps(motifs.snapshot()))
            motifs = Motifs(3)
            motifs.restore(saved)
    assert sorted(found) == sorted(m for series in alone for m in series)
    assert len(found) >= 6


def test_a_fresh_row_starts_afresh():
    motifs, values = Motifs(1), recurring(1200, 190, 1)
    for x in values:
        motifs.update(np.array([x]))
    again = [m for t, x in enumerate(values) for m in motifs.update(np.array([x]), [0] if t == 0 else [])]
    assert again == run(values)


def test_scale_and_level_do_not_matter():
    values = recurring(1500, 200)
    for a, b in zip(run(values), run(1024.0 * values), strict=True):
        assert a[:5] == b[:5]
    assert_array_equal([m.begin for m in run(values + 4096.0)], [m.begin for m in run(values)])
