"""``python -m tests.services up | down | missing``: what ``scripts/up``, ``scripts/down`` and ``scripts/test`` do with the servers."""

from __future__ import annotations

import shutil
import socket
import sys

from confluent_kafka import KafkaException

from config.settings import Topics, load_or_exit
from tests.services import HOME, Influx, Kafka

UP = HOME / "up"
TOOLS = {
    "java": "Kafka",
    "mvn": "Kafka, the first time",
    "go": "InfluxDB, the first time, and the compose file's schema",
    "openssl": "Kafka with TLS",
}
TOPICS: dict[str, tuple[int, dict[str, str]]] = {
    "metrics": (32, {"message.timestamp.type": "LogAppendTime"}),
    "alerts": (1, {}),
    "alerts_state": (1, {"cleanup.policy": "compact"}),
    "rejects": (1, {}),
    "events": (1, {}),
    "commands": (1, {"retention.ms": "-1"}),
    "verdicts": (1, {}),
    "results": (8, {}),
}


def up() -> None:
    """Start both servers, make topics, and print the settings that lead to them."""
    topics = load_or_exit().topics
    kafka, influx = Kafka(UP / "kafka", vacant(9092)), Influx(UP / "influx", vacant(8086))
    for server in (kafka, influx):
        server.start(outlive=True)
    make(kafka, topics)
    for name, value in (kafka.env | influx.env).items():
        print(f"export {name}={value}")


def make(kafka: Kafka, topics: Topics) -> None:
    """Make the topics that are not there yet."""
    for key, (partitions, config) in TOPICS.items():
        try:
            kafka.create(getattr(topics, key).name, partitions, **config)
        except KafkaException as e:
            if e.args[0].name() != "TOPIC_ALREADY_EXISTS":
                raise


def vacant(port: int) -> int:
    """Return the port, or 0, which means any, when someone listens there."""
    with socket.socket() as s:
        return 0 if s.connect_ex(("127.0.0.1", port)) == 0 else port


def down() -> None:
    """Stop what `up` started."""
    for kind, folder in ((Kafka, UP / "kafka"), (Influx, UP / "influx")):
        if folder.exists():
            kind(folder).stop()


def missing() -> None:
    """Say which tools are not here, and what that means for the tests."""
    for tool, purpose in TOOLS.items():
        if not shutil.which(tool):
            print(f"missing: {tool} ({purpose}); tests that need it are skipped", file=sys.stderr)


if __name__ == "__main__":
    {"up": up, "down": down, "missing": missing}[sys.argv[1]]()
