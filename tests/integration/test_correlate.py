"""The flow correlate on a real broker: stopped and killed on its way it says what it says undisturbed."""

from __future__ import annotations

import json
import signal
import sqlite3
from collections.abc import Callable
from pathlib import Path

import numpy as np
from confluent_kafka import Producer

from tests.flows.test_rekey import launched, read
from tests.integration.live import until
from tests.services import Kafka

Topic = Callable[..., str]
LENGTH, SERIES, WINDOWS = 5, 12, 300
T = 1_767_225_600 // LENGTH * LENGTH
PAIRS = {("cpu,host=h0 idle", "cpu,host=h1 idle"): 3, ("cpu,host=h6 idle", "cpu,host=h9 idle"): 0}


def rows() -> list[list[tuple[int, str, str]]]:
    """Return what flows.main writes of walks, by window: (partition, key, line); two of them follow others; partition 4 stays empty."""
    dice = np.random.default_rng(7)
    x = dice.normal(size=(SERIES, WINDOWS)).cumsum(1)
    x[1, 3:] = x[0, :-3] + 0.1 * dice.normal(size=WINDOWS - 3)
    x[9] = x[6] + 0.2 * dice.normal(size=WINDOWS)
    line = f"windows,host=h{{}},length={LENGTH}s,metric=cpu,metric_field=idle count=5i,mean={{!r}},revision=0i {{}}000000000"
    return [
        [(k % 4, f"cpu,host=h{k} idle", line.format(k, float(x[k, t]), T + t * LENGTH)) for k in range(SERIES)]
        for t in range(WINDOWS)
    ]


def settings(broker: Kafka, folder: Path, results: str, events: str) -> dict[str, str]:
    own = {
        "TOPICS__RESULTS": results,
        "TOPICS__EVENTS": events,
        "STORE__KIND": "sqlite,kafka",
        "SQLITE__PATH": str(folder / "alluse.db"),
        "RECOVERY__DIRECTORY": str(folder / "store"),
        "RECOVERY__INTERVAL": "1",
        "HTTP__PORT": "0",
        "WINDOWS__EVERY": str(LENGTH),
        "TIME__ALLOWED_LATENESS": "10",
        "CORRELATE__WINDOWS": "100",
        "CORRELATE__EVERY": "20",
    }
    return broker.env | {f"ALLUSE_{key}": value for key, value in own.items()}


def said(folder: Path) -> list[tuple[object, ...]]:
    path = folder / "alluse.db"
    if not path.exists():
        return []
    with sqlite3.connect(path) as db:
        if not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'correlations'").fetchall():
            return []
        columns = "time, series, tags, lag, seconds, pearson, spearman, raw, p, n"
        return db.execute(f"SELECT {columns} FROM correlations ORDER BY time, series, tags").fetchall()


def test_a_flow_that_is_killed_says_what_it_says_undisturbed(tmp_path: Path, broker: Kafka, topic: Topic) -> None:
    results, events, sent = topic(5), topic(1), rows()
    producer = Producer(broker.client)
    last = max(t for t in range(WINDOWS - 3) if (T // LENGTH + t) % 20 == 0)

    def send(first: int, stop: int) -> None:
        for window in sent[first:stop]:
            for partition, key, line in window:
                producer.produce(results, line, key, partition)
        assert producer.flush(30) == 0

    def done(folder: Path, window: int) -> bool:
        return bool(found := said(folder)) and int(str(found[-1][0])) >= (T + window * LENGTH) * 10**9

    killed, undisturbed = tmp_path / "killed", tmp_path / "undisturbed"
    for folder in (killed, undisturbed):
        folder.mkdir()
    env = settings(broker, killed, results, events)
    for first, stop in ((0, 160), (160, 230), (230, WINDOWS)):
        with launched(env, tmp_path / "log", "correlate") as process:
            send(first, stop)
            until(lambda: done(killed, min(stop - 30, last)))  # noqa: B023
            if first:
                process.send_signal(signal.SIGTERM)
                assert process.wait(30) == 0
    with launched(settings(broker, undisturbed, results, events), tmp_path / "log", "correlate"):
        until(lambda: done(undisturbed, last))
    assert said(killed) == said(undisturbed)
    newest = [row for row in said(killed) if row[0] == (T + last * LENGTH) * 10**9]
    forth = {(series, json.loads(str(tags))["other_series"]): lag for _, series, tags, lag, *_ in newest}
    assert forth == PAIRS | {(b, a): -lag for (a, b), lag in PAIRS.items()}
    lines = [m.value() or b"" for m in read(broker.bootstrap, results, 5)]
    assert sum(line.startswith(b"correlations,") for line in lines) >= len(said(killed))


def test_without_kafka_among_the_stores_there_is_nothing_to_read(tmp_path: Path, broker: Kafka) -> None:
    env = broker.env | {"ALLUSE_RECOVERY__DIRECTORY": str(tmp_path / "store"), "ALLUSE_STORE__KIND": "sqlite"}
    with launched(env, tmp_path / "log", "correlate") as process:
        assert process.wait(60) == 2
        assert "store.kind is ['sqlite'], without kafka" in (tmp_path / "log").read_text()
