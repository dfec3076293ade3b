"""Incidents planted into fleets: ten kinds, of sizes that a person sees at once on a plot."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from scipy.ndimage import uniform_filter1d

from config.records import Float
from scripts.yardstick.fleet import EVERY, Dice, Fleet

MINUTE = 60 // EVERY
FIRST, LAST = 8 * 60 * MINUTE, 21 * 60 * MINUTE  # readings between which they begin


class Incident(NamedTuple):
    """What was planted, in which series of a fleet, from which reading on and to which."""

    kind: str
    series: int
    begin: int
    end: int


def add(x: Float, deviation: float, by: float) -> Float:
    """Add so many deviations."""
    return x + by * deviation


def grow(x: Float, deviation: float, by: float) -> Float:
    """Add ever more, to so many deviations."""
    return x + by * deviation * np.linspace(0.0, 1.0, len(x))


def widen(x: Float, deviation: float, by: float) -> Float:
    """Go so many times as far from what is usual at the time."""
    usual = uniform_filter1d(x, 10 * MINUTE, mode="nearest")
    return usual + by * (x - usual)


def hold(x: Float, deviation: float, by: float) -> Float:
    """Say the same again and again, as a sensor that hangs."""
    return np.full(len(x), x[0])


def fall(x: Float, deviation: float, by: float) -> Float:
    """Fall to nothing."""
    return np.zeros(len(x))


def flatten(x: Float, deviation: float, by: float) -> Float:
    """Stop the cycle: it hangs where it is high, with its noise."""
    return x[x >= x.mean()].mean() + deviation * np.random.default_rng(0).normal(size=len(x))


def stop(x: Float, deviation: float, by: float) -> Float:
    """Send nothing."""
    return np.full(len(x), np.nan)


Change = Callable[[Float, float, float], Float]
KINDS: Mapping[str, tuple[Change, float, int]] = {  # how, by how many deviations, for how many minutes
    "spike": (add, 10.0, 3),
    "dip": (add, -10.0, 3),
    "shift_up": (add, 5.0, 60),
    "shift_down": (add, -5.0, 60),
    "leak": (grow, 8.0, 120),
    "variance": (widen, 4.0, 30),
    "stuck": (hold, 0.0, 30),
    "zero": (fall, 0.0, 30),
    "lost_cycle": (flatten, 0.0, 90),
    "pause": (stop, 0.0, 60),
}
PLANTED: Mapping[str, Sequence[str]] = {  # where each kind is an incident: fifty in all, five of each
    "stationary": ("spike", "shift_up", "leak", "variance", "stuck"),
    "autocorrelated": ("dip", "shift_down", "leak", "variance", "stuck"),
    "daily": ("spike", "dip", "shift_up", "shift_down", "stuck", "zero"),
    "latency": ("spike", "shift_up", "leak", "zero", "pause"),
    "counts": ("spike", "dip", "shift_down", "leak", "variance", "zero"),
    "counter": ("dip", "shift_up", "shift_down", "zero", "pause"),
    "states": ("pause", "zero"),
    "walk": ("spike", "dip", "shift_down", "leak", "variance", "stuck"),
    "cycle": ("lost_cycle", "lost_cycle", "lost_cycle", "lost_cycle", "lost_cycle", "pause"),
    "bursts": ("shift_up", "variance", "stuck", "pause"),
}


def plant(fleet: Fleet, kinds: Sequence[str], dice: Dice) -> tuple[Fleet, list[Incident]]:
    """Return a fleet with incidents of some kinds, each in a series of its own."""
    value, planted = fleet.value.copy(), []
    least = 0.0 if fleet.value.min() >= 0.0 else -np.inf
    free = dice.permutation(np.flatnonzero(value.min(axis=1) > 0.0 if least == 0.0 else fleet.deviation)).tolist()
    for kind, k in zip(kinds, free, strict=False):
        change, by, minutes = KINDS[kind]
        begin = int(dice.integers(FIRST, LAST))
        end = begin + minutes * MINUTE
        changed = change(value[k, begin:end], float(fleet.deviation[k]), by)
        value[k, begin:end] = np.maximum(changed, least)
        planted.append(Incident(kind, k, begin, end))
    return Fleet(value, fleet.deviation), planted
