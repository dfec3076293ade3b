"""Season: the periods of a series, found online from its last values and from coarser ones further back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from config.records import Float, StateRows
from operators.detector import LARGEST, layout
from operators.season.search import CYCLES, PERIODS, Found, search

RING = 2048
COARSE = 16  # values in one of the coarse ring, which so reaches RING * COARSE values back
FIRST = 64  # values before the first look
ROW = np.zeros(
    1,
    [
        ("ring", "f8", (RING,)),
        ("coarse", "f8", (RING,)),
        ("sum", "f8"),
        ("have", "i8"),
        ("n", "i8"),
        ("looked", "i8"),
        ("period", "i8", (PERIODS,)),
        ("strength", "f8", (PERIODS,)),
    ],
)


class Season:
    """Periods of one series, in values, with their strength.

    The last `RING` values are kept, and as many means of `COARSE` values: periods up to 682 are looked for among the first,
    up to 10,922 among the second.  At a look the values are flattened, and a period is believed when the spectrum shows it at its
    harmonics (see `evidence`) and the autocorrelation agrees.  Looks come when a quarter of what is kept is new: 3 to
    6 ms every 512 values once the ring is full, 15 to 30 µs a value, and 33 kB of state a series: for a counted number of series.

    Parameters
    ----------
    snapshot
        What `snapshot` returned; of another layout, it starts cold.

    References
    ----------
    .. [1] Vlachos, Yu, Castelli (2005), "On periodicity detection and structural periodic similarity", SDM,
       doi:10.1137/1.9781611972757.40: candidates from the spectrum, confirmed by the autocorrelation.
    .. [2] Wen et al. (2021), "RobustPeriod: robust time-frequency mining for multiple periodicity detection", SIGMOD,
       doi:10.1145/3448016.3452779; in place of wavelets we keep a coarse ring, in place of M-estimates drawn-in readings.
    .. [3] Wang, Smith, Hyndman (2006), "Characteristic-based clustering for time series data", Data Mining and Knowledge
       Discovery 13, doi:10.1007/s10618-005-0039-x, section 3.2: strength; here of values with far ones drawn in, by variances free of bias.

    Examples
    --------
    >>> noise = np.random.default_rng(1).standard_normal(480)
    >>> season = Season()
    >>> for x in noise + np.tile([9.0, 0.0, 0.0, 2.0, 0.0, 0.0, 0.0, 0.0], 60):
    ...     season.update(x)
    >>> season.periods
    [(8, 0.75)]
    """

    def __init__(self, snapshot: tuple[str, bytes] | None = None) -> None:
        self.row: StateRows = ROW.copy()
        if snapshot is not None and snapshot[0] == layout(ROW):
            self.row = np.frombuffer(snapshot[1], ROW.dtype).copy()

    def update(self, x: float) -> None:
        """Take the next value; NaN where one is missing, so that those behind it keep their phase."""
        s = self.row[0]
        x = x if abs(x) <= LARGEST else np.nan
        n = int(s["n"])
        s["ring"][n % RING] = x
        if x == x:
            s["sum"] += x
            s["have"] += 1
        n += 1
        s["n"] = n
        if n % COARSE == 0:
            s["coarse"][(n // COARSE - 1) % RING] = s["sum"] / s["have"] if s["have"] else np.nan
            s["sum"], s["have"] = 0.0, 0
        if n >= FIRST and n - s["looked"] >= min(n, RING) // 4:
            self._keep(self.look())

    @property
    def periods(self) -> Found:
        """Periods and their strength in (0, 1], the surest first, as of the last look."""
        s = self.row[0]
        return [(int(p), float(v)) for p, v in zip(s["period"], s["strength"], strict=True) if p]

    def look(self) -> Found:
        """Find the periods now; changes nothing."""
        s = self.row[0]
        near = search(unroll(s["ring"], int(s["n"])), 1, 2)
        if s["n"] <= RING:
            return near
        far = search(unroll(s["coarse"], int(s["n"]) // COARSE), COARSE, RING // CYCLES + 1)
        return (near + far)[:PERIODS]

    def snapshot(self) -> tuple[str, bytes]:
        """Return the row as bytes, with its layout."""
        return layout(ROW), self.row.tobytes()

    def _keep(self, found: Found) -> None:
        s = self.row[0]
        s["looked"], s["period"], s["strength"] = s["n"], 0, 0.0
        for i, (period, strength) in enumerate(found):
            s["period"][i], s["strength"][i] = period, strength


def unroll(ring: Any, n: int) -> Float:
    """Return what a ring holds after `n` values, the oldest first."""
    return np.array(ring[:n]) if n <= len(ring) else np.roll(ring, -(n % len(ring)))


def period(values: Sequence[float] | Float) -> int | None:
    """Return the surest period of a series that `Season` has seen value by value, or None when there is none.

    Examples
    --------
    >>> period([9.0, 0.0, 0.0, 1.0, 0.0] * 20), period([1.0] * 100)
    (5, None)
    """
    season = Season()
    for x in values:
        season.update(float(x))
    found = season.look()
    return found[0][0] if found else None
