"""The stores that settings choose, by name: a new one is a line here."""

from __future__ import annotations

from typing import Any

from config.settings import Settings
from sinks.influx import influx
from sinks.kafka import Outbox, RejectBox, results
from sinks.sqlite import sqlite


def stores(s: Settings, outbox: Outbox) -> dict[str, Any]:
    """Return the sinks of `store.kind`, by kind; what a store refuses goes to `topics.rejects`."""
    known = {
        "influx": lambda: influx(s, RejectBox(outbox, s.topics.rejects.name)),
        "sqlite": lambda: sqlite(s),
        "kafka": lambda: results(s, outbox),
    }
    return {kind: known[kind]() for kind in s.store.kind}
