"""The ensemble again, written for reading: whole history, no ring, no order, no shortcuts; nothing but lists."""

from __future__ import annotations

import numpy as np

OWN = 1.9


class Tail:
    """Fading counts of surprises by quarter octaves, and the generalised Pareto tail beyond a quantile of them."""

    def __init__(self, memory=4000, share=0.1, excesses=400, heaviest=0.45):
        self.memory, self.share, self.excesses, self.heaviest = memory, share, excesses, heaviest
        self.bins = {}

    def parts(self, excesses):
        total = sum(self.bins.values())
        wanted = total * min(max(excesses / total, self.share), 0.5)
        u, median = self.edge(wanted), self.floor(0.5 * total)
        tail = [
            (weight, 0.5 * (2 ** (k / 4) + 2 ** ((k + 1) / 4)) - u)
            for k, weight in self.bins.items()
            if k > -np.inf and 2 ** (k / 4) >= u
        ]
        above = sum(w for w, _ in tail)
        mean = sum(w * e for w, e in tail) / above if above else 0.0
        return u, median, above, mean, sum(w * e * e for w, e in tail) / above - mean**2 if above else 0.0

    def rarity(self, a):
        if not self.bins:
            return 0.0
        u, median, _, mean, var = self.parts(self.excesses)
        shape = min(max(0.5 * (1 - mean**2 / var), 0), self.heaviest) if var > 0 else 0.0
        scale = (mean + 0.05 * max(u - median, 0) + 0.05 * u) * (1 - shape)
        far = max(a - u, 0) / max(scale, 1e-100)
        return (far if shape < 0.01 else np.log(1 + shape * far) / shape) / np.log(10)

    def far(self, a, least):
        """Decimal places of the share of all that lies beyond `a`; None where that is less than the tail."""
        u, median, above, mean, var = self.parts(100)
        shape = 0.5 * (1 - mean**2 / var) if var > 0 else 0.0
        shape = min(max((above * shape + 50 * 0.1) / (above + 50), -0.1), self.heaviest)
        scale = max((mean + 0.05 * max(u - median, 0) + 0.05 * u) * (1 - shape), least, 1e-100)
        if a <= u:
            return None
        far = (a - u) / scale
        end = 1 + shape * far <= 0  # no excess is so large
        rare = 15.0 if end else (far if abs(shape) < 0.01 else np.log(1 + shape * far) / shape) / np.log(10)
        rare = min(rare, 15.0)
        return rare - np.log10(max(above, 1) / sum(self.bins.values()))

    def holding(self, wanted):
        """The bin in which the sum from above reaches what is wanted."""
        seen = 0.0
        for k in sorted(self.bins, reverse=True):
            seen += self.bins[k]
            if seen >= wanted:
                return k
        return -np.inf

    def edge(self, wanted):
        return 2 ** ((self.holding(wanted) + 1) / 4)

    def floor(self, wanted):
        return 2 ** (self.holding(wanted) / 4)

    def learn(self, a):
        self.bins = {k: w * (1 - 1 / self.memory) for k, w in self.bins.items()}
        k = np.floor(4 * np.log2(a)) if a > 1e-100 else -np.inf
        self.bins[k] = self.bins.get(k, 0.0) + 1.0


