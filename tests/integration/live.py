"""The live flow as a process of its own, started as operations start it, between real servers."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, cast
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode
from urllib.request import urlopen

from confluent_kafka import Consumer, KafkaException, Message, Producer, TopicPartition
from prometheus_client.parser import text_string_to_metric_families

from tests.services import Influx, Kafka, free_port
from tests.sources.running import ROOT

QUIET = {"log_level": 0}
OUTPUTS = ("alerts", "alerts_state", "rejects", "events", "results")
RUN = (sys.executable, "scripts/run", "main")

Key = tuple[str, int]
Stored = dict[Key, dict[str, Any]]


class Live:
    """One live flow with topics, a database and a recovery store of its own; `with` ends what still runs.

    Parameters
    ----------
    folder
        For the recovery store, the SQLite file, rules and the log.
    kafka, influx
        Where it reads and writes.
    metrics
        The topic it reads; made anew, with `partitions` and `topic` as its properties, when empty.
    settings
        As ``section__key="value"``.
    """

    def __init__(
        self,
        folder: Path,
        kafka: Kafka,
        influx: Influx,
        *,
        metrics: str = "",
        partitions: int = 1,
        topic: Mapping[str, str] = {},
        rules: str = "",
        **settings: str,
    ) -> None:
        folder.mkdir(exist_ok=True)
        self.kafka, self.influx, self.folder = kafka, influx, folder
        name = f"live_{uuid.uuid4().hex[:10]}"
        self.database, self.port = name, free_port()
        self.topics = {kind: f"{name}.{kind}" for kind in OUTPUTS} | {"metrics": metrics or f"{name}.metrics"}
        for kind in OUTPUTS:
            kafka.create(self.topics[kind], 2, **({"cleanup.policy": "compact"} if kind == "alerts_state" else {}))
        if not metrics:
            kafka.create(
                self.topics["metrics"], partitions, **({"message.timestamp.type": "LogAppendTime"} | dict(topic))
            )
        if influx.process():
            influx.influxql(f'CREATE DATABASE "{name}"')
        (folder / "rules.toml").write_text(rules)
        own = {f"topics__{kind}": topic for kind, topic in self.topics.items()} | {
            "kafka__client__group_id": name,
            "influx__bucket": name,
            "sqlite__path": str(folder / "alluse.db"),
            "recovery__directory": str(folder / "recovery"),
            "recovery__interval": "1",
            "http__port": str(self.port),
            "alerts__rules": str(folder / "rules.toml"),
        }
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("ALLUSE_", "BYTEWAX_"))}
        self.env = clean | kafka.env | influx.env | variables(own | settings)
        self.processes: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Live:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self.processes:
            process.kill()
            process.wait()
        if kind is not None:
            print(self.said()[-10_000:])

    def start(self, *command: str, **settings: str) -> subprocess.Popen[bytes]:
        """Start it by ``scripts/run main``, or by another command."""
        with open(self.folder / "log", "ab") as log:
            process = subprocess.Popen(
                command or RUN,
                env=self.env | variables(settings),
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stderr=log,
                stdout=log,
            )
        self.processes.append(process)
        return process

    def stop(self) -> list[int]:
        """Ask all that run to stop; return their exit codes."""
        running = [p for p in self.processes if p.poll() is None]
        for process in running:
            process.send_signal(signal.SIGTERM)
        return [process.wait(60) for process in running]

    def said(self) -> str:
        """Return all that was logged."""
        return (self.folder / "log").read_text()

    def send(self, messages: Iterable[tuple[int, bytes | None, bytes | None]], **more: Any) -> None:
        """Produce messages as (partition, key, value)."""
        producer = Producer(self.kafka.client | QUIET)
        for partition, key, value in messages:
            producer.produce(self.topics["metrics"], value, key, partition, **more)
        assert producer.flush(60) == 0

    def settle(self) -> None:
        """Wait until everything on the topic is committed, and so everything that came of it safe."""
        consumer = Consumer(self.kafka.client | QUIET | {"group.id": self.database})
        ends = edges(consumer, self.topics["metrics"])

        def done() -> bool:
            assert self.alive(), "the flow has ended"
            asked = [TopicPartition(self.topics["metrics"], p) for p, (_, high) in ends.items() if high]
            try:
                return all(place.offset == ends[place.partition][1] for place in consumer.committed(asked, 10))
            except KafkaException:  # the group's coordinator is not up yet, or the broker away
                return False

        until(done)
        consumer.close()

    def alive(self) -> bool:
        """Say whether all that was started last still runs."""
        return self.processes[-1].poll() is None

    def read(self, kind: str) -> list[Message]:
        """Return all messages of one of its topics."""
        consumer = Consumer(self.kafka.client | QUIET | {"group.id": uuid.uuid4().hex})
        topic = self.topics[kind]
        ends = edges(consumer, topic)
        wanted = sum(high - low for low, high in ends.values())
        consumer.assign([TopicPartition(topic, p, low) for p, (low, _) in ends.items()])
        found: list[Message] = []

        def whole() -> bool:
            found.extend(consumer.consume(10_000, 0.2))
            return len(found) >= wanted

        until(whole)
        consumer.close()
        assert not any(m.error() for m in found)
        return found

    def alerts(self) -> list[dict[str, Any]]:
        """Return the records of the topic `alerts`."""
        return [json.loads(m.value() or b"") for m in self.read("alerts")]

    def rows(self, pattern: str = ".*") -> Stored:
        """Return what InfluxDB holds of measurements: {(series key, ns): {field: value}}, floats exact."""
        return stored(self.influx, self.database, pattern)

    def page(self, path: str) -> tuple[int, str]:
        """Return status and text of a page; 0 while nobody listens."""
        try:
            with urlopen(f"http://127.0.0.1:{self.port}/{path}", timeout=10) as answer:
                return answer.status, answer.read().decode()
        except HTTPError as error:
            return error.code, error.read().decode()
        except (URLError, OSError):
            return 0, ""

    def ready(self) -> None:
        """Wait until it says that it is ready."""
        until(lambda: self.page("readyz")[0] == 200)

    def unready(self, condition: str) -> str:
        """Wait until it says that it is not ready for a reason; return the reason."""

        def reason() -> str:
            status, text = self.page("readyz")
            found = json.loads(text) if status == 503 else {}
            return next((why for name, why in found.items() if name.startswith(condition) and why != "starting"), "")

        return str(until(reason))

    def metrics(self) -> dict[str, Any]:
        """Return the families of ``/metrics`` by name."""
        _, text = self.page("metrics")
        return {family.name: family for family in text_string_to_metric_families(text)}


def until(condition: Callable[[], Any], seconds: float = 180) -> Any:
    """Wait until a condition holds; return what it returned.  Long, for a first start may have to compile every rule."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.1)
    return found


