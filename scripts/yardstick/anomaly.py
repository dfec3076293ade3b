"""Anomalies: what a detector is worth on a set of labelled series."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from time import process_time_ns

import numpy as np

from config.records import Float
from scripts.yardstick import episodes, nab, ranking, resample
from scripts.yardstick.said import Detect
from scripts.yardstick.series import Labelled

LINE = 1.0  # the threshold that is fixed beforehand: every detector's own line
FEW = (1, 2, 4, 8)  # false episodes in 10,000 points
STEPS = 2000  # thresholds among which a resampled sweep looks


@dataclass(frozen=True)
class Judged:
    """What one detector said of one series, and what that ranks.

    Parameters
    ----------
    score
        Of the judged points; 0 where it had none.
    ap, vus
        Of what orders the readings (`Said.order`); NaN without labels.
    cost
        µs a point of processor time.
    """

    score: Float
    ap: float
    vus: float
    cost: float


def judge(it: Labelled, entry: Detect) -> Judged:
    """Run a detector over a series, in order; its first two points alone before, so that nothing is compiled while time is taken."""
    entry(it.time[:2], it.value[:2])
    begun = process_time_ns()
    said = entry(it.time, it.value)
    cost = (process_time_ns() - begun) / 1000 / max(len(it.time), 1)
    score = np.nan_to_num(said.score[it.begin :], nan=0.0)
    order, label = said.order[it.begin :], it.points[it.begin :]
    return Judged(score, ranking.average_precision(order, label), ranking.volume(order, label), cost)


@dataclass
class Report:
    """Figures as they are found, each with its interval where there is one."""

    times: int
    series: int
    found: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.one = np.ones(self.series)
        self.many = resample.weights(resample.draws(self.series, self.times if self.series > 1 else 0))

    def plain(self, name: str, figure: float) -> None:
        """Take a figure."""
        self.found[name] = float(figure)

    def sure(self, name: str, figure: float, resampled: Float) -> None:
        """Take a figure and what it was in each resample."""
        self.found[name] = float(figure)
        self.found[f"{name}_low"], self.found[f"{name}_high"] = resample.interval(resampled)

    def by(self, name: str, measure: Callable[[Float], Float]) -> None:
        """Take a figure that follows from the weights of series."""
        self.sure(name, float(measure(self.one)), measure(self.many))


def figures(corpus: Sequence[Labelled], judged: Sequence[Judged], times: int) -> dict[str, float]:
    """Return every figure of one detector on one set."""
    scores = [j.score for j in judged]
    report = Report(times, len(corpus))
    threshold = scored(report, corpus, scores)
    report.by("ap", lambda w: resample.mean(w, np.array([j.ap for j in judged])))
    report.by("vus_pr", lambda w: resample.mean(w, np.array([j.vus for j in judged])))
    recalled(report, corpus, scores)
    met(report, corpus, scores, threshold, "")
    met(report, corpus, scores, LINE, "_fixed")
    report.plain("windows", sum(len(it.windows) for it in corpus))
    report.plain("points", sum(len(it.time) for it in corpus))
    report.plain("us_per_point", float(np.median([j.cost for j in judged])))
    return report.found


def scored(report: Report, corpus: Sequence[Labelled], scores: Sequence[Float]) -> float:
    """Take NAB's scores, swept and at the fixed line; return the swept threshold."""
    windows = np.array([len(it.windows) for it in corpus], np.float64)
    best = np.inf
    for name, profile in nab.PROFILES.items():
        gains = nab.gains(corpus, scores, profile)
        figure, threshold = nab.swept(gains, int(windows.sum()), profile)
        full = (profile.hit + profile.miss) * (report.many @ windows) / 100.0
        full[full == 0] = np.nan  # a resample without windows
        report.sure(name, figure, (report.many @ steps(gains, len(corpus))).max(axis=-1, initial=0.0) / full)
        at_line = np.bincount(gains.series, gains.gain * (gains.score >= LINE), len(corpus))
        known = nab.fixed(gains, int(windows.sum()), profile, LINE)
        report.sure(f"{name}_fixed", known, report.many @ at_line / full)
        best = threshold if name == "standard" else best
    report.plain("threshold", best)
    return best


def steps(g: nab.Gains, series: int) -> Float:
    """Return what each series has gained at `STEPS` thresholds, dense at the top: shape (series, thresholds)."""
    last = np.flatnonzero(np.append(g.score[1:] != g.score[:-1], True))
    pick = (
        np.unique(np.geomspace(1, len(last), STEPS).astype(np.int64) - 1) if len(last) > STEPS else np.arange(len(last))
    )
    step = np.searchsorted(last[pick], np.arange(len(g.gain)))
    kept = step < len(pick)
    flat = np.bincount(g.series[kept] * len(pick) + step[kept], g.gain[kept], series * len(pick))
    return np.cumsum(flat.reshape(series, len(pick)), axis=1)


def recalled(report: Report, corpus: Sequence[Labelled], scores: Sequence[Float]) -> None:
    """Take recall at few false episodes and the best F1."""
    tops = np.unique(np.concatenate([episodes.peaks(it, score) for it, score in zip(corpus, scores, strict=True)]))
    counts = episodes.count(corpus, scores, tops[tops > 0])  # between two of these nothing more is found
    for most in FEW:
        report.by(f"recall_at_{most}", lambda w, most=most: episodes.within(counts, w, most))  # type: ignore[misc]
    counts = episodes.count(corpus, scores, candidates(np.concatenate(scores)))
    report.by("f1", lambda w: episodes.f1(counts, w).max(axis=-1, initial=0.0))


def candidates(score: Float) -> Float:
    """Return thresholds at which the best F1 is looked for: quantiles of the scores above 0, dense at the top."""
    some = score[score > 0]
    shares = np.concatenate([np.linspace(0, 0.9, 20), 1 - np.geomspace(0.1, 1e-5, 60)])
    return np.unique(np.quantile(some, shares)) if len(some) else np.empty(0)


def met(report: Report, corpus: Sequence[Labelled], scores: Sequence[Float], threshold: float, suffix: str) -> None:
    """Take what a person meets at one threshold: windows found, false episodes, delay."""
    counts = episodes.count(corpus, scores, np.array([threshold]))
    share, seconds = episodes.delays(corpus, scores, threshold)
    weeks, false = float(counts.weeks.sum()), float(counts.false.sum())
    report.by(f"recall{suffix}", lambda w: episodes.recall(counts, w)[..., 0])
    report.plain(f"false_per_10k{suffix}", episodes.rate(counts, report.one)[0])
    report.plain(f"false_per_series_week{suffix}", false / weeks if weeks else np.nan)
    report.plain(f"delay{suffix}", np.median(share) if len(share) else np.nan)
    report.plain(f"delay_seconds{suffix}", np.median(seconds) if len(seconds) else np.nan)
    if suffix:
        report.by(f"f1{suffix}", lambda w: episodes.f1(counts, w)[..., 0])