class Season:
    """What is usual at an hour of the day, and at an hour of the week."""

    def __init__(self, weight=0.15):
        self.weight, self.usual, self.seen = weight, {}, {}

    def look(self, t, level):
        day, week = self.cells(t)
        usual = self.usual.get(day, level)
        return usual, 0.5 * (usual + self.usual[week]) if week in self.usual else usual

    def learn(self, t, y):
        for cell in self.cells(t):
            n = self.seen.get(cell, 0)
            self.usual[cell] = self.usual.get(cell, 0.0) + max(self.weight, 1 / (n + 1)) * (
                y - self.usual.get(cell, 0.0)
            )
            self.seen[cell] = n + 1

    def cells(self, t):
        return ("day", t // 3600 % 24), ("week", t // 3600 % 168)


class Single:
    """What each of eight kinds of change says alone, by a past that is counted thirty readings late."""

    LENGTH = (1, 1, 1, 12, 10, 3, 40, 10)
    LEAST = (0, 0, 0, 0, 0, 1, 0.1, 0.125)

    def __init__(self):
        self.y, self.fading, self.said, self.stands = [], {}, [], 0
        self.tails = [Tail() for _ in self.LENGTH]

    def fade(self, name, new, length):
        n, old = len(self.y), self.fading.get(name, 0.0)
        self.fading[name] = old + max(1 / length, 1 / (n + 1)) * (new - old)
        return self.fading[name]

    def surprises(self, y, level):
        error = abs(y - self.fading.get("4", 0.0))
        step = abs(y - (self.y[-1] if self.y else 0.0))
        four, eight, sixteen, hour = (self.fade(str(m), y, m) for m in (4, 8, 16, 64))
        lively = self.fade("lively", error, 8)
        self.stands = self.stands + 1 if self.y and step == 0 else 0
        swing = abs(four - 1.25 * sixteen + 0.25 * hour)
        now, usual = self.fade("swing", swing, 40), self.fade("usual", swing, 1000)
        calm = max(np.log(usual / max(now, 1e-12 * usual)), 0) if usual > 0 else 0.0
        usual = self.fade("errors", error, 1000)
        hush = max(np.log(usual / max(lively, 1e-12 * usual)), 0) if usual > 0 else 0.0
        return [error, abs(y - level), step, abs(eight - hour), lively, self.stands, calm, hush]

    def rarest(self, said, worthy):
        best = 0.0
        still = max(s[5] for s in [said, *self.said[-30:]]) > 0
        for k, (a, tail) in enumerate(zip(said, self.tails, strict=True)):
            if still and k > 5:
                continue
            if sum(tail.bins.values()) < 100 or a <= 0 or a < np.float32(max(s[k] for s in self.said[-30:])):
                continue
            rare = tail.far(a, self.LEAST[k])
            if rare is not None:
                rare += np.log10(self.LENGTH[k])
                best = max(best, rare if k >= 5 else rare * min(1, a / worthy))
        return best

    def learn(self, y, said):
        n = len(self.y)
        for k, tail in enumerate(self.tails):
            if n - 30 >= 3 * self.LENGTH[k]:
                tail.learn(np.float32(self.said[n - 30][k]))
        self.y.append(y)
        self.said.append(said)


def nearest(past, vector, columns):
    usable = past[max(0, len(past) - 2004) : max(0, len(past) - 4)]
    if not usable:
        return 0.0
    return float(np.sqrt(np.min(np.sum((np.array(usable)[:, columns] - vector[columns]) ** 2, axis=1))))


def ensemble(t, x, warmup=100, weight=0.2, effect=0.02):
    """Scores before anything is held back as no news."""
    out, y, rests, vectors, excess, peak = [], [], [], [], 0.217, 0.0
    alone = Single()
    tails, season, level, last, surprise, low, high = [Tail() for _ in range(6)], Season(), 0.0, 0.0, 0.0, 0.0, 0.0
    for at, value in zip(t, np.asarray(x) - x[0], strict=True):
        day, week = season.look(at, level)
        y.append(value)
        rests.append(value - week)
        lasting = 0.5 * np.mean(rests[-20:])
        vector = np.array([value, np.mean(y[-40:]), np.std(y[-40:]), value - day, 0.5 * (value - week), lasting])
        novel = [nearest(vectors, vector, c) for c in ([0, 1, 2], [0, 1, 2, 3], [0, 1, 2, 4, 5])]
        surprises = [abs(value - week), abs(value - level), *novel, abs(value - last)]
        said = alone.surprises(value, level)
        span = max(high, value) - min(low, value)
        z = means = 0.0
        if len(y) > warmup:
            rares = np.array([min(tail.rarity(a), 15) for tail, a in zip(tails, surprises, strict=True)])
            rare = np.mean(rares[[1, 2, 5]] if 86400 <= at - t[0] < 2 * 86400 else rares)
            worth = min(1.0, novel[2] / (span + 1e-100) / effect)
            means = surprise + weight * (worth * rare - surprise)
            total = sum(tails[0].bins.values())
            z = max(means, 0.15 * worth * rares[5]) * total / (total + 50)
        places = 2.7 * min(1.0, z / 0.2) + max(z - 0.2, 0) / (excess * np.log(10))
        if len(y) > warmup:
            own = min(alone.rarest(said, effect * span) - OWN, 3.4 + (1.02 * 1.61 * -np.log10(4e-4) - 3.4) / 0.8)
            places = own if own > max(places, 5.6) else places
            places -= 0.2 * max(places - 3.4, 0)
            places -= 0.95 * max(places - 2.2 * np.log10(len(y)), 0)
        if z <= 0.2 and peak > 0:
            excess += (min(peak, 0.6) - excess) / 50
        peak = max(peak, z - 0.2) if z > 0.2 else 0.0
        out.append(places / -np.log10(4e-4) if len(y) > warmup else np.nan)
        alone.learn(value, said)
        inwards = (high - low) / 8000
        low, high, last, surprise = min(low + inwards, value), max(high - inwards, value), value, means
        season.learn(at, value)
        level += 0.02 * (value - level)
        vectors.append(vector)
        for tail, a in zip(tails, surprises, strict=True):
            tail.learn(a)
    return out
