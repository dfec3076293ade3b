"""What a template's numbers mean, found by asking the ordinary decoder."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from config.records import SECOND
from operators.decode import json, stamps
from operators.decode.errors import Refused
from operators.decode.message import decode_message
from operators.decode.names import Names
from operators.decode.points import Points
from operators.decode.template_match import CONSTANT
from operators.decode.template_store import Meaning

RECORD, OTHER_RECORD = 11, 77  # the record's own time in the trials, ns
Spans = list[tuple[int, int]]


class Read(NamedTuple):
    """A message as the ordinary decoder reads it."""

    names: list[str]
    codes: list[int]
    time: list[int]
    value: list[float]
    skipped: int
    producer: str
    seq: int


class Asker:
    """Asks the ordinary decoder what messages mean.

    Parameters
    ----------
    names, format, limit
        As in `Templates`.

    Examples
    --------
    >>> asker = Asker(Names(), "", 100)
    >>> asker.meaning(b"cpu idle=98.2,on=t 1767225600", [(9, 13), (19, 29)])[0][:4]
    ([0, 1], (0, -1), (0.0, 1.0), (1, 1))
    """

    def __init__(self, names: Names, format: str, limit: int) -> None:
        self.names, self.format, self.limit = names, format, limit
        self.trial = Names(1024, names.counters)

    def meaning(self, unit: bytes, spans: Spans) -> tuple[Meaning, str]:
        """Return the meaning of a message's (or line's) template and the producer it names; `spans` are where its numbers stand.

        Other numbers are put in their places, each its own: where they come out is their meaning.  A second trial, with
        fractions and signs where that can be, must come out as the first has told.
        """
        self.trial.renew()
        plain = self._ask(unit, self.trial, RECORD)
        numbers = [1_000_003 + 4099 * j for j in range(len(spans))]
        tried = self._ask(_filled(unit, spans, [str(x) for x in numbers]), self.trial, OTHER_RECORD)
        real = self._ask(unit, self.names, RECORD)
        if plain is None or tried is None or real is None or not _telegraf(unit):
            return Meaning(), ""
        meaning = _roles(real, plain, tried, numbers) if _alike(plain, tried) and _alike(plain, real) else None
        if meaning is None or not self._holds(meaning, unit, spans, tried):
            return Meaning(), ""
        return meaning, real.producer

    def _holds(self, meaning: Meaning, unit: bytes, spans: Spans, tried: Read) -> bool:
        """Whether another trial comes out as expected."""
        texts = _texts(meaning, unit, spans)
        again = self._ask(_filled(unit, spans, texts), self.trial, OTHER_RECORD)
        if again is None or not _alike(again, tried):
            return False
        value = [c if s == CONSTANT else float(texts[s]) for s, c in zip(meaning.slots, meaning.constants, strict=True)]
        time = [OTHER_RECORD if s == CONSTANT else stamps.of_text(texts[s]) for s in meaning.stamps]
        seq = -1 if meaning.seq_slot == CONSTANT else int(texts[meaning.seq_slot])
        return (again.value, again.time, again.seq) == (value, time, seq)

    def _ask(self, body: bytes, names: Names, stamp: int) -> Read | None:
        out = Points(names, self.limit)
        try:
            decode_message(body, out, stamp, self.format)
        except Refused:
            return None
        if out.ended or getattr(out, "samples", None):
            return None
        series = [f"{names.series.names[c]} {names.series.counter[c]}" for c in out.codes]
        return Read(series, out.codes, out.time, out.value, out.skipped, out.producer, out.seq)


def _alike(a: Read, b: Read) -> bool:
    return (a.names, a.skipped, a.producer) == (b.names, b.skipped, b.producer)


def _roles(real: Read, plain: Read, tried: Read, numbers: list[int]) -> Meaning | None:
    """Return where each point's value and time come from, or ``None`` when that is not plain."""
    value_of = {float(x): j for j, x in enumerate(numbers)}
    time_of = {x * SECOND: j for j, x in enumerate(numbers)} | {OTHER_RECORD: CONSTANT}
    slots = [value_of.get(x, CONSTANT) for x in tried.value]
    times = [time_of.get(x) for x in tried.time]
    seq_slot = numbers.index(tried.seq) if tried.seq in numbers else CONSTANT
    constant = [i for i, slot in enumerate(slots) if slot == CONSTANT]
    taken = [slot for slot in (*slots, *{t for t in times if t is not None}, seq_slot) if slot != CONSTANT]
    if (
        None in times
        or len(taken) != len(set(taken))
        or any(plain.value[i] not in (0.0, 1.0) or plain.value[i] != tried.value[i] for i in constant)
        or any((t == CONSTANT) != (p == RECORD) for t, p in zip(times, plain.time, strict=True))
        or (seq_slot == CONSTANT and (tried.seq, plain.seq) != (-1, -1))
    ):
        return None
    constants = [0.0 if slot != CONSTANT else x for slot, x in zip(slots, plain.value, strict=True)]
    known = tuple(t for t in times if t is not None)
    return Meaning(real.codes, tuple(slots), tuple(constants), known, plain.skipped, -1, seq_slot)


def _texts(meaning: Meaning, unit: bytes, spans: Spans) -> list[str]:
    """Return numbers for the second trial: what their places allow."""
    texts = [f"-{j + 1}.5e-1" for j in range(len(spans))]
    for j, (_, last) in enumerate(spans):
        if unit[last : last + 1] in (b"i", b"u"):
            texts[j] = str(7_000_001 + j)
        elif j in meaning.stamps:
            texts[j] = str(1_767_225_600_123 + j)
        elif j == meaning.seq_slot:
            texts[j] = str(9_000_000_000 + j)
        elif j not in meaning.slots and unit[:1] not in (b"{", b"["):
            texts[j] = str(8_000_000_000 + j)  # the stamp of a line without points
    return texts


def _filled(unit: bytes, spans: Spans, texts: list[str]) -> bytes:
    parts, last = [], 0
    for (first, end), text in zip(spans, texts, strict=True):
        parts += [unit[last:first], text.encode()]
        last = end
    return b"".join([*parts, unit[last:]])


def _telegraf(unit: bytes) -> bool:
    """Whether it is line protocol, or JSON in Telegraf's shape."""
    if unit[:1] not in (b"{", b"["):
        return True
    for shape in (json.METRIC, json.METRICS, json.BATCH):
        try:
            shape.decode(unit)
        except (msgspec.DecodeError, UnicodeDecodeError):
            continue
        return True
    return False
