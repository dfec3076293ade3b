"""The barrier: what a flow has committed is in the store, whatever kills it."""

import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from config.records import MetricBatch
from config.stop import STOP
from sinks.patience import Backoff, Patience
from sinks.writer import Sink, Threaded
from tests.services.process import free_port

ROOT = Path(__file__).parent.parent.parent

FLOW = """
import sys, time
import bytewax.operators as op
from bytewax.dataflow import Dataflow
from bytewax.inputs import FixedPartitionedSource, StatefulSourcePartition
from config.records import MetricBatch
from config.settings import load
from config.stop import STOP
from sinks.sqlite import sqlite

class Part(StatefulSourcePartition):
    def __init__(self, name, at): self.name, self.at = name, at or 0
    def next_batch(self):
        if self.at == N: raise StopIteration
        self.at += 1
        time.sleep(0.001)
        return [(self.name, MetricBatch.of([(f"m,part={self.name},n={n} x", self.at, self.at + n / 4) for n in range(5)]))]
    def snapshot(self): return self.at

class Counting(FixedPartitionedSource):
    def list_parts(self): return ["a", "b", "c"]
    def build_part(self, step, name, at): return Part(name, at)

N = 1500
flow = Dataflow("counting")
op.output("store", op.input("in", flow, Counting()), sqlite(load()))
"""


@pytest.fixture
def flow(tmp_path):
    """Run the counting flow: start(*arguments) gives the process; it writes alluse.db."""
    (tmp_path / "counting.py").write_text(FLOW)
    env = {**os.environ, "PYTHONPATH": f"{tmp_path}:{ROOT}", "ALLUSE_SQLITE__PATH": str(tmp_path / "alluse.db")}
    started = []

    def start(*arguments):
        command = [sys.executable, "-m", "bytewax.run", "counting", *arguments]
        started.append(subprocess.Popen(command, cwd=tmp_path, env=env, stderr=subprocess.DEVNULL))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()


def stored(tmp_path):
    db = sqlite3.connect(tmp_path / "alluse.db")
    try:
        return db.execute("select count(*), sum(value) from points").fetchone()
    finally:
        db.close()


EVERY = (3 * 1500 * 5, 3 * sum(k + n / 4 for k in range(1, 1501) for n in range(5)))


def test_kills_lose_nothing(flow, tmp_path):
    (tmp_path / "recovery").mkdir()
    subprocess.run([sys.executable, "-m", "bytewax.recovery", "recovery", "1"], cwd=tmp_path, check=True)
    for wait in (1.6, 1.9, 1.7):
        process = flow("-r", "recovery", "-s", "1", "-b", "0")
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(wait)
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert flow("-r", "recovery", "-s", "1", "-b", "0").wait(60) == 0
    assert stored(tmp_path) == EVERY


def test_a_cluster_writes_everything(flow, tmp_path):
    addresses = ";".join(f"127.0.0.1:{port}" for port in (free_port(), free_port()))
    both = [flow("-i", str(n), "-a", addresses) for n in range(2)]
    assert [process.wait(60) for process in both] == [0, 0]
    assert stored(tmp_path) == EVERY


class Gate:
    """A writer that takes what the test lets it take."""

    name = "gate"

    def __init__(self):
        self.open, self.taken, self.calls, self.safe = threading.Event(), [], 0, True

    def write(self, items):
        self.open.wait()
        self.calls += 1
        if any(item == "poison" for item in items):
            raise ValueError("cannot be written")
        self.taken += items

    def flushed(self, seconds):
        time.sleep(0.01)
        return self.safe

    def close(self):
        self.closed = True


def test_a_full_queue_holds_back_and_what_waits_is_written_together():
    gate = Gate()
    part = Threaded(gate, capacity=10)
    thread = threading.Thread(target=lambda: part.write_batch(["x"] * 50))
    thread.start()
    thread.join(0.3)
    assert thread.is_alive()
    assert len(part._items) <= 10
    gate.open.set()
    thread.join(10)
    part.snapshot()
    assert gate.taken == ["x"] * 50
    assert gate.calls < 50
    part.close()
    assert gate.closed


def test_the_barrier_waits_for_what_goes_on_behind_the_writer():
    gate = Gate()
    gate.open.set()
    gate.safe = False
    part = Threaded(gate)
    part.write_batch(["x"])
    thread = threading.Thread(target=part.snapshot)
    thread.start()
    thread.join(0.3)
    assert thread.is_alive()
    gate.safe = True
    thread.join(10)
    assert not thread.is_alive()


def test_an_error_of_the_thread_ends_the_flow():
    gate = Gate()
    gate.open.set()
    part = Threaded(gate)
    part.write_batch(["good", "poison"])
    with pytest.raises(RuntimeError, match="sink gate: cannot be written"):
        part.snapshot()
    with pytest.raises(RuntimeError, match="sink gate: cannot be written"):
        part.write_batch(["more"])


def test_batches_are_weighed_by_their_points():
    gate = Gate()
    part = Threaded(gate, capacity=100)
    batch = MetricBatch.of([("m x", k, 1.0) for k in range(60)])
    thread = threading.Thread(target=lambda: part.write_batch([batch] * 8))
    thread.start()
    thread.join(0.3)
    assert thread.is_alive()
    gate.open.set()
    thread.join(10)
    part.snapshot()
    assert len(gate.taken) == 8


def test_patience_ends_only_after_a_wish_to_stop_and_without_progress():
    left = []
    patience = Patience("s", limit=0.2, leave=left.append)
    end = time.monotonic() + 0.4
    while time.monotonic() < end:
        patience.check(0)
    assert left == []
    STOP.ask()
    mark, end = 0, time.monotonic() + 0.4
    while time.monotonic() < end:
        patience.check(mark := mark + 1)
    assert left == []
    while not left and time.monotonic() < end + 10:
        patience.check(mark)
    assert left == ["s"]


def test_pauses_grow_differ_and_obey_the_service():
    pauses = []
    backoff = Backoff("s", first=1, longest=8, sleep=pauses.append)
    for _ in range(6):
        backoff.pause()
    backoff.pause(at_least=30)
    for pause, most in zip(pauses, (1, 2, 4, 8, 8, 8), strict=False):
        assert most / 2 <= pause <= most
    assert len(set(pauses)) == 7
    assert pauses[-1] == 30


def test_every_key_goes_to_the_one_partition():
    sink = Sink(lambda: Threaded(Gate()))
    assert sink.list_parts() == ["out"]
    assert {sink.part_fn(f"metrics-{k}") for k in range(100)} == {0}
