"""Judging: every operator on every series, on all cores.  Figures are the same whichever process finds them; only costs vary."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from typing import Any, NamedTuple

from scripts.yardstick import anomaly, resample, task
from scripts.yardstick.alerts import ALERTS
from scripts.yardstick.changepoint import CHANGEPOINT
from scripts.yardstick.drift import DRIFT
from scripts.yardstick.entries import ENTRIES
from scripts.yardstick.forecast import FORECAST
from scripts.yardstick.period import PERIOD
from scripts.yardstick.sets import Set
from scripts.yardstick.trend import TREND

TASKS = {
    "trend": TREND,
    "period": PERIOD,
    "drift": DRIFT,
    "changepoint": CHANGEPOINT,
    "forecast": FORECAST,
    "fleet": ALERTS,
}
MOST = 16  # each takes seconds to start, and 150 MB
Say = Callable[[Set], None]


class Row(NamedTuple):
    """The figures of one operator on one set."""

    data: str
    kind: str
    detector: str
    whose: str
    series: int
    figures: dict[str, float]


def judge(it: Set, names: Sequence[str], pool: Executor, quick: bool, say: Say) -> Iterator[Row]:
    """Judge some operators on a set, in the order of `ENTRIES`.

    Parameters
    ----------
    names
        Which; those that are not of the set's kind are passed over.
    say
        Takes the set whenever one more of its items is done.
    """
    chosen = [name for name in ENTRIES[it.kind] if name in names]
    first = [pool.submit(one, it.kind, item, chosen) for item in it.items if chosen]
    for done in first:
        done.result()
        say(it)
    times = resample.QUICK if quick else resample.TIMES
    second: list[Future[dict[str, float]]] = [
        pool.submit(together, it, [done.result()[k] for done in first], times) for k in range(len(chosen))
    ]
    for name, found in zip(chosen, second, strict=True):
        yield Row(it.name, it.kind, name, ENTRIES[it.kind][name].whose, len(it.items), found.result())


def one(kind: str, item: Any, names: Sequence[str]) -> list[Any]:
    """Judge operators on one item."""
    entries = [ENTRIES[kind][name] for name in names]
    if kind == "nab":
        return [anomaly.judge(item, entry.run) for entry in entries]
    return [task.marked(TASKS[kind], item, entry.run) for entry in entries]


def together(it: Set, answers: Sequence[Any], times: int) -> dict[str, float]:
    """Return the figures of one operator on a whole set."""
    if it.kind == "nab":
        return anomaly.figures(it.items, answers, times)
    return task.figures(TASKS[it.kind], answers, times)


class Here(Executor):
    """Does what it is given at once, in this process."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        done: Future[Any] = Future()
        done.set_result(fn(*args, **kwargs))
        return done


@contextmanager
def processes(jobs: int) -> Iterator[Executor]:
    """Give so many processes, 0: one a core that this one may use, at most `MOST`; 1: this process itself."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    jobs = jobs or min(cores, MOST)
    if jobs == 1:
        yield Here()
        return
    with ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn")) as pool:
        yield pool
