"""The documents are complete and true: what a person can name is named there, tables equal the code's, what can be run runs."""

import ast
import json
import re
import subprocess
import tomllib
import uuid
from importlib.metadata import requires
from pathlib import Path
from textwrap import dedent

import numpy as np
import pytest
from confluent_kafka import Consumer, Message, Producer
from confluent_kafka.admin import AdminClient, ConfigResource, ConfigSource, ResourceType

from config import recovery
from config.layers import keys
from config.records import MetricBatch, Poll, Scored, Silences
from config.recovery import WRONG
from config.rules import Rule, read_rules
from config.settings import ANSWERS, Settings, load
from operators.alert import Alerts
from operators.anomaly import DETECTORS
from operators.decode import FORMATS, Decoder, Names
from operators.learn import MODELS
from operators.trend import TRENDS
from tests.interface import ERROR_CODES, MEASUREMENTS, METRICS
from tests.services.__main__ import TOPICS

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
OPERATIONS = ROOT / "docs" / "operations.md"
PAGES = [README, *sorted((ROOT / "docs").glob("*.md"))]
TEXT = "\n".join(page.read_text() for page in PAGES)
LAYERS = ("config", "operators", "sources", "sinks", "flows")
CODE = [f.relative_to(ROOT) for layer in LAYERS for f in sorted((ROOT / layer).rglob("*.py"))]
SOURCE = "\n".join((ROOT / f).read_text() for f in CODE)
SCRIPTS = sorted(f"scripts/{f.name}" for f in (ROOT / "scripts").iterdir() if f.is_file() and f.suffix == "")
FLOWS = [f.stem for f in (ROOT / "flows").glob("[a-z]*.py") if "\ndef flow(" in f.read_text()]
FIELDS = {name: list(fields) for name, (_, fields) in MEASUREMENTS.items()}
OTHER_TRENDS = [field for factory in TRENDS.values() for field in factory().fields if field not in FIELDS["trends"]]
NAMES = {
    "script": SCRIPTS,
    "flow": [f"flows.{flow}" for flow in FLOWS],
    "detector": list(DETECTORS),
    "trend": list(TRENDS),
    "model": list(MODELS),
    "format": list(FORMATS),
    "topic": [topic["name"] for topic in load({}).topics.model_dump(exclude={"rekey"}).values()],
    "measurement": list(MEASUREMENTS),
    "field": sorted({field for fields in FIELDS.values() for field in fields}),
    "tag": sorted({tag for tags, _ in MEASUREMENTS.values() for tag in tags}),
    "metric": sorted({*METRICS, *re.findall(r'"(alluse_\w+)"', SOURCE)} - {m.removesuffix("_total") for m in METRICS}),
    "error code": ERROR_CODES,
    "event": sorted(set(re.findall(r'\bEvent\("([a-z-]+)"', SOURCE))),
    "exit code": ["0", "1", str(WRONG)],
}
INFO = {"alluse_build"}  # the client library adds _info


def words(text):
    """Return what stands between backquotes, and each word of it; in the first cell of a table also what is bare."""
    spans = re.findall(r"`([^`\n]+)`", text) + re.findall(r"^\| (\S+) \|", text, re.MULTILINE)
    return {*spans, *(word for span in spans for word in re.split(r"[\s,{}()|]+", span))}


def table(page, heading):
    """Return the rows of the table under a header row that begins with `heading`, cells by column."""
    lines = page.read_text().splitlines()
    at = next(i for i, line in enumerate(lines) if line.startswith(f"| {heading} |"))
    rows = []
    for line in lines[at + 2 :]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]])
    return rows


def code(cell):
    return re.findall(r"`([^`]+)`", cell)


def blocks(page, language):
    return [
        dedent(b) for b in re.findall(rf"^ *```{language}\n(.*?)^ *```", page.read_text(), re.DOTALL | re.MULTILINE)
    ]


@pytest.mark.parametrize("kind", NAMES)
def test_every_name_stands_in_the_documents(kind):
    assert NAMES[kind]
    assert [name for name in NAMES[kind] if name not in words(TEXT) | INFO] == []


