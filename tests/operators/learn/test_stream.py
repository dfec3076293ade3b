"""The models of short and long windows of a shard: the same series, however the stream is cut and wherever it stops."""

from __future__ import annotations

import logging
import pickle
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.records import Event, Rows, Scored, Windows
from config.settings import Bound
from operators.learn import Budget, Learn, build
from operators.learn.shard import RIVER, Learnt
from operators.learn.stream import _Logic
from tests.operators.learn.streams import MINUTE, cut, told, windows

NEAR = build("60s", ["holt_winters"])
FAR = replace(build("180s", ["combination"], ahead=[2]), bounds={"cpu busy": Bound(above=1e6)})
NAMES = [f"cpu,host={k} busy" for k in "abcd"]
MINUTES = 120


def pairs(late: int = 15) -> list[tuple[Windows, Windows]]:
    """Return, every three minutes, the short and the long windows that were closed.

    Of the long ones the series come the other way round, and the last of them has values there long before its short ones have.
    """
    values = np.random.default_rng(3).normal(size=(MINUTES, len(NAMES)))
    short = values.copy()
    short[: late + 1, 3] = np.nan
    near, found = windows(NAMES, short), []
    for k, part in enumerate(cut(near, range(3 * len(NAMES), len(near), 3 * len(NAMES)))):
        codes = np.array([3, 2, 1, 0])
        i = np.full(4, len(part) - 1)
        mean = values[3 * k : 3 * k + 3].mean(axis=0)[codes]
        far = Windows(
            "180s",
            part.poll,
            part.series,
            codes,
            np.full(4, 3 * k * MINUTE),
            mean,
            {},
            i,
            i,
            i,
            part.fresh,
            part.silences,
        )
        found.append((part, far))
    return found


def joined(found: list[tuple[Windows, Windows]], size: int) -> list[Windows]:
    """Return the items of batches so many times as long."""
    out = []
    for k in range(0, len(found), size):
        for parts in zip(*found[k : k + size], strict=True):
            shift = np.cumsum([0, *(int(p.position.max()) + 1 for p in parts[:-1])])
            columns: dict[str, Any] = {
                name: np.concatenate([getattr(p, name) for p in parts])
                for name in ("codes", "time", "value", "first", "last")
            }
            at = np.concatenate([p.position - p.position.min() + s for p, s in zip(parts, shift, strict=True)])
            out.append(replace(parts[0], **columns, position=at))
    return out


def fed(logic: _Logic, items: list[Windows]) -> list[Learnt]:
    return [it for item in items for it in logic.on_batch([item])[0]]


def modelled(learn: Learn) -> set[str]:
    return {it.subject.name for it in learn.kept.values()}


def foretold(records: list[Learnt], horizon: str) -> set[int]:
    return {int(c) for it in records if isinstance(it, Rows) and it.tags.get("horizon") == horizon for c in it.codes}


@pytest.mark.parametrize("series", [1, 2, 3, 4])
def test_long_windows_have_models_of_exactly_the_series_that_short_ones_have(series):
    logic = _Logic([NEAR, FAR], series, None)
    records = fed(logic, joined(pairs(), 1))
    assert modelled(logic.near) == modelled(logic.far[0]) == set(NAMES[:series])
    assert foretold(records, "60s") == foretold(records, "360s") == set(range(series))
    watched = {int(c) for it in records if isinstance(it, Scored) and it.step == "breaches" for c in it.codes}
    assert watched == set(range(series))
    refusals = [it for it in records if isinstance(it, Event) and it.type == "not-modelled"]
    assert len(refusals) == (series < 4)
    assert (logic.near.refused, logic.far[0].refused) == (4 - series, 0)


@pytest.mark.parametrize("size", [2, 7, 1000])
def test_how_much_comes_at_once_changes_no_model(size):
    """The last series has short windows late: until then its long ones have no models, even where both are known at once."""
    whole = fed(_Logic([NEAR, FAR], 4, None), joined(pairs(), 1))
    assert told(fed(_Logic([NEAR, FAR], 4, None), joined(pairs(), size))) == told(whole)


