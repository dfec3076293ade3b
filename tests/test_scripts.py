"""The commands: each says what it does; the environment is what the lock says."""

import os
import subprocess
import tomllib
from importlib.metadata import distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SCRIPTS = sorted(f.name for f in (ROOT / "scripts").iterdir() if f.is_file() and f.suffix == "")
LOCK = (ROOT / "requirements.lock").read_text()


def run(script, *arguments):
    return subprocess.run([ROOT / "scripts" / script, *arguments], cwd="/", capture_output=True, text=True, check=False)


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_script_can_be_run_and_says_what_it_does(script):
    assert os.access(ROOT / "scripts" / script, os.X_OK)
    done = run(script, "--help")
    assert done.returncode == 0, done.stderr
    assert f"scripts/{script}" in done.stdout


def pinned():
    return dict(line.split(" ")[0].split("==") for line in LOCK.splitlines() if "==" in line)


def test_the_lock_has_a_hash_for_everything_and_names_no_index():
    entries = LOCK.replace("\\\n", " ").splitlines()
    assert all("--hash=sha256:" in entry for entry in entries if entry and not entry.startswith("#"))
    assert "://" not in LOCK


def test_the_lock_agrees_with_the_project():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wanted = dict(d.split("==") for d in [*project["project"]["dependencies"], *project["dependency-groups"]["dev"]])
    assert {name: pinned().get(name) for name in wanted} == wanted


def test_the_environment_agrees_with_the_lock():
    installed = {d.metadata["Name"].lower().replace("_", "-"): d.version for d in distributions()}
    assert {name: installed.get(name) for name in pinned()} == pinned()


def test_setting_up_again_changes_nothing():
    assert run("setup").returncode == 0
    made = ROOT / ".venv" / "made"
    before = made.stat().st_mtime_ns
    assert run("setup").returncode == 0
    assert made.stat().st_mtime_ns == before
