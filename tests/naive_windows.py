"""The rules of time and of windows again, written for reading: all points kept, no state, no speed."""

from __future__ import annotations

import math
import statistics
from collections import defaultdict

import numpy as np


class Shard:
    """One shard: feed it (series, time, value) in order of arrival; times in any unit."""

    def __init__(self, lengths, lateness, remember, conflict="first", counters=()):
        self.lengths, self.lateness, self.remember = lengths, lateness, remember
        self.conflict, self.counters = conflict, counters
        self.newest = None
        self.own, self.memory = {}, defaultdict(list)
        self.reading, self.arrived = {}, {}
        self.points = defaultdict(list)  # (series, length, start) -> points in order of arrival
        self.gains = defaultdict(list)
        self.revision = defaultdict(int)
        self.written, self.judged_up_to = set(), {}
        self.verdicts, self.rows, self.judged = [], {}, []

    def feed(self, series, t, x, offset):
        verdict = self.verdict(series, t, x)
        self.verdicts.append(verdict)
        if verdict != "accepted":
            return
        self.newest = t if self.newest is None else max(self.newest, t)
        forward = series not in self.own or t > self.own[series]
        self.arrived.pop(series, None)  # so that the dict stays in order of arrival
        self.arrived[series] = self.newest
        for length in self.lengths:
            quiet = [s for s in self.arrived if s != series and self.arrived[s] + length <= self.newest]
            for s in quiet:
                self.close(s, length, math.inf)
        gain = None
        if forward:
            if series in self.counters and series in self.reading:
                t0, x0 = self.reading[series]
                gain = (x - x0 if x >= x0 else x, t - t0)
            self.reading[series] = (t, x)
            before, self.own[series] = self.own.get(series, t), t
        for length in self.lengths:
            start = t // length * length
            if forward and before // length < start // length:
                self.close(series, length, t)
            key = (series, length, start)
            self.points[key].append((t, x, offset))
            if gain:
                self.gains[key].append(gain)
            passed = self.own[series] >= start + length
            self.revision[key] += passed
            if passed or key in self.written:
                self.write(key)

    def verdict(self, series, t, x):
        memory = self.memory[series]
        if series in self.own and t < self.own[series] - self.lateness:
            return "late"
        if self.conflict == "first":
            for stamp, value in memory:
                if stamp == t:
                    return "duplicate" if value == x else "conflict"
            if len(memory) == self.remember and t < min(memory)[0]:
                return "late"
        memory.append((t, x))
        memory.sort(key=lambda p: p[0])
        del memory[: max(0, len(memory) - self.remember)]
        return "accepted"

    def close(self, series, length, until):
        for key in sorted(k for k in self.points if k[:2] == (series, length)):
            if key[2] + length <= until and key[2] > self.judged_up_to.get((series, length), -math.inf):
                self.judged_up_to[series, length] = key[2]
                self.write(key)
                self.judged.append((key, self.rows[key]))

    def write(self, key):
        self.written.add(key)
        self.rows[key] = self.row(key)

    def idle(self, seconds):
        for key in sorted(self.points):
            if key not in self.written and key[2] + key[1] <= self.newest + seconds:
                self.write(key)

    def row(self, key):
        points = self.points[key]
        xs = [x for _, x, _ in points]
        by_stamp = sorted(points, key=lambda p: p[0])
        newest = max(t for t, _, _ in points)
        seconds = sum(s for _, s in self.gains[key])
        return {
            "count": len(xs),
            "sum": math.fsum(xs),
            "min": min(xs),
            "max": max(xs),
            "mean": statistics.fmean(xs),
            "stddev": statistics.stdev(xs) if len(xs) > 1 else 0.0,
            "first": by_stamp[0][1],
            "last": [x for t, x, _ in points if t == newest][-1],
            "p50": np.quantile(xs, 0.5),
            "p95": np.quantile(xs, 0.95),
            "p99": np.quantile(xs, 0.99),
            "rate": sum(g for g, _ in self.gains[key]) / seconds if seconds else math.nan,
            "revision": self.revision[key],
            "offsets": (min(o for _, _, o in points), max(o for _, _, o in points)),
        }
