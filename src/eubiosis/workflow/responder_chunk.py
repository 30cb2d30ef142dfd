"""What a gut world keeps of who responds: numbers of the first trial of its first pairs of worlds."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from eubiosis.analysis.planning.important_differences import important_difference
from eubiosis.analysis.responders.compared import MODERATORS, ComparedArms, Moderated, compared, on_scale
from eubiosis.analysis.responders.cross_fit import SHARES, CrossFitted, cross_fitted
from eubiosis.analysis.responders.subgroups import group_contrasts
from eubiosis.analysis.responders.targeting import gain_curve
from eubiosis.analysis.strategies import analysed
from eubiosis.analysis.truth.individuals import QUINTILES, calibration, individual_effects
from eubiosis.core.endpoints import ENDPOINTS, Endpoint
from eubiosis.core.trial_stacks import LatentStack, TrialStack
from eubiosis.trial.design import Design

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
MOST_PAIRS = 6  # of worlds in a gut world: bounds what a chunk carries
BARS = 30  # people drawn of an arm
SHOWN_BESIDE = "mfis"
# people of the active arm; mean effect of everybody, share whose effect matters; share of the active arm and
# of the control whose observed change is as large: in the order of ``WorldResponders.people``
OF_PEOPLE = ("people", "mean", "reached", "changed", "changed_on_control")
# of each moderator, in the order of ``WorldResponders.groups``
OF_GROUPS = ("low", "high", "difference", "p_value", "share_high", "true_low", "true_high", "reached_low",
             "reached_high", "people", "analysed")  # fmt: skip
OF_AREAS = ("autoc", "autoc_error", "qini", "qini_error")


@dataclass(frozen=True)
class WorldResponders:
    """What the first trials of a gut world say of responders; not a number where something cannot be given.

    ``comparisons`` are endpoint and active arm. Arrays begin with (pairs of worlds, comparisons): ``bars``
    (..., 2, ``BARS``) true effect and observed change of people of the active arm, evenly spaced by the rank
    of their effect, ``people`` (..., ``OF_PEOPLE``), ``groups`` (..., moderators, ``OF_GROUPS``),
    ``fifths`` (..., 2, 5) mean predicted and true effect by fifth of the prediction, ``curves``
    (..., 3, shares) gain of those whom a score expects to gain most: as observed, of the same score by twins,
    and of the truth itself as the score, ``areas`` (..., ``OF_AREAS``). ``host_worlds`` (pairs,).
    """

    gut_world: int
    comparisons: tuple[tuple[str, str], ...]
    host_worlds: NDArray[np.int64]
    bars: Singles
    people: Singles
    groups: Singles
    fifths: Singles
    curves: Singles
    areas: Singles


@dataclass(frozen=True)
class _Pair:
    """The same of one comparison in one pair of worlds."""

    bars: Floats
    people: Floats
    groups: Floats
    fifths: Floats
    curves: Floats
    areas: Floats


ARRAYS = tuple(each.name for each in fields(_Pair))


def compared_endpoints(design: Design) -> tuple[Endpoint, ...]:
    """Return the endpoints that responders are shown for: the primary one, unless it is a count, and MFIS."""
    names = dict.fromkeys((design.primary, SHOWN_BESIDE))
    return tuple(ENDPOINTS[name] for name in names if not ENDPOINTS[name].counted)


def benefit_sign(endpoint: Endpoint) -> float:
    """Return what turns an effect into a benefit; where neither direction is better, more is benefit."""
    return -1.0 if endpoint.better == "lower" else 1.0


class ResponderSums:
    """Takes in the first trials of pairs of worlds, one after the other."""

    def __init__(self, design: Design) -> None:
        self.control = design.control.name
        self.comparisons = tuple(
            (each, arm.name) for each in compared_endpoints(design) for arm in design.active
        )
        self._gut_world = 0
        self._host_worlds: list[int] = []
        self._pairs: list[list[_Pair]] = []

    def add(self, seen: TrialStack, truth: LatentStack) -> None:
        """Take in the first trial of a stack and its truth, unless so many pairs are there already."""
        if len(self._pairs) >= MOST_PAIRS:
            return
        self._gut_world = seen.gut_world
        self._host_worlds.append(seen.host_world)
        first, twin = analysed(seen.take(1)), truth.take(1)
        people = Moderated.of(first)
        self._pairs.append(
            [_pair(first, twin, people, endpoint, arm, self.control) for endpoint, arm in self.comparisons]
        )

    def found(self) -> tuple[WorldResponders, ...]:
        """Return what was taken in, in single precision; nothing where nothing was."""
        if not self._pairs or not self.comparisons:
            return ()

        def stacked(name: str) -> Singles:
            return np.array([[getattr(one, name) for one in row] for row in self._pairs], dtype=np.float32)

        names = tuple((endpoint.id, arm) for endpoint, arm in self.comparisons)
        arrays = [stacked(name) for name in ARRAYS]
        return (WorldResponders(self._gut_world, names, np.array(self._host_worlds), *arrays),)


def _pair(
    seen: TrialStack, truth: LatentStack, people: Moderated, endpoint: Endpoint, arm: str, control: str
) -> _Pair:
    sign = benefit_sign(endpoint)
    effects = individual_effects(truth, endpoint, arm, control)
    matters = important_difference(endpoint.id)
    reached = np.full(len(effects), np.nan)
    if matters is not None:
        reached = np.where(np.isfinite(effects), sign * effects >= matters.value, np.nan)
    change = on_scale(seen, endpoint, -1) - on_scale(seen, endpoint, 0)
    mine, others = (seen.arm[0] == seen.arms.index(name) for name in (arm, control))
    data = compared(seen, people, endpoint, arm, control)
    halves = cross_fitted(data)
    observed = [np.nan] * 2
    if matters is not None:
        observed = [_mean(np.where(np.isfinite(change), sign * change >= matters.value, np.nan)[rows])
                    for rows in (mine, others)]  # fmt: skip
    return _Pair(
        _bars(effects[mine], change[mine]),
        np.array([np.sum(np.isfinite(effects[mine])), _mean(effects), _mean(reached), *observed]),
        _groups(data, people.upper, effects, reached),
        np.full((2, QUINTILES), np.nan)
        if halves is None
        else calibration(halves.predicted, effects[data.place]),
        _curves(halves, data, effects, sign),
        np.full(len(OF_AREAS), np.nan)
        if halves is None
        else np.array([*halves.area(sign, "autoc"), *halves.area(sign, "qini")]),
    )


def _mean(values: Floats) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else float("nan")


def _bars(effects: Floats, changes: Floats) -> Floats:
    """Return effects and changes of people evenly spaced by the rank of their effect, (2, BARS)."""
    order = np.argsort(effects, kind="stable")[: int(np.isfinite(effects).sum())]
    found = np.full((2, BARS), np.nan)
    if len(order) > BARS:
        order = order[np.round(np.linspace(0, len(order) - 1, BARS)).astype(np.int64)]
    found[:, : len(order)] = effects[order], changes[order]
    return found


def _groups(data: ComparedArms, upper: Floats, effects: Floats, reached: Floats) -> Floats:
    contrasts = group_contrasts(data)
    found = np.full((len(MODERATORS), len(OF_GROUPS)), np.nan)
    found[:, :4] = np.array([contrasts.low, contrasts.high, contrasts.difference, contrasts.p_value]).T
    for k, group in enumerate(upper):
        below, above = group == 0, group == 1
        known = below | above
        found[k, 4:] = (
            above.sum() / max(known.sum(), 1),
            _mean(effects[below]),
            _mean(effects[above]),
            _mean(reached[below]),
            _mean(reached[above]),
            known.sum(),
            len(data),
        )
    return found


def _curves(halves: CrossFitted | None, data: ComparedArms, effects: Floats, sign: float) -> Floats:
    found = np.full((3, len(SHARES)), np.nan)
    if halves is None:
        return found
    found[0] = halves.curve(sign)
    own = sign * effects[data.place]
    known = np.isfinite(own)
    if known.all():
        judged = [(own[half], sign * halves.predicted[half]) for half in halves.halves()]
        found[1] = np.mean([gain_curve(true, score, SHARES) for true, score in judged], axis=0)
        found[2] = np.mean([gain_curve(true, true, SHARES) for true, _ in judged], axis=0)
    return found
