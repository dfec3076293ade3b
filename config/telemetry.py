"""Telemetry of this process: the metrics of INTERFACE.md and the conditions of ``/readyz``.

Logic stays pure: only the thin shells (sources, sinks, the Bytewax wiring at an operator's end) count here.
"""

from __future__ import annotations

import threading
import time

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info

REGISTRY = CollectorRegistry()

POINTS = Counter("alluse_points", "Points by what became of them.", ["result"], registry=REGISTRY)
REJECTS = Counter("alluse_rejects", "Points rejected, by reason.", ["error_code"], registry=REGISTRY)
EVENT_DELAY = Histogram(
    "alluse_event_delay_seconds",
    "From a point's own stamp to the moment it is stored.",
    buckets=(0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3600, 86400),
    registry=REGISTRY,
)
LAG = Gauge("alluse_lag_messages", "Messages in Kafka not yet read.", registry=REGISTRY)
WATERMARK = Gauge(
    "alluse_watermark_timestamp_seconds", "Newest accepted stamp of the slowest shard.", registry=REGISTRY
)
SERIES = Gauge("alluse_series", "Series by state.", ["state"], registry=REGISTRY)
ANOMALIES = Counter("alluse_anomalies", "Anomalies by detector.", ["detector"], registry=REGISTRY)
ALERTS = Gauge("alluse_alerts", "Alert records published.", ["status", "severity"], registry=REGISTRY)
SINK_WRITE = Histogram("alluse_sink_write_seconds", "Duration of one write.", ["sink"], registry=REGISTRY)
SINK_RETRIES = Counter("alluse_sink_retries", "Writes tried again.", ["sink"], registry=REGISTRY)
SINK_QUEUE = Gauge("alluse_sink_queue", "Batches waiting to be written.", ["sink"], registry=REGISTRY)
SNAPSHOT = Gauge("alluse_snapshot_timestamp_seconds", "When state was last saved.", registry=REGISTRY)
BUILD = Info("alluse_build", "Version and configuration.", registry=REGISTRY)


class Readiness:
    """Why this process is not ready, by condition; ready when there is no reason.

    Examples
    --------
    >>> r = Readiness("start")
    >>> r.reasons()
    {'start': 'starting'}
    >>> r.clear("start"); r.set("kafka", "no broker answers at localhost:9092"); r.reasons()
    {'kafka': 'no broker answers at localhost:9092'}
    """

    def __init__(self, *starting: str) -> None:
        self._lock = threading.Lock()
        self._reasons = dict.fromkeys(starting, "starting")

    def set(self, condition: str, reason: str) -> None:
        """Say why the process is not ready."""
        with self._lock:
            self._reasons[condition] = reason

    def clear(self, condition: str) -> None:
        """Take a reason back."""
        with self._lock:
            self._reasons.pop(condition, None)

    def reasons(self) -> dict[str, str]:
        """Return a copy of the standing reasons."""
        with self._lock:
            return dict(self._reasons)


READY = Readiness("kafka")


class Pulse:
    """When the worker was last seen at work: sources tick at every poll, sinks while they wait for a service.

    Examples
    --------
    >>> pulse = Pulse(); pulse.tick(); pulse.age() < 1
    True
    """

    def __init__(self) -> None:
        self.tick()

    def tick(self) -> None:
        """Say that the worker is at work."""
        self._at = time.monotonic()

    def age(self) -> float:
        """Return the seconds since."""
        return time.monotonic() - self._at


PULSE = Pulse()
