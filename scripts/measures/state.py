"""What state costs: the pause of a snapshot, bytes a series, and the way back after ``kill -9``."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from confluent_kafka import Producer

from config.recovery import prepare
from scripts.measures.figure import Figure, Task
from scripts.measures.load import PRODUCER
from scripts.measures.pace import paced
from scripts.measures.servers import PARTITIONS
from scripts.measures.watch import Lanes, follow, until

EVERY = 10  # seconds between a series' points
TOGETHER = 50  # lines a message of the history


class Case(NamedTuple):
    """Series of a lane, points of each before it is measured, seconds between snapshots, how many to measure."""

    series: int
    points: int
    interval: int
    snapshots: int


def measure(task: Task) -> Iterator[Figure]:
    """Measure 10,000 series with default settings, then 100,000 with a snapshot a minute, killed at the end."""
    small = Case(100, 20, 1, 2) if task.quick else Case(10_000, 400, 5, 8)
    large = Case(200, 20, 2, 2) if task.quick else Case(100_000, 120, 60, 3)
    with Run(task, small) as run:
        pauses = run.pauses()
        run.flow.stop()
        parts = {"pauses": pauses, "state_bytes": run.state(), "series": small.series, "points": small.points}
        yield Figure("state.pause.10k", max(pauses), "s", 0.3, parts=parts)
    with Run(task, large) as run:
        pauses = run.pauses()
        parts = {"pauses": pauses, "interval": large.interval, "rss_mb": run.flow.rss(), "series": large.series}
        yield Figure("state.pause.100k", max(pauses), "s", 4.0, parts=parts)
        run.kill()
        state = run.state()
        parts = {"state_bytes": state, "store_bytes": run.store().stat().st_size, "points": large.points}
        yield Figure("state.bytes", sum(state.values()) / large.series, "bytes/series", 6000.0, parts=parts)
        seconds, again = run.restart()
        yield Figure("state.restart", seconds, "s to the first new row", 30.0, parts=again)


class Run:
    """A lane of the live flow with a history behind it and points coming in at their pace.

    The history goes into its state only: in a store that has to take hours in a minute, barriers would wait for that.

    Parameters
    ----------
    task
        Servers and folder.
    case
        Sizes.
    """

    def __init__(self, task: Task, case: Case) -> None:
        self.task, self.case = task, case
        name = f"{time.time_ns():x}"
        self.topic = task.servers.topic(f"state-{name}")
        self.folder = task.folder / f"state-{name}"
        self.notes = self.folder / "pauses"
        options = ["-r", str(self.folder / "lane-0"), "-s", str(case.interval), "-b", "0"]
        room = str(case.series + PARTITIONS)  # for the series that `restart` adds
        env = task.servers.env | {"ALLUSE_TOPICS__METRICS": self.topic, "ALLUSE_LIMITS__SERIES": room}
        command = ("-m", "bytewax.run", "scripts.measures.timed", *options)
        self.past = Lanes(self.folder, env | {"ALLUSE_STORE__KIND": "[]"}, 1, command)
        self.flow = Lanes(self.folder, env | {"BENCH_PAUSES": str(self.notes)}, 1, command)
        self.sender = paced(task.servers, self.topic, case.series, case.series / EVERY)

    def __enter__(self) -> Run:
        case = self.case
        self.task.say(f"state: {case.series:,} series, {case.points:,} points each")
        self.history()
        prepare(self.folder / "lane-0")
        with self.past as past:
            follow(past, self.task.servers, case.series * case.points, 1800.0)
        self.flow.start()
        self.sender.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self.sender.__exit__(None, None, None)
        if self.flow.processes:
            self.flow.stop()

    def history(self) -> None:
        """Send what came before: every series of `paced` each 10 s up to now, lines of a partition's series together."""
        producer = Producer(self.task.servers.kafka.client | PRODUCER)
        begin = int(time.time()) - EVERY * self.case.points
        noise = np.random.default_rng(3)
        for t in range(self.case.points):
            stamp = (begin + EVERY * t) * 1_000_000_000
            values = (50 + noise.normal(0, 2, self.case.series)).round(4).tolist()
            for partition in range(PARTITIONS):
                hosts = range(partition, self.case.series, PARTITIONS)
                for first in range(0, len(hosts), TOGETHER):
                    some = hosts[first : first + TOGETHER]
                    lines = "\n".join(f"paced,host=h{i} value={values[i]} {stamp}" for i in some)
                    producer.produce(self.topic, lines.encode(), partition=partition)
                    producer.poll(0)
            while len(producer) > 50_000:
                producer.poll(0.1)
        producer.flush()

    def pauses(self) -> list[float]:
        """Return the pauses of snapshots from now on, in seconds; the first is left out, which ends the history."""
        self.task.say(f"state: {self.case.snapshots} snapshots, one each {self.case.interval} s")
        have = len(self._noted())
        wanted = have + 1 + self.case.snapshots
        until(
            lambda: len(self._noted()) >= wanted, 60.0 + 3 * self.case.interval * (self.case.snapshots + 1), self.flow
        )
        return self._noted()[have + 1 : wanted]

    def store(self) -> Path:
        """Return the file of the recovery store."""
        return self.folder / "lane-0" / "part-0.sqlite3"

    def state(self) -> dict[str, int]:
        """Return the bytes of the newest state, by step; of a lane that has ended, since its store is its own."""
        newest = (
            "SELECT step_id, state_key, length(ser_change) AS n, max(snap_epoch) FROM snaps GROUP BY step_id, state_key"
        )
        with sqlite3.connect(f"file:{self.store()}?mode=ro", uri=True) as store:
            found = store.execute(f"SELECT step_id, sum(n) FROM ({newest}) GROUP BY step_id").fetchall()
        store.close()
        return {step: n for step, n in found if n}

    def kill(self) -> None:
        """Kill it shortly before a snapshot."""
        have = len(self._noted())
        until(lambda: len(self._noted()) > have, 120.0 + 2 * self.case.interval, self.flow)
        time.sleep(0.9 * self.case.interval)
        self.flow.kill()

    def restart(self) -> tuple[float, dict[str, float]]:
        """Start it again after `kill`; return the seconds to the first row of a point sent since."""
        self.task.say("state: killed, started again")
        producer = Producer(self.task.servers.kafka.client)
        for partition in range(PARTITIONS):
            producer.produce(
                self.topic, f"mark,host=m{partition} value=1 {time.time_ns()}".encode(), partition=partition
            )
        producer.flush()
        begun = self.flow.start()
        ready = until(self.flow.ready, 300.0, self.flow) - begun
        first = until(self._marked, 600.0, self.flow) - begun
        return first, {"ready": ready, "points_again": self.flow.points()}

    def _noted(self) -> list[float]:
        return [float(line.split()[1]) for line in self.notes.read_text().splitlines()] if self.notes.exists() else []

    def _marked(self) -> bool:
        answer = json.loads(self.task.servers.influx.influxql("SELECT count(value) FROM mark"))
        return "series" in answer["results"][0]
