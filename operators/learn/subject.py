"""A series and its models: judged together, taught together, started over together when the series has a new normal."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from math import nan
from statistics import median

from operators.learn.family import Family
from operators.learn.learner import Forecast, Learner, Verdict

ACCEPT = 12  # windows
Makers = Mapping[str, Callable[[int], Family]]
Window = tuple[float, ...]  # the value, then those of the series beside it; NaN where one is missing


@dataclass(frozen=True, slots=True)
class Lesson:
    """What one window brought.

    Parameters
    ----------
    verdicts, forecasts
        By model.
    drift
        By model, the tests that saw its error rise.
    accepted
        The models that started over at a new normal.
    reset
        The models that started over because their numbers were no numbers any more.
    before, level
        The level before the odd windows, and that of the last `ACCEPT` where these were accepted.
    """

    verdicts: dict[str, Verdict]
    forecasts: dict[str, list[Forecast]]
    drift: dict[str, tuple[str, ...]]
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
    makers
        Model by name, made from a seed.

    Examples
    --------
    >>> from operators.learn.forecast import holt_winters
    >>> s = Subject("cpu,host=a usage", {"holt_winters": holt_winters})
    >>> lessons = [s.learn((float(i % 3 + (50 if i >= 60 else 0)),)) for i in range(100)]
    >>> [(i, it.accepted, round(it.before), it.level) for i, it in enumerate(lessons) if it.accepted]
    [(71, ['holt_winters'], 1, 51.0)]
    """

    def __init__(self, name: str, makers: Makers) -> None:
        self.name, self.makers = name, makers
        self.learners = {model: self._new(model) for model in makers}
        self.recent: deque[Window] = deque(maxlen=ACCEPT)
        self.values: tuple[float, ...] = ()
        self.level = nan

    def learn(self, window: Window) -> Lesson:
        """Judge a window with every model, then let them learn it."""
        y, x = window[0], {str(i): v for i, v in enumerate(window[1:]) if v == v}
        few = self._few(y)
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
        forecasts = {model: learner.forecasts() for model, learner in self.learners.items()}
        level = median(w[0] for w in self.recent) if accepted else nan
        return Lesson(verdicts, forecasts, drift, accepted, reset, before, level)

    def _accept(self) -> list[str]:
        runs = {model: learner.line.run for model, learner in self.learners.items()}
        if max(runs.values(), default=0) < ACCEPT:
            return []
        accepted = [model for model, run in runs.items() if 2 * run >= ACCEPT]
        for model in accepted:
            learner = self.learners[model] = self._new(model)
            for y, *beside in self.recent:
                x = {str(i): v for i, v in enumerate(beside) if v == v}
                learner.learn(y, x, learner.judge(y, x))
        return accepted

    def _few(self, y: float) -> bool:
        if len(self.values) < 3 and y not in self.values:
            self.values += (y,)
        return len(self.values) < 3

    def _new(self, model: str) -> Learner:
        seed = blake2b(f"{model}\n{self.name}".encode(), digest_size=4).digest()
        return Learner(self.makers[model](int.from_bytes(seed)))

    def __getstate__(self) -> dict[str, object]:
        return {key: value for key, value in self.__dict__.items() if key != "makers"}
