"""Batch methods, which see a whole series at once and fit it anew for each answer: no rivals of a stream, but a line above it."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from config.records import Float, Int
from scripts.yardstick.said import Forecast

LEVELS = (80, 95)
WEEK = 7


def forecast(name: str, train: Float, horizon: int, season: int) -> Forecast:
    """Forecast with a model of statsforecast's, with its own bounds."""
    from statsforecast import models

    model: Any = models.MSTL([season, WEEK * season]) if name == "MSTL" else getattr(models, name)(season_length=season)
    said = model.forecast(y=train[np.isfinite(train)], h=horizon, level=list(LEVELS))
    return Forecast(said["mean"], {level / 100: (said[f"lo-{level}"], said[f"hi-{level}"]) for level in LEVELS})


def segments(values: Float) -> Int:
    """Say where levels change, by exact search with a penalty of 3 log n of the series' variance for each change.

    References
    ----------
    .. [1] Killick, Fearnhead, Eckley (2012), "Optimal detection of changepoints with a linear computational cost", Journal of the
       American Statistical Association 107(500), doi:10.1080/01621459.2012.737745.
    """
    import ruptures

    known = np.flatnonzero(np.isfinite(values))
    x = values[known]
    if len(x) < 4 or np.ptp(x) == 0.0:
        return np.empty(0, np.int64)
    found = ruptures.Pelt(model="l2", min_size=2, jump=1).fit(x / x.std()).predict(pen=3 * np.log(len(x)))
    return known[np.array(found[:-1], np.int64)]


FORECASTS = {f"statsforecast_{name.lower()}": partial(forecast, name) for name in ("AutoETS", "AutoTheta", "MSTL")}
CHANGEPOINTS = {"ruptures_pelt": segments}
