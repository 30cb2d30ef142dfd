"""The answer of a virtual trial as its first screen shows it: verdict, power, chances, next step.

Everything is plain data, made by the workflow and drawn by the report. Effects stand on their natural scale:
a ratio as it is, a difference in the unit of its endpoint. All of it is simulated or arithmetic on simulated
spreads; none of it says that a therapy works.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from eubiosis.core.assurance_grid import AssuranceGrid

VerdictKind = Literal["large enough", "not with this design", "no relevant difference", "not estimable"]
EndpointRole = Literal["clinical", "biological", "exposure marker"]
StepKind = Literal["none", "endpoint", "size", "duration", "relevant difference"]
Band = tuple[float | None, float | None, float | None]


@dataclass(frozen=True)
class TrialVerdict:
    """A verdict of the fixed vocabulary: its kind, and its words."""

    kind: VerdictKind
    text: str


@dataclass(frozen=True)
class Promise:
    """What a trial of this size promises under one prior of the true effect.

    ``assurance`` is the probability of a trial that is significant towards benefit, ``wrong_sign`` the share
    of such trials in which the true effect is none or harm, ``ceiling`` the prior probability of any benefit.
    ``prior`` names the prior, ``words`` say what it is.
    """

    prior: Literal["common", "sceptical", "simulated worlds"]
    words: str
    assurance: float
    wrong_sign: float
    ceiling: float
    participants_for_80: int | None


@dataclass(frozen=True)
class ComparisonAnswer:
    """One active arm against the control on an endpoint that was named beforehand.

    ``detectable`` is the true effect that ``power`` of the trials see, at the best, the stated and the worst
    level of the control arm (None: no effect is large enough); ``participants_needed`` the size of the whole
    trial at which ``relevant`` is seen, in the same order. ``level`` holds the control arm's rate at these
    three, None where no rate plays a part. ``alpha`` is two-sided and already shared among ``comparisons``.
    ``interval`` is what the worlds allow (2.5, 50, 97.5 %), ``tipping`` how many times the outermost of it
    the effect would have to be to matter (None: no effect or no relevant difference), ``per_doubling`` the
    ratio of relapses per doubling of acids that would make it matter.
    """

    endpoint: str
    label: str
    role: EndpointRole
    primary: bool
    arm: str
    control: str
    scale: Literal["ratio", "difference"]
    unit: str
    better: str
    relevant: float | None
    power: float
    alpha: float
    comparisons: int
    participants: int
    weeks: float
    detectable: Band
    participants_needed: tuple[int | None, int | None, int | None]
    level: Band
    level_unit: str
    verdict: TrialVerdict
    promises: tuple[Promise, ...]
    simulated_power: float
    interval: tuple[float, float, float]
    tipping: float | None
    per_doubling: float | None
    standard_error: float
    trials: int
    not_usable: int


@dataclass(frozen=True)
class PowerLine:
    """Power against participants on one endpoint, in one arm, for one duration.

    ``participants`` are of the whole trial. ``low``, ``middle`` and ``high`` are the power at the relevant
    effect over the band of the control arm's rate and the Monte Carlo error of the simulated spread (empty
    without a relevant effect); ``common`` and ``sceptical`` the assurance under the two priors (empty where
    there is none). ``simulated`` rows of participants, power and its Monte Carlo error, where that was
    simulated.
    """

    endpoint: str
    label: str
    role: EndpointRole
    primary: bool
    arm: str
    weeks: float
    participants: tuple[int, ...]
    low: tuple[float, ...]
    middle: tuple[float, ...]
    high: tuple[float, ...]
    common: tuple[float, ...]
    sceptical: tuple[float, ...]
    simulated: tuple[tuple[int, float, float], ...] = ()


@dataclass(frozen=True)
class NextStep:
    """What to do next, with the files that do it; a text that is empty says in ``why_*`` why it is."""

    kind: StepKind
    text: str
    workflow: str = ""
    brief: str = ""
    why_no_brief: str = ""


@dataclass(frozen=True)
class TippingRow:
    """How strong a form of the model would have to be for the effect to matter.

    ``edge`` is the outermost effect of the form towards benefit (2.5 or 97.5 %), ``factor`` how many times
    that, on the scale of the analysis, reaches the relevant effect; None where the form has no effect.
    """

    endpoint: str
    label: str
    arm: str
    form: str
    form_label: str
    relevant: float
    scale: Literal["ratio", "difference"]
    unit: str
    edge: float
    factor: float | None
    worlds: int


@dataclass(frozen=True)
class FingerprintRow:
    """How well one marker at one visit tells two forms of the model apart.

    ``chance`` is the chance of naming the right one of the two from one trial of ``participants`` with
    ``samples`` averaged at the visit (a half is guessing), ``ceiling`` the same from a trial without end, and
    ``participants_needed`` the trial whose chance is four in five (None: no trial has it).
    """

    endpoint: str
    label: str
    arm: str
    week: float
    forms: tuple[str, str]
    participants: int
    samples: int
    chance: float
    ceiling: float
    participants_needed: int | None


@dataclass(frozen=True)
class WhatIf:
    """What becomes of the size and the verdict of the primary endpoint if one assumption were another.

    ``participants_needed`` is that of the whole trial at the worst control rate (None: beyond 100,000);
    ``flips`` says whether the verdict would be of another kind.
    """

    change: str
    participants_needed: int | None
    flips: bool


@dataclass(frozen=True)
class PlainTable:
    """A table of texts: its columns and as many cells in every row."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class KnownPart:
    """A part of what is known from published evidence, as the brief says it; nothing in it is simulated."""

    title: str
    paragraphs: tuple[str, ...] = ()
    tables: tuple[PlainTable, ...] = ()
    items: tuple[str, ...] = ()


@dataclass(frozen=True)
class TrialAnswer:
    """The first screen, and what its picture is drawn from.

    ``headline`` is the verdict on the primary endpoint over all its comparisons, ``headline_of`` the arm that
    decides it. ``pictured`` are the endpoints of the one picture: the primary one and one biological one,
    where one was named.
    """

    headline: TrialVerdict
    headline_of: str
    rows: tuple[ComparisonAnswer, ...]
    lines: tuple[PowerLine, ...]
    pictured: tuple[str, ...]
    step: NextStep
    what_if: tuple[WhatIf, ...] = ()
    tipping: tuple[TippingRow, ...] = ()
    fingerprint: tuple[FingerprintRow, ...] = ()
    known: tuple[KnownPart, ...] = ()
    published: tuple[PublishedEffect, ...] = ()
    notes: tuple[str, ...] = ()
    grids: tuple[AssuranceGrid, ...] = ()


@dataclass(frozen=True)
class PublishedEffect:
    """A published trial beside the simulated effects: what it reported, on its own scale.

    ``standardised`` are low, estimate and high on the axis of the simulated effects: log ratios of counts, or
    differences over the standard deviation between people at one visit; None where the tables do not give it.
    ``placed`` says how it was standardised, or why not.
    """

    endpoint: str
    label: str
    study: str
    intervention: str
    scale: str
    estimate: float
    low: float
    high: float
    people: int
    read: str
    source: str
    doi: str = ""
    standardised: tuple[float, float, float] | None = None
    placed: str = ""
