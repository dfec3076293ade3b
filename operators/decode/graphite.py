"""Graphite plain text: ``path value seconds``, a line each.

The name is the path, the field ``value``; tags may follow the path as Carbon takes them (``path;host=a;dc=b``).  A time of ``-1``,
or none, is the record's own; ``nan`` and ``inf`` are values.  One fault refuses the whole message.

References
----------
https://graphite.readthedocs.io/en/latest/feeding-carbon.html#the-plaintext-protocol
"""

from __future__ import annotations

import re

from operators.decode import stamps
from operators.decode.errors import Undecodable
from operators.decode.names import Fields
from operators.decode.points import Points

NUMBER = re.compile(r"[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|(?i:nan|inf|infinity))", re.ASCII)


def decode(body: bytes, out: Points, stamp: int) -> None:
    r"""Read one line or many.

    Examples
    --------
    >>> from operators.decode.names import Names
    >>> out = Points(Names())
    >>> decode(b"lab.node-1.load 1.5 1795265891\r\n", out, 0)
    >>> out.names.series.names, out.value, out.time
    (['lab.node-1.load value'], [1.5], [1795265891000000000])
    """
    lines = [line for line in body.split(b"\n") if line.strip()]
    if not lines:
        raise Undecodable("Graphite: no line.")
    for line in lines:
        words = [word.decode() for word in line.split()]
        if len(words) not in (2, 3):
            raise Undecodable(f"Graphite: {line[:40].decode()!r} is not path, value and seconds.")
        fields = out.names.known.get(("graphite", words[0])) or _learn(words[0], out)
        time = stamps.of_text(words[2]) if words[2:] not in ([], ["-1"]) else stamp
        out.add(fields["value"], time, number(words[1]))


def number(text: str) -> float:
    """Return a number's value, perhaps not finite; refuse what is none, or beyond float64.

    Examples
    --------
    >>> number("1.5"), number("+Inf")
    (1.5, inf)
    """
    if not NUMBER.fullmatch(text):
        raise Undecodable(f"{text[:40]!r} is no number.")
    value = float(text)
    if value - value != 0.0 and text[-1].isdigit():
        raise Undecodable(f"{text[:40]} is beyond float64.")
    return value


def _learn(word: str, out: Points) -> Fields:
    path, *parts = word.split(";")
    pairs = [part.partition("=") for part in parts]
    if not all(equals and name for name, equals, _ in pairs):
        raise Undecodable(f"Graphite: {word[:40]!r} has a tag without name or value.")
    fields = out.names.of(path, {name: value for name, _, value in pairs}.items())
    return out.names.keep(("graphite", word), len(word), fields)
