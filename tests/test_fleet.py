"""The fleets that alerts are judged on: as they are said to be, the same for a seed, and judged rightly."""

from __future__ import annotations

import json
from collections import Counter

import numpy as np
import pytest

from scripts.yardstick import fleet
from scripts.yardstick.alerts import LATE, START, mark, messages, tells
from scripts.yardstick.fleet import DAY, EVERY, SORTS
from scripts.yardstick.incidents import KINDS, PLANTED, Incident, plant
from scripts.yardstick.live import live
from scripts.yardstick.quality import DATA, main
from scripts.yardstick.said import Fired
from scripts.yardstick.series import Labelled

SIZE = 20


def drawn(sort: str, seed: int = 1):
    return fleet.drawn(sort, np.random.default_rng(seed), SIZE)


@pytest.mark.parametrize("sort", SORTS)
def test_a_seed_makes_one_fleet(sort):
    one, same, other = drawn(sort), drawn(sort), drawn(sort, 2)
    assert one.value.shape == (SIZE, DAY)
    assert np.isfinite(one.value).all()
    assert (one.deviation > 0).all()
    assert np.array_equal(one.value, same.value)
    assert not np.array_equal(one.value, other.value)


def test_fifty_incidents_five_of_each_kind():
    assert Counter(kind for kinds in PLANTED.values() for kind in kinds) == dict.fromkeys(KINDS, 5)


@pytest.mark.parametrize("sort", SORTS)
def test_incidents_change_their_own_readings_alone(sort):
    quiet = drawn(sort)
    wrong, planted = plant(quiet, PLANTED[sort], np.random.default_rng(2))
    assert [it.kind for it in planted] == list(PLANTED[sort])
    assert len({it.series for it in planted}) == len(planted)
    untouched = np.ones((SIZE, DAY), bool)
    for it in planted:
        untouched[it.series, it.begin : it.end] = False
        part = slice(it.begin, it.end)
        assert not np.array_equal(quiet.value[it.series, part], wrong.value[it.series, part])
    assert np.array_equal(quiet.value[untouched], wrong.value[untouched])


def test_what_was_recorded_is_cut_from_between_windows():
    time, value = np.arange(4000) * 300 * 10**9, np.arange(4000.0)
    value[2000:2100] = 1e9
    it = Labelled("a/b.csv", time, value, np.array([[2000, 2099]]), np.zeros(4000, bool))
    assert [len(part) for part in fleet.quiet_parts(it)] == [2000, 1900]
    assert fleet.drawn("recorded", np.random.default_rng(1), 5, [it]).value.max() < 5000


def test_messages_are_what_producers_send():
    value = np.ones((2, DAY))
    value[1, 1] = np.nan
    both = [list(messages(fleet.Fleet(value, np.ones(2)), sort))[:3] for sort in ("daily", "counter")]
    assert [body for _, body in both[0]] == [
        b"daily,host=h0 value=1.0 1767225600\ndaily,host=h1 value=1.0 1767225600",
        b"daily,host=h0 value=1.0 1767225610",
        b"daily,host=h0 value=1.0 1767225620\ndaily,host=h1 value=1.0 1767225620",
    ]
    sent = [[row["fields"]["value"] for row in json.loads(body)] for _, body in both[1]]
    assert sent == [[1.0, 1.0], [2.0], [3.0, 2.0]]


def test_an_alert_tells_the_incident_that_it_began_with():
    incident = Incident("dip", 3, 100, 110)
    begin, end = START + 100 * EVERY, START + (110 + LATE) * EVERY
    assert [tells(Fired("A", "h3", at), incident) for at in (begin - 1, begin, end, end + 1)] == [
        False,
        True,
        True,
        False,
    ]
    assert not tells(Fired("A", "h4", begin), incident)


def test_a_flow_that_says_nothing_finds_nothing():
    item = {"sort": "states", "seed": 1, "size": SIZE, "points": 1, "recorded": ()}
    marks = mark(item, lambda messages: [])
    assert (marks["planted"], marks["found"], marks["states_alerts"], marks["beside"]) == (2, 0, 0, 0)


def test_the_live_flow_tells_what_is_wrong():
    value = 100.0 + np.random.default_rng(1).normal(size=(2, DAY // 4))
    value[1, 1500:1800] = np.nan
    padded = fleet.Fleet(np.pad(value, ((0, 0), (0, DAY - DAY // 4)), constant_values=np.nan), np.ones(2))
    sent = [(time, body) for time, body in messages(padded, "stationary") if body]
    (it,) = live(sent)
    assert (it.name, it.host) == ("StationaryValueAbsent", "h1")
    assert START + 15000 <= it.starts <= START + 16000


def test_a_quiet_day_is_quiet_and_incidents_are_told(capsys):
    assert main(["--kind", "fleet", "--data", str(DATA / "nab"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["alerts_per_day"] <= 5.0
    assert 50 * found["found"] >= 45.0
