"""Validate: which points can be believed, in which order their series stand, and which series have fallen silent."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from typing import Any, NamedTuple

import bytewax.operators as op
import numpy as np
from bytewax.dataflow import operator
from bytewax.operators import KeyedStream, StatefulBatchLogic

from config.packing import SnapshotError, pack, restored
from config.records import (
    ENDED,
    NOTHING,
    SECOND,
    Bool,
    Checked,
    Decoded,
    Event,
    Float,
    Int,
    MetricBatch,
    Reject,
    Row,
    Series,
    Silences,
    StateRows,
)
from config.telemetry import POINTS, READY, REJECTS
from operators import checks
from operators.census import Census
from operators.lane import Lane
from operators.policy import Codes, Policy
from operators.quality import MINUTE, Quality
from operators.sessions import CLOSED, phase

CODES = {
    checks.NOT_FINITE: ("not-finite", "{n} of its points are NaN or infinite"),
    checks.OUT_OF_RANGE: ("out-of-range", "{n} of its points lie outside the range set for their metric"),
    checks.TOO_OLD: ("too-old", "{n} of its points have a stamp before 1970"),
    checks.FUTURE: ("future", "{n} of its points are stamped later than the record's time and max_future allow"),
    checks.CARDINALITY: ("cardinality", "{n} of its points are of new series, and limits.series is reached"),
    checks.LATE: (
        "late",
        "{n} of its points are older than allowed_lateness, or than all stamps their series remembers",
    ),
    checks.CONFLICT: ("conflict", "{n} of its points have another value than the first one with their stamp"),
}
EVICT_AFTER = 86400 * SECOND


class Validated(NamedTuple):
    """What became of one poll."""

    checked: Checked
    rejects: list[Reject]
    events: list[Event]
    rows: list[Row]
    verdict: Int


class Validate:
    """The checks of one shard.

    Parameters
    ----------
    policy
        Limits in time and value.
    lane
        Shared by all shards of the process.
    snapshot
        What `snapshot` returned, to go on from there.

    Examples
    --------
    >>> from config.records import Poll
    >>> policy = Policy(60 * SECOND, 300 * SECOND, 64, {"*": "first"}, {}, (300,))
    >>> rows = [("a x", 100, 1.0), ("a x", 100, 1.0), ("a x", 100, 2.0), ("a x", 90, 3.0)]
    >>> out = Validate(policy, Lane(9)).update(decoded(MetricBatch.of(rows, seconds=True), stamp=100 * SECOND))
    >>> out.checked.points.value.tolist(), out.checked.forward.tolist(), [r.code for r in out.rejects]
    ([1.0, 3.0], [True, False], ['conflict'])
    """

    VERSION = "validate-1"

    def __init__(self, policy: Policy, lane: Lane, snapshot: tuple[Any, ...] | None = None) -> None:
        self.shard, self.policy, self.lane = "", policy, lane
        self.silences = np.array(policy.silences, np.int64) * SECOND
        self.roster = Series()
        self.free: list[int] = []
        self.rows: StateRows = checks.ROW[:0].copy()
        self.stamps: Int = np.empty((0, policy.remember), np.int64)
        self.values: Float = np.empty((0, policy.remember))
        self.calendar: Int = np.empty(0, np.int64)  # of each row's series, by its name
        self.clock = np.array([checks.NEVER, np.iinfo(np.int64).max, 0, *(0 for _ in policy.exchanges.codes)], np.int64)
        self.quality = Quality()
        if snapshot is not None:
            self._restore(snapshot)
        self.codes = Codes(Series())

    def update(self, decoded: Decoded) -> Validated:
        """Check every point of a poll, in order."""
        b = decoded.points
        self.shard = b.poll.shard
        if not len(b.poll):
            nothing = MetricBatch(b.poll, self.roster, NOTHING, NOTHING, np.empty(0), NOTHING)
            idle = Checked(nothing, np.empty(0, np.bool_), nothing.value, NOTHING, Silences.none(), b.poll.idle)
            return Validated(idle, [], [], self.quality.idle(b.poll, self._awake(), decoded.producers), NOTHING)
        slots, fresh, events = self._slots(b, decoded.ended[:, 0])
        n = len(b)
        verdict, forward, rate = np.zeros(n, np.int64), np.zeros(n, np.bool_), np.full(n, np.nan)
        news, rows = self._check(decoded, slots, verdict, forward, rate)
        ok = verdict == checks.ACCEPTED
        points = MetricBatch(b.poll, self.roster, slots, b.time, b.value, b.message)
        rejects = decoded.rejects
        if not ok.all():
            points, forward, rate = points.where(ok), forward[ok], rate[ok]
            rejects = sorted([*rejects, *self._rejects(b, verdict)], key=lambda r: r.message)
        return Validated(Checked(points, forward, rate, fresh, _silences(news)), rejects, events, rows, verdict)

    def snapshot(self) -> tuple[Any, ...]:
        """Return everything learnt, as immutable bytes; free rows stand as empty names."""
        n = len(self.roster)
        names = tuple("" if name.startswith("\0") else name for name in self.roster.names)
        arrays = (self.rows[:n].tobytes(), self.stamps[:n].tobytes(), self.values[:n].tobytes())
        setup = (self.policy.remember, self.silences.tobytes(), sorted(self.policy.exchanges.pattern.items()))
        return (
            self.VERSION,
            self.shard,
            setup,
            names,
            tuple(self.free),
            *arrays,
            self.clock.tobytes(),
            self.quality.snapshot(),
        )

    def _restore(self, snapshot: tuple[Any, ...]) -> None:
        version, self.shard, setup, names, free, rows, stamps, values, clock, quality = snapshot
        if version != self.VERSION:
            raise SnapshotError(
                f"snapshot {version} of {self.shard} is not {self.VERSION}: start with an empty recovery store"
            )
        self.free = list(free)
        self.rows = np.frombuffer(rows, checks.ROW.dtype).copy()
        for slot, name in enumerate(names):
            self.roster.code(name or f"\0{slot}")
            self.roster.counter[slot] = bool(self.rows["counter"][slot])
            if name:
                self.lane.take(name, self.shard)
        remember = setup[0]
        self.stamps = np.frombuffer(stamps, np.int64).reshape(-1, remember).copy()
        self.values = np.frombuffer(values, np.float64).reshape(-1, remember).copy()
        self.clock = np.frombuffer(clock, np.int64).copy()
        self.quality = Quality(quality)
        if remember != self.policy.remember:
            self._resize(remember)
        if setup[1] != self.silences.tobytes():  # rules changed: what was reached is reckoned anew
            self.rows["silent"] = np.minimum(self.rows["silent"], 0)
            self.clock[1] = checks.NEVER
        self._recall(dict(setup[2]) if len(setup) > 2 else {})

    def _recall(self, pattern: dict[str, str]) -> None:
        """Give every series its calendar; where those have changed, pauses are reckoned anew."""
        exchanges = self.policy.exchanges
        self.calendar = np.zeros(len(self.rows), np.int64)
        self.calendar[: len(self.roster)] = exchanges.numbers(self.roster.names)
        if pattern != dict(exchanges.pattern):
            self.clock = np.append(self.clock[:2], np.zeros(1 + len(exchanges.codes), np.int64))
            self.rows["paused"] = 0
            self.clock[1] = checks.NEVER

    def _resize(self, old: int) -> None:
        """Keep the newest stamps when `time.remember` changed."""
        new = self.policy.remember
        keep = np.minimum(self.rows["known"], min(old, new))
        stamps, values = np.zeros((len(self.rows), new), np.int64), np.zeros((len(self.rows), new))
        for s, k in enumerate(keep.tolist()):
            at = (self.rows["head"][s] + self.rows["known"][s] - k + np.arange(k)) % old
            stamps[s, :k], values[s, :k] = self.stamps[s, at], self.values[s, at]
        self.rows["known"], self.rows["head"] = keep, 0
        self.stamps, self.values = stamps, values

    def _check(
        self, decoded: Decoded, slots: Int, verdict: Int, forward: Bool, rate: Float
    ) -> tuple[list[Int], list[Row]]:
        """Check minute by minute of the records' time, so that quality knows the state at the end of each."""
        b, k = decoded.points, self.codes
        columns = (b.codes, slots, b.value, b.time, b.poll.received[b.message], decoded.producer[b.message])
        out = (verdict, forward, rate, np.empty((256, 4), np.int64))
        minutes = b.poll.stamps // MINUTE
        cuts = [0, *(np.flatnonzero(np.diff(minutes)) + 1).tolist(), len(b.poll)]
        news: list[Int] = []
        rows: list[Row] = []
        accepted = i = 0
        for first, stop in pairwise(cuts):
            rows += self.quality.turn(b.poll, first, self._awake(), decoded.producers)
            begin = i
            for code, message in [
                *decoded.ended[(decoded.ended[:, 1] >= first) & (decoded.ended[:, 1] < stop)].tolist(),
                (-1, stop - 1),
            ]:
                end = int(np.searchsorted(b.message, message, "right"))
                i, accepted = self._run(i, end, accepted, columns, out, news)
                slot = k.slots[code] if code >= 0 else -1
                if slot >= 0 and self.rows["silent"][slot] >= 0:
                    self.rows["silent"][slot] = -1
                    news.append(np.array([[accepted, slot, ENDED, self.clock[0]]], np.int64))
            self.quality.count(decoded, slice(first, stop), slice(begin, i), verdict, forward)
        return news, rows

    def _awake(self) -> StateRows:
        """Return the rows of series whose exchange is open, which are to be expected."""
        rows, calendar = self.rows[: len(self.roster)], self.calendar[: len(self.roster)]
        if not calendar.any():
            return rows
        now, sessions = int(self.clock[0]), self.policy.exchanges.sessions
        shut = [c for c in np.unique(calendar).tolist() if c and phase(sessions, c, now) == CLOSED]
        return rows[~np.isin(calendar, shut)]

    def _run(self, i: int, end: int, accepted: int, columns: Any, out: Any, news: list[Int]) -> tuple[int, int]:
        k, p = self.codes, self.policy
        limits = (k.low, k.high, k.counter, k.each)
        state = (self.rows, self.stamps, self.values, self.clock, (self.calendar, p.exchanges.sessions))
        while i < end:
            i, accepted, count = checks.check(
                i, end, accepted, columns, limits, state, (p.lateness, p.future), self.silences, out
            )
            if count:
                news.append(out[3][:count].copy())
        return i, accepted

    def _slots(self, b: MetricBatch, ended: Int) -> tuple[Int, Int, list[Event]]:
        """Return each point's slot (-1: none may be had), the slots first used now, and what is to be said of them."""
        if self.codes.series is not b.series:
            self.codes = Codes(b.series)
        k = self.codes
        k.learn(self.policy, self.roster, np.append(b.codes, ended))
        slots = k.slots[b.codes]
        if slots.min(initial=0) >= 0:
            return slots, np.empty(0, np.int64), []
        events, fresh = [], []
        for i in np.flatnonzero(slots < 0).tolist():
            c = int(b.codes[i])
            if self.codes.slots[c] < 0 and self._passes(b, i, c):
                slot, event = self._admit(b.series.names[c], int(b.time[i]))
                events += event
                if slot >= 0:
                    fresh.append(slot)
                    self.codes.share(b.series.names[c], slot, self.roster)
        return self.codes.slots[b.codes], np.array(fresh, np.int64), events

    def _passes(self, b: MetricBatch, i: int, c: int) -> bool:
        k, received = self.codes, int(b.poll.received[b.message[i]])
        verdict = checks.judge(0, b.value[i], b.time[i], received, k.low[c], k.high[c], self.policy.future)
        return bool(verdict == checks.ACCEPTED)

    def _admit(self, name: str, time: int) -> tuple[int, list[Event]]:
        """Give a series a slot, a free one if there is any."""
        home = self.lane.split(name, self.shard)
        events = []
        if home:
            text = f"also in {home}: key its messages by series or host, or list its topic in topics.rekey"
            events.append(Event("series-split", time, name, f"{self.shard}: {text}"))
        if not self.lane.take(name, self.shard):
            self._evict()
            if not self.lane.take(name, self.shard):
                return -1, events
        if self.free:
            slot = self.free.pop()
            del self.roster.numbers[self.roster.names[slot], False]
            self.roster.names[slot], self.roster.counter[slot] = name, False
            self.roster.numbers[name, False] = slot
        else:
            slot = self.roster.code(name)
            if slot >= len(self.rows):
                more = max(64, slot)
                self.rows = np.append(self.rows, np.repeat(checks.ROW, more))
                self.stamps = np.append(self.stamps, np.zeros((more, self.policy.remember), np.int64), 0)
                self.values = np.append(self.values, np.zeros((more, self.policy.remember)), 0)
                self.calendar = np.append(self.calendar, np.zeros(more, np.int64))
        self.rows[slot], self.calendar[slot] = checks.ROW[0], self.policy.exchanges.number(name)
        return slot, events

    def _evict(self) -> None:
        """Free the slots of series silent for a day of the shard's stamps; who holds the old names keeps them."""
        n = len(self.roster)
        old = np.flatnonzero(self.rows["arrived"][:n] + EVICT_AFTER <= self.clock[0])
        old = np.setdiff1d(old[self.rows["newest"][old] != checks.NEVER], self.free)
        if not len(old):
            return
        roster = Series()
        for slot, name in enumerate(self.roster.names):
            roster.code(f"\0{slot}" if slot in set(old.tolist()) else name)
        for slot in old.tolist():
            self.lane.give(self.roster.names[slot], self.shard)
            self.rows[slot] = checks.ROW[0]
        roster.counter = bytearray(self.roster.counter)
        self.roster = roster
        self.free += old.tolist()
        known = np.flatnonzero(self.codes.known)
        self.codes = Codes(self.codes.series)
        self.codes.learn(self.policy, roster, known)

    def _rejects(self, b: MetricBatch, verdict: Int) -> Iterator[Reject]:
        """Yield one reject a message and code, in the order of the messages."""
        found: dict[tuple[int, int], list[int]] = {}
        for i in np.flatnonzero((verdict != checks.ACCEPTED) & (verdict != checks.DUPLICATE)).tolist():
            found.setdefault((int(b.message[i]), int(verdict[i])), []).append(i)
        for (message, v), points in found.items():
            code, sentence = CODES[v]
            names = tuple(dict.fromkeys(b.series.names[b.codes[i]] for i in points))[:20]
            yield Reject(b.poll, message, code, sentence.format(n=len(points)), "validate", len(points), names)


