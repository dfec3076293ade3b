"""Drifts of streams of errors or readings, by the name used in settings.  A new one is a file here and a line below."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from operators.choose import choose
from operators.drift.adwin import adwin
from operators.drift.drift import Drift, Foreign, Watch, alarms
from operators.drift.kswin import kswin
from operators.drift.page_hinkley import page_hinkley
from operators.drift.shiryaev import shiryaev

__all__ = ["DRIFTS", "Drift", "Foreign", "Watch", "alarms", "build"]
DRIFTS: dict[str, Callable[..., Drift]] = {f.__name__: f for f in (adwin, kswin, page_hinkley, shiryaev)}


def build(names: Iterable[str], params: Mapping[str, Mapping[str, Any]]) -> list[Drift]:
    """Make the drifts named in settings.

    Raises
    ------
    ValueError
        A name or parameter is wrong; the message names both and the nearest right one.

    Examples
    --------
    >>> [d.name for d in build(["shiryaev"], {"shiryaev": {"every": 20_000}})]
    ['shiryaev']
    """
    return choose(DRIFTS, names, params)
