"""A figure: one number, what it should be, and the raw numbers that it was made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from scripts.measures.servers import Servers

Say = Callable[[str], None]


@dataclass(frozen=True)
class Figure:
    """One measured number.

    Parameters
    ----------
    figure
        Its name, the measure's first: ``work.cpu``.
    value, unit
        What was measured.
    goal, stretch
        What it should be, and what it could be; a figure without a goal is there to be known.
    most
        Whether the goal is to be reached from below: speeds.
    parts
        What `value` was made of.

    Examples
    --------
    >>> Figure("work.cpu", 1.31, "x", 1.4, 1.2).met, Figure("live.rate", 3e5, "points/s", 4e5, most=True).met
    (True, False)
    """

    figure: str
    value: float
    unit: str
    goal: float | None = None
    stretch: float | None = None
    most: bool = False
    parts: dict[str, Any] = field(default_factory=dict)

    @property
    def met(self) -> bool | None:
        """Whether the goal is reached."""
        if self.goal is None:
            return None
        return self.value >= self.goal if self.most else self.value <= self.goal

    def line(self) -> str:
        """Return it as one line of JSON."""
        told = {"figure": self.figure, "value": float(f"{self.value:.4g}"), "unit": self.unit}
        told |= {"goal": self.goal, "stretch": self.stretch, "met": self.met, "parts": self.parts}
        return msgspec.json.encode(told).decode()


@dataclass(frozen=True)
class Task:
    """What a measure is given.

    Parameters
    ----------
    servers
        Kafka and InfluxDB, started when first asked for.
    folder
        Where it may write.
    quick
        Tiny sizes: to see that the measure works, not how fast anything is.
    rounds
        How often to repeat what is compared; of each the least counts, since noise only adds.
    peers
        Folder of the peers' programs, to be run beside our own.
    say
        Takes a line about what is being done.
    """

    servers: Servers
    folder: Path
    quick: bool
    rounds: int
    peers: Path | None
    say: Say
