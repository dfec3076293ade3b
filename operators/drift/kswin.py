"""KSWIN, as River has it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from river import drift

from operators.anomaly.line import Count
from operators.drift.drift import Foreign


def kswin(
    alpha: Annotated[float, Field(gt=0, lt=1)] = 1e-6, size: Count = 200, newest: Count = 50, seed: int = 1
) -> Foreign:
    """Two-sample test of Kolmogorov and Smirnov: the newest numbers against a draw from older ones, at every number.

    Sees any change of a distribution; so many tests and no allowance for memory make many false alarms.

    Parameters
    ----------
    alpha
        Level of each test.
    size
        Numbers held, older and newest together.
    newest
        Numbers tested against as many older ones, which are drawn.
    seed
        Of that draw.

    References
    ----------
    .. [1] Raab, Heusinger, Schleif (2020), "Reactive soft prototype computing for concept drift streams", Neurocomputing 416,
       doi:10.1016/j.neucom.2019.11.111.

    Examples
    --------
    >>> from operators.drift.drift import alarms
    >>> alarms(kswin(), [0.0, 1.0] * 200 + [5.0, 6.0] * 100).tolist()
    [426]
    """
    return Foreign("kswin", lambda: drift.KSWIN(alpha=alpha, window_size=size, stat_size=newest, seed=seed))
