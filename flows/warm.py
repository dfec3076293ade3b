"""``python -m flows.warm``: compile every rule before the first message needs it, by running the graph on messages of its own.

Compiled code is kept beside the source, or in the folder that ``NUMBA_CACHE_DIR`` names; a flow that finds it there starts in seconds.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from bytewax.testing import TestingSink, TestingSource, run_main

from config.records import SECOND, MetricBatch, Poll, Row, Rows
from config.settings import DEEP, Settings, load
from flows.main import Ends, learning
from operators.anomaly import DETECTORS
from operators.learn import MODELS
from operators.trend import TRENDS
from sinks.line_protocol import LineProtocol

LIGHT = sorted(DETECTORS.keys() - set(DEEP))
START = 1_767_225_600
EVERYTHING = {
    "ALLUSE_DETECT__POINTS": ",".join(LIGHT),
    "ALLUSE_DETECT__WINDOWS": ",".join(LIGHT),
    "ALLUSE_DETECT__DEEP": "1",
    "ALLUSE_TREND__WINDOWS": ",".join(TRENDS),
    "ALLUSE_LEARN__MODELS": ",".join(MODELS),
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


if __name__ == "__main__":
    warm(load(EVERYTHING))
