"""Kafka: one broker that is its own controller (KRaft)."""

from __future__ import annotations

import base64
import fcntl
import subprocess
import uuid
from pathlib import Path
from typing import Any

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient, NewTopic

from tests.services.process import HOME, Service, free_port, need

JARS = {"org.apache.kafka:kafka_2.13": "4.1.1"} | {
    f"org.apache.logging.log4j:log4j-{part}": "2.25.4" for part in ("slf4j-impl", "core", "1.2-api")
}
POM = """<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>local</groupId><artifactId>kafka</artifactId><version>1</version><packaging>pom</packaging>
<dependencies>{}</dependencies></project>"""
LOG4J = """<Configuration><Appenders><Console name="C"><PatternLayout pattern="%d %p %c{1} %m%n"/></Console></Appenders>
<Loggers><Root level="WARN"><AppenderRef ref="C"/></Root></Loggers></Configuration>"""
PROPERTIES = {
    "process.roles": "broker,controller",
    "node.id": 1,
    "controller.listener.names": "CONTROLLER",
    "num.partitions": 8,
    "num.network.threads": 2,
    "num.io.threads": 4,
    "offsets.topic.replication.factor": 1,
    "offsets.topic.num.partitions": 4,
    "transaction.state.log.replication.factor": 1,
    "transaction.state.log.min.isr": 1,
    "transaction.state.log.num.partitions": 4,
    "share.coordinator.state.topic.replication.factor": 1,
    "share.coordinator.state.topic.min.isr": 1,
    "group.initial.rebalance.delay.ms": 0,
    "log.cleaner.dedupe.buffer.size": 16777216,
    "log.retention.check.interval.ms": 1000,
    "log.segment.delete.delay.ms": 1000,
    "log.initial.task.delay.ms": 1000,  # internal; without it the first retention check waits 30 s
}


def jars() -> Path:
    """Return the folder of Kafka's jars, fetched by Maven where it is not there yet."""
    need("java")
    folder = HOME / "kafka-4.1.1"
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "complete").exists():
            need("mvn")
            entries = [(*name.split(":"), version) for name, version in JARS.items()]
            names = ("groupId", "artifactId", "version")
            tags = ("".join(f"<{n}>{v}</{n}>" for n, v in zip(names, e, strict=True)) for e in entries)
            (folder / "pom.xml").write_text(POM.format("".join(f"<dependency>{t}</dependency>" for t in tags)))
            goal = ["dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={folder}"]
            subprocess.run(["mvn", "-B", "-q", "-f", folder / "pom.xml", *goal], check=True)
            (folder / "complete").touch()
    return folder


class Kafka(Service):
    """One broker that is its own controller, plaintext."""

    protocol = "PLAINTEXT"

    @property
    def bootstrap(self) -> str:
        """Address for ``bootstrap.servers``."""
        return f"127.0.0.1:{self.port}"

    @property
    def client(self) -> dict[str, Any]:
        """Properties with which a client may do everything."""
        return {"bootstrap.servers": self.bootstrap}

    @property
    def env(self) -> dict[str, str]:
        """Settings of the product for this broker."""
        return {"ALLUSE_KAFKA__BOOTSTRAP_SERVERS": self.bootstrap}

    def properties(self) -> dict[str, Any]:
        """Return what stands in the broker's configuration."""
        controller = f"127.0.0.1:{free_port()}"
        listeners = f"{self.protocol}://{self.bootstrap},CONTROLLER://{controller}"
        return PROPERTIES | {
            "controller.quorum.bootstrap.servers": controller,
            "listeners": listeners,
            "advertised.listeners": listeners,
            "inter.broker.listener.name": self.protocol,
            "listener.security.protocol.map": f"CONTROLLER:PLAINTEXT,{self.protocol}:{self.protocol}",
            "log.dirs": self.folder / "data",
        }

    def users(self) -> list[str]:
        """Return the arguments that make users when the store is formatted."""
        return []

    def prepare(self) -> list[str]:
        """Write the configuration and format the store, once."""
        file, log4j = self.folder / "server.properties", self.folder / "log4j2.xml"
        java = ["java", "-Xms128m", "-Xmx512m", f"-Dlog4j2.configurationFile=file:{log4j}", "-cp", f"{jars()}/*"]
        if not file.exists():
            log4j.write_text(LOG4J)
            file.write_text("".join(f"{k}={v}\n" for k, v in self.properties().items()))
            name = "A" + base64.urlsafe_b64encode(uuid.uuid4().bytes).decode()[1:22]
            tool = ["kafka.tools.StorageTool", "format", "-t", name, "-c", str(file), "--standalone", *self.users()]
            done = subprocess.run(java + tool, capture_output=True, text=True, check=False)
            if done.returncode:
                file.unlink()
                raise RuntimeError(done.stdout + done.stderr)
        return [*java, "kafka.Kafka", str(file)]

    def ready(self) -> bool:
        """Say whether the broker answers: an open port is not yet a ready broker."""
        try:
            return bool(AdminClient(self.client | {"log_level": 0}).list_topics(timeout=2).brokers)
        except KafkaException:
            return False

    def create(self, topic: str, partitions: int = 8, **config: str) -> str:
        """Make a topic and return its name; properties may be written with ``_`` for ``.``: ``retention_ms="3000"``."""
        properties = {k.replace("_", "."): v for k, v in config.items()}
        admin = AdminClient(self.client | {"log_level": 0})
        for future in admin.create_topics([NewTopic(topic, partitions, 1, config=properties)]).values():
            future.result(30)
        return topic
