"""What a rule makes of a series: whether it matches, and the name, labels and fingerprint of the alert that it would be."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from hashlib import blake2b
from typing import NamedTuple

import numpy as np

from config.records import Bool, Series
from config.rules import OURS, Rule, fill
from config.series import Name


class Named(NamedTuple):
    """An alert by its name: rule number, alertname, labels, fingerprint."""

    rule: int
    alertname: str
    labels: dict[str, str]
    fingerprint: str


def matches(rules: Sequence[Rule], series: str) -> Iterator[tuple[int, str, Name]]:
    """Yield number and alertname of each rule that speaks of a series: of those with one alertname, the first.

    Examples
    --------
    >>> hot = [Rule(name="Hot", tags={"host": h}, step="60s", above=x) for h, x in [("db-*", 9.0), ("*", 5.0)]]
    >>> [(n, name) for n, name, _ in matches(hot, "cpu,host=db-1 x")], [n for n, _, _ in matches(hot, "cpu x")]
    ([(0, 'Hot')], [])
    """
    if not rules:  # most steps have none, and names are long to take apart
        return
    subject, taken = Name.of(series), set()
    for number, rule in enumerate(rules):
        if _match(rule, subject) and (name := _alertname(rule, subject)) not in taken:
            taken.add(name)
            yield number, name, subject


def named(rules: Sequence[Rule], series: str) -> Iterator[Named]:
    """Yield the alerts that rules may make of a series.

    The fingerprint is a hash of alertname, step, metric, field and the series' tags, and of nothing that may change while it lasts.

    Examples
    --------
    >>> [a] = named([Rule(name="{Metric}{Field}Low", step="60s", below=5.0)], "cpu,host=a,step=9 usage_idle")
    >>> a.alertname, a.fingerprint
    ('CpuUsageIdleLow', 'ce08a3c3af9a29c8')
    >>> a.labels["exported_step"], a.labels["step"], a.labels["severity"], a.labels["host"]
    ('9', '60s', 'warning', 'a')
    """
    for number, name, subject in matches(rules, series):
        rule = rules[number]
        about = {"alertname": name, "severity": rule.severity}
        about |= {"metric": subject.metric, "field": subject.field, "step": rule.step}
        labels = {**about, **_tags(subject)}
        more = {key: fill(text, labels) for key, text in rule.labels.items()}
        labels |= {key: text for key, text in more.items() if text}
        identity = [name, rule.step, subject.metric, subject.field, subject.tags]
        yield Named(number, name, labels, digest(identity, 8))


class Speaks:
    """Which rules speak of which series, by slot: ``table[rule, slot]``.

    Examples
    --------
    >>> speaks, series = Speaks([Rule(name="Hot", metric="c*", step="60s", above=8.0)]), Series()
    >>> for name in ("cpu x", "net x"): _ = series.code(name)
    >>> speaks.learn(series); speaks.table[:, :2].tolist()
    [[True, False]]
    """

    def __init__(self, rules: Sequence[Rule]) -> None:
        self.rules = rules
        self.series: Series | None = None
        self.names: list[str] = []
        self.free: list[int] = []
        self.table: Bool = np.zeros((len(rules), 0), np.bool_)

    def learn(self, series: Series) -> None:
        """Match the series that are new."""
        have, names = len(self.names), series.names
        if series is not self.series:
            changed = [s for s, (old, new) in enumerate(zip(self.names, names, strict=False)) if old != new]
            self.free = [s for s, name in enumerate(names) if name.startswith("\0")]
        elif self.free or len(names) > have:
            changed = [s for s in self.free if names[s] != self.names[s]]
            self.free = [s for s in self.free if names[s].startswith("\0")]
        else:
            return
        if len(names) > self.table.shape[1]:
            self.table = np.pad(self.table, ((0, 0), (0, 2 * len(names) - self.table.shape[1])))
        for slot in [*changed, *range(have, len(names))]:
            self.table[:, slot] = False
            for rule, _, _ in matches(self.rules, names[slot]):
                self.table[rule, slot] = True
        self.names = list(names)


def digest(identity: object, size: int) -> str:
    """Return `size` bytes of a hash of plain values, as hexadecimal digits."""
    return blake2b(
        json.dumps(identity, ensure_ascii=False).encode("utf-8", "surrogatepass"), digest_size=size
    ).hexdigest()


def camel(text: str) -> str:
    """Join words as names of alerts are written.

    References
    ----------
    Prometheus, naming of alerts: https://prometheus.io/docs/practices/alerting/

    Examples
    --------
    >>> camel("usage_idle"), camel("disk io/ops"), camel("diskIO")
    ('UsageIdle', 'DiskIoOps', 'DiskIO')
    """
    return "".join(word[0].upper() + word[1:] for word in re.split(r"[\W_]+", text) if word)


def _match(rule: Rule, subject: Name) -> bool:
    if not fnmatchcase(subject.metric, rule.metric) or not fnmatchcase(subject.field, rule.field):
        return False
    tags = dict(subject.tags)
    return all(key in tags and fnmatchcase(tags[key], glob) for key, glob in rule.tags.items())


def _alertname(rule: Rule, subject: Name) -> str:
    metric, field = subject.metric, subject.field
    parts = {"Metric": camel(metric), "Field": camel(field), "metric": metric, "field": field, "step": rule.step}
    return fill(rule.name, parts)


def _tags(subject: Name) -> dict[str, str]:
    labels = {key: value for key, value in subject.tags if key not in OURS}
    for key, value in subject.tags:
        if key in OURS:
            exported = f"exported_{key}"
            while exported in labels:
                exported = f"exported_{exported}"
            labels[exported] = value
    return labels
