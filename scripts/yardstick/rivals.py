"""What others offer, as it comes: River's drift detectors."""

from __future__ import annotations

from typing import Any

import numpy as np
from river import drift

from config.records import Float


def alarms(detector: Any, values: Float) -> list[int]:
    """Return where a drift detector of River gave an alarm."""
    found = []
    for i, x in enumerate(values.tolist()):
        if x == x:
            detector.update(x)
            if detector.drift_detected:
                found.append(i)
    return found


def adwin(values: Float) -> list[int]:
    """ADWIN with River's defaults."""
    return alarms(drift.ADWIN(), values)  # type: ignore[no-untyped-call]


def adwin_sure(values: Float) -> list[int]:
    """ADWIN that wants to be sure: delta 0.00001."""
    return alarms(drift.ADWIN(delta=1e-5), values)  # type: ignore[no-untyped-call]


def page_hinkley(values: Float) -> list[int]:
    """Page–Hinkley with River's defaults, on values in deviations of the first hundred: its threshold has a unit."""
    first = values[np.isfinite(values)][:100]
    mean, deviation = (float(first.mean()), float(first.std()) or 1.0) if len(first) else (0.0, 1.0)
    return alarms(drift.PageHinkley(), (values - mean) / deviation)
