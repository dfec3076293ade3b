"""Regression: a series told from the series beside it."""

from __future__ import annotations

from math import nan
from typing import Annotated, Any

from pydantic import Field
from river import linear_model, preprocessing

from operators.learn.family import Features, Residual


class Beside(Residual):
    """A linear model of the value on the same window's values of related series, all in their own standard deviations."""

    def __init__(self, prior: float) -> None:
        self.learnt = 0
        beside: Any = preprocessing.StandardScaler() | linear_model.BayesianLinearRegression(alpha=prior)
        self.model: Any = preprocessing.TargetStandardScaler(beside)

    def expect(self, x: Features) -> float:
        """Return the value that goes with `x`; NaN without any of the other series."""
        return self.model.predict_one(x) if x and self.learnt else nan

    def learn(self, y: float, taught: float, x: Features) -> None:
        """Learn that `taught` went with `x`."""
        if x:
            self.model.learn_one(x, taught)
            self.learnt += 1


def regression(seed: int = 0, *, prior: Annotated[float, Field(gt=0)] = 0.1) -> Beside:
    """Expect of a series what the other series of its host, or the same metric of other hosts, show in the same window.

    Bayesian linear regression: exact least squares with a prior, without a step size to choose.

    Parameters
    ----------
    seed
        Not used: nothing here is random.
    prior
        How strongly weights are held near 0, against windows seen.

    References
    ----------
    .. [1] Bishop (2006), "Pattern Recognition and Machine Learning", section 3.3.

    Examples
    --------
    >>> model = regression()
    >>> for i in range(50):
    ...     model.learn(0.0, 3.0 * (i % 7), {"0": i % 7})
    >>> abs(model.expect({"0": 4.0}) - 12.0) < 0.2
    True
    """
    return Beside(prior)
