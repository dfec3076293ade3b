"""``scripts/bench`` measures what it says: tiny runs whose answers are checked, never their speed."""

import doctest
import importlib
import json
import subprocess
from pathlib import Path

import pytest

from scripts.measures.load import Load

ROOT = Path(__file__).parent.parent
MODULES = sorted(f.stem for f in (ROOT / "scripts" / "measures").glob("[a-z]*.py"))


def bench(*arguments):
    done = subprocess.run(
        [ROOT / "scripts" / "bench", *arguments], cwd="/", capture_output=True, text=True, check=False
    )
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()], done.stderr


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_are_true(name):
    assert doctest.testmod(importlib.import_module(f"scripts.measures.{name}")).failed == 0


@pytest.mark.parametrize(("points", "alerts", "windows"), [(500, 1527, 9000), (2000, 2991, 34000)])
def test_the_peers_work_has_the_answer_that_all_peers_found(points, alerts, windows):
    answer = Load(points=points).answer()
    assert (len(answer.alerts), len(answer.windows)) == (alerts, windows)
    assert sum(w[0] for w in answer.windows.values()) == 1000 * points


@pytest.mark.usefixtures("broker")
def test_the_peers_work_is_done_right():
    load = Load(200, 159)
    answer = load.answer()
    code, lines, errors = bench("work", "--quick")
    assert code == 0, errors
    assert [line["figure"] for line in lines] == ["work.cpu", "work.rate"]
    for line in lines:
        assert line["value"] > 0
        assert (line["parts"]["alerts"], line["parts"]["windows"]) == (len(answer.alerts), len(answer.windows))
    assert lines[0]["parts"]["points"] == len(load)
    assert lines[0]["goal"] == 1.4
    assert lines[0]["met"] == (lines[0]["value"] <= 1.4)


def test_each_part_has_a_cost():
    code, lines, errors = bench("parts", "--quick")
    assert code == 0, errors
    found = {line["figure"]: line["value"] for line in lines}
    assert {"parts.detector.ewma", "parts.trend.slope", "parts.window", "parts.model.regression"} <= found.keys()
    assert min(found.values()) > 0


def test_a_figure_that_there_is_not_is_refused():
    code, lines, errors = bench("wrok")
    assert (code, lines) == (2, [])
    assert "wrok" in errors
    assert "work" in errors
