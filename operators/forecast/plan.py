"""What a forecaster of a season and a horizon is made of: its members, their lags, and the row of state they need."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from config.records import Float, Int, StateRows

WEEK = 7  # seasons in a longer one, tried beside it: days in a week; where there is none its members lose their weight
REACH = 4096  # how far back lags go
ORIGINS = 8  # forecasts under way at a time, whose errors weigh the members
NEAR = 8
WEIGHTS = 4  # of smoothing, that theta chooses from


class Plan(NamedTuple):
    """Numbers that fix the layout of the state.

    Parameters
    ----------
    period
        Values in a season; 1: none.
    horizon, stride
        Values ahead; values between two forecasts that are kept to be judged.
    cycles
        Shape (c,): periods of the naive members.
    lags
        Shape (k,): lags of the regressions; a short one takes the first of them.
    sizes, differences, needs
        Shape (g,): how many lags each regression takes, over what period it looks at differences (0: at values), and how many
        values have to stand before the one it learns.
    """

    period: int
    horizon: int
    stride: int
    cycles: Int
    lags: Int
    sizes: Int
    differences: Int
    needs: Int

    @property
    def names(self) -> tuple[str, ...]:
        """The forecasters, in their order.

        Examples
        --------
        >>> " ".join(plan(24, 48).names), plan(None, 5).names[-3:]
        ('naive naive_week holt_winters theta ar ar_change ar_season ar_short', ('ar', 'ar_change', 'ar_short'))
        """
        regressions = (
            ("ar", "ar_change", "ar_season", "ar_short") if self.period > 1 else ("ar", "ar_change", "ar_short")
        )
        return (*("naive", "naive_week")[: len(self.cycles)], "holt_winters", "theta", *regressions)

    @property
    def members(self) -> int:
        """How many forecasters there are."""
        return len(self.names)

    @property
    def reach(self) -> int:
        """How many values are kept; twice the horizon, so that a steady climb is not taken for leaving their range (`members.ROOM`)."""
        return int(max(self.cycles.max(), self.needs.max(), 4 * NEAR, 2 * self.horizon)) + 1

    @property
    def slots(self) -> int:
        """How many forecasts are under way at a time."""
        return -(-self.horizon // self.stride)


class State(NamedTuple):
    """Fields of a row, as arrays that kernels write to; numbers have shape (1,)."""

    n: Int
    origin: Int
    seen: Int
    judged: Int
    filled: Int
    centre: Float
    level: Float
    trend: Float
    course: Float
    mild: Float
    missed: Float
    line: Float
    past: Float
    gram: Float
    moment: Float
    coefficient: Float
    typical: Float
    pending: Float
    off: Float
    error: Float
    spread: Float
    uneven: Float
    width: Float
    wide: Float


def plan(season: int | None, horizon: int) -> Plan:
    """Choose members for a season (None: none) and a horizon, both in values.

    Examples
    --------
    >>> plan(24, 48).lags.tolist()
    [1, 2, 3, 24, 25, 4, 5, 6, 7, 23, 26, 48, 49, 72, 73, 96, 97, 120, 121, 144, 145, 167, 168, 169, 170, 192, 193]
    >>> plan(None, 5).lags.tolist(), plan(None, 5).differences.tolist()
    ([1, 2, 3, 4, 5, 6, 7, 8], [0, 1, 1])
    """
    p = season or 1
    short = [1, 2, 3, p, p + 1]
    more = [*range(4, NEAR), p - 1, p + 2]
    for j in range(2, WEEK):
        more += [j * p, j * p + 1]
    more += [WEEK * p - 1, WEEK * p, WEEK * p + 1, WEEK * p + 2, (WEEK + 1) * p, (WEEK + 1) * p + 1]
    if p == 1:
        short, more = [1, 2, 3], [*range(4, NEAR + 1)]
    lags = list(dict.fromkeys(lag for lag in short + more if 0 < lag <= REACH))
    few, all_ = len(set(short)), len(lags)
    pairs = [(all_, 0), (all_, 1), (all_, p), (few, p)] if p > 1 else [(all_, 0), (all_, 1), (few, 1)]
    cycles = [c for c in (p, WEEK * p) if c <= REACH] if p > 1 else [1]
    sizes, differences = np.array(pairs).T.copy()
    stride = max(1, horizon // ORIGINS)
    needs = np.array([max(lags[:size]) + d for size, d in pairs])
    return Plan(p, horizon, stride, np.array(cycles), np.array(lags), sizes, differences, needs)


def row(it: Plan) -> StateRows:
    """Return the row of a series before its first value, shape (1,), structured."""
    g, k, m = len(it.sizes), int(it.sizes.max()) + 1, it.members
    shapes: dict[str, tuple[int, ...]] = {
        **dict.fromkeys(("n", "judged", "filled", "centre", "level", "trend"), (1,)),
        **dict.fromkeys(("seen", "typical"), (g,)),
        **dict.fromkeys(("moment", "coefficient"), (g, k)),
        "origin": (it.slots,),
        **dict.fromkeys(("course", "uneven"), (it.period,)),
        **dict.fromkeys(("mild", "missed"), (WEIGHTS,)),
        "line": (5,),
        "past": (2 * it.reach,),
        "gram": (g, k, k),
        "pending": (it.slots, m + 2, it.horizon),
        "off": (it.slots, m + 1),
        "error": (m,),
        "spread": (2, it.horizon),
        "width": (2,),
        "wide": (it.slots, 2),
    }
    whole = ("n", "origin", "seen", "judged", "filled")
    return np.zeros(1, [(name, "i8" if name in whole else "f8", shapes[name]) for name in State._fields])


def state(row: Any) -> State:
    """Return the fields of one row as arrays that share its memory."""
    return State(*(row[name] for name in State._fields))
