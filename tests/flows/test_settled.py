"""Events of levels that stay, in the whole graph: the same wherever it is cut and after an end without warning."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import numpy as np
from bytewax.recovery import RecoveryConfig, init_db_dir
from bytewax.testing import TestingSink, TestingSource, run_main

from config.records import SECOND, Event, Poll
from config.settings import load
from config.shelf import Shelf
from flows.main import Ends, learning
from tests.flows.test_main import START

SETTINGS = {
    "ALLUSE_DETECT__DEEP": "3",
    "ALLUSE_DETECT__POINTS": "[]",
    "ALLUSE_LEARN__MODELS": "[]",
    "ALLUSE_TREND__WINDOWS": "[]",
    "ALLUSE_WINDOWS__EVERY": "60",
}


def messages() -> list[bytes]:
    """Three series by the minute: one settles on another level, one has a spike, one is quiet."""
    noise, out = np.random.default_rng(2).normal(size=(700, 3)), []
    noise[400:, 0] += 25
    noise[400, 1] += 40
    for n in range(700):
        for k in range(3):
            body = {"name": "cpu", "tags": {"host": f"h{k}"}, "fields": {"idle": 17 + noise[n, k]}}
            out.append(json.dumps(body | {"timestamp": START + 60 * n}).encode())
    return out


def polls(bodies: list[bytes], size: int) -> list[tuple[str, Poll]]:
    stamps = [(START + 20 * i) * SECOND for i in range(len(bodies))]  # three messages a minute
    cut = [slice(i, i + size) for i in range(0, len(bodies), size)]
    return [("metrics-0", Poll.of(bodies[at], offset=at.start, stamp=stamps[at])) for at in cut]


def events(items, keeper=None, store: Path | None = None) -> list[Event]:
    out = []
    source = TestingSource(items)
    for _ in range(2 if store else 1):
        none = TestingSink([]), TestingSink([])
        ends = Ends(source, {"list": TestingSink([])}, *none, TestingSink(out), *([keeper] if keeper else []))
        recovery = RecoveryConfig(str(store)) if store else None
        run_main(learning(load(SETTINGS), (), ends), epoch_interval=timedelta(0), recovery_config=recovery)
    return [e for _, e in out]


def test_a_level_that_stays_is_an_event_once_whatever_the_cuts():
    whole = events(polls(messages(), 10**6))
    assert [(e.type, e.series, round(e.value)) for e in whole] == [("new-normal", "cpu,host=h0 idle", 42)]
    assert whole[0].text.startswith("settled at 4")
    for size in (7, 500):
        assert events(polls(messages(), size)) == whole


def test_an_end_without_warning_changes_nothing(tmp_path):
    items: list[tuple[str, Poll] | TestingSource.ABORT] = list(polls(messages(), 60))
    whole = events(items)
    init_db_dir(tmp_path, 1)
    items.insert(len(items) * 401 // 700, TestingSource.ABORT())  # within the incident
    found = events(items, Shelf(tmp_path / "rows.sqlite3"), tmp_path)
    assert list(dict.fromkeys(map(str, found))) == list(map(str, whole))
