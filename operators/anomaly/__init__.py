"""Anomaly detectors, by the name used in settings.  A new one is a file here and a line below."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal

from operators.anomaly.cusum import cusum
from operators.anomaly.ensemble import ensemble
from operators.anomaly.ewma import ewma
from operators.anomaly.flatline import flatline
from operators.anomaly.holt_winters import holt_winters
from operators.anomaly.iqr import iqr
from operators.anomaly.line import NotNegative
from operators.anomaly.mad import mad
from operators.anomaly.profile import profile
from operators.anomaly.rate import rate
from operators.anomaly.zscore import zscore
from operators.choose import choose
from operators.detector import Detector, Gate

DETECTORS: dict[str, Callable[..., Detector]] = {
    f.__name__: f for f in (cusum, ensemble, ewma, flatline, holt_winters, iqr, mad, profile, rate, zscore)
}


def gate(
    direction: Literal["both", "high", "low"] = "both",
    min_deviation: NotNegative = 0.0,
    min_relative: NotNegative = 0.0,
) -> Gate:
    """Say which deviations are worth telling; every detector takes these parameters beside its own.

    Parameters
    ----------
    direction
        ``high``: only readings above what was expected; ``low``: only those below.
    min_deviation
        Least distance from the expected value, in the series' unit.
    min_relative
        Least distance as a share of the expected value.

    Examples
    --------
    >>> gate(direction="high", min_relative=0.1)
    Gate(shut=True, high=True, low=False, deviation=0.0, relative=0.1)
    """
    shut = direction != "both" or min_deviation > 0 or min_relative > 0
    return Gate(shut, direction != "low", direction != "high", float(min_deviation), float(min_relative))


GATE = ("direction", "min_deviation", "min_relative")


def build(names: Iterable[str], params: Mapping[str, Mapping[str, Any]]) -> list[Detector]:
    """Make the detectors named in settings.

    Raises
    ------
    ValueError
        A name or parameter is wrong; the message names both and the nearest right one.

    Examples
    --------
    >>> [d.name for d in build(["ewma", "zscore"], {"ewma": {"limit": 6, "direction": "low"}})]
    ['ewma', 'zscore']
    >>> build(["ewma"], {"ewma": {"limits": 6}})
    Traceback (most recent call last):
    ValueError: ewma has no parameter limits; did you mean limit?
    """
    return [
        d._replace(gate=choose({d.name: gate}, [d.name], {d.name: _only(GATE, params.get(d.name, {}))})[0])
        for d in choose(DETECTORS, names, params, GATE)
    ]


def _only(keys: Iterable[str], given: Mapping[str, Any]) -> dict[str, Any]:
    return {key: given[key] for key in keys if key in given}
