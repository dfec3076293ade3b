"""How every Kafka client of ours connects, and what its errors mean in plain words."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from confluent_kafka import KafkaError, KafkaException

from config.layers import ConfigError
from config.settings import Kafka

Client = TypeVar("Client")

CONNECTING = {
    "client.id": "alluse-learning",
    "log_level": 2,  # refused connections are logged 20 times a second below that; error_cb tells the same
    "reconnect.backoff.max.ms": 2000,
    "socket.keepalive.enable": True,
}
FIXED = (
    "bootstrap.servers",
    "enable.auto.commit",
    "enable.auto.offset.store",
    "auto.offset.reset",
    "enable.partition.eof",
)
LIBRARY_LOG = logging.getLogger("librdkafka")


def properties(kafka: Kafka, own: Mapping[str, Any]) -> dict[str, Any]:
    """Return the properties of a client: ours, overridden by ``[kafka.client]``.

    Parameters
    ----------
    kafka
        The section of settings.
    own
        What this client wants by default.

    Raises
    ------
    ConfigError
        A property that delivery rests on was set by hand.

    Examples
    --------
    >>> kafka = Kafka(bootstrap_servers="a:9092", start="end", client={"security.protocol": "SSL", "linger.ms": 7})
    >>> p = properties(kafka, {"linger.ms": 5, "acks": "all"})
    >>> p["bootstrap.servers"], p["security.protocol"], p["linger.ms"], p["acks"]
    ('a:9092', 'SSL', 7, 'all')
    >>> properties(Kafka(bootstrap_servers="a", start="end", client={"auto.offset.reset": "latest"}), {})
    Traceback (most recent call last):
    config.layers.ConfigError: kafka.client."auto.offset.reset": is fixed, exact delivery rests on it
    """
    for name in FIXED:
        if name in kafka.client:
            why = "stands in kafka.bootstrap_servers" if name == FIXED[0] else "is fixed, exact delivery rests on it"
            raise ConfigError(f'kafka.client."{name}": {why}')
    return CONNECTING | dict(own) | kafka.client | {"bootstrap.servers": kafka.bootstrap_servers}


def build(client: Callable[..., Client], wanted: Mapping[str, Any], **more: Any) -> Client:
    """Make a client of these properties; what librdkafka logs goes to the logger ``librdkafka``.

    Raises
    ------
    ConfigError
        librdkafka does not know a property, or not its value; the text names it.

    Examples
    --------
    >>> from confluent_kafka import Producer
    >>> build(Producer, {"bootstrap.servers": "127.0.0.1:1", "lingre.ms": 5})
    Traceback (most recent call last):
    config.layers.ConfigError: kafka.client: No such configuration property: "lingre.ms"
    """
    try:
        return client(dict(wanted), logger=LIBRARY_LOG, **more)
    except KafkaException as e:
        raise ConfigError(f"kafka.client: {e.args[0].str()}") from None
    except (TypeError, ValueError) as e:
        raise ConfigError(f"kafka.client: {e}") from None


def plain(error: KafkaError, wanted: Mapping[str, Any], topic: str = "") -> str:
    """Say in plain words what an error means for a person.

    Parameters
    ----------
    error
        As `error_cb` or a message brought it.
    wanted
        The client's properties: who logs in, where.
    topic
        The topic in question, where there is one.

    Examples
    --------
    >>> who = {"bootstrap.servers": "b:9092", "sasl.username": "pipeline"}
    >>> plain(KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED), who, "metrics")
    'user pipeline may not read or see topic metrics: Broker: Topic authorization failed'
    >>> plain(KafkaError(KafkaError._ALL_BROKERS_DOWN), who)
    'no broker answers at b:9092'
    """
    user = f"user {wanted['sasl.username']}" if wanted.get("sasl.username") else "this client (no user set)"
    where, said = wanted["bootstrap.servers"], error.str()
    if error.code() == KafkaError._ALL_BROKERS_DOWN:
        return f"no broker answers at {where}"
    words = {
        KafkaError._AUTHENTICATION: f"login of {user} refused",
        KafkaError._SSL: f"TLS with {where} failed",
        KafkaError._RESOLVE: f"unknown host name in {where}",
        KafkaError._TRANSPORT: f"no broker answers at {where}",
        KafkaError.TOPIC_AUTHORIZATION_FAILED: f"{user} may not read or see topic {topic}",
        KafkaError.GROUP_AUTHORIZATION_FAILED: f"{user} may not commit for group {wanted.get('group.id')}",
        KafkaError.UNKNOWN_TOPIC_OR_PART: f"topic {topic} does not exist",
    }
    return f"{words.get(error.code(), error.name())}: {said}"
