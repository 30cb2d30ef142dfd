"""Plans for stool endpoints: one log ratio, a whole community by PERMANOVA, engraftment.

A person's level has a variance between people, one between periods of a person, and one between samples of
a period. Samples of a visit average only the last of them: past some point people help and samples do not.
"""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np

from eubiosis.analysis.columns import Floats
from eubiosis.analysis.planning.bounds import (
    Values,
    Whole,
    any_number,
    number_from,
    positive_number,
    share,
)
from eubiosis.analysis.planning.laws import t_power
from eubiosis.analysis.planning.plans import Plan, batches, two_arms
from eubiosis.analysis.planning.scores import ancova_statistics
from eubiosis.core.findings import FindingCollector
from eubiosis.core.laws import normal_point

Adjustment = Literal["ancova", "change", "follow-up"]


class LogRatioPlan(Plan):
    """The log ratio of one guild (or the log of an acid) before and after, two arms.

    ``log_ratio`` is a difference of natural logarithms: log(2) is a doubling. Variances are in the same
    unit squared: ``between`` people, ``period`` of a person, ``sample`` of a period. ``response_sd`` is what
    treated people differ by in how they respond. ``analysis``: "ancova" on the mean of the baseline
    samples, "change" from it, or "follow-up" alone. ``tests`` guilds are tested: alpha is divided by it.

    >>> from eubiosis.analysis.planning.tables import size
    >>> plan = LogRatioPlan(log_ratio=0.7, between=2.7, period=0.14, sample=0.92)
    >>> size(plan).n_control
    60
    """

    endpoint: ClassVar[str] = "log ratio"

    log_ratio: float = any_number("Effect as a difference of natural logarithms", "1")
    between: float = number_from("Variance between people", "1", 0.0)
    period: float = number_from("Variance between periods of a person", "1", 0.0)
    sample: float = number_from("Variance between samples of a period", "1", 0.0)
    baseline_samples: Whole = number_from("Samples of a person at baseline", "samples", 1, 1.0)
    followup_samples: Whole = number_from("Samples of a person at follow-up", "samples", 1, 1.0)
    response_sd: float = number_from("SD of the response between treated people", "1", 0.0, 0.0)
    allocation: float = positive_number("Treated per control participant", "-", 1.0)
    lost: float = share("Share without an outcome", 0.0, zero=True)
    tests: Whole = number_from("Guilds that are tested", "tests", 1, 1.0)
    analysis: Adjustment = "ancova"

    @property
    def method(self) -> str:
        """Name the analysis."""
        words = {"ancova": "ANCOVA on baseline", "change": "t test of the change", "follow-up": "t test"}
        return f"{words[self.analysis]} of a mean log ratio"

    def check_together(self, at: Values, findings: FindingCollector) -> None:
        """Report variances that are all zero: nobody would need a trial."""
        if np.any((at["between"] + at["period"] + at["sample"]) == 0):
            findings.add("LogRatioPlan", "between", "every variance is 0", allowed="one or more above 0")

    def variances(self, at: Values) -> Values:
        """Return the variances of baseline and follow-up means, their covariance and the residual."""
        before = at["between"] + at["period"] + at["sample"] / at["baseline_samples"]
        after = at["between"] + at["period"] + at["sample"] / at["followup_samples"]
        if self.analysis == "ancova":
            left = after - at["between"] ** 2 / before
        elif self.analysis == "change":
            left = before + after - 2 * at["between"]
        else:
            left = after
        return {"before": before, "after": after, "left": np.maximum(left, 1e-12)}

    def constants(self, at: Values) -> Values:
        """Return the shift per root of the control arm analysed."""
        w, left = at["allocation"], self.variances(at)["left"]
        error = left + (left + at["response_sd"] ** 2) / w
        return {
            "shift": np.abs(at["log_ratio"]) / np.sqrt(error), "kept": 1 - at["lost"], "allocation": w,
            "alpha": at["alpha"] / at["tests"],
            "covariates": np.full_like(w, 1.0 if self.analysis == "ancova" else 0.0),
        }  # fmt: skip

    def power_from(self, size: Floats, constants: Values) -> Floats:
        """Return the power at each number of control participants."""
        analysed = size * constants["kept"]
        freedom = analysed * (1 + constants["allocation"]) - 2 - constants["covariates"]
        # chance imbalance of a baseline takes one part in N - 2 of the information on average
        balance = 1 - constants["covariates"] / np.maximum(freedom + 1, 1.5)
        shift = constants["shift"] * np.sqrt(analysed * balance)
        return t_power(np.maximum(freedom, 0.5), shift, constants["alpha"])

    def simulate(self, size: int, trials: int, draw: np.random.Generator) -> Floats:
        """Simulate people, periods and samples and analyse the means."""
        arm = two_arms(size, self.allocation)
        statistic = np.empty(trials)
        for rows in batches(trials, len(arm)):
            shape = (len(rows), len(arm))
            person = np.sqrt(self.between) * draw.standard_normal(shape)
            means = [
                person + np.sqrt(self.period + self.sample / count) * draw.standard_normal(shape)
                for count in (self.baseline_samples, self.followup_samples)
            ]
            response = self.log_ratio + self.response_sd * draw.standard_normal(shape)
            outcome = means[1] + arm * response - (means[0] if self.analysis == "change" else 0.0)
            kept = (draw.random(shape) >= self.lost).astype(np.float64)
            covariate = means[0] if self.analysis == "ancova" else None
            statistic[rows] = ancova_statistics(outcome, arm, covariate, kept, 0.0)
        return -statistic if self.log_ratio < 0 else statistic


