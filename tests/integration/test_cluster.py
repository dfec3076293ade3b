"""The same graph under Bytewax's own cluster of two processes: the same rows and alerts as by one process."""

from __future__ import annotations

import math
import random
import sys
from collections.abc import Iterator

import pytest

from config.recovery import prepare
from tests.integration.live import Live, Stored, telegraf, until
from tests.services import Influx, Kafka, free_port

T = 1_767_225_600
PARTITIONS, SERIES, SECONDS = 4, 16, 3000
RULES = """
[[rule]]
name = "TooHigh"
step = "60s"
value = "max"
above = 150.0
[[rule]]
name = "Odd"
step = "points"
value = "score"
above = 1.0
keep_firing_for = 60
[[rule]]
name = "Gone"
step = "points"
value = "silence"
above = 600
"""


def messages() -> Iterator[tuple[int, bytes, bytes]]:
    """Sixteen series on four partitions, with noise, spikes, gaps, disorder and broken messages; the last stamp ends a minute."""
    dice = random.Random(5)
    for s in range(0, SECONDS, 10):
        for k in range(SERIES):
            if dice.random() < 0.03 or (k == 3 and 1000 < s < 2400):
                continue
            value = 50 + 10 * math.sin(s / 300 + k) + dice.gauss(0, 1) + (200 if k % 5 == 1 and 1500 < s < 1650 else 0)
            body = telegraf("cpu", {"host": f"h{k}"}, value, T + s - dice.choice([0, 0, 0, 0, 20]), "idle")
            yield k % PARTITIONS, b"h%d" % k, body if dice.random() > 0.01 else body[:-2]
    for k in range(SERIES):
        yield k % PARTITIONS, b"h%d" % k, telegraf("cpu", {"host": f"h{k}"}, 50.0, T + SECONDS + 59, "idle")


@pytest.fixture(scope="module")
def flows(broker: Kafka, influx: Influx, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Live, Live]]:
    folder = tmp_path_factory.mktemp("cluster")
    settings = {"windows__every": "60", "store__scores": "all", "rules": RULES}
    one = Live(folder / "one", broker, influx, partitions=PARTITIONS, **settings)
    two = Live(folder / "two", broker, influx, metrics=one.topics["metrics"], **settings)
    with one, two:
        one.send(messages())
        one.start()
        start_cluster(two)
        one.settle()
        two.settle()
        yield one, two


def start_cluster(flow: Live) -> None:
    store = flow.folder / "recovery"
    prepare(store)
    addresses = ";".join(f"127.0.0.1:{free_port()}" for _ in range(2))
    for process in range(2):
        options = ["-i", str(process), "-a", addresses, "-r", str(store), "-s", "1", "-b", "0"]
        flow.start(
            sys.executable, "-m", "bytewax.run", "flows.main", *options, http__port=str(flow.port if not process else 0)
        )


def rows(flow: Live) -> Stored:
    """All but `quality`, whose minutes are those of the records, and go on."""
    return {at: fields for at, fields in flow.rows().items() if not at[0].startswith("quality")}


def test_rows_are_those_of_one_process(flows):
    one, two = flows

    def whole() -> bool:  # the clock closes the last window a second after its last stamp
        last = [at for at in rows(one) if at[0].startswith("windows") and at[1] == (T + SECONDS) * 10**9]
        return len(last) == SERIES and rows(one).keys() == rows(two).keys()

    until(whole)
    mine = rows(one)
    assert {series.split(",")[0] for series, _ in mine} >= {"cpu", "windows", "scores", "anomalies", "trends", "alerts"}
    assert rows(two) == mine


def test_alerts_and_rejects_are_those_of_one_process(flows):
    one, two = flows
    alerts = sorted(b["id"] for b in one.alerts())
    assert {b["labels"]["alertname"] for b in one.alerts()} == {"TooHigh", "Odd", "Gone"}
    assert sorted(b["id"] for b in two.alerts()) == alerts
    rejects = sorted((m.key(), m.value()) for m in one.read("rejects"))
    assert rejects
    assert sorted((m.key(), m.value()) for m in two.read("rejects")) == rejects


def test_both_processes_have_work_and_end_when_asked(flows):
    _, two = flows
    log = two.said()
    assert log.count("reading from") == 2
    assert two.stop() == [0, 0]
