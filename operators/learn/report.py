"""What models say, as records: scores, forecasts, events."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import nan
from typing import NamedTuple, TypeVar

import numpy as np

from config.records import SECOND, Column, Event, Float, Rows, Scored, Scores, Windows
from operators.learn import crossing
from operators.learn.crossing import Crossing, Met
from operators.learn.distance import JUDGED, Accuracy, Forecast
from operators.learn.neighbours import Waiting
from operators.learn.plan import Plan
from operators.learn.subject import Lesson

_NONE = (nan, nan)
Told = TypeVar("Told", Forecast, Accuracy)


class Judged(NamedTuple):
    """A window, the place in the batch where it was judged, and what that brought; None where the series has no bounds."""

    window: Waiting
    position: int
    lesson: Lesson
    crossings: list[Crossing] | None = None


def report(item: Windows, judged: list[Judged], plan: Plan) -> list[Scored | Rows]:
    """Return scores of step ``models``, numbers of step ``breaches``, and rows; nothing where there is neither a window nor a silence.

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
    return [scored, *_crossed(item, judged, plan), *_forecasts(item, judged, plan), *_accuracy(item, judged, plan)]


def news(item: Windows, judged: list[Judged]) -> list[Event]:
    """Return events: one of a type for a window, naming all models or watches it concerns."""
    events = []
    for w, _, it, _ in judged:
        name = item.series.names[w.slot]
        if it.drift:
            tests = "; ".join(f"{model} ({', '.join(tests)})" for model, tests in it.drift.items())
            events.append(Event("drift", w.time, name, f"the error rose: {tests}", w.value))
        if drifts := [found for found in it.found if found.type == "value-drift"]:
            events.append(
                Event("value-drift", w.time, name, "; ".join(found.text for found in drifts), drifts[-1].value)
            )
        for found in it.found:
            if found.type == "change-point":
                events.append(Event("change-point", w.time, name, found.text, found.value))
            if found.type == "motif":
                events.append(Event("motif", w.time, name, found.text, found.value))
        if it.accepted:
            text = f"level {it.level:.6g} after {it.before:.6g} is the new normal for {', '.join(it.accepted)}"
            events.append(Event("new-normal", w.time, name, text, it.level))
        if it.reset:
            text = f"numbers ran away on windows of {item.step}: {', '.join(it.reset)}"
            events.append(Event("model-reset", w.time, name, text, w.value))
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
    said = ((j.window, model, f) for j in judged for model, found in j.lesson.forecasts.items() for f in found)
    out = []
    for (model, ahead), pairs in _together(said).items():
        distance = ahead * plan.length
        yhat, _, _, lower, upper = np.array([f[1:] for _, f in pairs], np.float64).T
        fields: dict[str, Column] = {"yhat": yhat, "yhat_lower": lower, "yhat_upper": upper}
        out.append(_rows("forecasts", item, pairs, distance, (model, distance), fields))
    return out


def _accuracy(item: Windows, judged: list[Judged], plan: Plan) -> list[Rows]:
    said = ((j.window, model, a) for j in judged for model, found in j.lesson.accuracy.items() for a in found)
    out = []
    for (model, ahead), pairs in _together(said).items():
        columns = np.array([a[1:] for _, a in pairs], np.float64).T
        fields: dict[str, Column] = dict(zip(Accuracy._fields[1:], columns, strict=True))
        fields["count"] = np.full(len(pairs), JUDGED, np.int64)
        out.append(_rows("forecast_errors", item, pairs, 0, (model, ahead * plan.length), fields))
    return out


def _together(said: Iterable[tuple[Waiting, str, Told]]) -> dict[tuple[str, int], list[tuple[Waiting, Told]]]:
    """Put what was said together by model and distance."""
    found: dict[tuple[str, int], list[tuple[Waiting, Told]]] = {}
    for w, model, it in said:
        found.setdefault((model, it.ahead), []).append((w, it))
    return found


def _rows(
    measurement: str,
    item: Windows,
    pairs: Sequence[tuple[Waiting, object]],
    later: int,
    of: tuple[str, int],
    fields: dict[str, Column],
) -> Rows:
    return Rows(
        measurement,
        item.series,
        np.array([w.slot for w, _ in pairs], np.int64),
        np.array([w.time + later for w, _ in pairs], np.int64),
        {"algorithm": of[0], "horizon": f"{of[1] // SECOND}s"},
        fields,
    )


def _crossed(item: Windows, judged: list[Judged], plan: Plan) -> list[Scored | Rows]:
    if not plan.bounds:
        return []
    met = [Met(j.window, j.position, j.crossings) for j in judged if j.crossings is not None]
    return [crossing.scored(item, met, plan.length), *crossing.rows(item, met, plan.length, "combination")]
