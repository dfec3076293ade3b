"""The live flow, with a note of every snapshot's pause: ``python -m bytewax.run scripts.measures.timed``.

A pause is the longest time between two reads that begins within half a second of the epoch's snapshot: downstream of the source
state is packed and written, and sinks are waited for, one or a few turns of the worker later.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from bytewax.dataflow import Dataflow

import flows.main
from sources.kafka import Item, KafkaPartition, KafkaSource

NOTES = Path(os.environ.get("BENCH_PAUSES", os.devnull))
SOON = 0.5  # seconds


class Pauses:
    """The longest time between reads after each snapshot."""

    def __init__(self) -> None:
        self.saved = self.read = self.longest = 0.0

    def reading(self) -> None:
        """Note that a read begins."""
        if self.saved and self.read - self.saved > SOON:
            with NOTES.open("a") as notes:
                notes.write(f"{self.saved} {self.longest}\n")
            self.saved = self.longest = 0.0
        elif self.saved:
            self.longest = max(self.longest, time.monotonic() - max(self.read, self.saved))


PAUSES = Pauses()


class Timed(KafkaPartition):
    """A partition that notes when it is saved and when it is read."""

    def next_batch(self) -> list[Item]:
        """Read."""
        PAUSES.reading()
        items = super().next_batch()
        PAUSES.read = time.monotonic()
        return items

    def snapshot(self) -> int | None:
        """Save."""
        state = super().snapshot()
        PAUSES.saved = time.monotonic()
        return state


class TimedSource(KafkaSource):
    """The topic, by such partitions."""

    def build_part(self, step_id: str, for_part: str, resume_state: int | None) -> KafkaPartition:
        """Build one."""
        return Timed(self._reader, int(for_part.rpartition("-")[2]), resume_state)


def flow() -> Dataflow:
    """Run live."""
    flows.main.KafkaSource = TimedSource  # type: ignore[attr-defined]
    return flows.main.flow()
