"""The report: one HTML file, complete in itself, of what stands in the store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jinja2
import numpy as np

from scripts.demonstration.figures import figures, machine
from scripts.demonstration.plot import Plot
from scripts.demonstration.recordings import Incident, Recording
from scripts.demonstration.store import Fired, Store
from scripts.demonstration.summary import Outcome, Summary, meet
from scripts.demonstration.words import day, number

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Told:
    """An alert in words."""

    number: int
    title: str
    at: str
    hours: str
    kind: str
    score: str
    text: str
    label: str
    anchor: str
    close: Plot | None = None


def write(path: Path, store: Store, recordings: Sequence[Recording], summary: Summary) -> None:
    """Write the report.

    Parameters
    ----------
    path
        Where to; its folder is made.
    store
        What is told.
    recordings
        What the series are called, and their labels.
    summary
        As printed.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE), autoescape=True, undefined=jinja2.StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    sections = [section(store, outcome, n) for n, outcome in enumerate(summary.outcomes)]
    text = environment.get_template("report.html.j2").render(
        summary=summary,
        sections=sections,
        alerts=[told for it in sections for told in it["alerts"]],
        live=[live(alert) for alert in summary.live],
        machine=machine(store),
        made=f"{datetime.now(UTC):%-d %B %Y, %H:%M} UTC",
        sources=sorted({recording.source.partition(" · ")[0] for recording in recordings}),
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def section(store: Store, it: Outcome, n: int) -> dict[str, Any]:
    """Return what the page says of a recorded series."""
    drawn = figures(store, it)
    told = [tell(alert, it.recording, k, f"s{n}", plot) for k, (alert, plot) in enumerate(drawn.close)]
    missed = [incident for incident in it.recording.incidents if incident not in it.found]
    return {
        "anchor": f"s{n}",
        "recording": it.recording,
        "outcome": it,
        "missed": [f"{incident.what}, {day(incident.start)}" for incident in missed],
        "alerts": told,
        "overview": drawn.overview,
        "usual": drawn.usual,
        "ahead": drawn.ahead,
        "facts": facts(store, it.recording),
        "span": f"{day(it.recording.points[0][0])[:10]} to {day(it.recording.points[-1][0])[:10]}",
    }


def tell(alert: Fired, recording: Recording, k: int, anchor: str, plot: Plot) -> Told:
    """Put an alert of a recorded series into words, in recorded time."""
    hits = [incident for incident in recording.incidents if meet(alert, incident, recording.shift)]
    hours = round((alert.end - alert.start) / 3600)
    return Told(
        number=k + 1,
        title=recording.title,
        at=day(alert.at - recording.shift),
        hours=f"{hours} hour{'s' * (hours != 1)}",
        kind=alert.kind,
        score=number(alert.score),
        text=alert.summary
        if not np.isfinite(alert.upper)
        else f"{number(alert.value)}, expected {number(alert.lower)} to {number(alert.upper)}",
        label=_what(hits),
        anchor=f"{anchor}-{k}",
        close=plot,
    )


def live(alert: Fired) -> Told:
    """Put an alert of this machine into words."""
    seconds = alert.end - alert.at
    return Told(
        0, alert.name, f"{datetime.fromtimestamp(alert.at, UTC):%H:%M:%S} UTC", f"{seconds} s",
        "", number(alert.score), alert.summary, "", "machine",
    )  # fmt: skip


def facts(store: Store, recording: Recording) -> list[tuple[str, str]]:
    """Return what was learnt of a series, as pairs of what and how."""
    story = store.story(recording.series, 168)
    half = float(np.nanmedian(story.upper - story.lower)) / 2
    events = store.rows(
        "SELECT time, json_extract(tags, '$.type'), text FROM events WHERE series = ? ORDER BY time", recording.series
    )
    trends = store.rows("SELECT sum(sign > 0), sum(sign < 0), count(*) FROM trends WHERE series = ?", recording.series)
    found = [
        (
            "Expected in the last week",
            f"{number(float(np.nanmean(story.yhat)))} on average; half the bands are narrower than ±{number(half)}",
        )
    ]
    if trends and trends[0][2]:
        rising, falling, all_ = trends[0]
        sure = f"rising in {rising / all_:.0%} of the hours, falling in {falling / all_:.0%}"
        found.append(("Trends that are sure", sure if rising + falling else "none"))
    found += [(f"{kind.capitalize()}, {day(at // 10**9 - recording.shift)}", text) for at, kind, text in events[-3:]]
    return found


def _what(hits: list[Incident]) -> str:
    return ", ".join(dict.fromkeys(hit.what for hit in hits))
