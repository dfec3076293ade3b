"""Settings: one frozen tree.  ``config/default.toml`` gives every value and says what it is for."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class Section(BaseModel):
    """A group of settings; a key it does not know is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Kafka(Section):
    bootstrap_servers: str
    start: str
    client: dict[str, Any] = {}


class Topic(Section):
    name: str
    format: str = ""


class Topics(Section):
    metrics: Topic
    rekey: list[Topic]
    alerts: Topic
    alerts_state: Topic
    rejects: Topic
    events: Topic
    commands: Topic
    verdicts: Topic
    results: Topic


class Store(Section):
    kind: list[Literal["influx", "sqlite", "kafka"]]
    points: bool
    scores: Literal["none", "windows", "all"]


class Influx(Section):
    url: str
    token: str = Field(repr=False, json_schema_extra={"secret": True})
    org: str
    bucket: str
    timeout: float = Field(gt=0)
    give_up: float = Field(gt=0)
    buckets: dict[Literal["points", "windows", "results"], str] = {}


class Sqlite(Section):
    path: str


class Lanes(Section):
    count: int = Field(ge=1)
    index: int = Field(ge=0)


class Http(Section):
    bind: str
    port: int = Field(ge=0, le=65535)


WindowField = Literal["count", "mean", "min", "max", "last", "stddev", "p50", "p95", "p99", "sum", "first"]


class Windows(Section):
    every: list[int] = Field(min_length=1)
    fields: list[WindowField | Literal["all"]]


class Time(Section):
    max_future: float = Field(ge=0)
    allowed_lateness: float = Field(ge=0)
    remember: int = Field(ge=1, le=4096)
    conflict: dict[str, Literal["first", "each"]]


class Metric(Section):
    type: Literal["counter", "gauge"] | None = None
    min: float | None = None
    max: float | None = None


class Detect(Section):
    points: list[str]
    windows: list[str]


class Trend(Section):
    windows: list[str]


class Learn(Section):
    models: list[str]
    step: str
    series: int = Field(ge=0)


class Alerts(Section):
    rules: str


class Limits(Section):
    series: int = Field(ge=1)
    message_bytes: int = Field(ge=1)


class Recovery(Section):
    directory: str
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
    limits: Limits
    recovery: Recovery
    log: Log
