"""Correlation judged on series made here: pairs told falsely, planted ones found, and what a look costs.

python -m scripts.yardstick.correlation        # the table in docs/detection.md, about two minutes
"""

from __future__ import annotations

from collections.abc import Callable
from time import process_time

import numpy as np
from numpy.random import Generator
from scipy.special import betainc

from config.records import Float
from operators.correlate.innovations import standard
from operators.correlate.pairs import pairs, threshold

Shape = tuple[int, int]
WINDOWS, LAGS = 120, 10


def memory(dice: Generator, shape: Shape) -> Float:
    """Return series that remember: AR(1) of 0.9."""
    e = dice.normal(size=(shape[0], shape[1] + 60))
    for t in range(1, e.shape[1]):
        e[:, t] += 0.9 * e[:, t - 1]
    return e[:, 60:]


def season(dice: Generator, shape: Shape) -> Float:
    """Return the same season of 24 windows in all, and noise."""
    t = np.arange(shape[1]) * 2 * np.pi / 24
    return 3 * np.sin(t) + 1.5 * np.sin(2 * t + 1) + dice.normal(size=shape)


def cron(dice: Generator, shape: Shape) -> Float:
    """Return the same burst every 30 windows in all."""
    t = np.arange(shape[1]) % 30
    return 6.0 * (t == 0) + 3.0 * (t == 1) + dice.normal(size=shape)


def steps(dice: Generator, shape: Shape) -> Float:
    """Return a step of eight deviations in each, anywhere."""
    return dice.normal(size=shape) + 8.0 * (np.arange(shape[1]) >= dice.integers(0, shape[1], (shape[0], 1)))


def spikes(dice: Generator, shape: Shape) -> Float:
    """Return rare bursts of any height."""
    return 0.3 * dice.normal(size=shape) + (dice.random(shape) < 0.03) * dice.exponential(20.0, shape)


KINDS: dict[str, Callable[[Generator, Shape], Float]] = {
    "white": lambda dice, shape: dice.normal(size=shape),
    "heavy": lambda dice, shape: dice.standard_t(3, shape),
    "skewed": lambda dice, shape: np.exp(dice.normal(size=shape)),
    "counts": lambda dice, shape: dice.poisson(0.7, shape).astype(np.float64),
    "spikes": spikes,
    "memory": memory,
    "walk": lambda dice, shape: dice.normal(size=shape).cumsum(1),
    "trend": lambda dice, shape: 0.1 * np.arange(shape[1]) + dice.normal(size=shape),
    "day": lambda dice, shape: 30 * np.sin(np.arange(shape[1]) * 2 * np.pi / 1440) + dice.normal(size=shape),
    "season": season,
    "cron": cron,
    "steps": steps,
}


def planted(
    kind: str, series: int, count: int, share: float, lags: int, seed: int
) -> tuple[Float, dict[tuple[int, int], int]]:
    """Return series of which the first `count` pairs share `share` of their deviation, and the lag of each pair.

    Of pair k series 2 k + 1 follows 2 k; where both move at once, the pair is named by its lower row.
    """
    dice = np.random.default_rng(seed)
    x = KINDS[kind](dice, (series, WINDOWS + 20))
    x = (x - x.mean(1, keepdims=True)) / x.std(1, keepdims=True)
    truth = {}
    for k in range(count):
        lag, i, j = int(dice.integers(0, lags + 1)), 2 * k, 2 * k + 1
        x[j, 20:] = share * x[i, 20 - lag : WINDOWS + 20 - lag] + np.sqrt(1 - share**2) * x[j, 20:]
        truth[i, j] = lag
    return x[:, 20:], truth


def falsely(kind: str, series: int, runs: int) -> int:
    """Return how many pairs are told of unrelated series, in all runs."""
    drawn = (KINDS[kind](np.random.default_rng(seed), (series, WINDOWS)) for seed in range(runs))
    return sum(len(pairs(x, LAGS).first) for x in drawn)


def plainly(kind: str, series: int, difference: bool) -> int:
    """Return how many pairs plain correlation tells of unrelated series, of values or of their differences, by the same lags and line."""
    x = KINDS[kind](np.random.default_rng(0), (series, WINDOWS))
    x = standard(np.diff(x, axis=1) if difference else x)
    best = np.zeros((series, series))
    for lag in range(LAGS + 1):
        best = np.maximum(best, abs(x[:, : x.shape[1] - lag] @ x[:, lag:].T) / (x.shape[1] - lag))
    r = np.minimum(np.maximum(best, best.T)[np.triu_indices(series, 1)], 1.0)
    p = np.minimum(betainc((WINDOWS - LAGS) / 2.0 - 1.0, 0.5, 1.0 - r * r) * (2 * LAGS + 1), 1.0)
    return int((p <= threshold(p, len(p))).sum())


def found(kind: str, share: float, runs: int) -> tuple[float, float]:
    """Return which part of 60 planted pairs among 300 series is told with its lag, and which part of what is told is nothing planted."""
    hits = told = 0
    for seed in range(runs):
        values, truth = planted(kind, 300, 60, share, LAGS, seed)
        said = pairs(values, LAGS)
        each = zip(said.first.tolist(), said.second.tolist(), said.lag.tolist(), strict=True)
        hits += sum(truth.get((i, j)) == lag for i, j, lag in each)
        told += len(said.first)
    return hits / (60 * runs), 1 - hits / max(told, 1)


def main() -> None:
    """Print the table."""
    print("| series | plain | differences | false pairs | found 0.7 | found 0.9 | false among told |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    for kind in KINDS:
        some, most = found(kind, 0.7, 3), found(kind, 0.9, 3)
        plain = f"{plainly(kind, 300, False)} | {plainly(kind, 300, True)} | {falsely(kind, 300, 20) / 20:.2f}"
        print(f"| {kind} | {plain} | {some[0]:.2f} | {most[0]:.2f} | {most[1]:.3f} |", flush=True)
    values = KINDS["walk"](np.random.default_rng(0), (1000, WINDOWS))
    costs = []
    for _ in range(4):
        begun = process_time()
        pairs(values, LAGS)
        costs.append(process_time() - begun)
    print(f"{min(costs):.2f} s of processor time: 1,000 series, {WINDOWS} windows, lags up to {LAGS}")


if __name__ == "__main__":
    main()
