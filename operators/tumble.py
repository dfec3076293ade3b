"""The compiled part of windowing: every accepted point of a batch into its window of each length.

Open windows are rows of one table; those of a series and length are chained, newest first.  A window is *written* when
stamps pass its end and after each later point, *judged* once, and freed when no point can reach it any more.
"""

from __future__ import annotations

from math import sqrt

import numpy as np

from config.records import Bool, Float, Int, StateRows
from operators.checks import NEVER
from operators.kernel import NOUGHT, kernel
from operators.sketch import CLASSES, EXACT, collapse, count_in, give, quantile, take

FIELDS = ("count", "sum", "min", "max", "mean", "stddev", "first", "last", "p50", "p95", "p99", "rate", "revision")
WIDTH = len(FIELDS)
LARGEST = CLASSES - 1
ROOM = (8 << LARGEST) + 8  # words that one point may need, for each length

WINDOW = np.dtype(
    [
        ("start", "i8"),
        ("sum", "f8"),
        ("min", "f8"),
        ("max", "f8"),
        ("mean", "f8"),
        ("m2", "f8"),
        ("first_time", "i8"),
        ("first", "f8"),
        ("last_time", "i8"),
        ("last", "f8"),
        ("gain", "f8"),  # increases between readings
        ("seconds", "f8"),  # between them
        ("first_offset", "i8"),
        ("last_offset", "i8"),
        ("block", "i8"),
        ("count", "i8"),
        ("used", "i8"),  # words used in the block
        ("revision", "i8"),
        ("next", "i8"),  # the next older window of the series; -1: none
        ("size", "i1"),  # class of the block
        ("written", "i1"),
        ("judged", "i1"),
    ],
    align=True,
)

# What follows from a window's values as long as it holds them all, in the order in which they came.
DERIVED = ("sum", "min", "max", "mean", "m2")

# A series' row: its newest stamp and reading, and its place in the list of series by their last arrival.
TRACK = np.zeros(
    1,
    np.dtype(
        [("newest", "i8"), ("reading", "f8"), ("arrived", "i8"), ("before", "i8"), ("after", "i8"), ("listed", "i8")],
        align=True,
    ),
)
TRACK["newest"] = TRACK["arrived"] = NEVER
TRACK["before"] = TRACK["after"] = -1

# A series' row for each length: its newest window, and the newest that was judged.
CHAIN = np.zeros(1, np.dtype([("judged", "i8"), ("head", "i8")], align=True))
CHAIN["head"], CHAIN["judged"] = -1, NEVER


@kernel
def fill(w: StateRows, pool: Int, values: Float, scratch: Float, row: Float) -> None:
    """Write a window's fields to `row`, in the order of `FIELDS`."""
    n = w["count"]
    row[0], row[1], row[2], row[3] = n, w["sum"], w["min"], w["max"]
    row[4] = min(max(w["sum"] / n, w["min"]), w["max"])
    row[5] = sqrt(w["m2"] / (n - 1)) if n > 1 else 0.0
    row[6], row[7] = w["first"], w["last"]
    at, used = w["block"], w["used"]
    if n <= EXACT:
        for j in range(n):
            scratch[j] = values[at + j]
        scratch[:n].sort()
    words = pool[at : at + used]
    row[8] = quantile(words, scratch, used, n, w["min"], w["max"], 0.50)
    row[9] = quantile(words, scratch, used, n, w["min"], w["max"], 0.95)
    row[10] = quantile(words, scratch, used, n, w["min"], w["max"], 0.99)
    row[11] = w["gain"] / w["seconds"] if w["seconds"] > 0.0 else np.nan
    row[12] = w["revision"]


@kernel
def sum_up(w: StateRows, n: int, x: float) -> None:
    """Let the `DERIVED` fields of a window follow its `n`-th value."""
    w["sum"] += x
    w["min"], w["max"] = min(w["min"], x), max(w["max"], x)
    d = x - w["mean"]
    w["mean"] += d / n
    w["m2"] += d * (x - w["mean"])


