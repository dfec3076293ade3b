"""Recurring shapes again, from the whole history at every reading."""

import numpy as np

from operators.motif.shape import AGAIN, FADE, FAR, NEAR, NEW, PEAKED, REMEMBERED, SPAN, TEMPLATES, WAIT, WARM


def innovations(values):
    """Yield what the reading before does not tell of each, in deviations, and how many readings a stretch is worth."""
    mean = last = values[0]
    power = product = noise = echo = before = 0.0
    for n, x in enumerate(values):
        fade, d, b = max(FADE, 1 / (n + 1)), x - mean, last - mean
        e = d - (np.clip(product / power, 0, 1) if power > 0 else 0) * b
        if n > 10:
            d, b = np.clip([d, b], -NEAR * power**0.5, NEAR * power**0.5)
            e = np.clip(e, -FAR * noise**0.5, FAR * noise**0.5)
        mean, power, product = mean + fade * d, power + fade * (d * d - power), product + fade * (d * b - product)
        noise += fade * ((min(e * e, NEAR**2 * noise) if n > 10 else e * e) - noise)
        limit = NEAR * noise**0.5
        echo += fade * (np.clip(e, -limit, limit) * np.clip(before, -limit, limit) - echo)
        last, before = x, e
        share = (echo / noise) ** 2 if noise > 0 else 1
        yield np.float32(e / noise**0.5 if noise > 0 else 0), max(SPAN * (1 - share) / (1 + share) - 2, 0)


def shape(stretch):
    """Return a stretch standardised, None where a spike or two make it up."""
    u = np.asarray(stretch, float) - np.mean(stretch, dtype=float)
    power = np.mean(u**2)
    return None if power <= 1e-12 or np.mean(u**4) > PEAKED * power**2 else u / np.sqrt(power * SPAN)


def run(values):
    """Return (template, count, begin, since) of every meeting."""
    e, told, templates, ids, rest, best = [], [], [], 0, 0, None
    for now, (x, free) in enumerate(innovations(values)):
        e.append(x)
        if best and now - best[1] >= WAIT:
            _, when, found = best
            begin, best, rest = when - SPAN + 1, None, when + SPAN
            u = shape(e[begin : begin + SPAN])
            if isinstance(found, int):
                known = [t for t in templates if abs(t["met"] - found) < SPAN]
                if known:
                    known[0] |= {"shape": u.astype(np.float32), "met": found}
                else:
                    ids += 1
                    first = shape(e[found : found + SPAN]).astype(np.float32)
                    known = [{"id": ids, "count": 1, "met": found, "shape": first}]
                    templates = sorted(templates, key=lambda t: t["met"])[-TEMPLATES + 1 :] + known
                found = known[0]
            since = begin - found["met"]
            found |= {"count": found["count"] + 1, "met": begin}
            step = (u - found["shape"]) / min(found["count"], 8)
            found["shape"] = found["shape"] + step.astype(np.float32)
            told.append((found["id"], found["count"], begin, since))
        if now >= max(WARM, rest) and (u := shape(e[now - SPAN + 1 :])) is not None:
            surest = match(e, u, now, free, templates)
            if surest and (not best or surest[0] > best[0]):
                best = surest[0], now, surest[1]
    return told


def match(e, u, now, free, templates):
    """Return how far beyond its line the likest template or earlier stretch is, and which; None: none."""

    def beyond(r, line):
        return (8 * free + 1) / (8 * free + 3) * np.sqrt(-free * np.log1p(-(np.clip(r, 0, 0.999999) ** 2))) - line

    again = [(z, t) for t in templates if (z := beyond(u @ shape(t["shape"]), AGAIN)) >= 0]
    if again:
        return max(again, key=lambda it: it[0])
    old = range(max(now - REMEMBERED + 1 + WAIT, 0), now - 2 * SPAN + 2)
    past = [(u @ v, begin) for begin in old if (v := shape(e[begin : begin + SPAN])) is not None]
    r, begin = max(past, default=(0, 0), key=lambda it: it[0])
    return (z, begin) if (z := beyond(r, NEW)) >= 0 else None
