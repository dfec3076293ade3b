"""Quantiles of the increase between two samples."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.metrics.v1 import metrics_pb2 as pb

from config.records import Poll
from operators.decode import Decoder, Names
from operators.decode.buckets import Explicit, Exponential, quantiles
from operators.decode.histogram import Histograms, Sample
from tests.operators.decode.reading import rows

BOUNDS = (1.0, 2.0, 4.0, 8.0)
NAMES = Names()
FIELDS = NAMES.of("h", [])
counts = st.lists(st.integers(0, 50).map(float), min_size=5, max_size=5)


def naive(bounds: Sequence[float], counts: Sequence[float], q: float) -> float:
    """Prometheus' histogram_quantile, from the words of its documentation."""
    rank, below, i = q * sum(counts), 0.0, 0
    while below + counts[i] < rank:
        below += counts[i]
        i += 1
    if i == len(bounds):
        return bounds[-1]
    start = bounds[i - 1] if i else 0.0
    return start + (bounds[i] - start) * (rank - below) / counts[i]


@given(counts)
def test_explicit_bounds(held: list[float]) -> None:
    found = quantiles(Explicit(BOUNDS, tuple(held)))
    if sum(held) == 0:
        assert found == {}
    else:
        want = {"p50": naive(BOUNDS, held, 0.5), "p95": naive(BOUNDS, held, 0.95), "p99": naive(BOUNDS, held, 0.99)}
        assert found == pytest.approx(want)


@settings(deadline=None)
@given(st.lists(st.floats(-100, 100), min_size=1, max_size=200), st.integers(0, 6))
def test_exponential_buckets_hold_the_quantile(values: list[float], scale: int) -> None:
    found = quantiles(exponential(values, scale), min(values), max(values))
    base = 2.0**2.0**-scale
    for name, q in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99)):
        true = sorted(values)[max(0, -int(-q * len(values) // 1) - 1)]
        widest = abs(true) * (base - 1 / base) + 1e-9
        assert found[name] == pytest.approx(true, abs=widest)


def exponential(values: Sequence[float], scale: int) -> Exponential:
    """As the data model defines it: value in (base**i, base**(i+1)], by search."""
    base = 2.0**2.0**-scale
    sides: tuple[dict[int, float], dict[int, float]] = ({}, {})
    for value in values:
        side = sides[value < 0]
        i = -80 << scale
        while abs(value) > 1e-20 and not base**i < abs(value) <= base ** (i + 1):
            i += 1 if base ** (i + 64) >= abs(value) else 64
        if abs(value) > 1e-20:
            side[i] = side.get(i, 0.0) + 1.0
    zero = float(sum(abs(value) <= 1e-20 for value in values))
    return Exponential(scale, 0.0, zero, *sides)


def learn(state: Histograms, time: int, held: Sequence[float], start: int = 0, **more: object) -> dict[str, float]:
    return state.learn(Sample(FIELDS, time, start, Explicit(BOUNDS, tuple(held)), **more))  # type: ignore[arg-type]


def test_increase_since_the_previous_sample() -> None:
    state = Histograms()
    assert learn(state, 1, [100, 0, 0, 0, 0]) == {}
    assert learn(state, 2, [100, 0, 10, 0, 0]) == quantiles(Explicit(BOUNDS, (0, 0, 10, 0, 0)))
    assert learn(state, 3, [100, 0, 10, 0, 0]) == {}


def test_a_fall_or_a_new_start_is_a_reset() -> None:
    state = Histograms()
    learn(state, 1, [5, 5, 0, 0, 0], start=1)
    assert learn(state, 2, [4, 0, 0, 0, 0], start=1) == quantiles(Explicit(BOUNDS, (4, 0, 0, 0, 0)))
    assert learn(state, 9, [4, 6, 0, 0, 0], start=8) == quantiles(Explicit(BOUNDS, (4, 6, 0, 0, 0)))


def test_an_older_stamp_disturbs_nothing() -> None:
    state, twin = Histograms(), Histograms()
    for it in (state, twin):
        learn(it, 10, [1, 0, 0, 0, 0])
    assert learn(state, 5, [90, 90, 0, 0, 0]) == {}
    assert learn(state, 10, [90, 90, 0, 0, 0]) == {}
    assert state.snapshot() == twin.snapshot()


def test_other_bounds_begin_anew() -> None:
    state = Histograms()
    learn(state, 1, [1, 1, 1, 1, 1])
    assert state.learn(Sample(FIELDS, 2, 0, Explicit((3.0,), (9.0, 9.0)))) == {}
    assert state.learn(Sample(FIELDS, 3, 0, Explicit((3.0,), (9.0, 19.0)))) == {"p50": 3.0, "p95": 3.0, "p99": 3.0}


def test_a_delta_is_the_increase_itself() -> None:
    state = Histograms()
    assert learn(state, 1, [0, 4, 0, 0, 0], cumulative=False) == {"p50": 1.5, "p95": 1.95, "p99": 1.99}
    assert state.last == {}


def test_smallest_and_largest_narrow_the_buckets() -> None:
    found = quantiles(Explicit(BOUNDS, (0.0, 0.0, 0.0, 0.0, 10.0)), 8.0, 10.0)
    assert found == pytest.approx({"p50": 9.0, "p95": 9.9, "p99": 9.98})
    assert quantiles(Explicit((), (4.0,)), 2.0, 2.0) == {"p50": 2.0, "p95": 2.0, "p99": 2.0}
    assert quantiles(Explicit((), (4.0,))) == {}


def test_scales_that_become_coarser_are_told_apart() -> None:
    early, late = [1.5, 3.0, 7.0, 0.0], [1000.0, 2000.0, -3.0]
    state = Histograms()
    state.learn(Sample(FIELDS, 1, 0, exponential(early, 3)))
    coarse = state.learn(Sample(FIELDS, 2, 0, exponential(early + late, 1)))
    assert coarse == quantiles(exponential(late, 1))


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 9), counts), max_size=30), st.integers(0, 30))
def test_a_restart_changes_nothing(samples: list[tuple[int, int, list[float]]], cut: int) -> None:
    whole, parted = Histograms(3), Histograms(3)
    for n, (series, time, held) in enumerate(samples):
        if n == cut:
            parted = Histograms(3, parted.snapshot())
        sample = Sample(NAMES.of(f"h{series}", []), time, 0, Explicit(BOUNDS, tuple(held)))
        assert whole.learn(sample) == parted.learn(sample)
    assert whole.snapshot() == parted.snapshot()
    assert len(whole.last) <= 3