@kernel
def clear(w: StateRows) -> None:
    """Set the `DERIVED` fields to those of no value."""
    w["sum"] = w["mean"] = w["m2"] = 0.0
    w["min"], w["max"] = np.inf, -np.inf


@kernel
def add(w: StateRows, pool: Int, values: Float, free: Int, t: int, x: float, offset: int) -> None:
    """Add a point to a window."""
    n = w["count"] + 1
    w["count"] = n
    sum_up(w, n, x)
    if t < w["first_time"]:
        w["first_time"], w["first"] = t, x
    if t >= w["last_time"]:
        w["last_time"], w["last"] = t, x
    w["first_offset"], w["last_offset"] = min(w["first_offset"], offset), max(w["last_offset"], offset)
    if n == EXACT + 1:
        at = w["block"]
        held = values[at : at + EXACT].copy()
        used = NOUGHT
        for j in range(EXACT):
            used = count_in(pool[at : at + (8 << w["size"])], used, held[j])
        w["used"] = used
    if w["used"] == 8 << w["size"]:
        if w["size"] == LARGEST:
            w["used"] = collapse(pool[w["block"] : w["block"] + w["used"]], w["used"])
        else:
            at = take(pool, free, w["size"] + 1)
            for j in range(w["used"]):
                pool[at + j] = pool[w["block"] + j]
            give(pool, free, w["block"], w["size"])
            w["block"] = at
            w["size"] += 1
    at = w["block"]
    if n <= EXACT:
        values[at + w["used"]] = x
        w["used"] += 1
    else:
        w["used"] = count_in(pool[at : at + (8 << w["size"])], w["used"], x)


@kernel
def emit(
    table: StateRows, i: int, pool: Int, values: Float, scratch: Float, slot: int, k: int, position: int,
    what: Int, rows: Float, count: int,
) -> int:  # fmt: skip
    """Put a window out to be written, not judged."""
    w = table[i]
    w["written"] = 1
    what[count, 0], what[count, 1], what[count, 2], what[count, 3] = slot, k, position, w["start"]
    what[count, 4], what[count, 5], what[count, 6] = 0, w["first_offset"], w["last_offset"]
    fill(w, pool, values, scratch, rows[count])
    return count + 1


@kernel
def unlist(tracks: StateRows, ends: Int, s: int) -> None:
    """Take a series out of the list; `ends` = first, last, then for each length the first that is not closed as quiet."""
    row = tracks[s]
    before, after = row["before"], row["after"]
    for k in range(len(ends)):
        if ends[k] == s and k != 1:
            ends[k] = after
    if ends[1] == s:
        ends[1] = before
    if before >= 0:
        tracks[before]["after"] = after
    if after >= 0:
        tracks[after]["before"] = before
    row["listed"] = 0


@kernel
def arrive(tracks: StateRows, ends: Int, s: int, newest: int) -> None:
    """Put a series at the end of the list: it has just been heard of, at this newest stamp of the shard."""
    row = tracks[s]
    row["arrived"] = newest
    last = ends[1]
    if last == s:
        for k in range(2, len(ends)):
            if ends[k] < 0:
                ends[k] = s
        return
    if row["listed"]:
        unlist(tracks, ends, s)
    row["before"], row["after"], row["listed"] = last, -1, 1
    if last >= 0:
        tracks[last]["after"] = s
    else:
        ends[0] = s
    ends[1] = s
    for k in range(2, len(ends)):
        if ends[k] < 0:
            ends[k] = s


