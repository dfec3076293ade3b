"""Crossing: when the forecast of a series leaves the bounds of settings.  Nothing is learnt here: it follows from a model as it is."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from math import inf, nan
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

from config.records import Float, Rows, Scored, Windows
from config.series import Name
from config.settings import Bound
from operators.forecast.breach import SHARE, Breach, breach
from operators.forecast.forecast import Ahead
from operators.learn.neighbours import Waiting

DEVIATIONS = NormalDist().inv_cdf(0.5 + SHARE / 2)  # of normal errors, that the band reaches
CERTAIN = 40.0  # deviations, beyond which a probability is 0 or 1 in a double
SCALE = 128.0
FIELDS = ("bound", "at", "earliest", "latest", "probability")


class Crossing(NamedTuple):
    """One bound of a series: its side, when it is crossed, and how probable the least safe window is."""

    side: str
    breach: Breach
    probability: float

    @property
    def numbers(self) -> tuple[float, ...]:
        """Return the numbers of `FIELDS`; a time beyond what is forecast is infinite."""
        b = self.breach
        return b.threshold, b.at, b.earliest, b.latest, self.probability


def bounds_of(series: str, bounds: Mapping[str, Bound]) -> dict[str, float]:
    """Return the bounds of a series by side; of patterns that match the longest decides.

    Examples
    --------
    >>> bounds = {"disk*": Bound(above=80.0, below=1.0), "disk used": Bound(above=90.0)}
    >>> bounds_of("disk,host=a used", bounds), bounds_of("cpu,host=a idle", bounds)
    ({'above': 90.0, 'below': 1.0}, {})
    """
    name, found = Name.of(series), dict[str, float]()
    both = (name.metric, f"{name.metric} {name.field}")
    for pattern in sorted((p for p in bounds if any(fnmatchcase(b, p) for b in both)), key=len):
        found |= bounds[pattern].model_dump(exclude_none=True)
    return found


def crossings(said: Ahead, bounds: Mapping[str, float], y: float, step: float) -> list[Crossing]:
    """Return the bounds that a series, now at `y`, may well cross within the forecast; `step` seconds lie between two values.

    Examples
    --------
    >>> course = np.array([60.0, 70.0, 80.0, 90.0, 100.0])
    >>> said = Ahead(course, {0.8: (course - 20, course + 20)})
    >>> [(it.side, str(it.breach), round(it.probability, 2)) for it in crossings(said, {"above": 85.0, "below": 0.0}, 50.0, 3600.0)]
    [('above', 'crosses 85 in 3 h 30 min, 80 %: 1 h 30 min to later than is forecast', 0.83)]
    >>> crossings(said, {"above": 85.0}, 86.0, 3600.0)[0].breach.at
    0.0
    """
    found = []
    for side, bound in bounds.items():
        sign = 1.0 if side == "above" else -1.0
        if sign * y >= sign * bound:
            found.append(Crossing(side, Breach(bound, SHARE, 0.0, 0.0, 0.0), 1.0))
        elif it := breach(said.yhat, said.bands[SHARE], SHARE, bound, step, y):
            found.append(Crossing(side, it, _most(sign * said.yhat, sign * bound, said.bands[SHARE])))
    return found


def _most(course: Float, bound: float, band: tuple[Float, Float]) -> float:
    """Return the highest probability of any value to lie above the bound, by normal errors of the band's width.

    All is scaled by a power of two, which changes no digit, and cut at `CERTAIN`, so that no number overflows.
    """
    deviation = np.maximum((band[1] / SCALE - band[0] / SCALE) / (2.0 * DEVIATIONS), 1e-300)
    beyond = np.clip(course / SCALE - bound / SCALE, -CERTAIN * deviation, CERTAIN * deviation)
    return NormalDist().cdf(float(np.nanmax(beyond / deviation)))


class Met(NamedTuple):
    """A window of a series that has bounds, the place in the batch where it was judged, and what is crossed after it."""

    window: Waiting
    position: int
    crossings: list[Crossing]


def scored(item: Windows, met: list[Met], length: int) -> Scored:
    """Return what rules of step ``breaches`` read: of each window the bound that is crossed first, infinite times where there is none."""
    nothing = (nan, inf, inf, inf, 0.0)
    first = [min((c.numbers for c in it.crossings), key=lambda n: (n[1], n[2]), default=nothing) for it in met]
    w = [it.window for it in met]
    columns = np.array(first, np.float64).reshape(-1, len(FIELDS)).T
    return Scored(
        step="breaches",
        poll=item.poll,
        series=item.series,
        codes=np.array([it.slot for it in w], np.int64),
        time=np.array([it.time + length for it in w], np.int64),
        position=np.array([it.position for it in met], np.int64),
        value=np.array([it.value for it in w], np.float64),
        fields=dict(zip(FIELDS, columns, strict=True)),
        scores={},
        first=np.array([it.first for it in w], np.int64),
        last=np.array([it.last for it in w], np.int64),
        silences=item.silences,
    )


def rows(item: Windows, met: list[Met], length: int, model: str) -> list[Rows]:
    """Return the rows of `breaches`, by side: at the end of the window from which times count."""
    out = []
    for side in ("above", "below"):
        pairs = [(it.window, c) for it in met for c in it.crossings if c.side == side]
        if pairs:
            columns = np.array([c.numbers for _, c in pairs]).T
            columns[~np.isfinite(columns)] = nan
            texts = [str(c.breach) for _, c in pairs]
            slots = np.array([w.slot for w, _ in pairs], np.int64)
            time = np.array([w.time + length for w, _ in pairs], np.int64)
            fields = {**dict(zip(FIELDS, columns, strict=True)), "text": texts}
            out.append(Rows("breaches", item.series, slots, time, {"algorithm": model, "type": side}, fields))
    return out
