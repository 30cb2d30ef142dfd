"""What the pages of the evidence show: a pool with everything it rests on, and claims with their verdicts."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from eubiosis.core.record import FLAT, HIDDEN, OPTIONAL, key
from eubiosis.core.scales import Scale, is_ratio

CertaintyLevel = Literal["high", "moderate", "low", "very low"]
Verdict = Literal["supported", "mixed", "contradicted", "untraceable", "not tested"]
VERDICTS: tuple[Verdict, ...] = ("supported", "mixed", "contradicted", "untraceable", "not tested")
Stance = Literal["supports", "contradicts", "does not count"]


class Choice(StrEnum):
    """A choice that a sensitivity analysis makes differently."""

    WITHOUT_FAILED_CHECKS = "without failed checks"
    WITH_RETRACTED = "with retracted"
    AS_PRINTED = "dispersions as printed"
    WITH_RECALLED = "with recalled"
    WITHOUT_COHORT = "without a cohort"
    TAU2_METHOD = "another tau2"
    TAU_PRIOR = "another prior on tau"


@dataclass(frozen=True)
class Interval:
    """An estimate with its interval, on the natural scale (ratios are ratios), or why it is undefined."""

    method: str
    estimate: float | None = None
    low: float | None = field(default=None, metadata=key("ci_low"))
    high: float | None = field(default=None, metadata=key("ci_high"))
    note: str = ""


@dataclass(frozen=True)
class SensitivityLine:
    """What the headline becomes when one choice is made differently: which, and the same in words."""

    choice: Choice
    change: str
    k: int
    interval: Interval = field(metadata=FLAT)


@dataclass(frozen=True)
class PriorInterval:
    """The Bayesian interval with the scale of the half-normal prior on tau."""

    interval: Interval = field(metadata=FLAT)
    tau_scale: float


@dataclass(frozen=True)
class Intervals:
    """The three intervals that always stand side by side."""

    wald: Interval
    hartung_knapp: Interval
    bayesian: PriorInterval

    @property
    def rows(self) -> tuple[Interval, ...]:
        """Return the three in order."""
        return self.wald, self.hartung_knapp, self.bayesian.interval


@dataclass(frozen=True)
class PooledStudy:
    """One pooled estimate with its Wald interval, record, source and how far that was read."""

    study: str
    cohort: str
    estimate_id: str
    estimate: float
    ci_low: float
    ci_high: float
    analysis_estimate: float
    standard_error: float
    weight: float
    n_treatment: int | None
    n_control: int | None
    integrity_status: str
    integrity_reason: str
    how: str
    agent: str
    source: str
    read: str
    doi: str

    @property
    def flagged(self) -> bool:
        """Say whether a check of the printed numbers failed or a notice exists."""
        return self.integrity_status != "none"


@dataclass(frozen=True)
class UnpooledEstimate:
    """One estimate of the question that is not pooled, and why."""

    study: str
    estimate_id: str
    why: str
    reason: str
    source: str


@dataclass(frozen=True)
class DomainReport:
    """One of GRADE's reasons: how many levels it takes off, and why."""

    name: str
    steps_down: int
    reason: str


@dataclass(frozen=True)
class CertaintyReport:
    """What is left of the certainty, with the reason in each domain."""

    level: CertaintyLevel
    domains: tuple[DomainReport, ...]


@dataclass(frozen=True)
class WaldMean:
    """A mean with its Wald interval on the natural scale."""

    estimate: float
    ci_low: float
    ci_high: float


@dataclass(frozen=True)
class GrowingStep:
    """The mean after one more study, in order of years."""

    added: str
    year: int
    mean: WaldMean = field(metadata=FLAT)


@dataclass(frozen=True)
class FunnelTest:
    """A test of the funnel's symmetry, or why there is none."""

    statistic: float | None
    p: float | None
    note: str | None = field(default=None, metadata=OPTIONAL)


@dataclass(frozen=True)
class FilledFunnel:
    """How many studies symmetry would add, on which side, and the mean with them, or why nobody can say."""

    added: int | None
    side: str | None
    mean: WaldMean | None = field(metadata=FLAT)
    note: str | None = field(default=None, metadata=OPTIONAL)


