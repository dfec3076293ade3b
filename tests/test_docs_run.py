"""What the documents say can be done is done: settings, commands, snippets, the alert that they show."""

import json
import re
import subprocess
import uuid

import numpy as np
from confluent_kafka import Consumer, Message, Producer
from confluent_kafka.admin import AdminClient, ConfigResource, ConfigSource, ResourceType

from config import recovery
from config.records import MetricBatch, Poll, Scored, Silences
from config.rules import Rule, read_rules
from config.settings import load
from operators.alert import Alerts
from operators.decode import Decoder, Names
from tests.pages import FLOWS, OPERATIONS, PAGES, README, ROOT, TEXT, blocks, snippet, words
from tests.services.__main__ import TOPICS
from tests.sources.running import until


def test_the_rules_of_the_readme_are_rules(tmp_path):
    found = []
    for text in blocks(README, "toml"):
        file = tmp_path / "rules.toml"
        file.write_text(text)
        found += read_rules(file, {"60s": ["profile"], "breaches": []})
    assert [(r.name, r.above, r.below) for r in found] == [("LoadTooHigh", 8.0, None), ("DiskFillsUp", None, 14400.0)]


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
        assert client.get("security.protocol") == ("SASL_SSL" if "[kafka" in text else None)


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


def test_topics_made_as_operations_says_are_those_of_the_services(own_broker):
    admin, topics = AdminClient(own_broker.client), load({}).topics
    snippet(OPERATIONS, "make")["make"](admin)
    wanted = {getattr(topics, key).name: what for key, what in TOPICS.items()}
    until(lambda: wanted.keys() <= admin.list_topics(timeout=10).topics.keys())  # made, but not told everywhere yet
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
