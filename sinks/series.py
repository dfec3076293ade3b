"""Names of series taken apart: what a store needs of ``cpu,host=a usage_idle`` beyond the name itself."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Generic, TypeVar

V = TypeVar("V")

OURS = frozenset({"windows", "scores", "anomalies", "trends", "forecasts", "quality", "alerts", "events"})
TAGS = frozenset({"metric", "metric_field", "length", "step", "detector", "algorithm", "horizon"}) | {
    *("topic", "partition", "producer", "alertname", "severity", "type")
}

_SPACE, _COMMA, _EQUALS = re.compile(r"(?<!\\) "), re.compile(r"(?<!\\),"), re.compile(r"(?<!\\)=")
_ESCAPED = re.compile(r"\\([,= ])")


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


def parts(name: str) -> tuple[str, list[tuple[str, str]], str]:
    r"""Take a series' name apart: measurement, tags, field, each without its escapes.

    Parameters
    ----------
    name
        Series key and field as in `config.records.Series`.

    References
    ----------
    InfluxDB line protocol, "Special characters": https://docs.influxdata.com/influxdb/v2/reference/syntax/line-protocol/

    Examples
    --------
    >>> parts(r"disk\ io,host=a,path=/a\=b,c read\ ops")
    ('disk io', [('host', 'a'), ('path', '/a=b'), ('c', '')], 'read ops')
    >>> parts("cpu x")
    ('cpu', [], 'x')
    """
    key, _, field = _cut(_SPACE, name)
    measurement, *tags = _COMMA.split(key)
    pairs = [(_plain(k), _plain(v)) for k, _, v in (_cut(_EQUALS, tag) for tag in tags)]
    return _plain(measurement), pairs, _plain(field)


def _cut(pattern: re.Pattern[str], text: str) -> tuple[str, str, str]:
    found = pattern.search(text)
    return (text[: found.start()], found[0], text[found.end() :]) if found else (text, "", "")


def _plain(text: str) -> str:
    return _ESCAPED.sub(r"\1", text)


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
    measurement, pairs, field = parts(name)
    tags = {k: v for k, v in pairs if k not in TAGS}
    for key, value in pairs:
        if key in TAGS:
            exported = f"exported_{key}"
            while exported in tags:
                exported = f"exported_{exported}"
            tags[exported] = value
    return tags | {"metric": measurement, "metric_field": field}
