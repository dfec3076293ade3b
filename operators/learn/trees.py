"""Half-space trees: values and changes that the series has rarely shown."""

from __future__ import annotations

from collections.abc import Hashable
from math import inf, log, nan
from typing import Annotated, Any

from pydantic import Field
from river import anomaly, base

from operators.learn.family import Density, Features

SPACE = (-1.0, 2.0)


class Span(base.Transformer):
    """Min-max scaling by what the present and the last block of windows spanned: forgets, and costs the same whatever the block.

    Parameters
    ----------
    block
        Windows in a block.

    Examples
    --------
    >>> span = Span(2)
    >>> for y in (0.0, 9.0, 4.0, 6.0, 5.0):
    ...     span.learn_one({"level": y})
    >>> span.transform_one({"level": 5.0})
    {'level': 0.5}
    """

    def __init__(self, block: int) -> None:
        self.block, self.n = block, 0
        self.low: dict[Hashable, float] = {}
        self.high: dict[Hashable, float] = {}
        self.before: tuple[dict[Hashable, float], dict[Hashable, float]] = {}, {}

    def learn_one(self, x: dict[Hashable, Any]) -> None:
        """Widen the present block; after so many windows begin another."""
        if self.n == self.block:
            self.before = self.low, self.high
            self.low, self.high, self.n = {}, {}, 0
        for name, v in x.items():
            self.low[name] = min(self.low.get(name, v), v)
            self.high[name] = max(self.high.get(name, v), v)
        self.n += 1

    def transform_one(self, x: dict[Hashable, Any]) -> dict[Hashable, Any]:
        """Return each value as a share of the span: 0 its lower end, 1 its upper; 0 where there is no span."""
        return {name: self._share(name, v) for name, v in x.items()}

    def _share(self, name: Hashable, v: float) -> float:
        low = min(self.low[name], self.before[0].get(name, inf))
        width = max(self.high[name], self.before[1].get(name, -inf)) - low
        return (v - low) / width if width > 0.0 else 0.0


class Trees(Density):
    """Half-space trees over level and change, scaled so that what the last windows spanned is the middle third of the space.

    With the usual scale, the span itself, a value far outside falls into the outermost corner of the ordinary ones and looks like them.
    """

    def __init__(self, seed: int, trees: int, height: int, window: int) -> None:
        self.window, self.learnt, self.last = window, 0, nan
        self.model = Span(8 * window) | anomaly.HalfSpaceTrees(
            n_trees=trees,
            height=height,
            window_size=window,
            seed=seed,
            limits=dict.fromkeys(("level", "change"), SPACE),
        )

    def odd(self, y: float, x: Features, yhat: float) -> float:
        """Return minus the logarithm of the mass where `y` falls: 0 in the thickest place there can be."""
        if self.learnt < self.window:
            return nan
        return -log(1.0 - self.model.score_one(self._features(y)))

    def learn(self, y: float, taught: float, x: Features) -> None:
        """Learn level and change; a value that may not be learnt is still what the next change counts from."""
        if taught == taught and self.last == self.last:
            self.model.learn_one(self._features(y))
            self.learnt += 1
        self.last = _level(y)

    def _features(self, y: float) -> Features:
        level = _level(y)
        return {"level": level, "change": level - self.last}


def _level(y: float) -> float:
    return float(f"{y:.9g}")  # what differs further down is rounding, and the scale would blow it up


def half_space_trees(
    seed: int = 0,
    *,
    trees: Annotated[int, Field(ge=1, le=50)] = 10,
    height: Annotated[int, Field(ge=2, le=8)] = 6,
    window: Annotated[int, Field(ge=8, le=1024)] = 32,
) -> Trees:
    """Find values and changes where the series has hardly ever been.

    The space of level and change is halved at random again and again; how many of the last windows fell into the same corner
    says how usual a window is.  Cost and memory double with each step of `height`.

    Parameters
    ----------
    seed
        Of the random halving.
    trees
        How many trees vote.
    height
        Halvings in a tree.
    window
        Windows whose mass is compared; none is judged before so many.

    References
    ----------
    .. [1] Tan, Ting, Liu (2011), "Fast anomaly detection for streaming data", IJCAI 2011, 1511-1516.

    Examples
    --------
    >>> model = half_space_trees(window=8)
    >>> for i in range(64):
    ...     model.learn(i % 5, i % 5, {})
    >>> model.odd(4.0, {}, nan) < model.odd(40.0, {}, nan)
    True
    """
    return Trees(seed, trees, height, window)
