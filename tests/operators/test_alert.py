"""Alerts against their plain twin on random streams, and case by case."""

from __future__ import annotations

import json
import pickle
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import nan
from typing import Any

import bytewax.operators as op
import numpy as np
import pytest
from bytewax.dataflow import Dataflow
from bytewax.testing import TestingSink, TestingSource, run_main
from hypothesis import given, settings
from hypothesis import strategies as st

from config.records import ENDED, RETURNED, SECOND, Alert, Poll, Row, Scored, Scores, Series, Silences
from config.rules import Rule
from operators.alert import Alerts, alert
from operators.alert.record import ZERO
from tests.naive_alerts import Item, NaiveAlerts, News, Told

NAMES = ("cpu,host=a x", "cpu,host=b x", "net,host=a y", "disk z")
POINTS = (
    Rule(name="Hot", step="points", above=2.0),
    Rule(name="Slow", metric="cpu", step="points", above=1.0, for_=60, keep_firing_for=120),
    Rule(name="Odd", step="points", value="score", above=1.0, keep_firing_for=60),
    Rule(name="Tier", tags={"host": "a"}, step="points", above=2.0, severity="critical"),
    Rule(name="Tier", step="points", above=1.0, below=0.5),
    Rule(name="OddByEwma", step="points", value="score", detector="ewma", above=1.0, for_=30),
    Rule(name="Gone", step="points", value="silence", above=900),
    Rule(name="GoneSoon", metric="cpu", step="points", value="silence", above=300),
)
WINDOWS = (
    Rule(name="Hot", step="60s", value="max", above=2.0),
    Rule(name="Slow", field="[xy]", step="60s", value="max", above=1.0, for_=60, keep_firing_for=120),
    Rule(name="Odd", step="60s", value="score", above=1.0),
)


@dataclass
class Moment:
    """What one accepted point brings: news before it, the items of the step that it brings or closes."""

    news: list[News]
    items: list[Item]

    def in_order(self, step: str) -> list[Item | News]:
        """Put news and items as a reader of ARCHITECTURE would."""
        back = {n.series for n in self.news if n.seconds == RETURNED}
        after = [n for n in self.news if step != "points" and n.seconds > 0 and n.series not in back]
        return [*[n for n in self.news if n not in after], *self.items, *after]


def scored(step: str, moments: Sequence[Moment], series: Series, offset: int = 0, length: int = 0) -> Scored:
    """Build the batch of these moments; event times become stamps."""
    rows = [(p, it) for p, m in enumerate(moments) for it in m.items]
    news = [(p, n) for p, m in enumerate(moments) for n in m.news]
    none = np.full(len(rows), nan)
    names = sorted({d for _, it in rows for d in it.scores})
    return Scored(
        step,
        Poll("metrics", 3, [], []),
        series,
        np.array([series.code(it.series) for _, it in rows], np.int64),
        np.array([(it.time - length) * SECOND for _, it in rows], np.int64),
        np.array([p + (step == "points") for p, _ in rows], np.int64),
        np.array([it.numbers["value"] for _, it in rows], np.float64),
        {"max": np.array([it.numbers.get("max", nan) for _, it in rows], np.float64)},
        {d: Scores(np.array([it.scores.get(d, nan) for _, it in rows], np.float64), none, none, none) for d in names},
        np.array([it.first for _, it in rows], np.int64),
        np.array([it.last for _, it in rows], np.int64),
        Silences(
            np.array([p for p, _ in news], np.int64),
            np.array([series.code(n.series) for _, n in news], np.int64),
            np.array([n.seconds for _, n in news], np.int64),
            np.array([n.time * SECOND for _, n in news], np.int64),
        ),
    )


def told(out: Sequence[Alert | Row]) -> list[Told]:
    """Shorten records to what the twin tells; a tombstone is named by the last record of its fingerprint."""
    names: dict[str, tuple[str, str]] = {}
    lines: list[Told] = []
    rows = [r for r in out if isinstance(r, Row)]
    for a in (a for a in out if isinstance(a, Alert)):
        if not a.body:
            lines.append(("tombstone", *names[a.fingerprint]))
            continue
        b, row = a.body, rows.pop(0)
        assert (b["fingerprint"], b["id"], b["id"]) == (a.fingerprint, a.id, row.fields["id"])
        names[a.fingerprint] = (b["labels"]["alertname"], row.series)
        seen = (b["value"], b["score"], tuple(b["detectors"]))
        offsets = (b["lineage"]["offset_first"], b["lineage"]["offset_last"])
        times = (b["startsAt"], b["endsAt"], b["revision"])
        lines.append((b["status"], b["reason"], *names[a.fingerprint], *times, *seen, *offsets))
    assert not rows
    return lines


