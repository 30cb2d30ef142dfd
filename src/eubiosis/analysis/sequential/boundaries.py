"""Group-sequential boundaries, alpha and beta spending, and what a design with interim looks costs.

Everything is on the scale of a Brownian motion: at information fraction t the statistic times the root
of t is normal with mean drift * t and variance t, so ``drift`` is the expected z value at full
information. Stopping probabilities come from the recursion of Armitage, McPherson and Rowe (1969, JRSS A
132:235), integrated by Gauss-Legendre quadrature. Boundaries are one-sided, for benefit, on the z scale.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np

from eubiosis.analysis.columns import Bools, Floats

Spending = Literal["LD-OBF", "LD-Pocock", "HSD", "KD"]
Rule = Literal["OF", "P", "WT", "HP", "LD-OBF", "LD-Pocock", "HSD", "KD"]
SPENDING: tuple[Spending, ...] = ("LD-OBF", "LD-Pocock", "HSD", "KD")
NODES = 256
REACH = 9.0  # standard deviations kept of each density


@dataclass(frozen=True)
class Boundaries:
    """The boundaries of a design, one entry per look.

    ``information`` are the fractions of the maximum; ``efficacy`` and ``futility`` z values, plus and
    minus infinity where a look does not test for it; ``nominal_p`` one-sided; ``alpha_spent`` cumulative
    under the null hypothesis. ``drift`` is the expected final z value at which the power is reached,
    ``inflation`` its square over that of a trial without interim looks.
    """

    information: tuple[float, ...]
    efficacy: tuple[float, ...]
    futility: tuple[float, ...]
    nominal_p: tuple[float, ...]
    alpha_spent: tuple[float, ...]
    alpha: float
    power: float
    drift: float
    inflation: float
    binding: bool


@dataclass(frozen=True)
class Stopping:
    """How a design behaves at one drift: probabilities per look, and expected information fraction."""

    efficacy: tuple[float, ...]
    futility: tuple[float, ...]
    expected_information: float

    @property
    def power(self) -> float:
        """Return the probability of stopping for efficacy at any look."""
        return float(sum(self.efficacy))


def spent(rule: Spending, fraction: float, total: float, parameter: float | None = None) -> float:
    """Return the error spent by an information fraction, out of ``total``.

    "LD-OBF" and "LD-Pocock" are the functions of Lan and DeMets (1983, Biometrika 70:659), "HSD" that of
    Hwang, Shih and DeCani (1990, Statistics in Medicine 9:1439; ``parameter`` gamma), "KD" the power
    function of Kim and DeMets (1987, Biometrika 74:149; ``parameter`` rho).

    >>> round(spent("KD", 0.5, 0.025, 2.0), 5)
    0.00625
    """
    from scipy.stats import norm

    t = min(max(fraction, 0.0), 1.0)
    if t == 0.0:
        return 0.0
    if rule == "LD-OBF":
        return float(2 * norm.sf(norm.isf(total / 2) / math.sqrt(t)))
    if rule == "LD-Pocock":
        return total * math.log(1 + (math.e - 1) * t)
    if parameter is None:
        message = f'spending function "{rule}" needs its parameter'
        raise ValueError(message)
    if rule == "KD":
        return float(total * t**parameter)
    if parameter == 0:
        return total * t
    return total * (1 - math.exp(-parameter * t)) / (1 - math.exp(-parameter))


def boundaries(
    information: Sequence[float],
    *,
    rule: Rule = "LD-OBF",
    parameter: float | None = None,
    alpha: float = 0.025,
    power: float = 0.8,
    futility: Spending | None = None,
    futility_parameter: float | None = None,
    binding: bool = False,
    efficacy_looks: Sequence[bool] | None = None,
    futility_looks: Sequence[bool] | None = None,
    planned: float | None = None,
) -> Boundaries:
    """Compute the boundaries of a group-sequential design.

    ``information`` are increasing statistical information values; they are divided by ``planned`` (the
    last one when absent) for the spending functions, and the last look always spends what is left: so
    boundaries can be recomputed at the information observed. ``rule`` "OF" (O'Brien and Fleming 1979),
    "P" (Pocock 1977), "WT" (Wang and Tsiatis 1987, ``parameter`` delta), "HP" (z of 3 at every interim
    look) or a spending function. ``futility`` spends 1 - power; when not ``binding`` the efficacy
    boundaries ignore it. The two masks say which looks test for what; the last tests for both. Invalid
    information, alpha or power raise ``ValueError``.

    >>> [round(z, 2) for z in boundaries([0.5, 1.0]).efficacy]
    [2.96, 1.97]
    """
    fractions, scale = _fractions(information, planned, alpha, power)
    looks = len(fractions)
    for_benefit = _mask(efficacy_looks, looks)
    for_futility = _mask(futility_looks, looks) if futility else ~np.ones(looks, dtype=bool)
    increments: Floats | None = None
    if rule in SPENDING:
        increments = _increments(rule, fractions * scale, alpha, parameter, for_benefit)
    losses = np.zeros(looks)
    if futility:
        losses = _increments(futility, fractions * scale, 1 - power, futility_parameter, for_futility)
    if increments is None and futility:
        message = (
            f'futility with rule "{rule}": allowed only with a spending function ({", ".join(SPENDING)})'
        )
        raise ValueError(message)
    if not futility:
        if increments is None:
            upper = _shape_bounds(rule, parameter, fractions, alpha)
        else:
            upper = _spend_upper(fractions, increments, np.full(looks, -np.inf))
        lower = np.append(np.full(looks - 1, -np.inf), upper[-1])
        drift = _drift_for_power(fractions, upper, lower, power)
    else:
        assert increments is not None
        upper, lower, drift = _with_futility(fractions, increments, losses, power, binding=binding)
    return _describe(fractions, upper, lower, alpha=alpha, power=power, drift=drift, binding=binding)


def stopping(design: Boundaries, drift: float) -> Stopping:
    """Return the stopping probabilities of a design when the expected final z value is ``drift``.

    >>> design = boundaries([0.5, 1.0])
    >>> round(sum(stopping(design, fixed_drift(0.025, 0.8)).efficacy), 2)
    0.8
    """
    fractions = np.asarray(design.information)
    up, down = _exits(fractions, np.asarray(design.efficacy), np.asarray(design.futility), drift)
    ends = up + down
    ends[-1] = 1.0 - float(np.sum(ends[:-1]))
    return Stopping(tuple(up.tolist()), tuple(down.tolist()), float(ends @ fractions))


def conditional_power(design: Boundaries, look: int, z: float, drift: float | None = None) -> float:
    """Return the probability of rejecting later, given ``z`` at interim ``look`` (counted from 0).

    The drift is that of the design unless another is given, e.g. the current trend z / sqrt(t).

    >>> 0 < conditional_power(boundaries([0.5, 1.0]), 0, 1.5) < 1
    True
    """
    t = design.information[look]
    later = np.asarray(design.information[look + 1 :]) - t
    theta = design.drift if drift is None else drift
    remaining = np.asarray(design.information[look + 1 :])
    position = z * math.sqrt(t)
    # the increments after the look are a Brownian motion from zero; bounds move by the position reached
    upper = (np.asarray(design.efficacy[look + 1 :]) * np.sqrt(remaining) - position) / np.sqrt(later)
    lower = (np.asarray(design.futility[look + 1 :]) * np.sqrt(remaining) - position) / np.sqrt(later)
    up, _ = _exits(later, upper, lower, theta)
    return float(np.sum(up))


def fixed_drift(alpha: float, power: float) -> float:
    """Return the expected z value that gives the power without interim looks: z_alpha + z_beta."""
    from scipy.stats import norm

    return float(norm.isf(alpha) + norm.ppf(power))


def _describe(
    fractions: Floats,
    upper: Floats,
    lower: Floats,
    *,
    alpha: float,
    power: float,
    drift: float,
    binding: bool,
) -> Boundaries:
    from scipy.stats import norm

    ignored = lower if binding else np.full(len(lower), -np.inf)
    up, _ = _exits(fractions, upper, ignored, 0.0)
    return Boundaries(
        tuple(fractions.tolist()),
        tuple(upper.tolist()),
        tuple(lower.tolist()),
        tuple(norm.sf(upper).tolist()),
        tuple(np.cumsum(up).tolist()),
        alpha,
        power,
        drift,
        (drift / fixed_drift(alpha, power)) ** 2,
        binding,
    )


def _fractions(
    information: Sequence[float], planned: float | None, alpha: float, power: float
) -> tuple[Floats, float]:
    values = np.asarray(information, dtype=np.float64)
    if len(values) == 0 or np.any(values <= 0) or np.any(np.diff(values) <= 0):
        message = f"information {list(information)}; allowed: one or more increasing positive values"
        raise ValueError(message)
    if not 0 < alpha < 0.5 or not alpha < power < 1:
        message = f"alpha {alpha}, power {power}; allowed: 0 < alpha < 0.5 and alpha < power < 1"
        raise ValueError(message)
    return values / values[-1], float(values[-1]) / (float(values[-1]) if planned is None else planned)


def _mask(looks: Sequence[bool] | None, count: int) -> Bools:
    mask: Bools = np.ones(count, dtype=bool) if looks is None else np.asarray(looks, dtype=bool)
    if len(mask) != count or not mask[-1]:
        message = f"{len(mask)} marks for {count} looks, or a last look without a test"
        raise ValueError(message)
    return mask


def _increments(
    rule: Spending, fractions: Floats, total: float, parameter: float | None, tested: Bools
) -> Floats:
    """Return the error to spend at each look; looks that do not test spend nothing."""
    cumulative, last = np.zeros(len(fractions)), 0.0
    for k, t in enumerate(fractions):
        if k == len(fractions) - 1:
            last = total
        elif tested[k]:
            last = spent(rule, float(t), total, parameter)
        cumulative[k] = last
    return np.diff(cumulative, prepend=0.0)


def _shape_bounds(rule: Rule, parameter: float | None, fractions: Floats, alpha: float) -> Floats:
    """Return boundaries of a fixed shape whose level is found so that alpha is used exactly."""
    from scipy.optimize import brentq

    if rule == "WT" and parameter is None:
        message = 'rule "WT" needs its parameter delta'
        raise ValueError(message)
    powers = {"OF": -0.5, "P": 0.0, "WT": (parameter or 0.0) - 0.5}

    def shape(level: float) -> Floats:
        if rule == "HP":
            return np.append(np.full(len(fractions) - 1, 3.0), level)
        return np.asarray(level * fractions ** powers[rule], dtype=np.float64)

    none = np.full(len(fractions), -np.inf)
    level = brentq(
        lambda c: float(np.sum(_exits(fractions, shape(c), none, 0.0)[0])) - alpha, 0.5, 9.0, xtol=1e-12
    )
    return shape(float(level))


@lru_cache(maxsize=4)
def _rule_nodes(count: int) -> tuple[Floats, Floats]:
    nodes, weights = np.polynomial.legendre.leggauss(count)
    return np.asarray(nodes, dtype=np.float64), np.asarray(weights, dtype=np.float64)


class _Path:
    """The density of a Brownian motion with drift among the paths that have not stopped."""

    def __init__(self, drift: float) -> None:
        self.drift = drift
        self.time = 0.0
        self.points = np.zeros(1)
        self.mass = np.ones(1)  # density times quadrature weight at each point

    def above(self, z: float, time: float) -> float:
        """Return the probability of exceeding ``z`` at ``time``."""
        from scipy.special import ndtr

        if z == np.inf:
            return 0.0
        step = time - self.time
        away = (z * math.sqrt(time) - self.points - self.drift * step) / math.sqrt(step)
        return float(self.mass @ ndtr(-away))

    def below(self, z: float, time: float) -> float:
        """Return the probability of falling below ``z`` at ``time``."""
        from scipy.special import ndtr

        if z == -np.inf:
            return 0.0
        step = time - self.time
        away = (z * math.sqrt(time) - self.points - self.drift * step) / math.sqrt(step)
        return float(self.mass @ ndtr(away))

    def advance(self, low: float, high: float, time: float) -> None:
        """Keep the paths between two z values at ``time``."""
        step, root = time - self.time, math.sqrt(time)
        centre = self.drift * time
        start = max(low * root, centre - REACH * root)
        end = max(min(high * root, centre + REACH * root), start)
        nodes, weights = _rule_nodes(NODES)
        points = start + (nodes + 1) * (end - start) / 2
        away = (points[:, None] - self.points[None, :] - self.drift * step) / math.sqrt(step)
        density = np.exp(-0.5 * away**2) @ self.mass / math.sqrt(2 * math.pi * step)
        self.points, self.mass, self.time = points, density * weights * (end - start) / 2, time


def _exits(fractions: Floats, upper: Floats, lower: Floats, drift: float) -> tuple[Floats, Floats]:
    """Return the probabilities of leaving upwards and downwards at each look."""
    path = _Path(drift)
    up, down = np.zeros(len(fractions)), np.zeros(len(fractions))
    for k, time in enumerate(fractions.tolist()):
        up[k] = path.above(float(upper[k]), time)
        down[k] = path.below(float(lower[k]), time)
        if k < len(fractions) - 1:
            path.advance(float(lower[k]), float(upper[k]), time)
    return up, down


def _solve_above(path: _Path, time: float, probability: float) -> float:
    if path.above(-30.0, time) <= probability:  # more to spend than paths that are left
        return -30.0
    return _root_of(lambda z: path.above(z, time) - probability, probability)


def _solve_below(path: _Path, time: float, probability: float) -> float:
    if path.below(30.0, time) <= probability:  # more to spend than paths that are left
        return 30.0
    return -_root_of(lambda z: path.below(-z, time) - probability, probability)


def _root_of(excess: Callable[[float], float], probability: float) -> float:
    """Find the z value whose tail has the given probability; infinite when there is none to spend."""
    from scipy.optimize import brentq

    if probability <= 1e-14:
        return math.inf
    return float(brentq(excess, -30.0, 30.0, xtol=1e-12))


def _spend_upper(fractions: Floats, increments: Floats, lower: Floats) -> Floats:
    path, upper = _Path(0.0), np.full(len(fractions), np.inf)
    for k, time in enumerate(fractions.tolist()):
        upper[k] = _solve_above(path, time, float(increments[k]))
        if k < len(fractions) - 1:
            path.advance(float(lower[k]), float(upper[k]), time)
    return upper


def _drift_for_power(fractions: Floats, upper: Floats, lower: Floats, power: float) -> float:
    from scipy.optimize import brentq

    return float(
        brentq(lambda d: float(np.sum(_exits(fractions, upper, lower, d)[0])) - power, 0.0, 12.0, xtol=1e-12)
    )


def _with_futility(
    fractions: Floats, increments: Floats, losses: Floats, power: float, *, binding: bool
) -> tuple[Floats, Floats, float]:
    """Find both boundaries and the drift at which they meet at the last look."""
    from scipy.optimize import brentq

    looks = len(fractions)
    free = None if binding else _spend_upper(fractions, increments, np.full(looks, -np.inf))

    def build(drift: float) -> tuple[Floats, Floats]:
        null, alternative = _Path(0.0), _Path(drift)
        upper, lower = np.full(looks, np.inf), np.full(looks, -np.inf)
        for k, time in enumerate(fractions.tolist()):
            lower[k] = _solve_below(alternative, time, float(losses[k]))
            upper[k] = free[k] if free is not None else _solve_above(null, time, float(increments[k]))
            if k < looks - 1:
                lower[k] = min(lower[k], upper[k])
                alternative.advance(float(lower[k]), float(upper[k]), time)
                null.advance(float(lower[k]), float(upper[k]), time)
        return upper, lower

    def gap(drift: float) -> float:
        upper, lower = build(drift)
        return float(lower[-1] - upper[-1])

    start = fixed_drift(float(np.sum(increments)), power)
    drift = float(brentq(gap, 0.9 * start, 1.8 * start, xtol=1e-12))
    upper, lower = build(drift)
    lower[-1] = upper[-1]
    return upper, lower, drift
