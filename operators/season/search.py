"""Search a stretch of a series for its periods: shown by the spectrum, confirmed by the autocorrelation, each taken out in turn."""

from __future__ import annotations

import numpy as np

from config.records import Float
from operators.season.evidence import evidence, spectrum, taken
from operators.season.flatten import BLOCKS, flatten

CYCLES = 3  # what has not been seen three times is no season
SURE = 6.0  # evidence asked: one in a million, as thousands of periods are tried at each look
OVER = 0.2  # share of variance
NEARLY = 0.9
PERIODS = 3
Found = list[tuple[int, float]]


def search(x: Float, scale: int, shortest: int) -> Found:
    """Find up to `PERIODS` periods of at least `shortest` in means of `scale` values each, the surest first.

    Examples
    --------
    >>> search(np.tile([9.0, 0.0, 0.0, 1.0, 0.0], 20), 1, 2)
    [(5, 1.0)]
    """
    if len(x) < BLOCKS or np.isnan(x).mean() > 0.5:
        return []
    y = flatten(x)
    if not np.ptp(y) > 1e-9 * np.nanmax(np.abs(x)):
        return []
    over, again, left, found = spectrum(y), autocorrelation(y), y, []
    periods = np.arange(2, len(y) // CYCLES + 1).astype(np.float64)
    for _ in range(PERIODS):
        seen = evidence(over, periods)
        if seen.max() < SURE:
            break
        best = periods[first(seen)]
        if scale > 1:  # between the whole numbers of coarse values
            near = np.arange(np.floor((best - 1) * scale), (best + 1) * scale + 1) / scale
            best = near[int(evidence(over, near).argmax())]
        else:
            best = shorter(left, over, best)
        strength, left = part(left, best)
        if agrees(again, best, len(y)) and best * scale >= shortest:
            found.append((round(best * scale), strength))
        over = np.where(taken(over, best, len(y)), 0.0, spectrum(left))
    return found


def first(seen: Float) -> int:
    """Return the place of the greatest evidence, or the first of its k-th parts that has nearly as much.

    A strong season leaks into the frequencies beside its own, which are harmonics of its multiples.

    Parameters
    ----------
    seen
        Shape (p,): evidence for the periods 2, 3, …

    Examples
    --------
    >>> first(np.array([1.0, 1.0, 95.0, 3.0, 2.0, 2.0, 2.0, 4.0, 2.0, 2.0, 100.0]))
    2
    """
    best = int(seen.argmax())
    for k in range((best + 2) // 2, 1, -1):
        middle = round((best + 2) / k)
        near = np.arange(max(middle - 1, 2), middle + 2) - 2
        if seen[near].max() >= NEARLY * seen[best]:
            return int(near[seen[near].argmax()])
    return best


def autocorrelation(y: Float) -> Float:
    """Return how much `y` resembles itself at each lag, shape (n,), each by the number of its pairs.

    Examples
    --------
    >>> autocorrelation(np.tile([1.0, -1.0], 50))[:4].round(2).tolist()
    [1.0, -1.0, 1.0, -1.0]
    """
    n = len(y)
    together = np.fft.irfft(np.abs(np.fft.rfft(y, 2 * n)) ** 2)[:n]
    result: Float = together / together[0] * n / (n - np.arange(n))
    return result


def agrees(again: Float, period: float, n: int) -> bool:
    """Whether the autocorrelation is beyond chance a period ahead, and higher there than half a period ahead."""
    lag, half = round(period), max(1, round(period / 2))
    there = float(again[max(1, lag - 1) : lag + 2].max())
    return there > 2.0 / np.sqrt(n - lag) and there > float(again[half])


def part(y: Float, period: float) -> tuple[float, Float]:
    """Return the share of variance that the mean course of a period explains, free of bias, and what it leaves.

    Examples
    --------
    >>> part(np.tile([1.0, -1.0], 50), 2.0)[0]
    1.0
    """
    n, phases = len(y), int(np.ceil(period))
    phase = np.minimum((np.arange(n) % period).astype(np.int64), phases - 1)
    count = np.bincount(phase, minlength=phases)
    left = y - (np.bincount(phase, y, phases) / np.maximum(count, 1))[phase]
    whole = y.var() / (n - 1)
    explained = 1.0 - left.var() / max(n - phases, 1) / whole if whole > 0.0 else 0.0
    return max(0.0, float(explained)), left


def shorter(y: Float, over: Float, period: float) -> float:
    """Return the shortest part of `period` that is a season itself, such as the day in a week; else `period`.

    A season without a k-th part may still be explained to 1/k by it (think of spikes), so more is asked.
    """
    whole = part(y, period)[0]
    parts = np.array([period / k for k in range(int(period) // 2, 1, -1) if period % k == 0])
    for it, seen in zip(parts, evidence(over, parts), strict=True):
        if seen >= SURE and part(y, it)[0] > whole * (it / period + OVER):
            return float(it)
    return period
