"""Alerts: which of the numbers of one step deserve a person's attention, and when that is over."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from config.packing import SnapshotError
from config.records import ENDED, RETURNED, SECOND, Alert, Bool, Int, Row, Scored, Series
from config.rules import NO_DATA, Rule
from operators.alert.life import Lives
from operators.alert.order import order, rest
from operators.alert.record import Observation, Origin, numbers, observe
from operators.alert.state import Seen
from operators.alert.subject import Speaks, matches

VERSION = "alerts-1"
NEWS = -1  # stands where an item has its rule's number
Visit = tuple[int, int, int]  # rank in the shard's order, rule, index


class Alerts:
    """Alerts of one shard by the rules of one step.

    Times are event time: a point's stamp; a window's end, for it is only known then; the stamp itself for others.  A NaN neither
    holds nor breaks a condition.  A series silent for `NO_DATA` seconds or ended has no data: its alerts resolve, and what a window
    that was still open says of it fires and resolves at once.

    Parameters
    ----------
    rules
        The step's; those of other steps are left aside.
    step
        ``points``, a window length such as ``60s``, ``trends``, ``models``, ``breaches``.
    config_hash, version, generator_url
        For the records; ``{host}`` in the URL becomes that label.
    snapshot
        What `snapshot` returned, to go on from there.

    Raises
    ------
    ValueError
        The snapshot is of another version.

    References
    ----------
    Alertmanager, clients: https://prometheus.io/docs/alerting/latest/clients/

    Examples
    --------
    >>> from config.records import MetricBatch, Scored, Silences
    >>> b = MetricBatch.of([("cpu,host=a x", 1, 7.0), ("cpu,host=a x", 2, 9.5), ("cpu,host=a x", 3, 6.0)], seconds=True)
    >>> at = np.arange(3)
    >>> it = Scored("points", b.poll, b.series, b.codes, b.time, at + 1, b.value, {}, {}, b.offset, b.offset, Silences.none())
    >>> out = Alerts([Rule(name="{Metric}Hot", step="points", above=8.0)], "points").update(it)
    >>> [(a.body["labels"]["alertname"], a.body["status"], a.body["value"], a.body["endsAt"]) for a in out if isinstance(a, Alert)]
    [('CpuHot', 'firing', 9.5, '0001-01-01T00:00:00Z'), ('CpuHot', 'resolved', 6.0, '1970-01-01T00:00:03Z')]
    """

    def __init__(
        self,
        rules: Sequence[Rule],
        step: str,
        config_hash: str = "",
        version: str = "",
        generator_url: str = "",
        snapshot: tuple[Any, ...] | None = None,
    ) -> None:
        layout, lives, newest = snapshot or (VERSION, None, b"")
        if layout != VERSION:
            raise SnapshotError(f"snapshot {layout} of alerts is not {VERSION}: start with an empty recovery store")
        self.rules, self.step = [r for r in rules if r.step == step], step
        self.length = int(step[:-1]) * SECOND if re.fullmatch(r"\d+s", step) else 0
        self.lives = Lives(self.rules, Origin(config_hash, version, generator_url), lives)
        self.readers = [n for n, r in enumerate(self.rules) if r.value != "silence"]
        self.waits = len(self.readers) < len(self.rules)
        self.speaks = Speaks(self.rules)
        self.newest: Int = np.frombuffer(newest, np.int64).copy()

    def update(self, scored: Scored) -> list[Alert | Row]:
        """Return the changes that one batch brings: for each the record, and the row of the measurement `alerts`."""
        lives = self.lives
        if not (self.rules or lives.over or lives.orphans):
            return []
        if lives.orphans:
            lives.bury()
        lives.lineage = {"topic": scored.poll.topic, "partition": scored.poll.partition}
        self._recognise(scored.series)
        news, time = scored.silences, scored.time + self.length
        offsets = self._offsets(scored) if self.waits else None
        items = self._items(scored) if self.readers and len(scored) else []
        if items or (self.rules and len(news)):
            rank, now = order(self.step, scored, time, lives.now)
            visits = sorted((int(rank[len(news) + i]), rule, i) for rule, i in items)
            self._visit(
                scored, time, now, sorted(visits + [(int(rank[k]), NEWS, k) for k in range(len(news))]), offsets
            )
        lives.now = max(lives.now, int(time.max(initial=0)), int(news.time.max(initial=0)))
        lives.bury()
        out, lives.out = lives.out, []
        return out

    def snapshot(self) -> tuple[Any, ...]:
        """Return everything remembered, as plain values."""
        return VERSION, self.lives.snapshot(), self.newest.tobytes()

    def _recognise(self, series: Series) -> None:
        """See which slots have another series now; a name changes only together with the `Series` that holds it, or from a free slot."""
        if series is not self.speaks.series:
            for slot, name in dict(self.lives.held()).items():
                if slot >= len(series) or series.names[slot] != name:
                    self.lives.forget(slot)
        if self.readers:
            self.speaks.learn(series)
        self.speaks.series = series

    def _items(self, scored: Scored) -> list[tuple[int, int]]:
        """Return (rule, index) of the items that may change anything: of series where a condition holds, or did."""
        found: list[tuple[int, int]] = []
        active: dict[int, list[int]] = {}
        for rule, slot in self.lives.states:
            active.setdefault(rule, []).append(slot)
        for n in self.readers:
            x = numbers(scored, self.rules[n])
            holds = self.rules[n].holds(x) & self.speaks.table[n][scored.codes]
            if n in active or holds.any():
                hot: Bool = np.zeros(len(scored.series), np.bool_)
                hot[active.get(n, [])] = True
                hot[scored.codes[holds]] = True
                found += [(n, i) for i in np.flatnonzero(hot[scored.codes] & ~np.isnan(x)).tolist()]
        return found

    def _visit(self, scored: Scored, time: Int, now: Int, visits: list[Visit], offsets: Int | None) -> None:
        cache = {
            n: self.rules[n].holds(numbers(scored, self.rules[n])) for n in {rule for _, rule, _ in visits} - {NEWS}
        }
        for rank, n, i in visits:
            self.lives.now = int(now[rank])
            self.lives.bury()
            if n == NEWS:
                self._news(scored, i, offsets)
                continue
            slot, rule = int(scored.codes[i]), self.rules[n]
            first, last = int(scored.first[i]), int(scored.last[i])
            seen = Seen(bool(cache[n][i]), int(time[i]), first, last, lambda i=i, rule=rule: observe(scored, i, rule))  # type: ignore[misc]
            self.lives.see(n, slot, scored.series.names[slot], seen)

    def _news(self, scored: Scored, k: int, offsets: Int | None) -> None:
        news = scored.silences
        slot, seconds, time = int(news.codes[k]), int(news.seconds[k]), int(news.time[k])
        name = scored.series.names[slot]
        if seconds == RETURNED:
            i = int(np.searchsorted(scored.position, news.position[k] + 1)) if self.waits else len(scored)
            self.lives.welcome(slot, time, int(scored.last[i]) if i < len(scored) and scored.codes[i] == slot else -1)
            return
        if self.readers and (seconds == ENDED or seconds >= NO_DATA):
            self.lives.hush(slot, name, time)
        if seconds == ENDED:
            self.lives.welcome(slot, time, -1, "ended")
        elif self.waits:
            last = int(offsets[k]) if offsets is not None else -1
            for n, _, _ in matches(self.rules, name):
                if self.rules[n].value == "silence" and seconds >= (self.rules[n].above or 0):
                    self.lives.miss(n, slot, name, Seen(True, time, last, last, lambda: Observation(float(seconds))))

    def _offsets(self, scored: Scored) -> Int:
        """Return the offset of the newest point before each piece of news, -1 where there was none."""
        news = scored.silences
        short = max(int(scored.codes.max(initial=-1)), int(news.codes.max(initial=-1))) + 1 - len(self.newest)
        if short > 0:
            self.newest = np.append(self.newest, np.full(short + len(self.newest), -1))
        out = np.empty(len(news), np.int64)
        columns = [np.ascontiguousarray(c, np.int64) for c in (scored.position, scored.codes, scored.last)]
        rest(columns[0], columns[1], columns[2], news.position, news.codes, self.newest, out)
        return out
