"""``scripts/quality`` on folders it has never seen: whole runs on small sets, and what every operator in its table must hold to."""

import json
import math
from itertools import pairwise
from xml.etree import ElementTree

import numpy as np
import pytest

from scripts.yardstick.entries import ENTRIES
from scripts.yardstick.judge import Row
from scripts.yardstick.quality import main
from scripts.yardstick.results import write
from scripts.yardstick.said import Said
from scripts.yardstick.series import corpus
from scripts.yardstick.sets import Set, find

MAIN = ("standard", "low_fp", "low_fn", "ap", "vus_pr", "recall_at_1", "recall_at_8", "f1", "standard_fixed")
COSTS = "us_per_point"
HOUR = 3600


def stamp(i):
    return f"2024-03-{1 + i // 24:02d} {i % 24:02d}:00:00"


@pytest.fixture
def data(tmp_path):
    """Make a folder with a set of two series, one with a missing value and a label a point, and a task of each kind."""
    rng = np.random.default_rng(7)
    folder = tmp_path / "mine" / "plant"
    folder.mkdir(parents=True)
    n = 400
    x = 10 + np.sin(np.arange(n) / 24 * 2 * np.pi) + rng.normal(0, 0.1, n)
    x[300:304] += 8
    rows = [f"{stamp(i)},{v:.4f}" for i, v in enumerate(x)]
    (folder / "a.csv").write_text("timestamp,value\n" + "\n".join(rows) + "\n")
    rows = [f"{stamp(i)},{'' if i in (90, 301) else f'{v:.4f}'},{int(300 <= i < 304)}" for i, v in enumerate(x)]
    (folder / "b.csv").write_text("timestamp,value,label\n" + "\n".join(rows) + "\n")
    windows = [[stamp(295), stamp(310)], ["2025-01-01 00:00:00", "2025-01-02 00:00:00"]]
    (tmp_path / "mine" / "windows.json").write_text(json.dumps({"plant/a.csv": windows[:1], "plant/b.csv": windows}))
    tasks = {
        "up": [{"id": "1", "label": 1, "x": [0.1 * i for i in range(60)]}, {"id": "2", "label": 0, "x": [1.0, None] * 30}],
        "season": [{"id": "1", "periods": [12], "x": np.sin(np.arange(240) / 6 * np.pi).tolist()}],
        "shift": [{"drift": 600, "x": [*rng.normal(0, 1, 600), *rng.normal(6, 1, 600)]}, {"drift": None, "x": [1.0] * 400}],
        "regimes": [{"id": "1", "annotations": {"1": [60], "2": [61]}, "x": [*rng.normal(0, 1, 60), *rng.normal(9, 1, 60)]}],
    }  # fmt: skip
    tasks["ahead"] = {
        "season": 12,
        "horizon": 12,
        "series": [{"id": "1", "train": [*range(12)] * 9, "test": [*range(12)]}],
    }
    for name, body in tasks.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "some.json").write_text(json.dumps(body))
    (tmp_path / "notes.json").write_text('{"by": "nobody"}')
    return tmp_path


def lines(capsys, *arguments):
    assert main([*arguments, "--json"]) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_every_kind_is_known_by_its_content(data):
    assert {it.name: (it.kind, len(it.items)) for it in find(data)} == {
        "mine": ("nab", 2),
        "up": ("trend", 2),
        "season": ("period", 1),
        "shift": ("drift", 2),
        "regimes": ("changepoint", 1),
        "ahead": ("forecast", 1),
    }
    assert [it.name for it in find(data / "mine")] == ["mine"]


def test_a_series_is_read_with_its_gaps_and_labels(data):
    a, b = corpus(data / "mine")
    assert a.windows.tolist() == b.windows.tolist() == [[295, 310]]
    assert a.points.sum() == 16
    assert b.points.sum() == 4
    assert np.flatnonzero(np.isnan(b.value)).tolist() == [90, 301]
    assert (a.begin, a.time[1] - a.time[0]) == (60, HOUR * 10**9)
    assert a.weeks == pytest.approx((400 - 60 - 16) / 168)


