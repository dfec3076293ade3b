"""Runs the tiny flow as a process of its own, as operations would."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

from confluent_kafka import Producer

from config.recovery import prepare

ROOT = Path(__file__).parent.parent.parent
SECONDS = 60


class Tiny:
    """The flow of `tests.sources.tiny` on one topic; `with` ends what still runs."""

    def __init__(self, folder: Path, bootstrap: str, topic: str, **env: str) -> None:
        self.out, self.log, self.store = folder / "out", folder / "log", folder / "store"
        self.env = {k: v for k, v in os.environ.items() if not k.startswith(("ALLUSE_", "BYTEWAX_"))} | {
            "ALLUSE_KAFKA__BOOTSTRAP_SERVERS": bootstrap,
            "ALLUSE_TOPICS__METRICS": topic,
            "ALLUSE_RECOVERY__DIRECTORY": str(self.store),
            "TINY_OUT": str(self.out),
            **env,
        }
        self.processes: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Tiny:
        prepare(self.store)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self.processes:
            process.kill()
            process.wait()
        if kind is not None:
            print(self.said())

    def start(self, *options: str, **env: str) -> subprocess.Popen[bytes]:
        """Start it; without options on its own store, a snapshot a second."""
        command = [sys.executable, "-m", "bytewax.run", "tests.sources.tiny:flow()"]
        options = options or ("-r", str(self.store), "-s", "1", "-b", "0")
        with open(self.log, "ab") as log:
            process = subprocess.Popen([*command, *options], env=self.env | env, cwd=ROOT, stderr=log, stdout=log)
        self.processes.append(process)
        return process

    def stop(self) -> int:
        """Ask the newest process to stop; return its exit code."""
        self.processes[-1].send_signal(signal.SIGTERM)
        return self.processes[-1].wait(SECONDS)

    def said(self) -> str:
        """Return all that was logged."""
        return self.log.read_text()

    def items(self) -> list[dict[str, Any]]:
        """Return all that came out."""
        text = self.out.read_text() if self.out.exists() else ""
        return [json.loads(line) for line in text.splitlines() if line.endswith("}")]

    def values(self) -> list[str]:
        """Return the values of all messages that came out, in order."""
        return [value for item in self.items() for value in item.get("values", [])]

    def events(self) -> list[dict[str, Any]]:
        """Return the events that came out."""
        return [item for item in self.items() if "event" in item]


def until(condition: Callable[[], Any]) -> Any:
    """Wait until a condition holds; return what it returned."""
    end = time.monotonic() + SECONDS
    while not (found := condition()):
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)
    return found


def send(client: str | dict[str, Any], topic: str, values: range, partition: int = 0, size: int = 0) -> None:
    """Produce numbers, padded to `size` bytes, keyed by themselves."""
    producer = Producer({"bootstrap.servers": client} if isinstance(client, str) else client)
    for n in values:
        producer.produce(topic, str(n).encode().ljust(size), str(n).encode(), partition)
    assert producer.flush(SECONDS) == 0
