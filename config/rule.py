"""One alert rule: which series, which number of which step, from where on it is worth a person's attention."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

PLACE = re.compile(r"\{\{|\}\}|\{([^{}]*)\}")

Seconds = Annotated[float, Field(ge=0)]


class Rule(BaseModel):
    """One ``[[rule]]``: which series, which number, from where on it is an alert.

    Parameters
    ----------
    name
        The alertname; ``{Metric}`` and ``{Field}`` become its metric and field in CamelCase,
        ``{metric} {field} {step}`` stay as they are.
    metric, field
        Globs on the measurement and the field, case counts.
    tags
        Globs by tag; a series without the tag does not match.
    step
        ``points``, a window length such as ``60s``, ``trends``, ``models`` or ``breaches``.
    value
        Which number of that step: ``value``, ``score``, a window's field, a trend's, a breach's, or ``silence`` (seconds without a point).
    detector
        Whose scores count; all of the step when empty.
    above, below
        The condition holds strictly above, strictly below; with both it holds outside of the band between them.
    for_
        Key ``for``: seconds of event time the condition must hold without break before it fires; 0 fires at once.
    keep_firing_for
        Seconds of event time the condition must be gone before it resolves.
    severity
        ``critical``, ``error``, ``warning`` or ``info``.
    labels, annotations
        More of both.  ``{host}`` becomes that label, ``{value}`` (annotations only) what was observed; see `fill`.

    References
    ----------
    Prometheus alerting rules, `for` and `keep_firing_for`: https://prometheus.io/docs/prometheus/latest/configuration/alerting_rules/

    Examples
    --------
    >>> Rule(name="Hot", step="60s", above=8.0).holds(9.0), Rule(name="Off", step="60s", below=1.0, above=2.0).holds(1.5)
    (True, False)
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, populate_by_name=True, allow_inf_nan=False)

    name: str = Field(min_length=1)
    metric: str = "*"
    field: str = "*"
    tags: dict[str, str] = {}
    step: str
    value: str = "value"
    detector: str = ""
    above: float | None = None
    below: float | None = None
    for_: Seconds = Field(0.0, alias="for")
    keep_firing_for: Seconds = 0.0
    severity: Literal["critical", "error", "warning", "info"] = "warning"
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}

    def holds(self, x: Any) -> Any:
        """Say where a number, or an array of them, meets the condition; NaN never does."""
        over = x > (float("inf") if self.above is None else self.above)
        return over | (x < (float("-inf") if self.below is None else self.below))


def fill(text: str, values: Mapping[str, object]) -> str:
    """Fill a template: ``{key}`` becomes the value, nothing where there is none; ``{{`` and ``}}`` are braces.

    Floats are written with six digits.  Nothing else of `str.format` is understood: a rule cannot reach into objects.

    Examples
    --------
    >>> fill("{host}{dc}: {value} of {{all}}", {"host": "a", "value": 12.34567891})
    'a: 12.3457 of {all}'
    """

    def one(place: re.Match[str]) -> str:
        if place[1] is None:
            return place[0][0]
        value = values.get(place[1])
        return f"{value:.6g}" if isinstance(value, float) else "" if value is None else str(value)

    return PLACE.sub(one, text)
