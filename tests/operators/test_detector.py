import pickle
from dataclasses import replace

import bytewax.operators as op
import numpy as np
import pytest
from bytewax.dataflow import Dataflow
from bytewax.testing import TestingSink, TestingSource, run_main
from numpy.testing import assert_array_equal

from config.records import (
    ENDED,
    NOTHING,
    RETURNED,
    Checked,
    MetricBatch,
    Rows,
    Scored,
    Scores,
    Silences,
    Windows,
)
from operators.anomaly import build, gate
from operators.anomaly.ewma import ewma
from operators.anomaly.zscore import zscore
from operators.detect import Detect, detect
from operators.detector import Bank
from operators.kind import Kinds, rows

NOISE = np.random.default_rng(3).normal(size=400).clip(-3, 3)
POINTS, WINDOWS = build(["ewma", "cusum", "flatline"], {}), build(["profile"], {})


def checked(values, forward=None, silences=None, names="abc"):
    """Accepted points of as many series as names, in turn, ten seconds apart, each value moved by its series' number."""
    table = [(f"{s} x", k * 10, v + i) for k, v in enumerate(values) for i, s in enumerate(names)]
    b = MetricBatch.of(table, seconds=True)
    ok = np.ones(len(b), bool) if forward is None else np.repeat(forward, len(names))
    fresh = np.arange(len(names))
    return Checked(b, ok, b.value, fresh, silences or Silences.none())


def part(item, a, b):
    mask = np.zeros(len(item.points), bool)
    mask[a:b] = True
    s = item.silences
    here = (s.position >= a) & (s.position < b) if b < len(mask) else s.position >= a
    silences = Silences(s.position[here] - a, s.codes[here], s.seconds[here], s.time[here])
    fresh = item.fresh if a == 0 else NOTHING
    return replace(
        item,
        points=item.points.where(mask),
        forward=item.forward[mask],
        rate=item.rate[mask],
        fresh=fresh,
        silences=silences,
    )


def plain(records):
    """Rows of `anomalies` and `scores` one by one, as bytes where they are numbers."""
    out = []
    for r in records:
        if isinstance(r, Rows):
            columns = [[str(v) for v in column] for column in r.fields.values()]
            out += [
                (r.measurement, r.series.names[c], t, str(r.tags), *vs)
                for c, t, *vs in zip(r.codes, r.time, *columns, strict=True)
            ]
        else:
            out.append((r.measurement, r.series, r.time, str(r.tags), *(str(v) for v in r.fields.values())))
    return out


def disturbed():
    x = NOISE.copy()
    x[200] += 20
    x[300:] += 15
    silences = Silences(*(np.array(c) for c in ([905, 910, 1199], [0, 1, 2], [300, RETURNED, ENDED], [1, 2, 3])))
    return checked(x, forward=np.arange(400) % 50 != 7, silences=silences)


def test_disordered_points_have_no_score_and_teach_nothing():
    x = NOISE.copy()
    x[100] = 1e6
    forward = np.arange(400) != 100
    some, none = Detect([ewma()], []), Detect([ewma()], [])
    found = some.update(checked(x, forward)).scores["ewma"].score.reshape(400, 3)
    assert np.isnan(found[100]).all()
    expected = none.update(checked(x[forward])).scores["ewma"].score.reshape(399, 3)
    assert_array_equal(np.delete(found, 100, 0), expected)


def test_rules_may_name_the_value_itself_while_detectors_see_the_rate():
    item = checked([10.0, 20.0, 40.0], names="a")
    item = replace(item, rate=np.array([np.nan, 1.0, 2.0]))
    scored = Detect([zscore(warmup=2)], []).update(item)
    assert_array_equal(scored.fields["value"], [10, 20, 40])
    assert_array_equal(scored.value, [np.nan, 1, 2])
    assert_array_equal(scored.first, [0, 1, 2])


@pytest.mark.parametrize("size", [1, 7, 1000])
@pytest.mark.parametrize("keep", ["none", "windows", "all"])
def test_records_are_the_same_however_batches_are_cut(size, keep):
    item = disturbed()
    whole = plain(rows(Detect(POINTS, WINDOWS, keep).update(item), keep))
    cut, records = Detect(POINTS, WINDOWS, keep), []
    for a in range(0, len(item.points), size):
        records += rows(cut.update(part(item, a, a + size)), keep)
    assert sorted(plain(records)) == sorted(whole)
    settled = [
        [r for r in of if r[0] == "anomalies" and r[-1] not in ("high", "low")] for of in (plain(records), whole)
    ]
    assert sorted(settled[0]) == sorted(settled[1])
    assert len(settled[0]) > 3


def test_a_restart_changes_nothing():
    item = disturbed()
    whole, first = Detect(POINTS, WINDOWS), Detect(POINTS, WINDOWS)
    expected = plain(rows(whole.update(item), "windows"))
    records = rows(first.update(part(item, 0, 607)), "windows")
    second = Detect(POINTS, WINDOWS, "windows", snapshot=pickle.loads(pickle.dumps(first.snapshot())))
    records += rows(second.update(part(item, 607, 1200)), "windows")
    assert sorted(plain(records)) == sorted(expected)
    assert second.snapshot() == whole.snapshot()
    assert second.cold == []


def test_an_item_without_points_passes_its_silences():
    silent = Silences(*(np.array([v]) for v in (0, 1, 300, 9)))
    scored = Detect(POINTS, WINDOWS).update(replace(checked([]), fresh=NOTHING, silences=silent))
    assert len(scored) == 0
    assert scored.silences is silent
    assert rows(scored, "all") == []


