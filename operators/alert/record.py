"""Alert records as INTERFACE words them: one element of Alertmanager's `alerts` array, and more."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from math import inf, isfinite
from typing import Any, NamedTuple

import numpy as np

from config.records import SECOND, Alert, Float, Row, Scored
from config.rules import Rule, fill
from operators.alert.subject import Named, digest
from operators.forecast.breach import SHARE, Breach

ZERO = "0001-01-01T00:00:00Z"  # Alertmanager's "not yet"


class Origin(NamedTuple):
    """What made the records: hash of the settings that change answers, version of the program, where a person may look."""

    config_hash: str
    version: str
    generator_url: str


class Observation(NamedTuple):
    """What was seen when an alert changed; absent numbers are ``None``.

    `detectors` are those whose score has reached their line (1), strongest first; `expected` is the strongest detector's.
    `breach` says in words when a forecast crosses its bound.
    """

    value: float | None
    score: float | None = None
    detectors: tuple[str, ...] = ()
    yhat: float | None = None
    lower: float | None = None
    upper: float | None = None
    kind: str = ""
    breach: str = ""


def observe(scored: Scored, i: int, rule: Rule) -> Observation:
    """Say what item `i` of a step shows, as far as the rule's detectors go."""
    found = {name: float(s.score[i]) for name, s in scored.scores.items() if not rule.detector or name == rule.detector}
    scores = sorted(((-x, name) for name, x in found.items() if x == x))
    seen = float((scored.value if rule.value == "score" else numbers(scored, rule))[i])
    kind = "" if rule.value == "score" else "high" if rule.above is not None and seen > rule.above else "low"
    if not scores:
        return Observation(_number(seen), kind=kind, breach=_breach(scored, i))
    strongest = scored.scores[scores[0][1]]
    yhat = float(strongest.yhat[i])
    if rule.value == "score" and yhat == yhat:
        kind = "high" if scored.value[i] >= yhat else "low"
    band = (_number(strongest.lower[i]), _number(strongest.upper[i]))
    odd = tuple(name for x, name in scores if -x >= 1.0)
    return Observation(_number(seen), _number(-scores[0][0]), odd, _number(yhat), *band, kind)


def numbers(scored: Scored, rule: Rule) -> Float:
    """Return what a rule reads of each item, shape (n,): a field, or the highest score; NaN where there is nothing to read."""
    nothing = np.full(len(scored), np.nan)
    if rule.value == "value":
        return scored.value
    if rule.value != "score":
        return scored.fields.get(rule.value, nothing)
    for name, scores in scored.scores.items():
        if not rule.detector or name == rule.detector:
            np.fmax(nothing, scores.score, out=nothing)
    return nothing


