"""The decoder of a shard: known templates first, ordinary decoders for the rest, the points in the order of their messages."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from config.records import Decoded, Float, Int, MetricBatch, Poll, Reject
from operators.decode import json
from operators.decode.errors import Refused
from operators.decode.histogram import Histograms
from operators.decode.message import FAULTS, decode_message
from operators.decode.names import Names
from operators.decode.points import Points
from operators.decode.template import Matched, Templates
from operators.decode.template_match import KNOWN, LEARN

SCHEMA = "decode-1"
BLOCK = 64  # messages read by one call; a broken one sends only its block the slow way
LESSONS = 256  # templates learnt of one poll, so that a cold start does not hold up the flow
PRODUCERS = 100_000  # names kept before the list of them is begun anew
Snapshot = tuple[str, bytes]


class Decoder:
    """Decodes the polls of one shard; its only state are histograms, whose quantiles need the sample before.

    Messages whose templates are known are taken first, the others by the ordinary decoders, and the points put back in order.

    Parameters
    ----------
    names
        Numbers of series, shared by the decoders of a process.
    format
        The topic's fixed format, or ``""``: told by each message.
    limit
        Largest message, bytes.
    max_future
        ns that a histogram's stamp may be ahead of its record and still be learnt.
    snapshot
        What `snapshot` returned, to go on from there.
    templates
        Those of the process, made with the same `names`, `format` and `limit`; its own by default.

    Examples
    --------
    >>> decoded = Decoder(Names()).update(Poll.of([b"cpu,host=a idle=98.2 1767225600", b"{"]))
    >>> decoded.points.value.tolist(), [r.code for r in decoded.rejects]
    ([98.2], ['undecodable'])
    """

    def __init__(
        self,
        names: Names,
        format: str = "",
        limit: int = 1 << 20,
        max_future: int = 60_000_000_000,
        snapshot: Snapshot | None = None,
        templates: Templates | None = None,
    ) -> None:
        self.names, self.format, self.limit, self.max_future = names, format, limit, max_future
        self.templates = Templates(names, format, limit) if templates is None else templates
        self.producers: list[str] = []
        self._number: dict[str, int] = {}
        saved = snapshot[1] if snapshot and snapshot[0] == SCHEMA else b""
        self.histograms = Histograms(names.bound, saved)

    def update(self, poll: Poll) -> Decoded:
        """Decode a poll; a message that cannot be read rejects itself only."""
        self.names.renew()
        if len(self.producers) > PRODUCERS:
            self.producers, self._number = [], {}
        run, known = _Run(self, poll), self.templates.match(poll.values, poll.stamps)
        run.read(np.flatnonzero(known.verdict != KNOWN).tolist())
        self._learn(poll, known, {reject.message for reject in run.rejects})
        return run.decoded(known)

    def _learn(self, poll: Poll, known: Matched, refused: set[int]) -> None:
        lessons = 0
        for i in np.flatnonzero(known.verdict == LEARN).tolist():
            if i not in refused and lessons < LESSONS:
                lessons += self.templates.learn(poll.values[i])

    def snapshot(self) -> Snapshot:
        """Return the state, immutable."""
        return SCHEMA, self.histograms.snapshot()

    def producer(self, name: str) -> int:
        """Return a producer's number."""
        number = self._number.get(name)
        if number is None:
            number = self._number[name] = len(self.producers)
            self.producers.append(name)
        return number


class _Run:
    """One poll being decoded, message by message in order."""

    def __init__(self, decoder: Decoder, poll: Poll) -> None:
        self.decoder, self.poll = decoder, poll
        self.out = Points(decoder.names, decoder.limit)
        self.stamps: list[int] = poll.stamps.tolist()
        self.messages: list[int] = []  # read so far, and how many points there were then
        self.upto: list[int] = [0]
        self.ended: list[tuple[int, int]] = []
        self.rejects: list[Reject] = []
        self.producer: Int = np.full(len(poll), -1)
        self.seq: Int = np.full(len(poll), -1)

    def read(self, messages: Sequence[int]) -> None:
        """Decode some messages, by one call where they are all metrics in Telegraf's shape."""
        alike = self.decoder.format in ("", "json")
        for first in range(0, len(messages), BLOCK):
            block = messages[first : first + BLOCK]
            bodies = [self.poll.values[i] for i in block]
            metrics = json.lines(bodies) if alike and max(map(len, bodies)) <= self.out.limit else None
            if metrics is None:
                for i, body in zip(block, bodies, strict=True):
                    self._message(i, body)
            else:
                self._metrics(block, metrics)

    def _metrics(self, block: Sequence[int], metrics: list[json.Metric]) -> None:
        out, at, upto, stamps = self.out, self.messages, self.upto, self.stamps
        mark = out.mark()
        for i, metric in zip(block, metrics, strict=True):
            try:
                json.take(metric, out, stamps[i])
            except (Refused, *FAULTS):
                out.back(mark)
                self._message(i, self.poll.values[i])  # which says what is wrong
            else:
                at.append(i)
                upto.append(len(out.codes))
                self._note(i)
            mark = len(out.codes), len(out.ended), out.skipped

    def _message(self, i: int, body: bytes) -> None:
        out = self.out
        mark = out.mark()
        try:
            decode_message(body, out, self.stamps[i], self.decoder.format)
        except Refused as error:
            out.back(mark)
            self.rejects.append(Reject(self.poll, i, error.code, str(error), "decode"))
        self.messages.append(i)
        if out.samples or len(out.ended) > mark[1]:
            self._learn(i, mark[1])
        self.upto.append(len(out.codes))
        self._note(i)

    def _note(self, i: int) -> None:
        """Keep what the last message says of itself."""
        out = self.out
        if out.producer:
            self.producer[i], out.producer = self.decoder.producer(out.producer), ""
        if out.seq >= 0:
            self.seq[i], out.seq = out.seq, -1

    def _learn(self, i: int, ended: int) -> None:
        latest = int(self.poll.received[i]) + self.decoder.max_future
        for sample in self.out.samples:
            if sample.time <= latest or not sample.cumulative:
                for field, value in self.decoder.histograms.learn(sample).items():
                    self.out.add(sample.fields[field], sample.time, value)
        self.ended.extend((code, i) for code in self.out.ended[ended:])

    def decoded(self, known: Matched) -> Decoded:
        """Return the columns, with the points of the messages that are `known` already."""
        out, decoder = self.out, self.decoder
        columns = (
            np.array(out.codes, np.int64),
            np.array(out.time, np.int64),
            np.array(out.value, np.float64),
            np.array(self.messages, np.int64).repeat(np.diff(self.upto)),
        )
        points = MetricBatch(self.poll, decoder.names.series, *_in_order(columns, known))
        for number in np.unique(known.producer[known.producer >= 0]):
            name = decoder.templates.producers[number]
            self.producer[known.producer == number] = decoder.producer(name)
        seq = np.maximum(self.seq, known.seq)
        ended = np.array(self.ended, np.int64).reshape(-1, 2)
        skipped = out.skipped + known.skipped
        return Decoded(points, self.rejects, skipped, ended, decoder.producers, self.producer, seq)


def _in_order(read: tuple[Int, Int, Float, Int], known: Matched) -> tuple[Int, Int, Float, Int]:
    """Put points that were read and those `known` together, in the order of their messages."""
    if not len(read[0]):
        return known.codes, known.time, known.value, known.message
    codes, time, value, message = (np.concatenate([a, b]) for a, b in zip(read, known[1:5], strict=True))
    order = message.argsort(kind="stable")
    return codes[order], time[order], value[order], message[order]
