"""Logs: one JSON object a line on stderr; on a terminal, lines for people."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import TextIO

from config.settings import Settings

OWN = set(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
COLOUR = {"DEBUG": "2", "INFO": "0", "WARNING": "33", "ERROR": "31", "CRITICAL": "1;31"}


class Json(logging.Formatter):
    """A record as one line of JSON: `ts`, `level`, `logger`, `msg`, what was given as `extra`, and `exception`.

    Examples
    --------
    >>> record = logging.makeLogRecord({"created": 0.5, "levelname": "INFO", "name": "kafka", "msg": "lag %d", "args": (3,), "topic": "m"})
    >>> Json().format(record)
    '{"ts": "1970-01-01T00:00:00.500000Z", "level": "info", "logger": "kafka", "msg": "lag 3", "topic": "m"}'
    """

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "ts": _stamp(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "msg": record.getMessage(),
            **{key: value for key, value in vars(record).items() if key not in OWN},
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str, ensure_ascii=False)


class Plain(logging.Formatter):
    """A record for a person at a terminal, coloured by its level."""

    def format(self, record: logging.LogRecord) -> str:
        text = f"{_stamp(record)[11:19]} {record.levelname.lower():7} {record.name}: {record.getMessage()}"
        if record.exc_info:
            text += "\n" + self.formatException(record.exc_info)
        return f"\033[{COLOUR.get(record.levelname, '0')}m{text}\033[0m"


def setup(settings: Settings, stream: TextIO | None = None) -> None:
    """Send every log record of the process to `stream`, stderr by default, from ``log.level`` up."""
    stream = stream or sys.stderr
    handler = logging.StreamHandler(stream)
    handler.setFormatter(Plain() if stream.isatty() else Json())
    logging.basicConfig(handlers=[handler], level=settings.log.level.upper(), force=True)
    logging.captureWarnings(True)


def _stamp(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