class DistancePlan(Plan):
    """A whole community by PERMANOVA: do the arms' centres lie apart?

    ``shift`` is the distance between the centres in the unit of the dissimilarity; variances are traces,
    i.e. expected half squared distances, ``between`` people, ``period`` and ``sample``. ``dimension`` is the
    effective number of axes, tr(S)^2 / tr(S^2): pseudo-F is then near an F law with that many degrees of
    freedom a group, which has the first two moments of both sums of squares. ``analysis`` compares changes
    from each person's own baseline or the follow-up samples alone.

    >>> from eubiosis.analysis.planning.tables import size
    >>> plan = DistancePlan(shift=1.2, between=21, period=1.8, sample=8.8, dimension=8.2)
    >>> size(plan).n_control
    55
    """

    endpoint: ClassVar[str] = "distance between arms"

    shift: float = number_from("Distance between the arms' centres", "of the dissimilarity", 0.0)
    between: float = number_from("Trace of the covariance between people", "squared", 0.0)
    period: float = number_from("Trace between periods of a person", "squared", 0.0)
    sample: float = number_from("Trace between samples of a period", "squared", 0.0)
    dimension: float = number_from("Effective number of axes", "axes", 1.0)
    baseline_samples: Whole = number_from("Samples of a person at baseline", "samples", 1, 1.0)
    followup_samples: Whole = number_from("Samples of a person at follow-up", "samples", 1, 1.0)
    allocation: float = positive_number("Treated per control participant", "-", 1.0)
    lost: float = share("Share without an outcome", 0.0, zero=True)
    analysis: Literal["change", "follow-up"] = "change"

    @property
    def method(self) -> str:
        """Name the analysis."""
        what = "changes" if self.analysis == "change" else "follow-up samples"
        return f"PERMANOVA of {what}, F law of the effective dimension"

    def check_together(self, at: Values, findings: FindingCollector) -> None:
        """Report a community that does not vary."""
        if np.any(self.trace(at) == 0):
            findings.add("DistancePlan", "sample", "the variance analysed is 0", allowed="above 0")

    def trace(self, at: Values) -> Floats:
        """Return the trace of the covariance of what is analysed."""
        after = at["period"] + at["sample"] / at["followup_samples"]
        if self.analysis == "change":
            return np.asarray(
                2 * at["period"] + at["sample"] * (1 / at["baseline_samples"] + 1 / at["followup_samples"])
            )
        return np.asarray(at["between"] + after)

    def explained(self, size: float) -> float:
        """Return the expected R squared of the arms at a size, as PERMANOVA prints it."""
        at = self.numbers()
        w, kept = self.allocation, size * (1 - self.lost)
        within = float(self.trace(at))
        apart = kept * w / (1 + w) * self.shift**2 + within
        return apart / (apart + within * (kept * (1 + w) - 2))

    def constants(self, at: Values) -> Values:
        """Return the noncentrality per control participant analysed."""
        w = at["allocation"]
        scale = self.trace(at) / at["dimension"]
        return {
            "noncentral": at["shift"] ** 2 / scale * w / (1 + w), "kept": 1 - at["lost"], "allocation": w,
            "dimension": at["dimension"], "alpha": at["alpha"],
        }  # fmt: skip

    def power_from(self, size: Floats, constants: Values) -> Floats:
        """Return the power; a PERMANOVA has no direction, so alpha is used whole."""
        from scipy.special import fdtrc, fdtri, ncfdtr

        axes = constants["dimension"]
        analysed = size * constants["kept"]
        freedom = np.maximum(analysed * (1 + constants["allocation"]) - 2, 0.5)
        critical = fdtri(axes, axes * freedom, 1 - constants["alpha"])
        shift = constants["noncentral"] * analysed
        certain = shift > 2000
        inside = np.where(certain, 0.0, shift)
        found = 1 - ncfdtr(axes, axes * freedom, inside, critical)
        # where the library's series fails: the central law with the first two moments
        equal = (axes + inside) ** 2 / (axes + 2 * inside)
        near = fdtrc(equal, axes * freedom, critical * axes / (axes + inside))
        found = np.where(np.isnan(found), near, found)
        return np.asarray(np.where(certain, 1.0, found), dtype=np.float64)

    def simulate(self, size: int, trials: int, draw: np.random.Generator) -> Floats:
        """Simulate communities on axes of falling variance and run a PERMANOVA with 499 permutations.

        The axes' variances fall geometrically so that their effective number is the one asked for; the
        shift points in a direction that people vary in.
        """
        arm = two_arms(size, self.allocation)
        spectrum = float(self.trace(self.numbers())) * axis_shares(self.dimension)
        statistic = np.empty(trials)
        for k in range(trials):
            kept = arm[draw.random(len(arm)) >= self.lost]
            points = np.sqrt(spectrum) * draw.standard_normal((len(kept), len(spectrum)))
            towards = np.sqrt(spectrum) * draw.standard_normal(len(spectrum))
            points += kept[:, None] * self.shift * towards / np.linalg.norm(towards)
            statistic[k] = _permanova_statistic(points, kept, draw)
        return statistic


