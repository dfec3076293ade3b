"""Names and tags that are ours in a store, and what becomes of a series' own that are called the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from config.series import Name

V = TypeVar("V")

OURS = frozenset(
    {
        "windows",
        "scores",
        "anomalies",
        "trends",
        "forecasts",
        "forecast_errors",
        "breaches",
        "quality",
        "alerts",
        "events",
        "correlations",
    }
)
TAGS = frozenset({"metric", "metric_field", "length", "step", "detector", "algorithm", "horizon", "other_series"}) | {
    *("topic", "partition", "producer", "alertname", "severity", "type")
}


class Remembered(dict[str, V], Generic[V]):
    """A function of names that remembers its answers, a bounded number of them.

    Parameters
    ----------
    answer
        The function.
    limit
        How many answers to keep; when there are more, all are forgotten and found again.

    Examples
    --------
    >>> upper = Remembered(str.upper, limit=2)
    >>> upper["a"], upper["b"], upper["c"], len(upper)
    ('A', 'B', 'C', 1)
    """

    def __init__(self, answer: Callable[[str], V], limit: int = 250_000) -> None:
        super().__init__()
        self._answer, self._limit = answer, limit

    def __missing__(self, name: str) -> V:
        if len(self) >= self._limit:
            self.clear()
        found = self[name] = self._answer(name)
        return found


def own_tags(name: str) -> dict[str, str]:
    """Return the tags that a series brings into our measurements: its own, `metric` and `metric_field`.

    An own tag that is named like one of ours becomes ``exported_<name>``.

    Parameters
    ----------
    name
        Full name of the series; ``""`` brings none.

    Examples
    --------
    >>> own_tags("collectd,host=a,type=load shortterm")
    {'host': 'a', 'exported_type': 'load', 'metric': 'collectd', 'metric_field': 'shortterm'}
    """
    if not name:
        return {}
    taken = Name.of(name)
    tags = {k: v for k, v in taken.tags if k not in TAGS}
    for key, value in taken.tags:
        if key in TAGS:
            exported = f"exported_{key}"
            while exported in tags:
                exported = f"exported_{exported}"
            tags[exported] = value
    return tags | {"metric": taken.metric, "metric_field": taken.field}
