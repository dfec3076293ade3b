"""Ridge regression that forgets: sums of products, from which coefficients are solved when they are asked for.

An update costs half of k² products.  Recursive least squares costs three times as much and loses its balance when it forgets
for long while nothing happens; the sums cannot.
"""

from __future__ import annotations

from math import inf, sqrt

from config.records import Float, Int
from operators.kernel import kernel

NOTHING = 1e-12  # share of a feature's own sum of squares below which what others leave of it is rounding


@kernel
def features(past: Float, at: int, lags: Int, d: int, into: Float) -> None:
    """Write what the value at `at` is regressed on: values (`d` = 0), or differences over `d`, at the lags; then 1."""
    k = len(into) - 1
    for i in range(k):
        j = at - lags[i]
        into[i] = past[j] - past[j - d] if d else past[j]
    into[k] = 1.0


@kernel
def dot(a: Float, b: Float) -> float:
    """Return the sum of products over the length of `b`."""
    total = 0.0
    for i in range(len(b)):
        total += a[i] * b[i]
    return total


@kernel
def gather(gram: Float, moment: Float, v: Float, y: float, weight: float, keep: float) -> None:
    """Add one observation to the sums, of which a share `keep` stays; of `gram` only the upper triangle is used."""
    for i in range(len(v)):
        vi = weight * v[i]
        moment[i] = keep * moment[i] + vi * y
        for j in range(i, len(v)):
            gram[i, j] = keep * gram[i, j] + vi * v[j]


@kernel
def solve(gram: Float, moment: Float, root: Float, into: Float) -> None:
    """Write the coefficients, drawn to 0 as by one more observation of each feature of mean variance; the constant is free.

    Parameters
    ----------
    gram, moment
        Shapes (k, k) and (k,): sums of products of the features, the last of which is 1, with each other and with what is sought.
    root
        Shape (k, k) or larger: scratch, the Cholesky factor.
    into
        Shape (k,).

    References
    ----------
    .. [1] Hoerl, Kennard (1970), "Ridge regression: biased estimation for nonorthogonal problems", Technometrics 12(1),
       doi:10.1080/00401706.1970.10488634.
    """
    n = len(moment)
    count = gram[n - 1, n - 1]
    variance = 0.0
    for i in range(n - 1):
        variance += max(gram[i, i] - gram[i, n - 1] * gram[i, n - 1] / count, 0.0) / (count * (n - 1))
    for j in range(n):
        for i in range(j, n):
            left = gram[j, i] + (variance if i == j < n - 1 else 0.0)
            for k in range(j):
                left -= root[i, k] * root[j, k]
            if i == j:
                root[j, j] = (
                    sqrt(left) if left > NOTHING * gram[j, j] else inf
                )  # says nothing of its own: coefficient 0
            else:
                root[i, j] = left / root[j, j]
    for i in range(n):
        left = moment[i]
        for k in range(i):
            left -= root[i, k] * into[k]
        into[i] = left / root[i, i]
    for i in range(n - 1, -1, -1):
        left = into[i]
        for k in range(i + 1, n):
            left -= root[k, i] * into[k]
        into[i] = left / root[i, i]
