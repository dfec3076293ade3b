"""What each part costs alone, in this process: detectors, trends, windows, checks, decoders, line protocol, models, drifts, seasons."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from time import process_time_ns

import numpy as np

from config.records import NOTHING, SECOND, Checked, MetricBatch, Poll, Silences, Windows
from config.settings import load
from operators.anomaly import DETECTORS
from operators.decode import Decoder, Names, Points, decode_message
from operators.detector import Bank
from operators.drift import DRIFTS, Watch
from operators.lane import Lane
from operators.learn import MODELS
from operators.learn.learner import Learner
from operators.policy import Policy
from operators.season import Season
from operators.trend import TRENDS, Trends
from operators.validate import Validate, decoded
from operators.window import Window
from scripts.measures.figure import Figure, Task
from scripts.measures.load import START, Load
from sinks.line_protocol import LineProtocol


def measure(task: Task) -> Iterator[Figure]:
    """Measure each part on the peers' load, ten points of each of 1,000 series a batch; the least of the batches counts."""
    load_ = Load(100, 60) if task.quick else Load(1000, 200)
    batches = list(cut(load_, 10))
    for what in (detectors, window, validate, lines, trends):
        yield from what(batches)
    yield from decoders(load_)
    yield from models(20 if task.quick else 500)
    yield from streams(50 if task.quick else 2000)


def least(update: Callable[[MetricBatch], object], batches: Sequence[MetricBatch]) -> float:
    """Return the CPU time of a point in ns, of the cheapest batch; the first half of them warms up."""
    times = []
    for batch in batches:
        begun = process_time_ns()
        update(batch)
        times.append((process_time_ns() - begun) / len(batch))
    return min(times[len(times) // 2 :])


def cut(load_: Load, seconds: int) -> Iterator[MetricBatch]:
    """Yield a load as batches of so many seconds, as the decoder would."""
    first = MetricBatch.of([(f"cpu,host=h{i} usage_idle", 0, 0.0) for i in range(load_.series)])
    rows = list(load_.values())
    for at in range(0, len(rows), seconds):
        n = len(part := rows[at : at + seconds])
        time = (START + np.arange(at, at + n)).repeat(load_.series) * SECOND
        poll = Poll.of([b""] * (n * load_.series), offset=at * load_.series, stamp=int(time[-1]))
        codes, message = np.tile(np.arange(load_.series), n), np.arange(n * load_.series)
        yield MetricBatch(poll, first.series, codes, time, np.concatenate(part), message)


def checked(batch: MetricBatch) -> Checked:
    """Return a batch as it leaves the checks."""
    return Checked(batch, np.ones(len(batch), np.bool_), batch.value, NOTHING, Silences.none())


def detectors(batches: Sequence[MetricBatch]) -> Iterator[Figure]:
    """Each detector with its defaults."""
    for name, make in DETECTORS.items():
        bank = Bank([make()])
        ns = least(lambda b, bank=bank: bank.update(b.codes, b.time, b.value, NOTHING), batches)  # type: ignore[misc]
        yield Figure(f"parts.detector.{name}", ns, "ns/point")


def trends(batches: Sequence[MetricBatch]) -> Iterator[Figure]:
    """Each trend with its defaults, on as many windows."""
    for name, make in TRENDS.items():
        said = Trends([make()])

        def update(b: MetricBatch, said: Trends = said) -> None:
            at = np.arange(len(b))
            said.update(
                Windows(
                    "60s", b.poll, b.series, b.codes, b.time * 60, b.value, {}, at, at, at, NOTHING, Silences.none()
                )
            )

        yield Figure(f"parts.trend.{name}", least(update, batches), "ns/window")


def window(batches: Sequence[MetricBatch]) -> Iterator[Figure]:
    """Windows of the default lengths and fields."""
    s = load({})
    it = Window(s.windows.every, int(s.time.allowed_lateness * SECOND), s.windows.fields)
    yield Figure("parts.window", least(lambda b: it.update(checked(b)), batches), "ns/point")


def validate(batches: Sequence[MetricBatch]) -> Iterator[Figure]:
    """All checks."""
    s = load({})
    it = Validate(Policy.of(s), Lane(s.limits.series))
    ready = {id(b): decoded(b, int(b.time[-1])) for b in batches}
    yield Figure("parts.validate", least(lambda b: it.update(ready[id(b)]), batches), "ns/point")


def lines(batches: Sequence[MetricBatch]) -> Iterator[Figure]:
    """Points as line protocol."""
    render = LineProtocol()
    yield Figure("parts.line_protocol", least(lambda b: render(b).body(), batches), "ns/point")


def decoders(load_: Load) -> Iterator[Figure]:
    """JSON and line protocol, by template and by the ordinary decoder."""
    messages = [value for _, value in load_.messages()]
    text = [
        f"cpu,host=h{i} usage_idle={x!r} {(START + t) * SECOND}".encode()
        for t, values in enumerate(load_.values())
        for i, x in enumerate(values.tolist())
    ]
    size = 10 * load_.series
    for format, bodies in (("json", messages), ("influx", text)):
        decoder = Decoder(Names())
        polls = [Poll.of(bodies[at : at + size]) for at in range(0, len(bodies), size)]
        yield Figure(f"parts.decode.{format}.template", _polls(decoder.update, polls), "ns/point")
        yield Figure(f"parts.decode.{format}.ordinary", _polls(_plainly(format), polls), "ns/point")


def _polls(update: Callable[[Poll], object], polls: Sequence[Poll]) -> float:
    times = []
    for poll in polls:
        begun = process_time_ns()
        update(poll)
        times.append((process_time_ns() - begun) / len(poll))
    return min(times[len(times) // 2 :])


def _plainly(format: str) -> Callable[[Poll], object]:
    names = Names()

    def update(poll: Poll) -> Points:
        out = Points(names, 1 << 20)
        for body in poll.values:
            decode_message(body, out, 0, format)
        return out

    return update


def models(windows: int) -> Iterator[Figure]:
    """Each model on one series with three beside it: judge, then learn, a window."""
    values = 50 + np.random.default_rng(1).normal(0, 2, (2 * windows, 4))
    for name, make in MODELS.items():
        learner, times = Learner(make(1)), []
        for y, *beside in values.tolist():
            x = {str(i): v for i, v in enumerate(beside)}
            begun = process_time_ns()
            learner.learn(y, x, learner.judge(y, x))
            times.append((process_time_ns() - begun) / 1000)
        yield Figure(f"parts.model.{name}", float(np.median(times[windows:])), "us/window")


def streams(n: int) -> Iterator[Figure]:
    """Each drift, and the search for seasons, on one stream of readings."""
    values = 50 + np.random.default_rng(2).normal(0, 2, n)
    for name, make in DRIFTS.items():
        watch = Watch(make())
        watch.update(values[: n // 2])
        begun = process_time_ns()
        watch.update(values[n // 2 :])
        yield Figure(f"parts.drift.{name}", (process_time_ns() - begun) / (n - n // 2) / 1000, "us/point")
    season = Season()
    begun = process_time_ns()
    for x in values.tolist():
        season.update(x)
    yield Figure("parts.season", (process_time_ns() - begun) / n / 1000, "us/point")
