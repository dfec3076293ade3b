import numpy as np
import pytest
from numpy.testing import assert_allclose

from operators.anomaly import DETECTORS
from operators.anomaly.line import row
from operators.anomaly.peaks import calibrate, rarity
from operators.detector import run
from tests import naive

FAR = 60.0  # a limit that nothing comes near: twins know no odd readings


@pytest.mark.parametrize("name", sorted(set(DETECTORS) - {"ensemble", "flatline"}))
def test_agrees_with_its_plain_twin(name):
    every = 900.0
    t = np.arange(400) * every
    x = 50 + np.random.default_rng(3).normal(size=400) + 3 * np.sin(t / 86400 * 2 * np.pi)
    rtol = 1e-3 if name in ("profile", "holt_winters") else 1e-8  # those keep profiles in single precision
    found = run(DETECTORS[name](limit=FAR), x, every=every)
    assert_allclose(found, naive.calibrated(getattr(naive, name)(t, x, FAR)), rtol=rtol, atol=1e-6)


def test_flatline_agrees_with_its_plain_twin():
    x = np.repeat(np.random.default_rng(3).normal(size=200), np.random.default_rng(4).geometric(0.3, 200))
    found = run(DETECTORS["flatline"](limit=3, accept=50.0), x)
    assert_allclose(found, naive.flatline(None, x, 3), rtol=1e-9)
    assert np.nanmax(found) > 0.6  # beyond the threshold


@pytest.mark.parametrize("noise", ["normal", "lognormal"])
def test_the_tail_agrees_with_its_plain_twin(noise):
    y = np.abs(getattr(np.random.default_rng(5), noise)(size=3000)) / 3
    y[1000::500] += 9.0
    s, found, rare = row([])[0], np.full(3000, np.nan), -np.log(4e-4)
    for s["n"] in range(1, 3000):
        found[s["n"]] = rarity(s, y[s["n"]], 1.0, rare)
        calibrate(s, found[s["n"]], rare)
    y[0] = np.nan
    assert_allclose(found, naive.calibrated(y), rtol=1e-9)
    assert np.nanmax(found) > 1
