"""A server as a process: its folder, its start, its end."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import time
from abc import ABC, abstractmethod
from pathlib import Path

import psutil

HOME = Path(__file__).parent.parent.parent / ".services"


class MissingToolError(Exception):
    """A tool that a server needs is not on this machine; the text says which."""


def need(*tools: str) -> None:
    """Raise `MissingToolError` where one of the commands is not to be found."""
    if absent := [tool for tool in tools if not shutil.which(tool)]:
        raise MissingToolError(f"needs {', '.join(absent)}, which this machine does not have")


def free_port() -> int:
    """Return a port of the loopback interface on which nobody listens."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


class Service(ABC):
    """One server: a process, its folder and its port.

    Parameters
    ----------
    folder
        Where configuration, data, log and process id are kept; used again, the server finds its data again.
    port
        Where it listens on loopback; a free one by default, and that of last time in a folder that was used before.
    """

    def __init__(self, folder: Path, port: int = 0) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        kept = folder / "port"
        self.port = int(kept.read_text()) if kept.exists() else port or free_port()
        kept.write_text(str(self.port))
        self.command = self.prepare()

    @abstractmethod
    def prepare(self) -> list[str]:
        """Write the configuration, once, and return the command that starts the server."""

    @abstractmethod
    def ready(self) -> bool:
        """Say whether the server answers."""

    def process(self) -> psutil.Process | None:
        """Return the running process, None when there is none."""
        try:
            pid, born = (self.folder / "pid").read_text().split()
            process = psutil.Process(int(pid))
        except (FileNotFoundError, psutil.NoSuchProcess):
            return None
        alive = process.create_time() == float(born) and process.status() != psutil.STATUS_ZOMBIE
        return process if alive else None

    def start(self, *, outlive: bool = False) -> None:
        """Start the server and wait until it answers; it ends with this process unless it may `outlive` it."""
        if self.process():
            return
        tied = ["setpriv", "--pdeathsig", "TERM"] if not outlive and shutil.which("setpriv") else []
        with open(self.folder / "log", "ab") as log:
            child = subprocess.Popen(
                tied + self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        self._child = child
        (self.folder / "pid").write_text(f"{child.pid} {psutil.Process(child.pid).create_time()!r}")
        for _ in range(600):
            if self.ready():
                return
            if child.poll() is not None:
                break
            time.sleep(0.1)
        raise RuntimeError(f"{self.command} does not answer:\n" + (self.folder / "log").read_text()[-3000:])

    def stop(self, signal_: int = signal.SIGTERM) -> None:
        """End the server and wait until it has ended."""
        if process := self.process():
            process.send_signal(signal_)
            process.wait(60)
        if child := getattr(self, "_child", None):
            child.wait()

    def kill(self) -> None:
        """End the server at once, as a power cut would."""
        self.stop(signal.SIGKILL)

    def restart(self) -> None:
        """End the server and start it again."""
        self.stop()
        self.start()
