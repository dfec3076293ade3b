"""Sets of labelled series in a folder, found by what lies there: names and numbers are free."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scripts.yardstick.series import Labelled, corpus

MARKS = {"period": "periods", "drift": "drift", "changepoint": "annotations", "forecast": "test", "trend": "label"}
QUICK = 8  # items of a set that are judged when it should be quick


@dataclass(frozen=True)
class Set:
    """Series of one kind that are judged together.

    Parameters
    ----------
    name
        Its folder, below the folder that was asked for.
    kind
        ``nab``, ``trend``, ``period``, ``drift``, ``changepoint`` or ``forecast``.
    items
        Labelled series, or the items of a task.
    """

    name: str
    kind: str
    items: Sequence[Any]

    @property
    def label(self) -> str:
        """Its name, and its kind where the name does not say it."""
        return self.name if self.name.split("/")[-1] == self.kind else f"{self.name} · {self.kind}"

    @property
    def title(self) -> str:
        """What it is called for people."""
        return f"{self.label} · {len(self.items)} series"

    def quick(self) -> Set:
        """Return a few of its items, spread over all of them."""
        return Set(self.name, self.kind, self.items[:: max(1, len(self.items) // QUICK)][:QUICK])


def find(root: Path, kind: str = "") -> Iterator[Set]:
    """Yield the sets in a folder and those below it, by name; only those of one kind if asked for.

    Raises
    ------
    ValueError
        The folder is none, or a file in it cannot be read.
    """
    if not root.is_dir():
        raise ValueError(f"{root} is no folder; --data names yours")
    for folder in [root, *sorted(p for p in root.rglob("*") if p.is_dir())]:
        name = root.name if folder == root else folder.relative_to(root).as_posix()
        if (folder / "windows.json").exists():
            if kind in ("", "nab"):
                series: list[Labelled] = corpus(folder)
                yield Set(name, "nab", series)
        else:
            yield from (it for it in tasks(folder, name) if kind in ("", it.kind))


def tasks(folder: Path, name: str) -> Iterator[Set]:
    """Yield the tasks that lie in a folder, a set a kind; several files of one kind are one set."""
    items: dict[str, list[Any]] = {}
    for file in sorted(folder.glob("*.json")):
        try:
            found = _items(json.loads(file.read_text()))
        except ValueError as e:
            raise ValueError(f"{file}: {e}") from e
        for it in found:
            kind = next((kind for kind, mark in MARKS.items() if mark in it), "")
            if it.get("train" if kind == "forecast" else "x"):  # without values there is nothing to judge
                items.setdefault(kind, []).append(it)
    yield from (Set(name, kind, each) for kind, each in items.items() if kind)


def _items(body: Any) -> list[dict[str, Any]]:
    """Return the items of a file: a list of them, or ``series`` of which each takes what stands beside that."""
    if isinstance(body, dict) and isinstance(body.get("series"), list):
        beside = {key: value for key, value in body.items() if key != "series"}
        body = [beside | it for it in body["series"]]
    return [it for it in body if isinstance(it, dict)] if isinstance(body, list) else []
