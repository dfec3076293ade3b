"""Other libraries, behind the group `rivals` of ``pyproject.toml``: PySAD, a random cut forest, the matrix profile.

Each is imported when it is first asked, so that the table of rivals can be read where they are not installed.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import redirect_stdout
from functools import partial
from typing import Any

import numpy as np

from scripts.yardstick.rivals.fed import Step, fed
from scripts.yardstick.said import Detect

SEED = 42
PROBATION = 600  # readings; NAB gives a file of 4,032 so many
WINDOW, HISTORY = 50, 2000  # readings in a subsequence, and how far back its neighbours are looked for


def pysad(make: Callable[[Any], Any]) -> Step:
    """Return a step of a model of PySAD's."""
    from pysad import models

    model = make(models)

    def step(y: float) -> float:
        with redirect_stdout(None):  # KNNCAD prints
            return float(model.fit_score_partial(np.array([y])))

    return step


def knncad(models: Any) -> Any:
    """Return conformal nearest neighbours of the last 19 readings, as they stood in NAB."""
    return models.KNNCAD(PROBATION)


def median(models: Any) -> Any:
    """Return the distance from the median of the last 500 readings, in their median distances."""
    return models.MedianAbsoluteDeviation()


def cut_forest(shingle: int) -> Step:
    """Return the random cut forest of AWS: 50 trees of 256 shingles, each the last so many readings."""
    from krcf import RandomCutForest

    forest = RandomCutForest({"dimensions": 1, "shingle_size": shingle, "random_seed": SEED})

    def step(y: float) -> float:
        score = float(forest.score([y]))
        forest.update([y])
        return score

    return step


def matrix_profile() -> Step:
    """Return the left matrix profile: how far the newest readings are from the most like ones in the last `HISTORY`, z-normalised.

    The history begins as nothing but gaps, so that every reading is met by an update; of one thread, whose time counts.
    """
    import numba
    import stumpy

    numba.set_num_threads(1)
    with np.errstate(all="ignore"):
        profile = stumpy.stumpi(np.full(HISTORY, np.nan), m=WINDOW, egress=True)

    def step(y: float) -> float:
        with np.errstate(all="ignore"):
            profile.update(y)
        return float(profile.left_P_[-1])

    return step


ANOMALIES: dict[str, Detect] = {
    "pysad_knncad": fed(partial(pysad, knncad)),
    "pysad_mad": fed(partial(pysad, median)),
    "krcf_1": fed(partial(cut_forest, 1)),
    "krcf_8": fed(partial(cut_forest, 8)),
    "krcf_48": fed(partial(cut_forest, 48)),
    "stumpy_stumpi": fed(matrix_profile),
}
