"""How far ahead models look: each horizon of settings on the windows that suit it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from operators.forecast.forecast import MOST

NEAR = 128  # windows ahead, beyond which longer windows are asked if there are any
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def seconds(horizon: str) -> int:
    """Return a horizon in seconds.

    Examples
    --------
    >>> seconds("90s"), seconds("15m"), seconds("1d")
    (90, 900, 86400)
    """
    return int(horizon[:-1]) * UNITS[horizon[-1]]


def assign(horizons: Iterable[str], lengths: Sequence[int]) -> tuple[dict[int, list[int]], list[str]]:
    """Share horizons out among window lengths: the shortest of which it is at most `NEAR` windows, or else the longest.

    Returns
    -------
    tuple
        By length the horizons in windows, rounded up, sorted; and those that are more than `MOST` of the longest.

    Examples
    --------
    >>> assign(["1m", "15m", "1d", "90d"], [60, 3600])
    ({60: [1, 15], 3600: [24]}, ['90d'])
    >>> assign(["1m", "3h"], [60])
    ({60: [1, 180]}, [])
    """
    found: dict[int, set[int]] = {length: set() for length in sorted(lengths)}
    far = []
    for horizon in horizons:
        ahead = {length: -(-seconds(horizon) // length) for length in found}
        length = next((it for it, n in ahead.items() if n <= NEAR), max(found))
        if ahead[length] > MOST:
            far.append(horizon)
        else:
            found[length].add(ahead[length])
    return {length: sorted(it) for length, it in found.items()}, far
