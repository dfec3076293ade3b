"""Breach forecasts: crossings in between values, both directions, and silence where none is likely."""

from math import inf

import numpy as np
import pytest

from operators.forecast.breach import breach

UP = np.arange(10.0, 110.0, 10.0)


def test_crossings_lie_between_values():
    it = breach(UP, (UP - 20, UP + 20), 0.8, 45.0, 60.0, 0.0)
    assert it is not None
    assert (it.earliest, it.at, it.latest) == pytest.approx((60 * 2.5, 60 * 4.5, 60 * 6.5))


def test_down_is_up_mirrored():
    up, down = (breach(s * UP, mirrored(s), 0.8, s * 45.0, 60.0, 0.0) for s in (1, -1))
    assert up is not None
    assert down is not None
    assert up[2:] == pytest.approx(down[2:])


def mirrored(sign):
    return (UP - 20, UP + 20) if sign > 0 else (-UP - 20, -UP + 20)


def test_what_only_may_cross_has_no_time_of_its_own():
    it = breach(np.full(5, 50.0), (np.full(5, 30.0), np.full(5, 70.0)), 0.8, 60.0, 60.0, 50.0)
    assert it is not None
    assert it.at == it.latest == inf
    assert str(it).startswith("may cross 60 in")


def test_what_is_not_likely_is_not_told():
    assert breach(UP, (UP - 20, UP + 20), 0.8, 500.0, 60.0, 0.0) is None
    assert breach(np.full(3, np.nan), (np.full(3, np.nan), np.full(3, np.nan)), 0.8, 5.0, 60.0, 0.0) is None


def test_what_has_crossed_has_crossed():
    it = breach(UP, (UP - 20, UP + 20), 0.8, 5.0, 60.0, 5.0)
    assert it is not None
    assert (it.at, it.earliest, it.latest) == (0.0, 0.0, 0.0)
