"""What models find, what they say of themselves, and whom they serve."""

from __future__ import annotations

import logging
import pickle
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import bytewax.operators as op
import numpy as np
import pytest
from bytewax.dataflow import Dataflow
from bytewax.recovery import RecoveryConfig, init_db_dir
from bytewax.testing import TestingSink, TestingSource, run_main
from pydantic import ValidationError

from config.records import SECOND, Event, Float, Rows, Scored, Silences
from operators.learn import MODELS, Budget, Learn, build, learn
from operators.learn.neighbours import BESIDE, WAIT, Neighbours, Waiting, related
from operators.learn.shard import Learnt
from tests.operators.learn.streams import MINUTE, cut, feed, told, windows

HOST = "cpu,host=a busy"
ALL = build("60s", list(MODELS))


def events(records: list[Learnt], kind: str) -> list[Event]:
    return [it for it in records if isinstance(it, Event) and it.type == kind]


def scored(records: list[Learnt]) -> Scored:
    (found,) = [it for it in records if isinstance(it, Scored)]
    return found


def noise(minutes: int, n: int = 1, seed: int = 2) -> Float:
    return np.random.default_rng(seed).normal(size=(minutes, n))


def stepped(at: int = 200, minutes: int = 400, rise: float = 40.0) -> Float:
    return 20 + noise(minutes) + rise * (np.arange(minutes)[:, None] >= at)


@pytest.mark.parametrize("model", ["half_space_trees", "holt_winters"])
def test_both_tests_see_the_error_rise_at_a_step(model: str) -> None:
    found = events(Learn(build("60s", [model]), Budget(1)).update(windows([HOST], stepped())), "drift")
    assert found[0].time >= 200 * MINUTE
    assert all(it.time < 212 * MINUTE for it in found)
    assert {test for test in ("ADWIN", "Page–Hinkley") if any(test in it.text for it in found)} == {
        "ADWIN",
        "Page–Hinkley",
    }
    assert all(model in it.text and it.series == HOST for it in found)


def test_a_sustained_level_is_a_new_normal_once() -> None:
    records = Learn(ALL, Budget(1)).update(windows([HOST], stepped()))
    (found,) = events(records, "new-normal")
    assert found.time == 211 * MINUTE
    assert found.value == pytest.approx(60, abs=1)
    assert "after 20" in found.text.replace("19.", "20")
    assert not events(records, "model-reset")
    for it in scored(records).scores.values():
        assert (it.score[212:] >= 1).mean() < 0.01


def test_a_new_normal_can_be_left_again() -> None:
    values = stepped()
    values[300:] -= 40
    found = events(Learn(ALL, Budget(1)).update(windows([HOST], values)), "new-normal")
    assert [round(it.value / 10) for it in found] == [6, 2]


def test_a_short_incident_is_no_new_normal() -> None:
    values = 20 + noise(400)
    values[200:208] += 40
    records = Learn(ALL, Budget(1)).update(windows([HOST], values))
    assert not events(records, "new-normal")
    assert (scored(records).scores["holt_winters"].score[200:208] >= 1).all()
    assert not (scored(records).scores["holt_winters"].score[210:] >= 1).any()


def test_noise_brings_no_events() -> None:
    names = [f"cpu,host={i} busy" for i in range(4)]
    records = Learn(ALL, Budget(9)).update(windows(names, noise(1500, 4)))
    assert not [it for it in records if isinstance(it, Event)]


def test_the_forecast_follows_a_trend_with_a_band_that_holds() -> None:
    values = 3.0 * np.arange(600)[:, None] + 5 * noise(600)
    rows = [
        it
        for it in Learn(build("60s", ["holt_winters"]), Budget(1)).update(windows([HOST], values))
        if isinstance(it, Rows) and it.measurement == "forecasts"
    ]
    assert [(it.measurement, it.tags) for it in rows] == [
        ("forecasts", {"algorithm": "holt_winters", "horizon": "60s"}),
        ("forecasts", {"algorithm": "holt_winters", "horizon": "900s"}),
    ]
    for it in rows:
        minute = it.time // MINUTE
        known = (minute >= 200) & (minute < 600)
        truth = values[minute[known], 0]
        error = np.asarray(it.fields["yhat"])[known] - truth
        assert np.abs(error).mean() < 12
        inside = (np.asarray(it.fields["yhat_lower"])[known] <= truth) & (
            truth <= np.asarray(it.fields["yhat_upper"])[known]
        )
        assert inside.mean() == pytest.approx(0.95, abs=0.03)


