"""One message to points: the truth that every faster way must equal.

Without a fixed format it is told by its first bytes and shape: ``{`` or ``[`` is JSON, whose keys tell the rest; other text is told by its
first line; what is no text is gzip, remote write or OTLP.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from operators.decode import json, line
from operators.decode.errors import Refused, TooLarge, Undecodable
from operators.decode.points import Points

Decode = Callable[[bytes, Points, int], None]

FORMATS: dict[str, Decode] = {"json": json.decode, "influx": line.decode}


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
        One of `FORMATS`, or ``""``: told by the message.

    Raises
    ------
    Refused
        `Undecodable`, `Unsupported` or `TooLarge`; nothing else, whatever the bytes.
    """
    if len(body) > out.limit:
        raise TooLarge(f"The message has {len(body)} bytes, {out.limit} are allowed.")
    if not body:
        raise Undecodable("The message is empty.")
    try:
        FORMATS[format or tell(body)](body, out, stamp)
    except Refused:
        raise
    except UnicodeDecodeError as error:
        raise Undecodable(f"The message is no UTF-8: {error.reason} at byte {error.start}.") from None
    except (msgspec.MsgspecError, ValueError, LookupError, TypeError, ArithmeticError, RecursionError) as error:
        raise Undecodable(f"The message cannot be read: {type(error).__name__} {error}"[:300]) from None


def tell(body: bytes) -> str:
    """Return the name of the format that a message seems to have."""
    return "json" if body.lstrip()[:1] in (b"{", b"[") else "influx"
