"""CloudEvents in structured mode: the event's `data` is a message of any other format.

`data` that is text (line protocol, Graphite …) stands as a string, bytes as `data_base64`.  In binary mode the message is the data
alone and needs nothing here.  The event's own `time` is when it was sent: points without a time get the record's.

References
----------
https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md
"""

from __future__ import annotations

import msgspec
from msgspec import Raw

from operators.decode.errors import Undecodable
from operators.decode.json import NONE


class Event(msgspec.Struct):
    """What of an event is needed."""

    specversion: str
    data: Raw = NONE
    data_base64: bytes | None = None


_EVENT = msgspec.json.Decoder(Event)
_TEXT = msgspec.json.Decoder(str)


def unwrap(body: bytes) -> bytes:
    """Return an event's data.

    Examples
    --------
    >>> unwrap(b'{"specversion": "1.0", "data": {"name": "cpu"}}'), unwrap(b'{"specversion": "1.0", "data": "cpu idle=1"}')
    (b'{"name": "cpu"}', b'cpu idle=1')
    """
    event = _EVENT.decode(body)
    data = event.data_base64 or bytes(event.data)
    if not data or data == b"null":
        raise Undecodable("CloudEvents: the event has no data.")
    return _TEXT.decode(data).encode() if data[:1] == b'"' and not event.data_base64 else data
