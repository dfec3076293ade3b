"""Alert: the few numbers that a person should see.

`subject` says which rules speak of a series, `alerts` which items matter, `life` what becomes of an alert, `record` how it is told.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial

import bytewax.operators as op
from bytewax.dataflow import operator
from bytewax.operators import KeyedStream, StatefulBatchLogic

from config.packing import pack, restored
from config.records import Alert, Row, Scored
from config.rules import Rule
from operators.alert.alerts import Alerts

__all__ = ["Alerts", "alert"]


class _Logic(StatefulBatchLogic[Scored, Alert | Row, bytes]):
    def __init__(self, alerts: Alerts) -> None:
        self.alerts = alerts

    def on_batch(self, values: list[Scored]) -> tuple[Iterable[Alert | Row], bool]:
        out = [change for it in values if it.step == self.alerts.step for change in self.alerts.update(it)]
        return out, self.RETAIN

    def snapshot(self) -> bytes:
        return pack(self.alerts.snapshot())


@operator
def alert(
    step_id: str,
    up: KeyedStream[Scored],
    rules: Sequence[Rule],
    step: str,
    config_hash: str,
    version: str,
    generator_url: str = "",
) -> KeyedStream[Alert | Row]:
    """Raise and resolve the alerts of one step; what `up` brings of other steps is left aside.  See `Alerts`."""

    def build(packed: bytes | None) -> _Logic:
        return _Logic(restored(partial(Alerts, rules, step, config_hash, version, generator_url), packed))

    return op.stateful_batch("alerts", up, build)
