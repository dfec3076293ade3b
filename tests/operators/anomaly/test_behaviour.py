"""One thing each detector is good at, and what all of them do about odd readings."""

import numpy as np
import pytest

from config.records import NOTHING, SECOND
from operators.anomaly import DETECTORS, build
from operators.detector import Bank, run

NOISE = np.random.default_rng(11).normal(size=4000).clip(-3, 3)
HEAVY = {
    "lognormal": np.random.default_rng(2).lognormal(size=100_000),
    "t3": np.random.default_rng(2).standard_t(3, size=100_000),
}


def odd(name, x, every=10.0, **params):
    return np.flatnonzero(run(DETECTORS[name](**params), x, every=every) >= 1)


def test_zscore_finds_a_spike_after_thousands_of_readings():
    assert odd("zscore", [*NOISE[:3000], 7.0]).tolist() == [3000]


def test_ewma_follows_a_level_that_wanders():
    wandering = NOISE + 5 * np.sin(np.arange(4000) / 500)
    assert odd("ewma", [*wandering, wandering[-1] + 8]).tolist() == [4000]


def test_cusum_finds_a_small_shift_that_ewma_does_not():
    shifted = NOISE[:1040].copy()
    shifted[1000:] += 1.5
    assert 1000 < odd("cusum", shifted)[0] < 1030
    assert not len(odd("ewma", shifted))


def test_cusum_of_one_far_reading_is_not_odd():
    assert not len(odd("cusum", [*NOISE[:500], 40.0, *NOISE[500:900]]))


def test_flatline_knows_the_usual_length():
    stairs = np.repeat(NOISE[:50], 20)
    assert not len(odd("flatline", stairs))
    assert 1035 < odd("flatline", [*stairs, *np.full(90, 5.0)])[0] < 1060


def test_mad_is_not_blinded_by_far_readings():
    x = NOISE[:1000].copy()
    x[100:1000:10] += 60
    x = np.append(x, 7.0)
    assert run(DETECTORS["mad"](), x)[-1] >= run(DETECTORS["zscore"](), x)[-1]
    assert run(DETECTORS["mad"](), x)[-1] > 3 * run(DETECTORS["zscore"](), x)[-1]


def test_iqr_has_a_fence_of_its_own_on_either_side():
    skewed = NOISE[:2000] ** 2
    _, last = _expected("iqr", skewed)
    yhat, lower, upper = last
    assert upper - yhat > 1.2 * (yhat - lower)


def test_rate_finds_a_jump_and_accepts_the_new_level_at_once():
    walk = NOISE.cumsum()
    walk[3000:] += 12
    assert odd("rate", walk).tolist() == [3000]


def test_rate_knows_how_long_a_change_took():
    walk, at = NOISE[:1001].cumsum(), np.arange(1001) * 10 * SECOND
    walk[-1] += 12
    for gap, expected in ((0, True), (60, False)):
        at[-1] = (9_990 + 10 + gap) * SECOND
        score = Bank([DETECTORS["rate"]()]).update(np.zeros(1001, np.int64), at, walk, NOTHING)["rate"].score[-1]
        assert bool(score >= 1) is expected


@pytest.mark.parametrize("name", ["profile", "holt_winters"])
def test_seasonal_detectors_miss_the_usual_night(name):
    at = np.arange(14 * 96) * 900.0
    day = 20 * np.sin(at / 86400 * 2 * np.pi) + NOISE[: len(at)]
    begin = 13 * 96
    day[begin + 20] = 0.0  # where it ought to be 19: usual at another time of day
    found = odd(name, day, every=900.0)
    assert found[found > 5 * 96].tolist() == [begin + 20]
    assert not len(odd("ewma", day, every=900.0))


def test_profile_keeps_weekends_apart():
    at = np.arange(28 * 24) * 3600.0  # 1970-01-01 was a Thursday
    weekend = ((at // 86400 + 3) % 7) >= 5
    load = np.where(weekend, 10.0, 50.0) + NOISE[: len(at)]
    found = odd("profile", load, every=3600.0)
    assert not np.any(found > 14 * 24)
    load[-24 * 5] = 50.0  # a Saturday like a Wednesday
    assert weekend[-24 * 5]
    assert len(at) - 24 * 5 in odd("profile", load, every=3600.0)


@pytest.mark.parametrize("noise", HEAVY)
@pytest.mark.parametrize("name", DETECTORS)
def test_heavy_tails_do_not_raise_ever_more_alarms(name, noise):
    x = HEAVY[noise]
    tenths = np.histogram(odd(name, x), 10, (0, len(x)))[0]
    assert tenths[-1] <= max(tenths[0], 10)
    assert tenths.sum() < len(x) / 1000


@pytest.mark.parametrize("noise", HEAVY)
def test_no_more_alarms_than_when_everything_is_learnt(noise):
    everything = len(odd("ewma", HEAVY[noise], plain=True))
    assert everything > 500
    assert len(odd("ewma", HEAVY[noise])) < everything / 5


@pytest.mark.parametrize("name", sorted(set(DETECTORS) - {"ensemble", "flatline", "rate"}))
def test_a_lasting_new_level_is_accepted(name):
    x = np.append(NOISE[:1000], NOISE[1000:3000] + 30)
    found = odd(name, x, every=300.0)
    before, first, after = (np.sum((found >= a) & (found < b)) for a, b in ((0, 1000), (1000, 1020), (1400, 3000)))
    assert first >= 10
    assert before <= 2
    assert after <= 8


def test_the_textbook_forms_learn_everything():
    x = np.append(NOISE[:500], NOISE[500:700] + 9)
    mean, var, expected = x[0], 0.0, [np.nan]
    for i in range(1, len(x)):
        d = x[i] - mean
        expected.append(np.nan if i < 30 else abs(d) / np.sqrt(var) / 3)
        mean += 0.01 * d
        var = 0.99 * (var + 0.01 * d * d)
    found = run(DETECTORS["ewma"](plain=True), x)
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_settings_name_detector_parameter_and_value():
    with pytest.raises(ValueError, match=r"there is no ewna; did you mean ewma\?"):
        build(["ewna"], {})
    with pytest.raises(ValueError, match=r"profile has no parameter direktion; did you mean direction\?"):
        build(["profile"], {"profile": {"direktion": "high"}})
    with pytest.raises(ValueError, match=r"ewma\.limit = -1"):
        build(["ewma"], {"ewma": {"limit": -1}})
    with pytest.raises(ValueError, match=r"ewma\.direction = 'up'"):
        build(["ewma"], {"ewma": {"direction": "up"}})


def _expected(name, x):
    d, n = DETECTORS[name](), len(x)
    s = Bank([d]).update(np.zeros(n, np.int64), np.arange(n) * SECOND, x, NOTHING, True)[name]
    return s.score[-1], (s.yhat[-1], s.lower[-1], s.upper[-1])
