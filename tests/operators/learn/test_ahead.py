"""What models say of windows to come: how that is judged, on which windows it is learnt, and which bounds it crosses."""

from __future__ import annotations

import logging
import re
from dataclasses import replace
from math import nan

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.layers import ConfigError
from config.records import SECOND, Alert, Rows, Scored
from config.rules import Rule
from config.settings import Bound, load
from operators.alert import Alerts
from operators.forecast.interval import ENOUGH, LEVELS
from operators.learn import Budget, Learn, build, plans
from operators.learn.distance import JUDGED, RATE, Distance
from operators.learn.watch import WATCHES
from tests.operators.learn.streams import MINUTE, restarted, told, windows

HOST = "cpu,host=a busy"


def rows(records, measurement):
    return [it for it in records if isinstance(it, Rows) and it.measurement == measurement]


def plainly(x, said, ahead):
    """Judge `said[n]`, told of x[n + ahead], from the whole history: the last full block's figures, and the widths after all."""
    width, errors, inside = [1.6, 2.75], [], []
    bands = {}
    for n in range(len(x)):
        if n >= ahead:
            origin = n - ahead
            errors.append(abs(x[n] - said[origin]))
            inside.append([errors[-1] <= half for half in bands[origin]])
            for k, level in enumerate(LEVELS):
                if bands[origin][k] >= 0:
                    width[k] *= np.exp(RATE * ((not inside[-1][k]) - (1 - level)))
        mean = 0.0
        for i, e in enumerate(errors):
            mean += max(1 / (i + 1), 1 / 64) * (e - mean)
        bands[n] = [w * mean if len(errors) >= ENOUGH else nan for w in width]
    blocks = len(errors) // JUDGED * JUDGED
    block = slice(blocks - JUDGED, blocks)
    naive = np.abs(x[ahead:] - x[:-ahead])[block]
    told = np.array([bands[n][0] == bands[n][0] for n in range(len(errors))])[block]
    shares = np.array(inside)[block][told].mean(axis=0)
    return np.mean(errors[block]), np.sum(errors[block]) / naive.sum(), *shares, width


@pytest.mark.parametrize("ahead", [1, 7])
def test_judging_is_its_plain_twin(ahead):
    rng = np.random.default_rng(ahead)
    x, said = rng.normal(size=300), 0.3 * rng.normal(size=300)
    it, found = Distance(ahead), None
    for n in range(300):
        found = it.judge(n, x[n]) or found
        it.tell(n, x[n], said[n], None)
    *figures, width = plainly(x, said, ahead)
    assert found is not None
    assert found[1:] == pytest.approx(figures)
    assert it.width == pytest.approx(width)


def test_windows_that_never_come_are_passed_over():
    it = Distance(2)
    for n in [*range(10), *range(20, 30)]:
        it.judge(n, 1.0)
        it.tell(n, 1.0, 1.0, None)
    assert it.count == 16
    assert sorted(it.under_way) == [30, 31]


@pytest.mark.parametrize("model", ["holt_winters", "combination"])
def test_the_bands_of_every_forecaster_hold_what_they_say(model):
    values = np.random.default_rng(3).standard_t(5, size=(2400, 1)).cumsum(0) * 0.1 + np.random.default_rng(4).normal(
        size=(2400, 1)
    )
    records = Learn(build("60s", [model], ahead=[1, 15]), Budget(1)).update(windows([HOST], values))
    found = rows(records, "forecast_errors")
    assert [it.tags for it in found] == [{"algorithm": model, "horizon": f"{n}s"} for n in (60, 900)]
    for it in found:
        late = it.time > 600 * MINUTE
        assert (np.diff(it.time) == JUDGED * MINUTE).all()
        assert np.asarray(it.fields["coverage_80"])[late].mean() == pytest.approx(0.8, abs=0.03)
        assert np.asarray(it.fields["coverage_95"])[late].mean() == pytest.approx(0.95, abs=0.02)
        assert np.asarray(it.fields["scaled"])[late].mean() < 1.0


def test_each_horizon_is_learnt_on_windows_that_suit_it():
    found = plans(load({"ALLUSE_LEARN__HORIZONS": "5m,1h,6h,7d", "ALLUSE_WINDOWS__EVERY": "60,600,3600"}))
    assert [(it.step, it.ahead) for it in found] == [("60s", (5, 60)), ("600s", (36,)), ("3600s", (168,))]
    assert list(found[0].makers) == ["half_space_trees", "combination", "regression"]
    assert [list(it.makers) for it in found[1:]] == [["combination"]] * 2


def test_a_horizon_that_nothing_reaches_stops_the_start_where_it_was_asked_for(caplog):
    asked = {"ALLUSE_WINDOWS__EVERY": "60", "ALLUSE_LEARN__HORIZONS": "5m,7d"}
    with pytest.raises(ConfigError, match=r"learn.horizons: 7d: more than 512 windows of 60 s: add a longer length"):
        plans(load(asked))
    with caplog.at_level(logging.WARNING):
        assert [it.ahead for it in plans(load({"ALLUSE_WINDOWS__EVERY": "60"}))] == [(1, 15)]
    assert "1d: more than 512 windows of 60 s" in caplog.text


