"""Settings: one frozen tree.  ``config/default.toml`` gives every value and says what it is for."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Mapping
from datetime import datetime
from functools import cached_property
from math import isfinite
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails

from config.layers import ConfigError, Origin, Path_, keys, nearest, read

__all__ = ["WINDOW_FIELDS", "ConfigError", "Settings", "load", "load_or_exit"]

WINDOW_FIELDS = ("count", "mean", "min", "max", "last", "stddev", "p50", "p95", "p99", "sum", "first")
DEEP = ("ensemble",)  # detectors that run for `detect.deep` series of a partition
CHANCE = 4e-4  # share of readings at which a score of 1 of any detector begins by chance, unless its parameter `chance` says another
ANSWERS = {"windows", "time", "metric", "detect", "trend", "detector", "learn", "limits"}


Format = Literal[
    "",
    "json",
    "influx",
    "collectd",
    "graphite",
    "prometheus-json",
    "prometheus",
    "openmetrics",
    "remote-write",
    "otlp-json",
    "otlp-proto",
    "cloudevents",
]


def _start(value: str) -> str:
    if value not in ("beginning", "end") and datetime.fromisoformat(value).tzinfo is None:
        raise ValueError("a time needs its offset from UTC, as in 2026-01-01T00:00:00Z")
    return value


def _distinct(value: list[Any]) -> list[Any]:
    if len(set(value)) < len(value):
        raise ValueError("names the same twice")
    return value


def _everywhere(value: Any) -> Any:
    return {"*": value} if isinstance(value, str) else value


def _web(value: str) -> str:
    if not value.startswith(("http://", "https://")):
        raise ValueError("should begin with http:// or https://")
    return value.rstrip("/")


def _all_fields(value: list[str]) -> list[str]:
    return list(WINDOW_FIELDS) if "all" in value else value


def _named(value: Any) -> Any:
    return {"name": value} if isinstance(value, str) else value


Names = Annotated[list[str], AfterValidator(_distinct)]


class Section(BaseModel):
    """A group of settings; a key it does not know is an error, and so is a value of another type."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Kafka(Section):
    bootstrap_servers: str = Field(min_length=1)
    start: Annotated[str, AfterValidator(_start)]
    client: dict[str, str | int | float | bool] = Field(default={}, repr=False)


class Topic(Section):
    name: str = Field(pattern=r"^[a-zA-Z0-9._-]{1,249}$")
    format: Format = ""


Named = Annotated[Topic, BeforeValidator(_named)]


class Topics(Section):
    metrics: Named
    rekey: list[Named]
    alerts: Named
    alerts_state: Named
    rejects: Named
    events: Named
    commands: Named
    verdicts: Named
    results: Named


class Store(Section):
    kind: Annotated[list[Literal["influx", "sqlite", "kafka"]], AfterValidator(_distinct)]
    points: bool
    scores: Literal["none", "windows", "all"]


class Influx(Section):
    url: Annotated[str, AfterValidator(_web)]
    token: str = Field(repr=False, json_schema_extra={"secret": True})
    org: str
    bucket: str
    timeout: float = Field(gt=0)
    give_up: float = Field(gt=0)
    buckets: dict[Literal["points", "windows", "results"], str] = {}


class Sqlite(Section):
    path: str = Field(min_length=1)


class Lanes(Section):
    count: int = Field(ge=1)
    index: int = Field(ge=0)


class Http(Section):
    bind: str
    port: int = Field(ge=0, le=65535)


class Windows(Section):
    every: Annotated[list[Annotated[int, Field(gt=0)]], Field(min_length=1), AfterValidator(_distinct)]
    fields: Annotated[
        list[Literal["count", "mean", "min", "max", "last", "stddev", "p50", "p95", "p99", "sum", "first", "all"]],
        AfterValidator(_distinct),
        AfterValidator(_all_fields),
    ]


class Time(Section):
    max_future: float = Field(ge=0)
    allowed_lateness: float = Field(ge=0)
    remember: int = Field(ge=1, le=4096)
    conflict: Annotated[dict[str, Literal["first", "each"]], BeforeValidator(_everywhere)]
    calendar: dict[str, str] = {}


class Metric(Section):
    type: Literal["counter", "gauge"] | None = None
    min: float | None = None
    max: float | None = None


class Detect(Section):
    points: Names
    windows: Names
    deep: int = Field(ge=0)


class Trend(Section):
    windows: Names


class Bound(Section):
    above: float | None = None
    below: float | None = None

    @model_validator(mode="after")
    def _leaves_room(self) -> Bound:
        given = self.model_dump(exclude_none=True)
        if not given:
            raise ValueError("bounds nothing: give above, below or both")
        for side, bound in given.items():
            if not isfinite(bound):
                raise ValueError(
                    f"{side}, {bound}, should be a finite number: leave {side} out where there is no bound"
                )
        if len(given) == 2 and given["below"] >= given["above"]:
            raise ValueError(
                f"below, {self.below:g}, should be less than above, {self.above:g}: values in between are in order"
            )
        return self


