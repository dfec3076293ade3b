"""Quantiles of many windows in one pool of words: exact to 64 values, a relative-error sketch beyond.

A window's block is a run of 8-byte words in the pool.  Up to `EXACT` values it holds them as they are; beyond, it holds the
sorted bins of a DDSketch: the bin's number in the upper 32 bits, its count in the lower.  Blocks come in sizes 8, 16, 32 …
words, and freed ones are kept in a list a size.

References
----------
.. [1] Masson, Rim, Lee (2019), "DDSketch: a fast and fully-mergeable quantile sketch with relative-error guarantees",
   PVLDB 12(12), section 2, doi:10.14778/3352063.3352135.  Departure: quantiles are interpolated between neighbouring
   order statistics as NumPy's are.
"""

from __future__ import annotations

from math import ceil, exp, log

from config.records import Float, Int
from operators.kernel import kernel

EXACT = 64
CLASSES = 10  # 8 … 4096 words
ACCURACY = 0.005
SPREAD = log((1 + ACCURACY) / (1 - ACCURACY))
ORIGIN = 75_000  # beyond the bin of the smallest float64, so that positive numbers have positive bins
TINY = 1e-300


@kernel
def take(pool: Int, free: Int, size: int) -> int:
    """Return the start of a block of class `size`; `free[CLASSES]` is the end of the used pool (there must be room)."""
    at = int(free[size])
    if at >= 0:
        free[size] = pool[at]
        return at
    at = int(free[CLASSES])
    free[CLASSES] += 8 << size
    return at


@kernel
def give(pool: Int, free: Int, at: int, size: int) -> None:
    """Free a block."""
    pool[at] = free[size]
    free[size] = at


@kernel
def bin_of(x: float) -> int:
    """Return the bin of a value; bins rise with values."""
    if abs(x) < TINY:
        return 0
    k = ceil(log(abs(x)) / SPREAD) + ORIGIN * 2
    return k if x > 0 else -k


@kernel
def value_of(k: int) -> float:
    """Return the middle of a bin, within `ACCURACY` of every value in it."""
    if k == 0:
        return 0.0
    x = 2.0 * exp((abs(k) - ORIGIN * 2) * SPREAD) / (1.0 + exp(SPREAD))
    return x if k > 0 else -x


@kernel
def count_in(words: Int, used: int, x: float) -> int:
    """Count a value in its bin of the sorted `words`; return how many are used."""
    k = bin_of(x)
    low, high = 0, used
    while low < high:
        middle = (low + high) >> 1
        if words[middle] >> 32 < k:
            low = middle + 1
        else:
            high = middle
    if low < used and words[low] >> 32 == k:
        words[low] += 1
        return used
    for j in range(used, low, -1):
        words[j] = words[j - 1]
    words[low] = (k << 32) + 1
    return used + 1


@kernel
def collapse(words: Int, used: int) -> int:
    """Join the two lowest bins, when a sketch may not grow further: the lowest quantiles lose accuracy."""
    words[1] += words[0] & 0xFFFFFFFF
    for j in range(1, used):
        words[j - 1] = words[j]
    return used - 1


@kernel
def order_statistic(words: Int, used: int, rank: int) -> float:
    """Return about the value of this rank (from 0) in a sketch."""
    seen = 0
    for j in range(used):
        seen += words[j] & 0xFFFFFFFF
        if seen > rank:
            return value_of(words[j] >> 32)
    return value_of(words[used - 1] >> 32)


@kernel
def quantile(words: Int, values: Float, used: int, count: int, low: float, high: float, q: float) -> float:
    """Return a quantile, interpolated linearly; `values` are sorted while `count` ≤ EXACT, else `words` hold bins."""
    place = q * (count - 1)
    k = int(place)
    if count <= EXACT:
        a = values[k]
        b = values[min(k + 1, count - 1)]
    else:
        a = min(max(order_statistic(words, used, k), low), high)
        b = min(max(order_statistic(words, used, min(k + 1, count - 1)), low), high)
    return a + (place - k) * (b - a)
