"""Alert rules: the file that ``alerts.rules`` names, read and checked at start."""

from __future__ import annotations

import logging
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from math import log
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from config.layers import ConfigError, nearest
from config.rule import PLACE, Rule, fill
from config.settings import CHANCE, DEEP, Settings

__all__ = ["NO_DATA", "OURS", "SHIPPED", "Rule", "fill", "heard", "promises", "read_rules", "rules_of", "silences"]
LOG = logging.getLogger(__name__)
DAY, SERIES = 86_400, 1_000

SHIPPED = Path(__file__).with_name("rules.toml")
OURS = frozenset({"alertname", "severity", "metric", "field", "step"})
NO_DATA = 300  # seconds: the least that validate calls a silence

_WINDOW = ("count", "sum", "min", "max", "mean", "stddev", "first", "last", "p50", "p95", "p99", "rate")
_TREND = {
    "slope": ("slope", "low", "high", "sign", "strength"),
    "bocpd": ("certainty", "ago"),
}  # the others say one number, of their own name
_MODEL = ("score", "yhat", "forecast")
_BREACH = ("at", "earliest", "latest", "probability", "bound")
_NAME_PARTS = ("Metric", "Field", "metric", "field", "step")


def rules_of(settings: Settings) -> tuple[Rule, ...]:
    """Return the rules that settings name, checked against what these settings compute.

    Raises
    ------
    ConfigError
        As `read_rules`.
    """
    windows, models = list(settings.detect.windows), list(settings.learn.models)
    steps = {"points": list(settings.detect.points)}
    steps |= {f"{length}s": windows for length in settings.windows.every}
    if settings.detect.deep:
        steps[f"{min(settings.windows.every)}s"] = [*dict.fromkeys([*windows, *DEEP])]
    steps |= {"trends": list(settings.trend.windows), "models": models}
    steps |= {"breaches": []} if settings.learn.bounds else {}
    rules = tuple(_with_line(rule, settings) for rule in read_rules(Path(settings.alerts.rules), steps))
    for promise in promises(rules, settings):
        LOG.info(promise)
    return rules


def line_of(step: int, chance: float, budget: float) -> float:
    """Return the score above which a detector that means a probability raises `budget` false alerts a day for 1,000 series.

    Parameters
    ----------
    step
        Length of a window, in seconds.
    chance
        Share of windows at which a score of 1 begins by chance; a score of s begins at ``chance ** s``.
    budget
        False alerts a day and 1,000 series.

    Examples
    --------
    >>> round(line_of(60, 1e-4, 5.0), 2), line_of(3600, 1e-4, 1e9)
    (1.36, 1.0)
    """
    return max(1.0, log(budget / (SERIES * DAY / step)) / log(chance))


def promises(rules: Iterable[Rule], settings: Settings) -> Iterator[str]:
    """Yield a sentence for every rule on a score that means a probability: its line, and how many false alerts that means.

    Examples
    --------
    >>> from config.settings import load
    >>> rule = Rule(name="Odd", step="60s", value="score", detector="ensemble", above=1.607)
    >>> print(*promises([rule], load({})))
    rule Odd: fires above a score of 1.61, which chance reaches 5 times in the 1,440,000 windows that 1,000 series make a day
    """
    for rule in rules:
        if rule.value == "score" and rule.detector in DEEP and rule.above is not None and rule.step != "points":
            windows = SERIES * DAY // int(rule.step.removesuffix("s"))
            by_chance = windows * _chance(rule, settings) ** rule.above
            yield (
                f"rule {rule.name}: fires above a score of {rule.above:.2f}, which chance reaches {by_chance:.2g} times "
                f"in the {windows:,} windows that {SERIES:,} series make a day"
            )


def heard(rules: Iterable[Rule], settings: Settings) -> dict[str, dict[str, Any]]:
    """Return the parameters of detectors, with the highest line of the rules that listen to those that mean a probability.

    Examples
    --------
    >>> from config.settings import load
    >>> heard([Rule(name="Odd", step="60s", value="score", above=2.0)], load({}))
    {'ensemble': {'line': 2.0}}
    """
    lines = [r.above for r in rules if r.value == "score" and r.detector in ("", *DEEP) and r.above is not None]
    waited = {"line": max(1.0, *lines)} if lines else {}
    return settings.detector | {name: waited | settings.detector.get(name, {}) for name in DEEP}


