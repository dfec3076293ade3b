"""The ensemble against its plain twin, what only it finds, and what leaves it quiet."""

from math import log

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from config.records import NOTHING, SECOND
from operators.anomaly import tail
from operators.anomaly.ensemble import ensemble, places, surprise
from operators.anomaly.neighbours import DEVIATION, KEY, MEAN, REMEMBERED, SLOTS, VECTOR, X, key, novelty, remember
from operators.detector import Bank
from tests import naive_ensemble

DAY = 288
AT = np.arange(14 * DAY) * 300
NOISE = np.random.default_rng(11).normal(size=20_000)
SEASON = 10 * np.sin(AT / 86400 * 2 * np.pi)


def scores(x, every=300, detector=None, **params):
    n = len(x)
    time = np.arange(n) * every * SECOND
    return Bank([detector or ensemble(**params)]).update(np.zeros(n, np.int64), time, np.asarray(x, float), NOTHING)[
        "ensemble"
    ]


@pytest.mark.parametrize("name", ["season", "lognormal", "walk", "stuck", "saw tooth"])
def test_agrees_with_its_plain_twin(name):
    n = 2500
    stuck = NOISE[:n].copy()
    stuck[1500:1540] = stuck[1500]
    lengths = np.random.default_rng(3).integers(
        20, 60, 200
    )  # no period: the twin knows none but day and week, see test_season
    teeth = np.concatenate([np.arange(length) for length in lengths])
    x = {
        "stuck": stuck,
        "saw tooth": teeth[:n] + 0.3 * NOISE[:n],
        "season": 50 + SEASON[:n] + NOISE[:n],
        "lognormal": np.exp(NOISE[:n]),
        "walk": NOISE[:n].cumsum(),
    }[name]
    assert_allclose(scores(x).rank, naive_ensemble.ensemble(AT[:n], x), rtol=2e-3, atol=2e-3)


