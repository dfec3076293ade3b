"""Snapshots packed for the recovery store: the store costs 5 to 7 ms a megabyte, packing half a millisecond."""

from __future__ import annotations

import logging
import pickle
from collections.abc import Callable
from typing import Any, TypeVar

import cramjam

from config.recovery import WRONG, leave

T = TypeVar("T")
LOG = logging.getLogger(__name__)


class SnapshotError(ValueError):
    """What was saved does not fit these settings or this version; the text says what to do."""


def pack(snapshot: Any) -> bytes:
    """Return a snapshot as compressed bytes.

    Most of a shard's state is arrays of stamps, counts and values that differ little from row to row: to less than half.

    Examples
    --------
    >>> packed = pack(("window-1", bytes(100_000)))
    >>> len(packed) < 1000, unpack(packed)[0], unpack(None)
    (True, 'window-1', None)
    """
    return bytes(cramjam.lz4.compress_block(pickle.dumps(snapshot, pickle.HIGHEST_PROTOCOL)))


def unpack(packed: bytes | None) -> Any:
    """Return what was packed; nothing for nothing.  Only ever given what this product wrote into its own recovery store."""
    return None if packed is None else pickle.loads(bytes(cramjam.lz4.decompress_block(packed)))


def restored(make: Callable[[Any], T], packed: bytes | None) -> T:
    """Make an operator's logic go on from what was packed; end the process with 2 where that does not fit.

    Examples
    --------
    >>> restored(lambda snapshot: snapshot or "cold", None), restored(lambda snapshot: snapshot, pack("warm"))
    ('cold', 'warm')
    """
    try:
        return make(unpack(packed))
    except SnapshotError as e:
        LOG.error("%s", e)
        leave(WRONG)
