"""Decoding by template: the messages of a series differ only in their numbers, so what they mean is learnt once.

A compiled scanner splits a message into its template and its numbers; a known template says at once which series the numbers
belong to.  What a template means is learnt by asking the ordinary decoder: it reads the message with other numbers in their
places, and where each of them comes out is what its place means.  A template that does not answer clearly stays with the
ordinary decoder, and so does each message with a number out of the ordinary (malformed, not exact, a stamp before 1970).

Only Telegraf's JSON and line protocol are tried; of line protocol each line is a template of its own, so that any bundle of
known lines is known.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from config.records import Float, Int
from operators.decode.names import Names
from operators.decode.template_match import POINTS, SKIPPED, UNIT_NEXT, Columns, match
from operators.decode.template_meaning import Asker, Spans
from operators.decode.template_scan import LONGEST, PAD, SLOTS, Split, eights, scan
from operators.decode.template_store import DOOR, Store, Words

TRIES = 64  # templates learnt of one message, at most


class Matched(NamedTuple):
    """The points of the messages whose templates are known, in order, and a verdict on every message.

    Parameters
    ----------
    verdict
        Shape (m,): `KNOWN`; `ORDINARY`; or `LEARN`, ordinary and worth learning.
    codes, time, value, message
        Shape (n,): as in `MetricBatch`.
    producer, seq
        Shape (m,): position in ``Templates.producers``, and the sequence number; or -1.
    skipped
        Fields of the known messages that are no numbers.
    """

    verdict: Any
    codes: Int
    time: Int
    value: Float
    message: Int
    producer: Int
    seq: Int
    skipped: int


class Templates:
    """The templates of a process, in front of its ordinary decoders.

    Parameters
    ----------
    names
        Numbers of series.
    format
        As in `decode_message`.
    limit
        Largest message, bytes.
    bound
        How many templates are kept; at the bound those that were not met lately make room.

    Examples
    --------
    >>> t = Templates(Names())
    >>> t.match([b"cpu,host=a idle=98.2 1767225600"], np.zeros(1, np.int64)).verdict.tolist() == [1]
    True
    >>> t.learn(b"cpu,host=a idle=98.2 1767225600")
    1
    >>> found = t.match([b"cpu,host=a idle=97.5 1767225610"], np.zeros(1, np.int64))
    >>> t.names.series.names[found.codes[0]], found.value.tolist(), found.time.tolist()
    ('cpu,host=a idle', [97.5], [1767225610000000000])
    """

    def __init__(self, names: Names, format: str = "", limit: int = 1 << 20, bound: int = 1 << 17) -> None:
        self.names, self.format, self.limit = names, format, limit
        self.series = names.series
        self.store = Store(bound)
        self.producers: list[str] = []
        self._number: dict[str, int] = {}
        self._asker = Asker(names, format, limit + LONGEST)  # its trials are longer than the message
        self._split = Split()
        self._met = 0

    def __len__(self) -> int:
        return len(self.store)

    def match(self, values: Sequence[bytes], stamps: Int) -> Matched:
        """Decode the messages whose templates are known; `stamps` (m,) are the records' own times, ns."""
        if self.series is not self.names.series:
            self._forget()
        m, text = len(values), b"".join((*values, PAD))
        ends = np.fromiter(map(len, values), np.int64, m).cumsum()
        out, progress = _columns(m, m + SLOTS), np.zeros(3, np.int64)
        i, shift = 0, self._met // DOOR % 40
        with np.errstate(over="ignore"):
            stamps = np.array(stamps, np.int64)  # a kernel is compiled for each kind of array, so it is always one kind
            while i < m:
                i, u = self._scan(text, ends, i)
                progress[UNIT_NEXT] = 0
                while progress[UNIT_NEXT] < u:
                    at = self._split
                    match(at.words, at.numbers, at.units, u, stamps, self.store.table, shift, out, progress)
                    out = _wider(out) if progress[UNIT_NEXT] < u else out
        self.store.seen += m
        self._met += m
        n = int(progress[POINTS])
        columns = (out.codes[:n], out.time[:n], out.value[:n], out.message[:n])
        return Matched(out.verdict, *columns, out.producer, out.seq, int(progress[SKIPPED]))

    def learn(self, body: bytes) -> int:
        """Learn what the message's templates mean, those that are new; return how many were tried."""
        if self.series is not self.names.series:
            self._forget()
        tried = 0
        with np.errstate(over="ignore"):
            for unit, template, spans in self._units(body):
                if tried < TRIES and not self.store.has(template):
                    tried += 1
                    self._learn(unit, template, spans)
        return tried

    def _scan(self, text: bytes, ends: Int, i: int) -> tuple[int, int]:
        at, buf = self._split, np.frombuffer(text, np.uint8)
        return scan(buf, eights(text), ends, self.limit, at.kept, at.eights, at.numbers, at.units, i)

    def _units(self, body: bytes) -> list[tuple[bytes, Words, Spans]]:
        """Return a message's bytes, template and numbers, or those of its lines; nothing where it cannot be split."""
        _, u = self._scan(body + PAD, np.array([len(body)]), 0)
        at, units, begin = self._split, [], 0
        for it in at.units[:u].tolist():
            _, end, word, size, number, count = it
            if size < 0:
                return []
            spans = [(first, last) for *_, first, last in at.numbers[number : number + count].tolist()]
            units.append((body[begin:end], (at.words[word : word + (size + 7) // 8].copy(), size), spans))
            begin = end + 1
        return units

    def _learn(self, unit: bytes, template: Words, spans: Spans) -> None:
        meaning, producer = self._asker.meaning(unit, spans)
        if producer:
            if len(self.producers) > 4 * self.store.bound:
                self._forget()
            number = self._number.setdefault(producer, len(self.producers))
            if number == len(self.producers):
                self.producers.append(producer)
            meaning = meaning._replace(producer=number)
        self.store.add(template, meaning)

    def _forget(self) -> None:
        self.series = self.names.series
        self.store.clear()
        self.producers.clear()
        self._number.clear()


def _columns(m: int, n: int) -> Columns:
    codes, time, message = (np.empty(n, np.int64) for _ in range(3))
    producer, seq = (np.full(m, -1, np.int64) for _ in range(2))
    return Columns(codes, time, np.empty(n, np.float64), message, np.zeros(m, np.int8), producer, seq)


def _wider(out: Columns) -> Columns:
    codes, time, value, message = (np.concatenate([x, np.empty_like(x)]) for x in out[:4])
    return out._replace(codes=codes, time=time, value=value, message=message)
