"""The page `/metrics` has the names that the outside relies on."""

from config.telemetry import REGISTRY
from tests.interface import METRICS

SUFFIX = {"counter": "_total", "info": "_info"}


def test_metrics_have_their_names():
    assert {m.name + SUFFIX.get(m.type, "") for m in REGISTRY.collect()} >= METRICS.keys()
