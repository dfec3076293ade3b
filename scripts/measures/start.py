"""How long it takes to start with and without compiled code, and to stop."""

from __future__ import annotations

import time
from collections.abc import Iterator

from scripts.measures.figure import Figure, Task
from scripts.measures.load import Load
from scripts.measures.watch import Lanes, until

WRITTEN = r'alluse_sink_write_seconds_count{sink="influx"}'


def measure(task: Task) -> Iterator[Figure]:
    """Start on an empty compile cache, then on the one that this filled; stop each time in the middle of the work."""
    load = Load(200, 159) if task.quick else Load()
    load.send(task.servers)
    assert task.servers.influx
    cold, stopped = once(task, load, "cold", len(load))
    warm: list[dict[str, float]] = []
    stops = [stopped]
    for number in range(task.rounds):
        began, stopped = once(task, load, f"warm-{number}", 1)
        warm.append(began)
        stops.append(stopped)
    best = min(warm, key=lambda it: it["stored"])
    yield Figure("start.cold", cold["stored"], "s to the first points stored", 10.0, parts=cold)
    parts = best | {"rounds": [it["stored"] for it in warm]}
    yield Figure("start.warm", best["stored"], "s to the first points stored", 5.0, parts=parts)
    yield Figure("start.stop", max(stops), "s", 5.0, parts={"stops": stops})


def once(task: Task, load: Load, name: str, points: int) -> tuple[dict[str, float], float]:
    """Start the live flow with nothing saved; return the seconds to ready and to the first points stored, and those to stop.

    It is stopped when it has taken `points` points.
    """
    task.say(f"start: {name}")
    cache = task.folder / "compiled"
    cache.mkdir(exist_ok=True)
    env = task.servers.env | {"ALLUSE_TOPICS__METRICS": load.topic, "NUMBA_CACHE_DIR": str(cache)}
    flow = Lanes(task.folder / f"start-{name}", env)
    begun = flow.start()
    try:
        ready = until(flow.ready, 300.0, flow) - begun
        stored = until(lambda: flow.metric(WRITTEN) > 0, 300.0, flow) - begun
        until(lambda: flow.points() >= points, 300.0, flow)
        time.sleep(0.2)
        return {"ready": ready, "stored": stored}, flow.stop()
    finally:
        if flow.processes:
            flow.kill()