def test_a_season_asked_for_is_learnt() -> None:
    minute = np.arange(480)[:, None]
    values = 100 + 30 * np.sin(2 * np.pi * minute / 24) + noise(480)
    plan = build("60s", ["holt_winters"], {"holt_winters": {"season": 24, "horizon": 12}})
    found = scored(Learn(plan, Budget(1)).update(windows([HOST], values)))
    assert np.abs(found.scores["holt_winters"].yhat - found.value)[100:].mean() < 3
    assert found.fields["forecast"][300] == pytest.approx(values[312, 0], abs=6)


def test_regression_sees_a_series_part_from_the_others() -> None:
    together = 50 + 20 * np.sin(np.arange(400) / 9)[:, None] + 0.3 * noise(400, 3)
    together[350, 1] -= 10
    names = [f"cpu,host={i} busy" for i in "abc"]
    found = scored(Learn(build("60s", ["regression"]), Budget(3)).update(windows(names, together)))
    at = (found.codes == 1) & (found.time == 350 * MINUTE)
    score = found.scores["regression"].score
    assert score[at] > 2
    assert not (score[(found.codes == 1) & ~at] >= 1).any()


def test_series_beyond_the_budget_get_no_models_and_that_is_told_once() -> None:
    names = [f"cpu,host={i} busy" for i in range(5)]
    budget = Budget(3)
    first, second = Learn(ALL, budget), Learn(ALL, budget)
    records = first.update(windows(names[:2], noise(50, 2)))
    assert not events(records, "not-modelled")
    records = second.update(windows(names, noise(50, 5)))
    assert set(scored(records).codes.tolist()) == {0}
    assert [it.series for it in events(records, "not-modelled")] == [names[1]]
    assert (first.modelled, first.refused, second.modelled, second.refused, budget.used) == (2, 0, 1, 4, 3)


def test_what_was_granted_is_granted_after_a_restart() -> None:
    names = [f"cpu,host={i} busy" for i in range(3)]
    stopped = Learn(ALL, Budget(2))
    stopped.update(windows(names, noise(50, 3)))
    budget = Budget(2)
    resumed = Learn(ALL, budget, stopped.snapshot())
    assert budget.used == 2
    records = resumed.update(windows(names, noise(10, 3), 50))
    assert set(scored(records).codes.tolist()) == {0, 1}
    assert not events(records, "not-modelled")


def test_a_smaller_budget_holds_after_a_restart() -> None:
    names = [f"cpu,host={i} busy" for i in range(3)]
    stopped = Learn(ALL, Budget(3))
    stopped.update(windows(names, noise(50, 3)))
    resumed = Learn(ALL, Budget(1), stopped.snapshot())
    assert (resumed.modelled, resumed.refused) == (1, 2)
    assert set(scored(resumed.update(windows(names, noise(10, 3), 50))).codes.tolist()) == {0}


@pytest.mark.parametrize("field", [0, 1, 2])
def test_models_of_another_version_start_cold_and_say_so(field: int) -> None:
    stopped = Learn(ALL, Budget(1))
    stopped.update(windows([HOST], noise(100)))
    snapshot = list(stopped.snapshot())
    snapshot[field] = "another"
    resumed = Learn(ALL, Budget(1), tuple(snapshot))
    records = resumed.update(windows([HOST], noise(100), 100))
    assert [it.time for it in events(records, "model-reset")] == [100 * MINUTE]
    assert told(it for it in records if not isinstance(it, Event)) == told(
        it for it in Learn(ALL, Budget(1)).update(windows([HOST], noise(100), 100)) if not isinstance(it, Event)
    )


def test_a_slot_used_afresh_starts_afresh() -> None:
    names = [f"cpu,host={i} busy" for i in "ab"]
    used, budget = Learn(ALL, Budget(2)), Budget(2)
    used.update(windows(names, noise(80, 2)))
    again = replace(windows(names, noise(80, 2, seed=5), 200), fresh=np.array([0, 1]))
    assert told(used.update(again)) == told(Learn(ALL, budget).update(again))
    assert used.budget.used == budget.used == 2


def test_one_slot_used_afresh_leaves_the_others_exact_over_a_restart() -> None:
    names = [f"cpu,host={i} busy" for i in "abc"]
    never = Learn(ALL, Budget(3))
    never.update(windows(names, noise(80, 3)))
    never.update(replace(windows(names, noise(40, 3, seed=5), 80), fresh=np.array([1])))
    resumed = Learn(ALL, Budget(3), pickle.loads(pickle.dumps(never.snapshot())))
    later = windows(names, noise(60, 3, seed=6), 120)
    assert told(resumed.update(later)) == told(never.update(later))


