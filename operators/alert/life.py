"""The life of alerts: pending while a condition must hold, firing, resolved, and a day later forgotten.  Event time only."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from config.records import SECOND, Alert, Row
from config.rules import Rule
from operators.alert import record
from operators.alert.record import Observation, Origin
from operators.alert.state import Over, Seen, State
from operators.alert.subject import named

DAY = 86400 * SECOND


class Lives:
    """The alerts of one shard and step.

    Parameters
    ----------
    rules
        The step's, in the order of their file.
    origin
        What the records say of where they come from.
    snapshot
        What `snapshot` returned.  Alerts whose rule is gone since then resolve at the next `bury`.

    Attributes
    ----------
    now
        The shard's newest stamp (ns) as far as this step knows; the owner moves it on.
    out
        Records not yet taken.
    """

    def __init__(self, rules: Sequence[Rule], origin: Origin, snapshot: tuple[Any, ...] | None = None) -> None:
        self.rules, self.origin = rules, origin
        self.lineage: dict[str, Any] = {}
        self.states: dict[tuple[int, int], State] = {}
        self.silent: dict[int, tuple[str, int]] = {}
        self.over: dict[str, Over] = {}
        self.orphans: list[State] = []
        self.out: list[Alert | Row] = []
        self.now = 0
        if snapshot is not None:
            self._restore(snapshot)

    def see(self, rule: int, slot: int, series: str, seen: Seen) -> None:
        """Take one item of a series that a rule speaks of."""
        state, r = self.states.get((rule, slot)), self.rules[rule]
        if state is None:
            if not seen.holds or (r.for_ and slot in self.silent):
                return
            state = self._begin(rule, slot, series, seen)
        state.last = seen.last
        if state.body is None:
            if not seen.holds:
                del self.states[rule, slot]
            elif seen.time - state.since >= r.for_ * SECOND:
                self._fire(rule, slot, state, seen.time, seen.look())
        elif seen.holds:
            state.gone = -1
        else:
            state.gone = seen.time if state.gone < 0 else state.gone
            if seen.time - state.gone >= r.keep_firing_for * SECOND:
                del self.states[rule, slot]
                self._resolve(state, "", seen.time, seen.look())

    def hush(self, slot: int, series: str, time: int) -> None:
        """Note that a series sends no more: what fires has no data, what is pending cannot go on; absence is another matter."""
        self.silent[slot] = (series, time)
        for rule in self._of(slot):
            if self.rules[rule].value != "silence":
                self._end(rule, slot, "no-data", time)

    def miss(self, rule: int, slot: int, series: str, seen: Seen) -> None:
        """Raise an alert of absence."""
        if (rule, slot) not in self.states:
            self._fire(rule, slot, self._begin(rule, slot, series, seen), seen.time, seen.look())

    def welcome(self, slot: int, time: int, last: int, reason: str = "") -> None:
        """End alerts of absence: the series is back (its point's offset is `last`), or ended for good."""
        if not reason:
            self.silent.pop(slot, None)
        for rule in self._of(slot):
            if self.rules[rule].value == "silence":
                if last >= 0:
                    self.states[rule, slot].last = last
                self._end(rule, slot, reason, time)

    def forget(self, slot: int) -> None:
        """End what is left of a series whose slot another one has now."""
        self.silent.pop(slot, None)
        for rule in self._of(slot):
            self._end(rule, slot, "forgotten", self.now)

    def bury(self) -> None:
        """Publish what is due by `now`: tombstones, and the end of alerts whose rule is gone."""
        for state in self.orphans:
            self._resolve(state, "rule-removed", self.now, None)
        self.orphans = []
        while self.over:  # in the order in which they resolved, so the first is due first
            fingerprint, over = next(iter(self.over.items()))
            if over.due > self.now:
                break
            del self.over[fingerprint]
            self.out.append(record.tombstone(fingerprint, over.starts, over.revision + 1))

    def held(self) -> Iterator[tuple[int, str]]:
        """Yield slot and series of everything remembered by slot."""
        for (_, slot), state in self.states.items():
            yield slot, state.series
        for slot, (series, _) in self.silent.items():
            yield slot, series

    def snapshot(self) -> tuple[Any, ...]:
        """Return all of it as plain values."""
        kept = [(slot, state) for (_, slot), state in self.states.items()] + [(-1, state) for state in self.orphans]
        states = tuple((slot, *state.plain()) for slot, state in kept)
        silent = tuple((slot, *since) for slot, since in self.silent.items())
        return self.now, states, silent, tuple((fingerprint, *over) for fingerprint, over in self.over.items())

    def _restore(self, snapshot: tuple[Any, ...]) -> None:
        self.now, states, silent, over = snapshot
        self.silent = {slot: (series, time) for slot, series, time in silent}
        self.over = {fingerprint: Over(*rest) for fingerprint, *rest in over}
        for slot, fingerprint, series, *plain in states:
            name = next((n for n in named(self.rules, series) if n.fingerprint == fingerprint), None)
            state = State.of(name, series, *plain)
            if name is not None and slot >= 0:
                self.states[name.rule, slot] = state
            elif state.body is not None:
                self.orphans.append(state)

    def _of(self, slot: int) -> list[int]:
        return [rule for rule in range(len(self.rules)) if (rule, slot) in self.states]

    def _begin(self, rule: int, slot: int, series: str, seen: Seen) -> State:
        name = next(n for n in named(self.rules, series) if n.rule == rule)
        state = self.states[rule, slot] = State(name, series, seen.time, seen.first, seen.last)
        return state

    def _end(self, rule: int, slot: int, reason: str, time: int) -> None:
        state = self.states.pop((rule, slot))
        if state.body is not None:
            self._resolve(state, reason, max(time, state.starts), None)

    def _fire(self, rule: int, slot: int, state: State, time: int, seen: Observation) -> None:
        assert state.named is not None
        before = self.over.pop(state.named.fingerprint, None)
        revision = before.revision + 1 if before is not None and before.starts >= time else 0
        offsets = {"offset_first": _offset(state.first), "offset_last": _offset(state.last)}
        lineage = {**self.lineage, **offsets, **self.origin._asdict()}
        state.starts = time
        state.body = record.firing(state.named, self.rules[rule], seen, time, revision, lineage)
        self.out += record.both(state.body, state.series, time, time)
        if slot in self.silent and self.rules[rule].value != "silence":
            self._end(rule, slot, "no-data", self.silent[slot][1])

    def _resolve(self, state: State, reason: str, time: int, seen: Observation | None) -> None:
        assert state.body is not None
        origin = {"config_hash": self.origin.config_hash, "version": self.origin.version}
        lineage = {"offset_last": _offset(state.last), **origin}
        body = record.resolved(state.body, reason, time, seen, lineage)
        self.out += record.both(body, state.series, time, state.starts)
        self.over[body["fingerprint"]] = Over(self.now + DAY, state.starts, body["revision"])


def _offset(offset: int) -> int | None:
    return offset if offset >= 0 else None
