"""Servers that fall and come back under the running flow: it says so, it waits, and nothing is lost."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest

from tests.conftest import running
from tests.integration.live import Live, Stored, telegraf, until
from tests.services import Influx, Kafka

T = 1_767_225_600
SERIES = 8


def messages(first: int, stop: int) -> Iterator[tuple[int, bytes, bytes]]:
    """Eight series on two partitions, a point a second."""
    for s in range(first, stop):
        for k in range(SERIES):
            yield k % 2, b"h%d" % k, telegraf("cpu", {"host": f"h{k}"}, float(s * SERIES + k), T + s, "idle")


def points(stop: int) -> Stored:
    every = ((s, k) for s in range(stop) for k in range(SERIES))
    return {(f"cpu,host=h{k}", (T + s) * 10**9): {"idle": float(s * SERIES + k)} for s, k in every}


@pytest.fixture(scope="module")
def fragile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Kafka, Influx]]:
    """Servers that the tests of this file may kill."""
    for kafka in running(Kafka, tmp_path_factory.mktemp("fragile-kafka")):
        for influx in running(Influx, tmp_path_factory.mktemp("fragile-influx")):
            yield kafka, influx


@pytest.fixture(scope="module")
def flow(fragile: tuple[Kafka, Influx], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with Live(tmp_path_factory.mktemp("faults"), *fragile, partitions=2, windows__every="60") as flow:
        flow.start()
        flow.send(messages(0, 100))
        flow.settle()
        yield flow


def test_influxdb_is_killed_and_comes_back(flow):
    flow.ready()
    flow.influx.kill()
    flow.send(messages(100, 200))
    assert "no answer from" in flow.unready("influx")
    assert flow.alive()
    flow.influx.start()
    flow.settle()
    assert flow.rows("cpu") == points(200)
    flow.ready()
    retries = flow.metrics()["alluse_sink_retries"].samples
    assert [s.value > 0 for s in retries if s.name.endswith("_total") and s.labels == {"sink": "influx"}] == [True]


def test_the_broker_restarts(flow):
    flow.kafka.stop()
    assert "no broker answers" in flow.unready("kafka")
    assert flow.alive()
    flow.kafka.start()
    flow.send(messages(200, 300))
    flow.settle()
    assert flow.rows("cpu") == points(300)
    flow.ready()


def test_a_stop_while_influxdb_is_away_loses_nothing(flow):
    flow.influx.kill()
    flow.send(messages(300, 400))
    flow.unready("influx")
    began = time.monotonic()
    assert flow.stop() == [0]
    assert time.monotonic() - began < 20  # it waits ten for InfluxDB to take something
    flow.influx.start()
    assert flow.rows("cpu") == points(300)
    flow.start()
    until(lambda: flow.rows("cpu") == points(400))
    flow.settle()


def test_every_point_is_in_one_window(flow):
    counts = {at: fields["count"] for at, fields in flow.rows("windows").items() if at[1] < (T + 360) * 10**9}
    assert set(counts.values()) == {60}
    assert len(counts) == 6 * SERIES


class StrictInflux(Influx):
    """InfluxDB that wants a login."""

    token = "writer:secret"
    login = {"u": "admin", "p": "admin"}  # noqa: RUF012

    def prepare(self) -> list[str]:
        command = super().prepare()
        file = Path(command[-1])
        text = file.read_text()
        if "auth-enabled" not in text:
            file.write_text(text.replace("[http]", "[http]\n  auth-enabled = true"))
        return command

    def ready(self) -> bool:
        try:
            self.influxql("CREATE USER admin WITH PASSWORD 'admin' WITH ALL PRIVILEGES")
        except HTTPError:
            return True
        except OSError:
            return False
        return True

    def influxql(self, statement: str) -> str:
        query = urlencode({"q": statement})
        with urlopen(f"{self.url}/query?{urlencode(self.login)}", data=query.encode(), timeout=30) as answer:
            return str(answer.read().decode())


def test_a_wrong_token_is_named_and_waited_for(broker, tmp_path):
    for influx in running(StrictInflux, tmp_path / "influx"):
        with Live(tmp_path / "flow", broker, influx, partitions=2, windows__every="60") as flow:
            flow.start()
            flow.send(messages(0, 10))
            reason = flow.unready("influx")
            assert "401" in reason
            assert "influx.token is wrong or empty" in reason
            assert "secret" not in reason
            influx.influxql("CREATE USER writer WITH PASSWORD 'secret'")
            assert "may not write" in until(lambda: "403" in (why := flow.unready("influx")) and why)
            influx.influxql(f'GRANT ALL ON "{flow.database}" TO writer')
            flow.settle()
            flow.ready()
            assert flow.rows("cpu") == points(10)
            assert "writer:secret" not in flow.said()