def test_the_table_of_settings_is_that_of_the_code():
    """Every key with its default, and a mark at those that are part of `config_hash`."""
    defaults = load({}).model_dump(mode="json")
    rows = {code(key)[0]: (code(default), "¹" in key) for key, default, _ in table(OPERATIONS, "key")}
    known = [path for path in keys(Settings) if len(path) == 2] + [("metric",), ("detector",)]
    assert set(rows) == {".".join(path) for path in known}
    told = {"topics.metrics", "topics.rekey", "alerts.rules"}
    for name, (default, marked) in rows.items():
        section, _, key = name.partition(".")
        assert marked == (section in ANSWERS or name in told), name
        value = defaults[section][key] if key else defaults[section]
        value = value["name"] if isinstance(value, dict) and "name" in value else value
        if default:
            assert default[0] == shown(value), name
        else:
            assert value in ("", {}), name


def shown(value):
    if isinstance(value, list):
        return str(value).replace("'", '"')
    if isinstance(value, dict):
        return ", ".join(f'"{k}" = "{v}"' for k, v in value.items())
    return str(value).lower() if isinstance(value, bool) else str(value)


def test_the_drawing_counts_the_formats():
    assert f"any of {len(FORMATS)} formats" in README.read_text()


def test_the_tables_of_the_readme_are_those_of_the_code():
    first = {
        "detector": list(DETECTORS),
        "trend (`trend.windows`)": list(TRENDS),
        "River model (`learn.models`)": list(MODELS),
        "reject code": ERROR_CODES,
        "script": SCRIPTS,
    }
    for heading, names in first.items():
        assert sorted(code(row[0])[0] for row in table(README, heading)) == sorted(names), heading


def test_the_table_of_detectors_says_where_they_run_and_how_large_they_are():
    chosen = load({}).detect
    for cell, _, step, _, size in table(README, "detector"):
        (name,) = code(cell)
        used = {"points": name in chosen.points, "windows": name in chosen.windows}
        assert step == (" ".join(s for s, yes in used.items() if yes) or "–"), name
        assert size == f"{DETECTORS[name]().row.dtype.itemsize} B", name


def test_the_table_of_trends_names_their_fields():
    for cell, _, fields, _ in table(README, "trend (`trend.windows`)"):
        assert code(fields) == list(TRENDS[code(cell)[0]]().fields)


def test_the_table_of_topics_is_that_of_the_settings():
    topics = load({}).topics
    named = [name for row in table(README, "topic") for name in code(row[0])]
    assert sorted(named) == sorted(getattr(topics, key).name for key in TOPICS)


def test_the_table_of_measurements_is_the_interface():
    rows = {code(row[0])[0]: row for row in table(README, "measurement") if code(row[0])}
    assert rows.keys() == MEASUREMENTS.keys()
    for name, (tags, fields) in MEASUREMENTS.items():
        series = {"metric", "metric_field"} if name == "events" else set()
        more = OTHER_TRENDS if name == "trends" else []
        assert set(code(rows[name][2])) == set(tags) | series, name
        assert sorted(code(rows[name][3])) == sorted([*fields, *more]), name


def test_the_table_of_metrics_names_their_labels():
    for name, _ in table(OPERATIONS, "metric"):
        metric, labels = re.fullmatch(r"`(\w+?)(?:\{(.*)\})?`", name).groups()
        assert set((labels or "").split(",")) - {""} == METRICS.get(metric, {"state"}), metric


def test_every_reason_of_readiness_has_its_line():
    given = set(re.findall(r'READY\.(?:set|clear)\(f?"([a-z-]+)', SOURCE)) | {"kafka", "rights", "influx", "sqlite"}
    given |= set(re.findall(r'CONDITION = "([a-z-]+)"', SOURCE))
    assert {code(row[0])[0].split(" ")[0] for row in table(OPERATIONS, "reason")} == given


def test_every_warning_and_error_of_the_log_has_its_line():
    """What the code says, up to the first thing it fills in, begins or goes on in a line of the table."""
    lines = " ".join(span for row in table(OPERATIONS, "line") for span in code(row[0]))
    for template in logged():
        parts = [part.split()[:3] for part in re.split(r"%\S+|\{[^}]*\}|[:;,(]", template)]
        longest = max(map(len, parts))
        assert any(" ".join(part) in lines for part in parts if len(part) >= min(2, longest)), template


