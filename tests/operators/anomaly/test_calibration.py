"""Whether a score means the probability that it says: asked against got.

``python -m tests.operators.anomaly.test_calibration ../shared/data/nab ../shared/data/ms_cloud`` prints the table of ``docs/detection.md``.
"""

import sys
from pathlib import Path

import numpy as np
import pytest

from config.records import NOTHING, SECOND
from config.settings import CHANCE
from operators.anomaly import DETECTORS
from operators.detector import Bank
from scripts.yardstick import ours
from scripts.yardstick.series import corpus

LIGHT = sorted(set(DETECTORS) - {"ensemble"})
SERIES, LONG, SETTLED, EVERY = 20, 5000, 500, 300.0
LINES = (0.75, 1.0, 1.25)


def remembering(g, share, noise):
    e, x = noise(g), np.zeros(LONG)
    for i in range(1, LONG):
        x[i] = share * x[i - 1] + e[i]
    return x


def sticky(g, share):
    """Return readings that stay with some chance: runs of equal ones have geometric lengths."""
    moves = g.random(LONG) > share
    return g.normal(size=LONG)[np.cumsum(moves) % LONG]


STREAMS = {
    "normal": lambda g: g.normal(size=LONG),
    "AR(1), 0.9": lambda g: remembering(g, 0.9, lambda g: g.normal(size=LONG)),
    "Student, 3": lambda g: g.standard_t(3, size=LONG),
    "lognormal": lambda g: g.lognormal(size=LONG),
    "daily": lambda g: 5 * np.sin(np.arange(LONG) * EVERY / 86400 * 2 * np.pi) + g.normal(size=LONG),
    "sticky": lambda g: sticky(g, 0.95),
}


def begins(odd, hold=10):
    """Return at how many readings of a series a run of odd ones begins, those within ten readings being one."""
    return int(np.sum(np.diff(np.flatnonzero(odd), prepend=-1 - hold) > hold))


def got(name, stream):
    """Return how often in 10,000 readings runs of each of `LINES` begin."""
    x = np.array([STREAMS[stream](np.random.default_rng(seed)) for seed in range(SERIES)])
    codes, time = np.tile(np.arange(SERIES), LONG), np.repeat(np.arange(LONG) * int(EVERY * SECOND), SERIES)
    score = Bank([DETECTORS[name]()]).update(codes, time, x.T.ravel(), NOTHING)[name].score.reshape(LONG, SERIES).T
    judged = score[:, SETTLED:]
    return [1e4 * sum(begins(s >= line) for s in judged) / judged.size for line in LINES]


def quiet(name, folder):
    """Return the same of recorded series, outside of what is labelled."""
    odd, readings = np.zeros(len(LINES)), 0
    for it in corpus(Path(folder)):
        inside = it.inside | (np.arange(len(it.time)) < it.begin)
        score = np.where(inside, 0.0, np.nan_to_num(ours.detect(name, it.time, it.value).score))
        odd += [begins(score >= line) for line in LINES]
        readings += np.sum(~inside)
    return list(1e4 * odd / readings)


@pytest.mark.parametrize("stream", STREAMS)
@pytest.mark.parametrize("name", LIGHT)
def test_no_more_is_odd_than_was_asked_for(name, stream):
    asked = [1e4 * CHANCE**line for line in LINES]
    assert got(name, stream)[0] <= 1.7 * asked[0]
    assert got(name, stream)[1] <= 2.5 * asked[1]


@pytest.mark.parametrize("stream", ["normal", "Student, 3", "lognormal"])
@pytest.mark.parametrize("name", sorted(set(LIGHT) - {"flatline"}))
def test_what_was_asked_for_is_odd(name, stream):
    asked = [1e4 * CHANCE**line for line in LINES]
    assert got(name, stream)[0] >= asked[0] / 3
    assert got(name, stream)[1] >= asked[1] / 8


if __name__ == "__main__":
    print("| detector |", " | ".join([*STREAMS, *(Path(f).name for f in sys.argv[1:])]), "|")
    print(
        "| asked | "
        + " | ".join([" / ".join(f"{1e4 * CHANCE**line:.2g}" for line in LINES)] * (len(STREAMS) + 2))
        + " |"
    )
    for each in LIGHT:
        found = [*(got(each, stream) for stream in STREAMS), *(quiet(each, folder) for folder in sys.argv[1:])]
        print(f"| `{each}` |", " | ".join(" / ".join(f"{x:.2g}" for x in it) for it in found), "|", flush=True)
