"""What all models of a series have in common: an answer before learning, and what they may be taught."""

from __future__ import annotations

from math import nan
from typing import Protocol

Features = dict[str, float]
Bands = tuple[float, float, float, float]  # ends that should hold 80 of 100 values, then those that should hold 95


class Family(Protocol):
    """A River model of one series, asked in one way whatever it is.

    Parameters
    ----------
    horizon
        How many windows ahead it forecasts; 0 where it does not.
    """

    horizon: int

    def expect(self, x: Features) -> float:
        """Return what the next value should be, given the series beside it; NaN where the model has no such answer."""

    def odd(self, y: float, x: Features, yhat: float) -> float:
        """Return how odd `y` is, in the model's own measure, 0 or more; NaN before it can tell."""

    def learn(self, y: float, taught: float, x: Features) -> None:
        """Learn `taught`, which is `y` or as much of it as may be learnt; NaN: nothing, `y` was only seen."""

    def ahead(self) -> list[float]:
        """Return the expected values of the next `horizon` windows; empty before there are any."""

    def bands(self, ahead: int) -> Bands | None:
        """Return the bands of the forecast so many windows on; None: those of the errors made so far."""


class Residual:
    """A model whose measure is the distance between the value and what it expected; no forecast beyond."""

    horizon = 0

    def odd(self, y: float, x: Features, yhat: float) -> float:
        """Return the distance from `yhat`, in the series' unit."""
        return abs(y - yhat)

    def ahead(self) -> list[float]:
        """Return no forecast."""
        return []

    def bands(self, ahead: int) -> Bands | None:
        """Return no bands of its own."""
        return None


class Density:
    """A model that knows how usual a value is, but not which one to expect."""

    horizon = 0

    def expect(self, x: Features) -> float:
        """Return NaN."""
        return nan

    def ahead(self) -> list[float]:
        """Return no forecast."""
        return []

    def bands(self, ahead: int) -> Bands | None:
        """Return no bands of its own."""
        return None
