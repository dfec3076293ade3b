"""The one order in which news of silences and the items of a step happened."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from config.records import ENDED, RETURNED, Int, Scored, Silences
from operators.kernel import kernel


def order(step: str, scored: Scored, time: Int, now: int) -> tuple[Int, Int]:
    """Put news and items of a batch into the one order that there was.

    A silence by the shard's stamps comes before the point that moved these on, but after the windows that the same point closed: their ends
    lie before it.  A series that returned with that very point was silent before its windows closed.

    Returns
    -------
    tuple
        Rank of each piece of news, then of each item; and the shard's newest stamp at each rank.
    """
    news = scored.silences
    phase = np.zeros(len(news), np.int64)
    if step != "points" and len(news):
        back = {(p, s) for p, s, x in _entries(news) if x == RETURNED}
        phase[[k for k, (p, s, x) in enumerate(_entries(news)) if x > ENDED and (p, s) not in back]] = 2
    place = np.concatenate([news.position * 3 + phase, scored.position * 3 + 1])
    at = np.argsort(place, kind="stable")
    rank = np.empty(len(place), np.int64)
    rank[at] = np.arange(len(place))
    return rank, np.maximum(np.maximum.accumulate(np.concatenate([news.time, time])[at]), now)


def _entries(news: Silences) -> Iterator[tuple[int, int, int]]:
    return zip(news.position.tolist(), news.codes.tolist(), news.seconds.tolist(), strict=True)


@kernel
def rest(places: Int, codes: Int, offsets: Int, at: Int, slots: Int, newest: Int, out: Int) -> None:
    """Write into `out` the offset of each slot's newest point before its place; keep `newest` (by slot) up to date.

    Parameters
    ----------
    places, codes, offsets
        Shape (n,): points, in order.
    at, slots, out
        Shape (k,): in order of `at`; a point at the same place comes after.
    """
    i = 0
    for k in range(len(slots)):
        while i < len(codes) and places[i] < at[k]:
            newest[codes[i]] = offsets[i]
            i += 1
        out[k] = newest[slots[k]]
    while i < len(codes):
        newest[codes[i]] = offsets[i]
        i += 1
