"""The demo, run as a person runs it: alerts as they come, a report that is complete in itself, exit 0."""

from __future__ import annotations

import contextlib
import doctest
import importlib
import json
import os
import pty
import re
import signal
import subprocess
import sys
import urllib.request
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import psutil
import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from scripts.demonstration.cluster import MockCluster
from scripts.demonstration.plot import frame
from scripts.demonstration.recordings import FOLDER, WEEK, Incident, load
from scripts.demonstration.replay import homes
from scripts.demonstration.store import Fired, Store
from scripts.demonstration.summary import outcome

ROOT = Path(__file__).parent.parent
MODULES = sorted(f.stem for f in (ROOT / "scripts" / "demonstration").glob("[a-z]*.py"))
NOW = 1_767_225_600.0
TAXI = "taxi,city=new-york passengers"


class Page(HTMLParser):
    """Counts what a page holds, and notes every address it names."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.classes: list[str] = []
        self.addresses: list[str] = []
        self.ids: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        given = dict(attrs)
        self.classes += (given.get("class") or "").split()
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href", "action", "data", "srcset")]
        self.ids += [given["id"] or ""] if "id" in given else []


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """What the demo printed of two series, and its report."""
    report = tmp_path_factory.mktemp("demo") / "deep" / "report.html"
    command = [str(ROOT / "scripts" / "demo"), "--seconds", "4", "--series", "2", "--report", str(report)]
    done = subprocess.run(command, cwd="/", capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout, report.read_text()


def test_it_says_what_stands_in_for_kafka_and_prints_alerts_as_they_come(shown: tuple[str, str]) -> None:
    printed, _ = shown
    assert "mock cluster of librdkafka" in printed
    first, summary = printed.index("▲ firing"), printed.index("labelled incidents found")
    assert first < summary
    assert re.search(r"▲ firing +2014-11-27 .*TaxiPassengersAnomaly .*expected .* low, profile", printed)
    assert re.search(r"✔ resolved", printed)
    assert re.search(r"Taxi passengers in New York +●●●●● 5 of 5", printed)
    assert re.search(r"Requests to a load balancer +●● +2 of 2", printed)


def test_the_report_has_plots_and_needs_no_network(shown: tuple[str, str]) -> None:
    _, text = shown
    page = Page()
    page.feed(text)
    assert page.tags.count("svg") >= 2 * 3 + 7  # of a series the whole, the usual day, the day ahead; of each alert one
    assert {"band", "value", "odd", "incident", "alerted", "forecast", "weekend"} <= set(page.classes)
    assert [address for address in page.addresses if not address.startswith(("#", "data:,"))] == []
    assert {address[1:] for address in page.addresses if address.startswith("#")} <= set(page.ids)
    assert re.search(r"url\(|@import|fetch\(|XMLHttp", text) is None


def test_the_numbers_under_the_pointer_are_those_of_the_recording(shown: tuple[str, str]) -> None:
    rows = json.loads(re.findall(r'<script type="application/json">(.*?)</script>', shown[1])[0])
    recording = load(NOW)[0]
    hours = np.array([time for time, _ in recording.points]) // 3600 * 3600
    values = np.array([value for _, value in recording.points])
    for _, time, mean, *_ in rows[:-1:100]:
        assert mean == pytest.approx(values[hours == time].mean(), rel=1e-3)


def test_this_machine_s_metrics_came_through(shown: tuple[str, str]) -> None:
    assert 'id="machine"' in shown[1]
    assert "Processor, % busy" in shown[1]


def test_kept_running_it_answers_and_ends_when_asked(tmp_path: Path) -> None:
    report = str(tmp_path / "r.html")
    command = [str(ROOT / "scripts" / "demo"), "--keep", "--seconds", "1", "--series", "1", "--report", report]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as demo:
        assert demo.stdout is not None
        told: dict[str, str] = {}
        for line in demo.stdout:
            told |= dict(re.findall(r"export (\w+)=(\S+)", line))
            if "HTTP__PORT" in line:
                break
        try:
            address = f"http://127.0.0.1:{told['ALLUSE_HTTP__PORT']}/readyz"
            with urllib.request.urlopen(address, timeout=10) as answer:
                assert answer.status == 200
            assert Store(Path(told["ALLUSE_SQLITE__PATH"])).story(TAXI).time.size > 2000
        finally:
            demo.send_signal(signal.SIGINT)
            demo.stdout.read()
    assert demo.returncode == 0
    assert not Path(told["ALLUSE_SQLITE__PATH"]).exists()


def test_ended_early_it_takes_its_flows_along(tmp_path: Path) -> None:
    command = [str(ROOT / "scripts" / "demo"), "--seconds", "600", "--report", str(tmp_path / "r.html")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as demo:
        assert demo.stdout is not None
        assert any("ready after" in line for line in demo.stdout)
        flows = psutil.Process(demo.pid).children(recursive=True)
        demo.send_signal(signal.SIGTERM)
        _, said = demo.communicate(timeout=60)
    assert (demo.returncode, said) == (130, "ended early\n")
    assert len(flows) >= 2
    assert [flow for flow in flows if flow.is_running()] == []


def test_at_a_terminal_it_draws_a_picture(tmp_path: Path) -> None:
    command = [str(ROOT / "scripts" / "demo"), "--seconds", "2", "--series", "1", "--report", str(tmp_path / "r.html")]
    ours, theirs = pty.openpty()
    env = os.environ | {"TERM": "xterm-256color", "COLUMNS": "140", "LINES": "40"}
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=env) as demo:
        os.close(theirs)
        drawn = b""
        with contextlib.suppress(OSError):  # how Linux says that the other end is closed
            while part := os.read(ours, 65536):
                drawn += part
    os.close(ours)
    text = drawn.decode()
    assert demo.returncode == 0, text
    assert "newest alerts" in text
    assert "points/s" in text
    assert re.search("[▁▂▃▄▅▆▇█]{12}", text)


def test_a_flow_that_ends_by_itself_is_told_with_its_reason(tmp_path: Path) -> None:
    code = (
        "from pathlib import Path; from scripts.demonstration.processes import *;"
        f"env = environment('127.0.0.1:1', Path({str(tmp_path)!r}), 0) | {{'ALLUSE_WINDOWS__EVRY': '1'}};"
        f"flow = Flow('main', env, Path({str(tmp_path)!r})); until_ready([flow], 1)"
    )
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, text=True, timeout=60, check=False
    )
    assert "FlowError: flows.main ended with 2" in done.stderr
    assert "ALLUSE_WINDOWS__EVERY" in done.stderr


def test_the_mock_cluster_keeps_what_it_is_sent() -> None:
    with MockCluster({"a": 3}) as cluster:
        producer = Producer({"bootstrap.servers": cluster.bootstrap})
        producer.produce("a", b"x", b"k", 2)
        assert producer.flush(30) == 0
        consumer = Consumer({"bootstrap.servers": cluster.bootstrap, "group.id": "t"})
        consumer.assign([TopicPartition("a", 2, 0)])
        message = consumer.poll(30)
        assert message is not None
        assert (message.value(), message.key(), message.offset()) == (b"x", b"k", 0)
        assert len(consumer.list_topics("a", 10).topics["a"].partitions) == 3
        consumer.close()


def test_recordings_end_now_and_weekdays_stay() -> None:
    recordings = load(NOW)
    assert len({recording.metric for recording in recordings}) == len(recordings)
    for recording in recordings:
        stamps = [time for time, _ in recording.points]
        assert 0 <= NOW - (stamps[-1] + recording.shift) < WEEK
        assert recording.shift % WEEK == 0
        assert stamps == sorted(stamps)
        assert recording.incidents
        assert all(stamps[0] < it.start < it.end <= stamps[-1] + 3600 for it in recording.incidents), recording.title
    assert {f.name for f in FOLDER.glob("LICENCE*")} == {"LICENCE-NAB.txt", "LICENCE-Microsoft.txt"}


def test_a_recording_never_shares_a_partition() -> None:
    for host in ("a", "b", "some-host", "vm"):
        own = homes(7, host)
        assert len(set(own)) == 7
        assert set(own) <= set(range(8))


def fired(start: int, end: int) -> Fired:
    return Fired("A", "warning", TAXI, start, start, end, 1.0, 2.0, 0.0, 0.5, "high", "", False)


def test_an_incident_is_found_by_an_alert_that_overlaps_it() -> None:
    recording = load(NOW)[0]
    one: Incident = recording.incidents[0]
    inside, before = one.start + recording.shift, one.start + recording.shift - 7200
    it = outcome(recording, [fired(inside, inside + 3600), fired(before, before + 7200)])
    assert it.found == [one]
    assert [alert.start for alert in it.beside] == [before]


def test_a_plot_leaves_gaps_where_numbers_are_missing() -> None:
    x, y = np.arange(5.0), np.array([0.0, 1.0, np.nan, 1.0, 0.0])
    plot = frame(x, [y], "gaps")
    plot.line("value", x, y)
    plot.band("band", x, y, y + 1)
    (_, line), (_, band) = plot.paths
    assert (line.count("M"), band.count("M"), band.count("Z")) == (2, 2, 2)
    assert "nan" not in line + band


def test_a_store_that_is_not_there_is_empty(tmp_path: Path) -> None:
    store = Store(tmp_path / "none.db")
    assert (store.alerts(), store.count("points"), len(store.story("a b"))) == ([], 0, 0)


@pytest.mark.parametrize("name", [name for name in MODULES if name != "__main__"])
def test_examples_run(name: str) -> None:
    module = importlib.import_module(f"scripts.demonstration.{name}")
    assert doctest.testmod(module, optionflags=doctest.NORMALIZE_WHITESPACE).failed == 0
