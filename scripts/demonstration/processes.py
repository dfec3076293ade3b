"""The flows of the demonstration, each a process of its own, as in operation."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent.parent


class FlowError(RuntimeError):
    """A flow ended by itself, or would not end."""


class Flow:
    """A running flow.

    Parameters
    ----------
    name
        ``main`` is started by ``scripts/run``, with its recovery store.
    env
        Its settings.
    folder
        Where its log goes.
    """

    def __init__(self, name: str, env: dict[str, str], folder: Path) -> None:
        self.name, self.log = name, folder / f"{name}.log"
        plain = [sys.executable, "-m", "bytewax.run", f"flows.{name}"]
        command = [str(ROOT / "scripts" / "run"), name] if name == "main" else plain
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                command, cwd=ROOT, env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )

    def check(self) -> None:
        """See that it runs.

        Raises
        ------
        FlowError
            It does not; the text holds the end of its log.
        """
        if self._process.poll() is not None:
            raise FlowError(f"flows.{self.name} ended with {self._process.returncode}:\n{self._last()}")

    def stop(self, patience: float = 30.0) -> None:
        """Ask it to stop, and wait until everything is stored.

        Raises
        ------
        FlowError
            It ended otherwise than as asked.
        """
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(patience)
        except subprocess.TimeoutExpired:
            self.kill()
            raise FlowError(f"flows.{self.name} did not stop in {patience:g} s:\n{self._last()}") from None
        if self._process.returncode:
            raise FlowError(f"flows.{self.name} ended with {self._process.returncode}:\n{self._last()}")

    def kill(self) -> None:
        """End it at once, if it still runs."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()

    def _last(self, lines: int = 15) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])


def environment(bootstrap: str, folder: Path, port: int) -> dict[str, str]:
    """Return the environment of all flows; settings of the caller's own do not reach them."""
    own = {k: v for k, v in os.environ.items() if not k.startswith(("ALLUSE_", "BYTEWAX_"))}
    return own | {
        "ALLUSE_CONFIG": str(HERE / "demo.toml"),
        "ALLUSE_KAFKA__BOOTSTRAP_SERVERS": bootstrap,
        "ALLUSE_ALERTS__RULES": str(HERE / "rules.toml"),
        "ALLUSE_SQLITE__PATH": str(folder / "alluse.db"),
        "ALLUSE_RECOVERY__DIRECTORY": str(folder / "recovery"),
        "ALLUSE_HTTP__PORT": str(port),
    }


def free_port() -> int:
    """Return a port of the loopback that nobody has now."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port: int = s.getsockname()[1]
        return port


def page(port: int, name: str) -> str:
    """Return one of a flow's own pages, nothing while there is none.

    Parameters
    ----------
    port
        Of the loopback.
    name
        ``readyz`` or ``metrics``.
    """
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/{name}", timeout=2) as answer:
            return str(answer.read().decode())
    except OSError:
        return ""


def until_ready(flows: list[Flow], port: int, patience: float = 60.0) -> float:
    """Wait until `flows.main` is ready and return how many seconds that took.

    Raises
    ------
    FlowError
        It ended, or is not ready after `patience` seconds.
    """
    began = time.monotonic()
    while not page(port, "readyz"):
        for flow in flows:
            flow.check()
        if time.monotonic() - began > patience:
            raise FlowError(f"flows.main is not ready after {patience:g} s: see {flows[0].log}")
        time.sleep(0.1)
    return time.monotonic() - began
