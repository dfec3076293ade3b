"""Lanes of a flow as processes: started, watched from outside, stopped."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import NamedTuple
from urllib.error import HTTPError
from urllib.request import urlopen

import psutil

from scripts.measures.servers import Servers, seconds
from tests.services import free_port

ROOT = Path(__file__).parent.parent.parent
MAIN = ("scripts/run", "main")
STEP = 0.1  # seconds between looks


class Mark(NamedTuple):
    """A look at running lanes: monotonic seconds, points taken, CPU seconds, and those of the servers."""

    time: float
    points: float
    cpu: float
    servers: dict[str, float]


class Slope(NamedTuple):
    """Between two marks: CPU in µs a point, points/s, the servers' CPU in µs a point."""

    cpu_us: float
    rate: float
    servers_us: dict[str, float]


class Lanes:
    """The lanes of one flow; a context that ends with their end.

    Parameters
    ----------
    folder
        For their state and logs.
    env
        Settings beside those of the lanes; settings in this process's environment do not count.
    count
        How many lanes.
    command
        What each of them runs, under this Python.
    """

    def __init__(self, folder: Path, env: Mapping[str, str], count: int = 1, command: tuple[str, ...] = MAIN) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.command, self.count = folder, command, count
        own = {k: v for k, v in os.environ.items() if not k.startswith(("ALLUSE_", "BYTEWAX_"))}
        self.port = free_port()
        fixed = {"ALLUSE_LANES__COUNT": str(count), "ALLUSE_HTTP__PORT": str(self.port)}
        self.env = own | fixed | dict(env)
        self.processes: list[psutil.Popen] = []

    def start(self) -> float:
        """Start them and return the moment, in monotonic seconds."""
        now = time.monotonic()
        for lane in range(self.count):
            place = {"ALLUSE_LANES__INDEX": str(lane), "ALLUSE_RECOVERY__DIRECTORY": str(self.folder / f"lane-{lane}")}
            with open(self.folder / f"lane-{lane}.log", "ab") as log:
                self.processes.append(
                    psutil.Popen(
                        [sys.executable, *self.command], cwd=ROOT, env=self.env | place, stdout=log, stderr=log
                    )
                )
        return now

    def stop(self) -> float:
        """Ask them to stop; return the seconds that it took."""
        begun = time.monotonic()
        for process in self.processes:
            if process.poll() is None:
                process.terminate()
        self._wait()
        return time.monotonic() - begun

    def kill(self) -> None:
        """End them at once."""
        for process in self.processes:
            process.kill()
        self._wait()

    def check(self) -> None:
        """Raise where a lane has ended by itself."""
        for lane, process in enumerate(self.processes):
            if process.poll() is not None:
                log = (self.folder / f"lane-{lane}.log").read_text()
                raise RuntimeError(f"lane {lane} ended with {process.returncode}:\n{log[-3000:]}")

    def metric(self, pattern: str) -> float:
        """Return the sum over lanes of the metrics whose line matches; 0 where a lane does not answer yet."""
        found = [re.findall(rf"^(?:{pattern})\S* (\S+)$", self._page(lane), re.MULTILINE) for lane in range(self.count)]
        return sum(float(value) for values in found for value in values)

    def points(self) -> float:
        """Return how many points were accepted."""
        return self.metric(r'alluse_points_total{result="accepted"}')

    def ready(self) -> bool:
        """Say whether all are ready."""
        try:
            for lane in range(self.count):
                urlopen(f"http://127.0.0.1:{self.port + lane}/readyz", timeout=2).close()
        except OSError:  # HTTPError, a 503, is one
            return False
        return True

    def cpu(self) -> float:
        """Return the CPU seconds that they used so far."""
        return sum(seconds(process) for process in self.processes)

    def rss(self) -> float:
        """Return their memory in MB."""
        return float(sum(process.memory_info().rss for process in self.processes) / 1e6)

    def _page(self, lane: int) -> str:
        try:
            with urlopen(f"http://127.0.0.1:{self.port + lane}/metrics", timeout=5) as page:
                return str(page.read().decode())
        except HTTPError:
            raise
        except OSError:
            return ""

    def _wait(self) -> None:
        for process in self.processes:
            try:
                process.wait(30)
            except psutil.TimeoutExpired:
                process.kill()
                process.wait()
        self.processes = []

    def __enter__(self) -> Lanes:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self.processes:
            self.stop()


def follow(lanes: Lanes, servers: Servers, total: int, limit: float = 600.0) -> list[Mark]:
    """Look at lanes until they have taken `total` points.

    Raises
    ------
    TimeoutError
        They had not after `limit` seconds.
    RuntimeError
        One of them ended.
    """
    marks: list[Mark] = []
    end = time.monotonic() + limit
    while not marks or marks[-1].points < total:
        if time.monotonic() > end:
            raise TimeoutError(f"{marks[-1].points:,.0f} of {total:,} points after {limit:.0f} s")
        lanes.check()
        points = lanes.points()
        marks.append(Mark(time.monotonic(), points, lanes.cpu(), servers.cpu()))
        time.sleep(STEP)
    return marks


def slope(marks: list[Mark], total: int) -> Slope:
    """Return what a point costs between the first quarter and the end, so that start-up drops out.

    Examples
    --------
    >>> looks = [Mark(0, 0, 3, {}), Mark(1, 50, 4, {}), Mark(2, 100, 5, {}), Mark(9, 100, 5, {})]
    >>> slope(looks, 100)
    Slope(cpu_us=20000.0, rate=50.0, servers_us={})
    """
    first = next((m for m in marks if m.points >= total / 4), marks[0])
    last = next((m for m in marks if m.points >= total), marks[-1])
    if last is first:  # over before the second look
        first = marks[0]
    n = max(last.points - first.points, 1)
    servers = {name: (last.servers[name] - cpu) / n * 1e6 for name, cpu in first.servers.items()}
    return Slope((last.cpu - first.cpu) / n * 1e6, n / max(last.time - first.time, 1e-9), servers)


def until(done: object, limit: float, lanes: Lanes | None = None, step: float = 0.05) -> float:
    """Wait until the callable `done` says yes; return the moment, in monotonic seconds."""
    assert callable(done)
    end = time.monotonic() + limit
    while not done():
        if time.monotonic() > end:
            raise TimeoutError(f"not within {limit:.0f} s")
        if lanes:
            lanes.check()
        time.sleep(step)
    return time.monotonic()


def built(command: list[str], folder: Path) -> None:
    """Run a build in a folder."""
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
