"""Drift: a model's error is no longer what it was."""

from __future__ import annotations

from typing import Any

from river import drift

LARGEST = 4.0


class Drift:
    """Two tests on the scores of one model: ADWIN [1]_ and Page–Hinkley [2]_.

    Both see scores cut at 4, so that one window alone proves nothing; only a rise is told.  ADWIN looks at
    every window, because there are few.

    References
    ----------
    .. [1] Bifet, Gavaldà (2007), "Learning from time-changing data with adaptive windowing", SDM 2007,
       doi:10.1137/1.9781611972771.42.
    .. [2] Page (1954), "Continuous inspection schemes", Biometrika 41(1/2), doi:10.2307/2333009.

    Examples
    --------
    >>> d = Drift()
    >>> found = [d.update(score) for score in [0.2, 0.3] * 50 + [3.0] * 8]
    >>> [(i, names) for i, names in enumerate(found) if names]
    [(103, ('Page–Hinkley',)), (106, ('ADWIN',))]
    """

    def __init__(self) -> None:
        self.adwin: Any = drift.ADWIN(delta=0.01, clock=1)  # type: ignore[no-untyped-call]
        self.page_hinkley: Any = drift.PageHinkley(min_instances=30, delta=0.1, threshold=10.0, mode="up")

    def update(self, score: float) -> tuple[str, ...]:
        """Take in one more score; return the names of the tests that now see a rise.  NaN is no score."""
        if score != score:
            return ()
        error = min(score, LARGEST)
        before = self.adwin.estimation
        self.adwin.update(error)
        self.page_hinkley.update(error)
        rise = self.adwin.drift_detected and self.adwin.estimation > before
        found = {"ADWIN": rise, "Page–Hinkley": self.page_hinkley.drift_detected}
        return tuple(name for name, yes in found.items() if yes)
