"""Window: summaries of several lengths in one pass, written as they become known, judged once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import bytewax.operators as op
import numpy as np
from bytewax.dataflow import operator
from bytewax.operators import KeyedStream, StatefulBatchLogic

from config.packing import SnapshotError, pack, restored
from config.records import SECOND, Checked, Column, Float, Int, Rows, StateRows, Windows
from operators import tumble
from operators.checks import NEVER
from operators.sketch import CLASSES, EXACT

ORDER = {name: k for k, name in enumerate(tumble.FIELDS)}
WHOLE = ("count", "revision")
KEPT = [name for name in tumble.WINDOW.names or () if name not in (*tumble.DERIVED, "block")]


class Windowed(NamedTuple):
    """What a batch brings: windows to judge, a record a length, and rows to store."""

    judged: list[Windows]
    rows: list[Rows]


class Window:
    """The windows of one shard.

    Parameters
    ----------
    every
        Lengths in seconds.
    lateness
        ns that a point may be behind its series' newest stamp.
    fields
        Fields of the rows to store; `revision`, and `rate` of counters, always come with them.
    snapshot
        What `snapshot` returned, to go on from there.

    Examples
    --------
    >>> from config.records import MetricBatch, Silences
    >>> b = MetricBatch.of([("a x", 0, 1.0), ("a x", 30, 3.0), ("a x", 61, 9.0)], seconds=True)
    >>> seen = Checked(b, np.ones(3, bool), b.value, np.array([0]), Silences.none())
    >>> out = Window([60], 300 * SECOND, ["mean", "max"]).update(seen)
    >>> {name: column.tolist() for name, column in out.rows[0].fields.items()}
    {'mean': [2.0], 'max': [3.0], 'revision': [0]}
    >>> out.judged[0].step, out.judged[0].time.tolist(), out.judged[0].value.tolist()
    ('60s', [0], [2.0])
    """

    VERSION = "window-3"

    def __init__(
        self, every: Sequence[int], lateness: int, fields: Sequence[str], snapshot: tuple[Any, ...] | None = None
    ) -> None:
        self.lengths = np.array(sorted(every), np.int64) * SECOND
        self.lateness, self.fields = lateness, [f for f in fields if f != "rate"]
        self.tracks: StateRows = tumble.TRACK[:0].copy()
        self.chains: StateRows = np.repeat(tumble.CHAIN[None, :0], len(self.lengths), 0)
        self.ends: Int = np.full(2 + len(self.lengths), -1, np.int64)
        self.shard: Int = np.array([NEVER], np.int64)
        self.table: StateRows = np.zeros(256, tumble.WINDOW)
        self.pool: Int = np.zeros(2 * tumble.ROOM * len(self.lengths), np.int64)
        self.free: Int = np.append(np.full(CLASSES, -1), 0).astype(np.int64)
        self.spare: Int = np.array([-1, 0], np.int64)
        deep = (lateness // int(self.lengths[0]) + 5) * len(self.lengths)
        self.what = np.empty((max(1024, 4 * deep), 7), np.int64)
        self.out = np.empty((len(self.what), tumble.WIDTH))
        self.scratch = np.empty(EXACT)
        self.series: Any = None
        if snapshot is not None:
            self._restore(snapshot)

    def update(self, checked: Checked) -> Windowed:
        """Add a batch of accepted points; after an idle poll, write what the clock closes."""
        b = checked.points
        self._grow(len(b.series))
        if len(checked.fresh):
            tumble.forget(checked.fresh, self.tracks, self.chains, self.ends, self._store(), tumble.TRACK, tumble.CHAIN)
        found = self._quiet(checked.idle) if checked.idle else self._tumble(checked)
        what = np.concatenate([w for w, _ in found]) if found else np.empty((0, 7), np.int64)
        out = np.concatenate([r for _, r in found]) if found else np.empty((0, tumble.WIDTH))
        counter = b.series.counters()
        judged, rows = [], []
        for k, length in enumerate(self.lengths.tolist()):
            mine = what[:, 1] == k
            w, r = what[mine], out[mine]
            if len(w):
                rows.append(self._rows(checked, length, w, r, counter))
            now = w[:, 4] == 1
            if now.any() or len(checked.fresh) or len(checked.silences):
                judged.append(_judged(checked, length, w[now], r[now], counter))
        return Windowed(judged, rows)

    def snapshot(self) -> tuple[Any, ...]:
        """Return all open windows, as immutable bytes: field by field, which packs better, without what follows from the rest."""
        n, rows = len(self.tracks), int(self.spare[1])
        table = self.table[:rows]
        words = np.empty(int(self.free[CLASSES]), np.int64)
        words = words[: tumble.gather(table, rows, self.pool, words)]
        sketched = table["count"] > EXACT
        fields = [table[name] for name in KEPT] + [table[name][sketched] for name in tumble.DERIVED]
        arrays = (words, self.tracks, self.chains, self.ends, self.shard, self.spare)
        return (
            self.VERSION,
            tuple(self.lengths.tolist()),
            n,
            [f.tobytes() for f in fields],
            *(a.tobytes() for a in arrays),
        )

    def _restore(self, snapshot: tuple[Any, ...]) -> None:
        version, lengths, n, fields, words, tracks, chains, ends, shard, spare = snapshot
        if version != self.VERSION:
            raise SnapshotError(f"snapshot {version} is not {self.VERSION}: start with an empty recovery store")
        if lengths != tuple(self.lengths.tolist()):
            raise SnapshotError(
                f"windows.every was {[x // SECOND for x in lengths]} when state was saved: "
                "set it back, or start with an empty recovery store"
            )
        self.tracks = np.frombuffer(tracks, tumble.TRACK.dtype).copy()
        self.chains = np.frombuffer(chains, tumble.CHAIN.dtype).reshape(len(lengths), n).copy()
        self.ends, self.shard, self.spare = (np.frombuffer(a, np.int64).copy() for a in (ends, shard, spare))
        rows = int(self.spare[1])
        self.table = np.zeros(rows + 256, tumble.WINDOW)
        for name, saved in zip(KEPT, fields, strict=False):
            self.table[name][:rows] = np.frombuffer(saved, tumble.WINDOW[name])
        sketched = self.table["count"] > EXACT
        for name, saved in zip(tumble.DERIVED, fields[len(KEPT) :], strict=True):
            self.table[name][sketched] = np.frombuffer(saved, tumble.WINDOW[name])
        blocks = int((8 << self.table["size"].astype(np.int64)).sum())
        self.pool = np.append(np.zeros(blocks, np.int64), np.zeros_like(self.pool))
        saved = np.frombuffer(words, np.int64).copy()
        tumble.scatter(self.table, rows, saved, self.pool, self.pool.view(np.float64), self.free)

    def _grow(self, slots: int) -> None:
        if slots > len(self.tracks):
            more = max(64, slots, 2 * len(self.tracks)) - len(self.tracks)
            self.tracks = np.append(self.tracks, np.repeat(tumble.TRACK, more))
            fresh = np.repeat(tumble.CHAIN, more)[None].repeat(len(self.lengths), 0)
            self.chains = np.append(self.chains, fresh, 1)

    def _store(self) -> tuple[StateRows, Int, Float, Int, Int]:
        return self.table, self.pool, self.pool.view(np.float64), self.free, self.spare

    def _room(self) -> None:
        """Grow the tables by half where they run short."""
        lengths = len(self.lengths)
        if len(self.table) - self.spare[1] < lengths:
            self.table = np.append(self.table, np.zeros(max(256, len(self.table) // 2), tumble.WINDOW))
        if len(self.pool) - self.free[CLASSES] < tumble.ROOM * lengths:
            more = max(tumble.ROOM * lengths, len(self.pool) // 2)
            self.pool = np.append(self.pool, np.zeros(more, np.int64))

    def _tumble(self, checked: Checked) -> list[tuple[Int, Float]]:
        b = checked.points
        counter = b.series.counters()
        columns = (b.codes, b.time, b.value, b.offset, counter[b.codes])
        series = (self.tracks, self.chains, self.ends, self.shard)
        found, p = [], 0
        while p < len(b):
            self._room()
            p, n = tumble.tumble(
                p, columns, self.lengths, self.lateness, series, self._store(), (self.what, self.out, self.scratch)
            )
            if n:
                found.append((self.what[:n].copy(), self.out[:n].copy()))
        return found

    def _quiet(self, idle: int) -> list[tuple[Int, Float]]:
        """Write what ends within `idle` ns beyond the shard's newest stamp."""
        if self.shard[0] == NEVER:
            return []
        found, s = [], 0
        while s < self.chains.shape[1]:
            s, n = tumble.tumble_quiet(
                s, self.shard[0] + idle, self.lengths, self.chains, self._store(), (self.what, self.out, self.scratch)
            )
            if n:
                found.append((self.what[:n].copy(), self.out[:n].copy()))
        return found

    def _rows(self, checked: Checked, length: int, what: Int, out: Float, counter: Any) -> Rows:
        columns: dict[str, Column] = {f: _column(f, out) for f in self.fields}
        rate = np.where(counter[what[:, 0]], out[:, ORDER["rate"]], np.nan)
        if not np.isnan(rate).all():
            columns["rate"] = rate
        columns["revision"] = _column("revision", out)
        tags = {"length": f"{length // SECOND}s"}
        return Rows("windows", checked.points.series, what[:, 0], what[:, 3], tags, columns)


