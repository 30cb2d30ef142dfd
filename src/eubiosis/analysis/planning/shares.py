"""Plans for shares of participants: responders by risk difference or ratio, and in clusters."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import ClassVar, Literal

import numpy as np

from eubiosis.analysis.columns import Floats
from eubiosis.analysis.planning.bounds import (
    Better,
    Values,
    inside_one,
    number_from,
    positive_number,
    share,
)
from eubiosis.analysis.planning.laws import round_sizes, t_power
from eubiosis.analysis.planning.plans import NormalPlan, Plan
from eubiosis.analysis.planning.scores import draw_cluster_sizes, weighted_t
from eubiosis.analysis.planning.sizes import round_up
from eubiosis.core.findings import FindingCollector

ShareTest = Literal["restricted", "unpooled"]
_INSIDE = 1e-12


class ResponderPlan(NormalPlan):
    """Base of the plans for a share of responders in two arms; use one of the two below."""

    endpoint: ClassVar[str] = "share of responders"

    control_share: float = share("Share of responders in the control arm")
    allocation: float = positive_number("Treated per control participant", "-", 1.0)
    lost: float = share("Share without an outcome", 0.0, zero=True)
    test: ShareTest = "restricted"
    better: Better = "higher"

    @abstractmethod
    def treated_share(self, at: Values) -> Floats:
        """Return the share of responders in the treated arm."""

    @abstractmethod
    def weights(self, at: Values) -> tuple[Floats, Floats]:
        """Return the factor of the control share and the constant that the null subtracts."""

    def check_together(self, at: Values, findings: FindingCollector) -> None:
        """Report an effect that puts the treated share outside 0 to 1."""
        treated = self.treated_share(at)
        for value in np.unique(treated[(treated <= 0) | (treated >= 1)])[:3].tolist():
            findings.add(
                type(self).__name__, "control_share", f"the treated arm's share would be {value:g}",
                allowed="between 0 and 1, ends excluded", next_step="make the effect or the share smaller",
            )  # fmt: skip

    def constants(self, at: Values) -> Values:
        """Return distance and variances for one control participant randomised."""
        control, treated, w = at["control_share"], self.treated_share(at), at["allocation"]
        factor, shift = self.weights(at)
        raw = treated - factor * control - shift
        plain = self.without_margin(at)
        signed = raw if self.better == "higher" else -raw
        distance = np.where(plain, np.abs(raw), signed)
        kept = 1 - at["lost"]
        spread = (factor**2 * control * (1 - control) + treated * (1 - treated) / w) / kept
        null = spread
        if self.test == "restricted":
            zero, one = restricted_shares(control, treated, w, factor, shift)
            null = (factor**2 * zero * (1 - zero) + one * (1 - one) / w) / kept
        return {"distance": distance, "null": null, "spread": spread, "alpha": at["alpha"]}

    def simulate(self, size: int, trials: int, draw: np.random.Generator) -> Floats:
        """Simulate responders and test with the variance of the observed shares under the null."""
        sizes = [size, round_up(self.allocation * size)]
        people = [draw.binomial(n, 1 - self.lost, trials) for n in sizes]
        shares = (self.control_share, float(self.treated_share(self.numbers())))
        events = [draw.binomial(n, p).astype(np.float64) for n, p in zip(people, shares, strict=True)]
        return share_statistics(self, events, [n.astype(np.float64) for n in people])

    def without_margin(self, at: Values) -> Floats:
        """Say where the null is no effect, so that the direction does not matter."""
        factor, shift = self.weights(at)
        return np.asarray((factor == 1) & (shift == 0))


class RiskDifferencePlan(ResponderPlan):
    """The share of responders in two arms, as a risk difference.

    ``margin`` is the difference under the null: below zero non-inferiority where more responders are
    ``better``. The null variance is that of the restricted maximum likelihood of Farrington and Manning
    (1990), which without a margin is the pooled share. ``lost``
    participants are not analysed.

    >>> from eubiosis.analysis.planning.tables import size
    >>> size(RiskDifferencePlan(control_share=0.3, difference=0.2)).n_control
    93
    """

    difference: float = inside_one("Treated minus control share of responders")
    margin: float = inside_one("Difference under the null hypothesis", 0.0)

    @property
    def method(self) -> str:
        """Name the analysis."""
        return f"normal test of a risk difference, {self.test} variance"

    def treated_share(self, at: Values) -> Floats:
        """Return the share of responders in the treated arm."""
        return np.asarray(at["control_share"] + at["difference"], dtype=np.float64)

    def weights(self, at: Values) -> tuple[Floats, Floats]:
        """Return one and the margin."""
        return np.ones_like(at["margin"]), at["margin"]


class RiskRatioPlan(ResponderPlan):
    """The share of responders in two arms, as a risk ratio; otherwise as for a risk difference.

    ``margin`` is the ratio under the null: below 1 non-inferiority where more responders are ``better``.

    >>> from eubiosis.analysis.planning.tables import size
    >>> size(RiskRatioPlan(control_share=0.3, ratio=5 / 3)).n_control
    93
    """

    ratio: float = positive_number("Treated over control share of responders", "-")
    margin: float = positive_number("Ratio under the null hypothesis", "-", 1.0)

    @property
    def method(self) -> str:
        """Name the analysis."""
        return f"normal test of a risk ratio, {self.test} variance"

    def treated_share(self, at: Values) -> Floats:
        """Return the share of responders in the treated arm."""
        return np.asarray(at["control_share"] * at["ratio"], dtype=np.float64)

    def weights(self, at: Values) -> tuple[Floats, Floats]:
        """Return the margin and zero."""
        return at["margin"], np.zeros_like(at["margin"])


class ClusterResponderPlan(Plan):
    """Responders in clusters that are randomised whole; a t test of the arms' shares.

    Design effect as in ``ClusterPlan``; the size counts clusters of each arm.

    >>> from eubiosis.analysis.planning.tables import size
    >>> size(ClusterResponderPlan(control_share=0.3, difference=0.2, cluster_size=10, icc=0.05)).n_control
    15
    """

    endpoint: ClassVar[str] = "share of responders"
    counted: ClassVar[str] = "clusters per arm"
    least: ClassVar[float] = 2.0

    control_share: float = share("Share of responders in the control arm")
    difference: float = inside_one("Treated minus control share of responders")
    cluster_size: float = number_from("Mean number of participants of a cluster", "people", 1.0)
    icc: float = share("Intraclass correlation", zero=True)
    size_variation: float = number_from("Coefficient of variation of the cluster size", "-", 0.0, 0.0)
    lost: float = share("Share without an outcome", 0.0, zero=True)

    @property
    def method(self) -> str:
        """Name the analysis."""
        return "t test of cluster shares"

    def check_together(self, at: Values, findings: FindingCollector) -> None:
        """Report an effect that puts the treated share outside 0 to 1."""
        treated = at["control_share"] + at["difference"]
        for value in np.unique(treated[(treated <= 0) | (treated >= 1)])[:3].tolist():
            findings.add(
                "ClusterResponderPlan", "difference", f"the treated arm's share would be {value:g}",
                allowed="between 0 and 1, ends excluded", next_step="make the effect or the share smaller",
            )  # fmt: skip

    def constants(self, at: Values) -> Values:
        """Return the shift per root of the clusters of an arm."""
        control, m = at["control_share"], at["cluster_size"] * (1 - at["lost"])
        treated = control + at["difference"]
        inflation = 1 + ((1 + at["size_variation"] ** 2) * m - 1) * at["icc"]
        spread = (control * (1 - control) + treated * (1 - treated)) * inflation / m
        return {"shift": np.abs(at["difference"]) / np.sqrt(spread), "alpha": at["alpha"]}

    def power_from(self, size: Floats, constants: Values) -> Floats:
        """Return the power at each number of clusters per arm."""
        return t_power(2 * size - 2, constants["shift"] * np.sqrt(size), constants["alpha"])

    def people(self, size: Floats, at: Values) -> Floats:
        """Return the participants of both arms."""
        return round_sizes(2 * size * at["cluster_size"])

    def simulate(self, size: int, trials: int, draw: np.random.Generator) -> Floats:
        """Simulate beta-binomial clusters and compare the arms' shares by their spread between clusters."""
        shape = (trials, 2 * size)
        members = draw_cluster_sizes(self.cluster_size, self.size_variation, shape, draw)
        members = np.maximum(draw.binomial(members.astype(np.int64), 1 - self.lost), 1).astype(np.float64)
        mean = self.control_share + np.repeat([0.0, self.difference], size) + np.zeros(shape)
        if self.icc > 0:
            total = (1 - self.icc) / self.icc
            mean = draw.beta(mean * total, (1 - mean) * total)
        found = draw.binomial(members.astype(np.int64), mean) / members
        statistic = weighted_t(found, members, size, 0.0)
        return -statistic if self.difference < 0 else statistic


