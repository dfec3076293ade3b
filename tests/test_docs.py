"""The documents are complete: what a person can name is named there, and tables equal the code's."""

import ast
import re
import tomllib
from importlib.metadata import requires

import pytest

from config.layers import keys
from config.recovery import WRONG
from config.settings import ANSWERS, DEEP, Settings, load
from operators.anomaly import DETECTORS
from operators.decode import FORMATS
from operators.learn import MODELS
from operators.trend import TRENDS
from tests.interface import ERROR_CODES, MEASUREMENTS, METRICS
from tests.pages import FLOWS, OPERATIONS, PAGES, README, ROOT, SCRIPTS, TEXT, code, table, words
from tests.services.__main__ import TOPICS

LAYERS = ("config", "operators", "sources", "sinks", "flows")
CODE = [f.relative_to(ROOT) for layer in LAYERS for f in sorted((ROOT / layer).rglob("*.py"))]
SOURCE = "\n".join((ROOT / f).read_text() for f in CODE)
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
    told = {"topics.metrics", "topics.rekey", "alerts.rules", "alerts.budget"}
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
        "model (`learn.models`)": list(MODELS),
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
        where = "windows of `detect.deep` series" if name in DEEP else " ".join(s for s, yes in used.items() if yes)
        assert step == (where or "–"), name
        assert size == f"{DETECTORS[name]().row.dtype.itemsize} B", name


def test_the_table_of_trends_names_their_fields():
    for cell, _, fields, _ in table(README, "trend (`trend.windows`)"):
        assert code(fields) == list(TRENDS[code(cell)[0]]().fields)


def test_the_table_of_topics_is_that_of_the_settings():
    topics = load({}).topics
    named = [name for row in table(README, "topic") for name in code(row[0])]
    assert sorted(named) == sorted(getattr(topics, key).name for key in TOPICS)


def test_the_topic_of_events_lists_them():
    (kinds,) = [code(row[1]) for row in table(README, "topic") if code(row[0]) == ["events"]]
    assert sorted(kinds) == NAMES["event"]


@pytest.mark.parametrize("page", [README, OPERATIONS], ids=lambda p: p.name)
def test_the_tables_of_exit_codes_are_whole(page):
    assert [row[0] for row in table(page, "exit code")] == NAMES["exit code"]


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
