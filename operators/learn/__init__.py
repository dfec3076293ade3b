"""Models of series, on windows: River's, and our forecasters.  A new model is a file here and a line in `MODELS`.

All models score a window before they learn it, 1 being the model's own line between ordinary and odd; what a model learns
depends on its own score alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from pydantic import validate_call

from operators.learn.budget import Budget
from operators.learn.combination import combination
from operators.learn.family import Family
from operators.learn.forecast import holt_winters
from operators.learn.plan import Plan
from operators.learn.regression import regression
from operators.learn.shard import Learn
from operators.learn.stream import Lessons, learn
from operators.learn.trees import half_space_trees

__all__ = ["MODELS", "Budget", "Learn", "Lessons", "Plan", "build", "learn"]

MODELS: dict[str, Callable[..., Family]] = {
    f.__name__: f for f in (combination, half_space_trees, holt_winters, regression)
}


def build(step: str, names: Iterable[str], params: Mapping[str, Mapping[str, Any]] | None = None) -> Plan:
    """Make ready the models named in settings; a wrong name or parameter fails here, at start-up.

    Parameters
    ----------
    step
        Which windows to learn: ``60s``.
    names
        Keys of `MODELS`.
    params
        Parameters by model.

    Raises
    ------
    KeyError
        A name is not in `MODELS`.
    pydantic.ValidationError
        A parameter is unknown or out of range.

    Examples
    --------
    >>> list(build("60s", ["holt_winters"], {"holt_winters": {"season": 24}}).makers)
    ['holt_winters']
    """
    makers: dict[str, Callable[[int], Family]] = {}
    config = [step]
    for name in names:
        given = dict((params or {}).get(name, {}))
        makers[name] = partial(validate_call(MODELS[name]), **given)
        makers[name](0)
        config.append(f"{name}{sorted(given.items())}")
    return Plan(step, makers, " ".join(config))
