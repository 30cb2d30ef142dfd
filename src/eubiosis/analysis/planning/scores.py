"""Plans for scores and biomarkers at one visit: two arms, crossover, clusters."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np

from eubiosis.analysis.columns import Floats
from eubiosis.analysis.planning.bounds import (
    Values,
    any_number,
    inside_one,
    number_from,
    positive_number,
    share,
)
from eubiosis.analysis.planning.laws import gauss_nodes, round_sizes, smallest_size, t_power, tail_statistic
from eubiosis.analysis.planning.plans import Plan, batches, two_arms
from eubiosis.core.laws import normal_point, normal_sf, t_point

_NODES = 24
_REACH = 7.0  # standard deviations of the imbalance of the baseline that are integrated over


def _distance(effect: Floats, margin: Floats) -> Floats:
    """Return how far the effect lies from the null; without a margin the direction does not matter."""
    return np.asarray(np.where(margin == 0, np.abs(effect), effect - margin), dtype=np.float64)


class ScorePlan(Plan):
    """A score or biomarker at one visit, two arms, t test or ANCOVA on the baseline.

    ``effect`` and ``margin`` in units of ``sd``'s unit, benefit positive: a margin below zero is
    non-inferiority, above zero superiority by that much. ``baseline_correlation`` of zero is a t test.
    ``law`` "exact" averages over the chance imbalance of a normal baseline (Shieh 2020, Psychometrika
    85:101), "reduced SD" is the t test with the standard deviation times sqrt(1 - r^2). ``lost``
    participants have no outcome and are not analysed.

    >>> plan = ScorePlan(effect=0.3)
    >>> from eubiosis.analysis.planning.tables import size
    >>> size(plan).n_control
    176
    """

    endpoint: ClassVar[str] = "mean difference"

    effect: float = any_number("Difference in means, benefit positive", "of the SD's unit")
    sd: float = positive_number("Standard deviation of the outcome", "of the score", 1.0)
    baseline_correlation: float = inside_one("Correlation of baseline and outcome", 0.0)
    allocation: float = positive_number("Treated per control participant", "-", 1.0)
    lost: float = share("Share without an outcome", 0.0, zero=True)
    margin: float = any_number("Difference under the null hypothesis", "of the SD's unit", 0.0)
    law: Literal["exact", "reduced SD"] = "exact"

    @property
    def method(self) -> str:
        """Name the analysis."""
        return "t test" if self.baseline_correlation == 0 else f"ANCOVA, {self.law}"

    def constants(self, at: Values) -> Values:
        """Return the shift per root of the control arm analysed, allocation, loss and covariate."""
        r, w = at["baseline_correlation"], at["allocation"]
        unexplained = at["sd"] * np.sqrt(1 - r**2)
        shift = _distance(at["effect"], at["margin"]) / unexplained * np.sqrt(w / (1 + w))
        covariate = (r != 0) & (self.law == "exact")
        return {
            "shift": shift, "allocation": w, "kept": 1 - at["lost"], "covariate": covariate * 1.0,
            "alpha": at["alpha"],
        }  # fmt: skip

    def power_from(self, size: Floats, constants: Values) -> Floats:
        """Return the power at each number of control participants."""
        analysed = size * constants["kept"]
        total = analysed * (1 + constants["allocation"])
        shift = constants["shift"] * np.sqrt(analysed)
        plain = t_power(np.maximum(total - 2, 0.5), shift, constants["alpha"])
        exact = constants["covariate"] > 0
        if not np.any(exact):
            return plain
        plain, exact, total, shift, alpha = np.broadcast_arrays(
            plain, exact, total, shift, constants["alpha"]
        )
        answer = plain.copy()
        answer[exact] = _ancova_power(total[exact], shift[exact], alpha[exact])
        return answer

    def guess(self, target: Floats, constants: Values) -> Floats:
        """Return the size of the normal test."""
        points = normal_point(constants["alpha"] / 2) - normal_point(target)
        shift = constants["shift"]
        ratio = np.divide(points, shift, out=np.full(np.shape(points * shift), 1e4), where=shift > 0)
        return np.asarray((ratio**2 + 1) / constants["kept"], dtype=np.float64)

    def size_from(self, target: Floats, constants: Values) -> Floats:
        """Return the unrounded sizes; the exact law is searched from the answer of the plain one."""
        plain = {**constants, "covariate": np.zeros_like(constants["covariate"])}
        first = smallest_size(self.power_from, plain, target, self.least, self.guess(target, plain))
        if not np.any(constants["covariate"] > 0):
            return first
        return smallest_size(self.power_from, constants, target, self.least, first + 0.5)

    def simulate(self, size: int, trials: int, draw: np.random.Generator) -> Floats:
        """Simulate normal outcomes and baselines, lose some at random, and test the rest."""
        arm = two_arms(size, self.allocation)
        r = self.baseline_correlation
        statistic = np.empty(trials)
        for rows in batches(trials, len(arm)):
            baseline = draw.standard_normal((len(rows), len(arm)))
            noise = draw.standard_normal((len(rows), len(arm)))
            outcome = self.sd * (r * baseline + np.sqrt(1 - r**2) * noise) + self.effect * arm
            kept = (draw.random((len(rows), len(arm))) >= self.lost).astype(np.float64)
            covariate = baseline if r != 0 else None
            statistic[rows] = ancova_statistics(outcome, arm, covariate, kept, self.margin)
        return statistic if self.margin != 0 or self.effect >= 0 else -statistic


class CrossoverPlan(Plan):
    """A two-period, two-sequence crossover of a score, analysed with a period effect.

    ``correlation`` is that of two periods of one person. ``carry_over`` is the share of the effect that
    lasts into the next period: it makes the difference seen smaller by half of itself. A participant who
    misses a period is not analysed. The size counts all participants, half of them in each sequence.

    >>> from eubiosis.analysis.planning.tables import size
    >>> size(CrossoverPlan(effect=0.3, correlation=0.5)).n_total
    90
    """

    endpoint: ClassVar[str] = "mean difference"
    counted: ClassVar[str] = "participants"
    least: ClassVar[float] = 4.0

    effect: float = any_number("Difference in means, benefit positive", "of the SD's unit")
    sd: float = positive_number("Standard deviation between people in one period", "of the score", 1.0)
    correlation: float = inside_one("Correlation of two periods of one person")
    carry_over: float = share("Share of the effect that lasts into the next period", 0.0, zero=True)
    lost: float = share("Share without both periods", 0.0, zero=True)
    margin: float = any_number("Difference under the null hypothesis", "of the SD's unit", 0.0)

    @property
    def method(self) -> str:
        """Name the analysis."""
        return "crossover, t test with period effect"

    def constants(self, at: Values) -> Values:
        """Return the shift per root of the participants analysed, and the share of them."""
        seen = at["effect"] * (1 - at["carry_over"] / 2)
        spread = at["sd"] * np.sqrt(2 * (1 - at["correlation"]))
        shift = _distance(seen, at["margin"]) / spread
        return {"shift": shift, "kept": 1 - at["lost"], "alpha": at["alpha"]}

    def power_from(self, size: Floats, constants: Values) -> Floats:
        """Return the power at each number of participants."""
        analysed = size * constants["kept"]
        shift = constants["shift"] * np.sqrt(analysed)
        return t_power(np.maximum(analysed - 2, 0.5), shift, constants["alpha"])

    def people(self, size: Floats, at: Values) -> Floats:
        """Return the participants."""
        return np.asarray(size + 0 * at["effect"], dtype=np.float64)

    def simulate(self, size: int, trials: int, draw: np.random.Generator) -> Floats:
        """Simulate two periods of everybody and compare the sequences' period differences."""
        first = np.repeat([1.0, 0.0], [size - size // 2, size // 2])  # treated in the first period
        statistic = np.empty(trials)
        for rows in batches(trials, size):
            shape = (len(rows), size)
            person = draw.standard_normal(shape) * np.sqrt(np.abs(self.correlation))
            own = draw.standard_normal((2, *shape)) * np.sqrt(1 - np.abs(self.correlation))
            signs = (1.0, -1.0 if self.correlation < 0 else 1.0)
            periods = [self.sd * (sign * person + one) for sign, one in zip(signs, own, strict=True)]
            periods[0] = periods[0] + self.effect * first
            periods[1] = periods[1] + self.effect * (1 - first) + self.carry_over * self.effect * first
            kept = (draw.random(shape) >= self.lost).astype(np.float64)
            # half the difference of the sequences' mean period differences is the effect
            half = (periods[0] - periods[1]) / 2
            statistic[rows] = ancova_statistics(half, first, None, kept, self.margin)
        return statistic if self.margin != 0 or self.effect >= 0 else -statistic


class ClusterPlan(Plan):
    """A score in clusters (households, kitchens, sites) that are randomised whole; equal numbers an arm.

    The variance of an arm's mean is inflated by 1 + ((1 + CV^2) m - 1) ICC (Eldridge 2006, International
    Journal of Epidemiology 35:1292), and the t test has the degrees of freedom of the clusters. The size
    counts clusters of each arm.

    >>> from eubiosis.analysis.planning.tables import size
    >>> size(ClusterPlan(effect=0.3, cluster_size=10, icc=0.05)).n_control
    27
    """

    endpoint: ClassVar[str] = "mean difference"
    counted: ClassVar[str] = "clusters per arm"
    least: ClassVar[float] = 2.0

    effect: float = any_number("Difference in means, benefit positive", "of the SD's unit")
    cluster_size: float = number_from("Mean number of participants of a cluster", "people", 1.0)
    icc: float = share("Intraclass correlation", zero=True)
    sd: float = positive_number("Standard deviation of the outcome, all together", "of the score", 1.0)
    size_variation: float = number_from("Coefficient of variation of the cluster size", "-", 0.0, 0.0)
    lost: float = share("Share without an outcome", 0.0, zero=True)
    margin: float = any_number("Difference under the null hypothesis", "of the SD's unit", 0.0)

    @property
    def method(self) -> str:
        """Name the analysis."""
        return "t test of cluster means"

    def constants(self, at: Values) -> Values:
        """Return the shift per root of the clusters of an arm."""
        m = at["cluster_size"] * (1 - at["lost"])
        inflation = 1 + ((1 + at["size_variation"] ** 2) * m - 1) * at["icc"]
        spread = at["sd"] * np.sqrt(np.maximum(inflation, 1e-12) / m)
        return {
            "shift": _distance(at["effect"], at["margin"]) / spread / np.sqrt(2), "alpha": at["alpha"]
        }  # fmt: skip

    def power_from(self, size: Floats, constants: Values) -> Floats:
        """Return the power at each number of clusters per arm."""
        return t_power(2 * size - 2, constants["shift"] * np.sqrt(size), constants["alpha"])

    def people(self, size: Floats, at: Values) -> Floats:
        """Return the participants of both arms."""
        return round_sizes(2 * size * at["cluster_size"])

    def simulate(self, size: int, trials: int, draw: np.random.Generator) -> Floats:
        """Simulate clusters of varying size and compare the arms' cluster means, weighted by size."""
        shape = (trials, 2 * size)
        members = draw_cluster_sizes(self.cluster_size, self.size_variation, shape, draw)
        members = np.maximum(draw.binomial(members.astype(np.int64), 1 - self.lost), 1).astype(np.float64)
        arm = np.repeat([0.0, 1.0], size)
        means = self.sd * draw.standard_normal(shape) * np.sqrt(self.icc + (1 - self.icc) / members)
        statistic = weighted_t(means + self.effect * arm, members, size, self.margin)
        return statistic if self.margin != 0 or self.effect >= 0 else -statistic


def ancova_statistics(
    outcome: Floats, arm: Floats, covariate: Floats | None, kept: Floats, margin: float
) -> Floats:
    """Return one statistic per trial (trials,): t of the arm, turned into the normal value of its tail.

    ``outcome``, ``covariate`` and ``kept`` (0 or 1) are (trials, participants), ``arm`` (participants,).
    """
    weight = kept.sum(axis=1)
    outcome, treated = _centred(outcome, kept, weight), _centred(arm + 0 * outcome, kept, weight)
    freedom = weight - 2
    if covariate is not None:
        baseline = _centred(covariate, kept, weight)
        square = (baseline**2).sum(axis=1)
        outcome = outcome - ((outcome * baseline).sum(axis=1) / square)[:, None] * baseline
        treated = treated - ((treated * baseline).sum(axis=1) / square)[:, None] * baseline
        freedom = freedom - 1
    information = (treated**2).sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        effect = (outcome * treated).sum(axis=1) / information
        rest = ((outcome - effect[:, None] * treated) ** 2).sum(axis=1)
        t = (effect - margin) * np.sqrt(information * freedom / rest)
    usable = (freedom > 0) & np.isfinite(t)
    z = tail_statistic(np.where(usable, t, 0.0), np.where(usable, freedom, 1.0))
    return np.asarray(np.where(usable, z, -np.inf), dtype=np.float64)


def _ancova_power(total: Floats, shift: Floats, alpha: Floats) -> Floats:
    """Average the power over the chance imbalance of one normal baseline between two arms.

    The imbalance is a t variable with N - 2 degrees of freedom and takes the share t^2 / (N - 2 + t^2) of
    the information; N - 3 are left for the test.
    """
    nodes, weights = gauss_nodes(_NODES)
    points = _REACH * nodes
    density = 2 * weights * _REACH * np.exp(-0.5 * points**2) / np.sqrt(2 * np.pi)
    freedom = np.maximum(total - 2, 0.5)[:, None]
    imbalance = t_point(normal_sf(points)[None, :], freedom)
    left = freedom / (freedom + imbalance**2)
    test = np.maximum(total - 3, 0.5)[:, None]
    power = t_power(test, shift[:, None] * np.sqrt(left), alpha[:, None])
    return np.asarray(power @ density, dtype=np.float64)


def _centred(values: Floats, kept: Floats, weight: Floats) -> Floats:
    mean = (values * kept).sum(axis=1) / np.maximum(weight, 1)
    return np.asarray((values - mean[:, None]) * kept, dtype=np.float64)


def draw_cluster_sizes(
    mean: float, variation: float, shape: tuple[int, int], draw: np.random.Generator
) -> Floats:
    """Draw whole cluster sizes of one or more with about this mean and coefficient of variation."""
    if variation == 0:
        low = np.floor(mean)
        return np.asarray(low + (draw.random(shape) < mean - low), dtype=np.float64)
    scale = mean * variation**2
    return np.asarray(np.maximum(np.round(draw.gamma(1 / variation**2, scale, shape)), 1.0), dtype=np.float64)


def weighted_t(means: Floats, members: Floats, size: int, margin: float) -> Floats:
    """Return the normal value of Student's t of the arms' means over all members, spread between clusters."""
    arms = []
    for part in (slice(0, size), slice(size, None)):
        weight = members[:, part] / members[:, part].sum(axis=1, keepdims=True)
        mean = (means[:, part] * weight).sum(axis=1)
        error = (weight**2 * (means[:, part] - mean[:, None]) ** 2).sum(axis=1) * size / (size - 1)
        arms.append((mean, error))
    t = (arms[1][0] - arms[0][0] - margin) / np.sqrt(arms[0][1] + arms[1][1])
    return tail_statistic(t, 2.0 * size - 2)
