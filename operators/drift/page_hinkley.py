"""Page–Hinkley, as River has it."""

from __future__ import annotations

from typing import Literal

from river import drift

from operators.anomaly.line import Count, NotNegative, Positive
from operators.drift.drift import Foreign


def page_hinkley(
    threshold: Positive = 50.0,
    delta: NotNegative = 0.005,
    warmup: Count = 30,
    mode: Literal["up", "down", "both"] = "both",
) -> Foreign:
    """Sum of deviations from the mean so far, against its least or greatest value so far.

    Threshold and delta are in the stream's own unit: it must be tuned to each, and goes by streams with memory.

    Parameters
    ----------
    threshold
        Distance of the sum from its extreme that is a drift.
    delta
        Deviation that adds nothing.
    warmup
        Numbers before the first look.
    mode
        Which way to look.

    References
    ----------
    .. [1] Page (1954), "Continuous inspection schemes", Biometrika 41(1/2), doi:10.2307/2333009.

    Examples
    --------
    >>> from operators.drift.drift import alarms
    >>> alarms(page_hinkley(), [0.0, 1.0] * 200 + [5.0, 6.0] * 100).tolist()
    [410]
    """
    return Foreign(
        "page_hinkley",
        lambda: drift.PageHinkley(min_instances=warmup, delta=delta, threshold=threshold, mode=mode),
    )