def new_series() -> Series:
    series = Series()
    for name in NAMES:
        series.code(name)
    return series


@st.composite
def streams(draw: st.DrawFn, windows: bool) -> list[Moment]:
    """Draw points with jumps of the shard's stamps, NaN, and news in any sequence."""
    clock, moments = 1000, []
    for offset in range(draw(st.integers(1, 25))):
        clock += draw(st.sampled_from([0, 1, 30, 60, 60, 60, 400, 1000, 86_355, 86_400, 90_000]))
        kinds = st.sampled_from([ENDED, 300, 900, 3600, RETURNED])
        news = draw(st.lists(st.tuples(st.sampled_from(NAMES), kinds), max_size=3)) if draw(st.booleans()) else []
        news.sort(key=lambda n: n[1] != ENDED)  # a stale marker stands in a message before the point
        items = []
        for _ in range(draw(st.integers(0, 3)) if windows else 1):
            value = draw(st.sampled_from([nan, 0.0, 1.5, 2.5, 9.0]))
            scores = {d: draw(st.sampled_from([nan, 0.5, 1.0, 1.5, 3.0])) for d in ("ewma", "cusum")}
            time = clock - draw(st.sampled_from([0, 0, 0, 45]))
            numbers = {"value": value, "max": value + 0.5}
            items.append(Item(draw(st.sampled_from(NAMES)), time, numbers, scores, max(offset - 2, 0), offset))
        moments.append(Moment([News(s, k, clock) for s, k in news], items))
    return moments


def same(one: Sequence[Told], other: Sequence[Told]) -> bool:
    return repr(list(one)) == repr(list(other))  # NaN equals itself


@pytest.mark.parametrize(("step", "rules", "length"), [("points", POINTS, 0), ("60s", WINDOWS, 60)])
@settings(deadline=None, max_examples=120)
@given(data=st.data())
def test_equals_its_twin_wherever_it_is_cut(step: str, rules: Sequence[Rule], length: int, data: st.DataObject) -> None:
    moments = data.draw(streams(windows=step != "points"))
    cuts = sorted(data.draw(st.sets(st.integers(1, len(moments)), max_size=6)))
    expected = [_numbered(t) for t in NaiveAlerts(rules).run([m.in_order(step) for m in moments])]
    whole = Alerts(rules, step).update(scored(step, moments, new_series(), length=length))
    assert same(told(whole), expected)
    alerts, series, out = Alerts(rules, step), new_series(), []
    for start, stop in pairwise([0, *cuts, len(moments)]):
        out += alerts.update(scored(step, moments[start:stop], series, length=length))
        if data.draw(st.booleans()):
            series, state = pickle.loads(pickle.dumps((series, alerts.snapshot())))
            alerts = Alerts(rules, step, snapshot=state)
    assert out == whole


def _numbered(line: Told) -> Told:
    """Say of a value that is no number what a record says: nothing."""
    return tuple(None if isinstance(x, float) and x != x else x for x in line)


def one(
    alerts: Alerts, *items: Item | News, series: Series | None = None, step: str = "points"
) -> list[dict[str, Any]]:
    """Run items and news one batch each; return the bodies."""
    out = []
    for it in items:
        moment = Moment([it], []) if isinstance(it, News) else Moment([], [it])
        out += alerts.update(scored(step, [moment], series if series is not None else new_series()))
    return [a.body for a in out if isinstance(a, Alert)]


def point(time: int, value: float, series: str = NAMES[0], **scores: float) -> Item:
    return Item(series, time, {"value": value}, scores, time, time)