@pytest.mark.parametrize(
    ("environ", "text"),
    [
        ({"ALLUSE_LEARN__STEP": "10s"}, "learn.step: no windows of 10s are computed"),
        (
            {"ALLUSE_LEARN__BOUNDS": '{"cpu": {"above": 90.0}}', "ALLUSE_LEARN__MODELS": "holt_winters"},
            "learn.bounds: only the model combination",
        ),
    ],
)
def test_what_cannot_be_learnt_stops_the_start(environ, text):
    with pytest.raises(ConfigError, match=text):
        plans(load(environ))


def climbing(minutes=400):
    return 20 + 0.1 * np.arange(minutes)[:, None] + 0.2 * np.random.default_rng(1).normal(size=(minutes, 1))


def bounded(bound, ahead=60):
    made = build("60s", ["combination"], ahead=[ahead])
    return replace(made, bounds={"cpu busy": bound})


def test_a_breach_is_told_before_it_comes_and_ends_when_the_course_turns():
    values = climbing()
    values[300:] = values[300] - 0.1 * np.arange(100)[:, None]
    records = Learn(bounded(Bound(above=55.0, below=-1e6)), Budget(1)).update(windows([HOST], values))
    (it,) = rows(records, "breaches")
    assert it.tags == {"algorithm": "combination", "type": "above"}
    at, made = np.asarray(it.fields["at"]), it.time // MINUTE - 1
    truth = (350 - made) * 60.0  # the climb is at 55 after 350 minutes
    sure = (made >= 295) & (made < 300)
    assert at[sure] == pytest.approx(truth[sure], abs=600)
    assert (np.asarray(it.fields["earliest"])[sure] <= at[sure]).all()
    assert str(it.fields["text"][-1]).startswith(("crosses 55 in", "may cross 55 in"))
    assert np.isnan(at[made > 340]).all()
    (said,) = [r for r in records if isinstance(r, Scored) and r.step == "breaches"]
    assert np.isinf(said.fields["at"][said.time > 340 * MINUTE]).all()
    assert len(said) == len(np.unique(said.time))


def test_what_is_beyond_its_bound_has_crossed_it():
    records = Learn(bounded(Bound(above=40.0)), Budget(1)).update(windows([HOST], climbing()))
    (it,) = rows(records, "breaches")
    assert (it.fields["at"][-1], it.fields["probability"][-1], it.fields["text"][-1]) == (0.0, 1.0, "is beyond 40")


def test_series_without_bounds_have_no_breaches():
    records = Learn(bounded(Bound(above=40.0)), Budget(1)).update(windows(["mem,host=a used"], climbing()))
    assert not rows(records, "breaches")
    assert [len(r) for r in records if isinstance(r, Scored) and r.step == "breaches"] == [0]


def test_times_count_from_the_end_of_the_window():
    (it,) = rows(Learn(bounded(Bound(above=40.0)), Budget(1)).update(windows([HOST], climbing())), "breaches")
    assert it.time[-1] == 400 * 60 * SECOND


@settings(max_examples=8, deadline=None)
@given(st.sets(st.integers(0, 399), max_size=6), st.integers(5, 60))
def test_watches_and_forecasts_go_on_exactly_after_a_restart(kills, due):
    """Of all that watches, with bounds and several horizons; pickled often."""
    values = 20 + np.random.default_rng(2).normal(size=(400, 1)) + 6.0 * (np.arange(400)[:, None] >= 300)
    item = windows([HOST], values)
    plan = replace(bounded(Bound(above=23.0), 30), ahead=(1, 30), watches={n: make() for n, make in WATCHES.items()})
    whole = Learn(plan, Budget(1)).update(item)
    assert told(restarted(plan, item, kills, due)) == told(whole)
    assert {it[1] for it in told(whole) if it[0] == "event"} >= {"value-drift", "change-point"}


def test_a_rule_on_breaches_fires_ahead_of_them_says_when_and_resolves():
    values = climbing()
    values[300:] = values[300] - 0.1 * np.arange(100)[:, None]
    records = Learn(bounded(Bound(above=55.0)), Budget(1)).update(windows([HOST], values))
    (said,) = [r for r in records if isinstance(r, Scored) and r.step == "breaches"]
    rule = Rule(name="Filling", step="breaches", value="at", below=3600.0)
    bodies = [a.body for a in Alerts([rule], "breaches").update(said) if isinstance(a, Alert)]
    assert bodies[0]["status"] == "firing"
    assert re.fullmatch(
        r"cpu busy crosses 55 in (1 h|5\d min( \d+ s)?), 80 %: .* to .*", bodies[0]["annotations"]["summary"]
    )
    assert bodies[0]["value"] < 3600.0
    assert [b["status"] for b in bodies if b][-1] == "resolved"