def _chance(rule: Rule, settings: Settings) -> float:
    chance = settings.detector.get(rule.detector, {}).get("chance", CHANCE)
    if not isinstance(chance, float) or not 0.0 < chance < 0.5:
        raise ConfigError(f"detector.{rule.detector}.chance: is {chance!r}; a share of windows, between 0 and 0.5")
    return chance


def _with_line(rule: Rule, settings: Settings) -> Rule:
    if rule.value != "score" or rule.above is not None or rule.below is not None:
        return rule
    above = line_of(int(rule.step.removesuffix("s")), _chance(rule, settings), settings.alerts.budget)
    return rule.model_copy(update={"above": above})


def read_rules(file: Path, steps: Mapping[str, Sequence[str]]) -> tuple[Rule, ...]:
    """Read and check a file of rules.

    Parameters
    ----------
    file
        TOML with ``[[rule]]`` tables.  In the shipped file, and only there, a rule on a window length that is not computed, or on
        a detector that does not run, is left out with a line in the log: other windows are no reason to write one's own rules.
    steps
        The steps that are computed, each with the names of its detectors.

    Raises
    ------
    ConfigError
        Names the file, the rule, the key at fault and the nearest right one.

    Examples
    --------
    >>> [r.name for r in read_rules(SHIPPED, {"points": ["ewma"], "60s": ["profile", "ensemble"]})]
    ['{Metric}{Field}Anomaly', '{Metric}{Field}Absent']
    """
    rules = []
    for number, table in enumerate(_tables(file), 1):
        name = table.get("name") if isinstance(table, dict) else None
        where = f"alerts.rules {file}: rule {number}" + (f" ({name})" if isinstance(name, str) else "")
        rule = _parsed(table, where)
        if file.resolve() == SHIPPED and (missing := _not_computed(rule, steps)):
            LOG.warning("%s is left out: %s", where, missing)
            continue
        for check in _CHECKS:
            fault = check(rule, steps)
            if fault:
                raise ConfigError(f"{where}: {fault}")
        rules.append(rule)
    _no_twins(rules, file)
    return tuple(rules)


def _not_computed(rule: Rule, steps: Mapping[str, Sequence[str]]) -> str:
    if rule.step not in steps and re.fullmatch(r"\d+s", rule.step):
        return f"no windows of {rule.step} are computed"
    if rule.detector and rule.detector not in steps[rule.step]:
        others = [step for step, detectors in steps.items() if rule.detector in detectors]
        reason = f"it does on {', '.join(others)}" if others else "detect.deep is 0"
        return f"{rule.detector} does not run on {rule.step}" + (f" ({reason})" if rule.detector in DEEP else "")
    return ""


def silences(rules: Iterable[Rule]) -> tuple[int, ...]:
    """Return the lengths of silence, in seconds, that rules on absence wait for, sorted.

    Examples
    --------
    >>> silences([Rule(name="Gone", step="points", value="silence", above=900.0), Rule(name="Hot", step="60s", above=8.0)])
    (900,)
    """
    return tuple(sorted({int(r.above) for r in rules if r.value == "silence" and r.above is not None}))


def _tables(file: Path) -> list[Any]:
    try:
        tree = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as e:
        raise ConfigError(f"alerts.rules {file}: cannot be read: {e}") from e
    except tomllib.TOMLDecodeError as e:
        raise ConfigError(f"alerts.rules {file}: is no TOML: {e}") from e
    for key in tree:
        if key != "rule":
            raise ConfigError(f"alerts.rules {file}: {key}: is no key of this file; the nearest is rule")
    tables = tree.get("rule", [])
    if not isinstance(tables, list):
        raise ConfigError(f"alerts.rules {file}: rule: is one table; each rule is [[rule]]")
    return tables


def _parsed(table: Any, where: str) -> Rule:
    try:
        return Rule.model_validate(table)
    except ValidationError as e:
        fault = e.errors(include_url=False)[0]
    key = ".".join(str(part) for part in fault["loc"])
    if fault["type"] == "extra_forbidden":
        right = [f.alias or name for name, f in Rule.model_fields.items()]
        raise ConfigError(f"{where}: {key}: is no key of a rule; the nearest is {nearest(key, right)}")
    if fault["type"] == "literal_error" and isinstance(fault["input"], str):
        right = ["critical", "error", "warning", "info"]
        raise ConfigError(
            f"{where}: {key}: is {fault['input']!r}; the nearest right one is {nearest(fault['input'], right)}"
        )
    if fault["type"] == "missing":
        raise ConfigError(f"{where}: {key}: is missing")
    raise ConfigError(f"{where}: {key}: is {fault['input']!r}; {fault['msg']}")


