"""A brief: what is known before anything is simulated, as the workflow makes it and the pages show it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from eubiosis.core.control_arm import ControlArmForecast
from eubiosis.core.decisions import Chance
from eubiosis.core.evidence_report import PoolSummary, Verdict
from eubiosis.core.question import AskedQuestion, OutcomeKind, Role
from eubiosis.core.record import FLAT, HIDDEN, as_json, key

SdKind = Literal["change", "level", "mixed", "not stated"]


@dataclass(frozen=True)
class NotPooled:
    """An estimate that is not pooled, and why; ``found_no_benefit`` where its report says so."""

    study: str
    reason: str
    verdict: str
    read: str
    source: str
    found_no_benefit: bool = field(metadata=HIDDEN)


@dataclass(frozen=True)
class Known:
    """What randomised trials have reported on an endpoint; ``pool`` is None where none can be pooled.

    ``indirect`` are controlled trials in other people, rated down for it and never pooled with these.
    """

    k: int
    pool: KnownPool | None = field(metadata=FLAT)
    excluded: tuple[NotPooled, ...]
    note: str
    indirect: tuple[IndirectRow, ...]


@dataclass(frozen=True)
class IndirectRow:
    """A controlled trial of the intervention in other people on the same outcome, with its certainty."""

    study: str
    population: str
    agent: str
    dose: str
    weeks: float | None
    people: str
    result: str
    found: str
    certainty: str
    reasons: str
    source: str
    read: str


@dataclass(frozen=True)
class SeenRow:
    """A trial of the same class of product that a page names and whose numbers were not read."""

    trial: str
    registry_id: str
    agent: str
    design: str
    people: str
    state: str
    found: str
    source: str
    read: str
    note: str


@dataclass(frozen=True)
class KnownPool:
    """A pool, and the SDs between people behind it, over both arms of the trials that print one.

    ``sd`` is as printed and ``sd_kind`` says of what: the change from baseline, the level at one visit, both,
    or not stated. ``sd_between`` is the SD between people at one visit, from the change by the baseline
    correlation r as sd / sqrt(2 (1 - r)); None where r is not given.
    """

    summary: PoolSummary = field(metadata=FLAT)
    sd: float | None
    sd_kind: SdKind
    sd_between: float | None


@dataclass(frozen=True)
class ForecastLevel:
    """The level of an endpoint in the control arm: rates, lesions or hazards with a 95 % interval."""

    value: float
    low: float
    high: float
    dispersion: float


@dataclass(frozen=True)
class SizeRow:
    """People per arm for one length of treatment, at the middle and the ends of the control level."""

    years: float
    n_per_arm: int
    n_if_control_low: int
    n_if_control_high: int
    reachable: bool
    answer: str


@dataclass(frozen=True)
class AssuranceRow:
    """What a trial of the recruitable size promises under one prior, and the sizes for assurance."""

    prior: str
    years: float
    people_per_arm: int
    assurance: float
    ceiling: float
    power_at_mean: float
    true_effect_given_success: float
    estimate_given_success: float
    relevant_before: float
    below_relevant_given_success: float
    monte_carlo_error: float
    prior_mean: float
    sizes: Mapping[str, int | None]
    reachable: Mapping[str, bool]


@dataclass(frozen=True)
class ReviewRow:
    """A number of a published review that an assumption stands on."""

    what: str
    value: float
    low: float | None
    high: float | None
    read: str | None
    source: str


@dataclass(frozen=True)
class Expectancy:
    """What open treatment adds to an outcome that patients report, and what no size can identify."""

    n_per_arm: float
    false_success: float
    seen_if_null: float
    needed: float
    power_usual: float
    power_corrected: float
    n_corrected: int | None
    best_error: float
    mean: float
    low: float
    high: float
    basis: str
    review: tuple[ReviewRow, ...]


@dataclass(frozen=True)
class BriefEndpoint:
    """One endpoint of a question: what is known, how many, how sure."""

    outcome: str
    asked_as: str
    label: str
    role: Role
    kind: OutcomeKind
    effect: float
    effect_text: str
    relevant: float | None
    patient_reported: bool
    control_level: ForecastLevel | None
    pooled: Known
    evidence_prior_notes: tuple[str, ...]
    evidence_prior_basis: str
    chances: tuple[Chance, ...]
    sizes: tuple[SizeRow, ...]
    best_years: float | None
    assurance: tuple[AssuranceRow, ...]
    expectancy: Expectancy | None
    skipped: str  # why it has no sizes; empty where it has
    chosen: ChosenByCutoff | None
    effects: tuple[PlannedEffectRow, ...]
    powers: tuple[PowerPoint, ...]

    @property
    def smallest(self) -> SizeRow | None:
        """Return the length of treatment that needs the fewest people; None where the endpoint is skipped."""
        return min(self.sizes, key=lambda size: size.n_per_arm, default=None)


@dataclass(frozen=True)
class ChosenByCutoff:
    """What choosing people by an entry cut-off on the score does to its correlation and size.

    ``correlation`` is what the planner's becomes if that is of people not chosen; ``sd_share`` what is left
    of the baseline's SD.
    """

    threshold: float
    correlation: float
    sd_share: float
    n_per_arm: int


@dataclass(frozen=True)
class PlannedEffectRow:
    """People per arm at another effect, at the best length of treatment, for 80 and 90 % power."""

    effect: float
    n_for_80: int
    n_for_90: int


@dataclass(frozen=True)
class PowerPoint:
    """The power of a trial of so many per arm at the planned effect."""

    n_per_arm: int
    power: float


@dataclass(frozen=True)
class ObservedRelapses:
    """Between which rates the people of the control arm will be seen over a length of treatment."""

    years: float
    people: int
    low: float
    high: float
    expected_relapses: float


@dataclass(frozen=True)
class NullCentred:
    """Where 95 % of the null-centred prior lies: in SDs, and as ratios.

    ``ratio_low`` and ``ratio_high`` are of relapses, ``lesion_low`` and ``lesion_high`` of lesions, the
    therapy's mechanism and the term outside it together; ``other_low`` and ``other_high`` of other ratios.
    ``outside_share`` is the share of the variance of the log ratio of relapses outside the mechanism.
    """

    score: float
    ratio_low: float
    ratio_high: float
    lesion_low: float
    lesion_high: float
    other_low: float
    other_high: float
    outside_share: float


@dataclass(frozen=True)
class Dropout:
    """The hazard of leaving, where it comes from, and the share that leaves within ``years``."""

    per_year: float
    origin: str
    share: float
    years: float


@dataclass(frozen=True)
class ClaimVerdict:
    """A claim in circulation about the intervention; ``asked`` where it is about an asked outcome."""

    claim: str
    statement: str
    verdict: Verdict
    reason: str
    asked: bool


@dataclass(frozen=True)
class HarmRecord:
    """A record of harms or attrition, as reported."""

    study: str
    kind: str = field(metadata=key("type"))
    event: str
    treated: int | None
    events: int | None
    statement: str
    read: str
    source: str


@dataclass(frozen=True)
class Harms:
    """Records of harms, and the risk above which ``people`` without a case exclude one."""

    records: tuple[HarmRecord, ...]
    people: int
    excluded_risk: float


@dataclass(frozen=True)
class RecruitmentRow:
    """How long recruitment and the trial take."""

    years: float
    participants: int
    needed: int
    months: float
    calendar_years: float


@dataclass(frozen=True)
class CostRow:
    """The user's prices times people and years."""

    years: float
    participants: int
    currency: str | None
    cost: float


