"""When exchanges trade: with the library as it says, without it the remedy is named."""

from __future__ import annotations

from datetime import UTC, datetime
from importlib.util import find_spec

import numpy as np
import pytest
from bytewax.testing import TestingSink, TestingSource

from config import exchange
from config.exchange import trading
from config.layers import ConfigError
from config.settings import load
from flows.main import Ends, learning


def sessions(code):
    """Sessions by day; None without the library, which then says how to get it."""
    if find_spec("exchange_calendars") is None:
        with pytest.raises(ConfigError, match=r"time\.calendar: needs .* pip install exchange_calendars"):
            trading([code])
        return None
    (it,) = trading([code])
    at = [tuple(datetime.fromtimestamp(t / 1e9, UTC) for t in pair) for pair in zip(it.opens, it.closes, strict=True)]
    return {(a.date().isoformat(), f"{a:%H:%M}"): f"{b:%H:%M}" for a, b in at}


def test_new_york_knows_summer_holidays_and_half_days():
    found = sessions("XNYS")
    if found is not None:
        assert found["2026-01-05", "14:30"] == "21:00"
        assert found["2026-07-06", "13:30"] == "20:00"
        assert found["2026-11-27", "14:30"] == "18:00"
        assert not any(day in ("2026-11-26", "2026-12-25", "2026-01-03") for day, _ in found)
        assert min(found)[0] == "2000-01-03"


def test_tokyo_has_a_break_at_noon():
    found = sessions("XTKS")
    if found is not None:
        assert (found["2026-01-05", "00:00"], found["2026-01-05", "03:30"]) == ("02:30", "06:30")


def test_an_unknown_exchange_is_named_with_the_nearest():
    with pytest.raises(
        ConfigError, match=r"time\.calendar: (there is no exchange XNYX; the nearest is XNYS|needs the)"
    ):
        trading(["XNYX"])


def test_days_with_a_break_are_cut_in_two():
    none = np.iinfo(np.int64).min
    it = exchange._halves(np.array([0, 100]), np.array([50, 150]), np.array([20, none]), np.array([30, none]))
    assert [c.tolist() for c in it] == [[0, 30, 100], [20, 50, 150], [0, 0, 100]]


def test_no_calendar_needs_nothing():
    assert load({}).time.calendar == {}
    assert trading([]) == []


def test_a_wrong_code_stops_the_start():
    none = TestingSink([]), TestingSink([]), TestingSink([])
    ends = Ends(TestingSource([]), {}, *none)
    with pytest.raises(ConfigError, match=r"time\.calendar"):
        learning(load({"ALLUSE_TIME__CALENDAR": '{"fills": "XNYX"}'}), (), ends)
