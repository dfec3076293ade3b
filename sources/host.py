"""Readings of this machine itself as a source of Bytewax: CPU, memory, load, disks and network, named as Telegraf names them."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

import psutil
from bytewax.inputs import FixedPartitionedSource, StatefulSourcePartition

from config.stop import STOP
from config.telemetry import PULSE

SLICE = 0.5  # seconds after which a wish to stop is seen


@dataclass(frozen=True, slots=True)
class Reading:
    """What one instrument of the machine says at one moment.

    Parameters
    ----------
    name
        Of the metric.
    fields
        Its numbers, all of one unit.
    time
        ns UTC.
    type
        Counters only ever rise, but for a restart of the machine.
    unit
        ``percent``, ``bytes`` …
    tags
        Which of several, beside the host.
    """

    name: str
    fields: Mapping[str, float]
    time: int
    type: Literal["gauge", "counter"] = "gauge"
    unit: str = ""
    tags: Mapping[str, str] | None = None


def readings(now: int) -> Iterator[Reading]:
    """Read every instrument; percentages of the CPU are those since the call before.

    Parameters
    ----------
    now
        ns UTC, the stamp of all.

    Examples
    --------
    >>> found = {reading.name: reading for reading in readings(1_767_225_600_000_000_000)}
    >>> sorted(found["system"].fields), found["swap"].unit, 0 < found["mem"].fields["total"]
    (['load1', 'load15', 'load5'], 'percent', True)
    """
    cpu = psutil.cpu_times_percent()
    parts = {
        f"usage_{part}": float(getattr(cpu, part))
        for part in ("user", "system", "idle", "iowait", "steal")
        if hasattr(cpu, part)
    }
    active = max(0.0, 100.0 - parts["usage_idle"] - parts.get("usage_iowait", 0.0))
    yield Reading("cpu", {"usage_active": round(active, 3), **parts}, now, unit="percent", tags={"cpu": "cpu-total"})
    memory = psutil.virtual_memory()
    yield Reading("mem", {"used_percent": memory.percent}, now, unit="percent")
    yield Reading("mem", {part: getattr(memory, part) for part in ("total", "available", "used")}, now, unit="bytes")
    yield Reading("swap", {"used_percent": psutil.swap_memory().percent}, now, unit="percent")
    yield Reading("system", dict(zip(("load1", "load5", "load15"), psutil.getloadavg(), strict=True)), now)
    yield from _disks(now)
    yield from _networks(now)


def _disks(now: int) -> Iterator[Reading]:
    for path in sorted({"/", *(part.mountpoint for part in psutil.disk_partitions())}):
        try:
            usage = psutil.disk_usage(path)
        except OSError:  # a mount that went, or that this user may not see
            continue
        yield Reading("disk", {"used_percent": usage.percent}, now, unit="percent", tags={"path": path})
        yield Reading("disk", {"used": usage.used, "free": usage.free}, now, unit="bytes", tags={"path": path})
    for name, disk in (psutil.disk_io_counters(perdisk=True) or {}).items():
        amounts = {"read_bytes": disk.read_bytes, "write_bytes": disk.write_bytes}
        yield Reading("diskio", amounts, now, "counter", "bytes", {"name": name})
        yield Reading(
            "diskio", {"reads": disk.read_count, "writes": disk.write_count}, now, "counter", "", {"name": name}
        )


def _networks(now: int) -> Iterator[Reading]:
    for name, net in psutil.net_io_counters(pernic=True).items():
        amounts = {"bytes_recv": net.bytes_recv, "bytes_sent": net.bytes_sent}
        yield Reading("net", amounts, now, "counter", "bytes", {"interface": name})
        counts = {"packets_recv": net.packets_recv, "packets_sent": net.packets_sent}
        troubles = {"err_in": net.errin, "err_out": net.errout, "drop_in": net.dropin, "drop_out": net.dropout}
        yield Reading("net", counts | troubles, now, "counter", "", {"interface": name})


class HostPartition(StatefulSourcePartition[tuple[str, Reading], None]):
    """The one partition: all readings at once, at whole multiples of `every` seconds of the clock."""

    def __init__(self, host: str, every: float) -> None:
        self._host, self._every = host, every
        psutil.cpu_times_percent()  # the first answer covers the time since the start of the machine
        self._due = (time.time() // every + 1) * every

    def next_batch(self) -> list[tuple[str, Reading]]:
        PULSE.tick()
        if STOP.asked:
            raise StopIteration
        now = time.time()
        if now < self._due:
            return []
        self._due = (now // self._every + 1) * self._every
        return [(self._host, reading) for reading in readings(time.time_ns())]

    def next_awake(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=min(max(0.0, self._due - time.time()), SLICE))

    def snapshot(self) -> None:
        return None


class HostSource(FixedPartitionedSource[tuple[str, Reading], None]):
    """Reads this machine again and again; emits (host, `Reading`).

    Parameters
    ----------
    every
        Seconds between readings.
    host
        What the machine is called; its own name by default.
    """

    def __init__(self, every: float, host: str = "") -> None:
        self.host, self._every = host or socket.gethostname(), every

    def list_parts(self) -> list[str]:
        return [self.host]

    def build_part(self, step_id: str, for_part: str, resume_state: None) -> HostPartition:
        return HostPartition(for_part, self._every)