def axis_shares(dimension: float) -> Floats:
    """Return shares of variance that fall geometrically and have this effective number of axes.

    >>> shares = axis_shares(8.0)
    >>> round(float(shares.sum() ** 2 / (shares**2).sum()), 2)
    8.0
    """
    if dimension <= 1.0:
        return np.ones(1)
    ratio = (dimension - 1) / (dimension + 1)
    count = int(np.ceil(np.log(1e-4) / np.log(ratio))) + 1
    shares = ratio ** np.arange(count)
    return np.asarray(shares / shares.sum(), dtype=np.float64)


def _permanova_statistic(
    points: Floats, arm: Floats, draw: np.random.Generator, permutations: int = 499
) -> float:
    """Return the normal value of the permutation p, one half of it so that alpha / 2 is alpha."""
    treated = float(arm.sum())
    if treated < 1 or treated > len(arm) - 1:
        return -np.inf
    centred = points - points.mean(axis=0)
    labels = np.vstack([arm[None], draw.permuted(np.tile(arm, (permutations, 1)), axis=1)])
    # between-arm sum of squares is monotone in pseudo-F, since the total does not change
    between = ((labels @ centred) ** 2).sum(axis=1)
    p = float(np.mean(between >= between[0] * (1 - 1e-12)))
    return float(normal_point(p / 2))


class EngraftmentPlan(Plan):
    """How often a given strain (or donor's strain) is found in stool, two arms, several samples a person.

    A sample finds it with ``treated_share`` or ``control_share``; ``correlation`` is that of two samples of
    one person (beta-binomial), so the mean over m samples has variance p (1 - p) (r + (1 - r) / m). The
    arms' mean shares are compared by a t test.

    >>> from eubiosis.analysis.planning.tables import size
    >>> size(EngraftmentPlan(control_share=0.05, treated_share=0.33, correlation=0.2)).n_control
    28
    """

    endpoint: ClassVar[str] = "engraftment"

    control_share: float = share("Share of samples with the strain, control", zero=True)
    treated_share: float = share("Share of samples with the strain, treated", one=True)
    correlation: float = share("Correlation of two samples of one person", zero=True, one=True)
    samples: Whole = number_from("Samples of a person", "samples", 1, 1.0)
    allocation: float = positive_number("Treated per control participant", "-", 1.0)
    lost: float = share("Share without an outcome", 0.0, zero=True)

    @property
    def method(self) -> str:
        """Name the analysis."""
        return "t test of each person's share of samples with the strain"

    def constants(self, at: Values) -> Values:
        """Return the shift per root of the control arm analysed."""
        w, r, m = at["allocation"], at["correlation"], at["samples"]
        control, treated = (
            p * (1 - p) * (r + (1 - r) / m) for p in (at["control_share"], at["treated_share"])
        )
        error = np.maximum(control + treated / w, 1e-12)
        gap = np.abs(at["treated_share"] - at["control_share"])
        return {
            "shift": gap / np.sqrt(error), "kept": 1 - at["lost"], "allocation": w, "alpha": at["alpha"]
        }  # fmt: skip

    def power_from(self, size: Floats, constants: Values) -> Floats:
        """Return the power at each number of control participants."""
        analysed = size * constants["kept"]
        freedom = np.maximum(analysed * (1 + constants["allocation"]) - 2, 0.5)
        return t_power(freedom, constants["shift"] * np.sqrt(analysed), constants["alpha"])

    def simulate(self, size: int, trials: int, draw: np.random.Generator) -> Floats:
        """Simulate beta-binomial findings and compare the arms' mean shares."""
        arm = two_arms(size, self.allocation)
        statistic = np.empty(trials)
        for rows in batches(trials, len(arm)):
            shape = (len(rows), len(arm))
            mean = np.where(arm > 0, self.treated_share, self.control_share) + np.zeros(shape)
            own = _personal_shares(mean, self.correlation, draw)
            found = draw.binomial(int(self.samples), own) / self.samples
            kept = (draw.random(shape) >= self.lost).astype(np.float64)
            statistic[rows] = ancova_statistics(found, arm, None, kept, 0.0)
        return -statistic if self.treated_share < self.control_share else statistic


def _personal_shares(mean: Floats, correlation: float, draw: np.random.Generator) -> Floats:
    """Draw each person's own share: the mean for everybody at 0, all or nothing at 1, beta between."""
    if correlation == 0:
        return mean
    if correlation == 1:
        return (draw.random(mean.shape) < mean).astype(np.float64)
    total = (1 - correlation) / correlation
    inside = (mean > 0) & (mean < 1)
    safe = np.where(inside, mean, 0.5)
    return np.where(inside, draw.beta(safe * total, (1 - safe) * total), mean)
