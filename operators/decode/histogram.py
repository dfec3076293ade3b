"""Histograms: a series' newest sample, and the quantiles of the increase since the one before.

A quantile is that of the **increase** since the series' previous sample: none at the first sample, none when nothing was added, none when
the bounds changed.  A bucket that fell, or another start time, is a reset: all of the new sample is the increase.  With delta temporality
a sample is its own increase.  A sample not newer than the series' newest gives no quantile and changes nothing; nor does one
further ahead than stamps may be.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import nan

import msgspec

from operators.decode.buckets import Buckets, quantiles
from operators.decode.names import Fields


@dataclass(frozen=True, slots=True)
class Sample:
    """One histogram of one series, as sent.

    Parameters
    ----------
    fields
        Where its quantiles go.
    time, start
        ns; since when it counts, 0 where not said.
    buckets
        Counts.
    cumulative
        Counts since `start`; else since the sample before.
    low, high
        `min` and `max`, NaN where not sent.
    """

    fields: Fields
    time: int
    start: int
    buckets: Buckets
    cumulative: bool = True
    low: float = nan
    high: float = nan


class Last(msgspec.Struct, frozen=True, array_like=True):
    """A series' newest sample."""

    key: str
    time: int
    start: int
    buckets: Buckets


class Histograms:
    """The newest sample of each cumulative histogram of a shard.

    Parameters
    ----------
    bound
        How many to remember; the one longest unchanged is forgotten first.
    saved
        What `snapshot` returned.
    """

    def __init__(self, bound: int = 100_000, saved: bytes = b"") -> None:
        self.bound = bound
        self.last = {it.key: it for it in msgspec.msgpack.decode(saved, type=list[Last])} if saved else {}

    def learn(self, sample: Sample) -> dict[str, float]:
        """Return the quantiles of a sample's increase, and remember it."""
        if not sample.cumulative:
            return quantiles(sample.buckets, sample.low, sample.high)
        key = sample.fields.key
        before = self.last.get(key)
        if before is not None and sample.time <= before.time:
            return {}
        self.last.pop(key, None)
        self.last[key] = Last(key, sample.time, sample.start, sample.buckets)
        if len(self.last) > self.bound:
            del self.last[next(iter(self.last))]
        if before is None:
            return {}
        begun = sample.start != before.start and sample.start >= before.time
        added = sample.buckets if begun else sample.buckets.since(before.buckets)
        return {} if added is None else quantiles(added, sample.low, sample.high)

    def snapshot(self) -> bytes:
        """Return the state as bytes; the same bytes for the same samples."""
        return msgspec.msgpack.encode(list(self.last.values()))