def test_the_nearest_is_that_of_the_whole_memory():
    rng = np.random.default_rng(0)
    memory, order = np.zeros((SLOTS, VECTOR), np.float32), np.zeros(REMEMBERED, np.uint16)
    past, best = [], np.empty(3)
    for n in range(3 * SLOTS // 2):
        v = rng.choice([0.0, 1.0, 2.5], VECTOR) if n % 3 else rng.normal(size=VECTOR)
        v[KEY] = key(v[X], v[MEAN], v[DEVIATION])
        v = v.astype(np.float32)
        novelty(memory, order, n, v, best)
        if n % 50 == 0 and n > 10:
            far = (np.array(past[max(0, n - SLOTS) : n - 4], float) - v) ** 2
            base = far[:, : DEVIATION + 1].sum(1)
            expected = np.sqrt([base.min(), (base + far[:, 3]).min(), (base + far[:, 4] + far[:, 5]).min()])
            assert_allclose(best, expected, rtol=1e-6, atol=1e-6)
        remember(memory, order, n, v)
        past.append(v)


def test_an_incident_is_told_once():
    x = SEASON + 0.5 * NOISE[: len(AT)]
    x[3000:3040] += 30
    s = scores(x)
    assert np.flatnonzero(s.score[2000:] >= 1).tolist()[0] == 1000
    assert np.sum(s.score[2000:] >= 1) <= 3
    assert np.sum(s.rank[3000:3040] >= 1) > 10


def test_finds_a_quiet_night_at_noon_and_a_calm_that_is_none():
    x = SEASON + 0.5 * NOISE[: len(AT)]
    x[13 * DAY + 72 : 13 * DAY + 84] = SEASON[0]
    found = np.flatnonzero(scores(x).score >= 1)
    assert 13 * DAY + 72 <= found[-1] < 13 * DAY + 84
    assert np.sum(found > 3 * DAY) <= 2


MINUTES = np.arange(1440)
PLACES = log(5 / 1.44e6) / log(
    4e-4
)  # the line of five false alerts a day of a thousand series at a minute: `alerts.budget`


def swing(minutes):
    return 10 * np.sin(minutes / 45 * 2 * np.pi) + NOISE[: len(minutes)]


INCIDENTS = {
    "spike": (NOISE[:1440], lambda x: x + np.where(np.arange(len(x)) < 1, 9, 0), 5),
    "dip": (NOISE[:1440], lambda x: x - np.where(np.arange(len(x)) < 2, 9, 0), 5),
    "shift of five deviations": (NOISE[:1440], lambda x: x + 5, 40),
    "shift downwards": (NOISE[:1440], lambda x: x - 5, 40),
    "leak": (NOISE[:1440], lambda x: x + np.arange(len(x)) / 15, 150),
    "variance": (NOISE[:1440], lambda x: 4 * x, 30),
    "stands still": (NOISE[:1440], lambda x: np.full(len(x), x[0]), 25),
    "nothing": (50 + NOISE[:1440], lambda x: 0 * x, 10),
    "lost swing": (swing(MINUTES), lambda x: 0.3 * NOISE[2000 : 2000 + len(x)], 200),
}


@pytest.mark.parametrize("kind", INCIDENTS)
def test_finds_on_its_first_day_what_anybody_sees(kind):
    """Beyond the line of the budget, and no earlier."""
    quiet, happens, lasts = INCIDENTS[kind]
    x = quiet.copy()
    x[1000 : 1000 + lasts] = happens(x[1000 : 1000 + lasts])
    rank = np.nan_to_num(scores(x, 60).rank)
    assert rank[1000 : 1000 + lasts].max() >= PLACES > rank[:1000].max()


def test_what_it_has_not_long_known_it_is_not_sure_of():
    """A line of the budget needs five hours of minutes: the first drop of a slow saw tooth is no alert."""
    x = MINUTES % 190 + 0.1 * NOISE[:1440]
    assert np.nanmax(scores(x, 60).rank[:300]) < PLACES


def test_a_new_level_is_ordinary_after_a_while():
    x = np.append(NOISE[:2000], NOISE[2000:4000] + 30)
    rank = scores(x).rank
    assert rank[2000] >= 1
    assert np.nanmax(rank[2200:]) < 1


@pytest.mark.parametrize("every", [1, 10, 60, 300, 3600])
def test_what_is_asked_is_got(every):
    """On noise of several kinds a score of 1 begins about as often as asked, 8 times in 20,000: in none more than twice that."""
    t = np.arange(20_000) * every
    noises = {
        "white": NOISE,
        "season": 10 * np.sin(t / 86400 * 2 * np.pi) + NOISE,
        "lognormal": np.exp(NOISE),
        "wandering": 0.02 * NOISE.cumsum() + NOISE,
        "counts": np.random.default_rng(5).poisson(3, 20_000).astype(float),
    }
    told = {name: np.sum(scores(x, every).score >= 1) for name, x in noises.items()}
    assert sum(told.values()) <= 40
    assert max(told.values()) <= 16


@pytest.mark.parametrize("what", ["constant", "two values", "ramp", "saw tooth", "long gaps", "nothing"])
def test_the_dull_is_quiet(what):
    n = 6000
    x = {
        "constant": np.full(n, 3.3),
        "two values": (np.random.default_rng(1).random(n) < 0.01).astype(float),
        "ramp": np.arange(n) * 0.01,
        "saw tooth": np.arange(n) % 97.0,
        "long gaps": np.where(np.arange(n) // 500 % 2 == 0, NOISE[:n], np.nan),
        "nothing": np.full(n, np.nan),
    }[what]
    told = scores(x).score
    assert np.sum(told >= 1) <= (1 if what == "long gaps" else 0)


def test_places_and_surprise_are_inverse():
    z = np.array([0.01, 0.1, 0.2, 0.3, 1.0, 4.0])
    assert_allclose([surprise(places(v, 0.1), 0.1) for v in z], z)
    assert [places(0.2, 0.3), places(0.0, 0.3)] == [2.7, 0.0]


def test_neither_other_series_nor_cuts_nor_restarts_change_a_score():
    n = 900
    x = SEASON[:n] + NOISE[:n]
    alone = scores(x).rank
    d = ensemble()
    bank = Bank([d])
    got = []
    for k in range(0, n, 113):
        part = np.repeat(x[k : k + 113], 2)
        part[1::2] *= 7
        time = np.repeat(np.arange(k, min(k + 113, n)) * 300 * SECOND, 2)
        got.append(bank.update(np.tile([0, 1], len(part) // 2), time, part, NOTHING)["ensemble"].rank[::2])
        bank = Bank([d], bank.snapshot())
    assert_array_equal(np.concatenate(got), alone)


def test_a_tail_goes_on_where_its_bins_begin_at_one():
    counts, bases = np.zeros((1, tail.BINS), np.float32), np.full(1, tail.UNSET, np.int32)
    rng = np.random.default_rng(2)
    for a in [*np.abs(10 * rng.normal(size=2000)), 30_000.0, *np.abs(10 * rng.normal(size=500))]:
        tail.count(counts, bases, 0, a)
    assert tail.fit(counts[0], int(bases[0]), float(counts.sum()))[0] == pytest.approx(14.0, rel=0.3)
