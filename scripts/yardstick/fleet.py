"""Fleets: series as platforms send them, a reading every ten seconds for a day, with nothing wrong; in each its own kind of ordinary.

They are made from a seed, so that a quiet fleet is known to be quiet; `recorded` takes what was recorded outside of known incidents.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from scipy.signal import lfilter, sawtooth, square

from config.records import Float
from scripts.yardstick.series import Labelled

EVERY, DAY = 10, 8640  # s between readings, readings
WINDOW = 6  # readings in the shortest window
Dice = np.random.Generator


class Fleet(NamedTuple):
    """Readings, and what a person takes for an ordinary deviation of them.

    Parameters
    ----------
    value
        Shape (n, `DAY`); of a counter its increases; NaN where nothing is sent.
    deviation
        Shape (n,).
    """

    value: Float
    deviation: Float


def _of(level: Float, noise: Float, deviation: Float) -> Fleet:
    return Fleet(level + deviation[:, None] * noise, deviation)


def _levels(dice: Dice, n: int) -> tuple[Float, Float]:
    level = np.exp(dice.uniform(np.log(20.0), np.log(2000.0), n))
    return level[:, None], level * dice.uniform(0.02, 0.1, n)


def stationary(dice: Dice, n: int) -> Fleet:
    """Make normal noise about a level."""
    level, deviation = _levels(dice, n)
    return _of(level, dice.normal(size=(n, DAY)), deviation)


def autocorrelated(dice: Dice, n: int) -> Fleet:
    """Make what forgets itself in some minutes: an autoregression of the first order."""
    level, deviation = _levels(dice, n)
    weight = dice.uniform(0.9, 0.98, n)
    noise = [lfilter([np.sqrt(1 - w * w)], [1, -w], dice.normal(size=DAY + 500))[500:] for w in weight]
    return _of(level, np.array(noise), deviation)


def daily(dice: Dice, n: int) -> Fleet:
    """Make what users do: a swing of a day, steeper in the morning, with noise."""
    level, deviation = _levels(dice, n)
    return _of(
        level * (1.0 + dice.uniform(0.2, 0.5, (n, 1)) * _swing(dice, n)), dice.normal(size=(n, DAY)), deviation / 2
    )


def _swing(dice: Dice, n: int) -> Float:
    turn = 2 * np.pi * (np.arange(DAY) / DAY + dice.uniform(size=(n, 1)))
    return np.sin(turn) + 0.3 * np.sin(2 * turn)


def latency(dice: Dice, n: int) -> Fleet:
    """Make times that requests took: lognormal, now and then ten times the usual."""
    width = dice.uniform(0.3, 0.8, (n, 1))
    value = np.exp(dice.uniform(0, 5, (n, 1)) + width * dice.normal(size=(n, DAY)))
    return Fleet(value, value.std(axis=1))


def counts(dice: Dice, n: int) -> Fleet:
    """Make numbers of things in ten seconds, three to a hundred, with a swing of a day."""
    mean = np.exp(dice.uniform(np.log(3.0), np.log(100.0), (n, 1)))
    value = dice.poisson(mean * (1.0 + 0.3 * _swing(dice, n)), (n, DAY)).astype(np.float64)
    return Fleet(value, np.sqrt(mean[:, 0]))


def counter(dice: Dice, n: int) -> Fleet:
    """Make totals that only grow, faster by day; sent as counters."""
    return counts(dice, n)


def states(dice: Dice, n: int) -> Fleet:
    """Make constant ones, ones that are up or down, sizes of pools."""
    value = np.ones((n, DAY))
    for k in range(n):
        if k % 3 == 1:
            value[k] = np.cumsum(dice.uniform(size=DAY) < dice.choice([0.003, 0.03])) % 2
        elif k % 3 == 2:
            value[k] = dice.integers(4, 9) + np.cumsum(dice.uniform(size=DAY) < 0.01) % 3
    return Fleet(value, np.ones(n))


def walk(dice: Dice, n: int) -> Fleet:
    """Make what drifts over hours, as memory and queues do; every second one a disk that fills."""
    level, deviation = _levels(dice, n)
    weight = np.exp(-EVERY / dice.uniform(3600.0, 14_400.0, n))
    slow = np.array([lfilter([np.sqrt(1 - w * w)], [1, -w], dice.normal(size=2 * DAY))[DAY:] for w in weight])
    slow[::2] = dice.choice([-10.0, 10.0, 30.0], (len(slow[::2]), 1)) * np.arange(DAY) / DAY
    return _of(level + 4 * deviation[:, None] * slow, dice.normal(size=(n, DAY)), deviation / 2)


def cycle(dice: Dice, n: int) -> Fleet:
    """Make jobs that go round in five to forty minutes: collections of garbage, polls, batches."""
    level, deviation = _levels(dice, n)
    period = dice.uniform(30, 240, (n, 1))
    turn = 2 * np.pi * (np.arange(DAY) / period + dice.uniform(size=(n, 1)))
    shape = np.where(
        np.arange(n)[:, None] % 3 == 0,
        sawtooth(turn),
        np.where(np.arange(n)[:, None] % 3 == 1, np.sin(turn), square(turn)),
    )
    return _of(level + 8 * deviation[:, None] * shape, dice.normal(size=(n, DAY)), deviation)


def bursts(dice: Dice, n: int) -> Fleet:
    """Make noise, and by the clock a few minutes of work: backups, reports."""
    level, deviation = _levels(dice, n)
    every, long = dice.integers(60, 240, (n, 1)), dice.integers(6, 30, (n, 1))
    on = (np.arange(DAY) + dice.integers(0, 240, (n, 1))) % every < long
    return _of(level + 12 * deviation[:, None] * on, dice.normal(size=(n, DAY)), deviation)


SORTS: dict[str, Callable[[Dice, int], Fleet]] = {
    f.__name__: f for f in (stationary, autocorrelated, daily, latency, counts, counter, states, walk, cycle, bursts)
}


def drawn(sort: str, dice: Dice, n: int, series: Sequence[Labelled] = ()) -> Fleet:
    """Return a fleet of one sort; of ``recorded``, cut from some series."""
    return SORTS[sort](dice, n) if sort in SORTS else recorded(dice, n, series)


def recorded(dice: Dice, n: int, series: Sequence[Labelled]) -> Fleet:
    """Take a day of windows from what was recorded outside of known incidents, whatever its interval was.

    Between them lie straight lines with noise.
    """
    long = DAY // WINDOW
    quiet = [part for it in series for part in quiet_parts(it) if len(part) >= long]
    value = np.empty((n, DAY))
    for k in range(n):
        part = quiet[int(dice.integers(len(quiet)))]
        begin = int(dice.integers(len(part) - long + 1))
        part = part[begin : begin + long]
        between = 0.3 * np.median(np.abs(np.diff(part))) * dice.normal(size=DAY)
        value[k] = np.interp(np.arange(DAY) / WINDOW, np.arange(long), part) + between
    return Fleet(value, value.std(axis=1))


def quiet_parts(it: Labelled) -> list[Float]:
    """Return what lies between labelled windows, without the readings that are missing."""
    edges = np.flatnonzero(np.diff(np.r_[True, it.inside, True].astype(np.int8)))
    parts = [it.value[begin:end] for begin, end in zip(edges[::2], edges[1::2], strict=True)]
    return [part[np.isfinite(part)] for part in parts]
