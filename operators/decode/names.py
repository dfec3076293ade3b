r"""Names of series: line-protocol series key plus field, and the table from what messages say to numbers.

Escaping is line protocol's: comma and space in measurements; comma, space and ``=`` in tags and fields.  What it cannot hold is
written as Telegraf does: a line break as ``\n``, and backslashes at the end of a name or value are dropped.

References
----------
https://docs.influxdata.com/influxdb/v2/reference/syntax/line-protocol/ ·
Telegraf, ``plugins/serializers/influx/escape.go``
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from decimal import Decimal, InvalidOperation

from config.records import Series
from operators.decode.errors import Undecodable

Says = Callable[[str, str], bool | None]

_BREAKS: dict[str, str] = {"\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r"}
_MEASUREMENT = str.maketrans({**_BREAKS, ",": "\\,", " ": "\\ "})
_WORD = str.maketrans({**_BREAKS, ",": "\\,", " ": "\\ ", "=": "\\="})
_LONGEST = 4096  # a key kept in the table, in characters


def series_key(measurement: str, tags: Iterable[tuple[str, str]]) -> str:
    r"""Return the line-protocol key of a series: tags sorted, empty ones dropped.

    Raises
    ------
    Undecodable
        The measurement or a tag has no name.

    Examples
    --------
    >>> series_key("cpu load", [("host", "a=b"), ("dc", ""), ("az", "1")])
    'cpu\\ load,az=1,host=a\\=b'
    """
    name = _clean(measurement, _MEASUREMENT)
    if not name:
        raise Undecodable("A metric has no name.")
    pairs = [(_clean(k, _WORD), _clean(v, _WORD)) for k, v in sorted(tags)]
    if any(not k and v for k, v in pairs):
        raise Undecodable(f"A tag of {measurement!r} has no name.")
    return name + "".join(f",{k}={v}" for k, v in pairs if v)


def field_key(field: str) -> str:
    r"""Return a field's name, escaped.

    Examples
    --------
    >>> print(field_key("usage idle"))
    usage\ idle
    """
    return _clean(field, _WORD)


def quantile_name(quantile: str | float) -> str:
    """Return the field of a quantile; 0 and 1 are the smallest and the largest value.

    Examples
    --------
    >>> [quantile_name(q) for q in ("0", 0.5, "0.999", 1.0)]
    ['min', 'p50', 'p99.9', 'max']
    """
    try:
        q = Decimal(str(quantile))
    except InvalidOperation:
        q = Decimal(-1)
    if not 0 <= q <= 1:
        raise Undecodable(f"{quantile!r} is no quantile.")
    text = f"{100 * q:f}"
    return "min" if q == 0 else "max" if q == 1 else "p" + (text.rstrip("0").rstrip(".") if "." in text else text)


def _clean(text: str, table: dict[int, str]) -> str:
    return text.rstrip("\\").translate(table)


class Fields(dict[str, int]):
    """Numbers of the series of one measurement and set of tags, by field; a new field gets its number when asked for."""

    __slots__ = ("counter", "key", "measurement", "names")

    def __init__(self, names: Names, measurement: str, key: str, counter: bool) -> None:
        super().__init__()
        self.names, self.measurement, self.key, self.counter = names, measurement, key, counter

    def __missing__(self, field: str) -> int:
        code = self[field] = self.names.code(self.measurement, self.key, field, self.counter)
        return code


class Names:
    """Numbers for series, one table for all decoders of a process.

    Parameters
    ----------
    bound
        How many series the table may hold; `renew` then starts a new one.
    counters
        ``counters(measurement, field)`` says whether settings make it a counter; ``None`` leaves it to the message.

    Examples
    --------
    >>> names = Names()
    >>> names.of("cpu", [("host", "a")])["idle"], names.of("cpu", [("host", "a")])["idle"], names.series.names
    (0, 0, ['cpu,host=a idle'])
    """

    def __init__(self, bound: int = 400_000, counters: Says | None = None) -> None:
        self.bound = bound
        self.counters: Says = counters or (lambda measurement, field: None)
        self.series = Series()
        self.known: dict[Hashable, Fields] = {}

    def of(self, measurement: str, tags: Iterable[tuple[str, str]], counter: bool = False) -> Fields:
        """Return the numbers of a measurement with tags, by field."""
        return Fields(self, measurement, series_key(measurement, tags), counter)

    def tagged(self, measurement: str, tags: Mapping[str, str], counter: bool = False) -> Fields:
        """Return the numbers of a measurement with tags, remembered."""
        key = (measurement, *tags.items(), counter)
        fields = self.known.get(key)
        if fields is None:
            fields = self.of(measurement, tags.items(), counter)
            self.keep(key, len(fields.key), fields)
        return fields

    def keep(self, key: Hashable, size: int, fields: Fields) -> Fields:
        """Remember `fields` under what a message says; `size` is the length of that in characters."""
        if size <= _LONGEST and len(self.known) < self.bound:
            self.known[key] = fields
        return fields

    def code(self, measurement: str, key: str, field: str, counter: bool) -> int:
        """Return the number of a series, by its escaped `key` and its `field`."""
        name = field_key(field)
        if not name:
            raise Undecodable(f"A field of {measurement!r} has no name.")
        says = self.counters(measurement, field)
        return self.series.code(f"{key} {name}", counter if says is None else says)

    def renew(self) -> None:
        """Start a new `series` when it holds more than `bound`; to be called between polls."""
        if len(self.series) > self.bound:
            self.series, self.known = Series(), {}
        elif len(self.known) >= self.bound:
            self.known = {}
