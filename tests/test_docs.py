"""The documents are complete: whatever a person can name is named there, and every link leads somewhere."""

import re
import tomllib
from pathlib import Path

import pytest

from config.layers import keys
from config.settings import Settings, load
from operators.anomaly import DETECTORS
from operators.decode import FORMATS
from operators.learn import MODELS
from operators.trend import TRENDS
from tests.interface import ERROR_CODES, MEASUREMENTS, METRICS

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
PAGES = [README, *sorted((ROOT / "docs").glob("*.md"))]
TEXT = "\n".join(page.read_text() for page in PAGES if page.exists())
LINES = TEXT.splitlines()
FLOWS = sorted((ROOT / "flows").glob("[a-z]*.py"))
NAMES = {
    "script": [f"scripts/{f.name}" for f in (ROOT / "scripts").iterdir() if f.is_file() and f.suffix == ""],
    "flow": [
        f"flows.{f.stem}"
        for f in (ROOT / "flows").glob("[a-z]*.py")
        if "\nflow" in f.read_text() or "\ndef flow" in f.read_text()
    ],
    "detector": list(DETECTORS),
    "trend": list(TRENDS),
    "model": list(MODELS),
    "format": list(FORMATS),
    "topic": [topic["name"] for topic in load({}).topics.model_dump(exclude={"rekey"}).values()],
    "measurement": list(MEASUREMENTS),
    "field": sorted({field for _, fields in MEASUREMENTS.values() for field in fields}),
    "metric": list(METRICS),
    "error code": ERROR_CODES,
}
SETTINGS = [".".join(path) for path in keys(Settings) if len(path) == 2 and path[0] != "metric"]
CODE = [f for layer in ("config", "operators", "sources", "sinks", "flows") for f in (ROOT / layer).rglob("*.py")]
CODE = [f.relative_to(ROOT) for f in sorted(CODE)]


def words(text):
    """Return what stands between backquotes, and each word of it."""
    spans = re.findall(r"`([^`\n]+)`", text)
    return {*spans, *(word for span in spans for word in re.split(r"[\s,{}()|]+", span))}


@pytest.mark.parametrize("kind", NAMES)
def test_every_name_stands_in_the_documents(kind):
    assert [name for name in NAMES[kind] if name not in words(TEXT)] == []


def test_every_setting_stands_in_the_documents():
    """As `section.key`, or as `.key` in a line that names another key of the section."""
    for setting in SETTINGS:
        section, key = setting.split(".")
        near = any(f"`{section}." in line and f"`.{key}`" in line for line in LINES)
        assert near or setting in words(TEXT), setting


def test_the_readme_s_table_of_detectors_is_that_of_the_code():
    rows = {cell for line in README.read_text().splitlines() for cell in re.findall(r"^\| `(\w+)` \|", line)}
    assert rows >= DETECTORS.keys()


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_links_lead_somewhere(page):
    links = re.findall(r"\]\((?!https?:|#)([^)#\s]+)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_every_dependency_has_its_reason():
    named = words((ROOT / "docs" / "decisions.md").read_text())
    wanted = re.findall(r'"([a-z][\w-]*)==', (ROOT / "pyproject.toml").read_text())
    assert [name for name in wanted if name not in named] == []


def test_every_dependency_is_imported():
    modules = {"opentelemetry-proto": "opentelemetry", "protobuf": "google"}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [d.split("==")[0] for d in project["dependencies"]]
    code = "\n".join((ROOT / file).read_text() for file in [*CODE, *NAMES["script"]])
    unused = [
        d
        for d in wanted
        if not re.search(rf"^\s*(import|from) {modules.get(d, d.replace('-', '_'))}\b", code, re.MULTILINE)
    ]
    assert unused == []
