"""The season that is found: agrees with its plain twin, finds what is there and nothing else, in units of time."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from config.records import NOTHING, SECOND
from operators.anomaly import season
from operators.anomaly.ensemble import ensemble
from operators.anomaly.period import propose
from operators.anomaly.rings import follow
from operators.detector import Bank
from tests.naive_period import Season

NOISE = np.random.default_rng(3).normal(size=20_000)
START = 1_767_225_600 * SECOND


def stamps(n, every):
    return START + (np.arange(n) * every * SECOND).astype(np.int64)


def bank(x, every, cuts=()):
    """Score a series in parts, saved and restored between them; return the bank and the ranks."""
    d, t = ensemble(), stamps(len(x), every)
    b, ranks = Bank([d]), []
    for part in np.split(np.arange(len(x)), list(cuts)):
        b = Bank([d], b.snapshot()) if len(ranks) else b
        found = b.update(np.zeros(len(part), np.int64), t[part], np.asarray(x, float)[part], NOTHING)["ensemble"]
        ranks.append(found.rank)
    return b, np.concatenate(ranks)


def row(x, every):
    return bank(x, every)[0].rows["ensemble"][0]


def saw(n, period):
    return 10.0 * (np.arange(n) % period) / period


@pytest.mark.parametrize(("every", "period"), [(60, 40), (300, 37), (1, 90)])
def test_agrees_with_its_plain_twin(every, period):
    n = 1500
    x, t = saw(n, period) + NOISE[:n], stamps(n, every)
    twin, level, found, expected = Season(), 0.0, [], []
    d, b = ensemble(), Bank([ensemble()])
    for i in range(n):
        b.update(np.zeros(1, np.int64), t[i : i + 1], x[i : i + 1], NOTHING)
        s, y = b.rows[d.name][0], x[i] - x[0]
        twin.learn(int(t[i]), y, level)
        level += 0.02 * (y - level)
        if i % 20 == 0:
            found.append([*season.usual(s, t[i] + every * SECOND, level, d.params), s["period"] / SECOND, s["trusted"]])
            known = twin.found.length / SECOND if twin.found else 0.0
            expected.append([*twin.look(int(t[i]) + every * SECOND, level), known, twin.since is not None])
    assert_allclose(found, expected, rtol=1e-3, atol=1e-3)
    assert expected[-1][-1]


@pytest.mark.parametrize(
    ("every", "period"),
    [(60, 40 * 60), (300, 40 * 60), (1, 90), (10, 90), (10, 900), (60, 7 * 3600), (3600, 10 * 3600)],
)
def test_finds_a_period_in_units_of_time(every, period):
    n = 6000
    x = 10.0 * ((np.arange(n) * every % period) < 0.3 * period) + NOISE[:n]
    s = row(x, every)
    assert s["trusted"] == 1
    assert s["period"] / SECOND == pytest.approx(period, rel=0.02)


@pytest.mark.parametrize("what", ["white", "walk", "lognormal", "day", "red", "constant"])
def test_finds_none_where_there_is_none_beside_the_day(what):
    n, red = 6000, NOISE[:6000].copy()
    for i in range(1, n):
        red[i] += 0.95 * red[i - 1]
    x = {
        "white": NOISE[:n],
        "walk": NOISE[:n].cumsum(),
        "lognormal": np.exp(NOISE[:n]),
        "day": 10 * np.sin(np.arange(n) * 300 / 86400 * 2 * np.pi) + NOISE[:n],
        "red": red,
        "constant": np.full(n, 3.0),
    }[what]
    assert row(x, 300)["trusted"] == 0


def test_a_season_that_ends_is_left_and_another_one_found():
    x = np.concatenate([saw(2000, 40), saw(4000, 27)]) + NOISE[:6000]
    s = row(x, 60)
    assert s["period"] / SECOND == pytest.approx(27 * 60, rel=0.02)
    assert row(np.concatenate([saw(2000, 40), np.zeros(3000)]) + NOISE[:5000], 60)["trusted"] == 0


def test_an_incident_or_a_gap_does_not_cost_the_season():
    x = saw(4000, 40) + NOISE[:4000]
    x[3000:3040] += 60
    x[3300:3500] = np.nan
    assert row(x, 60)["trusted"] == 1


def test_another_sampling_interval_begins_anew():
    t = np.concatenate([stamps(2000, 60), stamps(1, 60) + 2000 * 60 * SECOND + (np.arange(3000) * 600 * SECOND)])
    x = 10.0 * ((t // SECOND % (5 * 3600)) < 3600) + NOISE[: len(t)]
    b = Bank([ensemble()])
    b.update(np.zeros(len(t), np.int64), t, x, NOTHING)
    s = b.rows["ensemble"][0]
    assert 300 * SECOND < s["width"] <= 601 * SECOND
    assert (s["trusted"], s["period"] / SECOND) == (1, pytest.approx(5 * 3600, rel=0.02))


def test_what_is_usual_at_another_phase_is_told():
    """Half a cycle out of step: nothing but the season makes that odd."""
    found = 0
    for seed in range(5):
        noise = np.random.default_rng(seed).normal(size=4000)
        x = 10.0 * (np.arange(4000) % 90 < 45) + noise
        x[3600:3630] = 10.0 * (np.arange(3645, 3675) % 90 < 45) + noise[3600:3630]
        odd = np.flatnonzero(bank(x, 10)[1] >= 1)
        found += bool(np.any((odd >= 3600) & (odd < 3640)))
    assert found >= 4


def test_neither_cuts_nor_restarts_change_what_is_found():
    x = saw(2500, 40) + NOISE[:2500]
    whole, ranks = bank(x, 60)
    cut, same = bank(x, 60, cuts=range(61, 2500, 113))
    assert_array_equal(ranks, same)
    assert whole.rows["ensemble"][:1].tobytes() == cut.rows["ensemble"][:1].tobytes()
    assert whole.rows["ensemble"][0]["trusted"] == 1


def test_a_period_that_the_ring_does_not_hold_three_times_is_not_measured():
    ring = np.full(256, np.nan)
    ring[:64] = np.sin(np.arange(64))
    for known in (22.0, 170.5, 204.0, 341.0, 1024.0):
        assert propose(ring, 63, known) == (0.0, 0.0)


def test_a_new_interval_begins_with_new_means():
    s = ensemble().row.copy()[0]
    t = 0
    for n in range(120):
        since = (60 if n < 60 else 600) * SECOND
        t += since
        follow(s, t, 1000.0, since)
        s["n"] += 1
    known = s["rings"][np.isfinite(s["rings"])]
    assert (known == 1000.0).all()
