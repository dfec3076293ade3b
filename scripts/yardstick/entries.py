"""What is judged, by kind and name: a new operator is one line here.  What each must answer: `scripts.yardstick.said`."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from operators.drift import DRIFTS
from scripts.yardstick import ours, trivial
from scripts.yardstick.live import live


class Entry(NamedTuple):
    """Something to judge, and whose it is: ``ours``, ``river``, ``trivial``."""

    run: Callable[..., Any]
    whose: str = "ours"


RIVER = ("adwin", "kswin", "page_hinkley")
ENTRIES: dict[str, dict[str, Entry]] = {
    "nab": {
        **{name: Entry(run) for name, run in ours.detectors().items()},
        "difference": Entry(trivial.difference, "trivial"),
        "random": Entry(trivial.random, "trivial"),
        "every": Entry(trivial.every, "trivial"),
        "never": Entry(trivial.never, "trivial"),
    },
    "trend": {
        "slope": Entry(ours.slope),
        "halves": Entry(trivial.halves, "trivial"),
        "always": Entry(trivial.upwards, "trivial"),
        "never": Entry(trivial.nowhere, "trivial"),
    },
    "period": {
        "season": Entry(ours.period),
        "autocorrelation": Entry(trivial.autocorrelated, "trivial"),
        "always": Entry(trivial.daily, "trivial"),
        "never": Entry(trivial.aperiodic, "trivial"),
    },
    "drift": {
        **{name: Entry(partial(ours.drift_alarms, name), "river" if name in RIVER else "ours") for name in DRIFTS},
        "every": Entry(trivial.regular, "trivial"),
        "never": Entry(trivial.silent, "trivial"),
    },
    "changepoint": {
        "bocpd": Entry(ours.bocpd),
        "changepoint": Entry(ours.changepoint),
        "adwin": Entry(partial(ours.drift_alarms, "adwin"), "river"),
        "every": Entry(trivial.often, "trivial"),
        "never": Entry(trivial.silent, "trivial"),
    },
    "forecast": {
        "combination": Entry(ours.combination),
        "holt_winters": Entry(ours.holt_winters),
        "seasonal_naive": Entry(trivial.seasonal_naive, "trivial"),
        "naive": Entry(trivial.naive, "trivial"),
    },
    "fleet": {"live": Entry(live)},
}
KINDS = tuple(ENTRIES)
