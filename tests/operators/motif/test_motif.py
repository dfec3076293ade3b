"""Shapes that recur are met again; noise, walks and smooth wandering have none."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy import stats

from config.records import SECOND
from operators.detector import Points
from operators.drift import Watch
from operators.motif import meetings, motif
from operators.motif.shape import likeness
from scripts.yardstick.correlation import KINDS
from tests import naive_motif

HUMP = 6 * np.sin(np.arange(20) * np.pi / 19)


def recurring(length, every, seed=2, shape=HUMP, first=300):
    values = np.random.default_rng(seed).normal(size=length)
    for begin in range(first, length - 60, every):
        values[begin : begin + len(shape)] += shape
    return values


def test_they_are_those_of_the_plain_twin():
    values = recurring(560, 120, 1, 1.5 * HUMP, first=150)
    found = [(m.template, m.times, at - m.ago, m.since) for at, m in meetings(values).items()]
    assert len(found) >= 1
    assert found == naive_motif.run(values)


@pytest.mark.parametrize("echo", [0.0, 0.4])
@pytest.mark.parametrize("r", [0.1, 0.6, 0.9])
def test_likeness_is_as_rare_as_a_normal_deviate(r, echo):
    row = motif().row.copy()
    row["noise"], row["echo"] = 1.0, echo
    free = 32 * (1 - echo**2) / (1 + echo**2) - 2
    exact = stats.norm.isf(stats.t.sf(r * np.sqrt(free / (1 - r**2)), free))
    assert likeness(r, row[0]) == pytest.approx(exact, rel=5e-3)


def test_a_shape_is_told_each_time_and_how_long_after_the_time_before():
    found = meetings(recurring(4500, 362)).values()
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
    found = meetings(values)
    # what begins with the first shape lies near 300, what begins with the other near 50 in each 500
    halves = {m.template: set() for m in found.values()}
    for at, m in found.items():
        halves[m.template].add(bool((at - m.ago + 16 - 175) % 500 < 250))
    assert len(found) >= 12
    assert all(len(half) == 1 for half in halves.values())
    assert {True, False} == set.union(*halves.values())


@pytest.mark.parametrize("kind", ["white", "heavy", "counts", "spikes", "memory", "walk", "trend", "day"])
def test_where_nothing_recurs_nothing_is_told(kind):
    assert meetings(KINDS[kind](np.random.default_rng(3), (1, 3000))[0]) == {}


def test_smooth_wandering_and_dull_series_have_no_shapes():
    smooth = np.convolve(np.random.default_rng(5).normal(size=5020), np.hanning(15), "valid")
    for values in (smooth, np.zeros(500), np.tile([3.0, 8.0], 500), np.arange(1000) / 7, np.full(500, np.nan)):
        assert [m for m in meetings(values).values() if m.similarity < 0.99] == []


def test_documents_itself():
    assert all(part in (motif.__doc__ or "") for part in ("Examples", "References", "doi:"))


@pytest.mark.parametrize("size", [7, 97])
def test_cuts_missing_readings_and_restarts_change_nothing(size):
    values, parts, watch = recurring(1500, 200), [], Watch(motif())
    for a in range(0, 1500, size):
        watch.said([np.nan, np.inf])
        parts.append(watch.said(values[a : a + size])[:, :2])
        watch = Watch(motif(), pickle.loads(pickle.dumps(watch.snapshot())))
        assert not watch.cold
    assert_array_equal(np.concatenate(parts), Watch(motif()).said(values)[:, :2])
    assert np.nanmax(np.concatenate(parts)) >= 3


def test_series_do_not_mix():
    values = np.stack([recurring(1500, 200, seed) for seed in range(3)], 1)
    trend, n = motif(), values.size
    out, codes = np.full((n, len(trend.fields)), np.nan), np.tile([0, 1, 2], 1500)
    trend.each(np.repeat(trend.row, 3), Points(codes, np.arange(n) // 3 * SECOND, values.ravel()), trend.params, out)
    for k in range(3):
        found = {i: tuple(it) for i, it in enumerate(out[codes == k].tolist()) if it[0] == it[0]}
        assert found == meetings(values[:, k])


def test_a_template_keeps_its_number_however_many_follow():
    """Six shapes for four places: numbers of those that were forgotten are not given again, and state does not grow."""
    rng, shapes = np.random.default_rng(4), np.random.default_rng(9).choice([-7.0, 7.0], (6, 8)).repeat(4, 1)
    values = rng.normal(size=12_000)
    for i, begin in enumerate(range(200, 11_900, 150)):
        values[begin : begin + 32] += shapes[i // 13]
    watch = Watch(motif())
    size = len(watch.snapshot()[2])
    said = watch.said(values)[:, 0]
    numbers = said[~np.isnan(said)]
    assert len(watch.snapshot()[2]) == size
    assert sorted(set(numbers)) == list(dict.fromkeys(numbers.tolist()))
    assert len(set(numbers)) >= 6


def test_scale_and_level_do_not_matter():
    values = recurring(1500, 200)
    for a, b in zip(meetings(values).items(), meetings(1024.0 * values).items(), strict=True):
        assert a[0] == b[0]
        assert a[1][:5] == b[1][:5]
    assert [*meetings(values + 4096.0)] == [*meetings(values)]
