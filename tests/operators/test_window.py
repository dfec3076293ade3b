"""Validation and windows against their plain twin, on random streams with disorder, gaps, repeats and restarts."""

from __future__ import annotations

import math
import pickle
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.records import SECOND, MetricBatch, Poll, Series
from operators import checks
from operators.validate import Lane, Policy, Validate, decoded
from operators.window import Window
from tests.naive_windows import Shard

VERDICT = {checks.ACCEPTED: "accepted", checks.LATE: "late", checks.CONFLICT: "conflict", checks.DUPLICATE: "duplicate"}
EVERY = ("count", "mean", "min", "max", "last", "stddev", "p50", "p95", "p99", "sum", "first")


def stream(dice: random.Random, n: int) -> list[tuple[str, int, float]]:
    """Points of a few series in seconds: steps of 1 to 90 s, disorder, repeats, conflicts, late and buffered ones."""
    clocks = {f"s{k} x": dice.randrange(1000, 5000) for k in range(dice.randint(1, 3))}
    sent: list[tuple[str, int, float]] = []
    step = dice.choice([1, 5, 20, 90])
    while len(sent) < n:
        name = dice.choice(list(clocks))
        clocks[name] += dice.choice([0, 1, step, step, step, 7 * step])
        t = clocks[name] - dice.choice([0, 0, 0, 0, 1, 40, 200, 400])
        sent.append((name, t, float(dice.choice([dice.gauss(0, 10), dice.randint(0, 5)]))))
        if dice.random() < 0.1:
            sent.append(dice.choice(sent[-20:]))
    return sent[:n]


