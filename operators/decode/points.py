"""What a message gives: rows of points and what it says of itself."""

from __future__ import annotations

from operators.decode.histogram import Sample
from operators.decode.names import Names


class Points:
    """Collects the points of one message or of many.

    Parameters
    ----------
    names
        Numbers of series.
    limit
        Largest message in bytes; 16 times as much may come of unpacking one.

    Attributes
    ----------
    codes, time, value
        A row a point: number of the series in ``names.series``, ns, value (perhaps not finite).
    samples
        Histograms of the message, whose quantiles need the sample before.
    skipped
        Fields that are no numbers.
    ended
        Numbers of series that a stale marker ends.
    producer, seq
        What the last message says of itself; ``""`` and -1 where it says nothing.
    """

    __slots__ = ("codes", "ended", "limit", "names", "producer", "samples", "seq", "skipped", "time", "value")

    def __init__(self, names: Names, limit: int = 1 << 20) -> None:
        self.names, self.limit = names, limit
        self.codes: list[int] = []
        self.time: list[int] = []
        self.value: list[float] = []
        self.ended: list[int] = []
        self.samples: list[Sample] = []
        self.skipped = 0
        self.producer = ""
        self.seq = -1

    def __len__(self) -> int:
        return len(self.codes)

    def add(self, code: int, time: int, value: float) -> None:
        """Add a point."""
        self.codes.append(code)
        self.time.append(time)
        self.value.append(value)

    def mark(self) -> tuple[int, int, int]:
        """Begin a message: forget the last one's producer; what is returned takes its points back."""
        self.producer, self.seq = "", -1
        self.samples.clear()
        return len(self.codes), len(self.ended), self.skipped

    def back(self, mark: tuple[int, int, int]) -> None:
        """Take back all since `mark`."""
        n, ended, self.skipped = mark
        del self.codes[n:], self.time[n:], self.value[n:], self.ended[ended:]
        self.producer, self.seq = "", -1
        self.samples.clear()
