"""Logs: one line of JSON a record, whatever the record holds."""

import io
import json
import logging

import pytest

from config import logs
from config.settings import load


@pytest.fixture
def logger():
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    yield logging.getLogger("alluse.test")
    logging.captureWarnings(False)
    root.handlers = handlers
    root.setLevel(level)


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_an_exception_and_extras_stay_on_one_line(logger):
    out = io.StringIO()
    logs.setup(load({}), out)
    try:
        raise ValueError("two\nlines")
    except ValueError:
        logger.exception("it failed", extra={"topic": "metrics", "partition": 3})
    line = json.loads(out.getvalue())
    assert (line["level"], line["logger"], line["msg"]) == ("error", "alluse.test", "it failed")
    assert (line["topic"], line["partition"]) == ("metrics", 3)
    assert "ValueError: two\nlines" in line["exception"]


@pytest.mark.parametrize(("level", "lines"), [("debug", 3), ("info", 2), ("error", 0)])
def test_the_level_is_the_settings(logger, level, lines):
    out = io.StringIO()
    logs.setup(load({"ALLUSE_LOG__LEVEL": level}), out)
    logger.debug("a"), logger.info("b"), logger.warning("c")
    assert len(out.getvalue().splitlines()) == lines


def test_a_terminal_gets_colour_and_no_json(logger):
    out = Terminal()
    logs.setup(load({}), out)
    logger.warning("mind the gap")
    assert out.getvalue().startswith("\033[33m")
    assert "warning alluse.test: mind the gap" in out.getvalue()
