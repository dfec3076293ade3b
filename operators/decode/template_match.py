"""Match a poll's messages against the known templates and write their points as columns, compiled."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from operators.decode.number import CUT, NEGATIVE, real
from operators.decode.template_scan import SLOTS, split_json, split_line
from operators.kernel import kernel

KNOWN, ORDINARY, LEARN = (
    0,
    1,
    2,
)  # verdicts on a message: here are its points; decode it; decode it and learn its template
NEXT, POINTS, SKIPPED = 0, 1, 2  # places in the progress of a poll
OPAQUE = -1  # as a template's count: these messages stay with the ordinary decoder
UNKNOWN = -1
CONSTANT = -1  # as a slot: not a number of the message
PROBES = 32
PRIME, SEED = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xCBF29CE484222325)
FOLD = np.uint64(32)
POWERS = np.array([10**k for k in range(19)], np.int64)
FURTHEST = 1 << 62  # ns

PLACE = np.dtype([("hash", "u8"), ("template", "i8")])
TEMPLATE = np.dtype(
    [(name, "i8") for name in ["word", "size", "used", "count", "base", "skipped", "producer", "seq_slot"]]
)
POINT = np.dtype([("code", "i8"), ("slot", "i8"), ("stamp", "i8"), ("constant", "f8")])


class Table(NamedTuple):
    """Templates: an open-addressed table of their hashes, their bytes, and what they mean.

    Parameters
    ----------
    places
        Rows of `PLACE`, a power of two: a template's hash and number, or `UNKNOWN`.
    door
        Hashes seen once, a power of two.
    words
        The templates' bytes, each padded to uint64.
    templates
        Rows of `TEMPLATE`: its first word and its bytes; whether it was met since the last sweep; its points (or `OPAQUE`) and their first
        row; what the message says of itself.
    points
        Rows of `POINT`: series; the slot of its value (or `CONSTANT`, and that) and of its time (`CONSTANT`: the record's).
    """

    places: Any
    door: Any
    words: Any
    templates: Any
    points: Any


class Columns(NamedTuple):
    """Where points go, each with room for n: codes, time (ns), value, message; and of m messages the verdict, the producer and seq."""

    codes: Any
    time: Any
    value: Any
    message: Any
    verdict: Any
    producer: Any
    seq: Any


@kernel
def match(
    buf: Any,
    ends: Any,
    stamps: Any,
    limit: int,
    kept: Any,
    words: Any,
    at: Any,
    table: Table,
    out: Columns,
    progress: Any,
) -> None:
    """Go on with the poll where `progress` says, to its end or until there is no room for more points.

    Parameters
    ----------
    buf, ends
        All messages in one, uint8; shape (m,): where each ends.
    stamps
        Shape (m,): the records' own times, ns.
    limit
        Longest message that is taken at all, bytes.
    kept, words, at
        A `Split`.
    """
    places, door, pool, templates, points = table
    codes, time, value, message, verdicts, producers, seqs = out
    n, skipped = progress[POINTS], progress[SKIPPED]
    for i in range(progress[NEXT], len(ends)):
        p = ends[i - 1] if i > 0 else 0
        before, passed = n, 0
        verdict = KNOWN if p < ends[i] <= p + limit else ORDINARY
        whole = verdict == KNOWN and (buf[p] == 123 or buf[p] == 91)
        while verdict == KNOWN and p < ends[i]:
            if n + SLOTS > len(codes):
                progress[NEXT], progress[POINTS], progress[SKIPPED] = i, before, skipped
                return
            if whole:
                k, _ = split_json(buf, p, ends[i], kept, at)
                p = ends[i]
            else:
                k, _, p = split_line(buf, p, ends[i], kept, at)
                p += 1
            verdict, t = recognise(k, kept, words, places, pool, templates, door)
            if verdict == KNOWN:
                last = write(templates[t], n, stamps[i], at, points, codes, time, value)
                seq = sequence(templates[t], at)
                if last < 0 or seq < -1:
                    verdict = ORDINARY
                message[n:last] = i
                n, passed = last, passed + templates[t]["skipped"]
                producers[i], seqs[i] = templates[t]["producer"], seq
        verdicts[i] = verdict
        if verdict == KNOWN:
            skipped += passed
        else:
            n, producers[i], seqs[i] = before, -1, -1
    progress[NEXT], progress[POINTS], progress[SKIPPED] = len(ends), n, skipped


@kernel
def recognise(k: int, kept: Any, words: Any, places: Any, pool: Any, templates: Any, door: Any) -> tuple[int, int]:
    """Return the verdict on a message or line with a template of `k` bytes (-1: not split), and the template's number."""
    if k < 0:
        return ORDINARY, UNKNOWN
    h = digest(kept, words, k)
    t = find(words, k, h, places, pool, templates)
    if t == UNKNOWN:
        j = h & np.uint64(len(door) - 1)
        if door[j] == h:
            return LEARN, UNKNOWN
        door[j] = h
        return ORDINARY, UNKNOWN
    templates[t]["used"] = 1
    return (ORDINARY if templates[t]["count"] == OPAQUE else KNOWN), t


@kernel
def digest(kept: Any, words: Any, k: int) -> Any:
    """Pad the template with zeros to whole words and return its hash."""
    whole = (k + 7) // 8
    for j in range(k, whole * 8):
        kept[j] = 0
    h = SEED
    for j in range(whole):
        h = (h ^ words[j]) * PRIME
        h = h ^ (h >> FOLD)
    return h


@kernel
def find(words: Any, k: int, h: Any, places: Any, pool: Any, templates: Any) -> int:
    """Return the number of the template, compared byte for byte, or `UNKNOWN`."""
    mask = len(places) - 1
    j = np.int64(h & np.uint64(mask))
    for _ in range(PROBES):
        t = places[j]["template"]
        if t == UNKNOWN:
            break
        if places[j]["hash"] == h and templates[t]["size"] == k:
            first = templates[t]["word"]
            same = True
            for q in range((k + 7) // 8):
                same &= pool[first + q] == words[q]
            if same:
                return int(t)
        j = (j + 1) & mask
    return UNKNOWN


@kernel
def write(template: Any, n: int, record: int, at: Any, points: Any, codes: Any, time: Any, value: Any) -> int:
    """Write a message's points from row `n` on; return the next row, or -1: ask the ordinary decoder."""
    before, now = -2, record
    base = template["base"]
    for j in range(base, base + template["count"]):
        x, slot, stamp = points[j]["constant"], points[j]["slot"], points[j]["stamp"]
        if slot >= 0:
            x = real(at[slot]["mantissa"], at[slot]["power"], at[slot]["form"])
            if x != x:
                return -1
        if stamp != before:
            before, now = stamp, record
            if stamp >= 0:
                now = nanoseconds(at[stamp]["mantissa"], at[stamp]["power"], at[stamp]["form"])
                if now < 0:
                    return -1
        codes[n], time[n], value[n] = points[j]["code"], now, x
        n += 1
    return n


@kernel
def sequence(template: Any, at: Any) -> int:
    """Return what the message says of its number in the producer's sequence: -1 nothing, -2 something out of the ordinary."""
    slot = template["seq_slot"]
    if slot < 0:
        return -1
    m = at[slot]["mantissa"]
    plain = at[slot]["form"] == 0 and at[slot]["power"] == 0 and m < np.uint64(FURTHEST)
    return int(np.int64(m)) if plain else -2


@kernel
def nanoseconds(mantissa: Any, ten: int, form: int) -> int:
    """Return a stamp's time, by the rule of `stamps.of_number`; -1 where it is not a plain time since 1970.

    Fractions are taken as they are written, a half rounded to even.
    """
    if mantissa >= np.uint64(FURTHEST) or form & (NEGATIVE | CUT) or ten > 9 or ten < -18:
        return -1
    m = np.int64(mantissa)
    if ten > 0 and m >= POWERS[18 - ten]:
        return -1
    whole = m * POWERS[ten] if ten >= 0 else m // POWERS[-ten]
    unit = 9 if whole < 10**11 else 6 if whole < 10**14 else 3 if whole < 10**17 else 0
    ten += unit
    if ten >= 0:
        return m * POWERS[ten] if ten <= 18 and m <= FURTHEST // POWERS[ten] else -1
    by = POWERS[-ten]
    whole, rest = m // by, m % by
    return int(whole + (rest * 2 > by or (rest * 2 == by and whole % 2 == 1)))
