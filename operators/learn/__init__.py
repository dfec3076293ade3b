"""Models of series, on windows: River's, and our forecasters.  A new model is a file here and a line in `MODELS`.

All models score a window before they learn it, 1 being the model's own line between ordinary and odd; what a model learns
depends on its own score alone.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from pydantic import validate_call

from config.layers import ConfigError
from config.settings import Settings
from operators.choose import choose
from operators.forecast.forecast import MOST
from operators.learn.budget import Budget
from operators.learn.combination import combination
from operators.learn.family import Family
from operators.learn.forecast import holt_winters
from operators.learn.plan import Plan
from operators.learn.reach import assign
from operators.learn.regression import regression
from operators.learn.shard import Learn
from operators.learn.stream import Lessons, learn
from operators.learn.trees import half_space_trees
from operators.learn.watch import WATCHES

__all__ = ["FORECASTERS", "MODELS", "Budget", "Learn", "Lessons", "Plan", "build", "learn", "plans"]
log = logging.getLogger(__name__)

MODELS: dict[str, Callable[..., Family]] = {
    f.__name__: f for f in (combination, half_space_trees, holt_winters, regression)
}
FORECASTERS = frozenset(name for name, f in MODELS.items() if "horizon" in inspect.signature(f).parameters)


def build(
    step: str, names: Iterable[str], params: Mapping[str, Mapping[str, Any]] | None = None, ahead: Sequence[int] = ()
) -> Plan:
    """Make ready the models named in settings; a wrong name or parameter fails here, at start-up.

    Parameters
    ----------
    step
        Which windows to learn: ``60s``.
    names
        Keys of `MODELS`.
    params
        Parameters by model.
    ahead
        How many windows ahead forecasters are asked; without, one, and as far as each reaches of itself.

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
    config = [f"{step} {[*ahead]}"]
    for name in names:
        given = dict((params or {}).get(name, {}))
        if ahead and name in FORECASTERS:
            given.setdefault("horizon", max(ahead))
        makers[name] = partial(validate_call(MODELS[name]), **given)
        makers[name](0)
        config.append(f"{name}{sorted(given.items())}")
    return Plan(step, makers, " ".join(config), tuple(ahead) or (1,))


def plans(s: Settings) -> list[Plan]:
    """Make ready what settings name: the models on windows of `learn.step`, and forecasters on longer ones for the farther horizons.

    Raises
    ------
    ConfigError
        There are no such windows, or no such forecaster.
    ValueError
        There is no such watch, or it has no such parameter.

    Examples
    --------
    >>> from config.settings import load
    >>> [(plan.step, list(plan.makers), plan.ahead) for plan in plans(load({"ALLUSE_LEARN__MODELS": "combination,regression"}))]
    [('60s', ['combination', 'regression'], (1, 15)), ('3600s', ['combination'], (24,))]
    """
    base = int(s.learn.step.removesuffix("s") or min(s.windows.every))
    if base not in s.windows.every:
        raise ConfigError(f"learn.step: no windows of {base}s are computed: add {base} to windows.every")
    if s.learn.bounds and "combination" not in s.learn.models:
        raise ConfigError("learn.bounds: only the model combination foretells breaches: add it to learn.models")
    shared, far = assign(s.learn.horizons, [n for n in s.windows.every if n >= base])
    _too_far(far, s)
    names = [name for name in s.learn.models if name in FORECASTERS]
    made = [build(f"{base}s", s.learn.models, s.learn.model, shared.pop(base) or [1])]
    for length, ahead in shared.items():
        if names and ahead:
            made.append(build(f"{length}s", names, longer(s.learn.model, length // base), ahead))
    made[0] = replace(made[0], watches={it.name: it for it in choose(WATCHES, s.learn.watch, s.detector)})
    return [*made[:-1], replace(made[-1], bounds=s.learn.bounds)]


def _too_far(horizons: list[str], s: Settings) -> None:
    if not horizons:
        return
    fault = f"{', '.join(horizons)}: more than {MOST} windows of {max(s.windows.every)} s: add a longer length to windows.every"
    if s.origin.get(("learn", "horizons")) != "default":
        raise ConfigError(f"learn.horizons: {fault}, or leave it out")
    log.warning("learn.horizons: %s; left out", fault)


def longer(params: Mapping[str, Mapping[str, Any]], times: int) -> dict[str, dict[str, Any]]:
    """Return parameters for windows so many times as long: a season has fewer of them, or none; horizons are given anew.

    Examples
    --------
    >>> longer({"holt_winters": {"alpha": 0.2, "season": 1440, "horizon": 9}}, 60)
    {'holt_winters': {'alpha': 0.2, 'season': 24}}
    """
    out = {name: {key: v for key, v in given.items() if key != "horizon"} for name, given in params.items()}
    for given in out.values():
        if "season" in given:
            given["season"] = given["season"] // times if given["season"] // times > 1 else 0
    return out
