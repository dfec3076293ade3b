"""The whole live flow on messages that are at hand: what it would have raised, with the settings and rules in force."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import islice
from typing import Any

from bytewax.testing import TestingSink, TestingSource, run_main

from config.records import Poll
from config.rules import rules_of
from config.settings import load_or_exit
from flows.main import Ends, learning
from scripts.yardstick.said import Fired

POLL = 60  # messages in a poll


def live(messages: Iterable[tuple[int, bytes]]) -> list[Fired]:
    """Run `flows.main` from one partition to lists, and return the alerts that began firing.

    Parameters
    ----------
    messages
        Time of each in ns, and its bytes, in the order of the partition.
    """
    settings = load_or_exit()
    source: Any = TestingSource(polls(messages))
    alerts: list[Any] = []
    rejects: list[Any] = []
    ends = Ends(source, {}, TestingSink(alerts), TestingSink(rejects), TestingSink([]))
    run_main(learning(settings, rules_of(settings), ends))  # type: ignore[no-untyped-call]
    if rejects:
        raise ValueError(f"{len(rejects)} messages were refused, the first as {rejects[0][1].code}")
    return [fired(it.body) for _, it in alerts if it.body["status"] == "firing" and it.body["revision"] == 0]


def fired(body: dict[str, Any]) -> Fired:
    """Return what is asked of the record of an alert."""
    labels = body["labels"]
    return Fired(labels["alertname"], labels["host"], int(datetime.fromisoformat(body["startsAt"]).timestamp()))


def polls(messages: Iterable[tuple[int, bytes]]) -> Iterator[tuple[str, Poll]]:
    """Cut messages into polls."""
    rest, offset = iter(messages), 0
    while some := list(islice(rest, POLL)):
        stamps, bodies = zip(*some, strict=True)
        poll = Poll.of(bodies, offset=offset, stamp=stamps)
        offset += len(some)
        yield poll.shard, poll