@kernel
def close(
    table: StateRows, pool: Int, values: Float, scratch: Float, chain: StateRows, s: int, k: int, until: int, position: int,
    what: Int, rows: Float, count: int,
) -> int:  # fmt: skip
    """Judge the series' windows that end by `until`, oldest first."""
    while True:
        oldest = -1
        i = chain["head"]
        while i >= 0:
            w = table[i]
            if not w["judged"] and w["start"] > chain["judged"] and w["start"] <= until:
                oldest = i
            i = w["next"]
        if oldest < 0:
            return count
        table[oldest]["judged"] = 1
        chain["judged"] = table[oldest]["start"]
        count = emit(table, oldest, pool, values, scratch, s, k, position, what, rows, count)
        what[count - 1, 4] = 1


@kernel
def release(table: StateRows, pool: Int, free: Int, spare: Int, chain: StateRows, before: int) -> None:
    """Free the windows that start before `before`."""
    previous, i = -1, chain["head"]
    while i >= 0:
        following = table[i]["next"]
        if table[i]["start"] < before:
            if previous >= 0:
                table[previous]["next"] = following
            else:
                chain["head"] = following
            give(pool, free, table[i]["block"], table[i]["size"])
            table[i]["next"] = spare[0]
            table[i]["count"] = 0
            spare[0] = i
        else:
            previous = i
        i = following


@kernel
def find(table: StateRows, pool: Int, free: Int, spare: Int, chain: StateRows, start: int) -> int:
    """Return the window that begins at `start`, a new one in its place in the chain if need be."""
    previous, i = -1, chain["head"]
    while i >= 0 and table[i]["start"] > start:
        previous, i = i, table[i]["next"]
    if i >= 0 and table[i]["start"] == start:
        return i
    new = spare[0]
    if new >= 0:
        spare[0] = table[new]["next"]
    else:
        new = spare[1]
        spare[1] += 1
    w = table[new]
    w["start"], w["next"], w["count"], w["used"], w["revision"] = start, i, 0, 0, 0
    w["gain"] = w["seconds"] = 0.0
    clear(w)
    w["first_time"], w["last_time"] = np.iinfo(np.int64).max, NEVER
    w["first_offset"], w["last_offset"] = np.iinfo(np.int64).max, -1
    w["written"] = w["judged"] = w["size"] = 0
    w["block"] = take(pool, free, NOUGHT)
    if previous >= 0:
        table[previous]["next"] = new
    else:
        chain["head"] = new
    return new


@kernel
def tumble(  # noqa: C901 - one pass, and every branch is a rule
    begin: int,
    columns: tuple[Int, Int, Float, Int, Bool],
    lengths: Int,
    lateness: int,
    series: tuple[StateRows, StateRows, Int, Int],
    store: tuple[StateRows, Int, Float, Int, Int],
    out: tuple[Int, Float, Float],
) -> tuple[int, int]:
    """Add points from `begin` on, until the end or until `out` or `store` lacks room; return (next, rows out).

    `columns` = slot, time, value, offset, counter of each point; `lengths` in ns, ascending;
    `series` = tracks, chains (length, slot), `ends` of the list (see `unlist`), [newest of the shard];
    `store` = table, pool as words and as values, free blocks, [spare row, rows used];
    `out` = what (m, 7): slot, length, position, start, judged, first and last offset; rows (m, WIDTH); scratch (EXACT,).
    """
    slots, time, value, offset, counter = columns
    tracks, chains, ends, shard = series
    table, pool, values, free, spare = store
    what, rows, scratch = out
    count, deepest = NOUGHT, lateness // lengths[0] + 4
    for p in range(begin, len(slots)):
        if len(pool) - free[CLASSES] < ROOM * len(lengths) or len(table) - spare[1] < len(lengths):
            return p, count
        s, t, x = slots[p], time[p], value[p]
        track = tracks[s]
        shard[0] = max(shard[0], t)
        arrive(tracks, ends, s, shard[0])
        for k in range(len(lengths)):
            while tracks[ends[k + 2]]["arrived"] + lengths[k] <= shard[0]:  # never true of `s` itself, the last
                if count + deepest > len(what):
                    return p, count
                quiet, until = ends[k + 2], shard[0] - lengths[k]
                count = close(table, pool, values, scratch, chains[k, quiet], quiet, k, until, p, what, rows, count)
                ends[k + 2] = tracks[quiet]["after"]
        if count + (deepest + 1) * len(lengths) > len(what):
            return p, count
        gain, gap = 0.0, 0.0
        if t > track["newest"]:
            if counter[p] and track["newest"] != NEVER:
                gain = x - track["reading"] if x >= track["reading"] else x
                gap = (t - track["newest"]) * 1e-9
            track["reading"], track["newest"] = x, t
        for k in range(len(lengths)):
            length, chain = lengths[k], chains[k, s]
            i = chain["head"]
            start = table[i]["start"] if i >= 0 else NEVER
            if i < 0 or t < start or t - start >= length:
                start = t - t % length
                if t == track["newest"]:
                    count = close(table, pool, values, scratch, chain, s, k, t - length, p, what, rows, count)
                    release(table, pool, free, spare, chain, t - lateness - length + 1)
                i = find(table, pool, free, spare, chain, start)
            w = table[i]
            add(w, pool, values, free, t, x, offset[p])
            w["gain"] += gain
            w["seconds"] += gap
            passed = track["newest"] >= start + length
            w["revision"] += passed
            if passed or w["written"]:
                count = emit(table, i, pool, values, scratch, s, k, p, what, rows, count)
    return len(slots), count


