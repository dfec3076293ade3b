"""docker-compose.yml is valid by the specification, closed to the outside, and agrees with the rest of the project."""

import json
import re
import subprocess
from pathlib import Path

import jsonschema
import pytest
import yaml

from config.settings import load
from tests.services.__main__ import TOPICS
from tests.services.process import need

ROOT = Path(__file__).parent.parent
SPECIFICATION = "github.com/compose-spec/compose-go/v2@v2.9.0"
FILE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES = FILE["services"]
LANES = [name for name in SERVICES if name.startswith("lane-")]


@pytest.fixture(scope="module")
def schema(required):
    with required("The compose specification"):
        need("go")
    done = subprocess.run(["go", "mod", "download", "-json", SPECIFICATION], capture_output=True, text=True, check=True)
    return json.loads(Path(json.loads(done.stdout)["Dir"], "schema", "compose-spec.json").read_text())


def problems(schema, file):
    return [e.json_path for e in jsonschema.Draft7Validator(schema).iter_errors(file)]


def test_the_file_is_valid_by_the_specification(schema):
    assert problems(schema, FILE) == []
    assert problems(schema, {**FILE, "services": {"lane": {"restarts": "on-failure"}}}) == ["$.services.lane"]


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_restarts_on_failure_and_gains_no_privileges(name):
    assert SERVICES[name]["restart"] == "on-failure"
    assert SERVICES[name]["security_opt"] == ["no-new-privileges:true"]
    assert name == "topics" or "test" in SERVICES[name]["healthcheck"]


@pytest.mark.parametrize("name", SERVICES)
def test_ports_are_bound_to_loopback_and_secrets_are_files(name):
    service = SERVICES[name]
    assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))
    assert set(service.get("secrets", [])) <= FILE["secrets"].keys()
    assert all(set(secret) == {"file"} for secret in FILE["secrets"].values())
    secret = {k: v for k, v in service.get("environment", {}).items() if re.search("TOKEN|PASSWORD", k)}
    assert all(v.startswith("/run/secrets/") for v in secret.values())


def test_lanes_differ_by_their_index_and_port_alone(tmp_path):
    token = tmp_path / "influx_token"
    token.write_text("secret")
    found = []
    for index, name in enumerate(sorted(LANES)):
        environ = SERVICES[name]["environment"] | {"ALLUSE_INFLUX__TOKEN_FILE": str(token)}
        s = load({k: v for k, v in environ.items() if k.startswith("ALLUSE_")})
        assert (s.lanes.index, s.lanes.count) == (index, len(LANES))
        port = s.http.port + index
        assert SERVICES[name]["ports"] == [f"127.0.0.1:{port}:{port}"]
        assert f":{port}/healthz" in SERVICES[name]["healthcheck"]["test"][-1]
        assert SERVICES[name]["read_only"]
        found.append(s.config_hash)
    assert len(set(found)) == 1
    assert len(LANES) == 2


def test_topics_are_made_as_scripts_up_makes_them():
    made = re.findall(r"^make (\S+) (\d+)(?: --config (\S+))?$", SERVICES["topics"]["command"][0], re.MULTILINE)
    names = load({}).topics
    wanted = [
        (getattr(names, k).name, str(n), "".join(f"{a}={b}" for a, b in c.items())) for k, (n, c) in TOPICS.items()
    ]
    assert made == wanted


def test_what_is_mounted_or_copied_is_there():
    mounted = [v.split(":")[0] for s in SERVICES.values() for v in s.get("volumes", []) if v.startswith("./")]
    copied = re.findall(r"^COPY (.*) \S+$", FILE["x-lane"]["build"]["dockerfile_inline"], re.MULTILINE)
    for path in [*mounted, *" ".join(copied).split()]:
        assert (ROOT / path).exists(), path
    named = {v.split(":")[0] for s in SERVICES.values() for v in s.get("volumes", []) if not v.startswith("./")}
    assert named == FILE["volumes"].keys()
