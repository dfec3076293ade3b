"""Records that travel on streams: columns where there are many, rows where there are few.

A *shard* is one Kafka partition.  Inside a shard every series has a *slot*, a small integer that is the row of its state in
every operator.  `validate` hands slots out; all records behind it carry slots as `codes` and the shard's `Series` to name them.

Order inside a shard is the order of its messages.  `position` says at which accepted point of its batch something happened, so that
operators that join several kinds of news can put them back into the one order that there was: silences at p, and the windows
that a point closes, stand just before the point of index p; a point's own item stands at p + 1.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]
Int = NDArray[np.int64]
Bool = NDArray[np.bool_]
StateRows = Any  # structured arrays and their rows, which NumPy cannot type

NOTHING: Int = np.empty(0, np.int64)
SECOND = 1_000_000_000
RETURNED, ENDED = -1, 0  # in Silences.seconds


class Series:
    """Series by number: append-only names, and which of them are counters.

    A series' name is its line-protocol series key (tags sorted, escaped) plus field: ``cpu,host=a usage_idle``.

    Examples
    --------
    >>> s = Series()
    >>> s.code("cpu,host=a usage_idle"), s.code("net,host=a bytes", counter=True), s.code("cpu,host=a usage_idle")
    (0, 1, 0)
    >>> s.names[1], s.counters()
    ('net,host=a bytes', array([False,  True]))
    """

    __slots__ = ("counter", "names", "numbers")

    def __init__(self) -> None:
        self.names: list[str] = []
        self.counter = bytearray()
        self.numbers: dict[tuple[str, bool], int] = {}

    def __len__(self) -> int:
        return len(self.names)

    def code(self, name: str, counter: bool = False) -> int:
        """Return the number of a series, a new one at first sight; a name that is now a counter is another number."""
        number = self.numbers.get((name, counter))
        if number is None:
            number = self.numbers[name, counter] = len(self.names)
            self.names.append(name)
            self.counter.append(counter)
        return number

    def counters(self) -> Bool:
        """Return which are counters, shape (len(self),)."""
        return np.frombuffer(self.counter, np.bool_).copy()

    def __reduce__(self) -> tuple[Any, ...]:
        return _series, (self.names, self.counter)


def _series(names: list[str], counter: bytearray) -> Series:
    s = Series()
    for name, c in zip(names, counter, strict=True):
        s.code(name, bool(c))
    return s


@dataclass(frozen=True, slots=True)
class Poll:
    """What one read of Kafka brought of one partition; with no message, how long it has been silent.

    Parameters
    ----------
    topic, partition
        Where the messages were.
    values, keys
        Their bytes, (m,); a missing value is ``b""``, a missing key ``None``.
    offsets
        Shape (m,).
    stamps
        Shape (m,): the Kafka records' own times, ns UTC.
    received
        Shape (m,), ns UTC: the time that "future" is measured against; the broker's where the topic has LogAppendTime, else the process's.
    idle
        ns of the process's clock since the last message (since the start, before the first); 0 when there are messages.
    """

    topic: str
    partition: int
    values: Sequence[bytes]
    keys: Sequence[bytes | None]
    offsets: Int = field(default_factory=lambda: NOTHING)
    stamps: Int = field(default_factory=lambda: NOTHING)
    received: Int = field(default_factory=lambda: NOTHING)
    idle: int = 0

    def __len__(self) -> int:
        return len(self.values)

    @property
    def shard(self) -> str:
        """Key of the partition's state: ``metrics-3``."""
        return f"{self.topic}-{self.partition}"

    @classmethod
    def of(
        cls,
        values: Sequence[bytes],
        *,
        keys: Sequence[bytes | None] | None = None,
        topic: str = "metrics",
        partition: int = 0,
        offset: int = 0,
        stamp: int | Sequence[int] = 0,
    ) -> Poll:
        """Build one by hand: offsets count up from `offset`; `stamp` (ns) is one for all or one a message."""
        m = len(values)
        stamps = np.broadcast_to(np.asarray(stamp, np.int64), (m,))
        return cls(topic, partition, values, keys or [None] * m, np.arange(offset, offset + m), stamps, stamps)


