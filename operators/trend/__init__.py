"""Trends, by the name used in settings.  A new one is a file here and a line below."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from operators.choose import choose
from operators.trend.bocpd import bocpd
from operators.trend.changepoint import changepoint
from operators.trend.momentum import momentum
from operators.trend.slope import slope
from operators.trend.trend import Trend, Trending, Trends, rows, trend

__all__ = ["TRENDS", "Trend", "Trending", "Trends", "build", "rows", "trend"]
TRENDS: dict[str, Callable[..., Trend]] = {f.__name__: f for f in (bocpd, changepoint, momentum, slope)}


def build(names: Iterable[str], params: Mapping[str, Mapping[str, Any]]) -> list[Trend]:
    """Make the trends named in settings.

    Raises
    ------
    ValueError
        A name or parameter is wrong; the message names both and the nearest right one.

    Examples
    --------
    >>> [t.name for t in build(["slope"], {"slope": {"confidence": 0.95}})]
    ['slope']
    """
    return choose(TRENDS, names, params)
