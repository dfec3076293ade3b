"""Every query of docs/queries.md is carried out on what the flow itself wrote; those of one question find the same."""

from __future__ import annotations

import json
import random
import re
import sqlite3
import time
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import urlopen

import numpy as np
import pytest
from bytewax.testing import TestingSink, TestingSource, run_main
from influxdb_client import InfluxDBClient
from influxdb_client.client.write_api import SYNCHRONOUS

from config.records import SECOND, Poll, Rows
from config.rules import Rule, rules_of
from config.settings import load
from flows.correlate import plan
from flows.main import Ends, learning
from operators.correlate import Correlate
from operators.correlate.arrivals import Reading
from sinks.line_protocol import LineProtocol
from sinks.message import result_messages
from sinks.sqlite import SqliteWriter

PAGE = Path(__file__).parent.parent / "docs" / "queries.md"
QUESTIONS = {
    part.split("\n", 1)[0]: dict(re.findall(r"```(\w+)\n(.*?)```", part, re.DOTALL))
    for part in PAGE.read_text().split("\n## ")[1:]
}
BY_LANGUAGE = [(question, language) for question, found in QUESTIONS.items() for language in found]
HOURS = 3


def messages(now: int) -> list[tuple[int, bytes]]:
    """(stamp, message): three hosts of two gauges and a counter; one falls for a while, one still does; one point is late, one broken."""
    dice, out, noise = random.Random(3), [], []
    for number, t in enumerate(range(now - HOURS * 3600, now + 1, 10)):
        for k in range(3):
            host, fallen = f"web-{k}", (k == 2 and now - 4000 < t < now - 3000) or (k == 0 and t > now - 400)
            idle = 90 + 3 * np.sin(t / 600 + k) + dice.gauss(0, 1) - 60 * fallen
            cpu = {"name": "cpu", "tags": {"host": host}, "fields": {"usage_idle": round(idle, 3)}, "timestamp": t}
            out.append((t, json.dumps(cpu | {"producer": "agent", "seq": 3 * number + k}).encode()))
            out.append((t, f"disk,host={host} used={number * (k + 1) + dice.random()} {t}".encode()))
            text = f'# TYPE http_requests_total counter\nhttp_requests_total{{host="{host}"}} {t % 10**6 * 7} {t}000\n'
            out.append((t, text.encode()))
            noise.append(idle)
        if number > 6:  # a queue that follows web-2's processor a minute later
            out.append((t, f"queue,host=web-2 depth={100 - noise[-19]} {t}".encode()))
    out.append((now, f"disk,host=web-0 used=1 {now - 95}".encode()))
    return [*out, (now, b"{")]


@pytest.fixture(scope="module")
def stored():
    """What the flow stores of these messages, which end now."""
    now = int(time.time()) // 10 * 10
    sent = messages(now)
    cut = [slice(i, i + 500) for i in range(0, len(sent), 500)]
    polls = [Poll.of([m for _, m in sent[at]], offset=at.start, stamp=[t * SECOND for t, _ in sent[at]]) for at in cut]
    polls.append(Poll("metrics", 0, [], [], idle=120 * SECOND))
    settings = load(
        {
            "ALLUSE_STORE__SCORES": "all",
            "ALLUSE_LEARN__MODELS": "holt_winters,combination",
            "ALLUSE_LEARN__HORIZONS": "1m,15m,1h",
            "ALLUSE_LEARN__BOUNDS": '{"disk used": {"above": 1200.0}}',
        }
    )
    out, nothing = [], TestingSink([])
    ends = Ends(TestingSource([(p.shard, p) for p in polls]), {"list": TestingSink(out)}, nothing, nothing, nothing)
    fallen = Rule(name="IdleLow", metric="cpu", step="60s", value="mean", below=60.0)
    run_main(learning(settings, (*rules_of(settings), fallen), ends))
    stored = [item for _, item in out]
    return [*stored, *correlations(stored)]


def correlations(stored):
    """What flows.correlate makes of the windows."""
    rows = [item for item in stored if isinstance(item, Rows) and item.measurement == "windows"]
    sent = [message for item in rows for message in result_messages("results")(item)]
    poll = Poll.of([m.value for m in sent], keys=[m.key for m in sent], topic="results")
    wanted = plan(load({"ALLUSE_STORE__KIND": "kafka"}))
    return Correlate(wanted, [poll.shard]).update(Reading("60s").update(poll))


@pytest.fixture(scope="module")
def file(stored, tmp_path_factory):
    path = tmp_path_factory.mktemp("queries") / "alluse.db"
    writer = SqliteWriter(str(path))
    writer.write(stored)
    writer.close()
    return path


@pytest.fixture(scope="module")
def server(influx, stored):
    influx.influxql("CREATE DATABASE analysts")
    render = LineProtocol()
    with InfluxDBClient(influx.url, influx.token, org=influx.org, timeout=60_000) as client:
        api = client.write_api(write_options=SYNCHRONOUS)
        for item in stored:
            if body := render(item).body():
                api.write("analysts/autogen", influx.org, body)
    return influx


@pytest.fixture(scope="module")
def ask(server, file):
    def flux(query):
        return server.flux(query.replace('"metrics"', '"analysts/autogen"'))

    def influxql(query):
        asked = urlencode({"q": query, "db": "analysts"}).encode()
        with urlopen(f"{server.url}/query", data=asked, timeout=60) as response:
            answer = json.load(response)["results"][0]
        assert "error" not in answer, answer
        return [row for series in answer.get("series", []) for row in series["values"]]

    def sql(query):
        with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as db:
            return db.execute(query).fetchall()

    return {"flux": flux, "influxql": influxql, "sql": sql}


@pytest.mark.parametrize(("question", "language"), BY_LANGUAGE, ids=lambda x: x)
def test_a_query_finds_something(ask, question, language):
    assert ask[language](QUESTIONS[question][language])


@pytest.mark.parametrize("question", QUESTIONS)
def test_the_queries_of_a_question_find_as_many_rows(ask, question):
    found = {language: len(ask[language](query)) for language, query in QUESTIONS[question].items()}
    assert len(found) >= 2
    assert len(set(found.values())) == 1, found
