"""The process's pages, asked over HTTP."""

import json
import logging
import urllib.error
import urllib.request

import pytest
from prometheus_client.parser import text_string_to_metric_families

from config.settings import load
from config.telemetry import PULSE, READY, SINK_RETRIES
from sinks.http import Pages, serve
from tests.services.process import free_port


@pytest.fixture
def page():
    """Get (status, text) of a page of a lane's server."""
    settings = load({"ALLUSE_HTTP__PORT": str(free_port() - 1), "ALLUSE_LANES__COUNT": "2", "ALLUSE_LANES__INDEX": "1"})
    server = serve(settings)
    PULSE.tick()

    def get(path):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{settings.http.port + 1}{path}", timeout=10) as r:
                return r.status, r.read().decode()
        except urllib.error.HTTPError as e:
            with e:
                return e.code, e.read().decode()

    yield get
    server.shutdown()
    server.server_close()


def test_ready_when_no_reason_stands(page):
    READY.clear("kafka")
    assert page("/readyz") == (200, "ready\n")
    READY.set("influx", "no answer from http://ü")
    status, text = page("/readyz")
    assert (status, json.loads(text)) == (503, {"influx": "no answer from http://ü"})
    READY.clear("influx")


def test_healthy_while_the_worker_is_seen(page, monkeypatch):
    assert page("/healthz") == (200, "ok\n")
    monkeypatch.setattr(Pages, "stalled", 0.0)
    assert page("/healthz")[0] == 503


def test_metrics_are_readable(page):
    SINK_RETRIES.labels("influx").inc()
    status, text = page("/metrics")
    samples = {s.name: s.value for family in text_string_to_metric_families(text) for s in family.samples}
    assert status == 200
    assert samples["alluse_sink_retries_total"] >= 1


def test_unknown_pages_are_404(page):
    assert page("/")[0] == 404


def test_port_0_is_off():
    assert serve(load({"ALLUSE_HTTP__PORT": "0"})) is None


def test_a_taken_port_is_wrong_configuration(page, caplog):
    port = free_port()
    first = serve(load({"ALLUSE_HTTP__PORT": str(port)}))
    try:
        with caplog.at_level(logging.ERROR), pytest.raises(SystemExit) as e:
            serve(load({"ALLUSE_HTTP__PORT": str(port)}), patience=0.2)
    finally:
        first.shutdown()
        first.server_close()
    assert e.value.code == 2
    assert "http.port" in caplog.text
