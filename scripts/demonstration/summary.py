"""What the demonstration came to: incidents found, alerts beside them, how much went through."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from scripts.demonstration.recordings import Incident, Recording
from scripts.demonstration.store import Fired, Store


@dataclass(frozen=True)
class Outcome:
    """A recorded series: which of its incidents were found, and which alerts belong to none."""

    recording: Recording
    alerts: list[Fired]
    found: list[Incident]
    beside: list[Fired]


@dataclass(frozen=True)
class Summary:
    """All of it."""

    outcomes: list[Outcome]
    live: list[Fired]
    points: int
    series: int
    windows: int
    anomalies: int
    events: int
    seconds: float

    @property
    def incidents(self) -> int:
        """How many incidents there were to find."""
        return sum(len(outcome.recording.incidents) for outcome in self.outcomes)

    @property
    def found(self) -> int:
        """How many of them an alert told."""
        return sum(len(outcome.found) for outcome in self.outcomes)

    @property
    def beside(self) -> int:
        """How many alerts belong to no incident."""
        return sum(len(outcome.beside) for outcome in self.outcomes)

    @property
    def alerts(self) -> int:
        """How many alerts there were, those of this machine included."""
        return sum(len(outcome.alerts) for outcome in self.outcomes) + len(self.live)


def meet(alert: Fired, incident: Incident, shift: int) -> bool:
    """Whether an alert tells of an incident: they overlap."""
    return alert.start < incident.end + shift and alert.end > incident.start + shift


def outcome(recording: Recording, alerts: Sequence[Fired]) -> Outcome:
    """Match a series' alerts with its incidents."""
    mine = [alert for alert in alerts if alert.series == recording.series]
    found = [it for it in recording.incidents if any(meet(alert, it, recording.shift) for alert in mine)]
    beside = [a for a in mine if not any(meet(a, it, recording.shift) for it in recording.incidents)]
    return Outcome(recording, mine, found, beside)


def summarise(store: Store, recordings: Sequence[Recording], seconds: float) -> Summary:
    """Read from the store what came of the recordings.

    Parameters
    ----------
    seconds
        How long it all took.
    """
    alerts, known = store.alerts(), {recording.series for recording in recordings}
    return Summary(
        outcomes=[outcome(recording, alerts) for recording in recordings],
        live=[alert for alert in alerts if alert.series not in known],
        points=store.count("points"),
        series=len(store.names("%")),
        windows=store.count("windows"),
        anomalies=store.count("anomalies"),
        events=store.count("events"),
        seconds=seconds,
    )
