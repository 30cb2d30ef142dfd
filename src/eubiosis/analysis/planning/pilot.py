"""Pilots: go or no-go by feasibility, safety and signal, how often that errs, what a pilot is not for."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from eubiosis.analysis.planning.bounds import Checked, Values, Whole, any_number, number_from, share
from eubiosis.analysis.planning.harms import excluded_risk
from eubiosis.analysis.planning.scores import ScorePlan
from eubiosis.analysis.planning.tables import power, size
from eubiosis.core.findings import FindingCollector
from eubiosis.core.laws import chi2_point, normal_cdf, normal_point, t_point
from eubiosis.core.streams import stream

NOT_FOR = (
    "sizing the main trial by the effect that the pilot estimates",
    "saying whether the therapy works, or that it does not",
    "choosing the primary endpoint by the smallest p-value among several",
    "adding its data to the main trial after a go that looked at the effect, unless planned as one trial",
    "ruling out harms rarer than the risk excluded",
)


MOST_SOUGHT = 2000  # people up to which the smallest pilot with a rule is looked for


class FeasibilityRule(Checked):
    """A share that must be good enough: recruitment, retention, adherence, samples that arrive.

    Go at or above ``go``, stop at or below ``stop``, in between amend. The thresholds are chosen from what
    is ``unacceptable`` and what is ``acceptable``: going although the share is unacceptable has at most the
    probability ``alpha``, stopping although it is acceptable at most ``beta``.

    >>> rule = FeasibilityRule(people=30, unacceptable=0.6, acceptable=0.85)
    >>> rule.go, rule.stop
    (23, 21)
    """

    people: Whole = number_from("Participants that the share is counted among", "people", 1)
    unacceptable: float = share("Share at which the main trial must not go ahead")
    acceptable: float = share("Share at which the main trial should go ahead")
    alpha: float = share("Chance of going although unacceptable", 0.05)
    beta: float = share("Chance of stopping although acceptable", 0.05)
    name: str = "feasibility"

    def check_together(self, at: Values, findings: FindingCollector) -> None:
        """Report shares in the wrong order."""
        del at
        if self.unacceptable >= self.acceptable:
            problem = f"{self.unacceptable:g} is not below acceptable {self.acceptable:g}"
            findings.add(self.name, "unacceptable", problem, allowed="unacceptable < acceptable")

    @property
    def go(self) -> int:
        """Return the least count that means go; people + 1 where no count is convincing."""
        n = int(self.people)
        tails = _at_least(n, self.unacceptable)
        return int(np.argmax(tails <= self.alpha)) if bool(np.any(tails <= self.alpha)) else n + 1

    @property
    def stop(self) -> int:
        """Return the largest count that means stop; -1 where none does."""
        n = int(self.people)
        below = 1 - _at_least(n, self.acceptable)[1:]
        count = int(np.sum(below <= self.beta))
        return min(count - 1, self.go - 1)

    @property
    def exists(self) -> bool:
        """Whether some count means go and some count means stop."""
        return self.go <= self.people and self.stop >= 0

    def chances(self, true_share: float) -> tuple[float, float, float]:
        """Return the probabilities of go, amend and stop at a true share."""
        tails = _at_least(int(self.people), true_share)
        going = float(tails[self.go]) if self.go <= self.people else 0.0
        stopping = 1 - float(tails[self.stop + 1])
        return going, max(1 - going - stopping, 0.0), stopping


class SafetyRule(Checked):
    """Serious events: stop at so many, and what none of them rules out.

    Stop at the least count that has at most the probability ``alpha`` at the ``tolerable`` risk.

    >>> rule = SafetyRule(people=30, tolerable=0.02, intolerable=0.15)
    >>> rule.stop, round(rule.excluded(0), 3)
    (3, 0.095)
    """

    people: Whole = number_from("Participants treated", "people", 1)
    tolerable: float = share("Risk at which the trial should go on", zero=True)
    intolerable: float = share("Risk at which it must stop")
    alpha: float = share("Chance of stopping although tolerable", 0.05)
    level: float = share("Confidence of the excluded risk, one-sided", 0.95)
    name: str = "safety"

    def check_together(self, at: Values, findings: FindingCollector) -> None:
        """Report risks in the wrong order."""
        del at
        if self.tolerable >= self.intolerable:
            findings.add(
                self.name, "tolerable", f"{self.tolerable:g} is not below intolerable {self.intolerable:g}",
                allowed="tolerable < intolerable",
            )  # fmt: skip

    @property
    def stop(self) -> int:
        """Return the least number of people with an event that means stop; people + 1 where none does."""
        tails = _at_least(int(self.people), self.tolerable)
        return (
            int(np.argmax(tails <= self.alpha)) if bool(np.any(tails <= self.alpha)) else int(self.people) + 1
        )

    @property
    def exists(self) -> bool:
        """Whether some count means stop."""
        return self.stop <= self.people

    def stopping(self, true_risk: float) -> float:
        """Return the probability of stopping at a true risk."""
        tails = _at_least(int(self.people), true_risk)
        return float(tails[self.stop]) if self.stop <= self.people else 0.0

    def excluded(self, events: int) -> float:
        """Return the risk that so many people with an event rule out (Clopper and Pearson, one-sided).

        Without an event it is 1 - (1 - level)^(1/n), about 3/n at 95 %: the rule of three.
        """
        return excluded_risk(int(self.people), events, self.level)


def smallest_with_rule(rule: FeasibilityRule | SafetyRule) -> int | None:
    """Return the smallest number of people for which such a rule exists; None where none to 2000 has one.

    >>> smallest_with_rule(FeasibilityRule(people=1, unacceptable=0.6, acceptable=0.85))
    6
    """
    for people in range(1, MOST_SOUGHT + 1):
        if rule.with_numbers({"people": people}).exists:
            return people
    return None


class SignalRule(Checked):
    """A hint of an effect on a score: go if a one-sided test at a lenient ``alpha`` succeeds.

    ``people`` in all, two equal arms; ``effect`` in SDs, benefit positive, at which the main trial would be
    worth while.

    >>> rule = SignalRule(people=40, effect=0.5, alpha=0.2)
    >>> round(rule.going(0.0), 3), round(rule.going(0.5), 2)
    (0.2, 0.77)
    """

    people: Whole = number_from("Participants of both arms", "people", 6)
    effect: float = any_number("Standardised effect worth having, benefit positive", "SD")
    alpha: float = share("One-sided type I error of the hint", 0.2)
    baseline_correlation: float = share("Correlation of baseline and outcome", 0.0, zero=True)
    name: str = "signal"

    def check_together(self, at: Values, findings: FindingCollector) -> None:
        """Report an alpha of a half or more, and an effect that is no benefit."""
        del at
        if self.alpha >= 0.5:
            findings.add(self.name, "alpha", f"{self.alpha:g}", allowed="between 0 and 0.5, ends excluded")
        if self.effect <= 0:
            findings.add(
                self.name, "effect", f"{self.effect:g}", allowed="positive numbers (benefit positive)"
            )

    def going(self, true_effect: float) -> float:
        """Return the probability of go at a true effect, negative where the therapy harms."""
        from eubiosis.analysis.planning.laws import t_power

        r = self.baseline_correlation
        n = self.people / 2
        if true_effect > 0:
            return power(ScorePlan(effect=true_effect, baseline_correlation=r, alpha=2 * self.alpha), n)
        shift = true_effect / math.sqrt(1 - r**2) * math.sqrt(n / 2)
        return float(t_power(np.asarray(self.people - 2 - (r != 0)), np.asarray(shift), 2 * self.alpha))

    @property
    def half_width(self) -> float:
        """Return half the width of the 95 % interval of the effect, in SDs."""
        freedom = self.people - 2 - (self.baseline_correlation != 0)
        error = math.sqrt(4 / self.people * (1 - self.baseline_correlation**2))
        return float(t_point(0.025, freedom)) * error


@dataclass(frozen=True)
class Misuse:
    """What sizing a main trial by a pilot's estimate does, among pilots that said go.

    ``needed`` per arm had the true effect been known; the ``points`` (5, 50, 95 %) of the size planned from
    the estimate; ``mean_power`` and ``below_half`` (share of main trials with less than half the power) are
    the truth of those trials; ``exaggeration`` is the mean estimate over the true effect. ``sd_factor`` is
    what an SD from so few people must be multiplied by for its 80 % upper limit.
    """

    went: float
    needed: float
    points: tuple[float, float, float]
    mean_power: float
    below_half: float
    exaggeration: float
    sd_factor: float
    error: float


def misuse(rule: SignalRule, *, target: float = 0.8, pilots: int = 20_000, seed: int = 2026) -> Misuse:
    """Simulate pilots at the effect worth having and size main trials by their estimates.

    ``error`` is the Monte Carlo standard error of ``mean_power``. Powers and sizes by the normal law.

    >>> found = misuse(SignalRule(people=40, effect=0.3))
    >>> found.needed, 0.4 < found.below_half < 0.9
    (176, True)
    """
    draw = stream(seed, "misuse of a pilot")
    n, r = rule.people / 2, rule.baseline_correlation
    unexplained = 1 - r**2
    freedom = rule.people - 2 - (r != 0)
    sd = np.sqrt(draw.chisquare(freedom, pilots) / freedom)
    difference = rule.effect + draw.standard_normal(pilots) * math.sqrt(2 * unexplained / n)
    t = difference / (sd * math.sqrt(2 * unexplained / n))
    went = t > float(t_point(rule.alpha, freedom))
    estimate = (difference / sd)[went]
    reach = float(normal_point(0.025) - normal_point(target))
    sizes = np.ceil(2 * unexplained * (reach / estimate) ** 2)
    true = normal_cdf(rule.effect * np.sqrt(sizes / (2 * unexplained)) - float(normal_point(0.025)))
    low, middle, high = np.quantile(sizes, [0.05, 0.5, 0.95]).tolist()
    needed = size(ScorePlan(effect=rule.effect, baseline_correlation=r), target).n_control
    return Misuse(
        float(went.mean()), needed, (low, middle, high), float(true.mean()), float(np.mean(true < 0.5)),
        float(estimate.mean()) / rule.effect, _sd_factor(freedom), float(true.std() / math.sqrt(len(true))),
    )  # fmt: skip


@dataclass(frozen=True)
class PilotScenario:
    """One state of the world and how often the pilot goes ahead in it."""

    name: str
    going: float


def scenarios(
    feasibility: tuple[FeasibilityRule, ...], safety: tuple[SafetyRule, ...], signal: SignalRule | None
) -> tuple[PilotScenario, ...]:
    """Return how often every rule together says go, when all is well and when one thing is not.

    The rules are taken as independent of each other. Where no signal rule is given, the effect plays no part.

    >>> rules = (FeasibilityRule(people=30, unacceptable=0.6, acceptable=0.85),)
    >>> [round(one.going, 2) for one in scenarios(rules, (), None)]
    [0.93, 0.04]
    """
    good = {rule.name: rule.chances(rule.acceptable)[0] for rule in feasibility}
    good |= {rule.name: 1 - rule.stopping(rule.tolerable) for rule in safety}
    bad = {rule.name: rule.chances(rule.unacceptable)[0] for rule in feasibility}
    bad |= {rule.name: 1 - rule.stopping(rule.intolerable) for rule in safety}
    words = {rule.name: f"{rule.name} unacceptable" for rule in feasibility}
    words |= {rule.name: f"{rule.name} intolerable" for rule in safety}
    if signal is not None:
        good[signal.name], bad[signal.name] = signal.going(signal.effect), signal.going(0.0)
        words[signal.name] = "no effect"
    found = [PilotScenario("all is well", math.prod(good.values()))]
    for name in good:
        others = math.prod(value for key, value in good.items() if key != name)
        found.append(PilotScenario(f"{words[name]}, the rest well", others * bad[name]))
    if len(good) > 1:
        found.append(PilotScenario("nothing is well", math.prod(bad.values())))
    return tuple(found)


def _at_least(n: int, probability: float) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return the binomial probabilities of at least 0, 1, ... n + 1."""
    from scipy.special import bdtrc

    counts = np.arange(1, n + 1)
    return np.concatenate([[1.0], bdtrc(counts - 1, n, probability), [0.0]])


def _sd_factor(freedom: float) -> float:
    return math.sqrt(freedom / float(chi2_point(0.8, freedom)))
