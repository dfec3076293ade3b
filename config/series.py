"""Names of series taken apart: ``cpu,host=a usage_idle`` is a line-protocol series key and a field."""

from __future__ import annotations

import re
from typing import NamedTuple

_SPACE, _COMMA, _EQUALS = re.compile(r"(?<!\\) "), re.compile(r"(?<!\\),"), re.compile(r"(?<!\\)=")
_ESCAPED = re.compile(r"\\([,= ])")


class Name(NamedTuple):
    r"""What a series' name says; all but `key` without escapes.

    Parameters
    ----------
    key
        The series key as it stands in the name.
    metric, field
        Measurement and field.
    tags
        Pairs, in the order of the key.

    References
    ----------
    InfluxDB line protocol, "Special characters": https://docs.influxdata.com/influxdb/v2/reference/syntax/line-protocol/

    Examples
    --------
    >>> Name.of(r"disk\ io,host=a,path=/a\=b read\ ops")
    Name(key='disk\\ io,host=a,path=/a\\=b', metric='disk io', tags=(('host', 'a'), ('path', '/a=b')), field='read ops')
    >>> Name.of("cpu x").tags
    ()
    """

    key: str
    metric: str
    tags: tuple[tuple[str, str], ...]
    field: str

    @classmethod
    def of(cls, series: str) -> Name:
        """Take a name apart."""
        if "\\" not in series:  # nearly always, and twenty times as fast
            key, _, field = series.partition(" ")
            metric, *tags = key.split(",")
            return cls(key, metric, tuple((k, v) for k, _, v in (tag.partition("=") for tag in tags)), field)
        key, field = _cut(_SPACE, series)
        metric, *tags = _COMMA.split(key)
        pairs = (_cut(_EQUALS, tag) for tag in tags)
        return cls(key, _plain(metric), tuple((_plain(k), _plain(v)) for k, v in pairs), _plain(field))


def _cut(pattern: re.Pattern[str], text: str) -> tuple[str, str]:
    found = pattern.search(text)
    return (text[: found.start()], text[found.end() :]) if found else (text, "")


def _plain(text: str) -> str:
    return _ESCAPED.sub(r"\1", text)