def logged():
    """Yield the constant texts of warnings and errors in the code."""
    for node in (n for f in CODE for n in ast.walk(ast.parse((ROOT / f).read_text()))):
        called = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        if not called or node.func.attr not in ("warning", "error", "exception") or not node.args:
            continue
        ours = ast.unparse(node.func.value) in ("LOG", "log") and isinstance(node.args[0], ast.Constant)
        if ours and re.sub(r"%[sd]|[\s:]", "", node.args[0].value):
            yield node.args[0].value


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_links_lead_somewhere(page):
    for link, anchor in re.findall(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)", page.read_text()):
        target = (page.parent / link) if link else page
        assert target.exists(), link
        if anchor:
            headings = re.findall(r"^#+ (.+)$", target.read_text(), re.MULTILINE)
            assert anchor in {re.sub(r"[^\w -]", "", h).lower().replace(" ", "-") for h in headings}, anchor


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_files_that_are_named_exist(page):
    """Paths below the folders of the project; what is made at run time stands under data/, .venv/ or .services/."""
    kinds = r"(?:config|operators|sources|sinks|flows|tests|scripts|docs)"
    found = set(re.findall(rf"(?<![\w/.<])({kinds}/[\w/.-]*\w)", page.read_text()))
    assert [name for name in found if not (ROOT / name).exists()] == []


def test_the_shipped_rule_of_the_readme_is_a_rule(tmp_path):
    for text in blocks(README, "toml"):
        file = tmp_path / "rules.toml"
        file.write_text(text)
        (rule,) = read_rules(file, {"60s": ["profile"]})
        assert (rule.name, rule.above) == ("LoadTooHigh", 8.0)


def test_settings_in_the_documents_are_settings(tmp_path):
    texts = [t for page in (OPERATIONS,) for t in blocks(page, "toml")]
    password = tmp_path / "password"
    password.write_text("secret")
    for text in texts:
        file = tmp_path / "settings.toml"
        file.write_text(text)
        environ = {"ALLUSE_CONFIG": str(file), "ALLUSE_KAFKA__CLIENT__SASL_PASSWORD_FILE": str(password)}
        client = load(environ).kafka.client
        assert client["sasl.password"] == "secret"
        assert client["security.protocol"] == "SASL_SSL"


def test_variables_in_the_documents_are_settings():
    for variable, value in re.findall(r"\b(ALLUSE_\w+__\w+[A-Z])=([^\s`]+)", TEXT):
        if not variable.endswith("_FILE"):
            extra = {"ALLUSE_LANES__COUNT": "9"} if variable.endswith("INDEX") else {}
            load({variable: value} | extra)


def test_shell_commands_in_the_documents_can_be_read():
    for page in PAGES:
        for text in blocks(page, "sh"):
            subprocess.run(["sh", "-n"], input=text.replace("<name>", "x"), text=True, check=True)
            named = re.findall(r"(?<![\w/])scripts/(\w+)(?: (\w+))?", text)
            assert all((ROOT / "scripts" / script).is_file() for script, _ in named)
            assert {flow for script, flow in named if script == "run"} <= {"", "main", *FLOWS}


def test_the_command_of_the_recovery_store_is_the_one_that_is_run():
    directory = recovery.directory(load({}))
    assert f"python -m bytewax.run flows.main -r {directory} -s 5 -b 0" in OPERATIONS.read_text()


def snippet(page, name):
    """Run the block of Python that defines `name`; return what it defined."""
    (text,) = [b for b in blocks(page, "python") if f"def {name}(" in b]
    defined = {}
    exec(compile(text, page.name, "exec"), defined)
    return defined


def test_topics_made_as_operations_says_are_those_of_the_services(own_broker):
    admin, topics = AdminClient(own_broker.client), load({}).topics
    snippet(OPERATIONS, "make")["make"](admin)
    wanted = {getattr(topics, key).name: what for key, what in TOPICS.items()}
    made = admin.list_topics(timeout=10).topics
    assert {name: len(made[name].partitions) for name in made} == {name: n for name, (n, _) in wanted.items()}
    described = admin.describe_configs([ConfigResource(ResourceType.TOPIC, name) for name in wanted])
    for resource, answer in described.items():
        changed = {
            k: v.value for k, v in answer.result(10).items() if v.source == ConfigSource.DYNAMIC_TOPIC_CONFIG.value
        }
        assert changed == wanted[resource.name][1], resource.name


