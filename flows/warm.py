"""``python -m flows.warm``: compile every rule before the first message needs it, by running the graph on messages of its own.

Compiled code is kept beside the source, or in the folder that ``NUMBA_CACHE_DIR`` names; a flow that finds it there starts in seconds.
Compiling takes one core, so a second process, ``python -m flows.warm beside``, starts with what the graph needs last.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator

import numpy as np
from bytewax.testing import TestingSink, TestingSource, run_main

from config.records import SECOND, Checked, MetricBatch, Poll, Row, Rows, Silences, Windows
from config.settings import DEEP, Settings, load
from flows.main import Ends, learning
from operators import anomaly, trend
from operators.anomaly import DETECTORS
from operators.correlate.innovations import innovations
from operators.detect import Detect
from operators.learn import MODELS
from operators.learn.watch import WATCHES
from operators.trend import TRENDS, Trends
from sinks.line_protocol import LineProtocol

LIGHT = sorted(DETECTORS.keys() - set(DEEP))
START = 1_767_225_600
EVERYTHING = {
    "ALLUSE_DETECT__POINTS": ",".join(LIGHT),
    "ALLUSE_DETECT__WINDOWS": ",".join(LIGHT),
    "ALLUSE_DETECT__DEEP": "1",
    "ALLUSE_TREND__WINDOWS": ",".join(TRENDS),
    "ALLUSE_LEARN__MODELS": ",".join(MODELS),
    "ALLUSE_LEARN__WATCH": ",".join(WATCHES),
    "ALLUSE_STORE__SCORES": "all",
}


def messages() -> Iterator[bytes]:
    """Yield two series, a gauge and a counter, in two formats, a point every ten seconds for two hours."""
    for s in range(0, 7200, 10):
        body = {"name": "warm", "tags": {"host": "a"}, "fields": {"x": s * 7 % 13 / 4}, "timestamp": START + s}
        yield json.dumps(body).encode()
        yield json.dumps(body | {"name": "warm_total", "type": "counter", "fields": {"n": s}}).encode()
        yield f"warm,host=b x={s * 5 % 11 / 4} {START + s}".encode()


def polls() -> list[tuple[str, Poll]]:
    """Return the messages as two polls, so that every operator also goes on from a first batch."""
    all_, half = list(messages()), 900
    cut = [Poll.of(all_[at : at + half], offset=at, stamp=(START + 7200) * SECOND) for at in range(0, len(all_), half)]
    return [(poll.shard, poll) for poll in cut]


def warm(settings: Settings) -> int:
    """Run the graph on `messages`, render what it would store, and return how many lines that is."""
    stored: list[tuple[str, MetricBatch | Rows | Row]] = []
    end = Ends(TestingSource(polls()), {"list": TestingSink(stored)}, TestingSink([]), TestingSink([]), TestingSink([]))
    run_main(learning(settings, (), end))  # type: ignore[no-untyped-call]
    render = LineProtocol()
    return sum(len(render(item).body().splitlines()) for _, item in stored)


def judge(settings: Settings) -> int:
    """Run detectors and trends on points and windows made by hand, and return how many scores that is."""
    s, n = settings, 120
    names = ("warm,host=a x", "warm,host=b x")
    b = MetricBatch.of([(names[t % 2], START + 30 * t, t * 7 % 13 / 4) for t in range(n)], seconds=True)
    seen = Checked(b, np.ones(n, np.bool_), b.value, np.array([0, 1]), Silences.none())
    at = np.arange(n)
    windows = Windows("60s", b.poll, b.series, b.codes, b.time, b.value, {}, at, at, at, seen.fresh, Silences.none())
    wanted = [*s.detect.windows, *(DEEP if s.detect.deep else ())]
    trends = Trends(trend.build(s.trend.windows, s.detector)).update(windows)
    judged = Detect([], anomaly.build(wanted, s.detector)).update(windows)
    points = Detect(anomaly.build(s.detect.points, s.detector), []).update(seen)
    return sum(len(it) for it in (points, trends, judged))


def main(arguments: list[str]) -> None:
    """Compile for all that settings can name; with ``beside`` the last part only, of what they do name."""
    if arguments[:1] == ["beside"]:
        judge(load(EVERYTHING) if arguments[1:] else load())
        return
    with subprocess.Popen([sys.executable, "-m", "flows.warm", "beside", "everything"]):
        warm(load(EVERYTHING))
        innovations(np.arange(200.0).reshape(2, 100) ** 2 % 7.0)


if __name__ == "__main__":
    main(sys.argv[1:])
