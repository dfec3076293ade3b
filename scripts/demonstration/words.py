"""Numbers, times and courses in a few characters."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np

from scripts.demonstration.store import Float

BARS = "▁▂▃▄▅▆▇█"


def spark(values: Float, width: int = 72) -> str:
    """Draw values as bars.

    Examples
    --------
    >>> spark(np.array([0.0, 1.0, 2.0, 7.0])), spark(np.array([3.0, 3.0])), spark(np.array([]))
    ('▁▂▃█', '▁▁', '')
    """
    values = values[-width:]
    if not len(values):
        return ""
    least, span = values.min(), np.ptp(values)
    heights = np.zeros(len(values)) if span == 0 else (values - least) / span * (len(BARS) - 1)
    return "".join(BARS[int(height)] for height in heights)


def number(x: float) -> str:
    """Write a number for a person.

    Examples
    --------
    >>> number(1234567.8), number(1234.5), number(12.34), number(0.01234), number(float("nan"))
    ('1.235 M', '1 234', '12.3', '0.0123', '–')
    """
    if not np.isfinite(x):
        return "–"
    if abs(x) >= 1e6:
        return f"{x / 1e6:.4g} M" if abs(x) < 1e9 else f"{x / 1e9:.4g} G"
    return f"{x:,.0f}".replace(",", " ") if abs(x) >= 1000 else f"{x:.3g}"


def day(seconds: float) -> str:
    """Write a recorded time: date and hour.

    Examples
    --------
    >>> day(1414683000)
    '2014-10-30 15:30'
    """
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M}"
