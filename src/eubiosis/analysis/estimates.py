"""Estimate: every endpoint of every observed trial, by the method that its plan names."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from eubiosis.analysis.batched.trials import Found, analyse_stack, analyse_together, place_of_visits
from eubiosis.analysis.estimators.continuous import ancovas, geometric_mean_ratios
from eubiosis.analysis.estimators.counts import rate_ratios
from eubiosis.analysis.estimators.randomisation import randomisation_test
from eubiosis.analysis.result import Estimate
from eubiosis.core.collector import collector_held
from eubiosis.core.endpoints import ENDPOINTS, Endpoint
from eubiosis.core.estimand import Estimand
from eubiosis.core.frame import Table
from eubiosis.core.streams import stream
from eubiosis.core.table_schemas import TRIAL_ESTIMATES
from eubiosis.core.trial_stacks import StackedObserved, TrialStack, columns_of
from eubiosis.core.trial_tables import Observed, OneTrial, TrialKey

_NOT_SHOWN = ("detail", "level")  # of an estimate, in tables


@dataclass(frozen=True)
class TrialEstimate:
    """One estimate of one trial."""

    trial: TrialKey
    estimate: Estimate


@dataclass(frozen=True)
class Estimates:
    """Estimates of many trials: in the order of the trials, their endpoints and active arms."""

    rows: tuple[TrialEstimate, ...]

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[TrialEstimate]:
        return iter(self.rows)

    def of(self, endpoint: str, arm: str) -> tuple[TrialEstimate, ...]:
        """Return the estimates of one endpoint in one active arm, trial by trial."""
        return tuple(r for r in self.rows if (r.estimate.endpoint, r.estimate.treated) == (endpoint, arm))

    def to_table(self) -> Table:
        """Return one row for each estimate."""
        columns: dict[str, list[object]] = {
            "world": [row.trial.world for row in self.rows],
            **{key: [getattr(row.trial, key) for row in self.rows] for key in ("gut_world", "host_world")},
            "replicate": [row.trial.replicate for row in self.rows],
        }
        for each in fields(Estimate):
            if each.name not in _NOT_SHOWN:
                columns[each.name] = [getattr(row.estimate, each.name) for row in self.rows]
        return Table({name: np.asarray(values) for name, values in columns.items()}, schema=TRIAL_ESTIMATES)

    def __repr__(self) -> str:
        usable = sum(row.estimate.usable for row in self.rows)
        trials = len({row.trial for row in self.rows})
        return f"Estimates: {len(self.rows)} of {trials} trials, {usable} with numbers"

    def _repr_html_(self) -> str:
        return self.to_table()._repr_html_()


def estimate(
    observed: Observed, estimand: Estimand | Sequence[Estimand] | None = None, *, seed: int = 2026
) -> Estimates:
    """Analyse every observed trial; one estimate for each endpoint and active arm, in the order of entry.

    ``estimand`` names what to estimate (None: every endpoint). Counts: negative binomial regression with
    the log of follow-up (or scans) as offset, with p-value and interval of a randomisation test, because
    counts are more unequal than that law; ``seed`` keys its re-labellings. Scores: analysis of covariance of
    the last planned visit on baseline. Biomarkers: the same on the logarithm. A subject who misses the last
    visit is counted as missing there. An analysis that gives no numbers has its reason in ``status``. All
    trials are analysed together where nothing is unusual (``batched``), else alone (``analyse_one``); a
    trial's numbers do not depend on its company. Raises ``ValueError`` for an endpoint that is asked for and
    was not recorded.

    >>> import numpy as np
    >>> from eubiosis.analysis import estimate
    >>> from eubiosis.core.trial_tables import made_trial
    >>> found = estimate(made_trial(np.random.default_rng(1), people=60, difference=-5.0))
    >>> found.of("mfis", "active")[0].estimate.estimate < 0
    True
    """
    recorded = [each for each in ENDPOINTS.values() if _recorded(observed, each)]
    if estimand is None:
        wanted = recorded
    else:
        asked = (estimand,) if isinstance(estimand, Estimand) else tuple(estimand)
        wanted = [ENDPOINTS[each.endpoint] for each in asked]
        lacking = [each.id for each in wanted if each not in recorded]
        if lacking:
            known = ", ".join(each.id for each in recorded)
            message = f"asked for and not recorded: {', '.join(lacking)}; recorded: {known}"
            raise ValueError(message)
    with collector_held():
        return Estimates(tuple(_all_rows(observed, wanted, seed)))


def _all_rows(observed: Observed, wanted: Sequence[Endpoint], seed: int) -> Iterator[TrialEstimate]:
    control = observed.control
    if isinstance(observed, StackedObserved):
        for stack in observed.stacks:
            yield from _of_stack(stack, control, wanted, seed)
        return
    trials = list(observed.trials())
    found = analyse_together(trials, control, wanted, seed)
    for number, trial in enumerate(trials):
        arms = tuple(dict.fromkeys(trial.subjects["arm"].tolist()))
        yield from _of_trial(number, trial.key, partial(_itself, trial), arms, control, wanted, found, seed)


def _itself(trial: OneTrial) -> OneTrial:
    return trial


def _of_stack(
    stack: TrialStack, control: str, wanted: Sequence[Endpoint], seed: int
) -> Iterator[TrialEstimate]:
    found = analyse_stack(stack, control, wanted, seed)
    for k in range(len(stack)):
        entered = tuple(stack.arms[i] for i in dict.fromkeys(stack.arm[k].tolist()))
        yield from _of_trial(k, stack.key(k), partial(stack.trial, k), entered, control, wanted, found, seed)


def _of_trial(
    number: int,
    key: TrialKey,
    trial: Callable[[], OneTrial],
    entered: tuple[str, ...],
    control: str,
    wanted: Sequence[Endpoint],
    found: Found,
    seed: int,
) -> Iterator[TrialEstimate]:
    """Yield one trial's estimates; arms in the order of entry. What was not found is analysed by itself."""
    arms = [arm for arm in entered if arm != control]
    for endpoint in wanted:
        own = [found.get((number, endpoint.id, arm)) for arm in arms]
        whole = [each for each in own if each is not None]
        if len(whole) < len(own) or not arms:
            whole = [*analyse_one(trial(), control, endpoint, arms, seed)]
        for each in whole:
            yield TrialEstimate(key, each)


