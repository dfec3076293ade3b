"""The compiled part of validation: every point of a batch, in order, against its series' row.

A row knows the newest stamp of its series, the stamps and values accepted last (sorted by stamp, a ring), the reading that a
counter's rate is reckoned from, the interval learnt from its stamps and how silent it is.
"""

from __future__ import annotations

import numpy as np

from config.records import RETURNED, SECOND, Bool, Float, Int, StateRows
from operators.kernel import NOUGHT, kernel
from operators.sessions import Sessions, reached, traded

ACCEPTED, NOT_FINITE, OUT_OF_RANGE, TOO_OLD, FUTURE, CARDINALITY, LATE, CONFLICT, DUPLICATE = range(9)

NEVER = np.iinfo(np.int64).min
PAUSE = 300 * SECOND

ROW = np.zeros(
    1,
    [
        ("newest", "i8"),  # ns; NEVER before the first point
        ("arrived", "i8"),  # the shard's newest stamp when the last point arrived
        ("paused", "i8"),  # how long the whole shard had paused by then
        ("interval", "f8"),  # ns between points, learnt; 0 before the second
        ("reading", "f8"),  # last forward reading
        ("counter", "i4"),
        ("silent", "i4"),  # how many of the silences are reached; -1: ended by a stale marker
        ("known", "i4"),  # stamps remembered
        ("head", "i4"),  # place of the oldest of them
        ("producer", "i4"),
    ],
)
ROW["newest"] = NEVER


@kernel
def learn_interval(interval: float, gap: float) -> float:
    """Follow the usual gap between stamps: quickly down, slowly up, so that missing points do not widen it."""
    if interval == 0.0:
        return gap
    if gap > 1.5 * interval:
        return interval * 1.02
    if gap * 1.5 < interval:
        return 0.7 * interval + 0.3 * gap
    return interval + 0.1 * (gap - interval)


@kernel
def remember(row: StateRows, stamps: Int, values: Float, t: int, x: float, each: bool) -> int:
    """Put a point into its series' memory; say whether it is new, a duplicate, in conflict, or too old to tell."""
    size = len(stamps)
    n, head = row["known"], row["head"]
    k = n  # how many of the remembered are older than t
    while k > 0 and stamps[(head + k - 1) % size] > t:
        k -= 1
    if not each:
        if k > 0 and stamps[(head + k - 1) % size] == t:
            return DUPLICATE if values[(head + k - 1) % size] == x else CONFLICT
        if n == size and k == 0:
            return LATE
    if n == size:  # the oldest makes room
        if k == 0:
            return ACCEPTED
        row["head"] = head = (head + 1) % size
        k -= 1
    else:
        row["known"] = n + 1
        n += 1
    at = n - 1
    while at > k:
        stamps[(head + at) % size] = stamps[(head + at - 1) % size]
        values[(head + at) % size] = values[(head + at - 1) % size]
        at -= 1
    stamps[(head + k) % size] = t
    values[(head + k) % size] = x
    return ACCEPTED


@kernel
def expiry(row: StateRows, silences: Int, paused: int) -> int:
    """Return the shard's stamp at which the series' next silence begins.

    The first silence (no more data) is reckoned in plain stamps.  The later ones (absence, for alerts of its own) leave out pauses of the
    whole shard, or an outage of the platform would be an alert for each of its series.
    """
    pause = paused - row["paused"] if row["silent"] > 0 else 0
    return row["arrived"] + pause + max(np.int64(5.0 * row["interval"]), silences[row["silent"]])


@kernel
def put_off(due: int, since: int, calendar: int, sessions: Sessions) -> int:
    """Return what was due at `due`, put off by as long as the exchange is closed from `since` on."""
    return reached(sessions, calendar, traded(sessions, calendar, since) + due - since)


@kernel
def pause(shard: Int, t: int, sessions: Sessions) -> None:
    """Count what the step of the shard's newest stamp to `t` exceeds 5 minutes by as a pause of all, in the time of each calendar."""
    for c in range(len(shard) - 2):
        step = traded(sessions, c, t) - traded(sessions, c, shard[0])
        shard[2 + c] += max(step - PAUSE, 0)


