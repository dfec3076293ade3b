"""The process's own pages: ``/healthz``, ``/readyz`` and ``/metrics``."""

from __future__ import annotations

import json
import logging
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from config.settings import Settings
from config.telemetry import PULSE, READY, REGISTRY

LOG = logging.getLogger(__name__)


class Pages(BaseHTTPRequestHandler):
    """Answers GET requests.

    ``/healthz``: 200 while the worker is seen at work, 503 when it was not for `stalled` seconds.  ``/readyz``: 200, or 503
    and the standing reasons as a JSON object.  ``/metrics``: Prometheus text.
    """

    stalled = 60.0
    timeout = 10.0

    def do_GET(self) -> None:
        """Answer."""
        page = {"/healthz": self._health, "/readyz": self._ready, "/metrics": self._metrics}.get(
            self.path.split("?")[0]
        )
        status, kind, body = page() if page else (404, "text/plain", b"pages: /healthz /readyz /metrics\n")
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _health(self) -> tuple[int, str, bytes]:
        age = PULSE.age()
        if age < self.stalled:
            return 200, "text/plain", b"ok\n"
        return 503, "text/plain", f"the worker has not been seen at work for {age:.0f} s\n".encode()

    def _ready(self) -> tuple[int, str, bytes]:
        reasons = READY.reasons()
        if not reasons:
            return 200, "text/plain", b"ready\n"
        return 503, "application/json", json.dumps(reasons, ensure_ascii=False).encode() + b"\n"

    def _metrics(self) -> tuple[int, str, bytes]:
        return 200, CONTENT_TYPE_LATEST, generate_latest(REGISTRY)

    def log_message(self, format: str, *args: object) -> None:
        """Log at level debug."""
        LOG.debug(format, *args)


class Server(ThreadingHTTPServer):
    """A server whose threads do not keep the process alive."""

    daemon_threads = True


def serve(settings: Settings, patience: float = 5.0) -> Server | None:
    """Serve the pages from a thread, on `http.port` plus the lane's index.

    Parameters
    ----------
    settings
        `http` and `lanes` are read.
    patience
        Seconds to wait for a port that is taken: a predecessor may still be leaving.

    Returns
    -------
    Server | None
        The running server; none when `http.port` is 0.

    Raises
    ------
    SystemExit
        With 2, when the address cannot be had.
    """
    if settings.http.port == 0:
        return None
    address, end = (settings.http.bind, settings.http.port + settings.lanes.index), time.monotonic() + patience
    while True:
        try:
            server = Server(address, Pages)
            break
        except (OSError, OverflowError) as error:
            if time.monotonic() > end:
                LOG.error(
                    "http.bind, http.port: cannot listen on %s:%d: %s (http.port = 0 turns the pages off)",
                    *address,
                    error,
                )
                sys.exit(2)
            time.sleep(0.1)
    threading.Thread(target=server.serve_forever, name="http", daemon=True).start()
    return server
