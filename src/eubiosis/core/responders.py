"""Who responds, as a trial report shows it: plain data, made by the workflow and drawn by the report.

Everything is of groups of simulated people; nothing says whom to treat. Effects and changes are differences
in the unit of the endpoint, or ratios where its ``scale`` says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Triple = tuple[float, float, float]  # 2.5, 50 and 97.5 %
Scale = Literal["ratio", "difference"]
Sign = Literal["benefit", "harm", "none", "mixed"]


@dataclass(frozen=True)
class WaterfallPanel:
    """People of an active arm in one pair of worlds, evenly spaced by the rank of their effect.

    ``effects`` are those by twins, which no trial could see; ``changes`` what was observed of the same people
    from baseline to the last visit, not a number for who missed it. ``people`` is how many there were,
    ``mean`` the mean effect in them all, ``reached`` the share whose effect matters.
    """

    place: str
    gut_world: int
    host_world: int
    form: str
    people: int
    effects: tuple[float, ...]
    changes: tuple[float, ...]
    mean: float
    reached: float


@dataclass(frozen=True)
class Waterfall:
    """Effects of single people on one endpoint in one active arm, in three worlds.

    ``important`` is the smallest difference that matters (None: our tables hold none), with its
    ``important_source``; ``detectable`` the smallest change of one person beyond measurement error.
    ``changed`` and ``changed_on_control`` are shares of people whose observed change is as large as that.
    """

    endpoint: str
    label: str
    unit: str
    scale: Scale
    better: str
    arm: str
    important: float | None
    important_source: str
    detectable: float | None
    detectable_source: str
    changed: Triple
    changed_on_control: Triple
    trials: int
    panels: tuple[WaterfallPanel, ...]


@dataclass(frozen=True)
class ModeratorLine:
    """A prespecified group and its counterpart: what observed trials estimate, over trials.

    ``low`` and ``high`` are the effects in the two groups, ``interaction`` their difference (or ratio);
    ``significant`` counts the trials with p < 0.05 of ``trials`` that gave one, its share with an exact 95 %
    interval in ``share``.
    """

    endpoint: str
    label: str
    unit: str
    scale: Scale
    arm: str
    moderator: str
    low_label: str
    high_label: str
    people: int
    low: Triple
    high: Triple
    interaction: Triple
    significant: int
    trials: int
    share: Triple


@dataclass(frozen=True)
class CalibrationFifth:
    """A fifth of the people by the effect that observed data predict: its predicted and true mean."""

    endpoint: str
    label: str
    unit: str
    scale: Scale
    arm: str
    fifth: int
    predicted: Triple
    true: Triple
    trials: int


@dataclass(frozen=True)
class TargetingCurve:
    """What those gain beyond everybody whom a score, learned in the other half of a trial, puts first.

    ``shares`` of people, ``observed`` the gain over trials, ``by_twins`` that of the same score by twins,
    ``perfect`` that of a score that knew every effect; benefit is positive, in the unit of the endpoint or as
    a log ratio. ``autoc`` and ``qini`` are areas under the curve over trials. ``claiming`` counts the trials
    whose AUTOC lies 1.96 standard errors above none: 2.5 % by chance.
    """

    endpoint: str
    label: str
    unit: str
    scale: Scale
    better: str
    arm: str
    people: int
    shares: tuple[float, ...]
    observed: tuple[Triple, ...]
    by_twins: tuple[Triple, ...]
    perfect: tuple[Triple, ...]
    autoc: Triple
    qini: Triple
    claiming: int
    claiming_share: Triple
    trials: int
    found: bool


@dataclass(frozen=True)
class PhenotypeLine:
    """A prespecified group of people: how common, the true effect in it over worlds, how stable, how many.

    ``sign`` is the commonest direction of the mean effect, ``stability`` the share of worlds that have it.
    ``screened_for_one`` people are looked at to find one of the group, ``screened_for_responder`` to find one
    of the group whose effect matters (None: nobody's does, or nothing says what matters).
    """

    endpoint: str
    label: str
    unit: str
    scale: Scale
    arm: str
    phenotype: str
    prevalence: Triple
    effect: Triple
    sign: Sign
    stability: float
    worlds: int
    responders: float
    screened_for_one: float | None
    screened_for_responder: float | None


@dataclass(frozen=True)
class ResponderFigures:
    """Figures 7 to 9 and table 7 of a trial report.

    ``pairs`` of worlds give one trial each, of ``people`` participants; ``notes`` say what is lacking.
    """

    pairs: int
    people: int
    waterfalls: tuple[Waterfall, ...]
    subgroups: tuple[ModeratorLine, ...]
    calibration: tuple[CalibrationFifth, ...]
    curves: tuple[TargetingCurve, ...]
    phenotypes: tuple[PhenotypeLine, ...]
    notes: tuple[str, ...]
