"""Crossings: what a forecast says of bounds, of numbers of any size."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from operators.forecast.forecast import Ahead
from operators.learn.crossing import DEVIATIONS, crossings

SIZES = st.floats(-1.7e308, 1.7e308)


def said(course: list[float], width: float) -> Ahead:
    yhat = np.array(course)
    return Ahead(yhat, {0.8: (yhat - width, yhat + width)})


def test_a_probability_is_that_of_normal_errors():
    ahead = said([0.0, 10.0], DEVIATIONS)  # one deviation is 1
    (above,) = crossings(ahead, {"above": 9.0}, 0.0, 60.0)
    (below,) = crossings(said([0.0, -10.0], DEVIATIONS), {"below": -9.0}, 0.0, 60.0)
    assert above.probability == below.probability == pytest.approx(0.841345, abs=1e-6)


@pytest.mark.parametrize("side", ["above", "below"])
@pytest.mark.parametrize("width", [0.0, 1.0, 1e300])
def test_huge_numbers_have_probabilities(side, width):
    sign = 1.0 if side == "above" else -1.0
    (found,) = crossings(said([sign * 1e300, sign * 1.1e300], width), {side: -sign * 5e299}, -sign * 1e300, 60.0)
    assert found.probability == (1.0 if width < 1e300 else pytest.approx(0.98, abs=0.01))


@given(st.lists(SIZES, min_size=1, max_size=4), SIZES, st.floats(0.0, 1e307), st.floats(-1e300, 1e300))
def test_no_number_overflows(course, bound, width, y):
    yhat = np.array(course) / 2
    for side in ("above", "below"):
        for it in crossings(Ahead(yhat, {0.8: (yhat - width, yhat + width)}), {side: bound}, y, 60.0):
            assert 0.0 <= it.probability <= 1.0
