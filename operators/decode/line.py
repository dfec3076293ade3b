r"""Influx line protocol: ``measurement,tag=value field=number,… time``, a line each.

Read as InfluxDB 2 does: a backslash before a comma, space or ``=`` makes it part of the name (in measurements not ``=``), and is itself
otherwise; text is quoted and may hold line breaks; numbers are floats, integers (``1i``, 64 bits), unsigned (``1u``) and booleans
(``t T true True TRUE``, the same for false); blank lines and those that begin with ``#`` are passed over.  Text fields are skipped and
counted.  Refused: a line without fields, an empty or repeated tag, ``nan``, ``inf``, numbers beyond float64.  A field given twice is two
points.  The unit of a time stamp is told by its magnitude, as everywhere.  One fault refuses the whole message.

References
----------
https://docs.influxdata.com/influxdb/v2/reference/syntax/line-protocol/
"""

from __future__ import annotations

import re

from operators.decode import stamps
from operators.decode.errors import Undecodable
from operators.decode.names import Fields
from operators.decode.points import Points

_BLANK = re.compile(r"(?:[ \t\r\n]++|#[^\n]*+)*+")
_KEY = re.compile(r"((?:[^\\ \n]++|\\[, =]?)++) ++")  # measurement and tags, up to the first bare space
_FIELD = re.compile(
    r"((?:[^\\,= \n]++|\\[, =]?)++)="  # its name
    r"(?:([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)|([+-]?\d+)i|(\d+)u|"
    r'([tT]|true|True|TRUE)|([fF]|false|False|FALSE)|("(?:[^"\\]++|\\.)*+"))'
    r"(?=[, \r\n]|\Z)",
    re.DOTALL | re.ASCII,
)
_END = re.compile(r" *+(?:(?<= )([+-]?\d++))? *+\r?(?:\n|\Z)", re.ASCII)
_PARTS = re.compile(r"((?:[^\\,]++|\\[, =]?)*+)(?:,|\Z)")
_EQUALS = re.compile(r"((?:[^\\=]++|\\[, =]?)++)=((?:[^\\=]++|\\[, =]?)++)")
_ESCAPED = re.compile(r"\\([, =])")
_ESCAPED_NAME = re.compile(r"\\([, ])")


def decode(body: bytes, out: Points, stamp: int) -> None:
    r"""Read one line or many.

    Examples
    --------
    >>> from operators.decode.names import Names
    >>> out = Points(Names())
    >>> decode(rb'cpu\ load,host=a idle=98.2,n=3i,who="x y" 1767225600000000000', out, 0)
    >>> out.names.series.names, out.value, out.skipped
    (['cpu\\ load,host=a idle', 'cpu\\ load,host=a n'], [98.2, 3.0], 1)
    """
    text = body.decode()
    at, n = _BLANK.match(text).end(), len(text)  # type: ignore[union-attr]
    if at == n:
        raise Undecodable("Line protocol: no line.")
    while at < n:
        at = _line(text, at, out, stamp)
        at = _BLANK.match(text, at).end()  # type: ignore[union-attr]


def _line(text: str, at: int, out: Points, stamp: int) -> int:
    key = _KEY.match(text, at)
    if key is None:
        raise _fault(text, at, "no fields")
    fields = out.names.known.get(key[1]) or _learn(key[1], out)
    first, at = len(out), key.end()
    while True:
        field = _FIELD.match(text, at)
        if field is None:
            raise _fault(text, at, "no field")
        _add(field, fields, out)
        at = field.end()
        if text[at : at + 1] != ",":
            break
        at += 1
    end = _END.match(text, at)
    if end is None:
        raise _fault(text, at, "no time stamp")
    out.time.extend([stamps.of_text(end[1]) if end[1] else stamp] * (len(out) - first))
    return end.end()


def _add(field: re.Match[str], fields: Fields, out: Points) -> None:
    """Add a field's value; the times of a line's points are added when it is read."""
    kind = field.lastindex or 0
    if kind == 7:
        out.skipped += 1
        return
    if kind == 2:
        value = float(field[2])
    elif kind == 3 or kind == 4:
        whole = int(field[kind])
        if not (-(1 << 63) <= whole < 1 << 63 if kind == 3 else whole < 1 << 64):
            raise Undecodable(f"Line protocol: {field[kind]} is beyond 64 bits.")
        value = float(whole)
    else:
        value = float(kind == 5)
    if value - value != 0.0:
        raise Undecodable(f"Line protocol: {field[kind][:40]} is beyond float64.")
    name = field[1]
    out.codes.append(fields[_ESCAPED.sub(r"\1", name) if "\\" in name else name])
    out.value.append(value)


def _learn(key: str, out: Points) -> Fields:
    parts = [_PARTS.match(key)]
    while parts[-1] is not None and parts[-1].end() < len(key):
        parts.append(_PARTS.match(key, parts[-1].end()))
    measurement, *rest = [part[1] for part in parts if part is not None]
    tags: dict[str, str] = {}
    for part in rest:
        pair = _EQUALS.fullmatch(part)
        if pair is None:
            raise Undecodable(f"Line protocol: {part[:40]!r} is no tag.")
        name, value = (_ESCAPED.sub(r"\1", x) for x in pair.groups())
        if name in tags:
            raise Undecodable(f"Line protocol: the tag {name[:40]!r} stands twice.")
        tags[name] = value
    fields = out.names.of(_ESCAPED_NAME.sub(r"\1", measurement), tags.items())
    return out.names.keep(key, len(key), fields)


def _fault(text: str, at: int, what: str) -> Undecodable:
    return Undecodable(f"Line protocol: {what} at {text[at : at + 40]!r}.")