def test_a_record_is_as_the_interface_words_it() -> None:
    rule = Rule(
        name="{Metric}{Field}Anomaly",
        step="60s",
        value="score",
        above=1.5,
        labels={"team": "{host}-team", "none": "{dc}"},
    )
    series = Series()
    series.code("cpu,host=a,severity=high usage_idle")
    batch = scored(
        "60s", [Moment([], [Item(series.names[0], 1767225600, {"value": 12.5}, {}, 1201, 1260)])], series, length=60
    )
    band = Scores(np.array([1.8]), np.array([98.0]), np.array([91.2]), np.array([100.0]))
    batch.scores["profile"], batch.scores["ewma"] = band, Scores(*np.full((4, 1), nan))
    record, row = Alerts([rule], "60s", "c0ffee", "0.1.0", "http://here/{host}").update(batch)
    assert isinstance(record, Alert)
    assert isinstance(row, Row)
    body = json.loads(json.dumps(record.body, allow_nan=False))
    assert body == {
        "status": "firing",
        "state": "firing",
        "reason": "",
        "fingerprint": record.fingerprint,
        "id": record.id,
        "revision": 0,
        "labels": {
            "alertname": "CpuUsageIdleAnomaly",
            "severity": "warning",
            "host": "a",
            "exported_severity": "high",
            "metric": "cpu",
            "field": "usage_idle",
            "step": "60s",
            "team": "a-team",
        },
        "annotations": {
            "summary": "cpu usage_idle is 12.5, expected 98 (91.2 to 100)",
            "description": "The score 1.8 is above 1.5 on step 60s; said by: profile.",
        },
        "startsAt": "2026-01-01T00:00:00Z",
        "endsAt": ZERO,
        "generatorURL": "http://here/a",
        "value": 12.5,
        "score": 1.8,
        "detectors": ["profile"],
        "expected": {"yhat": 98.0, "yhat_lower": 91.2, "yhat_upper": 100.0},
        "kind": "low",
        "lineage": {
            "topic": "metrics",
            "partition": 3,
            "offset_first": 1201,
            "offset_last": 1260,
            "config_hash": "c0ffee",
            "version": "0.1.0",
        },
        "schema_version": 1,
    }
    assert len(record.fingerprint) == 16
    assert row.tags == {"alertname": "CpuUsageIdleAnomaly", "severity": "warning"}
    assert (row.series, row.time) == (series.names[0], 1767225600 * SECOND)
    assert row.fields == {
        "firing": 1,
        "state": "firing",
        "id": record.id,
        "value": 12.5,
        "score": 1.8,
        "summary": body["annotations"]["summary"],
        "starts_at": 1767225600 * SECOND,
    }


def test_severity_is_no_part_of_the_fingerprint_and_every_record_has_its_id() -> None:
    mild, grave = (Rule(name="Hot", step="points", above=2.0, severity=s) for s in ("info", "critical"))
    story = [point(1, 3.0), point(2, 1.0), point(3, 3.0)]
    a, b = (one(Alerts([r], "points"), *story) for r in (mild, grave))
    assert [r["id"] for r in a] == [r["id"] for r in b]
    assert len({r["id"] for r in a}) == 3
    assert [(r["status"], r["revision"]) for r in a] == [("firing", 0), ("resolved", 1), ("firing", 0)]
    assert len({r["fingerprint"] for r in a}) == 1


def test_the_same_stamp_again_goes_on_with_the_revision() -> None:
    bodies = one(
        Alerts([Rule(name="Hot", step="points", above=2.0)], "points"), point(5, 3.0), point(5, 1.0), point(5, 3.0)
    )
    assert [(r["startsAt"], r["revision"]) for r in bodies] == [("1970-01-01T00:00:05Z", n) for n in (0, 1, 2)]


def test_an_alert_without_data_resolves_and_absence_does_not_outlive_the_series() -> None:
    rules = [Rule(name="Hot", step="points", above=2.0), Rule(name="Gone", step="points", value="silence", above=900)]
    bodies = one(
        Alerts(rules, "points"),
        point(1, 3.0),
        News(NAMES[0], 300, 301),
        News(NAMES[0], 900, 901),
        News(NAMES[0], ENDED, 990),
    )
    assert [(r["labels"]["alertname"], r["status"], r["reason"]) for r in bodies] == [
        ("Hot", "firing", ""),
        ("Hot", "resolved", "no-data"),
        ("Gone", "firing", ""),
        ("Gone", "resolved", "ended"),
    ]
    assert bodies[2]["value"] == 900.0
    assert bodies[2]["lineage"]["offset_last"] == 1


def test_an_ended_series_is_not_absent() -> None:
    alerts = Alerts([Rule(name="Gone", step="points", value="silence", above=900)], "points")
    assert one(alerts, point(1, 3.0), News(NAMES[0], ENDED, 2), point(2000, 1.0, NAMES[1])) == []


def test_a_window_still_open_when_its_series_fell_silent_fires_and_has_no_data() -> None:
    alerts = Alerts([Rule(name="Hot", step="3600s", above=2.0)], "3600s")
    bodies = one(alerts, News(NAMES[0], 300, 3000), point(7000, 3.0), step="3600s")
    assert [(r["status"], r["reason"], r["endsAt"]) for r in bodies[1:]] == [
        ("resolved", "no-data", bodies[0]["startsAt"])
    ]


