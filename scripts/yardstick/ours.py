"""The product's own operators, with the settings in force, in the order of the stream."""

from __future__ import annotations

from functools import cache, partial
from typing import Any

import numpy as np
from river import time_series

from config.records import NOTHING, Float, Int
from config.settings import Settings, load_or_exit
from operators import anomaly, drift, season, trend
from operators.choose import choose
from operators.detector import Bank, Detector
from operators.forecast import forecast as forecaster
from operators.forecast.forecast import forecast
from operators.learn import MODELS
from operators.trend.bocpd import changes
from operators.trend.slope import direction
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
    return Said(said.score, said.yhat, said.lower, said.upper, said.rank)


def detectors() -> dict[str, Detect]:
    """Return every detector that settings can name."""
    return {name: partial(detect, name) for name in anomaly.DETECTORS}


def slope(values: Float) -> int:
    """Say where the whole series goes, by the judge of `operators.trend.slope`, whose ring would hold thirty values."""
    return direction(values, settings().detector.get("slope", {}).get("confidence", 0.99))


def period(values: Float) -> int | None:
    """Say the period that `operators.season` found."""
    return season.period(values)


def drift_alarms(name: str, values: Float) -> Int:
    """Say when a detector of `operators.drift` gave an alarm."""
    return drift.alarms(choose(drift.DRIFTS, [name], settings().detector)[0], values)


def bocpd(values: Float) -> Int:
    """Say where the changes lie that `operators.trend.bocpd` told of."""
    return changes(trend.build(["bocpd"], settings().detector)[0], values)


def changepoint(values: Float) -> Int:
    """Say where the levels began that `operators.trend.changepoint` told of."""
    (it,) = trend.build(["changepoint"], settings().detector)
    found = run(it, values, every=WINDOW)
    at = np.flatnonzero(np.abs(found["change"]) >= 1.0)
    return at - np.round(found["since"][at] / WINDOW).astype(np.int64)


def combination(train: Float, horizon: int, period: int) -> Forecast:
    """Forecast with the weighed members of `operators.forecast`."""
    return Forecast(*forecast(train, horizon, period))


def member(name: str, train: Float, horizon: int, period: int) -> Forecast:
    """Forecast with one of those members by itself; it has no bounds."""
    it = forecaster.Forecast(period, horizon)
    it.update(train)
    return Forecast(it.members()[it.plan.names.index(name)], {})


def holt_winters(train: Float, horizon: int, season: int) -> Forecast:
    """Forecast with the River model of `operators.learn`; it tells no bounds beyond the next window."""
    model = MODELS["holt_winters"](season=season, horizon=horizon)
    for y in train[np.isfinite(train)].tolist():
        model.learn(y, y, {})
    return Forecast(np.array(model.ahead() or [np.nan] * horizon), {})


def snarimax(train: Float, horizon: int, season: int) -> Forecast:
    """Forecast with River's SNARIMAX: differences from a season ago on the last one and the season's; larger ones run away more often."""
    model: Any = time_series.SNARIMAX(p=1, d=0, q=0, m=season, sp=1, sd=1)
    for y in train[np.isfinite(train)].tolist():
        model.learn_one(y)
    return Forecast(np.array(model.forecast(horizon)), {})