@dataclass(frozen=True, slots=True)
class Reject:
    """A message of which something could not be taken: its place, the reason, how much of it.

    Parameters
    ----------
    poll, message
        The message: ``poll.values[message]``.
    code
        One of the `error_code`s of the topic `rejects`.
    error
        One sentence for a person.
    stage
        ``decode``, ``validate`` or ``store``.
    points
        How many of its points are meant; 1 where that cannot be known.
    series
        Names of the first 20 series meant.
    """

    poll: Poll
    message: int
    code: str
    error: str
    stage: str
    points: int = 1
    series: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MetricBatch:
    """Points of many series as parallel columns, in the order of their messages.

    Parameters
    ----------
    poll
        The messages they came in.
    series
        Names of the numbers in `codes`: everything decoded so far (before `validate`), the shard's slots (behind it).
    codes
        Shape (n,): number of each point's series.
    time
        Shape (n,): ns since the epoch, UTC.
    value
        Shape (n,).
    message
        Shape (n,), non-decreasing: which message of `poll` holds the point.
    """

    poll: Poll
    series: Series
    codes: Int
    time: Int
    value: Float
    message: Int

    def __len__(self) -> int:
        return len(self.codes)

    def where(self, mask: Bool) -> MetricBatch:
        """Keep the points where `mask` is true."""
        return replace(
            self, codes=self.codes[mask], time=self.time[mask], value=self.value[mask], message=self.message[mask]
        )

    @property
    def offset(self) -> Int:
        """Shape (n,): Kafka offset of each point."""
        return self.poll.offsets[self.message]

    @classmethod
    def of(cls, rows: Iterable[tuple[str, int, float]], *, seconds: bool = False) -> MetricBatch:
        """Build from (series, time, value) rows, a message a point; time in ns, or in seconds.

        Examples
        --------
        >>> b = MetricBatch.of([("a x", 1, 0.5), ("b x", 1, 2.0), ("a x", 2, 0.7)])
        >>> b.series.names, b.codes.tolist(), len(b)
        (['a x', 'b x'], [0, 1, 0], 3)
        """
        rows = list(rows)
        series, n = Series(), len(rows)
        scale = SECOND if seconds else 1
        return cls(
            Poll.of([b""] * n),
            series,
            np.array([series.code(name) for name, _, _ in rows], np.int64),
            np.array([t * scale for _, t, _ in rows], np.int64),
            np.array([x for _, _, x in rows], np.float64),
            np.arange(n),
        )


@dataclass(frozen=True, slots=True)
class Decoded:
    """A poll, decoded: points, what could not be read, and what its messages say of themselves.

    Parameters
    ----------
    points
        `codes` are numbers in the decoder's own `Series`.
    rejects
        Messages that could not be read.
    skipped
        Fields that are no numbers (text, null).
    ended
        Shape (k, 2): (code, message) of series that a stale marker ends.
    producers
        Names of the producers met so far (append-only).
    producer
        Shape (m,): position in `producers`, or -1.
    seq
        Shape (m,): the producer's sequence number, or -1.
    """

    points: MetricBatch
    rejects: list[Reject]
    skipped: int
    ended: Int
    producers: list[str]
    producer: Int
    seq: Int


@dataclass(frozen=True, slots=True)
class Silences:
    """Series that fell silent, returned or ended, in order: parallel columns.

    Parameters
    ----------
    position
        Shape (k,): they happened just before the accepted point of this index.
    codes
        Shape (k,): the series' slot.
    seconds
        Shape (k,): which silence was reached, in seconds of the shard's stamps; `RETURNED`; or `ENDED` by a stale marker.
    time
        Shape (k,): ns; the shard's newest stamp when it happened.
    """

    position: Int
    codes: Int
    seconds: Int
    time: Int

    def __len__(self) -> int:
        return len(self.codes)

    @classmethod
    def none(cls) -> Silences:
        return cls(NOTHING, NOTHING, NOTHING, NOTHING)


