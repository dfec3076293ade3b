"""A calendar in the whole graph: what is closed is expected, wherever polls are cut and after an end without warning."""

from __future__ import annotations

import json
from datetime import timedelta

import numpy as np
from bytewax.recovery import RecoveryConfig, init_db_dir
from bytewax.testing import TestingSink, TestingSource, run_main

from config.records import SECOND, Poll
from config.rules import Rule
from config.settings import load
from config.shelf import Nowhere, Shelf
from flows.main import Ends, learning
from tests.operators.test_sessions import CALENDAR, START, is_open

RULES = (Rule(name="Gone", step="points", value="silence", above=600.0),)
MINUTES = 5
SETTINGS = {
    "ALLUSE_DETECT__DEEP": "3",
    "ALLUSE_DETECT__POINTS": "[]",
    "ALLUSE_LEARN__MODELS": "[]",
    "ALLUSE_TREND__WINDOWS": "[]",
    "ALLUSE_WINDOWS__EVERY": "300",
}
CLOSED = SETTINGS | {"ALLUSE_TIME__CALENDAR": '{"fills": "XTST"}'}


def messages():
    """Two series of an exchange and one that never sleeps; one of those does not return on a Tuesday until an hour after the opening."""
    noise = np.random.default_rng(3).normal(size=14 * 288)
    for n in range(14 * 288):
        t = START + n * MINUTES * 60 * SECOND
        yield t, json.dumps({"name": "cpu", "fields": {"idle": 90 + noise[n]}, "timestamp": t // SECOND}).encode()
        for side in ("buy", "sell") if is_open(t) else ():
            if side == "buy" and 8 * 288 <= n < 8 * 288 + 120:
                continue
            yield (
                t,
                json.dumps(
                    {
                        "name": "fills",
                        "tags": {"side": side},
                        "fields": {"qty": 50 + noise[n]},
                        "timestamp": t // SECOND,
                    }
                ).encode(),
            )


def run(settings, size, tmp_path=None):
    out, (stamps, bodies) = ([], [], []), zip(*messages(), strict=True)
    polls = [
        ("m-0", Poll.of(list(bodies[k : k + size]), offset=k, stamp=list(stamps[k : k + size])))
        for k in range(0, len(bodies), size)
    ]
    if tmp_path:
        init_db_dir(tmp_path, 1)
        polls.insert(len(polls) // 2, TestingSource.ABORT())
    source = TestingSource(polls)
    for _ in range(2 if tmp_path else 1):
        keeper = Shelf(tmp_path / "rows.sqlite3") if tmp_path else Nowhere()
        sinks = {"list": TestingSink(out[0])}, TestingSink(out[1]), TestingSink([]), TestingSink(out[2])
        ends = Ends(source, *sinks, keeper, trading=lambda codes: [CALENDAR for _ in codes])
        graph = learning(load(settings), RULES, ends)
        recovery = RecoveryConfig(str(tmp_path)) if tmp_path else None
        run_main(graph, epoch_interval=timedelta(0), recovery_config=recovery)
    scores = {
        (r.series.names[c], t): s
        for _, r in out[0]
        if getattr(r, "measurement", "") == "scores" and r.tags["detector"] == "ensemble"
        for c, t, s in zip(r.codes.tolist(), r.time.tolist(), r.fields["score"].tolist(), strict=True)
    }
    return {a.id: (a.body["labels"]["side"], a.body["status"], a.body["startsAt"]) for _, a in out[1] if a.body}, scores


def test_only_what_is_missing_while_it_is_open_is_absent():
    alerts, scores = run(CLOSED, 10**6)
    assert list(alerts.values()) == [
        ("buy", "firing", "2026-01-13T09:20:00Z"),  # five intervals: five minutes on Monday, twenty on Tuesday
        ("buy", "resolved", "2026-01-13T09:20:00Z"),
    ]
    by_hour, others = run(SETTINGS, 10**6)
    assert len(by_hour) > 30  # every night
    assert others != scores
    assert len(scores) == len(others) > 5000


def test_neither_cuts_nor_an_end_without_warning_change_anything(tmp_path):
    whole = run(CLOSED, 10**6)
    assert run(CLOSED, 97) == whole
    assert run(CLOSED, 41, tmp_path) == whole
