"""The live flow, with a note of every snapshot's pause: ``python -m bytewax.run scripts.measures.timed``.

A pause is the time from the last partition's snapshot of an epoch to the first read of the next: the worker does nothing else in between.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from bytewax.dataflow import Dataflow

import flows.main
from sources.kafka import Item, KafkaPartition, KafkaSource

NOTES = Path(os.environ.get("BENCH_PAUSES", os.devnull))
_begun: list[float] = []


class Timed(KafkaPartition):
    """A partition that notes when it is saved and when it is read again."""

    def next_batch(self) -> list[Item]:
        """Read, and note the pause that ends with it."""
        if self._saved and _begun:
            with NOTES.open("a") as notes:
                notes.write(f"{_begun[0]} {time.monotonic() - _begun[0]}\n")
            _begun.clear()
        return super().next_batch()

    def snapshot(self) -> int | None:
        """Save, and note the pause that begins with it."""
        state = super().snapshot()
        _begun[:] = [time.monotonic()]
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
