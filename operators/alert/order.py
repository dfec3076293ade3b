"""The one order in which news of silences and the items of a step happened."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from config.records import ENDED, RETURNED, Int, Scored, Silences
from operators.kernel import kernel


def order(step: str, scored: Scored, time: Int, now: int) -> tuple[Int, Int]:
    """Put news and items of a batch into the one order that there was.

    News at position p come before the point of index p.  That point's own item stands at p + 1, the windows that it closes at p.  A silence
    by the shard's stamps comes after the windows that the same point closed, whose ends lie before it; what a message before that point
    said, and the silence of a series that returned with it, come before them.

    Returns
    -------
    tuple
        Rank of each piece of news, then of each item; and the shard's newest stamp at each rank.
    """
    news = scored.silences
    phase = np.full(len(news), 2)
    if step != "points" and len(news):
        back = {(p, s) for p, s, x in _entries(news) if x == RETURNED}
        phase[[k for k, (p, s, x) in enumerate(_entries(news)) if x <= ENDED or (p, s) in back]] = 0
    place = np.concatenate([news.position * 3 + phase, scored.position * 3 + 1])
    at = np.argsort(place, kind="stable")
    rank = np.empty(len(place), np.int64)
    rank[at] = np.arange(len(place))
    return rank, np.maximum(np.maximum.accumulate(np.concatenate([news.time, time])[at]), now)


def _entries(news: Silences) -> Iterator[tuple[int, int, int]]:
    return zip(news.position.tolist(), news.codes.tolist(), news.seconds.tolist(), strict=True)


@kernel
def rest(places: Int, codes: Int, offsets: Int, at: Int, slots: Int, newest: Int, out: Int) -> None:
    """Write into `out` the offset of each slot's newest point up to its place; keep `newest` (by slot) up to date.

    Parameters
    ----------
    places, codes, offsets
        Shape (n,): points, in order.
    at, slots, out
        Shape (k,): in order of `at`; a point at the same place comes before.
    """
    i = 0
    for k in range(len(slots)):
        while i < len(codes) and places[i] <= at[k]:
            newest[codes[i]] = offsets[i]
            i += 1
        out[k] = newest[slots[k]]
    while i < len(codes):
        newest[codes[i]] = offsets[i]
        i += 1
