"""Alerts of a fleet: how many the whole live flow raises in a quiet day, and how many incidents they tell.

Items: ``sort``, ``seed``, ``size``, ``points``; and ``recorded``, the series that a recorded fleet is cut from.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

import numpy as np

from config.records import SECOND
from scripts.yardstick import fleet, task
from scripts.yardstick.fleet import DAY, EVERY, Fleet
from scripts.yardstick.incidents import KINDS, MINUTE, PLANTED, Incident, plant
from scripts.yardstick.said import Fired, Flow
from scripts.yardstick.series import Labelled
from scripts.yardstick.sets import Set

START = 1_767_225_600  # s: midnight
SORTS = (*fleet.SORTS, "recorded")
LATE = 10 * MINUTE  # readings after its end in which an incident may still be told
SIZE, SMALL = 100, 20  # series of a sort, and when it should be quick


def fleets(recorded: Sequence[Labelled], seed: int, quick: bool) -> Set:
    """Return a fleet of each sort; a hundred series each, a thousand and some that were recorded in all."""
    size = SMALL if quick else SIZE
    sorts = SORTS if recorded else tuple(fleet.SORTS)
    return Set(
        "fleet",
        "fleet",
        [
            {
                "sort": sort,
                "seed": seed,
                "size": size,
                "points": 2 * size * DAY,
                "recorded": recorded if sort == "recorded" else (),
            }
            for sort in sorts
        ],
    )


def mark(item: task.Item, run: Flow) -> dict[str, float]:
    """Count alerts of the quiet fleet, and of the same fleet with incidents those that are told, and the alerts beside them."""
    sort, dice = item["sort"], np.random.default_rng([item["seed"], *item["sort"].encode()])
    quiet = fleet.drawn(sort, dice, item["size"], item["recorded"])
    raised = len(run(messages(quiet, sort)))
    wrong, planted = plant(quiet, PLANTED.get(sort, ()), dice)
    fired = run(messages(wrong, sort)) if planted else []
    found = {incident: any(tells(it, incident) for it in fired) for incident in planted}
    beside = sum(not any(tells(it, incident) for incident in planted) for it in fired)
    marks = {"found": sum(found.values()), "planted": len(planted), "beside": beside}
    for it in SORTS:
        marks |= {f"{it}_alerts": raised * (it == sort), f"{it}_series": item["size"] * (it == sort)}
    for kind in KINDS:
        of_kind = [told for incident, told in found.items() if incident.kind == kind]
        marks |= {f"{kind}_found": sum(of_kind), f"{kind}_planted": len(of_kind)}
    return {name: float(x) for name, x in marks.items()}


def tells(it: Fired, incident: Incident) -> bool:
    """Say whether an alert tells an incident: it is of its series, and began with it."""
    begin, end = (START + at * EVERY for at in (incident.begin, incident.end + LATE))
    return it.host == f"h{incident.series}" and begin <= it.starts <= end


def messages(it: Fleet, sort: str) -> Iterator[tuple[int, bytes]]:
    """Yield what producers send: the time of each message in ns, and its bytes; counters in Telegraf's JSON, all else as line protocol."""
    write = counted if sort == "counter" else lines
    value = np.nancumsum(it.value, axis=1) if sort == "counter" else it.value
    sent = np.where(np.isnan(it.value), np.nan, value).T
    for at in range(DAY):
        stamp = START + at * EVERY
        yield stamp * SECOND, write(sort, sent[at].tolist(), stamp)


def lines(sort: str, values: Sequence[float], stamp: int) -> bytes:
    """Write one reading of each series as line protocol."""
    return "\n".join(f"{sort},host=h{k} value={x!r} {stamp}" for k, x in enumerate(values) if x == x).encode()


def counted(sort: str, values: Sequence[float], stamp: int) -> bytes:
    """Write one reading of each series as Telegraf's JSON, said to be counters."""
    rows = [
        {"name": sort, "tags": {"host": f"h{k}"}, "fields": {"value": x}, "timestamp": stamp, "type": "counter"}
        for k, x in enumerate(values)
        if x == x
    ]
    return json.dumps(rows).encode()


def per_day(*sorts: str) -> task.Figure:
    """Return the figure that is how many alerts a thousand quiet series of some sorts raise in a day."""

    def figure(columns: task.Columns) -> float:
        alerts, series = (sum(columns[f"{sort}_{of}"].sum() for sort in sorts) for of in ("alerts", "series"))
        return float(1000.0 * alerts / series) if series else np.nan

    return figure


def share(of: str = "") -> task.Figure:
    """Return the figure that is the share of planted incidents, of one kind or all, that was told."""
    found, planted = (f"{of}_{what}".strip("_") for what in ("found", "planted"))
    return lambda columns: float(columns[found].sum() / columns[planted].sum()) if columns[planted].any() else np.nan


ALERTS = task.Task(
    mark,
    {
        "alerts_per_day": per_day(*fleet.SORTS),
        "recorded": per_day("recorded"),
        "found": share(),
        "beside": lambda columns: float(columns["beside"].sum()),
        **{kind: share(kind) for kind in KINDS},
        **{f"quiet_{sort}": per_day(sort) for sort in fleet.SORTS},
    },
)
