"""One message to points: the truth that every faster way must equal.

Without a fixed format it is told by its first bytes and shape: ``{`` or ``[`` is JSON, whose keys tell the rest; other text is told by its
first line that is no comment; what is no text is gzip (of any of these), remote write (a snappy block) or OTLP.  Remote write and
OTLP cannot be mistaken: the one must unpack to just the length it declares, and in both no outer layer may hold a field not theirs.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import msgspec
from msgspec import Raw

from operators.decode import cloudevents, collectd, graphite, json, line, otlp, prometheus, remote_write, unpack
from operators.decode.errors import Refused, TooLarge, Undecodable, Unsupported
from operators.decode.points import Points

Decode = Callable[[bytes, Points, int], None]
FAULTS = (msgspec.MsgspecError, ValueError, LookupError, TypeError, ArithmeticError, RecursionError)  # of what is read


def _cloudevents(body: bytes, out: Points, stamp: int) -> None:
    decode_message(cloudevents.unwrap(body), out, stamp)


FORMATS: dict[str, Decode] = {
    "json": json.decode,
    "influx": line.decode,
    "collectd": collectd.decode,
    "graphite": graphite.decode,
    "prometheus-json": prometheus.decode_json,
    "prometheus": prometheus.decode_text,
    "openmetrics": prometheus.decode_openmetrics,
    "remote-write": remote_write.decode,
    "otlp-json": otlp.decode_json,
    "otlp-proto": otlp.decode,
    "cloudevents": _cloudevents,
}


def decode_message(body: bytes, out: Points, stamp: int, format: str = "") -> None:
    """Add the points of one message to `out`.

    Parameters
    ----------
    body
        The message; an empty one (a tombstone) is undecodable.
    out
        Where points go.  After an error it may hold some of them: take them back with ``out.back(mark)``.
    stamp
        ns: the time of points that have none of their own.
    format
        One of `FORMATS`, or ``""``: told by the message.  Gzip is unpacked in either case.

    Raises
    ------
    Refused
        `Undecodable`, `Unsupported` or `TooLarge`; nothing else, whatever the bytes.
    """
    if len(body) > out.limit:
        raise TooLarge(f"The message has {len(body)} bytes, {out.limit} are allowed.")
    try:
        if body[:2] == b"\x1f\x8b":
            body = unpack.gzip(body, out.limit)
        if not body:
            raise Undecodable("The message is empty.")
        (FORMATS[format] if format else _any)(body, out, stamp)
    except Refused:
        raise
    except UnicodeDecodeError as error:
        raise Undecodable(f"The message is no UTF-8: {error.reason} at byte {error.start}.") from None
    except msgspec.MsgspecError as error:
        raise Undecodable(f"JSON: {error}.") from None
    except FAULTS as error:
        raise Undecodable(f"The message cannot be read: {str(error)[:200]} ({type(error).__name__}).") from None


def _any(body: bytes, out: Points, stamp: int) -> None:
    """Read a message of whatever format."""
    if body[:1] in b"{[":
        n = len(out)
        try:
            return _json(body, out, stamp)
        except msgspec.DecodeError:
            if len(out) > n or _is_text(body):
                raise
    if not _is_text(body):
        return _binary(body, out, stamp)
    text = body.strip()
    return _json(text, out, stamp) if text[:1] in b"{[" else FORMATS[tell(text)](body, out, stamp)


def _binary(body: bytes, out: Points, stamp: int) -> None:
    try:
        request = remote_write.parse(body, out.limit)
    except Undecodable:
        return otlp.decode(body, out, stamp)
    return remote_write.take(request, out)


class Shape(msgspec.Struct):
    """The keys that tell one JSON format from another."""

    name: Raw = json.NONE
    fields: Raw = json.NONE
    metrics: Raw = json.NONE
    value: Raw = json.NONE
    labels: Raw = json.NONE
    dsnames: Raw = json.NONE
    resourceMetrics: Raw = json.NONE  # noqa: N815
    resource_metrics: Raw = json.NONE
    specversion: Raw = json.NONE

    def format(self) -> str:
        """Return the format's name, ``""`` for none."""
        marks = {
            "cloudevents": self.specversion,
            "json": self.fields or self.metrics,
            "otlp-json": self.resourceMetrics or self.resource_metrics,
            "collectd": self.dsnames,
            "prometheus-json": self.value and (self.name or self.labels),
        }
        return next((name for name, mark in marks.items() if mark), "")


_SHAPE = msgspec.json.Decoder(Shape)
_ELEMENTS = msgspec.json.Decoder(list[Raw])


def _json(body: bytes, out: Points, stamp: int) -> None:
    """Read JSON of any shape; the commonest is tried before its keys are looked at."""
    if body[:1] == b"[":
        for element in _ELEMENTS.decode(body):
            _json(bytes(element), out, stamp)
        return
    try:
        metric = json.METRIC.decode(body)
    except msgspec.ValidationError:
        FORMATS[_shape(body)](body, out, stamp)
    else:
        json.take(metric, out, stamp)


def _shape(body: bytes) -> str:
    if body[:1] != b"{":
        raise Unsupported(f"JSON: {body[:40].decode(errors='replace')} is no metric.")
    name = _SHAPE.decode(body).format()
    if not name:
        raise Unsupported("JSON: the object has the keys of no known format.")
    return name


_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1f]")
_COMMENT = re.compile(rb"#[ \t]+(?:TYPE|HELP|UNIT)[ \t]|# EOF\s*\Z")
_LABELS = re.compile(rb"[a-zA-Z_:][a-zA-Z0-9_:]*[ \t]*\{")


def _is_text(body: bytes) -> bool:
    if _CONTROL.search(body):
        return False
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


def tell(text: bytes) -> str:
    r"""Return the format that text seems to have which is no JSON, by its first line.

    Raises
    ------
    Undecodable
        It is none.

    Examples
    --------
    >>> [tell(x) for x in (b"cpu,host=a x=1", b"a.b 1 1767225600", b"# HELP a b\na 1", b'a{b="c"} 1', b"a 1\n# EOF")]
    ['influx', 'graphite', 'prometheus', 'prometheus', 'openmetrics']
    """
    for first in text.split(b"\n"):
        if _COMMENT.match(first) or (first.strip() and not first.startswith(b"#")):
            name = _told_by_words(first)
            return "openmetrics" if name == "prometheus" and text.rstrip().endswith(b"# EOF") else name
    raise Undecodable("The message holds comments only.")


def _told_by_words(line: bytes) -> str:
    words = line.split(None, 2)
    if line.startswith(b"#") or _LABELS.match(line):
        return "prometheus"
    if b"," in words[0] or b"\\" in line or any(b"=" in word for word in words[1:2]):
        return "influx"
    if len(words) == 2:
        return "prometheus"
    if len(words) == 3:
        return "graphite"
    raise Undecodable("The message is none of the formats known here.")
