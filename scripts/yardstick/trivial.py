"""Baselines: what can be had without any thought.  An operator that is not clearly better than these is worth nothing."""

from __future__ import annotations

from statistics import NormalDist
from zlib import crc32

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from config.records import Float, Int
from scripts.yardstick.said import Forecast, Said

EVERY = 500
ODDS = 1e-4  # the share of readings that `random` takes for odd
RECENT, ROBUST = 200, 1.4826  # readings; deviations in a median distance of normal noise
LINE = 8.0
LEVELS = (0.8, 0.95)


def never(time: Int, value: Float) -> Said:
    """Say nothing, ever."""
    return Said(np.zeros(len(value)))


def every(time: Int, value: Float) -> Said:
    """Give an alarm at every 500th reading."""
    return Said((np.arange(len(value)) % EVERY == EVERY - 1) * 1.0)


def random(time: Int, value: Float) -> Said:
    """Give a score that is a probability, of nothing: log p over log 0.0001, p by lot, always the same for a series."""
    p = np.random.default_rng(crc32(time[:1].tobytes() + value[:1].tobytes())).random(len(value))
    return Said(np.log(np.maximum(p, 1e-300)) / np.log(ODDS))


def difference(time: Int, value: Float) -> Said:
    """Score how far a reading lies from the one before, in robust deviations of the last 200 such distances; 8 of them are the line."""
    known = np.flatnonzero(np.isfinite(value))
    score = np.full(len(value), np.nan)
    step = np.abs(np.diff(value[known]))
    if len(step) > RECENT:
        before = sliding_window_view(step, RECENT)[:-1]
        parts = np.array_split(before, len(before) // 10_000 + 1)  # each is copied
        scale = np.concatenate([np.maximum(ROBUST * np.median(p, axis=1), 0.1 * p.mean(axis=1)) for p in parts])
        far = step[RECENT:]
        score[known[RECENT + 1 :]] = np.divide(far, LINE * scale, out=np.where(far > 0, LINE, 0.0), where=scale > 0)
    return Said(score)


def nowhere(values: Float) -> int:
    """Never see a trend."""
    return 0


def upwards(values: Float) -> int:
    """See a rise, always."""
    return 1


def halves(values: Float) -> int:
    """Say which half is higher on average."""
    first, second = (part[np.isfinite(part)] for part in np.array_split(values, 2))
    return int(np.sign(second.mean() - first.mean())) if len(first) and len(second) else 0


def aperiodic(values: Float) -> None:
    """Never see a season."""


def daily(values: Float) -> float:
    """Say 24, always."""
    return 24.0


def autocorrelated(values: Float) -> float | None:
    """Say the lag of the highest hump of the autocorrelation behind its first change of sign, if it is above 0.3."""
    x = values[np.isfinite(values)]
    n = len(x)
    if n < 9:
        return None
    x = x - np.polyval(np.polyfit(np.arange(n), x, 1), np.arange(n))
    power = np.abs(np.fft.rfft(x, 2 * n)) ** 2
    likeness = np.fft.irfft(power)[: n // 3] / max(float((x**2).sum()), 1e-300)
    below = np.flatnonzero(likeness < 0)
    first = int(below[0]) if len(below) else n
    hump = np.flatnonzero((likeness[1:-1] > likeness[:-2]) & (likeness[1:-1] >= likeness[2:])) + 1
    hump = hump[(hump > first) & (likeness[hump] > 0.3)]
    return float(hump[np.argmax(likeness[hump])]) if len(hump) else None


def silent(values: Float) -> list[int]:
    """Never give an alarm."""
    return []


def regular(values: Float) -> list[int]:
    """Give an alarm at every 500th value."""
    return list(range(EVERY - 1, len(values), EVERY))


def often(values: Float) -> list[int]:
    """Give an alarm at every 50th value."""
    return list(range(50, len(values), 50))


def naive(train: Float, horizon: int, season: int) -> Forecast:
    """Forecast the last value."""
    return seasonal_naive(train, horizon, 1)


def seasonal_naive(train: Float, horizon: int, season: int) -> Forecast:
    """Forecast what was a season ago; bounds are those of normal errors, which add up from season to season."""
    x = train[np.isfinite(train)]
    if not len(x):
        return Forecast(np.full(horizon, np.nan), {})
    season = min(season, len(x))
    steps = np.arange(horizon)
    yhat = x[len(x) - season + steps % season]
    error = x[season:] - x[:-season]
    deviation = float(np.sqrt(np.mean(error**2))) if len(error) else np.nan
    half = deviation * np.sqrt(steps // season + 1.0)
    z = {level: NormalDist().inv_cdf(0.5 + level / 2) for level in LEVELS}
    return Forecast(yhat, {level: (yhat - z[level] * half, yhat + z[level] * half) for level in LEVELS})
