"""The recovery store in use by real processes."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import bytewax.operators as op
import pytest
from bytewax.dataflow import Dataflow
from bytewax.recovery import RecoveryConfig
from bytewax.testing import TestingSink, TestingSource, run_main

from config.recovery import PAGE, StoreError, check, prepare
from config.telemetry import READY
from tests.sources.running import Tiny, send, until

Topic = Callable[..., str]


def test_a_second_instance_is_refused_and_the_first_goes_on(tmp_path: Path, kafka: str, topic: Topic) -> None:
    name = topic(1)
    with Tiny(tmp_path, kafka, name) as tiny:
        first = tiny.start()
        until(tiny.items)
        assert tiny.start().wait(60) == 2
        assert f"in use by another process (process {first.pid})" in tiny.said()
        send(kafka, name, range(5))
        until(lambda: len(tiny.values()) == 5)
        first.kill()
        first.wait()
        tiny.start()  # the lock died with its owner
        send(kafka, name, range(5, 10))
        until(lambda: len(set(tiny.values())) == 10)
        assert tiny.stop() == 0


def test_another_store_than_the_settings_is_refused(tmp_path: Path) -> None:
    with Tiny(tmp_path, "127.0.0.1:1", "metrics") as tiny:
        prepare(tmp_path / "other")
        assert tiny.start("-r", str(tmp_path / "other"), "-s", "1", "-b", "0").wait(60) == 2
        assert f"-r {tmp_path / 'other'} is not the settings' recovery.directory" in tiny.said()


def test_a_store_from_the_environment_counts(tmp_path: Path) -> None:
    prepare(tmp_path / "store")
    with pytest.raises(StoreError, match="is not the settings'"):
        check(tmp_path / "store", ["python"], {"BYTEWAX_RECOVERY_DIRECTORY": str(tmp_path / "other")})
    check(tmp_path / "store", ["python"], {"BYTEWAX_RECOVERY_DIRECTORY": str(tmp_path / "store" / ".." / "store")})


def test_a_store_that_was_never_made_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="holds no recovery store"):
        check(tmp_path, ["bytewax/run.py", "flows.main", "-r", str(tmp_path)], {})


def test_only_process_0_of_a_cluster_takes_the_lock(tmp_path: Path) -> None:
    prepare(tmp_path)
    for process in ("0", "1"):
        check(tmp_path, ["bytewax/run.py", "flows.main", "-i", process, f"-r{tmp_path}"], {})
    with pytest.raises(StoreError, match="in use"):
        check(tmp_path, ["bytewax/run.py", "flows.main", f"--recovery-directory={tmp_path}"], {})


def test_no_store_is_said_loudly(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    check(tmp_path, ["bytewax/run.py", "flows.main"], {})
    assert READY.reasons()["recovery"] == "no recovery"
    READY.clear("recovery")
    assert "NO RECOVERY" in caplog.text


def test_a_new_store_is_as_bytewax_opens_it(tmp_path: Path) -> None:
    prepare(tmp_path)
    with sqlite3.connect(tmp_path / "part-0.sqlite3") as store:
        assert store.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    store.close()


def test_a_new_store_has_large_pages_and_bytewax_goes_on_in_it(tmp_path: Path) -> None:
    prepare(tmp_path)
    items = [("a", 1), ("a", 2), TestingSource.ABORT(), ("a", 1)]  # it stops there once
    for expected in ([("a", 1), ("a", 3)], [("a", 4)]):
        got: list[tuple[str, int]] = []
        graph = Dataflow("sums")
        up = op.input("up", graph, TestingSource(items))
        sums = op.stateful_map("sum", up, lambda total, n: ((total or 0) + n, (total or 0) + n))
        op.output("down", sums, TestingSink(got))
        run_main(graph, epoch_interval=timedelta(0), recovery_config=RecoveryConfig(str(tmp_path)))
        assert got == expected
    with sqlite3.connect(tmp_path / "part-0.sqlite3") as store:
        assert store.execute("PRAGMA page_size").fetchone() == (PAGE,)
    store.close()