def test_messages_are_sent_as_the_readme_says(kafka, topic):
    name = topic(partitions=3)
    snippet(README, "send")["send"](Producer({"bootstrap.servers": kafka}), "web-1", name)
    consumer = reading(kafka)
    consumer.subscribe([name])
    found = [m for m in consumer.consume(3, 20) if m.error() is None]
    consumer.close()
    assert len({m.partition() for m in found}) == 1
    decoded = Decoder(Names()).update(Poll.of([m.value() for m in found]))
    assert decoded.rejects == []
    assert sorted(decoded.points.series.names) == [
        "cpu,host=web-1 usage_idle",
        "http_requests_total,host=web-1 value",
        "system,host=web-1 load1",
        "system,host=web-1 load5",
    ]


def test_refused_messages_are_read_as_operations_says(kafka, topic):
    name = topic(partitions=1)
    producer = Producer({"bootstrap.servers": kafka})
    producer.produce(name, b"{", b"web-1", headers={"error_code": b"undecodable"})
    producer.flush()
    consumer = reading(kafka)
    found = list(snippet(OPERATIONS, "refused")["refused"](consumer, name, 10.0))
    consumer.close()
    assert found == [({"error_code": "undecodable"}, b"web-1", b"{")]


def reading(kafka):
    return Consumer({"bootstrap.servers": kafka, "group.id": uuid.uuid4().hex, "auto.offset.reset": "earliest"})


def record(key, status, starts, revision):
    body = f'{{"id": "{key}{starts}{revision}", "status": "{status}", "startsAt": "{starts}", "revision": {revision}}}'
    return Message(key=key.encode(), value=body.encode())


def test_the_alert_of_the_readme_has_the_shape_of_every_alert():
    b = MetricBatch.of([("cpu,host=a x", 1, 7.0), ("cpu,host=a x", 2, 9.5)], seconds=True)
    at = np.arange(2)
    it = Scored("points", b.poll, b.series, b.codes, b.time, at + 1, b.value, {}, {}, at, at, Silences.none())
    record = Alerts([Rule(name="Hot", step="points", above=8.0)], "points").update(it)[0]
    (text,) = blocks(README, "json")
    shown = json.loads(text)
    assert sorted(shown) == sorted(record.body)
    for part in ("labels", "annotations", "expected", "lineage"):
        assert sorted(shown[part]) == sorted(record.body[part]), part
    assert {"no-data", "ended", "rule-removed", "forgotten"} <= words(README.read_text())


def test_alerts_are_read_as_the_readme_says():
    read = snippet(README, "standing")
    again = [record("a", "firing", "2026-01-01T00:00:00Z", 0), record("a", "resolved", "2026-01-01T00:00:00Z", 1)]
    log = [*again, record("b", "firing", "2026-01-02T00:00:00Z", 0), *again, Message(key=b"c", value=None)]
    assert list(read["standing"](log)) == [b"b"]
    known = set()
    assert len(list(read["changes"](log[:-1], known))) == 3
    assert list(read["changes"](log[:-1], known)) == []


def test_every_dependency_has_its_reason():
    named = words((ROOT / "docs" / "decisions.md").read_text())
    wanted = re.findall(r'"([a-z][\w-]*)==', (ROOT / "pyproject.toml").read_text())
    assert [name for name in wanted if name not in named] == []


def test_every_dependency_is_imported_by_us_or_by_another():
    modules = {"opentelemetry-proto": "opentelemetry", "protobuf": "google"}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [d.split("==")[0] for d in project["dependencies"]]
    programs = [ROOT / name for name in SCRIPTS] + list((ROOT / "scripts").rglob("*.py"))
    text = "\n".join([SOURCE, *(f.read_text() for f in programs)])
    others = {re.split(r"[^\w-]", r)[0] for d in wanted for r in requires(d) or () if "extra ==" not in r}
    unused = [
        d
        for d in wanted
        if d not in others
        and not re.search(rf"^\s*(import|from) {modules.get(d, d.replace('-', '_'))}\b", text, re.MULTILINE)
    ]
    assert unused == []
