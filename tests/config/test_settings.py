"""Settings: layers, origins, and what is said of wrong ones."""

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import get_args

import pytest

from config.__main__ import lines
from config.layers import DEFAULT, keys
from config.settings import ConfigError, Format, Settings, load
from operators.decode import FORMATS

ROOT = Path(__file__).parent.parent.parent


def wrong(environ):
    with pytest.raises(ConfigError) as e:
        load(environ)
    return str(e.value)


def written(tmp_path, text):
    file = tmp_path / "own.toml"
    file.write_text(text)
    return {"ALLUSE_CONFIG": str(file)}


def test_every_key_stands_in_the_default_file():
    tree = tomllib.loads(DEFAULT.read_text())
    sections = {path for path in keys(Settings) if len(path) <= 2 and path[0] != "metric"}
    assert {p for p in sections if len(p) == 1} <= {(k,) for k in tree}
    assert {p for p in sections if len(p) == 2} == {(s, k) for s in tree for k in tree[s]}


def test_layers_in_their_order(tmp_path):
    secret = tmp_path / "token"
    secret.write_text("from-a-file\n")
    file = written(tmp_path, '[influx]\ntoken = "t"\norg = "o"\nbucket = "b"\n[windows]\nevery = [10]\n')
    environ = {
        **file,
        "ALLUSE_INFLUX__BUCKET": "B",
        "ALLUSE_INFLUX__TOKEN": "T",
        "ALLUSE_INFLUX__TOKEN_FILE": str(secret),
    }
    s = load(environ)
    assert (s.influx.token, s.influx.org, s.influx.bucket) == ("from-a-file", "o", "B")
    assert s.windows.every == [10]
    assert s.origin["influx", "token"] == "ALLUSE_INFLUX__TOKEN_FILE"
    assert s.origin["influx", "org"] == f"file {file['ALLUSE_CONFIG']}"


@pytest.mark.parametrize(
    ("variable", "text", "path", "value"),
    [
        ("WINDOWS__EVERY", "60, 300", "windows.every", [60, 300]),
        ("WINDOWS__EVERY", "[60]", "windows.every", [60]),
        ("STORE__KIND", "", "store.kind", []),
        ("STORE__POINTS", "false", "store.points", False),
        ("TIME__MAX_FUTURE", "5", "time.max_future", 5.0),
        ("TIME__CONFLICT", '{"fills": "each"}', "time.conflict", {"*": "first", "fills": "each"}),
        ("TOPICS__METRICS", "m", "topics.metrics.name", "m"),
        ("TOPICS__METRICS", '{"format": "influx"}', "topics.metrics.name", "metrics"),
        ("TOPICS__METRICS__FORMAT", "influx", "topics.metrics.format", "influx"),
        ("DETECTOR__EWMA__LIMIT", "6.5", "detector.ewma", {"limit": 6.5}),
        ("DETECTOR", '{"cusum": {"h": 8}}', "detector.cusum", {"h": 8}),
        ("METRIC", '{"cpu usage*": {"min": 0, "max": 100}}', "metric.cpu usage*.max", 100.0),
        ("KAFKA__CLIENT__SASL_PASSWORD", "007", "kafka.client", {"sasl.password": "007"}),
        ("KAFKA__CLIENT", '{"fetch.min.bytes": 1}', "kafka.client", {"fetch.min.bytes": 1}),
    ],
)
def test_values_of_the_environment(variable, text, path, value):
    found = load({f"ALLUSE_{variable}": text})
    for part in path.split("."):
        found = found[part] if isinstance(found, dict) else getattr(found, part)
    assert found == value


def test_topics_to_rekey_by_name_or_table():
    s = load({"ALLUSE_TOPICS__REKEY": "a,b"})
    assert [(t.name, t.format) for t in s.topics.rekey] == [("a", ""), ("b", "")]
    s = load({"ALLUSE_TOPICS__REKEY": '["a", {"name": "b", "format": "influx"}]'})
    assert [(t.name, t.format) for t in s.topics.rekey] == [("a", ""), ("b", "influx")]