class Product:
    """The two operators, fed in batches cut at random and restarted at random."""

    def __init__(self, lengths, lateness, remember, conflict="first", counters=()):
        metric = {}
        self.policy = Policy(10**18, lateness * SECOND, remember, {"*": conflict}, metric, (300,))
        self.lengths, self.lateness, self.counters = lengths, lateness * SECOND, counters
        self.validate = Validate(self.policy, Lane(99))
        self.window = Window(lengths, self.lateness, EVERY)
        self.verdicts, self.rows, self.judged = [], {}, []

    def restart(self):
        v, w = pickle.loads(pickle.dumps((self.validate.snapshot(), self.window.snapshot())))
        self.validate = Validate(self.policy, Lane(99), v)
        self.window = Window(self.lengths, self.lateness, EVERY, w)

    def feed(self, points, offset):
        series = Series()
        for name in {n: None for n, _, _ in points}:
            series.code(name, counter=name in self.counters)
        codes = np.array([series.code(n, n in self.counters) for n, _, _ in points])
        time = np.array([t for _, t, _ in points]) * SECOND
        m = len(points)
        batch = MetricBatch(
            Poll.of([b""] * m, offset=offset), series, codes, time, np.array([x for _, _, x in points]), np.arange(m)
        )
        out = self.validate.update(decoded(batch, stamp=10**18))
        self.verdicts += [VERDICT[v] for v in out.verdict.tolist()]
        self.take(self.window.update(out.checked))

    def take(self, windowed):
        for rows in windowed.rows:
            length = int(rows.tags["length"][:-1])
            for i, (code, time) in enumerate(zip(rows.codes.tolist(), rows.time.tolist(), strict=True)):
                fields = {f: c[i] for f, c in rows.fields.items()}
                self.rows[rows.series.names[code], length, time // SECOND] = fields
        for w in windowed.judged:
            for i in range(len(w)):
                fields = {f: c[i] for f, c in w.fields.items()} | {"offsets": (w.first[i], w.last[i])}
                self.judged.append(((w.series.names[w.codes[i]], int(w.step[:-1]), int(w.time[i]) // SECOND), fields))


def same(mine, twin, exact_quantiles=True):
    for field, x in twin.items():
        if field == "offsets":
            assert tuple(mine[field]) == x
        elif field == "rate":
            assert math.isclose(mine.get(field, math.nan), x, rel_tol=1e-9) or math.isnan(x)
        elif field.startswith("p") and not exact_quantiles:
            assert math.isclose(mine[field], x, rel_tol=0.01, abs_tol=1e-12)
        else:
            assert math.isclose(mine[field], x, rel_tol=1e-9, abs_tol=1e-9), (field, mine[field], x)


@settings(max_examples=10_000, deadline=None, derandomize=True, database=None)
@given(st.integers(0, 2**63))
def test_agrees_with_the_plain_twin(seed):
    dice = random.Random(seed)
    lengths = dice.choice([[60], [60, 600], [10, 60]])
    lateness, remember = dice.choice([0, 60, 300]), dice.choice([4, 64])
    conflict = dice.choice(["first", "first", "each"])
    counters = {"s1 x"} if dice.random() < 0.5 else set()
    twin = Shard(lengths, lateness, remember, conflict, counters)
    mine = Product(lengths, lateness, remember, conflict, counters)
    points, i = stream(dice, dice.randint(1, 50)), 0
    for offset, (name, t, x) in enumerate(points):
        twin.feed(name, t, x, offset)
    while i < len(points):
        j = i + dice.choice([1, 3, 7, 50])
        mine.feed(points[i:j], i)
        i = j
        if dice.random() < 0.1:
            mine.restart()
    assert mine.verdicts == twin.verdicts
    for key in twin.rows.keys() | mine.rows.keys():
        same(mine.rows[key], {f: v for f, v in twin.rows[key].items() if f != "offsets"})
    by_length = {length: [j for j in twin.judged if j[0][1] == length] for length in lengths}
    for length in lengths:
        ours = [j for j in mine.judged if j[0][1] == length]
        assert [k for k, _ in ours] == [k for k, _ in by_length[length]]
        for (_, a), (_, b) in zip(ours, by_length[length], strict=True):
            same(a, b)


@pytest.mark.parametrize("shape", ["normal", "lognormal", "integers", "wide"])
def test_quantiles_beyond_64_values_are_within_one_per_cent(shape):
    rng = np.random.default_rng(5)
    values = {
        "normal": rng.normal(0, 1, 3000),
        "lognormal": rng.lognormal(3, 2, 3000),
        "integers": rng.integers(0, 50, 3000).astype(float),
        "wide": rng.choice([-1.0, 1.0], 3000) * 10.0 ** rng.uniform(-12, 12, 3000),
    }[shape]
    for n in (65, 100, 3000):
        mine = Product([3600], 300, 64)
        mine.feed([("a x", t, x) for t, x in enumerate(values[:n].tolist())], 0)
        mine.feed([("a x", 3600, 0.0)], n)
        row = mine.rows["a x", 3600, 0]
        for field, q in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99)):
            assert row[field] == pytest.approx(np.quantile(values[:n], q), rel=0.01, abs=1e-12)


def test_a_silent_shard_is_written_by_the_clock_but_not_judged():
    mine = Product([60], 300, 64)
    mine.feed([("a x", 100, 1.0), ("a x", 110, 3.0)], 0)
    idle = decoded(MetricBatch.of([]))
    for seconds, written in ((9, False), (10, True)):
        from dataclasses import replace

        poll = replace(idle.points.poll, idle=seconds * SECOND)
        quiet = replace(idle, points=replace(idle.points, poll=poll))
        mine.take(mine.window.update(mine.validate.update(quiet).checked))
        assert (("a x", 60, 60) in mine.rows) is written
    assert mine.judged == []
    mine.feed([("a x", 115, 2.0)], 2)
    assert mine.rows["a x", 60, 60]["count"] == 3
    assert mine.rows["a x", 60, 60]["revision"] == 0
    mine.feed([("a x", 120, 2.0)], 3)
    assert [key for key, _ in mine.judged] == [("a x", 60, 60)]