@kernel
def tumble_quiet(
    begin: int, reach: int, lengths: Int, chains: StateRows, store: tuple[StateRows, Int, Float, Int, Int],
    out: tuple[Int, Float, Float],
) -> tuple[int, int]:  # fmt: skip
    """Put out, unjudged, each unwritten window that ends by `reach`, of series from `begin` on; return (next, rows out)."""
    table, pool, values = store[0], store[1], store[2]
    what, rows, scratch = out
    count = NOUGHT
    for s in range(begin, chains.shape[1]):
        for k in range(len(lengths)):
            i = chains[k, s]["head"]
            while i >= 0:
                w = table[i]
                if not w["written"] and w["start"] + lengths[k] <= reach:
                    if count == len(what):
                        return s, count
                    count = emit(table, i, pool, values, scratch, s, k, NOUGHT, what, rows, count)
                i = w["next"]
    return chains.shape[1], count


@kernel
def forget(
    slots: Int, tracks: StateRows, chains: StateRows, ends: Int, store: tuple[StateRows, Int, Float, Int, Int],
    track: StateRows, chain: StateRows,
) -> None:  # fmt: skip
    """Start the rows of `slots` afresh."""
    table, pool, free, spare = store[0], store[1], store[3], store[4]
    for s in slots:
        if tracks[s]["listed"]:
            unlist(tracks, ends, s)
        for k in range(chains.shape[0]):
            release(table, pool, free, spare, chains[k, s], np.iinfo(np.int64).max)
            chains[k, s] = chain[0]
        tracks[s] = track[0]


@kernel
def gather(table: StateRows, rows: int, pool: Int, words: Int) -> int:
    """Copy what the pool holds of the open windows, one after the other; return how many words."""
    end = 0
    for i in range(rows):
        w = table[i]
        if w["count"] > 0:
            for j in range(w["used"]):
                words[end + j] = pool[w["block"] + j]
            end += w["used"]
    return end


@kernel
def scatter(table: StateRows, rows: int, words: Int, pool: Int, values: Float, free: Int) -> None:
    """Give each open window a block again, put its words back, and derive what follows from them: undoes `gather`, in an empty pool."""
    end = 0
    for i in range(rows):
        w = table[i]
        if w["count"] > 0:
            w["block"] = take(pool, free, w["size"])
            for j in range(w["used"]):
                pool[w["block"] + j] = words[end + j]
            end += w["used"]
            if w["count"] <= EXACT:
                clear(w)
                for j in range(w["count"]):
                    sum_up(w, j + 1, values[w["block"] + j])
