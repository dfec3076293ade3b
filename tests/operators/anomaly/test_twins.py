import numpy as np
import pytest
from numpy.testing import assert_allclose

from operators.anomaly import DETECTORS
from operators.detector import run
from tests import naive

FAR = 60.0  # a line that nothing crosses: twins know no odd readings
FIXED = {"tail": 0.0}


@pytest.mark.parametrize("name", sorted(set(DETECTORS) - {"ensemble", "flatline"}))
def test_agrees_with_its_plain_twin(name):
    every = 900.0
    t = np.arange(400) * every
    x = 50 + np.random.default_rng(3).normal(size=400) + 3 * np.sin(t / 86400 * 2 * np.pi)
    rtol = 1e-3 if name in ("profile", "holt_winters") else 1e-8  # those keep profiles in single precision
    found = run(DETECTORS[name](limit=FAR, **FIXED), x, every=every)
    assert_allclose(found, getattr(naive, name)(t, x, FAR), rtol=rtol, atol=1e-6)


def test_flatline_agrees_with_its_plain_twin():
    x = np.repeat(np.random.default_rng(3).normal(size=60), np.random.default_rng(4).integers(1, 9, 60))
    found = run(DETECTORS["flatline"](limit=2.0, least=3, accept=50.0), x)
    assert_allclose(found, naive.flatline(None, x, 2.0, least=3), rtol=1e-12)
    assert np.nanmax(found) < 1
