"""Unpack compressed messages; one that would give more than allowed is refused before it is unpacked, or where it passes the limit."""

from __future__ import annotations

import zlib

import cramjam

from operators.decode.errors import TooLarge, Undecodable

RATIO = 16  # unpacked, a message may be this many times the largest message


def snappy(body: bytes, limit: int) -> bytes:
    """Return what a snappy block holds; `limit` is the largest message in bytes.

    Raises
    ------
    TooLarge
        It declares more than `RATIO` times `limit`.
    Undecodable
        It is no snappy block.

    References
    ----------
    https://github.com/google/snappy/blob/main/format_description.txt
    """
    size, at = _declared(body)
    if not size or at == len(body) or body[at] & 3:  # the first element must be a literal
        raise Undecodable("The message is no snappy block.")
    if size > RATIO * limit:
        raise TooLarge(f"The message unpacks to {size} bytes, {RATIO * limit} are allowed.")
    if size > 64 * len(body):  # an element of 3 bytes gives at most 64
        raise Undecodable("The message is no snappy block.")
    try:
        return bytes(cramjam.snappy.decompress_raw(body))
    except cramjam.DecompressionError:
        raise Undecodable("The message is no snappy block.") from None


def _declared(body: bytes) -> tuple[int, int]:
    size = 0
    for i, byte in enumerate(body[:5]):
        size |= (byte & 127) << 7 * i
        if byte < 128:
            return size, i + 1
    raise Undecodable("The message is no snappy block.")


def gzip(body: bytes, limit: int) -> bytes:
    """Return what gzip data hold; `limit` is the largest message in bytes.

    Examples
    --------
    >>> import gzip as std
    >>> gzip(std.compress(b"cpu,host=a idle=1"), 1000)
    b'cpu,host=a idle=1'
    """
    room = RATIO * limit
    unpacker = zlib.decompressobj(31)
    try:
        data = unpacker.decompress(body, room + 1)
    except zlib.error:
        raise Undecodable("The message is broken gzip.") from None
    if len(data) > room:
        raise TooLarge(f"The message unpacks to more than the {room} bytes allowed.")
    if not unpacker.eof or unpacker.unused_data:
        raise Undecodable("The message is broken gzip.")
    return data
