"""The product's own operators, with the settings in force, in the order of the stream."""

from __future__ import annotations

from functools import cache, partial

import numpy as np

from config.records import NOTHING, Float, Int
from config.settings import Settings, load_or_exit
from operators import anomaly, trend
from operators.detector import Bank, Detector
from operators.learn import MODELS
from operators.trend.trend import run
from scripts.yardstick.said import Detect, Forecast, Said

WINDOW = 60.0  # s; what trends take a value for


@cache
def settings() -> Settings:
    """Return the settings in force, as the flow reads them."""
    return load_or_exit()


@cache
def made(name: str) -> Detector:
    """Return a detector with the parameters that settings give it."""
    return anomaly.build([name], settings().detector)[0]


def detect(name: str, time: Int, value: Float, band: bool = False) -> Said:
    """Score a series with a detector of settings, in a bank as the flow has it."""
    bank = Bank([made(name)])
    said = bank.update(np.zeros(len(time), np.int64), time, value, NOTHING, band)[name]
    return Said(said.score, said.yhat, said.lower, said.upper, getattr(said, "rank", None))


def detectors() -> dict[str, Detect]:
    """Return every detector that settings can name."""
    return {name: partial(detect, name) for name in anomaly.DETECTORS}


def slope(values: Float) -> int:
    """Say the sign of `operators.trend.slope` at the end, each value taken for a window."""
    (it,) = trend.build(["slope"], settings().detector)
    sign = run(it, values, every=WINDOW)["sign"]
    said = sign[np.isfinite(sign)]
    return int(said[-1]) if len(said) else 0


def changes(values: Float) -> tuple[Int, Int]:
    """Return where `operators.trend.changepoint` saw a change, and where it says that the new level began."""
    (it,) = trend.build(["changepoint"], settings().detector)
    found = run(it, values, every=WINDOW)
    at = np.flatnonzero(np.abs(found["change"]) >= 1.0)
    return at, at - np.round(found["since"][at] / WINDOW).astype(np.int64)


def changepoint(values: Float) -> Int:
    """Say where the changes lie."""
    return changes(values)[1]


def changepoint_alarms(values: Float) -> Int:
    """Say when the changes were seen."""
    return changes(values)[0]


def holt_winters(train: Float, horizon: int, season: int) -> Forecast:
    """Forecast with the River model of `operators.learn`; it tells no bounds beyond the next window."""
    model = MODELS["holt_winters"](season=season, horizon=horizon)
    for y in train[np.isfinite(train)].tolist():
        model.learn(y, y, {})
    return Forecast(np.array(model.ahead() or [np.nan] * horizon), {})
