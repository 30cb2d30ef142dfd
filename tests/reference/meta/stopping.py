"""How R's metafor 3.8.1 stops its searches for tau2, rewritten here so that its numbers can be met exactly.

Our estimators solve the same equations to machine precision; metafor stops Fisher scoring once a step falls
below 1e-5 and root searches once the bracket falls below eps^0.25 = 1.22e-4.
"""

import math

import numpy as np

from eubiosis.evidence.synthesis import heterogeneity as het

UNIROOT = np.finfo(float).eps ** 0.25
THRESHOLD = 1e-5


def scoring(kind, length):
    """Return an estimator that iterates from the Hedges value with shortened steps down to the threshold."""

    def estimate(y, v, x):
        k, p_ = x.shape
        tau2, _ = het._he(y, v, x)
        change = math.inf
        while change > THRESHOLD:
            w = 1 / (v + tau2)
            p = het.projection(v, x, tau2)
            ypy, yppy = y @ p @ y, y @ p @ p @ y
            scores = {
                "ML": (yppy - w.sum()) / (w**2).sum(),
                "REML": (yppy - np.trace(p)) / (p * p).sum(),
                "EB": (ypy * k / (k - p_) - k) / w.sum(),
            }
            step = length * scores[kind]
            while tau2 + step < 0:
                step /= 2
            tau2, change = tau2 + step, abs(step)
        w = 1 / (v + tau2)
        p = het.projection(v, x, tau2)
        errors = {
            "ML": math.sqrt(2 / (w**2).sum()),
            "REML": math.sqrt(2 / (p * p).sum()),
            "EB": math.sqrt(2 * k**2 / (k - p_)) / w.sum(),
        }
        return tau2, errors[kind]

    return estimate


def solve_q(y, v, x, target):
    """Search the root of the generalised Q as coarsely as R's uniroot does, up to a limit as metafor's."""
    limit = max(100.0, 10 * np.var(y))

    def gap(tau2):
        return het.cochran_q(y, v, x, tau2) - target

    if gap(0.0) < 0:
        return 0.0
    if gap(limit) > 0:
        return limit
    return coarse_root(gap, 0.0, limit)


def coarse_root(f, a, b):
    """Find a root by Brent's method (1973), stopping when the next step is within half the tolerance."""
    fa, fb = f(a), f(b)
    c, fc = a, fa
    while True:
        previous = b - a
        if abs(fc) < abs(fb):
            a, b, c = b, c, b
            fa, fb, fc = fb, fc, fb
        smallest = 2 * np.finfo(float).eps * abs(b) + UNIROOT / 2
        step = (c - b) / 2
        if abs(step) <= smallest or fb == 0:
            return b
        if abs(previous) >= smallest and abs(fa) > abs(fb):
            width = c - b
            if a == c:
                ratio = fb / fa
                p, q = width * ratio, 1 - ratio
            else:
                q, t1, t2 = fa / fc, fb / fc, fb / fa
                p = t2 * (width * q * (q - t1) - (b - a) * (t1 - 1))
                q = (q - 1) * (t1 - 1) * (t2 - 1)
            p, q = (p, -q) if p > 0 else (-p, q)
            if p < 0.75 * width * q - abs(smallest * q) / 2 and p < abs(previous * q / 2):
                step = p / q
        if abs(step) < smallest:
            step = math.copysign(smallest, step)
        a, fa = b, fb
        b += step
        fb = f(b)
        if (fb > 0) == (fc > 0):
            c, fc = a, fa
