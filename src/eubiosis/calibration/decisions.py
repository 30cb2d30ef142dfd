"""Which trial is worth running: its value under three priors, and a ranking only where they agree.

The common prior is the one that brief and report print. The sceptical one is normal about no effect and gives
2.5 % to a ratio below 0.8. The third leaves what lies outside the mechanism away.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from eubiosis.core import laws
from eubiosis.core.clinical_prior import packaged_clinical
from eubiosis.core.decisions import (
    BENEFIT,
    Chance,
    Stakes,
    TrialWorth,
    chances,
    same_order,
    tipping_ratio,
    trial_worth,
)
from eubiosis.core.effect_prior import EffectPrior
from eubiosis.core.findings import FindingCollector, unknown_word
from eubiosis.evidence.forecast.priors import PriorBasis, prior

COMMON, SCEPTICAL, WITHOUT_DELTA = "common", "sceptical", "without delta"
OUTCOME, METRIC = "relapse_rate", "rate-ratio"
_SCEPTICAL_TAIL = 0.025
_MOST_PEOPLE = 1_000_000


@dataclass(frozen=True)
class Option:
    """A therapy and a trial of it: people per arm, followed for ``years``."""

    therapy: str
    people_per_arm: int
    years: float


@dataclass(frozen=True)
class Valuation:
    """Options with what each is worth under every prior, and their order where all priors agree.

    ``worths`` prior -> one row an option; ``order`` positions of options, best first, or None; ``chances``
    and ``tipping`` by therapy, the latter the relapse ratio per doubling of acids for a ratio of 0.8,
    None where a therapy leaves acids alone.
    """

    options: tuple[Option, ...]
    stakes: Stakes
    worths: Mapping[str, tuple[TrialWorth, ...]]
    order: tuple[int, ...] | None
    chances: Mapping[str, tuple[Chance, ...]]
    tipping: Mapping[str, float | None]

    @property
    def verdict(self) -> str:
        """Say in words whether there is a ranking."""
        if len(self.options) == 1:
            return "one trial: nothing to rank"
        if self.order is None:
            return "no ranking: the three priors order these trials differently"
        names = [f"{self.options[k].therapy} {self.options[k].people_per_arm} per arm" for k in self.order]
        return "the same order under three priors: " + ", ".join(names)


def priors_of(therapy: str) -> dict[str, EffectPrior]:
    """Return the three priors of a therapy's relapse ratio; raises ``FindingsError`` for an unknown one."""
    row, tables = packaged_clinical().therapy(therapy), packaged_clinical()
    if row is None:
        findings, known = FindingCollector(), [r.therapy or r.intervention for r in tables.therapies]
        findings.add("decide", "therapy", unknown_word(therapy, known), allowed=", ".join(known))
        findings.raise_if_any()
    assert row is not None
    common = prior(OUTCOME, row.intervention, metric=METRIC)
    bare = prior(OUTCOME, row.intervention, metric=METRIC, basis=PriorBasis(delta=False))
    found = {COMMON: common, SCEPTICAL: sceptical(common), WITHOUT_DELTA: bare}
    for name, each in found.items():
        each.demand_support_at_zero(f"{therapy}, {name}")
    return found


def sceptical(common: EffectPrior) -> EffectPrior:
    """Return the sceptical prior of the same question: normal about no effect, 2.5 % below a ratio of 0.8."""
    sd = math.log(1 / BENEFIT) / float(laws.normal_point(_SCEPTICAL_TAIL))
    return replace(common, weights=(1.0,), means=(0.0,), sds=(sd,), cohorts=(), basis="assumed",
                   notes=("sceptical",), outside_share=None, outside_cohorts=())  # fmt: skip


def decide(options: Sequence[Option], stakes: Stakes, *, dispersion: float) -> Valuation:
    """Value every option under the three priors.

    ``dispersion`` is that of relapse counts between people. Raises ``FindingsError`` for unknown therapies
    and numbers out of range.

    >>> stakes = Stakes(relapse=8000, participant=3000, treated=200, takers=1000, rate=0.2, years=2)
    >>> found = decide([Option("inulin", 100, 2), Option("inulin", 400, 2)], stakes, dispersion=0.8)
    >>> len(found.worths), found.worths["common"][0].value < found.worths["common"][1].value
    (3, True)
    """
    _check(options, stakes, dispersion)
    by_therapy = {name: priors_of(name) for name in dict.fromkeys(o.therapy for o in options)}
    with np.errstate(over="ignore", invalid="ignore"):  # what is not finite is refused below
        worths = {
            name: tuple(
                trial_worth(by_therapy[o.therapy][name], stakes, o.people_per_arm, dispersion, o.years)
                for o in options
            )
            for name in (COMMON, SCEPTICAL, WITHOUT_DELTA)
        }
    _check_worths(options, worths)
    tables = packaged_clinical()
    said: dict[str, tuple[Chance, ...]] = {}
    tipping: dict[str, float | None] = {}
    for name, found in by_therapy.items():
        row = tables.therapy(name)
        assert row is not None
        before = prior(OUTCOME, row.intervention, metric=METRIC, basis=PriorBasis(before=True))
        said[name] = chances(found[COMMON], before)
        acids = [e.mean for e in tables.exposures.get(row.therapy, ()) if e.metabolite_class == "acids"]
        tipping[name] = tipping_ratio(acids[0]) if acids else None
    return Valuation(tuple(options), stakes, worths, same_order(worths), said, tipping)


def _check_worths(options: Sequence[Option], worths: Mapping[str, Sequence[TrialWorth]]) -> None:
    findings = FindingCollector()
    for prior_name, row in worths.items():
        for option, worth in zip(options, row, strict=True):
            if not math.isfinite(worth.net):
                findings.add(
                    "decide", f"{option.therapy}, {option.people_per_arm} per arm", f"its worth under the "
                    f"{prior_name} prior is not finite", next_step="state smaller stakes",
                )  # fmt: skip
    findings.raise_if_any()


def _check(options: Sequence[Option], stakes: Stakes, dispersion: float) -> None:
    findings = FindingCollector()
    numbers = {**vars(stakes), "dispersion": dispersion}
    for name, value in numbers.items():
        above = name in ("relapse", "takers", "rate", "years")
        if not math.isfinite(value) or value < 0 or (above and value == 0):
            allowed = "a number above 0" if above else "0 or more"
            findings.add("decide", name, f"{value:g}", allowed=allowed)
    for option in options:
        if not 2 <= option.people_per_arm <= _MOST_PEOPLE or not 0 < option.years < math.inf:
            given = f"{option.people_per_arm} per arm for {option.years:g} years"
            findings.add("decide", option.therapy, given, allowed=f"2 to {_MOST_PEOPLE:,} people, some time")
    for option, times in Counter(options).items():
        if times > 1:
            given = f"{option.people_per_arm} per arm for {option.years:g} years, {times} times"
            findings.add("decide", option.therapy, given, allowed="each trial once")
    if not options:
        findings.add("decide", "options", "none", next_step="name a therapy and a size")
    findings.raise_if_any()
