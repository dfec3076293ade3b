"""SQLite: the embedded store, tables named like measurements, rows written over by their key."""

from __future__ import annotations

import json
import logging
import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from config.records import MetricBatch, Row, Rows
from config.series import Name
from config.settings import Settings
from config.telemetry import READY
from sinks.delay import observe
from sinks.line_protocol import Item
from sinks.patience import Backoff
from sinks.series import Remembered, own_tags
from sinks.writer import Sink, Threaded

LOG = logging.getLogger(__name__)
KEY = ("time", "series", "tags")
PASSING = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_PROTOCOL,
}
Values = Iterable[tuple[Any, ...]]


class SqliteWriter:
    """Writes points to the table `points`, rows to the table of their measurement; one transaction a call.

    A file that is locked, full or out of reach is tried again for ever; ``/readyz`` says so.  Several processes may write one file.

    Parameters
    ----------
    path
        The file; its directory is made.

    References
    ----------
    Write-ahead logging: https://sqlite.org/wal.html ; upsert: https://sqlite.org/lang_upsert.html
    """

    name = "sqlite"

    def __init__(self, path: str, busy: float = 5.0) -> None:
        self._path, self._busy = Path(path), busy
        self._db: sqlite3.Connection | None = None
        self._columns: dict[str, set[str]] = {}
        self._point_tags = Remembered(lambda name: _json(dict(Name.of(name).tags)))

    def write(self, items: list[Item]) -> None:
        """Write all of it or, while that fails, none of it."""
        backoff = Backoff(self.name)
        while True:
            try:
                self._transaction(items)
                break
            except sqlite3.OperationalError as error:
                self._forget()
                if error.sqlite_errorcode & 0xFF not in PASSING:
                    raise
                self._say(f"sqlite.path {self._path}: {error}")
                backoff.pause()
            except OSError as error:
                self._say(f"sqlite.path {self._path}: {error}")
                backoff.pause()
        READY.clear(self.name)
        observe(items)

    def flushed(self, seconds: float) -> bool:
        """Return true: a transaction is on disk when `write` returns."""
        return True

    def close(self) -> None:
        """Close the file."""
        self._forget()

    def _say(self, reason: str) -> None:
        if READY.reasons().get(self.name) != reason:
            LOG.warning("%s; trying again until it takes the points", reason)
        READY.set(self.name, reason)

    def _transaction(self, items: list[Item]) -> None:
        db = self._open()
        db.execute("BEGIN IMMEDIATE")
        try:
            for item in items:
                table, columns, values = self._rows(item)
                self._prepare(db, table, columns)
                db.executemany(_upsert(table, list(columns)), values)
        except BaseException:
            # SQLite has rolled back by itself after a full disk.
            if db.in_transaction:
                db.execute("ROLLBACK")
            self._columns.clear()
            raise
        db.execute("COMMIT")

    def _open(self) -> sqlite3.Connection:
        if self._db is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            db = sqlite3.connect(self._path, timeout=self._busy, isolation_level=None, check_same_thread=False)
            try:
                db.execute("PRAGMA journal_mode=WAL")
                # What the flow commits rests on this: it must outlive a power failure.
                db.execute("PRAGMA synchronous=FULL")
            except BaseException:
                db.close()
                raise
            self._db = db
        return self._db

    def _forget(self) -> None:
        self._columns.clear()
        if self._db is not None:
            self._db.close()
            self._db = None

    def _prepare(self, db: sqlite3.Connection, table: str, columns: dict[str, str]) -> None:
        known = self._columns.get(table)
        if known is None:
            db.execute(
                f"CREATE TABLE IF NOT EXISTS {_name(table)} (time INTEGER NOT NULL, series TEXT NOT NULL, tags TEXT NOT NULL, "
                "PRIMARY KEY (series, time, tags)) WITHOUT ROWID"
            )
            known = {row[1].lower() for row in db.execute(f"PRAGMA table_info({_name(table)})")}
            self._columns[table] = known
        for column, kind in columns.items():
            if column.lower() not in known:
                db.execute(f"ALTER TABLE {_name(table)} ADD COLUMN {_name(column)} {kind}")
                known.add(column.lower())

    def _rows(self, item: Item) -> tuple[str, dict[str, str], Values]:
        """Return the table, its columns with their types, and the rows."""
        if isinstance(item, MetricBatch):
            names = [item.series.names[code] for code in item.codes.tolist()]
            tags = map(self._point_tags.__getitem__, names)
            return "points", {"value": "REAL"}, zip(item.time.tolist(), names, tags, item.value.tolist(), strict=True)
        if isinstance(item, Row):
            kinds = {name: _kind(value) for name, value in item.fields.items()}
            row = (item.time, item.series, _json(item.tags | own_tags(item.series)), *map(_value, item.fields.values()))
            return item.measurement, kinds, [row]
        return item.measurement, {name: _kind(column) for name, column in item.fields.items()}, _columns(item)


def sqlite(settings: Settings) -> Sink:
    """Return the sink for SQLite; it takes `MetricBatch`, `Rows` and `Row`.

    Parameters
    ----------
    settings
        `sqlite` is read.
    """
    return Sink(lambda: Threaded(SqliteWriter(settings.sqlite.path)))


def _columns(rows: Rows) -> Values:
    names = [rows.series.names[code] for code in rows.codes.tolist()]
    tags = Remembered(lambda name: _json(rows.tags | own_tags(name)))
    columns: list[Iterable[Any]] = []
    for column in rows.fields.values():
        if isinstance(column, list):
            columns.append(text or None for text in column)
        elif column.dtype.kind == "f":
            there = np.isfinite(column).tolist()
            columns.append(x if known else None for x, known in zip(column.tolist(), there, strict=True))
        else:
            columns.append(column.tolist())
    every = zip(rows.time.tolist(), names, map(tags.__getitem__, names), *columns, strict=True)
    return (row for row in every if row[len(KEY) :].count(None) < len(columns))


def _value(value: float | int | str) -> float | int | str | None:
    if isinstance(value, str):
        return value or None
    return value if np.isfinite(value) else None


def _kind(values: Any) -> str:
    if isinstance(values, list | str):
        return "TEXT"
    return "INTEGER" if np.asarray(values).dtype.kind in "iub" else "REAL"


def _upsert(table: str, columns: list[str]) -> str:
    names = ", ".join(map(_name, (*KEY, *columns)))
    marks = ", ".join("?" * (len(KEY) + len(columns)))
    # A field that is absent this time keeps what it had, as in InfluxDB.
    changes = ", ".join(f"{_name(c)} = coalesce(excluded.{_name(c)}, {_name(c)})" for c in columns)
    action = f"DO UPDATE SET {changes}" if changes else "DO NOTHING"
    return f"INSERT INTO {_name(table)} ({names}) VALUES ({marks}) ON CONFLICT (series, time, tags) {action}"


def _name(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def _json(tags: dict[str, str]) -> str:
    return json.dumps({k: v for k, v in tags.items() if v != ""}, sort_keys=True, ensure_ascii=False)
