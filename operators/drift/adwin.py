"""ADWIN, as River has it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from river import drift

from operators.anomaly.line import Count
from operators.drift.drift import Foreign


def adwin(
    delta: Annotated[float, Field(gt=0, lt=1)] = 1e-5, clock: Annotated[int, Field(ge=1)] = 32, warmup: Count = 10
) -> Foreign:
    """Window that grows as long as no two parts of it differ in their mean, and drops the older part when they do.

    Good for streams that are bounded and without memory, such as rights and wrongs; a memory of 0.7 is one alarm in 500 readings.

    Parameters
    ----------
    delta
        Share of false alarms, as its bound has it; it is far on the safe side.
    clock
        Numbers between two looks.
    warmup
        Numbers before the first look.

    References
    ----------
    .. [1] Bifet, Gavaldà (2007), "Learning from time-changing data with adaptive windowing", SDM 2007,
       doi:10.1137/1.9781611972771.42.

    Examples
    --------
    >>> from operators.drift.drift import alarms
    >>> alarms(adwin(), [0.0, 1.0] * 100 + [5.0, 6.0] * 100).tolist()
    [223]
    """
    return Foreign("adwin", lambda: drift.ADWIN(delta=delta, clock=clock, grace_period=warmup))  # type: ignore[no-untyped-call]
