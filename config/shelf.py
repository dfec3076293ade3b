"""Shelf: state too large for every snapshot, kept beside the recovery store, written where it has changed.

Bytewax saves a shard's state whole.  What is put here is saved by the piece; the snapshot holds the number of each piece that it rests on,
and what has happened to it since.  A piece is on disk before the snapshot that names it is, and stays until a later snapshot is.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from config.recovery import PAGE, chosen

Pieces = Mapping[int, tuple[int, bytes]]  # by slot: number and bytes


class Keeper(Protocol):
    """What keeps pieces."""

    def put(self, shard: str, pieces: Pieces, named: Mapping[int, int]) -> None:
        """Keep pieces for good; of their slots, those older than the numbers in `named` are needed no more."""

    def take(self, shard: str, named: Mapping[int, int]) -> dict[int, bytes]:
        """Return the pieces that a snapshot names, as far as they are there, and forget all others of the shard."""


class Shelf:
    """Pieces in a SQLite file.

    Parameters
    ----------
    file
        Made when the first piece is put.

    Examples
    --------
    >>> import tempfile
    >>> shelf = Shelf(Path(tempfile.mkdtemp(), "rows.sqlite3"))
    >>> shelf.put("metrics-0", {5: (1, b"a")}, {})
    >>> shelf.put("metrics-0", {5: (2, b"b")}, {5: 1})
    >>> shelf.take("metrics-0", {5: 1, 6: 1}), shelf.take("metrics-0", {5: 2})
    ({5: b'a'}, {})
    """

    def __init__(self, file: Path) -> None:
        self.file = file

    def put(self, shard: str, pieces: Pieces, named: Mapping[int, int]) -> None:
        """Write them in one transaction that is on disk when this returns."""
        if not pieces:
            return
        rows = [(shard, slot, number, piece) for slot, (number, piece) in pieces.items()]
        old = [(shard, slot, named.get(slot, 0)) for slot in pieces]
        with self._open() as store:
            store.executemany("INSERT OR REPLACE INTO pieces VALUES (?, ?, ?, ?)", rows)
            store.executemany("DELETE FROM pieces WHERE shard = ? AND slot = ? AND number < ?", old)
        store.close()

    def take(self, shard: str, named: Mapping[int, int]) -> dict[int, bytes]:
        """Read them."""
        if not self.file.exists():
            return {}
        with self._open() as store:
            kept = store.execute("SELECT slot, number, piece FROM pieces WHERE shard = ?", (shard,)).fetchall()
            others = [(shard, slot, number) for slot, number, _ in kept if named.get(slot) != number]
            store.executemany("DELETE FROM pieces WHERE shard = ? AND slot = ? AND number = ?", others)
        store.close()
        return {slot: piece for slot, number, piece in kept if named.get(slot) == number}

    def _open(self) -> sqlite3.Connection:
        # A connection a call: workers are threads, and a call is rare beside what it writes.
        store = sqlite3.connect(self.file, timeout=60.0)
        store.execute(f"PRAGMA page_size = {PAGE}")
        store.execute("PRAGMA journal_mode = WAL")
        store.execute("PRAGMA synchronous = FULL")
        store.execute(
            "CREATE TABLE IF NOT EXISTS pieces (shard TEXT, slot INTEGER, number INTEGER, piece BLOB, "
            "PRIMARY KEY (shard, slot, number))"
        )
        return store


class Nowhere:
    """Keeps nothing: without a recovery store there is no restart to keep it for."""

    def put(self, shard: str, pieces: Pieces, named: Mapping[int, int]) -> None:
        """Do nothing."""

    def take(self, shard: str, named: Mapping[int, int]) -> dict[int, bytes]:
        """Return nothing."""
        return {}


def shelf() -> Keeper:
    """Return the shelf beside the recovery store that Bytewax was started with."""
    directory, _ = chosen()
    return Shelf(directory / "rows.sqlite3") if directory else Nowhere()
