"""Buckets of a histogram: what was added between two, and its quantiles.

Inside a bucket values are taken as evenly spread (explicit bounds) or evenly spread in their logarithm (exponential), as Prometheus does;
edges are narrowed to `min` and `max` where they are sent.  The first bucket begins at 0 where its bound is above; values beyond
the last bound are taken as that bound, or up to `max`.  `min` and `max` are never made up from bounds: a bound is no reading.

References
----------
https://opentelemetry.io/docs/specs/otel/metrics/data-model/#histogram ·
https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import inf, isfinite, nan

import msgspec

QUANTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
Span = tuple[float, float, float]  # a bucket: from, to, how many


class Explicit(msgspec.Struct, frozen=True, tag=0, array_like=True):
    """Counts between bounds: ``counts[i]`` values in (bounds[i-1], bounds[i]], one more beyond the last."""

    bounds: tuple[float, ...]
    counts: tuple[float, ...]

    def since(self, before: Buckets) -> Explicit | None:
        """Return what was added; ``None`` where it cannot be known."""
        if not isinstance(before, Explicit) or before.bounds != self.bounds or len(before.counts) != len(self.counts):
            return None
        added = tuple(now - then for now, then in zip(self.counts, before.counts, strict=True))
        return self if min(added, default=0.0) < 0 else Explicit(self.bounds, added)

    def spans(self) -> list[Span]:
        """Return the buckets, lowest first."""
        edges = (-inf, *self.bounds, inf)
        return [(low, high, n) for (low, high), n in zip(pairwise(edges), self.counts, strict=True)]


class Exponential(msgspec.Struct, frozen=True, tag=1, array_like=True):
    """Counts in (base**i, base**(i+1)], base = 2**2**-scale, of positive and of negated values, and about zero."""

    scale: int
    threshold: float
    zero: float
    positive: dict[int, float]
    negative: dict[int, float]

    def since(self, before: Buckets) -> Exponential | None:
        """Return what was added, at the coarser scale of the two; ``None`` where it cannot be known."""
        if not isinstance(before, Exponential) or before.threshold != self.threshold:
            return None
        scale = min(self.scale, before.scale)
        now, then = self.at(scale), before.at(scale)
        zero, positive = now.zero - then.zero, _less(now.positive, then.positive)
        negative = _less(now.negative, then.negative)
        if min(zero, *positive.values(), *negative.values(), 0.0) < 0:
            return self
        return Exponential(scale, self.threshold, zero, positive, negative)

    def at(self, scale: int) -> Exponential:
        """Return the same counts in buckets of a coarser scale."""
        by = self.scale - scale
        return Exponential(scale, self.threshold, self.zero, _merge(self.positive, by), _merge(self.negative, by))

    def spans(self) -> list[Span]:
        """Return the buckets, lowest first."""
        up = [(self._edge(i), self._edge(i + 1), n) for i, n in sorted(self.positive.items())]
        down = [(-self._edge(i + 1), -self._edge(i), n) for i, n in sorted(self.negative.items(), reverse=True)]
        return [*down, (-self.threshold, self.threshold, self.zero), *up]

    def _edge(self, index: int) -> float:
        exponent = index * 2.0**-self.scale
        return 2.0**exponent if exponent < 1024 else inf


Buckets = Explicit | Exponential


def _merge(counts: dict[int, float], by: int) -> dict[int, float]:
    merged: dict[int, float] = {}
    for i, n in counts.items():
        merged[i >> by] = merged.get(i >> by, 0.0) + n
    return merged


def _less(now: dict[int, float], then: dict[int, float]) -> dict[int, float]:
    return {i: now.get(i, 0.0) - then.get(i, 0.0) for i in now.keys() | then.keys()}


def quantiles(buckets: Buckets, low: float = nan, high: float = nan) -> dict[str, float]:
    """Return the `QUANTILES` of what is in the buckets; none where they are empty or do not tell.

    Parameters
    ----------
    buckets
        Counts, each at least 0.
    low, high
        Smallest and largest value, NaN where not known.

    Examples
    --------
    >>> quantiles(Explicit((1.0, 2.0, 4.0), (0, 50, 50, 0)))
    {'p50': 2.0, 'p95': 3.8, 'p99': 3.96}
    """
    spans = [span for span in (_narrow(s, buckets, low, high) for s in buckets.spans()) if span[2] != 0]
    total = sum(n for _, _, n in spans)
    if not (isfinite(total) and total > 0) or any(n < 0 or not isfinite(a + b) for a, b, n in spans):
        return {}
    even = isinstance(buckets, Explicit)
    return {name: _at(spans, q * total, even) for name, q in QUANTILES.items()}


def _narrow(span: Span, buckets: Buckets, low: float, high: float) -> Span:
    """Put finite edges to a bucket where that can be done."""
    a, b, n = span
    if low == low:
        a = max(a, low)
    if high == high:
        b = min(b, high)
    if isinstance(buckets, Explicit):
        if a == -inf:
            a = min(0.0, b)
        if b == inf and buckets.bounds:
            b = a
    return min(a, b), b, n


def _at(spans: Sequence[Span], rank: float, even: bool) -> float:
    for a, b, n in spans:
        if n >= rank:
            part = rank / n
            return a + (b - a) * part if even or a * b <= 0 else a * float((b / a) ** part)
        rank -= n
    return spans[-1][1]
