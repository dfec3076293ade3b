"""Where templates are kept: a table that grows to a bound and then keeps those that were lately in use."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from operators.decode.template_match import OPAQUE, PLACE, POINT, PROBES, TEMPLATE, UNKNOWN, Table, digest
from operators.decode.template_scan import SLOTS
from operators.kernel import kernel

DOOR = 1 << 16  # hashes of templates seen once
SMALL = 256
Words = tuple[Any, int]  # a template: whole words, and its bytes


class Meaning(NamedTuple):
    """What the messages of a template mean: columns of `POINT`, and what they say of themselves.

    `codes` is ``None`` for templates that stay with the ordinary decoder.
    """

    codes: list[int] | None = None
    slots: tuple[int, ...] = ()
    constants: tuple[float, ...] = ()
    stamps: tuple[int, ...] = ()
    skipped: int = 0
    producer: int = -1
    seq_slot: int = -1


class Store:
    """Templates in arrays.

    Parameters
    ----------
    bound
        How many templates it may hold.
    room
        How many bytes of templates.

    Examples
    --------
    >>> store = Store(bound=1000)
    >>> len(store), store.table.places.shape
    (0, (512,))
    """

    def __init__(self, bound: int = 1 << 17, room: int = 1 << 26) -> None:
        self.bound, self.room = bound, room
        self.clear()

    def clear(self) -> None:
        """Forget all."""
        n = min(SMALL, self.bound)
        self.table = _table(n, min(16 * n, self.room // 8), 4 * n)
        self.filled = np.zeros(3, np.int64)  # templates, words, points
        self.seen = 0

    def __len__(self) -> int:
        return int(self.filled[0])

    def has(self, template: Words) -> bool:
        """Whether a template, as whole words and its size in bytes, is there."""
        words, size = template
        h = int(digest(words, 0, size))
        mask = len(self.table.places) - 1
        for j in range(PROBES):
            place = self.table.places[(h + j) & mask]
            if place["template"] == UNKNOWN:
                return False
            it = self.table.templates[place["template"]]
            first = int(it["word"])
            if it["size"] == size and bool((self.table.words[first : first + len(words)] == words).all()):
                return True
        return False

    def add(self, template: Words, meaning: Meaning) -> bool:
        """Keep a template that is not there yet; false where there is no room for it now."""
        words, size = template
        points = len(meaning.codes or ())
        if points > SLOTS or not self._fits(len(words), points):
            return False
        table = self.table
        t, word, row = (int(x) for x in self.filled)
        if not enter(np.uint64(digest(words, 0, size)), t, table.places):
            return False
        count = OPAQUE if meaning.codes is None else points
        table.words[word : word + len(words)] = words
        table.templates[t] = (word, size, 1, count, row, meaning.skipped, meaning.producer, meaning.seq_slot)
        columns = (meaning.codes or (), meaning.slots, meaning.stamps, meaning.constants)
        for q in range(points):
            table.points[row + q] = tuple(column[q] for column in columns)
        self.filled += (1, len(words), points)
        return True

    def _fits(self, words: int, points: int) -> bool:
        """Make room by growth, and at the bound by dropping what was not used since the last time."""
        now, table = self.filled + np.array([1, words, points]), self.table
        have = (len(table.templates), len(table.words), len(table.points))
        if all(now <= have):
            return True
        most = (self.bound, self.room // 8, 4 * self.bound)
        if any(now > most):
            if self.seen < 4 * self.bound:
                return False
            self.seen = 0
            self._move(have[0], have[1], have[2], unused=False)
            return bool(all(self.filled + np.array([1, words, points]) <= have))
        more = [min(2 * h, m) if n > h else h for h, n, m in zip(have, now, most, strict=True)]
        self._move(more[0], more[1], more[2], unused=True)
        return self._fits(words, points)

    def _move(self, templates: int, words: int, rows: int, unused: bool) -> None:
        new, filled = _table(templates, words, rows), np.zeros(3, np.int64)
        new.door[:] = self.table.door
        move(self.table, unused, new, filled)
        self.table, self.filled = new, filled


def _table(templates: int, words: int, points: int) -> Table:
    places = np.zeros(1 << (2 * templates - 1).bit_length(), PLACE)
    places["template"] = UNKNOWN
    return Table(
        places,
        np.zeros(DOOR, np.uint64),
        np.zeros(words, np.uint64),
        np.zeros(templates, TEMPLATE),
        np.zeros(points, POINT),
    )


@kernel
def enter(h: Any, t: int, places: Any) -> bool:
    """Enter template number `t` under its hash; false when its neighbourhood of the table is full."""
    mask = len(places) - 1
    j = np.int64(h & np.uint64(mask))
    for _ in range(PROBES):
        if places[j]["template"] == UNKNOWN:
            places[j]["hash"], places[j]["template"] = h, t
            return True
        j = (j + 1) & mask
    return False


@kernel
def move(old: Table, unused: bool, new: Table, filled: Any) -> None:
    """Copy templates (only those in use, unless `unused`) to another table, as never used."""
    for i in range(len(old.places)):
        t = old.places[i]["template"]
        if (
            t != UNKNOWN
            and (unused or old.templates[t]["used"])
            and enter(old.places[i]["hash"], filled[0], new.places)
        ):
            carry(old, t, new, filled)
            if not unused:
                new.templates[filled[0] - 1]["used"] = 0


@kernel
def carry(old: Table, t: int, new: Table, filled: Any) -> None:
    """Copy one template to the end of another table."""
    s, word, row = filled[0], filled[1], filled[2]
    it = old.templates[t]
    whole, points = (it["size"] + 7) // 8, max(it["count"], 0)
    new.templates[s] = it
    new.templates[s]["word"], new.templates[s]["base"] = word, row
    new.words[word : word + whole] = old.words[it["word"] : it["word"] + whole]
    new.points[row : row + points] = old.points[it["base"] : it["base"] + points]
    filled[0], filled[1], filled[2] = s + 1, word + whole, row + points
