"""The live picture at a terminal: throughput, every series with its course and band, the newest alerts."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Any

import numpy as np
from rich.console import Console, Group, JustifyMethod, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from scripts.demonstration.lines import Lines, Screen
from scripts.demonstration.recordings import Recording
from scripts.demonstration.replay import Replay
from scripts.demonstration.store import Store
from scripts.demonstration.watch import Watch
from scripts.demonstration.words import day, number, spark

HOURS = (12, 72)  # at least and at most, as wide as the terminal lets them be
WIDE = 104  # columns that everything but the bars takes
NEWEST = 8
COLUMNS: tuple[tuple[str, str, JustifyMethod], ...] = (
    ("series", "", "left"),
    ("recorded", "dim", "left"),
    ("", "cyan", "left"),
    ("now", "bold", "right"),
    ("expected", "dim", "left"),
    ("alerts", "", "right"),
)
OWN = (("cpu,%usage_active", "processor", "%"), ("mem,% used_percent", "memory", "%"), ("system,%load1", "load", ""))


def screen(recordings: Sequence[Recording], console: Console | None = None) -> Screen:
    """Return what suits the console: standard output by default."""
    console = console or Console(highlight=False)
    return Picture(recordings, console) if console.is_terminal else Lines(recordings, console)


class Picture(Lines):
    """A picture that is drawn again and again."""

    def __init__(self, recordings: Sequence[Recording], console: Console) -> None:
        super().__init__(recordings, console)
        self._live = Live(console=console, refresh_per_second=8, transient=True)
        self._lines: list[Text] = []
        self._alerts: dict[str, str] = {}
        self._counts = dict.fromkeys(self._recordings, 0)

    def alerts(self, news: Sequence[dict[str, Any]]) -> None:
        for body in news:
            self._lines.append(self._line(body))
            if not self._live.is_started:
                self._console.print(self._lines[-1], soft_wrap=True)
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
        for name, style, side in COLUMNS:
            table.add_column(name, style=style, no_wrap=True, justify=side)
        for recording in self._recordings.values():
            table.add_row(*self._row(recording, store))
        if self._console.width < WIDE + HOURS[0]:
            del table.columns[1]
        return table

    def _row(self, recording: Recording, store: Store) -> list[RenderableType]:
        hours = int(np.clip(self._console.width - WIDE, *HOURS))
        story, metric = store.story(recording.series, hours), recording.metric
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
        newest = self._lines[-NEWEST:]
        rest = [Text("")] * (NEWEST - len(newest))
        log = Text("\n").join([*reversed(newest), *rest])
        log.no_wrap, log.overflow = True, "ellipsis"
        return Panel(log, title="newest alerts", border_style="red", title_align="left")

    def __enter__(self) -> Screen:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()
        for line in self._lines:
            self._console.print(line, soft_wrap=True)
