"""Before and after without a control arm: what regression to the mean and placebo alone would show.

A participant chosen for a high value has, on average, a lower one next time although nothing was done. The
change that this brings, and what control arms show on top, is set beside the change that was published. What
comes out is whether the published change is *compatible with* that; never what it is due to.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from eubiosis.analysis.columns import Floats
from eubiosis.analysis.planning.bounds import (
    Checked,
    Values,
    Whole,
    any_number,
    number_from,
    optional_number,
    positive_number,
    share,
)
from eubiosis.core.findings import FindingCollector
from eubiosis.core.laws import Z975, normal_log_pdf, root
from eubiosis.core.streams import stream

DRAWS = 20_000
NO_EFFECT = "without a control arm this is no estimate of an effect"
Selected = Literal["above", "below", "no cut-off"]
PlaceboCounts = Literal["beyond regression", "whole control arm"]


@dataclass(frozen=True)
class SingleArmComparison:
    """One explanation that needs no drug, beside the published change.

    ``expected`` with ``low`` and ``high``: the mean change and its 95 % uncertainty; ``seen_low`` and
    ``seen_high`` between which a study of this size would see it; ``tail`` the two-sided probability of a
    change as far off as the published one.
    """

    name: str
    expected: float
    low: float
    high: float
    seen_low: float
    seen_high: float
    observed: float
    tail: float
    quantity: Literal["change", "rate"] = "change"

    @property
    def compatible(self) -> bool:
        """Say whether the published change lies where a study of this size would see it (95 %)."""
        return self.seen_low <= self.observed <= self.seen_high

    @property
    def verdict(self) -> str:
        """Say it in words that do not claim a cause."""
        if self.compatible:
            return f"compatible with {self.name}"
        if self.quantity == "rate":
            side = "lower" if self.observed < self.expected else "higher"
            return f"a {side} rate than {self.name} would show; {NO_EFFECT}"
        if abs(self.observed) > abs(self.expected) and self.observed * self.expected >= 0:
            return f"a larger change than {self.name} would show; {NO_EFFECT}"
        return f"a smaller or opposite change than {self.name} would show; {NO_EFFECT}"


class ScoreBeforeAfter(Checked):
    """A published mean change of a score in one group, and what is known of the score.

    ``selected`` says on which side of ``cutoff`` participants had to be at the baseline measurement itself.
    ``population_mean`` is that of people not chosen; where it is absent it is inferred from ``baseline_mean``
    and the cut-off. ``reliability`` is the correlation of two measurements of stable people over about the
    study's length, from ``reliability_people`` (0: taken as known). ``placebo_change`` with its 95 % interval
    comes from control arms: "beyond regression" adds to the regression, "whole control arm" is compared by
    itself, because a control arm chosen in the same way has regressed too. Findings come all at once.

    >>> study = ScoreBeforeAfter(
    ...     change=-8.0, people=40, population_sd=19.7, population_mean=41, reliability=0.863, cutoff=38,
    ...     selected="above",
    ... )
    >>> found = compare_score(study)[0]
    >>> round(found.expected, 1), found.compatible
    (-1.9, False)
    """

    change: float = any_number("Published mean change, after minus before", "of the score")
    people: Whole = number_from("Participants with both measurements", "people", 2)
    population_sd: float = positive_number("SD of the score between people not chosen", "of the score")
    reliability: float = share("Correlation of two measurements of stable people", zero=True)
    reliability_people: Whole = number_from(
        "People behind the reliability; 0: taken as known", "people", 0, 0.0
    )
    population_people: Whole = number_from("People behind mean and SD; 0: taken as known", "people", 0, 0.0)
    population_mean: float | None = optional_number("Mean of the score in people not chosen", "of the score")
    baseline_mean: float | None = optional_number("Published mean at baseline", "of the score")
    cutoff: float | None = optional_number("Cut-off at entry", "of the score")
    change_sd: float | None = optional_number("Published SD of the change", "of the score")
    placebo_change: float | None = optional_number("Mean change in control arms", "of the score")
    placebo_low: float | None = optional_number("Its lower 95 % point", "of the score")
    placebo_high: float | None = optional_number("Its upper 95 % point", "of the score")
    selected: Selected = "no cut-off"
    placebo_counts: PlaceboCounts = "whole control arm"

    def check_together(self, at: Values, findings: FindingCollector) -> None:
        """Report what contradicts itself or is missing."""
        place = type(self).__name__
        mean, cut = self.baseline_mean, self.cutoff
        if self.selected != "no cut-off" and cut is None:
            findings.add(
                place, "cutoff", f'selected "{self.selected}" without a cut-off', next_step="give it"
            )
        if self.selected == "no cut-off" and cut is not None:
            findings.add(place, "selected", "a cut-off without a side", allowed="above, below")
        if self.population_mean is None and (mean is None or self.selected == "no cut-off"):
            findings.add(
                place, "population_mean", "no mean of people not chosen",
                next_step="give it, or the baseline mean together with the cut-off",
            )  # fmt: skip
        if self.selected == "no cut-off" and mean is None:
            findings.add(
                place, "baseline_mean", "neither a cut-off nor a baseline mean", next_step="give one"
            )
        if mean is not None and cut is not None:
            wrong = {"above": mean <= cut, "below": mean >= cut}.get(self.selected, False)
            if wrong:
                findings.add(place, "baseline_mean", f"{mean:g} although all were {self.selected} {cut:g}",
                             allowed=f"{self.selected} the cut-off")  # fmt: skip
        if self.change_sd is not None and self.change_sd <= 0:
            findings.add(place, "change_sd", f"{self.change_sd:g}", allowed="positive numbers")
        low, middle, high = self.placebo_low, self.placebo_change, self.placebo_high
        if (low is None) != (high is None) or (low is not None and middle is None):
            findings.add(
                place, "placebo_low", "an interval with a part missing", next_step="give all three numbers"
            )
        elif middle is not None and low is not None and high is not None and not low <= middle <= high:
            findings.add(place, "placebo_change", f"{middle:g} outside {low:g} to {high:g}",
                         allowed="low <= change <= high")  # fmt: skip
        for name in ("reliability_people", "population_people"):
            if 0 < float(at[name]) < 5:
                findings.add(place, name, f"{float(at[name]):g}", allowed="0 (known) or whole numbers from 5")


def compare_score(study: ScoreBeforeAfter, *, seed: int = 2026) -> tuple[SingleArmComparison, ...]:
    """Return what regression alone, and with placebo, would show in such a study.

    Two measurements of a stable person are normal with the same mean and SD and correlate by the
    reliability r: the expected change of those chosen is (r - 1) times how far their baseline mean lies
    from the population's (normal regression). The uncertainty of r (by
    Fisher's z), of the population's mean and SD and of the study's own size are drawn together.

    >>> numbers = {"change": -4.0, "people": 20, "population_sd": 15.0, "reliability": 0.8}
    >>> study = ScoreBeforeAfter(**numbers, population_mean=35.0, baseline_mean=48.0)
    >>> [one.name for one in compare_score(study)]
    ['regression to the mean alone']
    """
    draw = stream(seed, "single arm, score")
    reliability = _reliability(study, draw)
    sd = study.population_sd * np.ones(DRAWS)
    if study.population_people:
        freedom = study.population_people - 1
        sd = study.population_sd * np.sqrt(freedom / draw.chisquare(freedom, DRAWS))
    centre = _population_mean(study, sd)
    if study.population_people and study.population_mean is not None:
        centre = centre + sd / math.sqrt(study.population_people) * draw.standard_normal(DRAWS)
    chosen, spread = _chosen(study, centre, sd)
    if study.baseline_mean is not None:
        chosen = np.full(DRAWS, study.baseline_mean)
    shift = (reliability - 1) * (chosen - centre)
    person = np.sqrt((1 - reliability) ** 2 * spread + sd**2 * (1 - reliability**2))
    if study.change_sd is not None:
        person = np.full(DRAWS, study.change_sd)
    noise = person / math.sqrt(study.people) * draw.standard_normal(DRAWS)
    found = [_comparison("regression to the mean alone", shift, noise, study.change)]
    if study.placebo_change is not None:
        low, high = study.placebo_low, study.placebo_high
        width = 0.0 if low is None or high is None else (high - low) / (2 * Z975)
        placebo = study.placebo_change + width * draw.standard_normal(DRAWS)
        if study.placebo_counts == "beyond regression":
            found.append(
                _comparison(
                    "regression to the mean and placebo response", shift + placebo, noise, study.change
                )
            )
        else:
            found.append(_comparison("the change of control arms", placebo, noise, study.change))
    return tuple(found)


class RelapseBeforeAfter(Checked):
    """A published relapse rate after entry, where so many relapses were asked for before it.

    Personal rates are gamma-distributed with mean ``mean_rate`` among people not chosen (inferred from
    ``rate_before`` where absent) and ``dispersion`` k. Findings come all at once.

    >>> study = RelapseBeforeAfter(
    ...     rate_after=1.0, people=50, mean_rate=0.6, dispersion=0.8, relapses_at_entry=1, years_before=1,
    ...     years_after=1,
    ... )
    >>> found = compare_relapses(study)[0]
    >>> round(found.expected, 2), found.compatible
    (0.91, True)
    """

    rate_after: float = number_from("Published relapses per year after entry", "1/year", 0.0)
    people: Whole = number_from("Participants", "people", 2)
    dispersion: float = number_from("k: how people differ in rate, variance = mean + k mean^2", "-", 0.0)
    relapses_at_entry: Whole = number_from("Least relapses asked for at entry", "relapses", 0)
    years_before: float = positive_number("Years over which those were counted", "years", 1.0)
    years_after: float = positive_number("Years of follow-up", "years", 1.0)
    dispersion_low: float | None = optional_number("Lower 95 % point of k", "-")
    dispersion_high: float | None = optional_number("Upper 95 % point of k", "-")
    mean_rate: float | None = optional_number("Relapses per year of people not chosen", "1/year")
    rate_before: float | None = optional_number("Published relapses per year before entry", "1/year")
    placebo_ratio: float = positive_number("Rate ratio of control arms beyond regression", "-", 1.0)

    def check_together(self, at: Values, findings: FindingCollector) -> None:
        """Report a rate that is missing or contradicts the entry rule."""
        place = type(self).__name__
        if self.mean_rate is None and self.rate_before is None:
            findings.add(
                place, "mean_rate", "no rate", next_step="give the mean rate or the rate before entry"
            )
        for name in ("mean_rate", "rate_before"):
            value = getattr(self, name)
            if value is not None and value <= 0:
                findings.add(place, name, f"{name} {value:g}", allowed="positive numbers")
        low, high = self.dispersion_low, self.dispersion_high
        if (low is None) != (high is None):
            findings.add(
                place, "dispersion_low", "one end without the other", next_step="give both or neither"
            )
        elif low is not None and high is not None and not 0 < low <= self.dispersion <= high:
            findings.add(place, "dispersion", f"{self.dispersion:g} with {low:g} to {high:g}",
                         allowed="0 < low <= dispersion <= high")  # fmt: skip
        least = self.relapses_at_entry / self.years_before
        if self.rate_before is not None and 0 < self.rate_before <= least:
            findings.add(
                place, "rate_before",
                f"{self.rate_before:g} a year although everybody had {self.relapses_at_entry:g} or more in "
                f"{self.years_before:g} years",
                allowed=f"above {least:g}",
            )  # fmt: skip
        del at


def compare_relapses(study: RelapseBeforeAfter, *, seed: int = 2026) -> tuple[SingleArmComparison, ...]:
    """Return what regression alone (times the ratio of control arms) would show in such a study.

    With N relapses in t years a person's own rate has the mean (1/k + N) / (1/(k r) + t). People are drawn
    from those with enough relapses, and their relapses after entry with them. A dispersion of zero is no
    difference between people, and then nothing regresses below the mean rate.

    >>> numbers = {"rate_after": 0.4, "people": 20, "dispersion": 0.8, "relapses_at_entry": 1}
    >>> study = RelapseBeforeAfter(**numbers, mean_rate=0.5)
    >>> [one.name for one in compare_relapses(study)]
    ['regression to the mean alone']
    """
    draw = stream(seed, "single arm, relapses")
    worlds, trials, people = 100, DRAWS // 400, int(study.people)
    seen, means = np.empty((worlds, trials)), np.empty(worlds)
    for k, dispersion in enumerate(_dispersions(study, worlds, draw)):
        world = study.with_numbers(
            {"dispersion": dispersion, "dispersion_low": None, "dispersion_high": None}
        )
        rate = _mean_rate(world)
        before = _relapses_of_the_chosen(world, rate, (trials, people), draw)
        own = np.full(before.shape, rate)
        if dispersion > 0:
            shape = 1 / dispersion
            own = draw.gamma(shape + before, 1 / (shape / rate + study.years_before))
        after = draw.poisson(own * study.years_after * study.placebo_ratio)
        seen[k] = after.mean(axis=1) / study.years_after
        means[k] = study.placebo_ratio * expected_rate_after(world, rate)
    expected = study.placebo_ratio * expected_rate_after(study, _mean_rate(study))
    low, high = np.quantile(means, [0.025, 0.975]).tolist()
    seen_low, seen_high = np.quantile(seen, [0.025, 0.975]).tolist()
    tail = min(
        1.0, 2 * min(float(np.mean(seen <= study.rate_after)), float(np.mean(seen >= study.rate_after)))
    )
    name = "regression to the mean" + (
        " alone" if study.placebo_ratio == 1 else " and the control arms' ratio"
    )
    return (
        SingleArmComparison(name, expected, min(low, expected), max(high, expected), seen_low, seen_high,
                   study.rate_after, tail, "rate"),
    )  # fmt: skip


def _dispersions(study: RelapseBeforeAfter, count: int, draw: np.random.Generator) -> list[float]:
    low, high = study.dispersion_low, study.dispersion_high
    if low is None or high is None:
        return [study.dispersion] * count
    sd = math.log(high / low) / (2 * Z975)
    drawn: list[float] = (study.dispersion * np.exp(sd * draw.standard_normal(count))).tolist()
    return drawn


def _mean_rate(study: RelapseBeforeAfter) -> float:
    return study.mean_rate if study.mean_rate is not None else _rate_behind(study)


def expected_rate_after(study: RelapseBeforeAfter, rate: float) -> float:
    """Return the mean rate after entry of those chosen, without a drug, in closed form."""
    if study.dispersion == 0:
        return rate
    shape = 1 / study.dispersion
    mean_before = _mean_count_of_the_chosen(study, rate)
    return float((shape + mean_before) / (shape / rate + study.years_before))


def _reliability(study: ScoreBeforeAfter, draw: np.random.Generator) -> Floats:
    if not study.reliability_people:
        return np.full(DRAWS, study.reliability)
    error = 1 / math.sqrt(study.reliability_people - 3)
    return np.asarray(
        np.clip(np.tanh(math.atanh(study.reliability) + error * draw.standard_normal(DRAWS)), 0, 1)
    )


def _chosen(study: ScoreBeforeAfter, centre: Floats, sd: Floats) -> tuple[Floats, Floats]:
    """Return mean and variance of the baseline among those beyond the cut-off (truncated normal)."""
    if study.cutoff is None:
        return centre, sd**2
    side = 1.0 if study.selected == "above" else -1.0
    z = side * (study.cutoff - centre) / sd
    mills = _mills(z)
    return centre + side * sd * mills, sd**2 * np.maximum(1 - mills * (mills - z), 0.0)


def _population_mean(study: ScoreBeforeAfter, sd: Floats) -> Floats:
    """Return the population mean, or the one at which those chosen have the published baseline mean."""
    if study.population_mean is not None:
        return np.full(DRAWS, study.population_mean)
    assert study.baseline_mean is not None
    low, high = study.baseline_mean - 12 * sd, study.baseline_mean + 12 * sd
    for _ in range(80):
        middle = (low + high) / 2
        above = _chosen(study, middle, sd)[0] > study.baseline_mean
        low, high = np.where(above, low, middle), np.where(above, middle, high)
    return np.asarray((low + high) / 2, dtype=np.float64)


def _mills(z: Floats) -> Floats:
    """Return the normal density over its upper tail, without dividing two vanishing numbers."""
    from scipy.special import log_ndtr

    return np.asarray(np.exp(normal_log_pdf(z) - log_ndtr(-z)), dtype=np.float64)


def _comparison(name: str, mean: Floats, noise: Floats, observed: float) -> SingleArmComparison:
    seen = mean + noise
    low, high = np.quantile(mean, [0.025, 0.975]).tolist()
    seen_low, seen_high = np.quantile(seen, [0.025, 0.975]).tolist()
    tail = min(1.0, 2 * min(float(np.mean(seen <= observed)), float(np.mean(seen >= observed))))
    return SingleArmComparison(name, float(np.mean(mean)), low, high, seen_low, seen_high, observed, tail)


def _count_law(study: RelapseBeforeAfter, rate: float) -> Floats:
    """Return the probabilities of 0, 1, ... relapses before entry, far enough out."""
    from scipy.special import gammaln

    mean = rate * study.years_before
    shape = 1 / max(study.dispersion, 1e-9)
    most = int(study.relapses_at_entry + 50 + 20 * mean * (1 + study.dispersion * mean))
    n = np.arange(most + 1)
    log = gammaln(n + shape) - gammaln(shape) - gammaln(n + 1)
    log = log + shape * np.log(shape / (shape + mean)) + n * np.log(mean / (shape + mean))
    return np.asarray(np.exp(log), dtype=np.float64)


def _mean_count_of_the_chosen(study: RelapseBeforeAfter, rate: float) -> float:
    law = _count_law(study, rate)
    law[: int(study.relapses_at_entry)] = 0.0
    return float(law @ np.arange(len(law)) / law.sum())


def _relapses_of_the_chosen(
    study: RelapseBeforeAfter, rate: float, shape: tuple[int, int], draw: np.random.Generator
) -> Floats:
    law = _count_law(study, rate)
    law[: int(study.relapses_at_entry)] = 0.0
    return np.asarray(np.searchsorted(np.cumsum(law / law.sum()), draw.random(shape)), dtype=np.float64)


def _rate_behind(study: RelapseBeforeAfter) -> float:
    """Return the mean rate at which those chosen have the published rate before entry."""
    assert study.rate_before is not None
    wanted = study.rate_before * study.years_before
    return float(
        root(lambda r: _mean_count_of_the_chosen(study, r) - wanted, 1e-6, 2 * study.rate_before + 1)
    )
