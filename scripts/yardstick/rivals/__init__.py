"""What users would pick instead, by kind and name: judged beside our operators where ``--rivals`` asks for it.

All stream as ours do, one pass with one set of parameters and no range known beforehand, save those of `batch`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from scripts.yardstick.entries import ENTRIES, Entry
from scripts.yardstick.rivals import batch, libraries, river

REMEDY = ".venv/bin/python -m pip install --group rivals"


def _of(table: Mapping[str, Any]) -> dict[str, Entry]:
    return {name: Entry(run, name.partition("_")[0]) for name, run in table.items()}


RIVALS: dict[str, dict[str, Entry]] = {
    "nab": _of(river.ANOMALIES) | _of(libraries.ANOMALIES),
    "drift": _of(river.DRIFTS),
    "changepoint": _of({"river_adwin": river.DRIFTS["river_adwin"]} | batch.CHANGEPOINTS),
    "forecast": _of(river.FORECASTS) | _of(batch.FORECASTS),
}


BATCH = {*batch.FORECASTS, *batch.CHANGEPOINTS}  # what sees a whole series at once


def entries(kind: str) -> dict[str, Entry]:
    """Return all that can be judged of a kind, ours and the baselines first."""
    return ENTRIES[kind] | RIVALS.get(kind, {})


def versions(libraries: Iterable[str]) -> dict[str, str]:
    """Return the version of each library, by name; of those that are not installed an empty one.

    Examples
    --------
    >>> versions(["no-such-library"])
    {'no-such-library': ''}
    """
    found = {}
    for name in sorted(set(libraries), key=str.lower):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = ""
    return found


def need(names: Iterable[str], kinds: Iterable[str]) -> dict[str, str]:
    """Return the libraries of some rivals, with their versions, when these are asked of some kinds.

    Raises
    ------
    ValueError
        They are not all; the text says which, and how to install them.
    """
    asked = [entry.whose for kind in kinds for name, entry in RIVALS.get(kind, {}).items() if name in names]
    found = versions(asked)
    if missing := [name for name, it in found.items() if not it]:
        raise ValueError(f"--rivals needs {', '.join(missing)}: {REMEDY}")
    return found
