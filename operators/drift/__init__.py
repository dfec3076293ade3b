"""Drifts of streams of errors or readings, by the name used in settings.  A new one is a file here and a line below."""

from __future__ import annotations

from collections.abc import Callable

from operators.drift.adwin import adwin
from operators.drift.drift import Drift, Foreign, Watch, alarms
from operators.drift.kswin import kswin
from operators.drift.page_hinkley import page_hinkley
from operators.drift.shiryaev import shiryaev

__all__ = ["DRIFTS", "Drift", "Foreign", "Watch", "alarms"]
DRIFTS: dict[str, Callable[..., Drift]] = {f.__name__: f for f in (adwin, kswin, page_hinkley, shiryaev)}
