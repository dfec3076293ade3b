"""What is to be learnt: settings, made ready once for all shards."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from config.records import SECOND
from config.settings import Bound
from operators.drift import Drift
from operators.learn.family import Family

Makers = Mapping[str, Callable[[int], Family]]


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be learnt: settings, made ready once for all shards.

    Parameters
    ----------
    step
        Windows of this length (``60s``) are learnt, others passed by.
    makers
        Model by name, made from a seed.
    ahead
        How many windows ahead forecasters are asked.
    watches
        What watches the values themselves, by name.
    bounds
        By pattern of metric: where forecasts that cross them are told; see `Bounds`.
    config
        Names and parameters as text: a model saved under another text starts cold.
    """

    step: str
    makers: Makers
    config: str
    ahead: tuple[int, ...] = (1,)
    watches: Mapping[str, Drift] = field(default_factory=dict)
    bounds: Mapping[str, Bound] = field(default_factory=dict)

    @property
    def length(self) -> int:
        """Length of a window in ns."""
        return int(self.step.removesuffix("s")) * SECOND