@settings(max_examples=10, deadline=None)
@given(st.sets(st.integers(0, 79), max_size=6), st.integers(1, 4))
def test_both_go_on_exactly_after_a_restart(kills, series):
    items = joined(pairs(), 1)
    running, records = _Logic([NEAR, FAR], series, None), []
    for k, item in enumerate(items):
        records += fed(running, [item])
        if k in kills:
            running = _Logic([NEAR, FAR], series, pickle.loads(pickle.dumps(running.snapshot())))
    assert told(records) == told(fed(_Logic([NEAR, FAR], series, None), items))


def test_a_slot_used_afresh_is_left_by_both():
    items = joined(pairs(), 1)
    logic = _Logic([NEAR, FAR], 2, None)
    fed(logic, items[:20])
    fed(logic, [replace(it, fresh=np.array([0, 1]), codes=it.codes[::-1].copy()) for it in items[20:22]])
    fed(logic, items[22:])
    assert modelled(logic.near) == modelled(logic.far[0])
    assert len(logic.near.kept) == logic.near.budget.used == logic.far[0].budget.used == 2


def test_a_smaller_budget_takes_the_same_series_from_both():
    items = joined(pairs(), 1)
    stopped = _Logic([NEAR, FAR], 3, None)
    fed(stopped, items[:40])
    resumed = _Logic([NEAR, FAR], 1, stopped.snapshot())
    fed(resumed, items[40:])
    assert modelled(resumed.near) == modelled(resumed.far[0]) == {NAMES[0]}


def test_what_an_older_version_granted_apart_comes_together():
    items = joined(pairs(), 1)
    near, far = Learn(NEAR, Budget(1)), Learn(FAR, Budget(1))
    for item in items[:40]:
        near.update(item)
        far.update(replace(item, codes=3 - item.codes) if item.step == "180s" else item)
    saved = {it.plan.step: it.snapshot() for it in (near, far)}
    saved["180s"] = (*saved["180s"][:3], *Learn(FAR, Budget(1)).snapshot()[3:4], bytes([2, 2, 2, 2]), ())
    resumed = _Logic([NEAR, FAR], 1, {**saved, "60s": saved["60s"][:6]})
    fed(resumed, items[40:])
    assert modelled(resumed.near) == modelled(resumed.far[0]) == {NAMES[0]}
    assert resumed.far[0].refused == 0


@pytest.mark.parametrize("steps", [["60s"], ["180s"], ["60s", "180s"]])
def test_what_starts_cold_is_told_once_with_all_lengths(steps, caplog):
    items = joined(pairs(), 1)
    stopped = _Logic([NEAR, FAR], 2, None)
    fed(stopped, items[:40])
    state = stopped.snapshot()
    for step in steps:
        state[step] = ("learn-0", *state[step][1:])
    with caplog.at_level(logging.WARNING):
        resumed = _Logic([NEAR, FAR], 2, state)
    assert len(caplog.records) == len(steps)
    (event,) = [it for it in fed(resumed, items[40:]) if isinstance(it, Event) and it.type == "model-reset"]
    assert event.text.count(f"models start cold: River {RIVER}, learn-0, ") == len(steps)
    assert modelled(resumed.near) == modelled(resumed.far[0]) == set(NAMES[:2])


def test_another_length_to_learn_is_told():
    stopped = _Logic([NEAR], 2, None)
    fed(stopped, joined(pairs(), 1)[:4])
    resumed = _Logic([FAR], 2, stopped.snapshot())
    events = [it for it in fed(resumed, joined(pairs(), 1)[4:]) if isinstance(it, Event)]
    assert [(it.type, it.text) for it in events if it.type == "model-reset"] == [
        ("model-reset", "models start cold: none were saved of 180s, only of 60s")
    ]


def test_numbers_that_run_away_on_long_windows_are_told():
    items = joined(pairs(), 1)
    for k in range(1, len(items), 2):
        items[k] = replace(items[k], value=np.full(4, 2e98 * (k // 2)))  # 60 of them on, it is no number to reckon with
    far = build("180s", ["holt_winters"], ahead=[60])
    found = [it for it in fed(_Logic([NEAR, far], 1, None), items) if isinstance(it, Event)]
    texts = {it.text for it in found if it.type == "model-reset"}
    assert texts == {"numbers ran away on windows of 180s: holt_winters"}
