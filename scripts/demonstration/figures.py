"""Which plots the report has: of a recorded series the whole, each alert close by, the usual day, the day ahead; of this machine, all."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from scripts.demonstration.plot import DAY, Plot, frame, when
from scripts.demonstration.recordings import Recording
from scripts.demonstration.store import HOUR, Fired, Float, Store, Story
from scripts.demonstration.summary import Outcome

MACHINE = (
    ("cpu,%usage_active", "Processor, % busy"),
    ("mem,% used_percent", "Memory, % used"),
    ("system,% load1", "Load over one minute"),
    ("diskio,% write_bytes", "Disk, bytes written a second"),
    ("net,% bytes_recv", "Network, bytes received a second"),
)
CLOSE = 42 * HOUR


@dataclass(frozen=True)
class Figures:
    """The plots of a recorded series."""

    overview: Plot
    close: list[tuple[Fired, Plot]]
    usual: Plot | None
    ahead: Plot | None


def figures(store: Store, it: Outcome) -> Figures:
    """Draw what became of a recorded series."""
    story = _recorded(store.story(it.recording.series), it.recording)
    overview = drawn(story, it, it.recording.title, "%-d %b")
    close = [(alert, near(story, it, alert)) for alert in it.alerts]
    return Figures(overview, close, usual(story, it.recording), ahead(store, story, it.recording))


def drawn(story: Story, it: Outcome, title: str, label: str, most: int = 8) -> Plot:
    """Draw hours: values with their extremes, the expected band, odd hours, labelled incidents, alerts."""
    plot = frame(story.time, [story.mean], title)
    plot.top += 0.12 * (plot.top - plot.bottom)  # room for the incidents' names
    shift = it.recording.shift
    for incident in it.recording.incidents:
        plot.span("incident", incident.start, incident.end, incident.what)
    for alert in it.alerts:
        plot.span("alert", alert.start - shift, alert.end - shift, "alert")
    plot.band("band", story.time, story.lower, story.upper)
    plot.line("yhat", story.time, story.yhat)
    plot.line("value", story.time, story.mean)
    odd = story.score >= 1.0
    plot.dots("odd", story.time[odd], story.mean[odd])
    plot.axes(when(label), most)
    plot.tell(story.time, [story.mean, story.lower, story.upper, story.score])
    return plot


def near(story: Story, it: Outcome, alert: Fired) -> Plot:
    """Draw the days around an alert, the range within each hour too."""
    start, end = alert.start - it.recording.shift, alert.end - it.recording.shift
    part = story.between(start - CLOSE, end + CLOSE)
    plot = drawn(part, it, f"{it.recording.title}, around the alert", "%-d %b", 5)
    plot.band("range", part.time, part.low, part.high)
    plot.paths.insert(0, plot.paths.pop())  # behind everything else
    return plot


def usual(story: Story, recording: Recording) -> Plot | None:
    """Draw the day that is expected at the end, on weekdays and on weekends."""
    last = story.between(story.time[-1] - 14 * DAY, story.time[-1] + 1)
    hour = (last.time % DAY // HOUR).astype(np.int64)
    weekend = (last.time // DAY + 3) % 7 >= 5
    days = [np.array([_mean(last.yhat[(hour == h) & (weekend == kind)]) for h in range(24)]) for kind in (False, True)]
    if not np.isfinite(np.concatenate(days)).any():
        return None
    x = np.arange(24.0) * HOUR
    plot = frame(x, days, f"{recording.title}: the usual day")
    plot.line("value", x, days[0])
    plot.line("weekend", x, days[1])
    plot.axes(when("%H:%M"), 4)
    plot.tell(x, [days[0], days[1], days[1] * np.nan, days[1] * np.nan])
    return plot


def ahead(store: Store, story: Story, recording: Recording) -> Plot | None:
    """Draw the last days, and what the model foresees of the next."""
    rows = store.rows(
        "SELECT time / 1e9, yhat, yhat_lower, yhat_upper FROM forecasts WHERE series = ? AND "
        "json_extract(tags, '$.horizon') = '86400s' AND time > ? ORDER BY time",
        recording.series, int(story.time[-1] + recording.shift) * 10**9,
    )  # fmt: skip
    if not rows:
        return None
    x, yhat, lower, upper = np.array(rows, np.float64).T
    x = x - recording.shift
    last = story.between(story.time[-1] - 4 * DAY, story.time[-1] + 1)
    plot = frame(last.time, [last.mean, yhat], f"{recording.title}: the day ahead", float(x[-1]))
    plot.band("band", x, lower, upper)
    plot.line("value", last.time, last.mean)
    plot.line("forecast", x, yhat)
    plot.axes(when("%-d %b"), 5)
    plot.tell(np.concatenate([last.time, x]), _beside(last, yhat, lower, upper))
    return plot


def machine(store: Store) -> list[Plot]:
    """Draw this machine's own metrics, second by second, with the band of the detector on points."""
    plots = []
    for pattern, title in MACHINE:
        drawings = [(name, *_gauge(store, name)) for name in store.names(pattern)]
        busy = [drawing for drawing in drawings if len(drawing[1]) > 2]
        if busy:
            plots.append(_own(store, title, *max(busy, key=lambda drawing: drawing[2].sum())))
    return plots


def _own(store: Store, title: str, name: str, time: Float, value: Float) -> Plot:
    rows = store.rows(
        "SELECT time / 1e9, yhat_lower, yhat_upper, score FROM scores WHERE series = ? AND json_extract(tags, '$.detector') = 'ewma'",
        name,
    )
    known = {row[0]: row[1:] for row in rows}
    lower, upper, score = np.array([known.get(t, (np.nan,) * 3) for t in time.tolist()], np.float64).T
    plot = frame(time, [value], title)
    plot.band("band", time, lower, upper)
    plot.line("value", time, value)
    plot.dots("odd", time[score >= 1.0], value[score >= 1.0])
    plot.axes(when("%H:%M:%S"), 3)
    plot.tell(time, [value, lower, upper, score])
    return plot


def _gauge(store: Store, name: str) -> tuple[Float, Float]:
    time, value = store.points(name)
    if name.partition(",")[0] in ("diskio", "net"):
        return time[1:], np.maximum(np.diff(value), 0) / np.diff(time)
    return time, value


def _recorded(story: Story, recording: Recording) -> Story:
    return Story(story.time - recording.shift, *list(vars(story).values())[1:])


def _mean(values: Float) -> float:
    return float(np.nanmean(values)) if np.isfinite(values).any() else np.nan


def _beside(last: Story, yhat: Float, lower: Float, upper: Float) -> list[Float]:
    none = np.full(len(last), np.nan)
    return [np.concatenate(pair) for pair in ((last.mean, yhat), (none, lower), (none, upper), (none, yhat * np.nan))]
