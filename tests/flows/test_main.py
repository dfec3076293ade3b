"""The whole graph on lists: what comes out depends on the messages alone, not on where polls were cut."""

from __future__ import annotations

import json
import random

import numpy as np
import pytest
from bytewax.testing import TestingSink, TestingSource, run_main

from config.records import SECOND, Poll
from config.rules import Rule
from config.settings import load
from flows.main import Ends, learning
from sinks.line_protocol import LineProtocol

RULES = (
    Rule(name="TooHigh", step="60s", value="max", above=150.0, severity="critical"),
    Rule(name="Odd", step="points", value="score", above=1.0, keep_firing_for=60.0),
    Rule(name="Rising", step="trends", value="sign", above=0.5),
    Rule(name="Gone", step="points", value="silence", above=600.0),
    Rule(name="Unlikely", step="models", value="score", above=1.0),
    Rule(name="Filling", step="breaches", value="at", below=1200.0),
)
START = 1_767_225_600
SETTINGS = {
    "ALLUSE_STORE__SCORES": "all",
    "ALLUSE_WINDOWS__EVERY": "20,60",
    "ALLUSE_LEARN__STEP": "20s",
    "ALLUSE_LEARN__SERIES": "3",
    "ALLUSE_LEARN__MODELS": "holt_winters,combination",
    "ALLUSE_LEARN__WATCH": "shiryaev,bocpd,motif",
    "ALLUSE_LEARN__HORIZONS": "1m,45m",  # the second on windows of 60 s
    "ALLUSE_LEARN__BOUNDS": '{"cpu idle": {"above": 61.0, "below": 39.0}}',
}


def messages(seed: int, series: int = 6, seconds: int = 3000) -> list[bytes]:
    """Telegraf JSON with disorder, repeats, conflicts, late, future and broken ones, a spike and an end of one series."""
    dice, out = random.Random(seed), []
    for s in range(0, seconds, 10):
        for k in range(series):
            if dice.random() < 0.05 or (k == 0 and 800 < s < 1900):
                continue
            x = 50 + 10 * np.sin(s / 300 + k) + dice.gauss(0, 1) + (200 if k == 1 and 1500 < s < 1700 else 0)
            t = START + s - dice.choice([0, 0, 0, 0, 0, 15, 45, 400])
            body = {"name": "cpu", "tags": {"host": f"h{k}"}, "fields": {"idle": round(x, 3)}, "timestamp": t}
            out.append(json.dumps(body).encode())
            if dice.random() < 0.02:
                out.append(dice.choice(out[-20:]))
            if dice.random() < 0.01:
                out.append(dice.choice([b"{", json.dumps(body | {"timestamp": t + 10**6}).encode(), b"cpu x=NaN 1"]))
    return out


def polls(bodies: list[bytes], size: int) -> list[tuple[str, Poll]]:
    stamps = [(START + 4000 + i // 10) * SECOND for i in range(len(bodies))]
    cut = [slice(i, i + size) for i in range(0, len(bodies), size)]
    made = [Poll.of(bodies[at], offset=at.start, stamp=stamps[at], partition=3) for at in cut]
    return [(p.shard, p) for p in made]


def outputs(bodies, size):
    settings = load(SETTINGS)
    out = {name: [] for name in ("stored", "alerts", "rejects", "events")}
    source = TestingSource(polls(bodies, size))
    ends = Ends(
        source,
        {"list": TestingSink(out["stored"])},
        TestingSink(out["alerts"]),
        TestingSink(out["rejects"]),
        TestingSink(out["events"]),
    )
    run_main(learning(settings, RULES, ends))
    render, rows = LineProtocol(), {}
    for _, item in out["stored"]:
        for line in render(item).body().splitlines():
            identity, fields, time = split(line)
            rows.setdefault((identity, time), {}).update(fields)
    return {
        "rows": rows,
        "alerts": sorted(json.dumps(a.body, sort_keys=True) for _, a in out["alerts"]),
        "rejects": [
            (r.poll.values[r.message], int(r.poll.offsets[r.message]), r.code, r.points) for _, r in out["rejects"]
        ],
        "events": sorted(str(e) for _, e in out["events"]),
    }


def split(line: bytes):
    head, rest = line.split(b" ", 1)
    fields, time = rest.rsplit(b" ", 1)
    return head, {f.split(b"=")[0]: f for f in fields.split(b",")}, time


@pytest.fixture(scope="module")
def whole():
    return outputs(messages(1), 10**6)


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_where_polls_are_cut_changes_nothing(whole, size):
    cut = outputs(messages(1), size)
    for what, expected in whole.items():
        assert cut[what] == expected, what


def test_every_kind_of_output_is_there(whole):
    measurements = {identity.split(b",")[0] for identity, _ in whole["rows"]}
    assert {b"cpu", b"windows", b"scores", b"anomalies", b"trends", b"quality", b"alerts"} <= measurements
    assert {b"forecasts", b"forecast_errors", b"breaches"} <= measurements
    horizons = {
        identity.split(b"horizon=")[1].split(b",")[0] for identity, _ in whole["rows"] if b"horizon=" in identity
    }
    assert horizons == {b"60s", b"2700s"}
    assert {code for _, _, code, _ in whole["rejects"]} >= {"undecodable", "future", "late"}
    bodies = [json.loads(a) for a in whole["alerts"]]
    states = {(b["labels"]["alertname"], b["status"]) for b in bodies if b}
    assert {("TooHigh", "firing"), ("TooHigh", "resolved"), ("Gone", "firing"), ("Gone", "resolved")} <= states
    assert ("Filling", "firing") in states
