"""What others offer, with parameters that settings do not have."""

from __future__ import annotations

from typing import Any

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


def adwin_sure(values: Float) -> list[int]:
    """ADWIN that wants to be sure: delta 0.00001."""
    return alarms(drift.ADWIN(delta=1e-5), values)  # type: ignore[no-untyped-call]