def test_silences_pass_and_other_lengths_do_not() -> None:
    model = Learn(ALL, Budget(1))
    item = windows([HOST], noise(3))
    assert model.update(replace(item, step="3600s")) == []
    assert model.update(cut(item, [])[0]) != []
    gone = Silences(np.array([0]), np.array([0]), np.array([300]), np.array([9]))
    nothing = replace(windows([HOST], noise(0), 3), silences=gone)
    assert scored(model.update(nothing)).silences is gone
    assert model.update(replace(nothing, silences=Silences.none())) == []


def test_a_window_waits_for_those_beside_it_but_not_for_ever() -> None:
    n = Neighbours(MINUTE)
    for slot, host in enumerate("ab"):
        n.join(slot, f"cpu,host={host} busy")
    assert n.add(Waiting(0, 0, 1.0, 0, 0)) == []
    for minute in range(1, WAIT):
        assert n.add(Waiting(0, minute * MINUTE, 1.0, 0, 0)) == []
    ((late, beside),) = n.add(Waiting(0, WAIT * MINUTE, 1.0, 0, 0))
    assert late.time == 0
    assert np.isnan(beside).all()


def test_no_more_than_so_many_stand_beside_a_series() -> None:
    n = Neighbours(MINUTE)
    for slot in range(20):
        n.join(slot, f"cpu,host={slot} busy")
    assert n.beside[0] == [1, 2, 3, 4, 5, 6]
    assert n.beside[19] == [0, 1, 2, 3, 4, 5]
    assert all(len(them) == BESIDE for them in n.beside.values())


@pytest.mark.parametrize(
    ("a", "b", "yes"),
    [
        (r"cpu,host=a\ b busy", r"mem,host=a\ b used", True),
        (r"cpu,host=a\,b busy", r"cpu,host=a busy", True),
        (r"cpu,host=a\,b busy", r"mem,host=a busy", False),
        ("a x", "b y", True),
        (r"my\ cpu,host=a bu sy", r"my\ cpu,host=b bu sy", True),
        ("cpu,host=a busy", "cpu,host=b idle", False),
    ],
)
def test_series_are_related_by_tags_or_by_metric_and_field(a: str, b: str, yes: bool) -> None:
    assert related(a, b) is yes


@pytest.mark.parametrize("bad", [{"alpha": 2.0}, {"speed": 1}])
def test_a_wrong_parameter_fails_at_the_start(bad: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        build("60s", ["holt_winters"], {"holt_winters": bad})


def test_the_flow_resumes_exactly(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    names = [f"cpu,host={i} busy" for i in "ab"]
    items = cut(windows(names, noise(120, 2)), range(0, 240, 7))
    items = [it for item in items for it in (item, replace(item, step="3600s", time=60 * item.time))]
    far = build("3600s", ["combination"], ahead=[2])
    init_db_dir(tmp_path, 1)
    out: list[tuple[str, Learnt]] = []
    source = TestingSource(
        [*[("m-0", it) for it in items[:41]], TestingSource.ABORT(), *[("m-0", it) for it in items[41:]]]
    )
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            flow = Dataflow("learn")
            lessons = learn("learn", op.input("in", flow, source), [ALL, far], 2)
            for name, up in (("scored", lessons.scored), ("forecasts", lessons.forecasts), ("events", lessons.events)):
                op.output(name, up, TestingSink(out))
            run_main(flow, epoch_interval=timedelta(0), recovery_config=RecoveryConfig(str(tmp_path)))
    foretold = [it for it in feed(Learn(far, Budget(2)), items) if isinstance(it, Rows)]
    assert {it.measurement for it in foretold} == {"forecasts", "forecast_errors"}
    assert told(it for _, it in out) == told([*feed(Learn(ALL, Budget(2)), items), *foretold])
    assert not caplog.records


def test_the_combination_finds_the_season_and_its_bands_hold():
    n, ahead = 1500, 12
    course = 10 * np.sin(np.arange(n) * 2 * np.pi / 24) + np.random.default_rng(5).normal(0, 1, n)
    plan = build("60s", ["combination"], {"combination": {"horizon": ahead}})
    records = Learn(plan, Budget(1)).update(windows([HOST], course[:, None]))
    far = next(
        it
        for it in records
        if isinstance(it, Rows) and it.measurement == "forecasts" and it.tags["horizon"] == f"{60 * ahead}s"
    )
    made = far.time // (60 * SECOND) - windows([HOST], course[:1, None]).time[0] // (60 * SECOND)
    late = (made >= 600) & (made < n)
    truth = course[made[late]]
    low, high = (np.asarray(far.fields[f"yhat_{end}"])[late] for end in ("lower", "upper"))
    assert np.abs(np.asarray(far.fields["yhat"])[late] - truth).mean() < 1.2  # of noise that none can foretell 0.8
    assert 0.91 < ((low <= truth) & (truth <= high)).mean() < 0.98
