"""What is remembered of one alert while it is pending, while it fires, and for a day after."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec

from operators.alert.record import Observation
from operators.alert.subject import Named


class Seen(NamedTuple):
    """One item of a rule's step: whether the condition holds, when (ns), its first and last offset, and how to look closer."""

    holds: bool
    time: int
    first: int
    last: int
    look: Callable[[], Observation]


@dataclass(slots=True)
class State:
    """An alert that is pending or fires.

    Parameters
    ----------
    named
        Its name; none when its rule is gone.
    series
        Its series' name.
    since
        ns: when the condition began to hold.
    first, last
        Offsets of the first and last point of the series that speak for it; -1 unknown.
    gone
        ns: since when the condition has not held; -1 while it does.
    starts
        ns: when it fired.
    body
        The record that said so; none while pending.
    """

    named: Named | None
    series: str
    since: int
    first: int
    last: int
    gone: int = -1
    starts: int = -1
    body: dict[str, Any] | None = None

    @classmethod
    def of(cls, named: Named | None, series: str, *plain: Any) -> State:
        """Build what `plain` told of."""
        since, first, last, gone, starts, body = plain
        return cls(named, series, since, first, last, gone, starts, msgspec.json.decode(body) if body else None)

    def plain(self) -> tuple[Any, ...]:
        """Return fingerprint, series, and what `of` takes."""
        known = (
            self.named.fingerprint
            if self.named is not None
            else self.body["fingerprint"]
            if self.body is not None
            else ""
        )
        times = (self.since, self.first, self.last, self.gone, self.starts)
        return known, self.series, *times, msgspec.json.encode(self.body) if self.body is not None else b""


class Over(NamedTuple):
    """An alert that resolved: when its tombstone is due (ns of the shard's stamps), and its last `startsAt` and revision."""

    due: int
    starts: int
    revision: int
