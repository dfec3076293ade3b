"""Every capture of a real producer, unchanged, through real servers: each number stands in InfluxDB, exact to the float."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest
from confluent_kafka import Producer

from tests.integration import captures
from tests.integration.live import QUIET, Live, headers
from tests.interface import MEASUREMENTS
from tests.services import Influx, Kafka

TWINS = ("telegraf-influx.jsonl", "otel-collector-otlp_proto.jsonl")  # hold the numbers of another capture
GROUPS = [sorted(captures.READ.keys() - set(TWINS)), sorted(TWINS)]


class Carried:
    """One group of captures on the way through a flow: a partition each, as their producers would have their own.

    The records keep their producers' time (`CreateTime`): pages without stamps take theirs from it.  The captures are of one day in 2026,
    and some stand by partition, not by time: so much is allowed that neither a clock before that day nor their order rejects a point.
    """

    def __init__(self, flow: Live, names: list[str]) -> None:
        self.flow, self.names = flow, names
        producer = Producer(flow.kafka.client | QUIET)
        for partition, name in enumerate(names):
            for r in captures.sent(name):
                producer.produce(
                    flow.topics["metrics"], r.value, r.key, partition, timestamp=r.timestamp, headers=r.headers
                )
        assert producer.flush(60) == 0

    def points(self) -> dict[tuple[str, int], float]:
        foreign = {at: f for at, f in self.flow.rows().items() if at[0].split(",")[0] not in MEASUREMENTS}
        return {(f"{key} {field}", time): v for (key, time), fields in foreign.items() for field, v in fields.items()}


@pytest.fixture(scope="module")
def carried(broker: Kafka, influx: Influx, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Carried]]:
    flows = [
        Live(
            tmp_path_factory.mktemp("wire"),
            broker,
            influx,
            partitions=len(names),
            topic={"message.timestamp.type": "CreateTime", "retention.ms": "-1"},
            time__max_future="1e9",
            time__allowed_lateness="3600",
            windows__every="60",
        )
        for names in GROUPS
    ]
    with flows[0], flows[1]:
        for flow in flows:
            flow.start()
        groups = [Carried(flow, names) for flow, names in zip(flows, GROUPS, strict=True)]
        for flow in flows:
            flow.settle()
        yield groups


@pytest.fixture(scope="module")
def stored(carried: list[Carried]) -> dict[str, dict[tuple[str, int], float]]:
    return {name: points for group in carried for points in [group.points()] for name in group.names}


@pytest.mark.parametrize("name", sorted(captures.READ))
def test_each_number_stands_in_influxdb(name, stored):
    read, numbers = captures.READ[name]
    expected = list(read(name))
    found = stored[name]
    assert len(expected) == numbers
    assert [row for row in expected if exact(found.get(row[:2])) != exact(row[2])] == []


def exact(value: float | None) -> str | None:
    return None if value is None else float(value).hex()


def test_nothing_else_is_stored_but_quantiles_of_histograms(carried):
    for group in carried:
        expected = {row[:2] for name in group.names for row in captures.READ[name][0](name)}
        more = group.points().keys() - expected
        assert more
        assert [at for at in more if not captures.QUANTILE.fullmatch(at[0])] == []


def test_only_what_is_no_metric_is_rejected(carried):
    for group in carried:
        expected = Counter((n, code) for n in group.names for code in captures.REFUSED.get(n, ()))
        found = Counter()
        for message in group.flow.read("rejects"):
            h = headers(message)
            name = group.names[int(h["source_partition"])]
            found[name, h["error_code"]] += 1
            original = captures.sent(name)[int(h["source_offset"])]
            assert (message.key(), message.value()) == (original.key, original.value or b"")
        assert found == expected
