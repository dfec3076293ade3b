"""The whole operator: what it says rests on what each partition holds, not on how they were read."""

from __future__ import annotations

import pickle
import random

import numpy as np
import pytest

from config.packing import SnapshotError
from config.records import SECOND, Poll
from operators.correlate import Correlate, Plan
from operators.correlate.align import Align
from operators.correlate.arrivals import Arrived, Cell, Reading

PLAN = Plan(60, 120.0, series=20, windows=80, every=20, lags=5)
SHARDS = ["results-0", "results-1", "results-2"]
SERIES = [f"cpu,host=h{k} idle" for k in range(12)]
WINDOWS = 130


def cells(seed: int = 1) -> dict[str, list[Cell]]:
    """Walks, of which two follow others; some windows are missing, some written anew, some come late or out of order."""
    dice = np.random.default_rng(seed)
    x = dice.normal(size=(12, WINDOWS)).cumsum(1)
    x[1, 3:] = x[0, :-3] + 0.1 * dice.normal(size=WINDOWS - 3)
    x[5] = 2 * x[7] + 0.2 * dice.normal(size=WINDOWS)
    out: dict[str, list[Cell]] = {shard: [] for shard in SHARDS}
    for t in range(WINDOWS):
        for k in dice.permutation(12).tolist():
            if dice.random() < 0.02:
                continue
            rows = out[SHARDS[k % 3]]
            rows.append(Cell(SERIES[k], t * 60 * SECOND, x[k, t] + 5.0, 0, False))
            rows.append(Cell(SERIES[k], t * 60 * SECOND, x[k, t], 1, False))
            if t > 9 and dice.random() < 0.02:
                rows.append(Cell(SERIES[k], (t - 8) * 60 * SECOND, 99.0, 7, False))
    return out


def mixed(parts: dict[str, list[Cell]], seed: int):
    """Yield what polls may bring: each partition in its order, cut and mixed at will."""
    dice, left = random.Random(seed), {shard: list(rows) for shard, rows in parts.items()}
    while any(left.values()):
        shard = dice.choice([s for s in left if left[s]])
        n = dice.choice([1, 7, 300])
        yield Arrived(shard, left[shard][:n], 0, 0)
        left[shard] = left[shard][n:]


def run(arrivals, plan: Plan = PLAN, restarts: float = 0.0):
    dice, it, rows = random.Random(9), Correlate(plan, SHARDS), []
    for arrived in arrivals:
        rows += it.update(arrived)
        if dice.random() < restarts:
            it = Correlate(plan, SHARDS, pickle.loads(pickle.dumps(it.snapshot())))
    return rows, it


@pytest.fixture(scope="module")
def whole():
    return run(mixed(cells(), 0))


