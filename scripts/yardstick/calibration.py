"""Calibration: how often a score that means a probability was asked for, and how often it was got, where nothing is wrong.

A line of score s asks for ``chance ** s`` of the readings to begin an incident.  Quiet series are made from a seed: stationary (normal and
autoregressive), seasonal (by the day), heavy-tailed (lognormal, gamma, t with 5 degrees of freedom); and those that were recorded, outside
of labelled windows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from rich.table import Table
from scipy.signal import lfilter

from config.records import SECOND, Bool, Float, Int
from config.settings import CHANCE, DEEP
from scripts.yardstick import ours
from scripts.yardstick.series import Labelled

LINES = (0.75, 1.0, 1.25, 1.5, 1.6, 1.8)
SERIES, LONG, EVERY = 60, 5000, 60  # of a sort; readings; s between them
Dice = np.random.Generator


class Quiet(NamedTuple):
    """A series, and which of its readings are judged: quiet ones that are not of the beginning."""

    time: Int
    value: Float
    judged: Bool


class Got(NamedTuple):
    """How many readings were judged, and of how many it was said that an incident begins there, at each of `LINES`."""

    sort: str
    readings: int
    told: tuple[int, ...]


def stationary(dice: Dice, k: int) -> Float:
    """Make normal noise, every second series with a memory."""
    noise = dice.normal(size=LONG)
    return noise if k % 2 else np.asarray(lfilter([1.0], [1.0, -0.8], noise))


def seasonal(dice: Dice, k: int) -> Float:
    """Make a day's swing with noise."""
    phase = 2 * np.pi * (np.arange(LONG) * EVERY / 86400 + dice.random())
    return dice.uniform(2, 20) * np.sin(phase) + dice.normal(size=LONG)


def heavy(dice: Dice, k: int) -> Float:
    """Make noise that goes far out."""
    return (dice.lognormal(size=LONG), dice.gamma(1.0, size=LONG), dice.standard_t(5, size=LONG))[k % 3]


SORTS: dict[str, Callable[[Dice, int], Float]] = {"stationary": stationary, "seasonal": seasonal, "heavy-tailed": heavy}


def streams(sort: str, seed: int = 0) -> Iterator[Quiet]:
    """Make the quiet series of a sort."""
    time = np.arange(LONG) * EVERY * SECOND
    for k in range(SERIES):
        yield Quiet(time, SORTS[sort](np.random.default_rng([seed, k]), k), np.ones(LONG, np.bool_))


def recorded(corpus: Sequence[Labelled]) -> Iterator[Quiet]:
    """Take what was recorded outside of labelled windows, after the beginning that is not judged."""
    for it in corpus:
        yield Quiet(it.time, it.value, ~it.inside & (np.arange(len(it.time)) >= it.begin))


def count(sort: str, series: Iterator[Quiet]) -> Got:
    """Have the detector that means a probability score series, and count what it told."""
    readings, told = 0, np.zeros(len(LINES), np.int64)
    for it in series:
        score = np.nan_to_num(ours.detect(DEEP[0], it.time, it.value).score)[it.judged]
        readings += len(score)
        told += [(score >= line).sum() for line in LINES]
    return Got(sort, readings, tuple(told.tolist()))


def calibration(corpus: Sequence[Labelled]) -> list[Got]:
    """Count on all sorts; `corpus` is what was recorded, if there is any."""
    got = [count(sort, streams(sort)) for sort in SORTS]
    return [*got, count("recorded", recorded(corpus))] if corpus else got


def asked(line: float) -> float:
    """Return how many incidents a line asks for in 10,000 readings.

    Examples
    --------
    >>> round(asked(1.0), 6), round(asked(2.0), 6)
    (4.0, 0.0016)
    """
    return 1e4 * float(ours.settings().detector.get(DEEP[0], {}).get("chance", CHANCE)) ** line


def rows(found: Sequence[Got]) -> list[list[str]]:
    """Return a row a line: the score, what it asks for, and what each sort got, in 10,000 readings."""
    return [
        [f"{line:g}", f"{asked(line):.3g}", *(f"{1e4 * it.told[k] / max(it.readings, 1):.3g}" for it in found)]
        for k, line in enumerate(LINES)
    ]


def table(found: Sequence[Got]) -> Table:
    """Lay the rows out for a terminal."""
    drawn = Table("score", "asked", *(f"{it.sort} ({it.readings:,})" for it in found), title="told in 10,000 readings")
    for row in rows(found):
        drawn.add_row(*row)
    return drawn


def markdown(found: Sequence[Got]) -> str:
    """Lay the rows out for a page."""
    head = ["score", "asked", *(f"{it.sort} ({it.readings:,})" for it in found)]
    return "\n".join("| " + " | ".join(row) + " |" for row in [head, ["---:"] * len(head), *rows(found)])
