"""An embedded Kafka: the mock cluster that librdkafka brings along, driven through its C interface.

It speaks the real protocol on a real port and keeps everything in memory, so it is there in milliseconds without Java; it forgets
what it holds when the process ends, and is no broker for anything but a demonstration or a test.
"""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

import confluent_kafka

PRODUCER = 0
TEXT = 512


class ClusterError(RuntimeError):
    """librdkafka has no mock cluster, or cannot start it."""


class MockCluster:
    """A cluster of one broker, for as long as the context lasts.

    Parameters
    ----------
    topics
        How many partitions each has.

    References
    ----------
    https://github.com/confluentinc/librdkafka/blob/master/src/rdkafka_mock.h
    """

    def __init__(self, topics: Mapping[str, int]) -> None:
        self._topics = topics

    def __enter__(self) -> MockCluster:
        self._library = library()
        text = ctypes.create_string_buffer(TEXT)
        wanted = self._library.rd_kafka_conf_new()
        self._library.rd_kafka_conf_set(wanted, b"log_level", b"0", text, TEXT)  # it would warn that it knows no broker
        self._client = self._library.rd_kafka_new(PRODUCER, wanted, text, TEXT)
        self._cluster = self._library.rd_kafka_mock_cluster_new(self._client, 1) if self._client else None
        if not self._cluster:
            raise ClusterError(f"librdkafka starts no mock cluster {text.value.decode()}")
        for topic, partitions in self._topics.items():
            if self._library.rd_kafka_mock_topic_create(self._cluster, topic.encode(), partitions, 1):
                raise ClusterError(f"the mock cluster makes no topic {topic}")
        self.bootstrap: str = self._library.rd_kafka_mock_cluster_bootstraps(self._cluster).decode()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._library.rd_kafka_mock_cluster_destroy(self._cluster)
        self._library.rd_kafka_destroy(self._client)


def library() -> ctypes.CDLL:
    """Return the librdkafka that confluent-kafka uses, whatever its wheel calls it on this system.

    Raises
    ------
    ClusterError
        None is found.
    """
    package = Path(confluent_kafka.__file__).parent
    places = (package.parent / "confluent_kafka.libs", package / ".dylibs", package)
    found = [file for place in places for file in sorted(place.glob("librdkafka*"))]
    extension = [] if found else sorted(package.glob("cimpl*"))  # linked into it, or against the system's
    for file in [*found, *extension]:
        made = ctypes.CDLL(str(file))
        if hasattr(made, "rd_kafka_mock_cluster_new"):
            return _declared(made)
    raise ClusterError("no librdkafka with a mock cluster lies beside confluent-kafka")


def _declared(made: ctypes.CDLL) -> ctypes.CDLL:
    pointer, text, number = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int
    signatures = {
        "rd_kafka_conf_new": (pointer, []),
        "rd_kafka_conf_set": (number, [pointer, text, text, text, ctypes.c_size_t]),
        "rd_kafka_new": (pointer, [number, pointer, text, ctypes.c_size_t]),
        "rd_kafka_destroy": (None, [pointer]),
        "rd_kafka_mock_cluster_new": (pointer, [pointer, number]),
        "rd_kafka_mock_cluster_destroy": (None, [pointer]),
        "rd_kafka_mock_cluster_bootstraps": (text, [pointer]),
        "rd_kafka_mock_topic_create": (number, [pointer, text, number, number]),
    }
    for name, (result, arguments) in signatures.items():
        function = getattr(made, name)
        function.restype, function.argtypes = result, arguments
    return made
