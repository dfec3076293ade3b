"""Metrics of this machine itself: read every few seconds and published to `metrics`, as Telegraf would, keyed by host.

It keeps no state: a recovery store is not needed.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from itertools import count

import bytewax.operators as op
import msgspec
from bytewax.dataflow import Dataflow

from config.layers import ConfigError
from config.logs import setup
from config.settings import Settings, load_or_exit
from config.stop import STOP
from sinks.kafka import Outbox, Produced
from sinks.message import Message
from sinks.writer import Sink
from sources.host import HostSource, Reading

MILLISECOND = 1_000_000


def collecting(s: Settings) -> Dataflow:
    """Draw the graph."""
    graph, outbox, source = Dataflow("collect"), Outbox(s), HostSource(s.collect.every)
    render = telegraf(source.host, f"{source.host}@{int(time.time())}")
    read = op.input("read", graph, source)
    named = op.map_value(
        "named", read, lambda reading: Message(s.topics.metrics.name, source.host.encode(), render(reading))
    )
    op.output("to_metrics", named, Sink(lambda: Produced(outbox, lambda message: [message])))
    return graph


def telegraf(host: str, producer: str) -> Callable[[Reading], bytes]:
    """Return a function that writes readings as Telegraf's JSON, with type, unit, and a number that counts up by one.

    Parameters
    ----------
    host
        Becomes a tag.
    producer
        Who counts: another one after every start, for then counting begins anew.

    Examples
    --------
    >>> render = telegraf("a", "a@7")
    >>> render(Reading("mem", {"used_percent": 4.5}, 1_500_000_000, unit="percent"))
    b'{"name":"mem","tags":{"host":"a"},"fields":{"used_percent":4.5},"timestamp":1500,"type":"gauge","producer":"a@7","seq":0,"unit":"percent"}'
    """
    numbers = count()

    def render(it: Reading) -> bytes:
        body = {
            "name": it.name,
            "tags": {"host": host, **(it.tags or {})},
            "fields": it.fields,
            "timestamp": it.time // MILLISECOND,
            "type": it.type,
            "producer": producer,
            "seq": next(numbers),
        }
        return msgspec.json.encode(body | ({"unit": it.unit} if it.unit else {}))

    return render


def flow() -> Dataflow:
    """Run live: ``python -m bytewax.run flows.collect``."""
    settings = load_or_exit()
    setup(settings)
    STOP.obey_signals()
    try:
        return collecting(settings)
    except ConfigError as e:
        print(f"wrong configuration:\n{e}", file=sys.stderr)
        sys.exit(2)
