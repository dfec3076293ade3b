"""River's anomaly detectors, forecasters and drifts, with the parameters of their own documentation.

Scores stay as they are, but two: one that may be negative is a power of e, which changes no order; an error of a forecaster is
divided by the deviation of its errors so far, for a threshold for all series needs a unit for all.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from math import exp, isfinite, nan, sqrt
from typing import Any

import numpy as np
from river import anomaly, base, drift, linear_model, optim, preprocessing, stats, time_series

from config.records import Float, Int
from operators.drift import Foreign, alarms
from scripts.yardstick.rivals.fed import Step, fed
from scripts.yardstick.said import Detect, Forecast

SEED = 42  # that of River's own examples
LAGS = 12


def scored(model: Any, learns: tuple[Any, ...] = (), positive: Callable[[float], float] = float) -> Step:
    """Return a step of a model that takes a reading as a feature, or, with None in `learns`, as a target."""

    def step(y: float) -> float:
        asked = (*learns, y) if learns else ({"y": y},)
        score = model.score_one(*asked)
        model.learn_one(*asked)
        return positive(score)

    return step


def gaussian() -> Step:
    """Return the distance from the middle of one normal distribution of all readings so far."""
    return scored(anomaly.GaussianScorer(), (None,))  # type: ignore[no-untyped-call]


def absolute_deviation() -> Step:
    """Return the distance from the mean so far, in deviations so far."""
    return scored(anomaly.StandardAbsoluteDeviation(), (None,))


def half_space_trees() -> Step:
    """Return half-space trees behind the running min-max scaling of their example."""
    return scored(preprocessing.MinMaxScaler() | anomaly.HalfSpaceTrees(seed=SEED))


def quantile_filter() -> Step:
    """Return the same trees behind a filter at 0.95, as in its example: they do not learn what they find odd."""
    return scored(preprocessing.MinMaxScaler() | anomaly.QuantileFilter(anomaly.HalfSpaceTrees(seed=SEED), q=0.95))


def one_class() -> Step:
    """Return a one-class support vector machine, scaled, behind a filter, as in its example."""
    machine = anomaly.QuantileFilter(anomaly.OneClassSVM(nu=0.2), q=0.995)
    return scored(preprocessing.StandardScaler() | machine, positive=power)


def outlier_factor() -> Step:
    """Return the local outlier factor of a reading among the last 1,000."""
    return scored(anomaly.LocalOutlierFactor())


def loda() -> Step:
    """Return a hundred histograms."""
    return scored(anomaly.LODA(seed=SEED), positive=power)


def power(score: float) -> float:
    """Return a score above 0 in the same order."""
    return exp(min(score, 700.0))


def snarimax(**orders: int) -> Any:
    """Return its forecaster with the regressor of the example of its predictive detector."""
    regressor = preprocessing.StandardScaler() | linear_model.LinearRegression(optimizer=optim.SGD(0.005))
    return time_series.SNARIMAX(**orders, regressor=regressor)


def holt_winters() -> Any:
    """Return level and trend with the weights of its example; a season would have to be known."""
    return time_series.HoltWinters(alpha=0.3, beta=0.1)  # type: ignore[no-untyped-call]


def missed(make: Callable[[], Any]) -> Step:
    """Return a step that scores how far a forecaster was off, in deviations of its errors so far."""
    model, errors, seen = make(), stats.Var(), 0

    def step(y: float) -> float:
        nonlocal seen
        seen += 1
        error = abs(y - model.forecast(1)[0]) if seen > 2 * LAGS else nan
        spread = sqrt(errors.get())
        model.learn_one(y)
        if isfinite(error):
            errors.update(error)
        return error / spread if spread > 0.0 else 0.0

    return step


def ahead(make: Callable[[int], Any], train: Float, horizon: int, season: int) -> Forecast:
    """Forecast with a forecaster that learnt one value at a time; it tells no bounds.

    A value that lies further from the past than all of that is wide is none: some of these models run away.
    """
    model, known = make(season), train[np.isfinite(train)]
    for y in known.tolist():
        model.learn_one(y)
    yhat, wide = np.array(model.forecast(horizon), np.float64), np.ptp(known)
    within = (yhat >= known.min() - wide) & (yhat <= known.max() + wide)
    return Forecast(np.where(within, yhat, np.nan), {})


def seasonal(season: int) -> Any:
    """Return level, trend and season with the weights of its example."""
    return time_series.HoltWinters(alpha=0.3, beta=0.1, gamma=0.6, seasonality=season)  # type: ignore[no-untyped-call]


def differenced(season: int) -> Any:
    """Return a season of lags of what is left of a seasonal difference; with those of the example it diverges more often."""
    return snarimax(p=season, d=0, q=0, m=season, sd=1)


def drifts(name: str, make: Callable[[], base.DriftDetector], values: Float) -> Int:
    """Say when a detector of drift gave an alarm."""
    return alarms(Foreign(name, make), values)


ANOMALIES: dict[str, Detect] = {
    "river_gaussian": fed(gaussian),
    "river_sad": fed(absolute_deviation),
    "river_hst": fed(half_space_trees),
    "river_quantile_filter": fed(quantile_filter),
    "river_svm": fed(one_class),
    "river_lof": fed(outlier_factor),
    "river_loda": fed(loda),
    "river_snarimax": fed(partial(missed, partial(snarimax, p=LAGS, d=1, q=LAGS, m=LAGS, sd=1))),
    "river_holt_winters": fed(partial(missed, holt_winters)),
}
FORECASTS = {
    "river_snarimax": partial(ahead, differenced),
    "river_holt_winters": partial(ahead, seasonal),
}
DRIFTS: dict[str, Callable[[Float], Int]] = {
    "river_adwin": partial(drifts, "adwin", drift.ADWIN),
    "river_kswin": partial(drifts, "kswin", partial(drift.KSWIN, seed=SEED)),
    "river_page_hinkley": partial(drifts, "page_hinkley", drift.PageHinkley),
}
