"""What watches the values of a series: what changed, and which shapes are shown again."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.records import Event
from operators.learn import Budget, Learn, build
from operators.learn.watch import WATCHES
from tests.operators.learn.streams import MINUTE, restarted, told, windows

HOST = "cpu,host=a busy"


@pytest.mark.parametrize("watch", ["shiryaev", "adwin", "kswin", "page_hinkley", "bocpd"])
def test_a_change_of_the_values_is_an_event_that_says_what_changed(watch):
    values = 20 + np.random.default_rng(2).normal(size=(700, 1)) + 6.0 * (np.arange(700)[:, None] >= 500)
    plan = replace(build("60s", ["holt_winters"]), watches={watch: WATCHES[watch]()})
    records = Learn(plan, Budget(1)).update(windows([HOST], values))
    kind = "change-point" if watch == "bocpd" else "value-drift"
    found = [it for it in records if isinstance(it, Event) and it.type == kind and it.time >= 500 * MINUTE]
    assert found[0].series == HOST
    assert found[0].time < 590 * MINUTE
    assert watch in found[0].text
    if watch in ("shiryaev", "bocpd"):
        (before, after) = map(float, re.findall(r"from ([\d.]+) to ([\d.]+)", found[0].text)[0])
        assert (before, after) == pytest.approx((20.0, 26.0), abs=1.0)
        assert found[0].value == pytest.approx(after, rel=1e-4)
        assert found[0].time < 510 * MINUTE


def shapes(length=1100, every=200):
    """Return minutes of noise in which a wave of 24 recurs; some windows between two of them never came."""
    values = 20 + np.random.default_rng(1).normal(size=(length, 1))
    for begin in range(200, length - 100, every):
        values[begin : begin + 24, 0] += 9 * np.sin(np.arange(24) * np.pi / 8)
    values[450:520] = np.nan
    return values


def recurring(records):
    return [it for it in records if isinstance(it, Event) and it.type == "motif"]


def test_a_shape_shown_again_is_an_event_that_says_which_and_how_long_after():
    plan = replace(build("60s", ["holt_winters"]), watches={"motif": WATCHES["motif"]()})
    found = recurring(Learn(plan, Budget(1)).update(windows([HOST], shapes())))
    assert [(it.series, it.value) for it in found] == [(HOST, 1.0)] * 3
    for nth, it in zip(("2nd", "3rd", "4th"), found, strict=True):
        said = f"motif: template 1 again, the {nth} time, 3 h 20 min after the time before; it began (\\d+) min ago"
        (ago,) = re.fullmatch(said, it.text).groups()
        assert (it.time // MINUTE - int(ago)) % 200 == pytest.approx(0, abs=12)  # the wave within a stretch of 32
    noise = 20 + np.random.default_rng(2).normal(size=(2000, 1))
    assert not recurring(Learn(plan, Budget(1)).update(windows([HOST], noise)))


@settings(max_examples=5, deadline=None)
@given(st.sets(st.integers(0, 1099), max_size=6), st.integers(5, 60))
def test_shapes_keep_their_numbers_after_a_restart(kills, due):
    item = windows([HOST], shapes())
    plan = replace(build("60s", ["holt_winters"]), watches={"motif": WATCHES["motif"]()})
    records = restarted(plan, item, kills, due)
    assert told(recurring(records)) == told(recurring(Learn(plan, Budget(1)).update(item)))