def test_a_line_an_operator_with_its_intervals(data, capsys):
    found = lines(capsys, "--data", str(data), "--jobs", "1", "--quick")
    by = {(it["kind"], it["detector"]): it for it in found}
    kinds = ENTRIES.keys() - {"fleet"}  # no folder holds one
    assert by.keys() == {(kind, name) for kind in kinds for name in ENTRIES[kind]}
    for (kind, _), it in by.items():
        assert it[COSTS] > 0
        for key in MAIN if kind == "nab" else ():
            assert it[f"{key}_low"] is None or it[f"{key}_low"] <= it[f"{key}_high"]
            assert it[key] is not None
    assert by["nab", "never"]["standard"] == by["nab", "never"]["standard_fixed"] == 0
    assert by["nab", "ewma"]["recall_at_4"] == 1.0
    assert by["nab", "ewma"]["ap"] > 5 * by["nab", "never"]["ap"]
    assert by["trend", "slope"]["accuracy"] == 1.0
    assert by["period", "autocorrelation"]["right"] == 1.0
    assert by["drift", "page_hinkley"]["recall"] == 1.0
    assert by["drift", "never"]["delay"] is None
    assert by["changepoint", "changepoint"]["f1"] == 1.0
    assert by["forecast", "seasonal_naive"]["coverage_95"] == 1.0


def test_figures_do_not_depend_on_the_number_of_processes(data, capsys):
    asked = ("--data", str(data), "--detectors", "ewma,random,adwin,seasonal_naive", "--quick")
    one, two = ([it | {COSTS: 0} for it in lines(capsys, *asked, "--jobs", n)] for n in "12")
    assert one == two
    assert len(one) == 5


def test_a_table_a_set_for_people(data, capsys):
    assert main(["--data", str(data), "--kind", "drift", "--jobs", "1"]) == 0
    text = capsys.readouterr().out
    assert text.splitlines()[0].split() == ["shift", "·", "drift", "·", "2", "series"]
    assert [line.split()[0] for line in text.splitlines()[2:]] == list(ENTRIES["drift"])
    assert "\x1b" not in text


def test_pictures_show_the_best_detector_or_those_named(data, tmp_path, capsys):
    for asked, shown in (["--detectors", "ewma,difference"], ("ewma", "difference")), ([], ()):
        folder = tmp_path / "pictures" / str(len(asked))
        assert main(["--data", str(data / "mine"), *asked, "--jobs", "1", "--pictures", str(folder)]) == 0
        page = (folder / "mine" / "plant" / "b.html").read_text()
        assert 'href="../../index.html"' in page
        assert all(f"<h2>{name}</h2>" in page for name in shown)
        assert page.count("<h2>") == max(1, len(shown))
        assert "1 of 1 windows found" in page or not shown
        assert 'href="mine/plant/b.html"' in (folder / "index.html").read_text()
    capsys.readouterr()


def test_a_task_is_a_sheet_with_the_worst_answers_first(data, tmp_path, capsys):
    folder = tmp_path / "sheets"
    assert main(["--data", str(data), "--jobs", "1", "--pictures", str(folder)]) == 0
    capsys.readouterr()
    listed = (folder / "index.html").read_text()
    for name, said in {
        "up-trend": "rising; said: rising",
        "season-period": "12; said: 12",
        "shift-drift": "found after",
        "regimes-changepoint": "F1 1.00, covering",
        "ahead-forecast": "MASE",
    }.items():
        assert f'href="{name}.html"' in listed
        assert said in (folder / f"{name}.html").read_text()
    sheet = (folder / "up-trend.html").read_text()
    assert sheet.count("<article>") == 2


