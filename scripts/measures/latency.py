"""From a message's arrival in Kafka to its alert on the topic, by the broker's own stamps."""

from __future__ import annotations

import time
from collections.abc import Iterator

import msgspec
import numpy as np

from config.records import Float
from scripts.measures.figure import Figure, Task
from scripts.measures.pace import paced
from scripts.measures.watch import Lanes, until

RULES = """[[rule]]
name = "Spike"
step = "points"
value = "value"
above = 500.0
severity = "critical"
"""


def measure(task: Task) -> Iterator[Figure]:
    """Let 1,000 series send 20,000 points/s for half a minute; of each spike measure the way to its alert."""
    series, rate, warm, seconds = (50, 500.0, 3.0, 3.0) if task.quick else (1000, 20_000.0, 15.0, 30.0)
    spike = 97 if task.quick else 1997
    waits = alerted(task, series, rate, spike, warm, seconds)
    parts = {"alerts": len(waits), "rate": rate, "max": float(waits.max()), "least": float(waits.min())}
    yield Figure("latency.median", float(np.median(waits)), "ms", 250.0, parts=parts)
    yield Figure("latency.p99", float(np.percentile(waits, 99)), "ms", 1000.0, parts=parts)


def alerted(task: Task, series: int, rate: float, spike: int, warm: float, seconds: float) -> Float:
    """Return the milliseconds from spike to alert, of spikes that arrived after `warm` seconds of running.

    Raises
    ------
    AssertionError
        A spike has no alert, or an alert no spike.
    """
    servers = task.servers
    name = f"{time.time_ns():x}"
    topic, alerts = servers.topic(f"latency-{name}"), servers.topic(f"alerts-{name}", 1)
    rules = task.folder / f"rules-{name}.toml"
    rules.write_text(RULES)
    env = {"TOPICS__METRICS": topic, "TOPICS__ALERTS": alerts, "ALERTS__RULES": str(rules)}
    settings = servers.env | {f"ALLUSE_{key}": value for key, value in env.items()}
    with paced(servers, topic, series, rate, spike), Lanes(task.folder / f"latency-{name}", settings) as flow:
        until(lambda: flow.points() > 0, 120.0, flow)
        time.sleep(warm)
        begun = time.time() * 1000
        time.sleep(seconds)
        ended = time.time() * 1000
        time.sleep(3.0)
    spikes = [m for m in servers.read(topic) if b":1000.0}" in (m.value() or b"")]
    arrived = {(m.partition(), m.offset()): m.timestamp()[1] for m in spikes}
    told: dict[tuple[int | None, int | None], int] = {}
    for message in servers.read(alerts, 1):
        body = msgspec.json.decode(message.value() or b"")
        place = (body["lineage"]["partition"], body["lineage"]["offset_last"])
        if body["status"] == "firing":
            told.setdefault(place, message.timestamp()[1])
    meant = {place: stamp for place, stamp in arrived.items() if begun <= stamp < ended}
    if not meant or not meant.keys() <= told.keys() <= arrived.keys():
        raise AssertionError(f"{len(meant)} spikes, {len(meant.keys() & told.keys())} of them with an alert")
    return np.array([told[place] - stamp for place, stamp in meant.items()], np.float64)
