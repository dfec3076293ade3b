"""Quality: what came of the messages of each minute, by producer."""

from __future__ import annotations

from typing import Any

import numpy as np

from config.records import SECOND, Bool, Decoded, Int, Poll, Row, StateRows
from operators import checks

MINUTE = 60 * SECOND
KEPT = 16  # minutes that may still get late records
COUNTS = ("received", "accepted", "rejected", "duplicate", "late", "disordered")


class Quality:
    """Counts of one partition, by minute of the Kafka records' time and by producer.

    A minute is written when a record of a later minute comes, and again, whole, after each change.  `completeness` is what
    came of what was to be expected, at most 1: by the producer's own `seq` where it sends one (distinct numbers / their span,
    in this partition), else by the usual interval of each series that the producer fed in the last minutes.
    """

    def __init__(self, snapshot: tuple[Any, ...] | None = None) -> None:
        # (minute, producer) -> [received, accepted, rejected, duplicate, late, disordered, seqs, lowest seq, highest seq, changed]
        self.counts: dict[tuple[int, str], list[int]] = {}
        self.newest = -1
        self.idled = False
        if snapshot is not None:
            self.newest, counts = snapshot
            self.counts = {(m, p): list(c) for m, p, c in counts}

    def snapshot(self) -> tuple[Any, ...]:
        """Return the open minutes."""
        return self.newest, tuple((m, p, tuple(c)) for (m, p), c in self.counts.items())

    def turn(self, poll: Poll, message: int, rows: StateRows, producers: list[str]) -> list[Row]:
        """Say that the records from `message` on are of its minute; return the rows of minutes that it ends."""
        minute = int(poll.stamps[message] // MINUTE)
        self.idled = False
        if minute <= self.newest:
            return []
        out = self._close(poll, rows, producers, settle=True)
        self.newest = minute
        return out

    def count(self, decoded: Decoded, span: slice, points: slice, verdict: Int, forward: Bool) -> None:
        """Count messages `span` of one minute, whose points are `points`, by their verdicts."""
        minute = int(decoded.points.poll.stamps[span.start] // MINUTE)
        minute = minute if minute > self.newest - KEPT else self.newest
        v, f, who = verdict[points], forward[points], decoded.producer[span]
        broken = np.array([decoded.producer[r.message] for r in decoded.rejects if span.start <= r.message < span.stop])
        if who.min() == who.max():
            self._add(minute, int(who[0]), decoded, v, f, len(broken), decoded.seq[span])
            return
        of_points = decoded.producer[decoded.points.message[points]]
        for p in np.unique(who).tolist():
            mine = of_points == p
            self._add(minute, p, decoded, v[mine], f[mine], int((broken == p).sum()), decoded.seq[span][who == p])

    def idle(self, poll: Poll, rows: StateRows, producers: list[str]) -> list[Row]:
        """After a minute of silence, write what is open; it stays open."""
        if poll.idle < MINUTE or self.idled:
            return []
        self.idled = True
        return self._close(poll, rows, producers, settle=False)

    def _add(self, minute: int, p: int, decoded: Decoded, v: Int, forward: Bool, broken: int, seq: Int) -> None:
        name = decoded.producers[p] if p >= 0 else ""
        c = self.counts.setdefault((minute, name), [0, 0, 0, 0, 0, 0, 0, -1, -1, 0, -1])
        n = np.bincount(v, minlength=checks.DUPLICATE + 1)
        backward = int(((v == checks.ACCEPTED) & ~forward).sum())
        accepted, duplicate = int(n[checks.ACCEPTED]), int(n[checks.DUPLICATE])
        for k, x in enumerate(
            (
                len(v) + broken,
                accepted,
                len(v) - accepted - duplicate + broken,
                duplicate,
                int(n[checks.LATE]),
                backward,
            )
        ):
            c[k] += x
        seq = seq[seq >= 0]
        if len(seq):
            c[6] += len(np.unique(seq))
            c[7] = int(seq.min()) if c[7] < 0 else min(c[7], int(seq.min()))
            c[8] = max(c[8], int(seq.max()))
        c[9] = 1

    def _close(self, poll: Poll, rows: StateRows, producers: list[str], *, settle: bool) -> list[Row]:
        """Return the rows of all changed minutes; when they end by records, settle them and forget those too old to change."""
        out = []
        for (minute, name), c in sorted(self.counts.items()):
            if not c[9]:
                continue
            expected = c[10]
            if expected < 0:  # what was to be expected is settled when the minute first ends
                expected = self._expected(rows, producers.index(name) if name in producers else -1)
            out.append(self._row(poll, minute, name, c, expected))
            if settle:
                c[9], c[10] = 0, expected
        if settle:
            self.counts = {k: c for k, c in self.counts.items() if k[0] > self.newest - KEPT}
        return out

    def _expected(self, rows: StateRows, producer: int) -> int:
        """Points that the series of a producer should send in a minute, by their intervals; 0: unknown."""
        alive = (rows["interval"] > 0) & (rows["silent"] == 0) & (rows["producer"] == producer)
        return int(np.floor(np.sum(MINUTE / rows["interval"][alive]) + 0.5))

    def _row(self, poll: Poll, minute: int, name: str, c: list[int], expected: int) -> Row:
        fields: dict[str, float | int | str] = dict(zip(COUNTS, c, strict=False))
        come, expected = (c[6], c[8] - c[7] + 1) if c[6] else (c[1], expected)
        if expected:
            fields["completeness"] = min(1.0, come / expected)
        tags = {"topic": poll.topic, "partition": str(poll.partition), "producer": name or "-"}
        return Row("quality", minute * MINUTE, tags, fields)