def test_odd_folders_break_nothing(tmp_path, capsys):
    """Nothing, one reading, no reading that is a number, one value, no order, seconds, zones."""
    x = np.random.default_rng(5).normal(0, 1, 200)
    rows = {
        "empty": [],
        "one": [f"{stamp(0)},1"],
        "gaps": [f"{stamp(i)}," for i in range(200)],
        "constant": [f"{stamp(i)},5" for i in range(200)],
        "far": [f"{stamp(i)},{'inf' if i % 40 == 0 else 1e300 * (i % 7)}" for i in range(200)],
        "disorder": [f"{stamp(i * 77 % 200)},{x[i]}" for i in range(200)],
        "seconds": [f"{1709251200 + 3600 * i},{x[i]}" for i in range(200)],
        "zones": [f"2024-03-01T{i // 60:02d}:{i % 60:02d}:00+02:00,{x[i]}" for i in range(200)],
    }
    for name, lines_ in rows.items():
        (tmp_path / f"{name}.csv").write_text("timestamp,value\n" + "\n".join(lines_) + "\n")
    windows = [[stamp(i), stamp(i + 9)] for i in (0, 9, 100)]
    (tmp_path / "windows.json").write_text(json.dumps({f"{name}.csv": windows for name in rows}))
    found = lines(capsys, "--data", str(tmp_path), "--jobs", "1", "--pictures", str(tmp_path / "pages"))
    assert {it["detector"]: it["series"] for it in found} == dict.fromkeys(ENTRIES["nab"], 7)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [(["--data", "/nowhere"], "/nowhere"), (["--kind", "period"], "no set of period"), (["--kind", "nab"], "c.csv")],
)
def test_what_cannot_be_judged_is_named(tmp_path, capsys, arguments, text):
    (tmp_path / "windows.json").write_text('{"a/c.csv": []}')
    assert main(["--data", str(tmp_path), *arguments]) == 2
    assert text in capsys.readouterr().err


def test_a_detector_that_there_is_not_is_refused(capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["--detectors", "ewna"])
    assert "ewna" in capsys.readouterr().err


def stream(seed, n=900):
    """Return a series with a season, a gap, missing values, a step and a spike."""
    rng = np.random.default_rng(seed)
    x = 50 + 5 * np.sin(np.arange(n) / 12) + rng.normal(0, 1, n)
    x[500:] += 20
    x[700] += 60
    x[[40, 41, 650]] = np.nan
    time = np.arange(n) * 300 * 10**9
    time[300:] += 7200 * 10**9
    return time, x


@pytest.mark.parametrize("name", ENTRIES["nab"])
def test_what_is_said_of_a_reading_rests_on_the_past_alone(name):
    time, x = stream(1)
    run = ENTRIES["nab"][name].run
    whole, part = run(time, x), run(time[:640], x[:640])
    for all_, some in zip(whole, part, strict=True):
        assert (all_ is None) == (some is None)
        if some is not None:
            np.testing.assert_array_equal(all_[:640], some)
    assert isinstance(whole, Said)


@pytest.mark.parametrize("kind", ["drift", "changepoint"])
@pytest.mark.parametrize("cut", [450, 520, 640])
def test_an_alarm_rests_on_the_past_alone(kind, cut):
    for name, entry in ENTRIES[kind].items():
        _, x = stream(2)
        whole, part = (np.asarray(entry.run(v), np.int64).tolist() for v in (x, x[:cut]))
        assert part == whole[: len(part)], name
        assert all(i < cut for i in part), name
        assert all(a <= b for a, b in pairwise(part)), name


@pytest.mark.parametrize("kind", ["trend", "period", "drift", "changepoint"])
def test_a_constant_and_nothing_but_gaps_are_quiet(kind):
    for name, entry in ENTRIES[kind].items():
        if name in ("always", "every"):
            continue
        for x in (np.full(300, 5.0), np.full(300, np.nan)):
            said = entry.run(x)
            assert said is None or (len(said) if np.ndim(said) else said) == 0, name


def test_the_page_gets_a_table_and_a_plot(tmp_path):
    page = tmp_path / "detection.md"
    page.write_text("# A\n\n## Results\n\nWords.\n")
    rows = [
        Row(
            "d", "drift", "ours", "ours", 3, {"recall": 0.5, "recall_low": 0.4, "recall_high": 0.6, "us_per_point": 1.0}
        ),
        Row("d", "drift", "none", "trivial", 3, {"recall": math.nan, "us_per_point": 1.0}),
    ]
    rows = [row._replace(figures={"delay": 1.0, "false_per_10k": 0.0} | row.figures) for row in rows]
    write(page, [(Set("d", "drift", [1, 2, 3]), rows)], "scripts/quality --write")
    assert "](detection/d-drift.svg)" in page.read_text()
    dots = ElementTree.parse(tmp_path / "detection" / "d-drift.svg").iter("{http://www.w3.org/2000/svg}circle")
    told = [it[0].text for it in dots]
    assert told == ["ours: 0.500", "ours: 1", "none: 1", "ours: 0.00", "none: 0.00"]
