"""Kinds of anomalies: ``high`` or ``low`` at first, settled by what the series does next.

Once `AFTER` further readings (or windows) of the series are known, or it falls silent, an anomaly is one of

- ``dropout``: it fell to nothing (a twentieth of what was expected, or less), or the series stopped;
- ``flatline``: the same reading came again and again;
- ``variance``: what followed lay beyond the band on either side;
- ``level-shift``: most of what followed lay beyond the band on the same side;
- ``spike``, ``dip``: it went back.

The band is that of the anomaly itself.  The settled kind is written as the same row: same series, time and tags.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from config.records import Bool, Column, Float, Int, Rows, Scored, Scores, StateRows
from operators.kernel import kernel

Keep = Literal["none", "windows", "all"]
AFTER = 8
MOST = 6
NOTHING_LEFT = 0.05
NUMBERS = ("score", "y", "yhat", "yhat_lower", "yhat_upper")
OPEN = np.dtype(
    [("slot", "i8"), ("time", "i8")]
    + [(name, "f8") for name in NUMBERS]
    + [(name, "i4") for name in ("detector", "next", "after", "same", "beyond", "opposite", "stopped", "pad")]
)


@kernel
def see(a: Any, x: float) -> None:
    """Count one reading after an anomaly by where it lies."""
    a["after"] += 1
    if x == a["y"]:
        a["same"] += 1
    if x < a["yhat_lower"] or x > a["yhat_upper"]:
        if (x < a["yhat"]) == (a["y"] < a["yhat"]):
            a["beyond"] += 1
        else:
            a["opposite"] += 1


@kernel
def stop(slot: int, head: Int, pool: StateRows, done: Int, n: int) -> int:
    """Settle all that is open of a series that fell silent."""
    e = head[slot] if slot < len(head) else -1
    while e >= 0:
        pool[e]["stopped"] = 1
        done[n] = e
        n += 1
        e = pool[e]["next"]
        head[slot] = e
    return n


@kernel
def pass_on(slot: int, x: float, head: Int, pool: StateRows, done: Int, n: int) -> int:
    """Show one reading to all that is open of its series; what has seen enough is settled, oldest first."""
    e = head[slot]
    while e >= 0:
        see(pool[e], x)
        following = pool[e]["next"]
        if pool[e]["after"] >= AFTER:
            done[n] = e
            n += 1
            head[slot] = following
        e = following
    return n


@kernel
def append(e: int, head: Int, pool: StateRows) -> None:
    """Put an entry behind the others of its series."""
    slot, last = pool[e]["slot"], -1
    pool[e]["next"] = -1
    following = head[slot]
    while following >= 0:
        last, following = following, pool[following]["next"]
    if last < 0:
        head[slot] = e
    else:
        pool[last]["next"] = e


@kernel
def replay(points: tuple[Int, Float, Int], silences: tuple[Int, Int], at: Int, head: Int, pool: StateRows) -> Int:
    """Go through points and silences in their order; entry `e` opens at point ``at[e]``, at -1 before all of them.

    Returns
    -------
    Int
        The entries settled, in order.
    """
    codes, value, position = points
    silent_from, silent = silences
    done = np.empty(len(pool), np.int64)
    n = k = e = 0
    while e < len(at) and at[e] < 0:
        append(e, head, pool)
        e += 1
    for i in range(len(codes)):
        while k < len(silent) and silent_from[k] <= position[i]:
            n = stop(silent[k], head, pool, done, n)
            k += 1
        if not np.isnan(value[i]):
            n = pass_on(codes[i], value[i], head, pool, done, n)
        while e < len(at) and at[e] == i:
            append(e, head, pool)
            e += 1
    while k < len(silent):
        n = stop(silent[k], head, pool, done, n)
        k += 1
    return done[:n]


Snapshot = tuple[str, tuple[str, ...], bytes]


class Kinds:
    """Anomalies of one step of a shard whose kind is still open.

    Examples
    --------
    >>> from config.records import NOTHING, Poll, Series, Silences
    >>> s, n = Series(), 9
    >>> y = np.array([9.0, *[2.0] * 8])
    >>> score = Scores(np.array([1.5, *[0.0] * 8]), y * 0 + 2, y * 0 + 1, y * 0 + 3)
    >>> codes = np.full(n, s.code("a x"))
    >>> at = np.arange(n)
    >>> it = Scored("60s", Poll.of([]), s, codes, at, at, y, {}, {"ewma": score}, at, at, Silences.none())
    >>> [(rows.time.tolist(), rows.fields["kind"]) for rows in Kinds().update(it, NOTHING)]
    [([0], ['spike'])]
    """

    def __init__(self, snapshot: Snapshot | None = None) -> None:
        _, names, rows = snapshot or ("", (), b"")
        self.names = list(names)
        self.open = np.frombuffer(rows, OPEN).copy()
        self.head = np.full(0, -1)

    def update(self, it: Scored, fresh: Int) -> list[Rows]:
        """Show what came to the anomalies that are open, and open the new ones; return those settled, in order."""
        if len(self.open) and len(fresh):
            self.open = self.open[~np.isin(self.open["slot"], fresh)]
        new, at = self._opened(it)
        if not len(self.open) + len(new):
            return []
        pool = np.concatenate([self.open, new])
        self._widen(max(pool["slot"].max(), it.codes.max(initial=0)) + 1)
        stopped = it.silences.seconds >= 0
        silences = it.silences.position[stopped], it.silences.codes[stopped]
        starts = np.concatenate([np.full(len(self.open), -1), at])
        done = replay((_own(it.codes), _own(it.value), _own(it.position)), silences, starts, self.head, pool)
        self.head[pool["slot"]] = -1
        left = np.ones(len(pool), bool)
        left[done] = False
        self.open = pool[left]
        return self._rows(it, pool[done])

    def snapshot(self) -> Snapshot:
        """Return what is open, as bytes, and the detectors it is numbered by."""
        return "kinds-1", tuple(self.names), self.open.tobytes()

    def _widen(self, slots: int) -> None:
        if slots > len(self.head):
            self.head = np.full(2 * slots, -1)

    def _opened(self, it: Scored) -> tuple[StateRows, Int]:
        found = [(k, np.flatnonzero(s.score >= 1.0), name) for k, (name, s) in enumerate(it.scores.items())]
        at = np.concatenate([i for _, i, _ in found]) if found else np.empty(0, np.int64)
        new = np.zeros(len(at), OPEN)
        start = 0
        for _, i, name in found:
            part = new[start : start + len(i)]
            part["slot"], part["time"], part["detector"] = it.codes[i], it.time[i], self._number(name)
            for field, column in numbers(it, it.scores[name]).items():
                part[field] = column[i]
            start += len(i)
        order = np.argsort(at, kind="stable")
        return new[order], at[order]

    def _number(self, name: str) -> int:
        if name not in self.names:
            self.names.append(name)
        return self.names.index(name)

    def _rows(self, it: Scored, settled: StateRows) -> list[Rows]:
        """Return rows by detector, in the order in which they were settled."""
        out = []
        for number in np.unique(settled["detector"]).tolist():
            a, name = settled[settled["detector"] == number], self.names[number]
            fields: dict[str, Column] = {field: a[field].copy() for field in NUMBERS}
            fields["kind"] = kinds(a, name)
            tags = {"step": it.step, "detector": name}
            out.append(Rows("anomalies", it.series, a["slot"].copy(), a["time"].copy(), tags, fields))
        return out


def _own(column: Any) -> Any:
    return np.require(column, None, ["C", "W", "A"])


def kinds(a: StateRows, detector: str) -> list[str]:
    """Name what anomalies were, from what was counted after each."""
    surely_not_nothing = (a["yhat_lower"] > 0) | (a["yhat_upper"] < 0)
    nothing_left = surely_not_nothing & (np.abs(a["y"]) <= NOTHING_LEFT * np.abs(a["yhat"]))
    first_that_holds = {
        "dropout": (a["stopped"] == 1) | nothing_left,
        "flatline": (a["same"] >= AFTER) | (detector == "flatline"),
        "variance": np.minimum(a["beyond"], a["opposite"]) >= 2,
        "level-shift": a["beyond"] >= MOST,
        "dip": a["y"] < a["yhat"],
    }
    found: list[str] = np.select(list(first_that_holds.values()), list(first_that_holds), "spike").tolist()
    return found


def numbers(it: Scored, s: Scores) -> dict[str, Float]:
    """Columns of `scores` and `anomalies` by field."""
    return {"score": s.score, "y": it.value, "yhat": s.yhat, "yhat_lower": s.lower, "yhat_upper": s.upper}


def rows(it: Scored, keep: Keep) -> list[Rows]:
    """Turn scores into what the stores write: `scores` when kept, `anomalies`, and those that were settled, in this order.

    Parameters
    ----------
    keep
        ``none``; ``windows``: scores of every step but points; ``all``.

    Examples
    --------
    >>> from config.records import Poll, Series, Silences
    >>> s, at = Series(), np.arange(2)
    >>> score = Scores(np.array([np.nan, 1.5]), *np.array([[2.0, 2.0], [1.0, 1.0], [3.0, 3.0]]))
    >>> codes = np.full(2, s.code("a x"))
    >>> it = Scored("60s", Poll.of([]), s, codes, at, at, np.array([2.0, 9.0]), {}, {"ewma": score}, at, at, Silences.none())
    >>> [(r.measurement, r.tags, r.time, r.fields["y"], r.fields.get("kind")) for r in rows(it, "windows")]
    [('scores', {'step': '60s', 'detector': 'ewma'}, array([1]), array([9.]), None),
     ('anomalies', {'step': '60s', 'detector': 'ewma'}, array([1]), array([9.]), ['high'])]
    """
    kept = keep == "all" or (keep == "windows" and it.step != "points")
    out: list[Rows] = []
    for name, s in it.scores.items():
        if kept and not np.isnan(s.score).all():
            out.append(_columns("scores", it, name, ~np.isnan(s.score)))
        odd = s.score >= 1.0
        if odd.any():
            anomalies = _columns("anomalies", it, name, odd)
            anomalies.fields["kind"] = ["low" if low else "high" for low in (it.value < s.yhat)[odd]]
            out.append(anomalies)
    return [*out, *it.settled]


def _columns(measurement: str, it: Scored, detector: str, mask: Bool) -> Rows:
    columns = {field: column[mask] for field, column in numbers(it, it.scores[detector]).items()}
    tags = {"step": it.step, "detector": detector}
    return Rows(measurement, it.series, it.codes[mask], it.time[mask], tags, {**columns})
