"""The plain twin of `operators.alert`: one item at a time, no arrays, no snapshot, nothing skipped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from math import isnan, nan

from config.records import ENDED, RETURNED
from config.rules import Rule

Told = tuple[object, ...]


@dataclass(frozen=True)
class Item:
    """A point or window: its series, event time (s), numbers, detectors' scores, offsets."""

    series: str
    time: int
    numbers: dict[str, float]
    scores: dict[str, float] = field(default_factory=dict)
    first: int = 0
    last: int = 0


@dataclass
class Life:
    """An alert that is pending or fires."""

    since: int
    first: int | None
    last: int | None
    fired: bool = False
    gone: int | None = None
    starts: int = 0
    revision: int = 0
    saw: tuple[float, float | None] = (0.0, None)
    odd: tuple[str, ...] = ()


@dataclass(frozen=True)
class News:
    """A silence of so many seconds, `RETURNED` or `ENDED`, at a time (s)."""

    series: str
    seconds: int
    time: int


class NaiveAlerts:
    """Alerts of one shard and step, told as plain tuples.

    These are (status, reason, alertname, series, startsAt, endsAt, revision, value, score, detectors, offsets).
    """

    def __init__(self, rules: Sequence[Rule]) -> None:
        self.rules, self.told, self.clock = rules, list[Told](), 0
        self.life: dict[tuple[str, str], Life] = {}
        self.silent: dict[str, int] = {}
        self.over: dict[tuple[str, str], tuple[int, int, int]] = {}
        self.newest: dict[str, int] = {}

    def run(self, phases: Sequence[Sequence[Item | News]]) -> list[Told]:
        """Take everything in order; a phase is what one point brings, in the order that it counts."""
        for phase in phases:
            for k, it in enumerate(phase):
                self._pass(it.time)
                if isinstance(it, Item):
                    self._item(it)
                else:
                    back = [i.last for i in phase[k:] if isinstance(i, Item) and i.series == it.series]
                    self._news(it, back[0] if back else None)
        self._pass(0)
        return self.told

    def _pass(self, time: int) -> None:
        self.clock = max(self.clock, time)
        for key, (due, _, _) in sorted(self.over.items(), key=lambda o: o[1][0]):
            if due <= self.clock:
                del self.over[key]
                self.told.append(("tombstone", *key))

    def _rules(self, series: str) -> dict[str, Rule]:
        metric, _, metric_field = series.partition(" ")
        metric, *tags = metric.split(",")
        have = dict(t.split("=") for t in tags)
        found: dict[str, Rule] = {}
        for r in self.rules:
            globs = [(metric, r.metric), (metric_field, r.field), *((have.get(k, "\0"), g) for k, g in r.tags.items())]
            if all(fnmatchcase(text, glob) for text, glob in globs):
                found.setdefault(r.name, r)
        return found

    def _item(self, it: Item) -> None:
        self.newest[it.series] = it.last
        for name, r in self._rules(it.series).items():
            scores = {d: s for d, s in it.scores.items() if not isnan(s) and r.detector in ("", d)}
            x = max(scores.values(), default=nan) if r.value == "score" else it.numbers.get(r.value, nan)
            if r.value == "silence" or isnan(x):
                continue
            holds = (r.above is not None and x > r.above) or (r.below is not None and x < r.below)
            self._step(it, (name, it.series), r, holds, scores, x)

    def _step(self, it: Item, key: tuple[str, str], r: Rule, holds: bool, scores: dict[str, float], x: float) -> None:
        life = self.life.get(key)
        if life is None:
            if not holds or (r.for_ and it.series in self.silent):
                return
            life = self.life[key] = Life(it.time, it.first, it.last)
        life.last = it.last
        odd = tuple(sorted((d for d, s in scores.items() if s >= 1), key=lambda d: (-scores[d], d)))
        value = it.numbers["value"] if r.value == "score" else x
        saw = (value, max(scores.values(), default=None))
        if not life.fired:
            if not holds:
                del self.life[key]
            elif it.time - life.since >= r.for_:
                self._fire(key, life, it.time, saw, odd)
                if it.series in self.silent:
                    self._end(key, "no-data", self.silent[it.series])
        elif holds:
            life.gone = None
        else:
            life.gone = it.time if life.gone is None else life.gone
            if it.time - life.gone >= r.keep_firing_for:
                life.saw = saw
                self._end(key, "", it.time)

    def _news(self, it: News, back: int | None) -> None:
        for name, r in self._rules(it.series).items():
            key = (name, it.series)
            absence = r.value == "silence"
            if absence and it.seconds in (RETURNED, ENDED) and key in self.life:
                if back is not None and it.seconds == RETURNED:
                    self.life[key].last = back
                self._end(key, "ended" if it.seconds == ENDED else "", it.time)
            elif absence and it.seconds > 0 and it.seconds >= (r.above or 0) and key not in self.life:
                last = self.newest.get(it.series)
                life = self.life[key] = Life(it.time, last, last)
                self._fire(key, life, it.time, (float(it.seconds), None), ())
            elif not absence and it.seconds != RETURNED and key in self.life:
                self._end(key, "no-data", it.time)
        if it.seconds == RETURNED:
            self.silent.pop(it.series, None)
        else:
            self.silent[it.series] = it.time

    def _fire(
        self, key: tuple[str, str], life: Life, time: int, saw: tuple[float, float | None], odd: tuple[str, ...]
    ) -> None:
        over = self.over.pop(key, (0, -1, -1))
        revision = over[2] + 1 if over[1] >= time else 0
        life.fired, life.starts, life.revision, life.saw, life.odd = True, time, revision, saw, odd
        self._tell("firing", "", key, life, "0001-01-01T00:00:00Z")

    def _end(self, key: tuple[str, str], reason: str, time: int) -> None:
        life = self.life.pop(key)
        if life.fired:
            time = max(time, life.starts) if reason == "no-data" else time
            life.revision += 1
            self._tell("resolved", reason, key, life, text(time))
            self.over[key] = (self.clock + 86400, life.starts, life.revision)

    def _tell(self, status: str, reason: str, key: tuple[str, str], life: Life, ends: str) -> None:
        begun = text(life.starts)
        value, score = life.saw
        offsets = (life.first, life.last)
        self.told.append((status, reason, *key, begun, ends, life.revision, value, score, life.odd, *offsets))


def text(seconds: int) -> str:
    """Write whole seconds as RFC 3339."""
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
