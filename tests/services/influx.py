"""InfluxDB 1.8: the newest that Go builds from its module."""

from __future__ import annotations

import fcntl
import os
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import urlopen

from influxdb_client import InfluxDBClient

from tests.services.process import HOME, Service, free_port, need

INFLUXD = "github.com/influxdata/influxdb/cmd/influxd@v1.8.10"
INFLUX = """reporting-disabled = true
bind-address = "127.0.0.1:{backup}"
[meta]
  dir = "{folder}/meta"
[data]
  dir = "{folder}/data"
  wal-dir = "{folder}/wal"
  index-version = "tsi1"
[http]
  bind-address = "127.0.0.1:{port}"
  flux-enabled = true
  log-enabled = false
[monitor]
  store-enabled = false
"""


def influxd() -> Path:
    """Return InfluxDB's program, built by Go where it is not there yet."""
    folder = HOME / "bin"
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "influxd").exists():
            need("go")
            subprocess.run(["go", "install", INFLUXD], check=True, env={**os.environ, "GOBIN": str(folder)})
    return folder / "influxd"


class Influx(Service):
    """InfluxDB 1.8, which speaks the parts of the API of version 2 that the client uses; without users, any token does."""

    token, org, bucket = "test:test", "-", "metrics/autogen"

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def env(self) -> dict[str, str]:
        """Settings of the product for this server."""
        values = {"URL": self.url, "TOKEN": self.token, "ORG": self.org, "BUCKET": self.bucket}
        return {"ALLUSE_STORE__KIND": "influx"} | {f"ALLUSE_INFLUX__{key}": value for key, value in values.items()}

    def prepare(self) -> list[str]:
        """Write the configuration, once."""
        file = self.folder / "influxdb.conf"
        if not file.exists():
            file.write_text(INFLUX.format(folder=self.folder, port=self.port, backup=free_port()))
        return [str(influxd()), "run", "-config", str(file)]

    def ready(self) -> bool:
        """Say whether it answers, and make the database where it is not there."""
        try:
            self.influxql("CREATE DATABASE metrics")
        except OSError:
            return False
        return True

    def influxql(self, statement: str) -> str:
        """Carry out a statement of InfluxQL and return the answer, JSON."""
        with urlopen(f"{self.url}/query", data=urlencode({"q": statement, "db": "metrics"}).encode(), timeout=30) as r:
            return str(r.read().decode())

    def flux(self, query: str) -> list[dict[str, Any]]:
        """Return the rows of a query in Flux, values in Python's types."""
        with InfluxDBClient(self.url, self.token, org=self.org, timeout=60_000) as client:
            return [row.values for table in client.query_api().query(query) for row in table.records]
