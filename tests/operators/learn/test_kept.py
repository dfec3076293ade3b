"""Which models are pickled when."""

from __future__ import annotations

import numpy as np
import pytest

from operators.learn import Budget, Learn, build, kept
from operators.learn.kept import Kept, save_due
from operators.learn.subject import Subject
from tests.operators.learn.streams import windows

NAMES = [f"cpu,host={i} busy" for i in range(12)]


def learnt(*lengths: int) -> list[Kept]:
    found = []
    for i, n in enumerate(lengths):
        found.append(Kept(Subject(f"a{i} x", build("60s", ["holt_winters"])), 2))
        for y in range(n):
            found[-1].learn((float(y % 5), y))
    return found


def test_the_longest_waiting_few_are_pickled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "DUE", 10)
    found = learnt(11, 12, 13, 10, 14, 15)
    save_due(found)
    assert [len(it) for it in found] == [11, 0, 0, 10, 0, 0]
    save_due(found)
    assert [len(it) for it in found] == [0, 0, 0, 10, 0, 0]


def test_none_waits_without_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "DUE", 10)
    monkeypatch.setattr(kept, "OVERDUE", 20)
    found = learnt(*[21] * 9, 15)
    save_due(found)
    assert [len(it) for it in found] == [0] * 9 + [15]


def test_a_snapshot_does_not_pickle_what_is_not_due() -> None:
    shard = Learn(build("60s", ["half_space_trees"]), Budget(12))
    values = np.random.default_rng(1).normal(size=(257, 12))
    shard.update(windows(NAMES, values[:256]))
    *_, states, _ = shard.snapshot()
    assert {(saved, len(since) // 64) for saved, since in states} == {(b"", 256)}
    shard.update(windows(NAMES, values[256:], 256))
    *_, states, _ = shard.snapshot()
    assert [bool(saved) for saved, _ in states] == [True] * 4 + [False] * 8
    assert [len(since) // 64 for _, since in states] == [0] * 4 + [257] * 8


def test_a_snapshot_is_values_that_later_windows_do_not_change() -> None:
    shard = Learn(build("60s", ["regression"]), Budget(3))
    values = np.random.default_rng(1).normal(size=(80, 3))
    shard.update(windows(NAMES[:3], values[:50]))
    before = shard.snapshot()
    copy = repr(before)
    shard.update(windows(NAMES[:3], values[50:], 50))
    assert repr(before) == copy
