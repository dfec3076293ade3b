"""Policy: what settings say of points, and of each series."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

import numpy as np

from config.records import SECOND, Bool, Float, Int, Series
from config.series import Name
from config.settings import Settings
from operators.sessions import EVERYWHERE, Exchanges


class Policy(NamedTuple):
    """What settings say of points: times in ns, patterns of metrics."""

    future: int
    lateness: int
    remember: int
    conflict: Mapping[str, str]
    metric: Mapping[str, Any]
    silences: tuple[int, ...]
    exchanges: Exchanges = EVERYWHERE

    @classmethod
    def of(cls, settings: Settings, silences: Iterable[int] = (), exchanges: Exchanges = EVERYWHERE) -> Policy:
        """Read settings; `silences` are the seconds that alert rules wait for, beside the 300 after which an alert has no data."""
        t = settings.time
        return cls(
            int(t.max_future * SECOND),
            int(t.allowed_lateness * SECOND),
            t.remember,
            t.conflict,
            settings.metric,
            (300, *sorted({int(s) for s in silences} - {300})),
            exchanges,
        )

    def limits(self, metric: str, field: str, declared: bool) -> tuple[float, float, bool, bool]:
        """Return lowest, highest, counter, each of a metric's field; the longest pattern that matches decides."""
        both = (metric, f"{metric} {field}")
        low, high, counter = -np.inf, np.inf, declared
        for pattern in sorted((p for p in self.metric if any(fnmatchcase(b, p) for b in both)), key=len):
            m = self.metric[pattern]
            low = m.min if m.min is not None else low
            high = m.max if m.max is not None else high
            counter = m.type == "counter" if m.type else counter
        rules = [p for p in self.conflict if fnmatchcase(metric, p)]
        return low, high, counter, bool(rules) and self.conflict[max(rules, key=len)] == "each"


@dataclass
class Codes:
    """What is known of each number of the decoder's `Series`: its slot and its limits. Not state: learnt from names as they come.

    The decoder numbers the series of a whole lane; a shard learns of its own alone.
    """

    series: Series
    known: Bool = field(default_factory=lambda: np.empty(0, np.bool_))
    slots: Int = field(default_factory=lambda: np.empty(0, np.int64))
    low: Float = field(default_factory=lambda: np.empty(0))
    high: Float = field(default_factory=lambda: np.empty(0))
    counter: Bool = field(default_factory=lambda: np.empty(0, np.bool_))
    each: Bool = field(default_factory=lambda: np.empty(0, np.bool_))

    def learn(self, policy: Policy, roster: Series, codes: Int) -> None:
        """Learn of those of some series that are new."""
        more = len(self.series.names) - len(self.slots)
        if more:
            self.slots = np.append(self.slots, np.full(more, -1))
            self.low, self.high = np.append(self.low, np.zeros(more)), np.append(self.high, np.zeros(more))
            self.known, self.counter, self.each = (
                np.append(a, np.zeros(more, np.bool_)) for a in (self.known, self.counter, self.each)
            )
        limits: dict[tuple[str, str, bool], tuple[float, float, bool, bool]] = {}
        for c in np.unique(codes[~self.known[codes]]).tolist():
            name, declared = self.series.names[c], bool(self.series.counter[c])
            _, metric, _, of = Name.of(name)
            if (metric, of, declared) not in limits:
                limits[metric, of, declared] = policy.limits(metric, of, declared)
            self.low[c], self.high[c], self.counter[c], self.each[c] = limits[metric, of, declared]
            slot = self.slots[c] = roster.numbers.get((name, False), -1)
            if slot >= 0 and self.counter[c]:
                roster.counter[slot] = True
            self.known[c] = True

    def share(self, name: str, slot: int, roster: Series) -> None:
        """Give all numbers of a name (gauge and counter) its slot."""
        for counter in (False, True):
            number = self.series.numbers.get((name, counter), len(self.slots))
            if number < len(self.slots):
                self.slots[number] = slot
                roster.counter[slot] |= bool(self.counter[number])