def _silences(news: list[Int]) -> Silences:
    if not news:
        return Silences.none()
    position, codes, seconds, time = np.concatenate(news).T
    return Silences(position, codes, np.where(seconds > 0, seconds // SECOND, seconds), time)


def decoded(points: MetricBatch, stamp: int = 0) -> Decoded:
    """Wrap points as a decoder would, their records all stamped `stamp` (ns): for examples and tests."""
    m = len(points.poll)
    stamps = np.full(m, stamp, np.int64)
    b = replace(points, poll=replace(points.poll, stamps=stamps, received=stamps))
    none = np.full(m, -1, np.int64)
    return Decoded(b, [], 0, np.empty((0, 2), np.int64), [], none, none)


class _Logic(StatefulBatchLogic[Decoded, Validated, bytes]):
    def __init__(self, validate: Validate, census: Census) -> None:
        self.validate, self.census = validate, census

    def on_batch(self, values: list[Decoded]) -> tuple[Iterable[Validated], bool]:
        out = [self.validate.update(d) for d in values]
        for o in out:
            _count(o)
        self.census.note(self.validate.shard, self.validate.rows, self.validate.clock)
        return out, self.RETAIN

    def snapshot(self) -> bytes:
        return pack(self.validate.snapshot())


def _count(out: Validated) -> None:
    tally = np.bincount(out.verdict, minlength=len(CODES) + 2)
    POINTS.labels("accepted").inc(int(tally[checks.ACCEPTED]))
    POINTS.labels("duplicate").inc(int(tally[checks.DUPLICATE]))
    for r in out.rejects:
        POINTS.labels("rejected").inc(r.points)
        REJECTS.labels(r.code).inc(r.points)
    for e in out.events:
        READY.set("series-split", f"{e.series} is in two partitions: {e.text}")


@dataclass(frozen=True)
class Streams:
    """The streams that leave `validate`."""

    points: KeyedStream[Checked]
    rejects: KeyedStream[Reject]
    events: KeyedStream[Event]
    quality: KeyedStream[Row]


@operator
def validate(step_id: str, up: KeyedStream[Decoded], policy: Policy, limit: int) -> Streams:
    """Check each shard's points: see `Validate`."""
    lane, census = Lane(limit), Census(policy.remember)
    census.publish()

    def build(packed: bytes | None) -> _Logic:
        return _Logic(restored(partial(Validate, policy, lane), packed), census)

    out = op.stateful_batch("check", up, build)
    return Streams(
        op.map_value("points", out, lambda v: v.checked),
        op.flat_map_value("rejects", out, lambda v: v.rejects),
        op.flat_map_value("events", out, lambda v: v.events),
        op.flat_map_value("quality", out, lambda v: v.rows),
    )
