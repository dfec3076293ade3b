"""What models say, as records: scores, forecasts, events."""

from __future__ import annotations

from math import nan
from typing import NamedTuple

import numpy as np

from config.records import SECOND, Event, Float, Rows, Scored, Scores, Windows
from operators.learn.learner import Forecast
from operators.learn.neighbours import Waiting
from operators.learn.plan import Plan
from operators.learn.subject import Lesson

_NONE = (nan, nan)


class Judged(NamedTuple):
    """A window, the place in the batch where it was judged, and what that brought."""

    window: Waiting
    position: int
    lesson: Lesson


def report(item: Windows, judged: list[Judged], plan: Plan) -> list[Scored | Rows]:
    """Return the scores of step ``models`` and the rows of ``forecasts``; nothing where there is neither a window nor a silence.

    Rules may name ``yhat`` (expected of this window) and ``forecast`` (expected at the horizon), both by the first forecaster.
    """
    if not judged and not len(item.silences):
        return []
    w = [j.window for j in judged]
    scored = Scored(
        step="models",
        poll=item.poll,
        series=item.series,
        codes=np.array([it.slot for it in w], np.int64),
        time=np.array([it.time for it in w], np.int64),
        position=np.array([j.position for j in judged], np.int64),
        value=np.array([it.value for it in w], np.float64),
        fields=_fields(judged),
        scores={model: _scores(judged, model) for model in plan.makers},
        first=np.array([it.first for it in w], np.int64),
        last=np.array([it.last for it in w], np.int64),
        silences=item.silences,
    )
    return [scored, *_forecasts(item, judged, plan)]


def news(item: Windows, judged: list[Judged]) -> list[Event]:
    """Return the events ``drift``, ``new-normal`` and ``model-reset``: one of a type for a window, naming all models it concerns."""
    events = []
    for w, _, it in judged:
        name = item.series.names[w.slot]
        if it.drift:
            tests = "; ".join(f"{model} ({', '.join(tests)})" for model, tests in it.drift.items())
            events.append(Event("drift", w.time, name, f"the error rose: {tests}", w.value))
        if it.accepted:
            text = f"level {it.level:.6g} after {it.before:.6g} is the new normal for {', '.join(it.accepted)}"
            events.append(Event("new-normal", w.time, name, text, it.level))
        if it.reset:
            events.append(Event("model-reset", w.time, name, f"numbers ran away: {', '.join(it.reset)}", w.value))
    return events


def _scores(judged: list[Judged], model: str) -> Scores:
    verdicts = [j.lesson.verdicts[model] for j in judged]
    _, score, yhat, lower, upper = np.array(verdicts, np.float64).reshape(-1, 5).T
    return Scores(score, yhat, lower, upper)


def _fields(judged: list[Judged]) -> dict[str, Float]:
    pairs = [next((_named(j.lesson, model, f) for model, f in j.lesson.forecasts.items() if f), _NONE) for j in judged]
    yhat, forecast = np.array(pairs, np.float64).reshape(-1, 2).T
    return {"yhat": yhat, "forecast": forecast}


def _named(lesson: Lesson, model: str, forecasts: list[Forecast]) -> tuple[float, float]:
    return lesson.verdicts[model].yhat, forecasts[-1].yhat


def _forecasts(item: Windows, judged: list[Judged], plan: Plan) -> list[Rows]:
    made: dict[tuple[str, int], list[tuple[Waiting, Forecast]]] = {}
    for w, _, it in judged:
        for model, forecasts in it.forecasts.items():
            for forecast in forecasts:
                made.setdefault((model, forecast.horizon), []).append((w, forecast))
    return [_rows(item, model, horizon * plan.length, pairs) for (model, horizon), pairs in made.items()]


def _rows(item: Windows, model: str, distance: int, pairs: list[tuple[Waiting, Forecast]]) -> Rows:
    yhat, lower, upper = np.array([f[1:] for _, f in pairs], np.float64).T
    return Rows(
        "forecasts",
        item.series,
        np.array([w.slot for w, _ in pairs], np.int64),
        np.array([w.time + distance for w, _ in pairs], np.int64),
        {"algorithm": model, "horizon": f"{distance // SECOND}s"},
        {"yhat": yhat, "yhat_lower": lower, "yhat_upper": upper},
    )