class Learn(Section):
    models: Names
    step: str = Field(pattern="^([1-9][0-9]*s)?$")
    horizons: Annotated[
        list[Annotated[str, Field(pattern="^[1-9][0-9]*[smhd]$")]], Field(min_length=1), AfterValidator(_distinct)
    ]
    bounds: dict[str, Bound]
    watch: Names
    series: int = Field(ge=0)
    model: dict[str, dict[str, Any]]


class Alerts(Section):
    rules: str
    budget: float = Field(gt=0, allow_inf_nan=False)


class Collect(Section):
    every: float = Field(gt=0)


class Correlate(Section):
    series: int = Field(ge=2)
    windows: int = Field(ge=80, le=10_000)
    every: int = Field(ge=1)
    lags: int = Field(ge=0)

    @model_validator(mode="after")
    def _leaves_far_shifts(self) -> Correlate:
        if 4 * self.lags + 40 > self.windows:  # some 40 shifts beyond twice the lags tell a pair's own chance
            raise ValueError(
                f"windows, {self.windows}, should be at least 40 more than four times lags, {self.lags}: "
                f"set correlate.lags to {(self.windows - 40) // 4} or less, or correlate.windows to {4 * self.lags + 40} or more"
            )
        return self


class Limits(Section):
    series: int = Field(ge=1)
    message_bytes: int = Field(ge=1)


class Recovery(Section):
    directory: str = Field(min_length=1)
    interval: int = Field(ge=1)


class Log(Section):
    level: Literal["debug", "info", "warning", "error"]


class Settings(Section):
    """Everything a deployment may change."""

    kafka: Kafka
    topics: Topics
    store: Store
    influx: Influx
    sqlite: Sqlite
    lanes: Lanes
    http: Http
    windows: Windows
    time: Time
    metric: dict[str, Metric]
    detect: Detect
    trend: Trend
    detector: dict[str, dict[str, Any]]
    learn: Learn
    alerts: Alerts
    collect: Collect
    correlate: Correlate
    limits: Limits
    recovery: Recovery
    log: Log
    _origin: Origin = PrivateAttr(default_factory=dict)

    @property
    def origin(self) -> Origin:
        """Where each value comes from, by the path of its key: ``default``, a file, or an environment variable."""
        return self._origin

    @cached_property
    def config_hash(self) -> str:
        """Sixteen hex digits over what changes answers: the same hash and the same messages give the same results."""
        answers = self.model_dump(mode="json", include=ANSWERS)
        rules = Path(self.alerts.rules)
        answers["rules"] = rules.read_text() if rules.is_file() else ""
        answers["budget"] = self.alerts.budget
        answers["formats"] = self.topics.metrics.format, sorted((t.name, t.format) for t in self.topics.rekey)
        return hashlib.sha256(json.dumps(answers, sort_keys=True).encode()).hexdigest()[:16]


def load(environ: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings in force: defaults, the file of ``ALLUSE_CONFIG``, the environment, mounted secrets, in this order.

    Raises
    ------
    ConfigError
        A key is unknown or its value wrong; the text has a line for each.

    Examples
    --------
    >>> s = load({"ALLUSE_STORE__KIND": "influx,sqlite", "ALLUSE_LANES__COUNT": "2", "ALLUSE_LANES__INDEX": "1"})
    >>> s.store.kind, s.topics.metrics.name, s.recovery.directory
    (['influx', 'sqlite'], 'metrics', 'data/recovery/lane-1')
    >>> load({"ALLUSE_WINDOWS__EVRY": "60"})
    Traceback (most recent call last):
    config.layers.ConfigError: ALLUSE_WINDOWS__EVRY: names no setting; the nearest is ALLUSE_WINDOWS__EVERY
    """
    values, origin = read(Settings, environ)
    try:
        settings = Settings.model_validate(values)
    except ValidationError as e:
        raise ConfigError("\n".join(_complaint(error, origin) for error in e.errors(include_input=False))) from None
    lanes, directory = settings.lanes, ("recovery", "directory")
    if lanes.index >= lanes.count:
        source = origin["lanes", "index"]
        raise ConfigError(f"lanes.index ({source}): {lanes.index} should be less than lanes.count, {lanes.count}")
    if lanes.count > 1 and origin[directory] == "default":
        own = Path(settings.recovery.directory, f"lane-{lanes.index}")
        settings = settings.model_copy(
            update={"recovery": settings.recovery.model_copy(update={"directory": str(own)})}
        )
    settings._origin = origin
    return settings


def load_or_exit() -> Settings:
    """Read the settings; where they are wrong say so and end the process with 2, which supervisors do not restart."""
    try:
        return load()
    except ConfigError as e:
        print(f"wrong configuration:\n{e}", file=sys.stderr)
        sys.exit(2)


def _complaint(error: ErrorDetails, origin: Origin) -> str:
    path = tuple(str(part) for part in error["loc"])
    known: Path_ = max((p for p in origin if p == path[: len(p)]), key=len, default=())
    key, source = ".".join(path), origin.get(known, "nowhere")
    if error["type"] == "extra_forbidden":
        return f"{key} ({source}): no such key; the nearest is {nearest(key, ['.'.join(p) for p in keys(Settings)])}"
    return f"{key} ({source}): {error['msg'].removeprefix('Value error, ')}"
