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

    def limits(self, name: str, declared: bool) -> tuple[float, float, bool, bool]:
        """Return lowest, highest, counter, each of a series; the longest pattern that matches decides."""
        taken = Name.of(name)
        both = (taken.metric, f"{taken.metric} {taken.field}")
        low, high, counter = -np.inf, np.inf, declared
        for pattern in sorted((p for p in self.metric if any(fnmatchcase(b, p) for b in both)), key=len):
            m = self.metric[pattern]
            low = m.min if m.min is not None else low
            high = m.max if m.max is not None else high
            counter = m.type == "counter" if m.type else counter
        rules = [p for p in self.conflict if fnmatchcase(taken.metric, p)]
        return low, high, counter, bool(rules) and self.conflict[max(rules, key=len)] == "each"


@dataclass
class Codes:
    """What is known of each number of the decoder's `Series`: its slot and its limits. Not state: rebuilt from names."""

    series: Series
    slots: Int = field(default_factory=lambda: np.empty(0, np.int64))
    low: Float = field(default_factory=lambda: np.empty(0))
    high: Float = field(default_factory=lambda: np.empty(0))
    counter: Bool = field(default_factory=lambda: np.empty(0, np.bool_))
    each: Bool = field(default_factory=lambda: np.empty(0, np.bool_))

    def grow(self, policy: Policy, roster: Series) -> None:
        """Learn of series that were decoded since the last look."""
        have, names = len(self.slots), self.series.names
        if have == len(names):
            return
        more = [policy.limits(n, c) for n, c in zip(names[have:], map(bool, self.series.counter[have:]), strict=True)]
        self.slots = np.append(self.slots, [roster.numbers.get((n, False), -1) for n in names[have:]]).astype(np.int64)
        low, high, counter, each = zip(*more, strict=True)
        self.low, self.high = np.append(self.low, low), np.append(self.high, high)
        self.counter = np.append(self.counter, counter).astype(np.bool_)
        self.each = np.append(self.each, each).astype(np.bool_)
        for number in (have + np.flatnonzero(self.counter[have:] & (self.slots[have:] >= 0))).tolist():
            roster.counter[self.slots[number]] = True

    def share(self, name: str, slot: int, roster: Series) -> None:
        """Give all numbers of a name (gauge and counter) its slot."""
        for counter in (False, True):
            number = self.series.numbers.get((name, counter), len(self.slots))
            if number < len(self.slots):
                self.slots[number] = slot
                roster.counter[slot] |= bool(self.counter[number])