def _step(rule: Rule, steps: Mapping[str, Sequence[str]]) -> str:
    if rule.step in steps:
        return ""
    if rule.step == "breaches":
        return "step: 'breaches' is not computed: learn.bounds names no bound that a forecast may cross"
    return f"step: {rule.step!r} is not computed; the nearest that is: {nearest(rule.step, list(steps))}"


def _value(rule: Rule, steps: Mapping[str, Sequence[str]]) -> str:
    right = ["value", "score", *_WINDOW]
    if rule.step == "points":
        right = ["value", "score", "silence"]
    elif rule.step == "trends":
        right = ["value", *(field for name in steps["trends"] for field in _TREND.get(name, (name,)))]
    elif rule.step == "models":
        right = ["value", *_MODEL]
    elif rule.step == "breaches":
        right = ["value", *_BREACH]
    if rule.value in right:
        return ""
    return f"value: step {rule.step} has no {rule.value!r}; the nearest that it has: {nearest(rule.value, right)}"


def _detector(rule: Rule, steps: Mapping[str, Sequence[str]]) -> str:
    right = list(steps[rule.step]) if rule.step != "trends" else []
    if rule.value == "score" and not right:
        return f"value: no detector runs on step {rule.step}, so it has no score"
    if not rule.detector or rule.detector in right:
        return ""
    if not right:
        return f"detector: none runs on step {rule.step}"
    return f"detector: {rule.detector!r} does not run on step {rule.step}; the nearest that does: {nearest(rule.detector, right)}"


def _line(rule: Rule, steps: Mapping[str, Sequence[str]]) -> str:
    derived = rule.value == "score" and rule.detector in DEEP and rule.step != "points"
    if rule.above is None and rule.below is None and not derived:
        names = " or ".join(DEEP)
        return f"above: is missing, and so is below; from alerts.budget follows only the line of score of detector {names} on windows"
    if rule.above is not None and rule.below is not None and rule.below >= rule.above:
        return f"below: {rule.below:g} must be less than above ({rule.above:g}): with both, values outside of the two are meant"
    return ""


def _silence(rule: Rule, steps: Mapping[str, Sequence[str]]) -> str:
    if rule.value != "silence":
        return ""
    for key, given in (("below", rule.below), ("for", rule.for_), ("keep_firing_for", rule.keep_firing_for)):
        if given:
            return f"{key}: means nothing to a rule on silence; how long it lasts stands in above"
    if rule.above is None or rule.above < NO_DATA or rule.above != int(rule.above):
        return f"above: a silence is whole seconds, at least {NO_DATA}"
    return ""


def _texts(rule: Rule, steps: Mapping[str, Sequence[str]]) -> str:
    texts = {"name": rule.name} | {f"labels.{k}": v for k, v in rule.labels.items()}
    for key, text in (texts | {f"annotations.{k}": v for k, v in rule.annotations.items()}).items():
        if any(brace in PLACE.sub("", text) for brace in "{}"):
            return f"{key}: a brace stands alone in {text!r}; write {{{{ or }}}}"
    for place in PLACE.findall(rule.name):
        if place and place not in _NAME_PARTS:
            return f"name: knows no {{{place}}}; the nearest is {{{nearest(place, list(_NAME_PARTS))}}}"
    for key in rule.labels:
        if key in OURS:
            return f"labels.{key}: is ours; choose another name"
    return ""


def _no_twins(rules: Sequence[Rule], file: Path) -> None:
    seen: set[str] = set()
    for r in rules:
        key = repr((r.name, r.step, r.metric, r.field, sorted(r.tags.items())))
        if key in seen:
            raise ConfigError(f"alerts.rules {file}: rule {r.name}: name: stands twice for the same series and step")
        seen.add(key)


_CHECKS: tuple[Callable[[Rule, Mapping[str, Sequence[str]]], str], ...] = (
    _step,
    _value,
    _detector,
    _line,
    _silence,
    _texts,
)
