"""The peers' work: what a point costs beside consuming and decoding alone, and how many points two cores take."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import msgspec

from scripts.measures.figure import Figure, Task
from scripts.measures.limit import limit
from scripts.measures.load import WINDOW, Answer, Load
from scripts.measures.peers import flink, pace
from scripts.measures.watch import Lanes, Slope, follow, slope, until

Summed = dict[tuple[str, int], tuple[int, float, float, float]]
FLOW = ("-m", "bytewax.run", "scripts.measures.flow")


def measure(task: Task) -> Iterator[Figure]:
    """Measure one lane against the yardstick, then two lanes, beside Flink where the peers' folder is given."""
    load = Load(200, 159) if task.quick else Load()
    load.send(task.servers)
    answer, limits, runs = load.answer(), [], []
    for number in range(task.rounds):
        task.say(f"work: round {number + 1}")
        limits.append(limit(task.servers, load))
        runs.append(run(task, load, 1, answer))
    least, flow = min(it["cpu_us"] for it in limits), min(it[0].cpu_us for it in runs)
    parts = {
        "flow_us": [it[0].cpu_us for it in runs],
        "limit_us": [it["cpu_us"] for it in limits],
        "broker_us": [it[0].servers_us["kafka"] for it in runs],
        "rate": max(it[0].rate for it in runs),
        "limit_rate": max(it["rate"] for it in limits),
        "points": len(load),
    } | runs[-1][1]
    yield Figure("work.cpu", flow / least, "x consume+decode", 1.4, 1.2, parts=parts)
    yield two(task, load, answer)


def two(task: Task, load: Load, answer: Answer) -> Figure:
    """Return points/s of two lanes on this machine; beside Flink, of a load that is long enough for its compiler."""
    if task.peers is None:
        task.say("work: two lanes")
        slope_, right = run(task, load, 2, answer)
        return Figure("work.rate", slope_.rate, "points/s", None, None, True, {"cpu_us": slope_.cpu_us} | right)
    if not task.quick:
        load = Load(points=8000)
        load.send(task.servers)
        answer = load.answer()
    job = flink(task)
    ours: list[float] = []
    theirs: list[float] = []
    for number in range(task.rounds):
        task.say(f"work: two lanes and Flink, round {number + 1}")
        theirs.append(job(load))
        ours.append(pair(task, load))
    parts = {"ours": ours, "flink": theirs, "points": len(load)}
    return Figure("work.rate", max(ours), "points/s", max(theirs), None, True, parts)


def lanes(task: Task, load: Load, count: int) -> tuple[Lanes, dict[str, str]]:
    """Return lanes of the bench flow with topics of their own for what comes out."""
    name = f"{time.time_ns():x}"
    out = {"alerts": task.servers.topic(f"alerts-{name}"), "windows": task.servers.topic(f"windows-{name}")}
    env = task.servers.kafka.env | {
        "ALLUSE_TOPICS__METRICS": load.topic,
        "ALLUSE_TOPICS__ALERTS": out["alerts"],
        "ALLUSE_TOPICS__RESULTS": out["windows"],
    }
    return Lanes(task.folder / f"work-{name}", env, count, FLOW), out


def run(task: Task, load: Load, count: int, answer: Answer) -> tuple[Slope, dict[str, Any]]:
    """Do the work once and compare what comes out; the last windows, half filled, come when the topic has been quiet."""
    flow, out = lanes(task, load, count)
    with flow:
        slope_ = slope(follow(flow, task.servers, len(load)), len(load))
        until(lambda: task.servers.ends(out["windows"]) >= len(answer.windows), WINDOW + 30.0, flow, 0.5)
    return slope_, compare(task, out, answer)


def pair(task: Task, load: Load) -> float:
    """Return points/s of two lanes by the growth of their output, which is how a peer can be measured too."""
    flow, out = lanes(task, load, 2)
    with flow:
        return pace(task.servers, out["windows"], load)


def compare(task: Task, out: dict[str, str], answer: Answer) -> dict[str, Any]:
    """Compare what came out with the right answer.

    Raises
    ------
    AssertionError
        It differs.
    """
    decode = msgspec.json.decode
    alerts = [decode(m.value() or b"") for m in task.servers.read(out["alerts"])]
    windows = [decode(m.value() or b"") for m in task.servers.read(out["windows"])]
    found = {(a["series"], a["timestamp"]) for a in alerts}
    summed = {(w["series"], w["start"]): (w["count"], w["min"], w["max"], round(w["mean"], 6)) for w in windows}
    if found != answer.alerts or len(alerts) != len(found):
        raise AssertionError(f"alerts: {len(alerts)} came, {len(answer.alerts)} are right")
    if len(windows) != len(summed) or summed.keys() != answer.windows.keys() or not _alike(summed, answer.windows):
        raise AssertionError(f"windows: {len(windows)} came, {len(answer.windows)} are right")
    return {"windows": len(windows), "alerts": len(alerts)}


def _alike(found: Summed, right: Summed) -> bool:
    """Say whether counts, least and greatest agree, and means but for their last digit."""
    return all(found[k][:3] == w[:3] and abs(found[k][3] - w[3]) < 2e-6 for k, w in right.items())
