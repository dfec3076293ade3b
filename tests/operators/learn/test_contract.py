"""What every model must hold to, whatever it learns."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from hashlib import blake2b

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from config.records import Float, Scored, Windows
from operators.learn import MODELS, Budget, Learn, build, kept
from operators.learn.learner import Learner
from tests.operators.learn.streams import cut, feed, told, windows

NAMES = ("cpu,host=a busy", "cpu,host=b busy", "mem,host=a used")
EVERY = pytest.mark.parametrize("model", MODELS)


def shared(minutes: int, seed: int = 1, step_at: int = 10**9) -> Float:
    """Return three series that share a driver, shape (minutes, 3); all rise by 30 at `step_at`; a few windows are missing."""
    rng = np.random.default_rng(seed)
    values = 50 + rng.normal(size=(minutes, 1)).cumsum(0) * 0.1 + rng.normal(size=(minutes, 3))
    values[step_at:] += 30
    values[rng.random(values.shape) < 0.02] = np.nan
    return values


def learner(model: str) -> Learn:
    return Learn(build("60s", [model]), Budget(64))


def scores(model: str, values: Float) -> Float:
    """Return the scores of the first series, in order of time."""
    found = [it for it in learner(model).update(windows(NAMES[: values.shape[1]], values)) if isinstance(it, Scored)]
    return found[0].scores[model].score[found[0].codes == 0]


@EVERY
def test_documents_itself(model: str) -> None:
    doc = MODELS[model].__doc__ or ""
    assert all(part in doc for part in ("Parameters", "Examples", "References"))


@EVERY
@settings(max_examples=8, deadline=None)
@given(st.sets(st.integers(0, 299), max_size=6), st.integers(5, 60))
def test_a_restart_at_any_window_changes_nothing(model: str, kills: set[int], due: int) -> None:
    item = windows(NAMES, shared(100, step_at=60))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kept, "DUE", due)
        running, records = learner(model), []
        for part in cut(item, kills):
            records += running.update(part)
            saved = pickle.dumps(running.snapshot())
            running = Learn(running.plan, Budget(64), pickle.loads(saved))
    assert told(records) == told(learner(model).update(item))


@EVERY
def test_pickles_are_exact(model: str) -> None:
    plan = build("60s", [model])
    for n in (1, 20, 45, 70):
        first, second = (
            windows(NAMES, shared(80, step_at=60)[s], start) for s, start in ((slice(n), 0), (slice(n, 80), n))
        )
        never, saved = Learn(plan, Budget(64)), Learn(plan, Budget(64))
        for learn in (never, saved):
            learn.update(first)
        for it in saved.kept.values():
            it.save()
        resumed = Learn(plan, Budget(64), saved.snapshot())
        assert not any(len(it) for it in resumed.kept.values())
        assert told(resumed.update(second)) == told(never.update(second)) == told(saved.update(second))


@EVERY
@settings(max_examples=8, deadline=None)
@given(st.sets(st.integers(0, 299), max_size=20))
def test_cuts_change_nothing(model: str, ends: set[int]) -> None:
    item = windows(NAMES, shared(100, step_at=60))
    parts, whole = feed(learner(model), cut(item, ends)), learner(model).update(item)
    assert told(parts) == told(whole)
    assert _order(parts) == _order(whole)


def _order(records: list[object]) -> list[tuple[int, int]]:
    scored = [it for it in records if isinstance(it, Scored)]
    return [pair for it in scored for pair in zip(it.codes.tolist(), it.time.tolist(), strict=True)]


@EVERY
def test_scores_before_it_learns_and_scoring_does_not_learn(model: str) -> None:
    rng, asked, not_asked = np.random.default_rng(3), Learner(MODELS[model](1)), Learner(MODELS[model](1))
    for y in rng.normal(size=150).tolist():
        x = {"0": y + float(rng.normal())}
        for other in (y, 1e3, -5.0):
            asked.judge(other, x)
        verdict = not_asked.judge(y, x)
        assert_array_equal(asked.judge(y, x), verdict)
        asked.learn(y, x, verdict)
        not_asked.learn(y, x, verdict)
    assert verdict.score == verdict.score


@EVERY
@pytest.mark.parametrize("values", [[1e99, -1e99], [1e-300, 1e99], [0.0, 1e300, 2.0], [1e15, 1e15 + 1, 1e15 + 2]])
def test_scores_are_finite_and_not_negative(model: str, values: list[float]) -> None:
    stream = np.array([[values[(i + j) % len(values)] * (1 + j) for j in range(3)] for i in range(200)])
    for it in learner(model).update(windows(NAMES, stream)):
        if isinstance(it, Scored):
            score = it.scores[model].score
            assert not np.isinf(score).any()
            assert (score[~np.isnan(score)] >= 0).all()
            assert np.isfinite(it.scores[model].yhat[~np.isnan(score)]).all() or model == "half_space_trees"


@EVERY
@pytest.mark.parametrize("missing", [np.nan, np.inf, -np.inf, 1e200])
def test_what_is_no_number_changes_nothing(model: str, missing: float) -> None:
    values = np.random.default_rng(4).normal(size=(150, 1)) + np.zeros(3)
    gaps = np.insert(values, [100] * 4, [missing] * 3, axis=0)
    assert_array_equal(np.isnan(scores(model, gaps)), np.isnan(scores(model, values)))
    assert_array_equal(scores(model, gaps), scores(model, values))


@EVERY
def test_constant_near_constant_and_two_valued_series_are_quiet(model: str) -> None:
    rng = np.random.default_rng(5)
    constant = np.full((400, 3), 7.3)
    for values in (constant, constant * (1 + 1e-12 * rng.normal(size=(400, 3))), (rng.random((400, 3)) < 0.01) * 1.0):
        assert not (scores(model, values) >= 1).any()


@EVERY
@pytest.mark.parametrize("noise", ["standard_normal", "standard_exponential"])
def test_ordinary_noise_is_ordinary(model: str, noise: str) -> None:
    values = getattr(np.random.default_rng(6), noise)((1500, 3))
    found = scores(model, values)
    assert np.isfinite(found[200:]).all()
    assert np.mean(found >= 1) < 0.01


@EVERY
def test_heavy_tails_do_not_run_away(model: str) -> None:
    found = scores(model, np.random.default_rng(7).standard_t(3, (3000, 3)))
    early, late = found[200:1500], found[1500:]
    assert np.nanmean(early >= 1) < 0.015
    assert np.nanmean(late >= 1) < 0.015


@EVERY
def test_a_spike_is_odd(model: str) -> None:
    values = np.random.default_rng(8).normal(size=(400, 1)) + 0.1 * np.random.default_rng(9).normal(size=(400, 3))
    values[350, 0] += 25
    found = scores(model, values)
    assert np.nanargmax(found) == 350
    assert found[350] >= 1


def digest(item: Windows) -> str:
    learn = Learn(build("60s", list(MODELS)), Budget(64))
    return blake2b(repr(told(learn.update(item))).encode()).hexdigest()


def test_another_process_gives_the_same_bits() -> None:
    code = "from tests.operators.learn.test_contract import *; print(digest(windows(NAMES, shared(100, step_at=60))))"
    there = [
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for seed in ("1", "2")
    ]
    assert set(there) == {digest(windows(NAMES, shared(100, step_at=60)))}