def test_each_length_has_a_bank_of_its_own():
    shard, n = Detect([], [zscore(warmup=2)]), 4
    b = MetricBatch.of([("a x", t, x) for t, x in enumerate([1.0, 3.0, 2.0, 9.0])])
    at = np.arange(n)
    minutes = Windows("60s", b.poll, b.series, b.codes, b.time, b.value, {}, at, at, at, np.array([0]), Silences.none())
    hours = replace(minutes, step="3600s", value=np.full(n, 5.0))
    assert_array_equal(shard.update(minutes).scores["zscore"].score[3:].round(4), [0.1837])
    assert_array_equal(shard.update(hours).scores["zscore"].score, [np.nan, np.nan, 0, 0])
    kept = rows(shard.update(replace(minutes, fresh=NOTHING)), "windows")
    assert kept[0].measurement == "scores"
    assert kept[0].tags == {"step": "60s", "detector": "zscore"}
    assert not np.isnan(kept[0].fields["yhat"]).any()


def test_state_of_another_layout_starts_cold_and_says_so():
    item = checked(NOISE)
    old = Detect([ewma()], [])
    old.update(item)
    wider = ewma()._replace(row=np.zeros(1, [("new", "f8"), *ewma().row.dtype.descr]))
    resumed = Bank([wider, zscore()], old.snapshot()[1][0][1])
    assert resumed.cold == ["ewma", "zscore"]
    assert len(resumed.rows["zscore"]) >= 3


def test_parameters_are_no_part_of_the_state():
    old = Detect([ewma(limit=4)], [])
    old.update(checked(NOISE, names="a"))
    stricter = Detect([ewma(limit=2)._replace(gate=gate(direction="high"))], [], "windows", snapshot=old.snapshot())
    high, low = (
        stricter.update(replace(checked([v], names="a"), fresh=NOTHING)).scores["ewma"].score[0] for v in (3.2, -3.2)
    )
    assert high > 1
    assert low == 0


def score(values, at=0, high=3.0, low=-3.0, detector="ewma", silences=None):
    """One series whose point `at` is odd, expected 1 within [low, high]."""
    n, y = len(values), np.asarray(values, float)
    scores = np.where(np.arange(n) == at, 1.5, 0.0)
    b = MetricBatch.of([("a x", t, x) for t, x in enumerate(y)])
    band = Scores(scores, np.full(n, 1.0), np.full(n, low), np.full(n, high))
    where = np.arange(n)
    return Scored(
        "60s",
        b.poll,
        b.series,
        b.codes,
        b.time,
        where,
        y,
        {},
        {detector: band},
        where,
        where,
        silences or Silences.none(),
    )


@pytest.mark.parametrize(
    ("kind", "values", "band"),
    [
        ("spike", [9, 1, 2, 1, 0, 1, 2, 1, 0], (-3, 3)),
        ("dip", [-9, 1, 2, 1, 0, 1, 2, 1, 0], (-3, 3)),
        ("level-shift", [9, 8, 9, 8, 2, 9, 8, 10, 8.5], (-3, 3)),
        ("variance", [9, -8, 1, 8, 2, -9, 8, -10, 1], (-3, 3)),
        ("flatline", [9] * 9, (-3, 3)),
        ("dropout", [0, 1, 1.1, 0.9, 1, 1, 1.2, 1, 1], (0.5, 1.5)),
        ("dip", [0.3, 1, 1.1, 0.9, 1, 1, 1.2, 1, 1], (0.5, 1.5)),
    ],
)
def test_kinds(kind, values, band):
    open_, low = Kinds(), values[0] < 1
    it = score(values, low=band[0], high=band[1])
    assert open_.update(replace(it, settled=[]), NOTHING)[0].fields["kind"] == [kind]
    assert rows(it, "none")[0].fields["kind"] == ["low" if low else "high"]
    assert len(open_.open) == 0


def test_a_stuck_series_that_flatline_found_is_flat_even_if_it_moves_on():
    assert Kinds().update(score([9, 1, 2, 1, 0, 1, 2, 1, 0], detector="flatline"), NOTHING)[0].fields["kind"] == [
        "flatline"
    ]


def test_a_series_that_stops_dropped_out():
    stops = Silences(*(np.array([v]) for v in (3, 0, 300, 9)))
    row = Kinds().update(score([9, 1, 2], silences=stops), NOTHING)[0]
    assert (row.fields["kind"], row.series.names, row.codes.tolist(), row.time.tolist(), row.tags) == (
        ["dropout"],
        ["a x"],
        [0],
        [0],
        {"step": "60s", "detector": "ewma"},
    )
    assert row.fields["yhat_upper"] == 3.0


def test_a_new_user_of_a_slot_does_not_settle_its_forerunner():
    kinds = Kinds()
    assert kinds.update(score([9, 1, 2]), NOTHING) == []
    assert kinds.update(score([1] * 20, at=30), np.array([0])) == []
    assert len(kinds.open) == 0


def test_the_graph_scores_what_the_class_scores():
    item, out = disturbed(), []
    flow = Dataflow("detector")
    up = op.input("in", flow, TestingSource([("metrics-0", part(item, a, a + 100)) for a in range(0, 1200, 100)]))
    op.output("out", detect("detect", up, POINTS, WINDOWS, "all"), TestingSink(out))
    run_main(flow)
    alone = Detect(POINTS, WINDOWS, "all").update(item)
    assert_array_equal(np.concatenate([it.scores["cusum"].score for _, it in out]), alone.scores["cusum"].score)
