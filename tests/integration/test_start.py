"""How the flow starts and ends as a process: exit codes, the lock of the recovery store, no recovery."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.integration.live import RUN, Live, telegraf, until, variables
from tests.services import Influx, Kafka
from tests.sources.running import ROOT

BYTEWAX = (sys.executable, "-m", "bytewax.run", "flows.main")


@pytest.fixture(scope="module")
def flow(broker: Kafka, influx: Influx, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with Live(tmp_path_factory.mktemp("start"), broker, influx, windows__every="60") as flow:
        flow.start()
        flow.send([(0, b"a", telegraf("cpu", {"host": "a"}, 1.0, 1_767_225_600))])
        flow.settle()
        yield flow


def ended(flow: Live, *command: str, **settings: str) -> tuple[int, str]:
    """Return exit code and words of a process that ends by itself."""
    env = flow.env | variables({"http__port": "0"} | settings)
    done = subprocess.run(command or RUN, env=env, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stdout + done.stderr


def test_a_second_instance_on_the_same_store_is_refused(flow):
    code, said = ended(flow)
    assert code == 2
    assert "is in use by another process" in said
    assert f"process {flow.processes[0].pid}" in said
    assert flow.alive()
    assert flow.page("readyz")[0] == 200


def test_a_misspelt_setting_is_refused_and_the_nearest_named(flow):
    code, said = ended(flow, kafka__bootstrap_server="localhost:1")
    assert code == 2
    assert "ALLUSE_KAFKA__BOOTSTRAP_SERVER" in said
    assert "nearest is ALLUSE_KAFKA__BOOTSTRAP_SERVERS" in said


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({"detect__points": "ewmaa"}, "ewma"),
        ({"kafka__client__linger_mss": "5"}, "linger.mss"),
    ],
)
def test_a_wrong_value_is_refused(flow, tmp_path, settings, word):
    code, said = ended(flow, **settings, recovery__directory=str(tmp_path))
    assert code == 2
    assert word in said
    assert "Traceback" not in said


def test_another_store_than_the_settings_is_refused(flow, tmp_path):
    code, said = ended(flow, *BYTEWAX, "-r", str(tmp_path), "-s", "1", "-b", "0")
    assert code == 2
    assert "recovery.directory" in said


def test_a_stop_ends_with_0_and_the_store_is_free_again(flow):
    assert flow.stop() == [0]
    flow.start()
    flow.ready()
    assert flow.page("healthz") == (200, "ok\n")
    assert flow.stop() == [0]


def test_windows_that_the_state_does_not_fit_are_refused_not_retried(flow):
    code, said = ended(flow, windows__every="60,300")
    assert code == 2
    assert "windows.every was [60] when state was saved" in said


def test_without_recovery_it_warns_and_is_not_ready(flow):
    flow.start(*BYTEWAX)
    assert flow.unready("recovery") == "no recovery"
    assert "NO RECOVERY" in flow.said()
    until(lambda: flow.page("healthz")[0] == 200)
    assert flow.stop() == [0]