def test_a_tombstone_follows_a_day_after_unless_it_fires_again() -> None:
    alerts = Alerts([Rule(name="Hot", step="points", above=2.0)], "points")
    one(alerts, point(1, 3.0), point(2, 1.0), point(3, 3.0))
    assert one(alerts, point(86402, 3.0)) == []
    one(alerts, point(86500, 1.0))
    assert one(alerts, point(86500 + 86399, 1.0)) == []
    late = alerts.update(scored("points", [Moment([], [point(86500 + 86400, 1.0)])], new_series()))
    assert [a.body for a in late if isinstance(a, Alert)] == [{}]
    assert not alerts.lives.over


def test_a_slot_given_to_another_series_starts_afresh() -> None:
    alerts, old = Alerts([Rule(name="Hot", metric="cpu", step="points", above=2.0, for_=10)], "points"), new_series()
    one(alerts, point(1, 3.0), point(11, 3.0), series=old)
    freed = Series()
    for name in ("\0" + "0", *NAMES[1:]):
        freed.code(name)
    bodies = one(alerts, point(20, 3.0, NAMES[1]), series=freed)
    assert [(r["status"], r["reason"]) for r in bodies] == [("resolved", "forgotten")]
    freed.names[0] = "cpu,host=new x"
    freed.numbers = {(name, False): slot for slot, name in enumerate(freed.names)}
    story = [point(21, 3.0, "cpu,host=new x"), point(25, 3.0, "cpu,host=new x"), point(31, 3.0, "cpu,host=new x")]
    bodies = one(alerts, *story, series=freed)
    assert [(r["status"], r["labels"]["host"], r["startsAt"]) for r in bodies] == [
        ("firing", "new", "1970-01-01T00:00:31Z")
    ]


def test_an_alert_whose_rule_is_gone_after_a_restart_resolves() -> None:
    before = Alerts([Rule(name="Hot", step="points", above=2.0), Rule(name="Cold", step="points", below=0.0)], "points")
    assert len(one(before, point(1, 3.0), point(2, -1.0, NAMES[1]))) == 2
    after = Alerts([Rule(name="Hot", step="points", above=2.5, severity="info")], "points", snapshot=before.snapshot())
    bodies = one(after, point(3, 3.0), point(4, 0.0))
    assert [(r["labels"]["alertname"], r["reason"], r["endsAt"]) for r in bodies] == [
        ("Cold", "rule-removed", "1970-01-01T00:00:02Z"),
        ("Hot", "", "1970-01-01T00:00:04Z"),
    ]
    none = Alerts([], "points", snapshot=before.snapshot())
    assert {r["reason"] for r in one(none, point(3, 3.0))} == {"rule-removed"}


def test_detectors_are_named_strongest_first_and_a_rule_may_hear_one_only() -> None:
    rules = [
        Rule(name=n, step="points", value="score", detector=d, above=1.0) for n, d in [("All", ""), ("One", "ewma")]
    ]
    bodies = one(Alerts(rules, "points"), point(1, 5.0, ewma=1.2, cusum=2.0, flatline=0.3))
    assert [(r["labels"]["alertname"], r["score"], r["detectors"]) for r in bodies] == [
        ("All", 2.0, ["cusum", "ewma"]),
        ("One", 1.2, ["ewma"]),
    ]


def test_without_a_rule_for_the_step_nothing_comes_and_nothing_is_kept() -> None:
    alerts = Alerts([Rule(name="Hot", step="60s", above=2.0)], "points")
    assert one(alerts, point(1, 9.0), News(NAMES[0], 900, 901)) == []
    assert alerts.snapshot() == Alerts([], "points").snapshot()


def test_the_operator_takes_its_own_step_only() -> None:
    rules = [Rule(name="Hot", step="points", above=2.0, severity="error"), Rule(name="Hot", step="60s", above=2.0)]
    story = [scored(step, [Moment([], [point(1, 3.0)])], new_series()) for step in ("points", "60s")]
    graph, out = Dataflow("alerts"), list[tuple[str, Alert | Row]]()
    up = op.input("scored", graph, TestingSource([("metrics-3", it) for it in story]))
    op.output("out", alert("alert_points", up, rules, "points", "c0ffee", "0.1.0"), TestingSink(out))
    run_main(graph)  # type: ignore[no-untyped-call]
    assert [(shard, type(change)) for shard, change in out] == [("metrics-3", Alert), ("metrics-3", Row)]


def test_a_snapshot_of_another_version_is_refused() -> None:
    with pytest.raises(ValueError, match="alerts-0"):
        Alerts([], "points", snapshot=("alerts-0", (), b""))
