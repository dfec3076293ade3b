"""What is shown while it runs: a live picture at a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Protocol

import numpy as np
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from scripts.demonstration.recordings import Recording
from scripts.demonstration.replay import Replay
from scripts.demonstration.store import Float, Store
from scripts.demonstration.summary import Summary
from scripts.demonstration.watch import Watch

BARS = "▁▂▃▄▅▆▇█"
HOURS = 48
NEWEST = 8
EVERY = 5.0  # seconds between plain lines of progress
OWN = (("cpu,%usage_active", "processor", "%"), ("mem,% used_percent", "memory", "%"), ("system,%load1", "load", ""))


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


def screen(recordings: Sequence[Recording], console: Console | None = None) -> Screen:
    """Return what suits the console: standard output by default."""
    console = console or Console(highlight=False)
    return Picture(recordings, console) if console.is_terminal else Lines(recordings, console)


def spark(values: Float, width: int = HOURS) -> str:
    """Draw values as bars.

    Examples
    --------
    >>> spark(np.array([0.0, 1.0, 2.0, 7.0])), spark(np.array([3.0, 3.0])), spark(np.array([]))
    ('▁▂▃█', '▁▁', '')
    """
    values = values[-width:]
    if not len(values):
        return ""
    least, span = values.min(), np.ptp(values)
    heights = np.zeros(len(values)) if span == 0 else (values - least) / span * (len(BARS) - 1)
    return "".join(BARS[int(height)] for height in heights)


def number(x: float) -> str:
    """Write a number for a person.

    Examples
    --------
    >>> number(1234567.8), number(1234.5), number(12.34), number(0.01234), number(float("nan"))
    ('1.23 M', '1 234', '12.3', '0.0123', '–')
    """
    if not np.isfinite(x):
        return "–"
    if abs(x) >= 1e6:
        return f"{x / 1e6:.3g} M" if abs(x) < 1e9 else f"{x / 1e9:.3g} G"
    return f"{x:,.0f}".replace(",", " ") if abs(x) >= 1000 else f"{x:.3g}"


def day(seconds: float) -> str:
    """Write a recorded time: date and hour.

    Examples
    --------
    >>> day(1414683000)
    '2014-10-30 15:30'
    """
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M}"


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
            marks = "●" * len(it.found) + "○" * (all_ - len(it.found))
            beside = f", {len(it.beside)} alert{'s' * (len(it.beside) != 1)} beside them" if it.beside else ""
            self.say(f"  {it.recording.title:42} {marks:5} {len(it.found)} of {all_} labelled incidents found{beside}")
        self.say(
            f"{s.points:,} points of {s.series} series, {s.windows:,} windows judged, {s.anomalies:,} anomalies, "
            f"{s.found} of {s.incidents} labelled incidents found, {s.beside} alerts beside them, {s.seconds:.0f} s"
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


class Picture(Lines):
    """A picture that is drawn again and again."""

    def __init__(self, recordings: Sequence[Recording], console: Console) -> None:
        super().__init__(recordings, console)
        self._live = Live(console=console, refresh_per_second=8, transient=True)
        self._newest: list[Text] = []
        self._alerts: dict[str, str] = {}
        self._counts = dict.fromkeys(self._recordings, 0)

    def alerts(self, news: Sequence[dict[str, Any]]) -> None:
        for body in news:
            self._newest = [*self._newest, self._line(body)][-NEWEST:]
            metric = body["labels"]["metric"]
            self._alerts[metric] = body["status"]
            if metric in self._counts and body["status"] == "firing":
                self._counts[metric] += 1

    def draw(self, replay: Replay, watch: Watch, store: Store) -> None:
        self._live.update(Group(self._head(replay, watch), self._table(store), self._own(store), self._log()))

    def _head(self, replay: Replay, watch: Watch) -> RenderableType:
        grid = Table.grid(expand=True, padding=(0, 2))
        grid.add_column(ratio=1)
        grid.add_column(justify="right")
        bar = ProgressBar(replay.total, replay.sent, complete_style="cyan", finished_style="cyan")
        done = watch.points["accepted"]
        told = Text.assemble((f"{watch.rate:>8,.0f}", "bold cyan"), " points/s   ", (f"{done:>7,}", "bold"), " points")
        grid.add_row(bar, told)
        return Panel(grid, title="[bold]ALL-USE Learning[/] · recorded incidents, replayed", border_style="cyan")

    def _table(self, store: Store) -> RenderableType:
        table = Table(expand=True, box=None, padding=(0, 1), header_style="dim")
        for name, style in (
            ("series", ""),
            ("recorded", "dim"),
            ("", "cyan"),
            ("now", "bold"),
            ("expected", "dim"),
            ("alerts", ""),
        ):
            table.add_column(name, style=style, no_wrap=True, justify="right" if name in ("now", "alerts") else "left")
        for recording in self._recordings.values():
            table.add_row(*self._row(recording, store))
        return table

    def _row(self, recording: Recording, store: Store) -> list[RenderableType]:
        story, metric = store.story(recording.series, HOURS), recording.metric
        firing = self._alerts.get(metric) == "firing"
        head: list[RenderableType] = [Text(recording.title, "bold red" if firing else "")]
        if not len(story):
            return [*head, "", "", "", "", ""]
        bars = Text(spark(story.mean))
        for at in np.flatnonzero(story.score >= 1.0).tolist():
            bars.stylize("bold red", at, at + 1)
        band = f"{number(story.lower[-1])} – {number(story.upper[-1])}" if np.isfinite(story.upper[-1]) else "learning"
        told = Text(
            f"▲ {self._counts[metric]}" if firing else str(self._counts[metric] or ""), "bold red" if firing else ""
        )
        return [*head, day(story.time[-1] - recording.shift), bars, number(story.mean[-1]), band, told]

    def _own(self, store: Store) -> RenderableType:
        grid = Table.grid(padding=(0, 1), expand=True)
        cells: list[RenderableType] = [Text(" this machine", "dim")]
        for pattern, title, unit in OWN:
            name = next(iter(store.names(pattern)), "")
            values = store.points(name)[1] if name else np.array([])
            now = f"{number(values[-1])} {unit}" if len(values) else ""
            cells.append(Text.assemble((f"{title} ", "dim"), (spark(values, 16), "magenta"), f" {now}"))
        grid.add_row(*cells)
        return grid

    def _log(self) -> RenderableType:
        rest = [Text("")] * (NEWEST - len(self._newest))
        return Panel(
            Group(*reversed(self._newest), *rest), title="newest alerts", border_style="red", title_align="left"
        )

    def __enter__(self) -> Screen:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()
        for line in self._newest:
            self._console.print(line, soft_wrap=True)
