"""Why a message could not be taken: the `error_code`s of the stage ``decode``."""

from __future__ import annotations


class Refused(Exception):  # noqa: N818
    """A message that gives no points; its text is one sentence for a person."""

    code = "undecodable"


class Undecodable(Refused):
    """The message is broken: it is none of the formats, or one of them with a fault."""


class Unsupported(Refused):
    """The message is sound, but of a shape that is not taken."""

    code = "unsupported"


class TooLarge(Refused):
    """The message is longer than allowed, or unpacks to too much."""

    code = "too-large"
