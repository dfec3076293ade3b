"""Match a poll's messages against the known templates and write their points as columns, compiled."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from operators.decode.number import CUT, NEGATIVE, real
from operators.decode.template_scan import SLOTS
from operators.kernel import kernel

KNOWN, ORDINARY, LEARN = (
    0,
    1,
    2,
)  # verdicts on a message: here are its points; decode it; decode it and learn its template
UNIT_NEXT, POINTS, SKIPPED = 0, 1, 2  # places in the progress: the next unit, points written, fields skipped
OPAQUE = -1  # as a template's count: these messages stay with the ordinary decoder
UNKNOWN = -1
CONSTANT = -1  # as a slot: not a number of the message
PROBES = 32
PRIME, SEED = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xCBF29CE484222325)
FOLD = np.uint64(32)
POWERS = np.array([10**k for k in range(19)], np.int64)
FURTHEST = (1 << 63) - 1  # ns

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
def match(  # noqa: C901 - one function, as in `scan`
    words: Any, numbers: Any, units: Any, u: int, stamps: Any, table: Table, shift: int, out: Columns, progress: Any
) -> None:
    """Write the points of the first `u` units, whole messages; go on from where `progress` says until there is no room for more points.

    Parameters
    ----------
    words, numbers, units
        A `Split`.
    stamps
        Shape (m,): the records' own times, ns.
    shift
        Which bits of a hash choose its place in the door: 0 to 40.
    """
    places, door, pool, templates, points = table
    codes, time, value, message, verdicts, producers, seqs = out
    mask = len(places) - 1
    n, q = progress[POINTS], progress[UNIT_NEXT]
    i, before, passed, verdict = -1, n, 0, KNOWN
    while q < u:
        it = units[q]
        if it["message"] != i:
            i, before, passed, verdict = it["message"], n, 0, KNOWN
            progress[UNIT_NEXT], progress[POINTS] = q, n
        size, word, base = it["size"], it["word"], it["number"]
        t = UNKNOWN
        if n + SLOTS > len(codes):
            return
        if verdict == KNOWN and size < 0:
            verdict = ORDINARY
        if verdict == KNOWN:
            # which template
            whole = (size + 7) // 8
            h = SEED
            for j in range(word, word + whole):
                h = (h ^ words[j]) * PRIME
                h = h ^ (h >> FOLD)
            at = np.int64(h & np.uint64(mask))
            for _ in range(PROBES):
                t = places[at]["template"]
                if t == UNKNOWN:
                    break
                if places[at]["hash"] == h and templates[t]["size"] == size:
                    first = templates[t]["word"]
                    same = True
                    for j in range(whole):
                        same &= pool[first + j] == words[word + j]
                    if same:
                        break
                t = UNKNOWN
                at = (at + 1) & mask
            if t == UNKNOWN:
                # two places for each, the newer first; other neighbours meet after a while, so that none is kept out for ever
                at = np.int64((h >> np.uint64(shift)) & np.uint64(len(door) - 2))
                verdict = LEARN if door[at] == h or door[at + 1] == h else ORDINARY
                if door[at] != h:
                    door[at], door[at + 1] = h, door[at]
            elif templates[t]["count"] == OPAQUE:
                verdict = ORDINARY
                templates[t]["used"] = 1
        if verdict == KNOWN:
            # its points
            template = templates[t]
            template["used"] = 1
            stamp_before, now = -2, stamps[i]
            for j in range(template["base"], template["base"] + template["count"]):
                point = points[j]
                x, slot, stamp = point["constant"], point["slot"], point["stamp"]
                if slot >= 0:
                    number = numbers[base + slot]
                    x = real(number["mantissa"], number["power"], number["form"])
                if stamp != stamp_before:
                    stamp_before, now = stamp, stamps[i]
                    if stamp >= 0:
                        number = numbers[base + stamp]
                        now = nanoseconds(number["mantissa"], number["power"], number["form"])
                if x != x or (stamp >= 0 and now < 0):
                    verdict = ORDINARY
                    break
                codes[n], time[n], value[n], message[n] = point["code"], now, x, i
                n += 1
            passed += template["skipped"]
            producers[i], seqs[i] = template["producer"], -1
            if template["seq_slot"] >= 0:
                number = numbers[base + template["seq_slot"]]
                seqs[i] = sequence(number["mantissa"], number["power"], number["form"])
                if seqs[i] < 0:
                    verdict = ORDINARY
        q += 1
        if q == u or units[q]["message"] != i:
            verdicts[i] = verdict
            if verdict == KNOWN:
                progress[SKIPPED] += passed
            else:
                n, producers[i], seqs[i] = before, -1, -1
    progress[UNIT_NEXT], progress[POINTS] = u, n


@kernel
def digest(words: Any, word: int, size: int) -> Any:
    """Return the hash of the template that is kept from a word on."""
    h = SEED
    for j in range(word, word + (size + 7) // 8):
        h = (h ^ words[j]) * PRIME
        h = h ^ (h >> FOLD)
    return h


@kernel
def sequence(mantissa: Any, ten: int, form: int) -> Any:
    """Return a number in a producer's sequence; -1 where it is out of the ordinary."""
    plain = form == 0 and ten == 0 and mantissa < np.uint64(FURTHEST)
    number: Any = np.int64(mantissa) if plain else np.int64(-1)
    return number


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
