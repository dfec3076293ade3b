"""A peer on the same work: Flink, built with Maven, run beside our own."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable

import psutil

from scripts.measures.figure import Task
from scripts.measures.load import START, WINDOW, Load
from scripts.measures.servers import Servers
from scripts.measures.watch import STEP, built

PACK = ["mvn", "-q", "-B", "package", "dependency:copy-dependencies", "-DoutputDirectory=target/libs"]
JAVA = ["java", "-Xmx2g", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"]


def pace(servers: Servers, topic: str, load: Load, limit: float = 900.0) -> float:
    """Return points/s between a quarter and all of the whole windows of a load, by the growth of the topic that they go to.

    The first window and the last of each series are partly filled; the last come when they may, and are not waited for.
    """
    every = len(range(START // WINDOW, (START + load.points) // WINDOW)) * load.series
    begin: tuple[float, int] = (0.0, 0)
    end = time.monotonic() + limit
    while time.monotonic() < end:
        now, windows = time.monotonic(), servers.ends(topic)
        if windows >= every:
            grown = (every - begin[1]) / every * len(load)
            return grown / (now - begin[0]) if begin[1] else float(len(load))
        if not begin[1] and windows >= every / 4:
            begin = now, windows
        time.sleep(STEP)
    raise TimeoutError(f"{servers.ends(topic)} of {every} windows after {limit:.0f} s")


def flink(task: Task) -> Callable[[Load], float]:
    """Build the peers' Flink job in a folder of ours; return what runs it once on a load and tells its points/s."""
    assert task.peers is not None
    home = task.folder / "flink"
    shutil.copytree(task.peers / "flink", home)
    for path in (home, *home.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    task.say("work: building Flink's job")
    built(PACK, home)

    def run(load: Load) -> float:
        name = f"flink-{time.time_ns():x}"
        alerts, windows = task.servers.topic(f"alerts-{name}"), task.servers.topic(f"windows-{name}")
        env = os.environ | {
            "BENCH_TOPIC": load.topic,
            "BENCH_N": str(len(load)),
            "ALERTS_TOPIC": alerts,
            "WINDOWS_TOPIC": windows,
            "BOOTSTRAP": task.servers.kafka.bootstrap,
            "RUN_ID": name,
        }
        command = [*JAVA, f"-Djava.io.tmpdir={home}", "-cp", "target/flink-peer-1.jar:target/libs/*", "bench.Job"]
        with open(home / f"{name}.log", "wb") as log:
            job = psutil.Popen(command, cwd=home, env=env, stdout=log, stderr=log)
        try:
            return pace(task.servers, windows, load)
        finally:
            job.terminate()
            job.wait(30)

    return run