def firing(
    named: Named, rule: Rule, seen: Observation, starts: int, revision: int, lineage: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the body of a record that says an alert fires; `starts` in ns.

    Parameters
    ----------
    lineage
        Topic, partition, first and last offset, and the members of `Origin` by name.
    """
    expected = {"yhat": seen.yhat, "yhat_lower": seen.lower, "yhat_upper": seen.upper}
    texts = dict(named.labels) | {"value": seen.value, "score": seen.score, "kind": seen.kind} | expected
    texts |= {"breach": seen.breach, "above": rule.above, "below": rule.below, "detectors": ", ".join(seen.detectors)}
    annotations = {key: fill(text, texts) for key, text in {**_default(rule), **rule.annotations}.items()}
    begun = rfc3339(starts)
    return {
        "status": "firing",
        "state": "firing",
        "reason": "",
        "fingerprint": named.fingerprint,
        "id": record_id(named.fingerprint, begun, revision),
        "revision": revision,
        "labels": named.labels,
        "annotations": annotations,
        "startsAt": begun,
        "endsAt": ZERO,
        "generatorURL": fill(str(lineage["generator_url"]), named.labels),
        "value": seen.value,
        "score": seen.score,
        "detectors": list(seen.detectors),
        "expected": expected,
        "kind": seen.kind,
        "lineage": {key: value for key, value in lineage.items() if key != "generator_url"},
        "schema_version": 1,
    }


def resolved(
    body: Mapping[str, Any], reason: str, ends: int, seen: Observation | None, lineage: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the body of the record that ends a firing one: what was seen then, if anything; detectors, kind, texts stay the firing's."""
    revision = body["revision"] + 1
    number = record_id(body["fingerprint"], body["startsAt"], revision)
    end = {
        "status": "resolved",
        "state": "resolved",
        "reason": reason,
        "id": number,
        "revision": revision,
        "endsAt": rfc3339(ends),
    }
    out = {**body, **end, "lineage": {**body["lineage"], **lineage}}
    if seen is not None:
        expected = {"yhat": seen.yhat, "yhat_lower": seen.lower, "yhat_upper": seen.upper}
        out |= {"value": seen.value, "score": seen.score, "expected": expected}
    return out


def both(body: dict[str, Any], series: str, time: int, starts: int) -> list[Alert | Row]:
    """Return a record for the topics and the row of the measurement `alerts`, at the time of the change (ns)."""
    tags = {key: body["labels"][key] for key in ("alertname", "severity")}
    fields: dict[str, float | int | str] = {
        "firing": int(body["status"] == "firing"),
        "state": body["state"],
        "id": body["id"],
    }
    fields |= {key: body[key] for key in ("value", "score") if body[key] is not None}
    fields |= {"summary": body["annotations"]["summary"], "starts_at": starts}
    return [Alert(body["fingerprint"], body["id"], body), Row("alerts", time, tags, fields, series)]


def tombstone(fingerprint: str, starts: int, revision: int) -> Alert:
    """Return what takes an alert out of `alerts-state`: a record without a body."""
    return Alert(fingerprint, record_id(fingerprint, rfc3339(starts), revision), {})


def record_id(fingerprint: str, begun: str, revision: int) -> str:
    """Return the id of one record, the same after any crash."""
    return digest([fingerprint, begun, revision], 16)


def rfc3339(ns: int) -> str:
    """Write a time in UTC, no more digits than it has.

    Examples
    --------
    >>> rfc3339(1767225600 * 10**9), rfc3339(1767225600_120000000)
    ('2026-01-01T00:00:00Z', '2026-01-01T00:00:00.12Z')
    """
    seconds, rest = divmod(ns, SECOND)
    digits = f".{rest:09d}".rstrip("0").rstrip(".")
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}{digits}Z"


def _number(x: float) -> float | None:
    return float(x) if isfinite(x) else None


def _breach(scored: Scored, i: int) -> str:
    if scored.step != "breaches" or not scored.fields["earliest"][i] < inf:
        return ""
    bound, *times = (float(scored.fields[name][i]) for name in ("bound", "at", "earliest", "latest"))
    return str(Breach(bound, SHARE, *times))


def _default(rule: Rule) -> dict[str, str]:
    if rule.step == "breaches":
        return {
            "summary": "{metric} {field} {breach}",
            "description": f"The rule reads {rule.value} of step {{step}}, which is {{value}}; the bound stands in learn.bounds.",
        }
    if rule.value == "silence":
        return {
            "summary": "{metric} {field} has sent nothing for {value} s",
            "description": "Its last point is at offset_last of the lineage; it resolves when the series returns or is ended.",
        }
    line = " or ".join(f"{word} {x:g}" for word, x in (("above", rule.above), ("below", rule.below)) if x is not None)
    if rule.value == "score":
        return {
            "summary": "{metric} {field} is {value}, expected {yhat} ({yhat_lower} to {yhat_upper})",
            "description": f"The score {{score}} is {line} on step {{step}}; said by: {{detectors}}.",
        }
    return {
        "summary": f"{{metric}} {{field}}: {rule.value} is {{value}}, {line}",
        "description": f"The rule reads {rule.value} of step {{step}}; it holds {line}.",
    }
