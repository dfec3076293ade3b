"""Standard score: distance from the running mean in running standard deviations."""

from __future__ import annotations

from math import log

from config.settings import CHANCE
from operators.anomaly.ewma import ROW, Params, each, expect, learn, score
from operators.anomaly.line import Count, Positive
from operators.anomaly.peaks import Chance
from operators.detector import Detector


def zscore(limit: Positive = 3.0, warmup: Count = 30, chance: Chance = CHANCE, accept: Count = 60) -> Detector:
    """Distance from the mean so far, in standard deviations so far.

    Good for steady, unimodal series.  The rules are those of `ewma` with the weight ``1 / n``: every ordinary reading since the
    last new normal counts alike.

    Parameters
    ----------
    limit
        Deviations at which a reading stops being ordinary (score 1), at least.
    warmup
        Readings of a series before it is scored.
    chance
        Share of readings at which a score of 1 begins by chance.
    accept
        Odd readings in a row that make a new normal: mean and deviation start over there.

    References
    ----------
    .. [1] Welford (1962), "Note on a method for calculating corrected sums of squares and products", Technometrics 4(3),
       doi:10.1080/00401706.1962.10490022.

    Examples
    --------
    >>> from operators.detector import run
    >>> run(zscore(limit=4, warmup=2), [1.0, 3.0, 2.0, 9.0]).tolist()
    [nan, nan, 0.0, 0.1378]
    """
    params = Params(float(limit), 0.0, int(warmup), -log(chance), int(accept), False)
    return Detector("zscore", ROW, params, score, expect, learn, each)
