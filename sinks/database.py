"""InfluxDB's answers: which to wait out, which to believe.

InfluxDB says neither plainly: a 400 may have stored all lines but one, and a 500 may mean a policy that does not exist.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlparse

import cramjam
import msgspec
from influxdb_client.client.influxdb_client import InfluxDBClient
from influxdb_client.rest import ApiException
from influxdb_client.service.write_service import WriteService
from urllib3.exceptions import HTTPError

from config.settings import Influx
from config.telemetry import READY
from sinks.patience import Backoff

LOG = logging.getLogger(__name__)
LOOPBACK = {"localhost", "127.0.0.1", "::1"}
UNAVAILABLE = {502, 503, 504}
HINTS = {
    401: " - influx.token is wrong or empty",
    403: " - influx.token may not write to influx.bucket {bucket!r}",
    404: " - influx.bucket {bucket!r} or influx.org {org!r} does not exist",
}


class LinesRefusedError(Exception):
    """InfluxDB refuses some of these lines, and will for ever."""


class TooLargeError(Exception):
    """InfluxDB, or what stands in front of it, refuses a request of this size."""


class GaveUpError(Exception):
    """InfluxDB answers with an error of its own for so long that it will not pass by itself."""


class Database:
    """Writes bytes and tells the ends apart: written, refused, too large, given up.

    Everything else is waited out: no answer, 429, 502, 503, 504 and what configuration causes (401, 403, 404, a wrong port)
    for ever; any other 5xx, by which a missing policy shows too, for `give_up` seconds.  What it waits for stands on
    ``/readyz``.

    Parameters
    ----------
    settings
        The section `influx`.
    backoff
        Makes the pauses of one write.
    """

    def __init__(self, settings: Influx, backoff: Callable[[], Backoff] = lambda: Backoff("influx")) -> None:
        self._settings, self._backoff = settings, backoff
        self._client: Any = InfluxDBClient(
            url=settings.url, token=settings.token, org=settings.org, timeout=int(settings.timeout * 1000)
        )
        self._service: Any = WriteService(self._client.api_client)  # type: ignore[no-untyped-call]
        # Over loopback compression costs more than it saves.
        self._gzip = urlparse(settings.url).hostname not in LOOPBACK

    def write(self, bucket: str, body: bytes) -> None:
        """Write lines.

        Raises
        ------
        LinesRefusedError
            Some or all lines are refused; the others are stored, or will be when written again without these.
        TooLargeError
            None is stored.
        GaveUpError
            None is stored, as far as can be known.
        """
        backoff, began = self._backoff(), time.monotonic()
        while True:
            try:
                self._post(bucket, body)
            except (HTTPError, OSError) as error:
                self._wait(backoff, f"no answer from {self._settings.url}: {error}")
            except ApiException as error:
                self._judge(error, bucket, backoff, time.monotonic() - began)
            else:
                READY.clear("influx")
                return

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _post(self, bucket: str, body: bytes) -> None:
        coding = {"content_encoding": "gzip"} if self._gzip else {}
        body = bytes(cramjam.gzip.compress(body, level=1)) if self._gzip else body
        self._service.post_write(self._settings.org, bucket, body, precision="ns", **coding)

    def _judge(self, error: ApiException, bucket: str, backoff: Backoff, seconds: float) -> None:
        status, text, from_influx = error.status or 0, *_message(error)
        if status in (400, 422) and from_influx:
            READY.clear("influx")
            raise LinesRefusedError(text)
        if status == 413:
            raise TooLargeError(text)
        if status >= 500 and status not in UNAVAILABLE and seconds >= self._settings.give_up:
            raise GaveUpError(f"{status} for {seconds:.0f} s: {text}")
        hint = HINTS.get(status, "").format(bucket=bucket, org=self._settings.org)
        answer = f"{self._settings.url} answers {status}" if status else f"no answer from {self._settings.url}"
        self._wait(backoff, f"{answer}: {text}{hint}", _retry_after(error))

    def _wait(self, backoff: Backoff, reason: str, at_least: float = 0.0) -> None:
        if READY.reasons().get("influx") != reason:
            LOG.warning("InfluxDB: %s; trying again until it takes the points", reason)
        READY.set("influx", reason)
        backoff.pause(at_least)


def _message(error: ApiException) -> tuple[str, bool]:
    """Return the error's text, and whether it has InfluxDB's form (not that of a proxy or another server)."""
    body = error.body or b""
    try:
        answer: Any = msgspec.json.decode(body)
        text = answer.get("error") or answer.get("message")
    except (msgspec.DecodeError, AttributeError):
        text = None
    if text:
        return str(text), True
    plain = body.decode("utf-8", "replace") if isinstance(body, bytes) else str(body)
    return (plain.strip() or str(error.reason))[:500], False


def _retry_after(error: ApiException) -> float:
    headers: Any = error.headers or {}
    try:
        return min(float(headers.get("Retry-After", 0)), 300.0)
    except ValueError:
        return 0.0