def edges(consumer: Consumer, topic: str) -> dict[int, tuple[int, int]]:
    """Return the first offset and that behind the last, by partition."""
    partitions = consumer.list_topics(topic, 10).topics[topic].partitions
    return {p: consumer.get_watermark_offsets(TopicPartition(topic, p), 10) for p in partitions}


def variables(settings: Mapping[str, str]) -> dict[str, str]:
    """Return settings as environment variables."""
    return {f"ALLUSE_{key.upper()}": value for key, value in settings.items()}


def stored(influx: Influx, database: str, pattern: str) -> Stored:
    """Return rows of a database, read by InfluxQL: its JSON holds floats to the last bit and nanoseconds as integers."""
    query = {"db": database, "epoch": "ns", "q": f"SELECT * FROM /^{pattern}$/ GROUP BY *"} | getattr(
        influx, "login", {}
    )
    with urlopen(f"{influx.url}/query?{urlencode(query)}", timeout=60) as answer:
        (result,) = json.loads(answer.read())["results"]
    assert "error" not in result, result
    found: Stored = defaultdict(dict)
    for series in result.get("series", []):
        key = series_key(series["name"], series.get("tags", {}))
        for time_ns, *values in series["values"]:
            fields = zip(series["columns"][1:], values, strict=True)
            found[key, time_ns].update((field, value) for field, value in fields if value is not None)
    return dict(found)


def series_key(name: str, tags: Mapping[str, str]) -> str:
    """Return a series key as line protocol writes it; empty tags are none."""
    head = re.sub("([, ])", r"\\\1", name)
    pairs = [(re.sub("([, =])", r"\\\1", text) for text in pair) for pair in sorted(tags.items()) if pair[1]]
    return head + "".join(f",{k}={v}" for k, v in pairs)


def headers(message: Message) -> dict[str, str]:
    """Return a message's headers as text."""
    pairs = cast(list[tuple[str, bytes]], message.headers() or [])
    return {name: value.decode() for name, value in pairs}


def telegraf(name: str, tags: Mapping[str, str], value: float, seconds: float, field: str = "v", **more: Any) -> bytes:
    """Return one metric of one field in Telegraf's JSON."""
    return json.dumps({"name": name, "tags": tags, "fields": {field: value}, "timestamp": seconds, **more}).encode()


def now() -> int:
    """Return the clock's seconds."""
    return int(time.time())
