"""The dashboard asks only for what there is: every query is carried out, or its names are compared with the metrics of the process."""

import json
import re
import time
from itertools import chain
from pathlib import Path

import pytest
import yaml
from influxdb_client import InfluxDBClient
from influxdb_client.client.write_api import SYNCHRONOUS

from tests.interface import MEASUREMENTS, METRICS

HERE = Path(__file__).parent.parent / "config" / "dashboards"
BOARD = json.loads((HERE / "overview.json").read_text())
TARGETS = [(p["title"], t) for p in BOARD["panels"] for t in p.get("targets", [])]
VARIABLES = {v["name"]: v["query"]["query"] for v in BOARD["templating"]["list"]}
FLUX = [(title, t["query"]) for title, t in TARGETS if "query" in t] + [*VARIABLES.items()]
FLUX += [(a["name"], a["target"]["query"]) for a in BOARD["annotations"]["list"]]
PROMQL = [(title, t["expr"]) for title, t in TARGETS if "expr" in t]
VALUES = {"metric": "cpu", "field": "usage", "host": "a", "length": "60s", "detector": "profile"}
TAGS = VALUES | {"metric_field": "usage", "step": "60s", "horizon": "300s"}
ADDED = {"le", "instance"}  # by histograms, by whoever reads the page


def line(measurement, tags, fields, stamp):
    named = "".join(f",{tag}={TAGS.get(tag, 'x')}" for tag in ["host", *tags])
    text = {str: '"{}"', int: "{}i", float: "{}"}
    return f"{measurement}{named} {','.join(f'{k}={text[type(v)].format(v)}' for k, v in fields.items())} {stamp}"


@pytest.fixture(scope="module")
def store(influx):
    influx.influxql("CREATE DATABASE dashboards")
    now = time.time_ns() - 60_000_000_000
    lines = [line(name, tags, fields, now) for name, (tags, fields) in MEASUREMENTS.items()]
    with InfluxDBClient(influx.url, influx.token, org=influx.org) as client:
        client.write_api(write_options=SYNCHRONOUS).write("dashboards/autogen", influx.org, lines)
    return influx


@pytest.mark.parametrize(("title", "query"), FLUX, ids=[title for title, _ in FLUX])
def test_a_query_of_the_store_finds_what_is_stored(store, title, query):
    for name, value in VALUES.items():
        query = query.replace(f"${{{name}}}", value)
    values = {
        "defaultBucket": '"dashboards/autogen"',
        "timeRangeStart": "-1h",
        "timeRangeStop": "now()",
        "windowPeriod": "1m",
    }
    query = re.sub(r"\bv\.(\w+)", lambda m: values[m[1]], query)
    rows = store.flux(query)
    assert rows
    if title in VALUES:
        assert rows[0]["_value"] == VALUES[title]


@pytest.mark.parametrize(("title", "expression"), PROMQL, ids=[title for title, _ in PROMQL])
def test_a_query_of_metrics_names_a_metric_and_its_labels(title, expression):
    (metric,) = set(re.findall(r"alluse_\w+", expression))
    name = metric.removesuffix("_bucket")
    labels = set(chain.from_iterable(re.findall(r"\w+", group) for group in re.findall(r"by \(([^)]*)\)", expression)))
    assert labels <= METRICS[name] | ADDED


def test_panels_do_not_overlap_and_have_their_data_from_what_is_provisioned():
    sources = {s["uid"] for s in yaml.safe_load((HERE / "datasources.yml").read_text())["datasources"]}
    used = {p["datasource"]["uid"] for p in BOARD["panels"] if p["type"] != "row"} | {
        t["datasource"]["uid"] for _, t in TARGETS
    }
    assert used == sources
    cells = [
        (x, y)
        for p in BOARD["panels"]
        for x in range(p["gridPos"]["x"], p["gridPos"]["x"] + p["gridPos"]["w"])
        for y in range(p["gridPos"]["y"], p["gridPos"]["y"] + p["gridPos"]["h"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) == 23
    assert len({p["id"] for p in BOARD["panels"]}) == len(BOARD["panels"])