@dataclass(frozen=True)
class SmallStudy:
    """Small-study effects."""

    egger: FunnelTest = field(metadata=key("Egger"))
    begg: FunnelTest = field(metadata=key("Begg"))
    trim_and_fill: FilledFunnel = field(metadata=key("trim and fill"))


@dataclass(frozen=True)
class StudyInfluence:
    """How much one study moves the pool."""

    study: str
    cook_distance: float
    studentised_residual: float


@dataclass(frozen=True)
class Diagnostics:
    """What else a pool can be asked, with a word on what it can bear."""

    cumulative_by_year: tuple[GrowingStep, ...]
    small_study: SmallStudy | None
    influence: tuple[StudyInfluence, ...] | None
    note: str


@dataclass(frozen=True)
class SubgroupLine:
    """The pool of one subgroup."""

    group: str
    k: int
    mean: WaldMean = field(metadata=FLAT)


@dataclass(frozen=True)
class DifferenceTest:
    """The test that all subgroups have the same mean."""

    q: float = field(metadata=key("Q"))
    df: int
    p: float


@dataclass(frozen=True)
class Subgroups:
    """A pool divided by a property of its studies, with the test of their difference."""

    by: str
    groups: tuple[SubgroupLine, ...]
    difference: DifferenceTest
    note: str


@dataclass(frozen=True)
class PoolSummary:
    """A pool as a brief shows it; estimates are on the natural scale."""

    k: int
    participants: int
    metric: str
    unit: str
    better: str
    estimate: float | None
    ci_low: float | None
    ci_high: float | None
    ci_method: str
    intervals: Intervals
    pi_low: float | None
    pi_high: float | None
    warnings: tuple[str, ...]
    sensitivity: tuple[SensitivityLine, ...]
    certainty: CertaintyReport
    included: tuple[PooledStudy, ...]

    def changed(self, choice: Choice) -> Interval | None:
        """Return what the headline becomes under another choice, None where that was not asked."""
        return next((line.interval for line in self.sensitivity if line.choice is choice), None)


@dataclass(frozen=True)
class AskedOf:
    """What the pool was limited to."""

    studies: tuple[str, ...]
    leave_out: tuple[str, ...]


@dataclass(frozen=True)
class PoolReport:
    """A pool with everything it rests on; ``tau2`` is on the analysis scale, ``i2`` in percent.

    ``tau2``, ``i2``, ``q`` and ``q_p`` are None for one study, which cannot tell them.
    """

    outcome: str
    outcome_label: str
    intervention: str
    intervention_label: str
    summary: PoolSummary = field(metadata=FLAT)
    analysis_scale: Scale
    ci_level: float
    pi_method: str
    tau2: float | None
    tau2_method: str
    tau2_low: float | None
    tau2_high: float | None
    i2: float | None = field(metadata=key("I2"))
    q: float | None = field(metadata=key("Q"))
    q_p: float | None = field(metadata=key("Q_p"))
    asked: AskedOf
    excluded: tuple[UnpooledEstimate, ...]
    diagnostics: Diagnostics
    notice: str
    subgroups: Subgroups | None = field(default=None, metadata={"mark": "optional"})

    @property
    def ratio(self) -> bool:
        """Say whether the effect is a ratio, analysed as its logarithm."""
        return is_ratio(self.analysis_scale)


@dataclass(frozen=True)
class ClaimLine:
    """One record beside a claim: whether it counts and how, where it stands, what it says."""

    stance: Stance
    record: str
    text: str
    source: str


@dataclass(frozen=True)
class AuditedClaim:
    """A claim in circulation with its verdict, the reason in words, and every record beside it."""

    claim: str
    statement: str
    kind: str
    claim_source: str
    claim_read: str
    verdict: Verdict
    reason: str
    records: tuple[ClaimLine, ...]
    outcomes: tuple[str, ...] = field(default=(), metadata=HIDDEN)
