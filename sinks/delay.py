"""How old points are when they are stored."""

from __future__ import annotations

import time
from collections.abc import Iterable

from config.records import SECOND, MetricBatch
from config.telemetry import EVENT_DELAY

SAMPLE = 16


def observe(items: Iterable[object]) -> None:
    """Count the delay of points just stored: of each batch, at most `SAMPLE` evenly spaced ones."""
    now = time.time()
    for item in items:
        if isinstance(item, MetricBatch):
            for stamp in item.time[:: len(item) // SAMPLE + 1].tolist():
                EVENT_DELAY.observe(max(0.0, now - stamp / SECOND))
