"""What the sinks' tests share: settings for a server, a box for rejects, a proxy that answers badly."""

import itertools
import threading
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from config.settings import load
from config.stop import STOP, Stop
from config.telemetry import READY


@pytest.fixture(autouse=True)
def calm():
    """Every test starts and ends without reasons, and without a wish to stop."""
    yield
    for condition in READY.reasons():
        READY.clear(condition)
    STOP.__dict__.update(Stop().__dict__)


@pytest.fixture
def settings():
    def of(*services, **more):
        environ = {key: value for service in services for key, value in service.env.items()}
        return load(environ | {f"ALLUSE_{key.upper()}": value for key, value in more.items()})

    return of


class Box:
    """Where refused lines go in a test."""

    def __init__(self):
        self.rejects = []

    def put(self, items):
        self.rejects += items

    def flushed(self, seconds):
        return True


@pytest.fixture
def box():
    return Box()


class Proxy(ThreadingHTTPServer):
    """Stands in front of InfluxDB and gives the answers in `answers` first: (status, body, headers)."""

    daemon_threads = True

    def __init__(self, behind):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.behind, self.answers, self.seen = behind, iter(()), []
        self.url = f"http://127.0.0.1:{self.server_port}"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def answer(self, status, body=b"", times=None, **headers):
        one = (status, body, {name.replace("_", "-"): value for name, value in headers.items()})
        self.answers = itertools.repeat(one) if times is None else itertools.repeat(one, times)


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.seen.append((self.path, dict(self.headers), body))
        status, answer, headers = next(self.server.answers, None) or self.forward(body)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def forward(self, body):
        wanted = ("Authorization", "Content-Encoding", "Content-Type")
        headers = {name: self.headers[name] for name in wanted if name in self.headers}
        request = urllib.request.Request(self.server.behind + self.path, body, headers, method="POST")
        try:
            with urllib.request.urlopen(request, timeout=10) as r:
                return r.status, r.read(), {}
        except urllib.error.HTTPError as e:
            with e:
                return e.code, e.read(), {"Content-Type": e.headers.get("Content-Type", "")}

    def log_message(self, *args):
        pass


@pytest.fixture
def proxy(influx):
    server = Proxy(influx.url)
    yield server
    server.shutdown()
    server.server_close()
