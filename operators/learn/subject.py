"""A series and its models: judged together, taught together, started over together when the series has a new normal."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from hashlib import blake2b
from math import nan
from statistics import median
from typing import Any

from config.records import SECOND
from operators.forecast.forecast import Ahead
from operators.learn.combination import Combination
from operators.learn.distance import Accuracy, Forecast
from operators.learn.family import Features
from operators.learn.learner import Learner, Verdict
from operators.learn.plan import Plan
from operators.learn.watch import Found, Watches

ACCEPT = 12  # windows
Window = tuple[
    float, ...
]  # the value, which window it is since 1970, then values of the series beside it; NaN where one is missing


@dataclass(frozen=True, slots=True)
class Lesson:
    """What one window brought.

    Parameters
    ----------
    verdicts, forecasts, accuracy
        By model.
    drift
        By model, the tests that saw its error rise.
    found
        Drifts, change points and recurring shapes of the values themselves.
    accepted
        The models that started over at a new normal.
    reset
        The models that started over because their numbers were no numbers any more.
    before, level
        The level before the odd windows, and that of the last `ACCEPT` where these were accepted.
    """

    verdicts: dict[str, Verdict]
    forecasts: dict[str, list[Forecast]]
    accuracy: dict[str, list[Accuracy]]
    drift: dict[str, tuple[str, ...]]
    found: list[Found]
    accepted: list[str]
    reset: list[str]
    before: float
    level: float


class Subject:
    """All models of one series.

    A run of `ACCEPT` odd windows by any model's score is a new normal: the models that find it odd forget what was and learn these windows.
    A series that has shown at most two values is never odd.

    Parameters
    ----------
    name
        The series; with the model's name it gives the seed.
    plan
        Models, what watches the values, and how far ahead forecasters are asked.

    Examples
    --------
    >>> from operators.learn import build
    >>> s = Subject("cpu,host=a usage", build("60s", ["holt_winters"]))
    >>> lessons = [s.learn((float(i % 3 + (50 if i >= 60 else 0)), i)) for i in range(100)]
    >>> [(i, it.accepted, round(it.before), it.level) for i, it in enumerate(lessons) if it.accepted]
    [(71, ['holt_winters'], 1, 51.0)]
    """

    def __init__(self, name: str, plan: Plan) -> None:
        self.name, self.plan = name, plan
        self.learners = {model: self._new(model) for model in plan.makers}
        self.watches = Watches(plan.watches, plan.length / SECOND)
        self.recent: deque[Window] = deque(maxlen=ACCEPT)
        self.values: tuple[float, ...] = ()
        self.level = nan

    def learn(self, window: Window) -> Lesson:
        """Judge a window with every model, then let them learn it."""
        y, number, x = window[0], int(window[1]), _beside(window)
        few = self._few(y)
        accuracy = {model: learner.accuracy(number, y) for model, learner in self.learners.items()}
        drift, verdicts = {}, {}
        for model, learner in self.learners.items():
            verdict = learner.judge(y, x)
            verdicts[model] = verdict._replace(score=0.0) if few and verdict.score >= 1.0 else verdict
            if tests := learner.learn(y, x, verdicts[model]):
                drift[model] = tests
        self.recent.append(window)
        before = self.level
        if not any(v.score >= 1.0 for v in verdicts.values()):
            self.level = y if before != before else before + 0.1 * (y - before)
        reset = [model for model, learner in self.learners.items() if not learner.sane()]
        self.learners.update({model: self._new(model) for model in reset})
        accepted = self._accept()
        forecasts = {model: learner.forecasts(number, y) for model, learner in self.learners.items()}
        level = median(w[0] for w in self.recent) if accepted else nan
        return Lesson(
            verdicts, forecasts, accuracy, drift, self.watches.update(y, number), accepted, reset, before, level
        )

    def course(self) -> Ahead | None:
        """Return all that the combination expects, with its bands; None where there is none, or it does not know yet."""
        families = (learner.family for learner in self.learners.values())
        return next((it.said for it in families if isinstance(it, Combination) and it.coming), None)

    def _accept(self) -> list[str]:
        runs = {model: learner.line.run for model, learner in self.learners.items()}
        if max(runs.values(), default=0) < ACCEPT:
            return []
        accepted = [model for model, run in runs.items() if 2 * run >= ACCEPT]
        for model in accepted:
            learner = self.learners[model] = self._new(model)
            for window in self.recent:
                y, x = window[0], _beside(window)
                learner.learn(y, x, learner.judge(y, x))
        return accepted

    def _few(self, y: float) -> bool:
        if len(self.values) < 3 and y not in self.values:
            self.values += (y,)
        return len(self.values) < 3

    def _new(self, model: str) -> Learner:
        seed = blake2b(f"{model}\n{self.name}".encode(), digest_size=4).digest()
        return Learner(self.plan.makers[model](int.from_bytes(seed)), self.plan.ahead)

    def __getstate__(self) -> dict[str, object]:
        return self.__dict__ | {"plan": None, "watches": self.watches.state()}

    def resume(self, plan: Plan) -> Subject:
        """Return this, read from a pickle, with the plan that pickles leave out."""
        saved: Any = self.watches
        self.plan, self.watches = plan, Watches(plan.watches, plan.length / SECOND, saved)
        return self


def _beside(window: Window) -> Features:
    return {str(i): v for i, v in enumerate(window[2:]) if v == v}
