"""Breach: when a forecast crosses a threshold, with how early and how late that may be."""

from __future__ import annotations

from math import inf
from typing import NamedTuple

import numpy as np

from config.records import Float

SHARE = 0.8  # of what may happen, that the interval told holds
UNITS = ((86_400.0, "d"), (3_600.0, "h"), (60.0, "min"), (1.0, "s"))


class Breach(NamedTuple):
    """Seconds from the newest value until the threshold is crossed; infinite where that lies beyond the horizon.

    Parameters
    ----------
    threshold
        In the series' unit.
    share
        How much of what may happen the interval holds, in (0, 1).
    at
        When the expected course crosses.
    earliest, latest
        When the nearer and when the farther end of the interval crosses.
    """

    threshold: float
    share: float
    at: float
    earliest: float
    latest: float

    def __str__(self) -> str:
        """Say it in words.

        Examples
        --------
        >>> print(Breach(90.0, 0.8, 11_400.0, 7_200.0, 21_600.0))
        crosses 90 in 3 h 10 min, 80 %: 2 h to 6 h
        >>> print(Breach(90.0, 0.8, inf, 7_200.0, inf))
        may cross 90 in 2 h or later, 80 %
        """
        if self.at == 0.0:
            return f"is beyond {self.threshold:g}"
        if self.at == inf:
            return f"may cross {self.threshold:g} in {span(self.earliest)} or later, {self.share:.0%}".replace(
                "%", " %"
            )
        late = "later than is forecast" if self.latest == inf else span(self.latest)
        share = f"{100 * self.share:g} %: {span(self.earliest)} to {late}"
        return f"crosses {self.threshold:g} in {span(self.at)}, {share}"


def breach(
    course: Float, band: tuple[Float, Float], share: float, threshold: float, step: float, now: float
) -> Breach | None:
    """Return when a series that is at `now` crosses a threshold, or None where that is not likely within the horizon.

    The direction is that from `now` to the threshold.  The interval is that of each horizon alone: the share is of times
    at which the value stands beyond the threshold, which a single peak may do earlier.

    Parameters
    ----------
    course, band
        Shape (horizon,) each: expected values; lower and upper end of the interval.
    share
        That the interval holds, in (0, 1).
    threshold, now
        In the series' unit.
    step
        Seconds between two values.

    Examples
    --------
    >>> course = np.array([60.0, 70.0, 80.0, 90.0, 100.0])
    >>> print(breach(course, (course - 20, course + 20), 0.8, 85.0, 3600.0, 50.0))
    crosses 85 in 3 h 30 min, 80 %: 1 h 30 min to later than is forecast
    >>> breach(course, (course - 20, course + 20), 0.8, 150.0, 3600.0, 50.0)
    """
    sign = 1.0 if threshold >= now else -1.0
    lower, upper = band if sign > 0.0 else (-band[1], -band[0])
    at, earliest, latest = (step * _crossing(sign * now, y, sign * threshold) for y in (sign * course, upper, lower))
    return Breach(threshold, share, at, earliest, latest) if earliest < inf else None


def _crossing(now: float, y: Float, line: float) -> float:
    """Return after how many steps, with parts of one, `y` first reaches the line from below."""
    beyond = np.flatnonzero(y >= line)
    if now >= line:
        return 0.0
    if len(beyond) == 0:
        return inf
    i = int(beyond[0])
    before = now if i == 0 else float(y[i - 1])
    return i + (line - before) / (float(y[i]) - before)


def span(seconds: float) -> str:
    """Say a time in its two largest units.

    Examples
    --------
    >>> span(11_400.0), span(7_200.0), span(59.6), span(0.2)
    ('3 h 10 min', '2 h', '1 min', '0 s')
    """
    left = round(seconds)
    parts: list[tuple[int, str]] = []
    for size, unit in UNITS:
        count, left = divmod(left, int(size))
        if count or parts:
            parts.append((count, unit))
        if len(parts) == 2:
            break
    return " ".join(f"{count} {unit}" for count, unit in parts if count) or "0 s"