def share_statistics(plan: ResponderPlan, events: Sequence[Floats], people: Sequence[Floats]) -> Floats:
    """Return the normal statistic of each trial (trials,), control first; minus infinity without numbers."""
    at = plan.numbers()
    whole = [np.maximum(n, 1) for n in people]
    found = [one / n for one, n in zip(events, whole, strict=True)]
    factor, shift = plan.weights(at)
    zero, one = found
    if plan.test == "restricted":
        zero, one = restricted_shares(found[0], found[1], whole[1] / whole[0], factor, shift)
    variance = factor**2 * zero * (1 - zero) / whole[0] + one * (1 - one) / whole[1]
    usable = (variance > 1e-9) & (people[0] > 0) & (people[1] > 0)
    z = (found[1] - factor * found[0] - shift) / np.sqrt(np.where(usable, variance, 1.0))
    down = plan.better == "lower"
    if bool(plan.without_margin(at)):
        down = bool(plan.treated_share(at) < plan.control_share)
    return np.asarray(np.where(usable, -z if down else z, -np.inf), dtype=np.float64)


def restricted_shares(
    control: Floats, treated: Floats, allocation: Floats, factor: Floats, shift: Floats
) -> tuple[Floats, Floats]:
    """Return the most likely shares among those with treated = factor x control + shift.

    The derivative of the log-likelihood is strictly falling in the control share where both shares lie in
    0 to 1, so its root is bracketed and halved. Without a margin it is the pooled share.
    """
    x, y, w, f, s = np.broadcast_arrays(control, treated, allocation, factor, shift)
    low = np.maximum(_INSIDE, (-s + _INSIDE) / f)
    high = np.minimum(1 - _INSIDE, (1 - _INSIDE - s) / f)
    for _ in range(60):
        middle = (low + high) / 2
        other = f * middle + s
        slope = x / middle - (1 - x) / (1 - middle) + w * f * (y / other - (1 - y) / (1 - other))
        low, high = np.where(slope > 0, middle, low), np.where(slope > 0, high, middle)
    root = (low + high) / 2
    return np.asarray(root, dtype=np.float64), np.asarray(f * root + s, dtype=np.float64)
