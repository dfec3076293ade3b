"""The live flow with default settings: what a point costs beside consuming and decoding alone, and points/s of two lanes."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator

from scripts.measures.figure import Figure, Task
from scripts.measures.limit import limit
from scripts.measures.load import START, WINDOW, Load
from scripts.measures.watch import Lanes, Slope, follow, slope, until


def measure(task: Task) -> Iterator[Figure]:
    """Measure one lane without and with every point stored against the yardstick, then two lanes without."""
    load = Load(200, 159) if task.quick else Load()
    load.send(task.servers)
    limits: list[float] = []
    runs: dict[str, list[Slope]] = {"bare": [], "stored": [], "two": []}
    for number in range(task.rounds):
        task.say(f"live: round {number + 1}")
        limits.append(limit(task.servers, load)["cpu_us"])
        runs["bare"].append(run(task, load, stored=False))
        runs["two"].append(run(task, load, stored=False, lanes=2))
        runs["stored"].append(run(task, load, stored=True))
    for name, goal, stretch in (("bare", 1.8, None), ("stored", 4.0, None)):
        flow = min(s.cpu_us for s in runs[name])
        figure = "live.cpu" if name == "bare" else "live.stored"
        parts = {"flow_us": [s.cpu_us for s in runs[name]], "limit_us": limits} | told(runs[name], load)
        yield Figure(figure, flow / min(limits), "x consume+decode", goal, stretch, parts=parts)
    parts = {"cpu_us": [s.cpu_us for s in runs["two"]]} | told(runs["two"], load)
    yield Figure("live.rate", max(s.rate for s in runs["two"]), "points/s", 400_000, None, True, parts)


def told(slopes: list[Slope], load: Load) -> dict[str, object]:
    """Return speeds and the servers' share."""
    servers = {f"{name}_us": min(s.servers_us[name] for s in slopes) for name in slopes[0].servers_us}
    return {"rates": [s.rate for s in slopes], "points": len(load)} | servers


def run(task: Task, load: Load, *, stored: bool, lanes: int = 1) -> Slope:
    """Run the live flow once over a load, into an empty database, and check what it holds then."""
    servers = task.servers
    servers.influx.influxql("DROP DATABASE metrics")
    servers.influx.influxql("CREATE DATABASE metrics")
    folder = task.folder / f"live-{time.time_ns():x}"
    env = servers.env | {"ALLUSE_TOPICS__METRICS": load.topic, "ALLUSE_STORE__POINTS": str(stored).lower()}
    with Lanes(folder, env, lanes) as flow:
        slope_ = slope(follow(flow, servers, len(load)), len(load))
    check(task, load, stored)
    shutil.rmtree(folder)
    return slope_


def check(task: Task, load: Load, stored: bool) -> None:
    """Count what the stopped flow has stored: every point of a window that later stamps closed, and every point if asked for.

    Raises
    ------
    TimeoutError
        It is not what it should be.
    """
    start = (START + load.points - 1) // WINDOW * WINDOW
    closed = f"SELECT sum(\"count\") FROM windows WHERE length='60s' AND time < {start}s"
    until(lambda: _number(task, closed) == (start - START) * load.series, 10.0)
    if stored:
        until(lambda: _number(task, "SELECT count(usage_idle) FROM cpu") == len(load), 10.0)


def _number(task: Task, query: str) -> float:
    result = json.loads(task.servers.influx.influxql(query))["results"][0]
    return float(result["series"][0]["values"][0][1]) if "series" in result else 0.0