@pytest.mark.parametrize(
    ("text", "key", "near"),
    [
        ("[windows]\nevry = [60]", "windows.evry", "windows.every"),
        ("[windos]\nevery = [60]", "windos", "windows"),
        ("[kafka]\nbootstrap_server = 'x'", "kafka.bootstrap_server", "kafka.bootstrap_servers"),
        ("[topics.metrics]\nfromat = 'influx'", "topics.metrics.fromat", "topics.metrics.format"),
    ],
)
def test_a_misspelt_key_in_a_file_is_named_with_its_file_and_the_nearest(tmp_path, text, key, near):
    environ = written(tmp_path, text)
    said = wrong(environ)
    assert said == f"{key} (file {environ['ALLUSE_CONFIG']}): no such key; the nearest is {near}"


@pytest.mark.parametrize(
    ("variable", "near"),
    [
        ("ALLUSE_KAFAK__START", "ALLUSE_KAFKA__START"),
        ("ALLUSE_LANE__INDEX", "ALLUSE_LANES__INDEX"),
        ("ALLUSE_WINDOWS_EVERY", "ALLUSE_WINDOWS__EVERY"),
        ("ALLUSE_INFLUX__TOKN_FILE", "ALLUSE_INFLUX__TOKEN"),
    ],
)
def test_a_misspelt_variable_is_named_with_the_nearest(variable, near):
    assert wrong({variable: "1"}) == f"{variable}: names no setting; the nearest is {near}"


@pytest.mark.parametrize(
    ("variable", "text", "key"),
    [
        ("HTTP__PORT", "http", "http.port"),
        ("HTTP__PORT", "70000", "http.port"),
        ("WINDOWS__EVERY", "60,60", "windows.every"),
        ("WINDOWS__EVERY", "0", "windows.every.0"),
        ("WINDOWS__EVERY", "", "windows.every"),
        ("WINDOWS__FIELDS", "mean,p98", "windows.fields.1"),
        ("LANES__INDEX", "1", "lanes.index"),
        ("STORE__KIND", "postgres", "store.kind.0"),
        ("KAFKA__START", "yesterday", "kafka.start"),
        ("KAFKA__START", "2026-01-01T00:00:00", "kafka.start"),
        ("INFLUX__URL", "localhost:8086", "influx.url"),
        ("TOPICS__METRICS__FORMAT", "jsn", "topics.metrics.format"),
        ("DETECTOR__EWMA", "6", "detector.ewma"),
        ("LEARN__BOUNDS", '{"cpu": {"above": "high"}}', "learn.bounds.cpu.above"),
    ],
)
def test_a_wrong_value_is_named_with_its_variable(variable, text, key):
    assert wrong({f"ALLUSE_{variable}": text}).startswith(f"{key} (ALLUSE_{variable}): ")


@pytest.mark.parametrize(
    ("bound", "said"),
    [
        ("{}", "bounds nothing: give above, below or both"),
        ("{ above = inf }", "above, inf, should be a finite number: leave above out where there is no bound"),
        (
            "{ above = 1, below = nan }",
            "below, nan, should be a finite number: leave below out where there is no bound",
        ),
        ("{ above = 1, below = 5 }", "below, 5, should be less than above, 1: values in between are in order"),
        ("{ above = 1, below = 1 }", "below, 1, should be less than above, 1: values in between are in order"),
    ],
)
def test_a_bound_that_makes_no_sense_is_named_with_its_remedy(tmp_path, bound, said):
    environ = written(tmp_path, f'[learn.bounds]\n"cpu idle" = {bound}\n')
    assert wrong(environ) == f"learn.bounds.cpu idle (file {environ['ALLUSE_CONFIG']}): {said}"


@pytest.mark.parametrize("bound", [{"above": 1e300, "below": -1e300}, {"above": 0.0}, {"below": 0.0}])
def test_a_bound_of_one_side_or_both_is_taken(bound):
    found = load({"ALLUSE_LEARN__BOUNDS": json.dumps({"cpu": bound})}).learn.bounds["cpu"]
    assert found.model_dump(exclude_none=True) == bound


def test_a_topic_s_format_is_one_that_can_be_decoded():
    assert set(get_args(Format)) == {"", *FORMATS}


def test_a_file_s_value_of_another_type_is_wrong(tmp_path):
    assert wrong(written(tmp_path, '[http]\nport = "8080"\n')).startswith("http.port (file ")


def test_lags_leave_shifts_beyond_them_to_tell_chance():
    assert load({"ALLUSE_CORRELATE__WINDOWS": "80"}).correlate.lags == 10
    said = wrong({"ALLUSE_CORRELATE__WINDOWS": "81", "ALLUSE_CORRELATE__LAGS": "20"})
    assert said.startswith("correlate (")
    assert "correlate.lags to 10 or less, or correlate.windows to 120 or more" in said


