"""Time stamps: exact to the nanosecond, the unit told by magnitude."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from operators.decode import stamps
from operators.decode.errors import Undecodable

moments = st.integers(1_000_000_000, 9_000_000_000)
before_2106 = st.integers(0, 2**32 - 1)  # until then floats hold microseconds


@given(moments, st.integers(0, 999_999_999))
def test_every_unit_is_exact(second: int, ns: int) -> None:
    time = second * 10**9 + ns
    assert stamps.of_text(str(time)) == time
    assert stamps.of_text(f"{second}.{ns:09}") == time
    assert stamps.of_text(str(time // 10**6)) == time // 10**6 * 10**6
    assert stamps.of_text(str(time // 10**3)) == time // 10**3 * 10**3
    assert stamps.of_text(str(second)) == second * 10**9
    assert stamps.of_text(f"-{second}.{ns:09}") == max(-time, stamps.EARLIEST)


@given(st.integers(-(10**12), 10**12), st.integers(0, 999_999_999), st.integers(-1439, 1439))
def test_calendar_times(second: int, ns: int, offset: int) -> None:
    second %= 9_000_000_000
    at = datetime.fromtimestamp(second, UTC).astimezone(timezone(timedelta(minutes=offset)))
    sign, minutes = "-" if offset < 0 else "+", abs(offset)
    text = f"{at:%Y-%m-%dT%H:%M:%S}.{ns:09}{sign}{minutes // 60:02}:{minutes % 60:02}"
    assert stamps.of_text(text) == second * 10**9 + ns
    assert stamps.of_text(f"{datetime.fromtimestamp(second, UTC):%Y-%m-%d %H:%M:%S}z") == second * 10**9


@given(before_2106, st.integers(0, 999_999))
def test_floats_are_taken_by_their_decimal_text(second: int, micro: int) -> None:
    assert stamps.of_float(float(f"{second}.{micro:06}")) == second * 10**9 + micro * 1000


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("99999999999", stamps.LATEST),
        ("100000000000", 10**17),
        ("99999999999999", stamps.LATEST),
        ("100000000000000", 10**17),
        ("100000000000000000", 10**17),
        ("-1", -(10**9)),
        ("0", 0),
        ("1e400", stamps.LATEST),
        ("-1e400", stamps.EARLIEST),
        ("1.5e9999999", stamps.LATEST),
        ("1e-9999999", 0),
        ("1" + "0" * 400, stamps.LATEST),
        ("0001-01-01T00:00:00Z", stamps.EARLIEST),
        ("9999-12-31T23:59:59Z", stamps.LATEST),
        ("1969-12-31T23:59:59.5Z", -500_000_000),
        ("2016-12-31T23:59:60Z", 1_483_228_800 * 10**9),
        ("2026-01-01T00:00:00.1234567891Z", 1_767_225_600_123_456_789),
    ],
)
def test_boundaries(text: str, time: int) -> None:
    assert stamps.of_text(text) == time


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "1_0",
        "nan",
        "1e",
        "٣",
        "2026-01-01",
        "2026-01-01T00:00:00",
        "2026-13-01T00:00:00Z",
        "1" * 5000,
        "2026-01-01T00:00:61Z",
        "2026-01-01T24:00:00Z",
        "1e9999999999999999999999",
    ],
)
def test_what_is_none(text: str) -> None:
    with pytest.raises(Undecodable):
        stamps.of_text(text)