@dataclass(frozen=True)
class EstimandWords:
    """The five attributes of an estimand (ICH E9(R1))."""

    treatment: str
    population: str
    variable: str
    intercurrent_events: str = field(metadata=key("intercurrent events"))
    summary: str

    @property
    def attributes(self) -> tuple[tuple[str, str], ...]:
        """Return the attributes with their names."""
        return (
            ("treatment", self.treatment),
            ("population", self.population),
            ("variable", self.variable),
            ("intercurrent events", self.intercurrent_events),
            ("summary", self.summary),
        )


@dataclass(frozen=True)
class EventStrategy:
    """An intercurrent event and the strategy of the main estimand."""

    id: str
    event: str
    applies: str
    strategy: str
    why: str
    supplementary: str


@dataclass(frozen=True)
class Assumption:
    """A number behind the forecasts, as its table states it."""

    id: str
    what: str
    value: float
    unit: str
    low: float | None
    high: float | None
    basis: str
    read: str | None
    source: str
    note: str


@dataclass(frozen=True)
class BriefData:
    """What a brief holds: what the pages show, and what its JSON is made of, key for key."""

    schema: int
    version: str
    file: str
    notice: str
    question: AskedQuestion
    background: str
    control_arm: ControlArmForecast
    control_observed: tuple[ObservedRelapses, ...]
    null_centred: NullCentred
    dropout: Dropout
    endpoints: tuple[BriefEndpoint, ...]
    claims: tuple[ClaimVerdict, ...]
    seen: tuple[SeenRow, ...]
    harms: Harms
    recruitment: tuple[RecruitmentRow, ...] | None
    cost: tuple[CostRow, ...] | None
    estimands: tuple[EstimandWords, ...]
    intercurrent_events: tuple[EventStrategy, ...]
    assumptions: tuple[Assumption, ...]

    @property
    def primary(self) -> BriefEndpoint:
        """Return the primary endpoint."""
        return next(one for one in self.endpoints if one.role == "primary")

    def to_json(self) -> str:
        """Return the data of the brief as JSON."""
        return as_json(self)

    def __repr__(self) -> str:
        found = ((one.label, one.smallest) for one in self.endpoints)
        sizes = "; ".join(f"{label}: {'skipped' if one is None else one.answer}" for label, one in found)
        return f"Brief({self.question.title!r}; {sizes} per arm)"
