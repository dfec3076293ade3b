"""The season that is found again, written for reading: whole history, dictionaries, NumPy's own sums."""

from __future__ import annotations

import numpy as np

DAY = 86_400 * 10**9
HOUR = 3600 * 10**9


def weighted(usual, seen, cell, x, weight):
    n = seen.get(cell, 0)
    usual[cell] = usual.get(cell, 0.0) + max(weight, 1 / (n + 1)) * (x - usual.get(cell, 0.0))
    seen[cell] = n + 1


class Found:
    """A period on trial, or trusted, and its profile."""

    def __init__(self, length, t, scale, strength, width, level):
        self.length, self.anchor, self.scale, self.strength = length, t, scale, strength
        self.m = min(max((length + width // 2) // width, 1), 64)
        self.usual, self.seen, self.errors, self.level = {}, {}, [], level

    def cell(self, t):
        return (t - self.anchor) % self.length * self.m // self.length


class Season:
    """What is usual, by the calendar or by a period that it finds."""

    def __init__(self):
        self.usual, self.seen, self.bins = {}, {}, [{}, {}, {}]
        self.gaps, self.interval, self.width, self.last = 0, 0.0, 0, None
        self.found, self.since = None, None

    def look(self, t, level):
        if self.since is not None:
            return (self.found.usual.get(self.found.cell(t), level),) * 2
        return self.calendar(t, level)

    def calendar(self, t, level):
        day = self.usual.get(("day", t // HOUR % 24), level)
        week = ("week", t // HOUR % 168)
        return day, 0.5 * (day + self.usual[week]) if week in self.usual else day

    def learn(self, t, x, level):
        since = t - self.last if self.last is not None else 0
        if self.found:
            self.judge(t, x, level)
        if self.found:
            f = self.found
            weighted(f.usual, f.seen, f.cell(t), x, 0.15 * min(since * f.m / f.length, 1))
        weight = 0.15 * min(since / (300 * 10**9), 1)
        for cell in (("day", t // HOUR % 24), ("week", t // HOUR % 168)):
            weighted(self.usual, self.seen, cell, x, weight)
        due = self.bin(t, x, since)
        self.last = t
        if due is not None:
            self.consider(t, due, level)

    def judge(self, t, x, level):
        f = self.found
        flat = sum(f.usual.values()) / f.m
        wrong = [f.usual.get(f.cell(t), level), self.calendar(t, level)[1], level, flat]
        usual = self.errors(f)
        most = 3 * max(usual[1:]) if len(f.errors) >= 256 else np.inf
        f.errors.append([min(abs(x - it), most) for it in wrong])
        usual = self.errors(f)
        best = min(usual[1:])
        if self.since is not None:
            if usual[0] > best:
                self.since = self.found = None
        elif len(f.errors) >= 256 and len(f.errors) * self.width >= 2 * f.length:
            if usual[0] < 0.8 * best:
                self.since = t
            else:
                self.found = None

    def errors(self, f):
        memory = max(2 * f.length // self.width, 256)
        usual = np.zeros(4)
        for n, e in enumerate(f.errors):
            usual += max(1 / (n + 1), 1 / memory) * (np.array(e) - usual)
        return usual

    def bin(self, t, x, since):
        """Sum readings by equal stretches of time; a look is due when the last stretch of 64 has ended."""
        if since > 0:
            self.interval = float(since) if self.interval == 0 else self.interval + 0.1 * (since - self.interval)
        self.gaps += 1
        if self.gaps > 16 and self.width == 0:
            self.width = int(self.interval)
        due, width = None, self.width
        for scale, bins in enumerate(self.bins if width else ()):
            if bins and t // width // 64 != max(bins) // 64:
                due = scale
            bins.setdefault(t // width, []).append(x)
            width *= 6
        return due

    def consider(self, t, scale, level):
        f, width = self.found, self.width * 6**scale
        known = f.length / width if self.since is not None else 0.0
        if known and (scale < f.scale or known < 8):
            return
        newest = sorted(self.bins[scale])[-2]
        y = [np.mean(self.bins[scale].get(newest - 255 + i, [np.nan])) for i in range(256)]
        period, strength = propose(np.array(y, np.float32).astype(float), known)
        length = int(period * width)
        days = round(length / DAY)
        if length == 0 or (days and abs(length - days * DAY) < 0.03 * days * DAY):
            return
        if f and abs(length - f.length) < 0.03 * f.length:
            if scale >= f.scale and length >= 8 * width:
                f.anchor = t - int((t - f.anchor) % f.length / f.length * length)
                f.length, f.strength, f.scale = length, strength, scale
        elif f is None or (self.since is None and strength > f.strength):
            f = self.found = Found(length, t, scale, strength, self.width, level)
            for i, value in enumerate(y):
                if value == value:
                    weighted(f.usual, f.seen, f.cell((newest - 255 + i) * width + width // 2), value, 0.15)


def propose(y, known):
    """The period of 256 values, NaN where one is missing, and the share of variance that it explains."""
    have = ~np.isnan(y)
    y = y[np.argmax(have) :]
    have = ~np.isnan(y)
    n, at = len(y), np.arange(len(y))
    if n < 64 or 2 * have.sum() < n:
        return 0.0, 0.0
    rest = y - np.polyval(np.polyfit(at[have], y[have], 1), at)
    y = np.where(have, rest, 0.0)
    far = 3.75 * np.abs(y).sum() / have.sum()
    y = np.clip(y, -far, far)
    if known:
        return sharpen(y, known, 6) if 3 * known <= n else (0.0, 0.0)
    again = {lag: np.mean(y[lag:] * y[: n - lag]) / np.mean(y * y) for lag in range(1, n // 3 + 5)}
    peaks = [lag for lag in range(4, n // 3 + 1) if again[lag] >= max(0.3, again[lag - 1], again[lag + 1])]
    peaks = [lag for lag in peaks if again[lag] > again[(lag + 1) // 2] + 0.15]
    if not peaks:
        return 0.0, 0.0
    lag = next(it for it in peaks if again[it] >= 0.9 * max(again[p] for p in peaks))
    off = min(0.5 + 0.05 * lag, 0.25 * lag)
    period, share = sharpen(y, float(lag), min(int(off * 16 * n / lag**2) + 1, 24))
    return (period, share) if share >= 0.3 else (0.0, 0.0)


def sharpen(y, period, most):
    m, best = max(min(16, int(0.8 * period)), 2), period
    share = explained(y, period, m) + 0.005
    step = period * period / (16 * len(y))
    for size, reach in ((step, most), (step / 4, 3)):
        middle = best
        for k in range(-reach, reach + 1):
            found = explained(y, middle + k * size, m)
            if found > share:
                best, share = middle + k * size, found
    return best, share if best != period else share - 0.005


def explained(y, period, m):
    """The share of variance between the parts of a period, by an analysis of variance."""
    part = (np.arange(len(y)) / period % 1.0 * m).astype(int)
    left = sum(np.sum((y[part == k] - y[part == k].mean()) ** 2) for k in set(part.tolist()))
    whole = np.sum(y * y)
    return 1 - left / (len(y) - m) / (whole / (len(y) - 1))
