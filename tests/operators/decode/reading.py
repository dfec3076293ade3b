"""What the tests of decoding share: captures of real producers, and decoding as plain rows."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

from config.records import Decoded, Poll
from operators.decode import Decoder, Names

WIRE = Path(__file__).parents[4] / "shared" / "data" / "wire"
STAMP = 1_795_270_000_000_000_000
Row = tuple[str, int, float]


def capture(name: str) -> bytes:
    path = WIRE / name
    if not path.exists():
        message = f"the capture ../shared/data/wire/{name} is not there"
        pytest.fail(message) if os.environ.get("CI") == "true" else pytest.skip(message)
    return path.read_bytes()


def records(name: str) -> list[Any]:
    return [json.loads(line) for line in capture(name).splitlines()]


def bodies(name: str) -> list[bytes]:
    return [_bytes(record["value"]) for record in records(name)]


def _bytes(value: dict[str, str] | None) -> bytes:
    if value is None:
        return b""
    return value["utf8"].encode() if "utf8" in value else base64.b64decode(value["b64"])


def rows(decoded: Decoded) -> list[Row]:
    points = decoded.points
    names = [points.series.names[code] for code in points.codes]
    return list(zip(names, points.time.tolist(), points.value.tolist(), strict=True))


def read(messages: Iterable[bytes], format: str = "", stamp: int = STAMP) -> list[Row]:
    """Rows of messages none of which may be rejected."""
    decoded = Decoder(Names(), format).update(Poll.of(list(messages), stamp=stamp))
    assert [reject.error for reject in decoded.rejects] == []
    return rows(decoded)


def refusal(body: bytes, format: str = "", limit: int = 1 << 20) -> str:
    """The error code of a message that gives no point."""
    decoded = Decoder(Names(), format, limit).update(Poll.of([body]))
    assert len(decoded.points) == 0
    (reject,) = decoded.rejects
    assert reject.stage == "decode"
    assert reject.points == 1
    assert reject.error.endswith(".")
    return reject.code


def key(name: str, tags: Mapping[str, str], field: str) -> str:
    """A series' name, where nothing is to be escaped."""
    series = name + "".join(f",{k}={v}" for k, v in sorted(tags.items()) if v)
    assert " " not in series
    return f"{series} {field}"


def same(value: float) -> str:
    """Text that is equal for equal bits."""
    return float(value).hex()


def exact(found: Iterable[Row]) -> list[tuple[str, int, str]]:
    return sorted((name, time, same(value)) for name, time, value in found)
