"""What a trial report is made of: plain tables handed from the workflow to the report.

The report knows nothing of the model or the trial; everything it shows stands here. All figures are
simulated.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from eubiosis.core.power_surface import PowerSurface
    from eubiosis.core.responders import ResponderFigures
    from eubiosis.core.trial_answer import TrialAnswer

from eubiosis.core.applicability import Applicability
from eubiosis.core.over_time import ClockCurve, CourseLine, WeekChange
from eubiosis.core.scoreboard import BoardGroup
from eubiosis.core.world_sensitivity import WorldSensitivity

Quantiles = tuple[float, float, float]  # 2.5, 50 and 97.5 %


@dataclass(frozen=True)
class SimulationSize:
    """What every simulated figure goes back to; None or "" is shown as not stated.

    ``worlds`` parameter draws, ``trials`` simulated trials in each world, ``participants`` randomised in
    each trial.
    """

    seed: int | None = None
    worlds: int | None = None
    trials: int | None = None
    participants: int | None = None
    design_hash: str = ""


@dataclass(frozen=True)
class ArmInfo:
    """One arm of the trial in words."""

    name: str
    description: str
    control: bool


@dataclass(frozen=True)
class FlowRow:
    """One stage of participant flow: mean number of subjects in a simulated trial, in all or by arm.

    ``left`` marks a row that counts who left here (one row for each reason); it is drawn beside the
    stages and its ``stage`` is the reason, such as "age outside 18 to 60 years".
    """

    stage: str
    total: float
    by_arm: Mapping[str, float] = field(default_factory=dict)
    note: str = ""
    left: bool = False


@dataclass(frozen=True)
class EffectRow:
    """One endpoint in one active arm against control.

    ``scale`` is "ratio" (1 is no effect) or "difference" (0 is no effect, in ``unit``). ``truth`` holds
    quantiles over worlds of the true effect under the prior, widened by the ``discrepancy`` (standard
    deviation of the log ratio that no parameter set covers; 0: none is named), and ``truth_error`` the Monte
    Carlo error of each before that, over gut worlds; ``estimate`` holds quantiles over simulated trials
    of what an analysis reports, ``standardised`` the truth on one axis for all endpoints (log ratio or
    difference over the standard deviation between subjects), ``standardised_estimate`` the estimate on
    the same axis (None: carried over from ``truth`` and ``standardised``). ``power`` is the share of
    trials with p < 0.05 in either direction, with its Monte Carlo error over gut worlds; ``coverage`` the
    share of trials whose 95 % interval holds the truth of their world.
    """

    endpoint: str
    label: str
    arm: str
    scale: str
    unit: str
    better: str  # "lower", "higher" or "neither"
    truth: Quantiles
    estimate: Quantiles
    standardised: Quantiles
    power: float
    power_error: float
    coverage: float
    trials: int
    not_usable: int
    method: str
    clinical: bool
    tested: str  # "no trial has tested ..." or ""
    primary: bool = False
    standardised_estimate: Quantiles | None = None
    truth_error: Quantiles | None = None
    discrepancy: float = 0.0


@dataclass(frozen=True)
class CourseBand:
    """An observed quantity by arm over the visits: quantiles over subjects of simulated trials.

    ``by_arm`` arm -> rows of quantiles, one row for each visit, at the five ``levels`` (%). The subjects are
    those of the first trial of each pair of worlds, ``trials`` in all, with ``people`` a trial; of block 0
    only where trials were cut (``block_only``). None: not stated.
    """

    endpoint: str
    label: str
    unit: str
    weeks: tuple[float, ...]
    by_arm: Mapping[str, tuple[tuple[float, ...], ...]]
    levels: tuple[float, ...] = (2.5, 25.0, 50.0, 75.0, 97.5)
    trials: int | None = None
    people: float | None = None
    block_only: bool = False


@dataclass(frozen=True)
class MarkerChange:
    """Latent change of a guild or metabolite from baseline to the end, log2 ratio, by arm (over subjects).

    Active arms are widened by the discrepancy of the quantity. The subjects are ``people`` of ``gut_worlds``
    together, each as its own twin in every arm; of block 0 only where trials were cut (``block_only``). None:
    not stated.
    """

    group: str  # "guild", "stool", "plasma", "lumen"
    quantity: str
    by_arm: Mapping[str, Quantiles]
    people: int | None = None
    gut_worlds: int | None = None
    block_only: bool = False


@dataclass(frozen=True)
class VarianceRow:
    """Where the uncertainty of an estimated effect comes from: shares of its variance, summing to 1.

    ``worlds``: what nobody knows about the model; ``subjects``: which subjects were drawn; ``sampling``:
    randomisation, events and measurement in one trial.
    """

    endpoint: str
    label: str
    arm: str
    worlds: float
    subjects: float
    sampling: float


@dataclass(frozen=True)
class FormEffect:
    """The true effect of an arm on an endpoint in the worlds of one form of the model, or mixed over forms.

    ``truth`` holds quantiles over ``worlds``, ``truth_error`` their Monte Carlo error over gut worlds;
    ``enough`` says whether so many worlds stand behind the interval as one should have.
    """

    endpoint: str
    label: str
    arm: str
    form: str
    form_label: str
    weight: float
    worlds: int
    enough: bool
    truth: Quantiles
    truth_error: Quantiles


@dataclass(frozen=True)
class ClinicalPriorRow:
    """The prior of a clinical effect before this simulation, as the evidence gives it to the same question.

    ``prior`` holds quantiles, on the scale of a ratio or in ``unit``; ``outside_share`` is the share of the
    null-centred variance outside the mechanism; ``chances`` rows of statement, probability, probability
    before data on couplings, and what moved it; ``tipping`` the relapse ratio per doubling of acids that a
    ratio of 0.8 would need.
    """

    endpoint: str
    label: str
    arm: str
    intervention: str
    scale: str
    unit: str
    prior: Quantiles
    basis: str
    cohorts: tuple[str, ...]
    outside_share: float | None
    chances: tuple[tuple[str, float, float, str], ...]
    tipping: float | None
    notes: tuple[str, ...]


@dataclass(frozen=True)
class AssumptionRow:
    """A number the result rests on, as its table states it."""

    id: str
    description: str
    value: float
    unit: str
    low: float | None
    high: float | None
    basis: str
    read: str
    source: str
    note: str
    role: str  # "varies between worlds", "design", "trial layer"


@dataclass(frozen=True)
class HarmLine:
    """One harm of one active arm beside the control.

    ``published`` says in words what was counted, empty where no count was read; ``simulated`` and ``control``
    are the shares of subjects with the event in simulated trials, None where the harm is not simulated or,
    for ``control``, where no background was read.
    ``excluded`` is the risk that an arm of this size without an event excludes with 95 % confidence;
    ``size`` the people of an arm that exclude ``limit``, given the simulated share (None: no size does).
    """

    arm: str
    harm: str
    label: str
    serious: bool
    published: str
    source: str
    simulated: float | None
    control: float | None
    excluded: float
    limit: float
    size: int | None


@dataclass(frozen=True)
class BurdenLine:
    """What an arm asks of its participants: planned doses, days on a diet, procedures and visits."""

    arm: str
    doses: float
    diet_days: float
    procedures: int
    visits: int


@dataclass(frozen=True)
class TransplantFactLine:
    """A statement that stands beside every fecal transplant, with how far its source was read."""

    topic: str
    statement: str
    read: str
    source: str


@dataclass(frozen=True)
class IntercurrentLine:
    """One kind of intercurrent event: people who had it, and the strategies for it.

    ``by_arm`` is the mean number of people of a simulated trial with at least one while followed;
    ``strategies`` are rows of a strategy and the endpoints it is that of.
    """

    event: str
    label: str
    trigger: str
    by_arm: Mapping[str, float]
    strategies: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class TrialReportInput:
    """Everything that a trial report shows."""

    title: str
    question: str
    context_of_use: str
    decision: str
    design: tuple[tuple[str, str], ...]
    arms: tuple[ArmInfo, ...]
    flow: tuple[FlowRow, ...]
    effects: tuple[EffectRow, ...]
    courses: tuple[CourseBand, ...]
    changes: tuple[MarkerChange, ...]
    variance: tuple[VarianceRow, ...]
    assumptions: tuple[AssumptionRow, ...]
    basis_shares: Mapping[str, float]
    facts: tuple[tuple[str, str], ...]  # seeds, sizes, versions, hashes, durations
    warnings: tuple[str, ...] = ()
    size: SimulationSize = field(default_factory=SimulationSize)
    forms: tuple[FormEffect, ...] = ()
    priors: tuple[ClinicalPriorRow, ...] = ()
    harms: tuple[HarmLine, ...] = ()
    burden: tuple[BurdenLine, ...] = ()
    transplants: tuple[TransplantFactLine, ...] = ()
    intercurrent: tuple[IntercurrentLine, ...] = ()
    ethics: tuple[str, ...] = ()  # concerns, each in a sentence
    justification: str = ""  # of the concerns, as the author wrote it
    answer: TrialAnswer | None = None  # the first screen; None where only parts were handed over
    surface: PowerSurface | None = None  # over sizes, durations, samples per visit; None: not asked for
    applicability: Applicability | None = None  # how far the question lies from what was checked
    clocks: tuple[ClockCurve, ...] = ()  # times to relapse and progression, cumulative relapses
    week_changes: tuple[WeekChange, ...] = ()
    course_lines: tuple[CourseLine, ...] = ()  # a few people of the first trial
    responders: ResponderFigures | None = None  # figures 7 to 9, table 7
    sensitivity: tuple[WorldSensitivity, ...] = ()  # of the primary endpoint, one an active arm
    scoreboard: tuple[BoardGroup, ...] = ()  # how forecasts of finished studies did, by group


def empty_report(title: str) -> TrialReportInput:
    """Return a report without any figure, for examples and tests."""
    return TrialReportInput(title, "", "", "", (), (), (), (), (), (), (), (), {}, ())