@dataclass(frozen=True, slots=True)
class Checked:
    """Accepted points of a batch and what the shard learnt from it.

    Parameters
    ----------
    points
        `codes` are slots of the shard; `series` its names.
    forward
        Shape (n,): false where a point is older than its series' newest (it goes into windows, past detectors on points).
    rate
        Shape (n,): what detectors see: the value, or for a counter its rate per second since the previous reading (NaN without one).
    fresh
        Slots first used in this batch: operators reset their rows.
    silences
        Series that fell silent or returned.
    idle
        As in `Poll`.
    """

    points: MetricBatch
    forward: Bool
    rate: Float
    fresh: Int
    silences: Silences
    idle: int = 0


@dataclass(frozen=True, slots=True)
class Windows:
    """Windows of one length that stamps closed, oldest first within a series: parallel columns, to be judged.

    `fields` holds every field of the measurement `windows`; `value` is what detectors see: the mean, or a counter's rate.
    `first` and `last` are the offsets of the first and last point in each.
    """

    step: str
    poll: Poll
    series: Series
    codes: Int
    time: Int
    value: Float
    fields: dict[str, Float]
    position: Int
    first: Int
    last: Int
    fresh: Int
    silences: Silences

    def __len__(self) -> int:
        return len(self.codes)


@dataclass(frozen=True, slots=True)
class Scores:
    """What one detector makes of each point or window; all shape (n,).

    `score` is NaN where the detector has none (not warm, a missing value, a disordered point); 1 is its line between ordinary and odd.
    `yhat`, `lower`, `upper` are what it expected, in the series' unit; NaN where not asked for.
    `rank` is how odd each was before anything was held back as no news; NaN or None where a detector holds nothing back: `score` then.
    """

    score: Float
    yhat: Float
    lower: Float
    upper: Float
    rank: Float | None = None


@dataclass(frozen=True, slots=True)
class Scored:
    """Points, windows, trends or forecasts of one step with every detector's scores: what alert rules read.

    Parameters
    ----------
    step
        ``points``, ``60s`` …, ``trends``, ``models``.
    codes, time, position
        Shape (n,): slot, stamp (window start) in ns, place in the batch.
    value
        Shape (n,): what the detectors saw (`y`).
    fields
        Numbers that a rule may name, each shape (n,); ``value`` and ``score`` need not be among them.
    scores
        By detector.
    first, last
        Shape (n,): offsets of the first and last point that each rests on.
    settled
        Earlier anomalies whose kind is now known.
    events
        What is to be said of the series themselves.
    """

    step: str
    poll: Poll
    series: Series
    codes: Int
    time: Int
    position: Int
    value: Float
    fields: dict[str, Float]
    scores: dict[str, Scores]
    first: Int
    last: Int
    silences: Silences
    settled: list[Rows] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.codes)

    @classmethod
    def of(cls, windows: Windows, step: str, fields: dict[str, Float]) -> Scored:
        """Return windows as records of a step, with these fields and no scores yet."""
        w = windows
        return cls(
            step, w.poll, w.series, w.codes, w.time, w.position, w.value, fields, {}, w.first, w.last, w.silences
        )


Column = Float | Int | list[str]


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of one measurement, as columns; what the stores write.

    Parameters
    ----------
    measurement
        Name of the measurement or table.
    series, codes
        The series of each row: ``series.names[codes[i]]``.
    time
        Shape (n,): ns.
    tags
        Tags that all rows share, beside the series' own, `metric` and `metric_field`.
    fields
        Columns of n: float64 (NaN: the field is absent in that row), int64, or list of text (``""``: absent).
    """

    measurement: str
    series: Series
    codes: Int
    time: Int
    tags: dict[str, str]
    fields: dict[str, Column]

    def __len__(self) -> int:
        return len(self.codes)


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a measurement, for the few: alerts, events, quality.

    `series` is a full series name, whose own tags the row carries as well, or ``""``.
    """

    measurement: str
    time: int
    tags: dict[str, str]
    fields: dict[str, float | int | str]
    series: str = ""


@dataclass(frozen=True, slots=True)
class Alert:
    """One record of the topic `alerts`: `body` is its value, as INTERFACE.md words it."""

    fingerprint: str
    id: str
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to the learning itself, or to its input, such as ``drift``, ``new-normal``, ``series-split``."""

    type: str
    time: int
    series: str = ""
    text: str = ""
    value: float = 0.0
    detector: str = ""