def _recorded(observed: Observed, endpoint: Endpoint) -> bool:
    subjects, visits = columns_of(observed)
    if endpoint.counted:
        return endpoint.events in subjects and endpoint.exposure in subjects
    return endpoint.id in visits


def analyse_one(
    trial: OneTrial, control: str, endpoint: Endpoint, arms: Sequence[str], seed: int
) -> tuple[Estimate, ...]:
    """Analyse one endpoint of one trial by itself, with every guard; one estimate for each of ``arms``."""
    subjects, arm = trial.subjects, trial.subjects["arm"]
    if endpoint.counted:
        fits = rate_ratios(
            subjects[endpoint.events],
            subjects[endpoint.exposure],
            arm,
            control=control,
            endpoint=endpoint.id,
        )
        results = tuple(_with_randomisation_p(fit, trial, endpoint, seed) for fit in fits)
    else:
        place, weeks = place_of_visits(subjects, trial.visits), np.asarray(trial.visits["week"], dtype=float)
        baseline, last = (_at(trial, endpoint.id, place, week) for week in (weeks.min(), weeks.max()))
        if endpoint.score:
            results = ancovas(
                last, arm, control=control, covariates={"baseline": baseline}, endpoint=endpoint.id
            )
        else:
            results = geometric_mean_ratios(
                last, arm, control=control, baseline=baseline, endpoint=endpoint.id
            )
    by_arm = {one.treated: one for one in results}
    return tuple(by_arm[name] for name in arms)


def _with_randomisation_p(fit: Estimate, trial: OneTrial, endpoint: Endpoint, seed: int) -> Estimate:
    if not fit.usable:
        return fit
    label = f"{trial.key.world}/{trial.key.replicate}"
    test = randomisation_test(
        trial.subjects[endpoint.events],
        trial.subjects[endpoint.exposure],
        trial.subjects["arm"],
        treated=fit.treated,
        control=fit.control,
        generator=stream(seed, f"analysis/{label}/{fit.endpoint}/{fit.treated}"),
    )
    with np.errstate(over="ignore"):
        low, high = np.exp([test.centre - test.reach, test.centre + test.reach]).tolist()
    method = f"{fit.method}; p and interval by randomisation test"
    return replace(fit, p_value=test.p_value, ci_low=low, ci_high=high, method=method)


def _at(trial: OneTrial, endpoint: str, position: NDArray[np.int64], week: float) -> NDArray[np.float64]:
    """Return an endpoint at one planned week, shape (subjects,); NaN where the visit was missed."""
    values = np.full(len(trial.subjects["subject"]), np.nan)
    at = np.asarray(trial.visits["week"] == week, dtype=bool)
    values[position[at]] = trial.visits[endpoint][at]
    return values