def _column(name: str, out: Float) -> Float | Int:
    column = out[:, ORDER[name]]
    return column.astype(np.int64) if name in WHOLE else column.copy()


def _judged(checked: Checked, length: int, what: Int, out: Float, counter: Any) -> Windows:
    b = checked.points
    fields = {name: out[:, k].copy() for name, k in ORDER.items()}
    fields["rate"] = np.where(counter[what[:, 0]], fields["rate"], np.nan)
    value = np.where(counter[what[:, 0]], fields["rate"], fields["mean"])
    step = f"{length // SECOND}s"
    codes, time, position = what[:, 0].copy(), what[:, 3].copy(), what[:, 2].copy()
    first, last = what[:, 5].copy(), what[:, 6].copy()
    return Windows(
        step, b.poll, b.series, codes, time, value, fields, position, first, last, checked.fresh, checked.silences
    )


class _Logic(StatefulBatchLogic[Checked, Windowed, bytes]):
    def __init__(self, window: Window) -> None:
        self.window = window

    def on_batch(self, values: list[Checked]) -> tuple[Iterable[Windowed], bool]:
        return [self.window.update(c) for c in values], self.RETAIN

    def snapshot(self) -> bytes:
        return pack(self.window.snapshot())


@dataclass(frozen=True)
class Streams:
    """The streams that leave `window`."""

    judged: KeyedStream[Windows]
    rows: KeyedStream[Rows]


@operator
def window(
    step_id: str, up: KeyedStream[Checked], every: Sequence[int], lateness: int, fields: Sequence[str]
) -> Streams:
    """Summarise each shard's points: see `Window`."""
    out = op.stateful_batch(
        "tumble", up, lambda packed: _Logic(restored(partial(Window, every, lateness, fields), packed))
    )
    return Streams(
        op.flat_map_value("judged", out, lambda w: w.judged), op.flat_map_value("rows", out, lambda w: w.rows)
    )