def test_it_says_who_follows_whom(whole):
    rows, _ = whole
    last = {(r.series, r.tags["other_series"]): r for r in rows if r.time == max(r.time for r in rows)}
    assert {pair: r.fields["lag"] for pair, r in last.items()} == {
        (SERIES[0], SERIES[1]): 3,
        (SERIES[1], SERIES[0]): -3,
        (SERIES[5], SERIES[7]): 0,
        (SERIES[7], SERIES[5]): 0,
    }
    assert {r.time // 60 // SECOND % 20 for r in rows} == {0}
    assert {r.tags["length"] for r in rows} == {"60s"}


@pytest.mark.parametrize("seed", range(1, 6))
def test_how_partitions_are_read_changes_nothing(whole, seed):
    rows, it = run(mixed(cells(), seed))
    assert rows == whole[0]
    assert it.snapshot() == whole[1].snapshot()
    assert it.counted()["late"] > 0


@pytest.mark.parametrize("seed", range(1, 4))
def test_a_restart_changes_nothing(whole, seed):
    rows, it = run(mixed(cells(), seed), restarts=0.3)
    assert rows == whole[0]
    assert it.snapshot() == whole[1].snapshot()


def test_rows_that_come_again_change_nothing(whole):
    parts = cells()
    again = {
        shard: [c for k in range(0, len(rows), 20) for c in rows[max(k - 10, 0) : k + 20]]
        for shard, rows in parts.items()
    }
    assert run(mixed(again, 3))[0] == whole[0]


def test_a_series_more_than_there_is_room_for_is_counted_and_the_same_ones_stay():
    few = PLAN._replace(series=6)
    runs = [run(mixed(cells(), seed), few) for seed in range(3)]
    assert all(it.panel.slots == runs[0][1].panel.slots for _, it in runs)
    assert sorted(runs[0][1].panel.slots) == sorted(SERIES)[:6]
    assert min(it.counted()["cardinality"] for _, it in runs) > 5 * 100


def come_and_go() -> dict[str, list[Cell]]:
    """Windows of which some series begin late, and some end so early that others get their places."""
    lives = {SERIES[k]: (k * 37 % 50, 60 if k % 4 == 1 else 400) for k in range(2, 12)}
    dice, out = np.random.default_rng(6), cells(seed=6)
    for rows in out.values():
        more = [Cell(c.series, c.start + WINDOWS * 60 * SECOND, dice.normal(), 0, False) for c in rows]
        rows += more
        rows[:] = [
            c
            for c in rows
            if lives.get(c.series, (0, 400))[0] <= c.start // 60 // SECOND < lives.get(c.series, (0, 400))[1]
        ]
    return out


def blocks(parts: dict[str, list[Cell]]) -> list[dict[str, list[Cell]]]:
    """Cut all partitions after every 30 windows: none is farther ahead than what may wait."""
    out: list[dict[str, list[Cell]]] = [{shard: [] for shard in parts} for _ in range(2 * WINDOWS // 30 + 1)]
    for shard, rows in parts.items():
        newest = 0
        for cell in rows:
            newest = max(newest, cell.start // 60 // SECOND)
            out[newest // 30][shard].append(cell)
    return out


@pytest.mark.parametrize("room", [2, 3, 4, 6])
def test_which_series_find_no_place_is_the_same_however_partitions_are_read(room):
    few, parts = PLAN._replace(series=room), come_and_go()
    rows, whole = run([a for block in blocks(parts) for a in mixed(block, 0)], few)
    counts = whole.counted()
    assert counts["cardinality"] > 0 < counts["late"]
    ways = [[a for block in blocks(parts) for a in mixed(block, seed)] for seed in (1, 2)]
    ways += [[Arrived(s, block[s], 0, 0) for block in blocks(parts) for s in way] for way in (SHARDS, SHARDS[::-1])]
    for way in ways:
        said, it = run(way, few)
        assert (said, it.snapshot(), it.counted()) == (rows, whole.snapshot(), counts)
        said, it = run(way, few, restarts=0.3)
        assert (said, it.snapshot()) == (rows, whole.snapshot())


def test_a_series_that_others_crowd_out_of_a_window_keeps_its_place():
    def windows(series, *at):
        return [Cell(series, t * 60 * SECOND, 1.0 + t, 0, False) for t in at]

    one, other = windows("m x", *range(7)) + windows("z x", *range(7)), windows("zz x", *range(7))
    one, other = sorted(one, key=lambda c: c.start), [*other[:5], *windows("a x", 4), *other[5:]]
    plan, shards = PLAN._replace(lateness=0.0, series=2), ["r-0", "r-1"]
    ways = [[(s, c) for s, c in ((0, one), (1, other))], [(1, other), (0, one)]]
    ways.append(
        [(s, [c for c in of if c.start == t * 60 * SECOND]) for t in range(7) for s, of in ((0, one), (1, other))]
    )
    for way in ways:
        it = Correlate(plan, shards)
        for shard, of in way:
            it.update(Arrived(shards[shard], of, 0, 0))
            it = Correlate(plan, shards, it.snapshot())
        assert it.panel.slots == {"m x": 0, "z x": 1}
        assert it.panel.recent()[:, -6:].tolist() == [[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]] * 2


def test_a_counter_is_its_rate_from_its_first_on():
    it = Correlate(PLAN._replace(lateness=0.0), ["r-0"])
    for t, (value, rate) in enumerate(
        [(1000.0, False), (5.0, True), (6.0, True), (1003.0, False), (7.0, True), (0, True)]
    ):
        it.update(Arrived("r-0", [Cell("a x", t * 60 * SECOND, value, 0, rate)], 0, 0))
    assert it.panel.recent()[0][-5:].tolist() == pytest.approx([np.nan, 5.0, 6.0, np.nan, 7.0], nan_ok=True)


def test_a_series_without_windows_gives_its_place_back():
    it = Correlate(PLAN._replace(lateness=0.0, series=2), ["r-0"])
    for t in range(200):
        names = ["a x", "b x"] if t < 50 else ["b x", "c x"]
        it.update(Arrived("r-0", [Cell(n, t * 60 * SECOND, t % 7, 0, False) for n in names], 0, 0))
    assert it.panel.slots == {"b x": 1, "c x": 0}


def test_a_partition_that_stays_silent_is_waited_for_one_window_of_the_clock():
    align = Align(60 * SECOND, 0, 10, 120, ["r-0", "r-1"])

    def put(shard, t, idle=0):
        new = [] if idle else [Cell(f"{shard} x", t * 60 * SECOND, 1.0, 0, False)]
        return [c.number for c in align.update(Arrived(shard, new, 0, idle * SECOND))]

    assert [put("r-0", t) for t in range(5)] == [[]] * 5
    assert [put("r-1", 0, idle=s) for s in range(10, 60, 10)] == [[]] * 5
    assert put("r-1", 0, idle=60) == [0, 1, 2, 3]
    assert put("r-0", 5) == [4]
    assert put("r-1", 5) == []  # back: waited for again, and its windows count
    assert put("r-0", 6) == []
    assert put("r-1", 6) == [5]
    assert put("r-1", 2) == []
    assert align.late == 1


def test_what_waits_is_bounded():
    align = Align(60, 0, 2, 120, ["r-0", "r-1"])
    for t in range(1000):
        list(align.update(Arrived("r-0", [Cell("a x", t * 60, 1.0, 0, False)], 0, 0)))
        assert align.waiting == sum(map(len, align.open.values())) <= 2 * (100 + 2 * 2)
    assert align.closed == 999 - 208


@pytest.mark.parametrize("other", [PLAN._replace(length=30), PLAN._replace(windows=90), PLAN._replace(series=9)])
def test_state_of_other_settings_is_refused(other, whole):
    with pytest.raises(SnapshotError, match="set"):
        Correlate(other, SHARDS, whole[1].snapshot())


def test_rows_of_the_topic_are_read_as_they_were_written():
    from config.records import Rows, Series
    from sinks.message import result_messages

    series, values = Series(), [0.1, 1e-300, -3.0]
    names = [r"cpu\ x,host=a\,length\=60s,length=7 a\ mean", "cpu,metric=m mean", "net,host=ä b"]
    codes = np.array([series.code(n) for n in names])
    for length, found in (("60s", 3), ("3600s", 0)):
        fields = {"count": np.array([6, 6, 6]), "mean": np.array(values), "revision": np.array([0, 2, 0])}
        sent = result_messages("results")(Rows("windows", series, codes, codes * 60, {"length": length}, fields))
        cells = Reading("60s").update(Poll.of([m.value or b"" for m in sent], keys=[m.key for m in sent])).cells
        assert (
            cells
            == [Cell(n, 60 * k, v, 2 * (k == 1), False) for k, (n, v) in enumerate(zip(names, values, strict=True))][
                :found
            ]
        )


def test_what_cannot_be_read_is_counted():
    texts = (
        "windows,length=60s",
        "windows,length=60s x=1 5",
        "windows,length=60s mean=x 5",
        "windows,length=60s mean=1 z",
        "windows,length=60s mean=nan 5",
        "windows,length=60s mean=1e999 5",
    )
    broken = [*map(str.encode, texts), b"", b"\xff"]
    arrived = Reading("60s").update(Poll.of(broken, keys=[b"a x"] * 8))
    assert (arrived.cells, arrived.skipped) == ([], 6)