def export(time: int, total: int, temporality: int = 2, flags: int = 0) -> bytes:
    data = pb.MetricsData()
    metric = data.resource_metrics.add().scope_metrics.add().metrics.add(name="h")
    metric.histogram.aggregation_temporality = temporality
    metric.histogram.data_points.add(
        time_unix_nano=time,
        count=total,
        sum=1.5 * total,
        explicit_bounds=[1, 2],
        bucket_counts=[0, total, 0],
        flags=flags,
    )
    return bytes(data.SerializeToString())


def test_a_stamp_too_far_ahead_is_not_learnt() -> None:
    now = 10**18
    sent = [export(now, 10), export(now + 10**12, 90), export(now + 1, 20)]
    decoded = Decoder(Names()).update(Poll.of(sent, stamp=now))
    assert [row for row in rows(decoded) if row[0] == "h p50"] == [("h p50", now + 1, 1.5)]
    assert len([row for row in rows(decoded) if row[0] == "h count"]) == 3


def test_cumulative_counts_are_counters_and_deltas_are_not() -> None:
    for temporality, counter in ((2, True), (1, False)):
        series = Decoder(Names()).update(Poll.of([export(10**18, 4, temporality)], stamp=10**18)).points.series
        found = dict(zip(series.names, map(bool, series.counter), strict=True))
        assert found == {"h count": counter, "h sum": counter} | (
            {} if counter else {f"h {q}": False for q in ("p50", "p95", "p99")}
        )


def test_a_point_without_a_recorded_value_ends_its_series() -> None:
    decoded = Decoder(Names()).update(Poll.of([export(10**18, 4), export(10**18 + 1, 0, flags=1)], stamp=10**18))
    series = decoded.points.series.names
    assert [(series[code], message) for code, message in decoded.ended.tolist()] == [
        (f"h {field}", 1) for field in ("count", "sum", "min", "max", "p50", "p95", "p99")
    ]
    assert len(decoded.points) == 2


def test_a_decoder_goes_on_from_its_snapshot() -> None:
    now = 10**18
    one = Decoder(Names())
    one.update(Poll.of([export(now, 10)], stamp=now))
    other = Decoder(Names(), snapshot=one.snapshot())
    again = Poll.of([export(now + 1, 20)], stamp=now)
    assert rows(one.update(again)) == rows(other.update(again))
