"""Alert rules: what a file may say, and what is said of a wrong one."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from config.layers import ConfigError
from config.rules import SHIPPED, fill, promises, read_rules, rules_of, silences
from config.settings import load

STEPS = {"points": ["ewma", "cusum"], "60s": ["profile"], "3600s": [], "trends": ["slope"], "models": ["holt_winters"]}
GOOD = 'name = "Hot"\nstep = "60s"\nvalue = "max"\nabove = 8\n'


def written(folder: Path, text: str) -> Path:
    file = folder / "rules.toml"
    file.write_text(text, encoding="utf-8")
    return file


def test_a_rule_has_the_defaults_of_the_interface(tmp_path: Path) -> None:
    (rule,) = read_rules(written(tmp_path, f"[[rule]]\n{GOOD}"), STEPS)
    assert (rule.metric, rule.field, rule.tags, rule.above, rule.below) == ("*", "*", {}, 8.0, None)
    assert (rule.for_, rule.keep_firing_for, rule.severity) == (0, 0, "warning")


def test_the_example_of_the_interface_is_read(tmp_path: Path) -> None:
    text = """
    [[rule]]
    name = "LoadTooHigh"
    metric = "system"
    field = "load*"
    tags = { host = "db-*" }
    step = "60s"
    value = "max"
    above = 8.0
    for = 120
    keep_firing_for = 300
    severity = "critical"
    """
    (rule,) = read_rules(written(tmp_path, text), STEPS)
    assert (rule.tags, rule.for_, rule.keep_firing_for, rule.severity) == ({"host": "db-*"}, 120, 300, "critical")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (GOOD + "abvoe = 9", "abvoe: is no key of a rule; the nearest is above"),
        (GOOD + "four = 9", "four: is no key of a rule; the nearest is for"),
        (GOOD + 'for = "2m"', "for: is '2m'; Input should be a valid number"),
        (GOOD + "for = -1", "for: is -1; Input should be greater than or equal to 0"),
        (GOOD + "below = nan", "below: is nan; Input should be a finite number"),
        (GOOD + "below = true", "below: is True; Input should be a valid number"),
        (GOOD + 'severity = "crit"', "severity: is 'crit'; the nearest right one is critical"),
        (GOOD + "tags = { host = 1 }", "tags.host: is 1; Input should be a valid string"),
        (GOOD.replace('name = "Hot"\n', ""), "name: is missing"),
        (GOOD.replace("60s", "1m"), "step: '1m' is not computed; the nearest that is: "),
        (GOOD.replace("60s", "65s"), "step: '65s' is not computed; the nearest that is: 60s"),
        (GOOD.replace("60s", "point"), "step: 'point' is not computed; the nearest that is: points"),
        (GOOD.replace('"max"', '"maximum"'), "value: step 60s has no 'maximum'; the nearest that it has: max"),
        (GOOD.replace('"max"', '"silence"'), "value: step 60s has no 'silence'; the nearest that it has: "),
        (GOOD.replace('"60s"', '"points"'), "value: step points has no 'max'; the nearest that it has: value"),
        (
            GOOD.replace('"60s"', '"trends"').replace("max", "slop"),
            "value: step trends has no 'slop'; the nearest that it has: slope",
        ),
        (GOOD.replace('"60s"', '"trends"').replace("max", "score"), "value: step trends has no 'score'; "),
        (
            GOOD.replace('"60s"', '"3600s"').replace("max", "score"),
            "value: no detector runs on step 3600s, so it has no score",
        ),
        (GOOD + 'detector = "profil"', "detector: 'profil' does not run on step 60s; the nearest that does: profile"),
        (GOOD.replace("above = 8\n", ""), "above: is missing, and so is below"),
        (GOOD + "below = 9", "below: 9 must be less than above (8)"),
        (GOOD.replace("Hot", "{Metrik}Hot"), "name: knows no {Metrik}; the nearest is {Metric}"),
        (GOOD.replace("Hot", "{Metric"), "name: a brace stands alone in '{Metric'"),
        (GOOD + 'annotations = { summary = "a } b" }', "annotations.summary: a brace stands alone in 'a } b'"),
        (GOOD + 'labels = { severity = "x" }', "labels.severity: is ours; choose another name"),
        (
            'name = "Gone"\nstep = "points"\nvalue = "silence"\nabove = 60',
            "above: a silence is whole seconds, at least 300",
        ),
        (
            'name = "Gone"\nstep = "points"\nvalue = "silence"\nabove = 900\nfor = 60',
            "for: means nothing to a rule on silence",
        ),
    ],
)
def test_a_wrong_rule_is_named_with_its_key_and_the_nearest_right_one(tmp_path: Path, text: str, said: str) -> None:
    file = written(tmp_path, f'[[rule]]\nname = "Fine"\nstep = "60s"\nabove = 1.0\n[[rule]]\n{text}')
    with pytest.raises(ConfigError) as e:
        read_rules(file, STEPS)
    assert str(e.value).startswith(f"alerts.rules {file}: rule 2")
    assert said in str(e.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"[[rules]]\n{GOOD}", "rules: is no key of this file; the nearest is rule"),
        (f"[rule]\n{GOOD}", "rule: is one table; each rule is [[rule]]"),
        ("[[rule]\n", "is no TOML"),
        ("rule = [1]", "rule 1: : is 1"),
        (f"[[rule]]\n{GOOD}\n[[rule]]\n{GOOD}", "rule Hot: name: stands twice"),
    ],
)
def test_a_wrong_file_is_named(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=r"alerts\.rules") as e:
        read_rules(written(tmp_path, text), STEPS)
    assert said in str(e.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"alerts\.rules .*gone\.toml: cannot be read"):
        read_rules(tmp_path / "gone.toml", STEPS)


def test_a_file_may_have_no_rule(tmp_path: Path) -> None:
    assert read_rules(written(tmp_path, ""), STEPS) == ()


def test_the_shipped_rules_suit_the_default_settings() -> None:
    rules = rules_of(load({"ALLUSE_ALERTS__RULES": str(SHIPPED)}))
    assert [(r.step, r.value) for r in rules] == [("60s", "score"), ("points", "silence")]
    assert silences(rules) == (900,)


def test_shipped_rules_on_windows_that_are_not_computed_are_left_out(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        rules = rules_of(
            load({"ALLUSE_ALERTS__RULES": str(SHIPPED), "ALLUSE_WINDOWS__EVERY": "10", "ALLUSE_LEARN__STEP": "10s"})
        )
    assert [r.value for r in rules] == ["silence"]
    assert "is left out: no windows of 60s are computed" in caplog.text


def test_the_shipped_rule_on_the_ensemble_is_left_out_where_that_does_not_run(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        rules = rules_of(load({"ALLUSE_ALERTS__RULES": str(SHIPPED), "ALLUSE_DETECT__DEEP": "0"}))
    assert [r.value for r in rules] == ["silence"]
    assert "is left out: ensemble does not run on 60s (detect.deep is 0)" in caplog.text


def test_one_s_own_rule_on_such_windows_is_an_error(tmp_path: Path) -> None:
    environ = {"ALLUSE_ALERTS__RULES": str(written(tmp_path, f"[[rule]]\n{GOOD}")), "ALLUSE_WINDOWS__EVERY": "10"}
    with pytest.raises(ConfigError, match="step: '60s' is not computed; the nearest that is: 10s"):
        rules_of(load(environ | {"ALLUSE_LEARN__STEP": "10s"}))


def test_a_template_reaches_into_nothing() -> None:
    assert fill("{a.__class__}{a[0]}{a!r}{a:>9}", {"a": 1}) == ""


def test_the_line_of_a_score_that_means_a_probability_follows_from_the_budget(tmp_path: Path) -> None:
    rule = '[[rule]]\nname = "Odd"\nstep = "60s"\nvalue = "score"\ndetector = "ensemble"\n'
    env = {"ALLUSE_ALERTS__RULES": str(written(tmp_path, rule)), "ALLUSE_DETECT__DEEP": "8"}
    (few,) = rules_of(load(env))
    (many,) = rules_of(load(env | {"ALLUSE_ALERTS__BUDGET": "50"}))
    (long,) = rules_of(load(env | {"ALLUSE_WINDOWS__EVERY": "60"}))
    assert few.above is not None
    assert many.above is not None
    assert few.above == long.above > many.above > 1
    assert 1000 * 1440 * (4e-4**few.above) == pytest.approx(5)
    assert load(env).config_hash != load(env | {"ALLUSE_ALERTS__BUDGET": "50"}).config_hash


def test_a_score_without_a_meaning_needs_a_line(tmp_path: Path) -> None:
    file = written(tmp_path, '[[rule]]\nname = "Odd"\nstep = "60s"\nvalue = "score"\ndetector = "profile"\n')
    with pytest.raises(ConfigError, match=r"above: is missing.*alerts.budget"):
        rules_of(load({"ALLUSE_ALERTS__RULES": str(file)}))


def test_a_rule_on_breaches_wants_a_bound(tmp_path: Path) -> None:
    rule = '[[rule]]\nname = "Full"\nstep = "breaches"\nvalue = "at"\nbelow = 3600.0\n'
    env = {"ALLUSE_ALERTS__RULES": str(written(tmp_path, rule))}
    with pytest.raises(ConfigError, match=r"step: 'breaches' is not computed: learn\.bounds names no bound"):
        rules_of(load(env))
    bound = env | {"ALLUSE_LEARN__BOUNDS": '{"disk used": {"above": 90.0}}'}
    assert [r.step for r in rules_of(load(bound))] == ["breaches"]
    written(tmp_path, rule.replace('"at"', '"score"'))
    with pytest.raises(ConfigError, match="step breaches has no 'score'"):
        rules_of(load(bound))


@pytest.mark.parametrize(
    ("rule", "environ", "text"),
    [
        (
            'step = "points"\ndetector = "ensemble"',
            {"ALLUSE_DETECT__POINTS": "ensemble"},
            "above: is missing.*on windows",
        ),
        (
            'step = "60s"\ndetector = "ensemble"',
            {"ALLUSE_DETECTOR__ENSEMBLE__CHANCE": "1.0"},
            "chance: is 1.0; a share",
        ),
        (
            'step = "60s"\ndetector = "ensemble"',
            {"ALLUSE_DETECTOR__ENSEMBLE__CHANCE": "0.0"},
            "chance: is 0.0; a share",
        ),
    ],
)
def test_a_line_that_cannot_be_derived_stops_the_start(
    tmp_path: Path, rule: str, environ: dict[str, str], text: str
) -> None:
    file = written(tmp_path, f'[[rule]]\nname = "Odd"\nvalue = "score"\n{rule}\n')
    with pytest.raises(ConfigError, match=text):
        rules_of(load({"ALLUSE_ALERTS__RULES": str(file)} | environ))


def test_a_line_of_one_s_own_on_points_promises_nothing(tmp_path: Path) -> None:
    rule = '[[rule]]\nname = "Odd"\nvalue = "score"\nstep = "points"\ndetector = "ensemble"\nabove = 1.5\n'
    settings = load({"ALLUSE_ALERTS__RULES": str(written(tmp_path, rule)), "ALLUSE_DETECT__POINTS": "ensemble"})
    assert list(promises(rules_of(settings), settings)) == []
