"""Where the demonstration is shown, and the plain way: lines, for pipes and logs."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Protocol

from rich.console import Console
from rich.text import Text

from scripts.demonstration.recordings import Recording
from scripts.demonstration.replay import Replay
from scripts.demonstration.store import Store
from scripts.demonstration.summary import Summary
from scripts.demonstration.watch import Watch
from scripts.demonstration.words import day, number

EVERY = 5.0  # seconds between lines of progress


class Screen(Protocol):
    """Where the demonstration is shown; the context lasts while the replay does."""

    def say(self, text: str) -> None:
        """Print a line."""

    def alerts(self, news: Sequence[dict[str, Any]]) -> None:
        """Show alert records as they come."""

    def draw(self, replay: Replay, watch: Watch, store: Store) -> None:
        """Show how things stand."""

    def conclude(self, summary: Summary) -> None:
        """Print what it came to."""

    def __enter__(self) -> Screen: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class Lines:
    """Plain lines, for pipes and logs."""

    def __init__(self, recordings: Sequence[Recording], console: Console) -> None:
        self._console = console
        self._recordings = {recording.metric: recording for recording in recordings}
        self._told = time.monotonic()

    def say(self, text: str) -> None:
        self._console.print(text, markup=False, soft_wrap=True)

    def alerts(self, news: Sequence[dict[str, Any]]) -> None:
        for body in news:
            self._console.print(self._line(body), soft_wrap=True)

    def draw(self, replay: Replay, watch: Watch, store: Store) -> None:
        now = time.monotonic()
        if now - self._told >= EVERY:
            self._told = now
            done = watch.points["accepted"]
            self.say(f"… {replay.sent:,} of {replay.total:,} points sent, {done:,} taken, {watch.rate:,.0f} points/s")

    def conclude(self, s: Summary) -> None:
        for it in s.outcomes:
            all_ = len(it.recording.incidents)
            marks = Text.assemble(("●" * len(it.found), "green"), ("○" * (all_ - len(it.found)), "red"))
            marks.pad_right(5 - len(marks))
            beside = f", {len(it.beside)} alert{'s' * (len(it.beside) != 1)} beside them" if it.beside else ""
            told = f" {len(it.found)} of {all_} labelled incidents found{beside}"
            self._console.print(Text.assemble(f"  {it.recording.title:42} ", marks, told), soft_wrap=True)
        self.say(
            f"\n{s.points:,} points of {s.series} series, {s.windows:,} windows judged, {s.anomalies:,} anomalies, "
            f"{s.found} of {s.incidents} labelled incidents found, {s.beside} alert{'s' * (s.beside != 1)} beside them, {s.seconds:.0f} s"
        )

    def _line(self, body: dict[str, Any]) -> Text:
        firing, labels = body["status"] == "firing", body["labels"]
        recording = self._recordings.get(labels["metric"])
        at = datetime.fromisoformat(body["startsAt" if firing else "endsAt"]).timestamp()
        when = day(at - recording.shift) if recording else f"{datetime.fromtimestamp(at, UTC):%H:%M:%S} UTC"
        mark = Text("▲ firing  ", "bold red") if firing else Text("✔ resolved", "green")
        band, seen = body["expected"], [f"{when:16}  {labels['alertname']}"]
        if firing and band.get("yhat") is not None:
            low, high = number(band["yhat_lower"]), number(band["yhat_upper"])
            seen.append(f"{number(body['value'])}, expected {low} to {high}")
        elif firing:
            seen.append(body["annotations"]["summary"])
        seen.append(
            ", ".join(filter(None, [body["kind"] or "", ", ".join(body["detectors"])])) if firing else body["reason"]
        )
        return Text.assemble(mark, "  ", "  ".join(filter(None, seen)))

    def __enter__(self) -> Screen:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None
