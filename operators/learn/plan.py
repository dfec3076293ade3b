"""What is to be learnt: settings, made ready once for all shards."""

from __future__ import annotations

from dataclasses import dataclass

from config.records import SECOND
from operators.learn.subject import Makers


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be learnt: settings, made ready once for all shards.

    Parameters
    ----------
    step
        Windows of this length (``60s``) are learnt, others passed by.
    makers
        Model by name, made from a seed.
    config
        Names and parameters as text: a model saved under another text starts cold.
    """

    step: str
    makers: Makers
    config: str

    @property
    def length(self) -> int:
        """Length of a window in ns."""
        return int(self.step.removesuffix("s")) * SECOND
