"""Fixtures: real servers, started when the first test asks for one, stopped at the end."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TypeVar

import pytest

from tests.services import Influx, Kafka, MissingToolError, SecureKafka, Service

S = TypeVar("S", bound=Service)


@contextmanager
def needed(what: str) -> Iterator[None]:
    """Skip where a tool is missing, saying which; fail where tests must not be skipped."""
    try:
        yield
    except MissingToolError as e:
        if os.environ.get("CI") == "true":
            pytest.fail(f"{what} {e}")
        pytest.skip(f"{what} {e}")


def running(kind: type[S], folder: Path) -> Iterator[S]:
    with needed(kind.__name__):
        service = kind(folder)
    try:
        service.start()
        yield service
    finally:
        service.stop()


@pytest.fixture(scope="session")
def required() -> Callable[[str], AbstractContextManager[None]]:
    """Guard what needs a tool: ``with required("The schema"): need("go")``."""
    return needed


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kafka]:
    """The session's Kafka: `bootstrap`, `client`, `env`, `create(topic)`; to kill one, take `own_broker`."""
    yield from running(Kafka, tmp_path_factory.mktemp("kafka"))


@pytest.fixture(scope="session")
def kafka(broker: Kafka) -> str:
    """Address of the session's Kafka."""
    return broker.bootstrap


@pytest.fixture
def topic(broker: Kafka) -> Callable[..., str]:
    """Make a topic of a new name: ``topic(partitions=8, retention_ms="3000")``."""

    def make(partitions: int = 8, **config: str) -> str:
        return broker.create(f"t-{uuid.uuid4().hex[:12]}", partitions, **config)

    return make


@pytest.fixture(scope="session")
def influx(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Influx]:
    """The session's InfluxDB: `url token org bucket`, `env`, `flux(query)`; to kill one, take `own_influx`."""
    yield from running(Influx, tmp_path_factory.mktemp("influx"))


@pytest.fixture(scope="session")
def secure_kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecureKafka]:
    """A Kafka with TLS, SCRAM and ACLs: `client` is the administrator's, `login("pipeline")` a user's without rights."""
    yield from running(SecureKafka, tmp_path_factory.mktemp("secure-kafka"))


@pytest.fixture
def own_broker(tmp_path: Path) -> Iterator[Kafka]:
    """A Kafka for one test alone: `stop() start() kill() restart()`."""
    yield from running(Kafka, tmp_path / "kafka")


@pytest.fixture
def own_influx(tmp_path: Path) -> Iterator[Influx]:
    """An InfluxDB for one test alone: `stop() start() kill() restart()`."""
    yield from running(Influx, tmp_path / "influx")