def test_all_wrong_keys_are_told_at_once():
    assert len(wrong({"ALLUSE_HTTP__PORT": "x", "ALLUSE_LANES__COUNT": "0"}).splitlines()) == 2


@pytest.mark.parametrize("text", ["", "[[", "\x00"])
def test_a_broken_file_is_named(tmp_path, text):
    file = tmp_path / "broken.toml"
    if text:
        file.write_text(text)
    assert str(file) in wrong({"ALLUSE_CONFIG": str(file)})


def test_a_secret_is_in_no_complaint_and_no_repr():
    said = wrong({"ALLUSE_INFLUX__TOKEN": "hush", "ALLUSE_KAFKA__CLIENT": '{"sasl.password": ["hush"]}'})
    s = load({"ALLUSE_INFLUX__TOKEN": "hush", "ALLUSE_KAFKA__CLIENT__SASL_PASSWORD": "hush"})
    assert "hush" not in said + repr(s)


def test_lanes_get_recovery_directories_of_their_own():
    two = {"ALLUSE_LANES__COUNT": "2", "ALLUSE_LANES__INDEX": "1"}
    assert load(two).recovery.directory == "data/recovery/lane-1"
    assert load({**two, "ALLUSE_RECOVERY__DIRECTORY": "mine"}).recovery.directory == "mine"


def test_the_hash_is_of_what_changes_answers(tmp_path):
    rules = tmp_path / "rules.toml"
    base = {"ALLUSE_ALERTS__RULES": str(rules)}
    plain = load(base).config_hash
    same = [{"ALLUSE_HTTP__PORT": "0"}, {"ALLUSE_INFLUX__TOKEN": "x"}, {"ALLUSE_LANES__COUNT": "2"}]
    other = [
        {"ALLUSE_WINDOWS__EVERY": "60"},
        {"ALLUSE_DETECTOR__EWMA__LIMIT": "9"},
        {"ALLUSE_TOPICS__METRICS__FORMAT": "influx"},
    ]
    assert {load({**base, **e}).config_hash for e in same} == {plain}
    rules.write_text("[[rule]]\n")
    hashes = {plain, load(base).config_hash, *(load({**base, **e}).config_hash for e in other)}
    assert len(hashes) == 5
    assert all(len(h) == 16 for h in hashes)


def test_what_is_printed_reads_back_as_the_same_settings(tmp_path):
    environ = {
        "ALLUSE_METRIC": '{"a \\"b\\" *": {"max": 1.5, "type": "counter"}}',
        "ALLUSE_KAFKA__CLIENT__SECURITY_PROTOCOL": "SASL_SSL",
        "ALLUSE_TOPICS__REKEY": '["a", {"name": "b", "format": "influx"}]',
        "ALLUSE_WINDOWS__FIELDS": "all",
    }
    s = load(environ)
    assert load(written(tmp_path, "\n".join(lines(s)))).model_dump() == s.model_dump()


def run(**environ):
    clean = {k: v for k, v in os.environ.items() if not k.startswith("ALLUSE_")}
    command = [sys.executable, "-m", "config"]
    return subprocess.run(command, cwd=ROOT, env=clean | environ, capture_output=True, text=True, check=False)


def test_the_command_prints_settings_with_secrets_masked():
    secrets = {"sasl.password": "hush", "ssl.key.password": "hush", "ssl.key.pem": "hush"}
    done = run(
        ALLUSE_INFLUX__URL="http://me:hush@db:8086",
        ALLUSE_INFLUX__TOKEN="hush",
        ALLUSE_KAFKA__CLIENT=json.dumps(secrets),
    )
    assert done.returncode == 0
    assert "hush" not in done.stdout
    assert 'token = "********"  # ALLUSE_INFLUX__TOKEN' in done.stdout
    assert 'url = "http://me:********@db:8086"' in done.stdout


def test_the_command_exits_2_at_a_wrong_key():
    done = run(ALLUSE_LANES__CONUT="2")
    assert (done.returncode, done.stdout) == (2, "")
    assert "ALLUSE_LANES__COUNT" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_command_exits_2_at_a_bound_that_makes_no_sense():
    done = run(ALLUSE_LEARN__BOUNDS='{"cpu": {}}')
    assert (done.returncode, done.stdout) == (2, "")
    assert "learn.bounds.cpu (ALLUSE_LEARN__BOUNDS): bounds nothing" in done.stderr