@kernel
def fall_silent(
    rows: StateRows, shard: Int, silences: Int, position: int, news: Int, count: int, exchange: tuple[Int, Sessions]
) -> int:
    """Note every series whose silence has begun by the shard's newest stamp; `shard` = [newest, next expiry, pauses by calendar]."""
    calendar, sessions = exchange
    soonest = np.iinfo(np.int64).max
    for s in range(len(rows)):
        row = rows[s]
        if row["newest"] == NEVER or row["silent"] < 0:
            continue
        c = calendar[s]
        while row["silent"] < len(silences):
            due = expiry(row, silences, shard[2 + c])
            if c > 0:  # asked here: handing sessions on costs more than all the rest
                due = put_off(due, row["arrived"], c, sessions)
            if due > shard[0]:
                soonest = min(soonest, due)
                break
            if count == len(news):
                return count
            news[count, 0], news[count, 1] = position, s
            news[count, 2], news[count, 3] = silences[row["silent"]], shard[0]
            row["silent"] += 1
            count += 1
    shard[1] = soonest
    return count


@kernel
def judge(slot: int, x: float, t: int, received: int, low: float, high: float, future: int) -> int:
    """Return the verdict of the checks that need no memory, in their order."""
    if not np.isfinite(x):
        return NOT_FINITE
    if x < low or x > high:
        return OUT_OF_RANGE
    if t < 0:
        return TOO_OLD
    if t > received + future:
        return FUTURE
    return CARDINALITY if slot < 0 else ACCEPTED


@kernel
def move(row: StateRows, t: int, x: float, each: bool, gap: int) -> tuple[bool, float]:
    """Move a series on to an accepted point, `gap` ns of trading behind; return whether it is forward, and what detectors see of it."""
    newest = row["newest"]
    if newest != NEVER and t <= newest:
        forward = t == newest and each and not row["counter"]
        return forward, x if forward else np.nan
    rate = x
    if row["counter"]:
        rate = np.nan
        if newest != NEVER:
            rate = (x - row["reading"] if x >= row["reading"] else x) / ((t - newest) * 1e-9)
    if newest != NEVER and gap > 0:
        row["interval"] = learn_interval(row["interval"], float(gap))
    row["reading"], row["newest"] = x, t
    return True, rate


@kernel
def check(
    start: int,
    stop: int,
    accepted: int,
    columns: tuple[Int, Int, Float, Int, Int, Int],
    limits: tuple[Float, Float, Bool, Bool],
    state: tuple[StateRows, Int, Float, Int, tuple[Int, Sessions]],
    times: tuple[int, int],
    silences: Int,
    out: tuple[Int, Bool, Float, Int],
) -> tuple[int, int, int]:
    """Check points from `start` to `stop` or until `news` is full; return (next, accepted, count of news).

    `columns` = codes, slots, value, time, received and producer of each point; `limits` = by code: lowest, highest, counter, each;
    `state` = rows, stamps, values, [newest of the shard, next expiry, pauses by calendar], (calendar of each
    row, sessions); `times` = lateness, future in ns;
    `out` = verdict, forward, rate (each (n,)) and news (k, 4): position, slot, seconds, time.
    """
    codes, slots, value, time, received, producer = columns
    low, high, counter, each = limits
    rows, stamps, values, shard, exchange = state
    calendar, sessions = exchange
    verdict, forward, rate, news = out
    count = NOUGHT
    for i in range(start, stop):
        s, c, t, x = slots[i], codes[i], time[i], value[i]
        v = judge(s, x, t, received[i], low[c], high[c], times[1])
        if v == ACCEPTED:
            row = rows[s]
            newest = row["newest"]
            # all news of a point must fit before it is touched
            if count + len(silences) + 1 > len(news):
                return i, accepted, count
            if newest == NEVER or t > newest:  # only such a point can move the shard on, and it will be accepted
                if shard[0] != NEVER and t - shard[0] > PAUSE:
                    pause(shard, t, sessions)
                shard[0] = max(shard[0], t)
                if shard[0] >= shard[1]:
                    count = fall_silent(rows, shard, silences, accepted, news, count, exchange)
                    if count + 1 > len(news):
                        return i, accepted, count
            late = newest != NEVER and t < newest - times[0]
            v = LATE if late else remember(row, stamps[s], values[s], t, x, each[c])
            if v == ACCEPTED:
                if counter[c]:
                    row["counter"] = 1
                e = calendar[s]
                gap = t - newest if newest != NEVER else 0
                if e > 0 and gap > 0:
                    gap = traded(sessions, e, t) - traded(sessions, e, newest)
                forward[i], rate[i] = move(row, t, x, each[c], gap)
                if row["silent"] != 0:
                    news[count, 0], news[count, 1], news[count, 2], news[count, 3] = accepted, s, RETURNED, shard[0]
                    count += 1
                    row["silent"] = 0
                row["arrived"], row["paused"], row["producer"] = shard[0], shard[2 + e], producer[i]
                due = expiry(row, silences, shard[2 + e])
                shard[1] = min(shard[1], put_off(due, row["arrived"], e, sessions) if e > 0 else due)
                accepted += 1
        verdict[i] = v
    return stop, accepted, count
