"""Through what a therapy's predicted effect goes: ecology, metabolites or a direct term; what lies outside.

One thing is switched off at a time, in expected values. With the biomass of all guilds held as it is without
therapy, what is lost went through ecology. With the host given what the gut hands over without therapy, what
is left is the direct term. The rest goes through metabolites, which a dose brings or an unchanged community
makes. The three parts sum to the effect in every host world; couplings are not known, so there are many
worlds, and a share is the mean over them of a part's size over the sizes of all three.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from eubiosis import engine
from eubiosis.core.guilds import GUILDS
from eubiosis.core.streams import CohortDraws
from eubiosis.engine import Add, Array, AtLeast, Compiled, Scale, Tolerances
from eubiosis.model.model import Model
from eubiosis.model.natural_history.course import run_hosts
from eubiosis.model.natural_history.people import HOST_INPUTS, draw_drive, draw_people
from eubiosis.model.natural_history.rates import relative_rates
from eubiosis.model.natural_history.scale import joined_inputs
from eubiosis.model.response import held
from eubiosis.model.worlds import draw_host_world
from eubiosis.therapy import Adherence, Therapy, placebo
from eubiosis.trial.design import Design
from eubiosis.trial.world.adherence import planned
from eubiosis.trial.world.direct import LogFactors, direct_terms
from eubiosis.trial.world.gut import HANDED, MARKER_SOURCES
from eubiosis.trial.world.inputs import Donor, gut_inputs

DAYS, BURN_IN = 84, 365
WORLDS, PEOPLE = 8, 40
PARTS = ("ecology", "metabolites", "direct")
_HOST = ("relapses", "t2_lesions", "treg")
_BIOMASS = tuple(f"gut_B_{guild}" for guild in GUILDS)
_TOLERANCES = Tolerances(relative=1e-7, absolute=1e-11, negative=1e4)
_NOTHING = 1e-6  # log ratio below which the model has no effect
_REFERENCES = ("host_C_healthy", "host_MG_healthy", "host_NfL_healthy")


@dataclass(frozen=True)
class EffectShares:
    """Where the effect on one endpoint goes through.

    ``effect`` is the log ratio to no therapy after twelve weeks (events: over them), the median over host
    worlds; ``shares`` sum to one, and are NaN where the model has no effect.
    """

    endpoint: str
    effect: float
    low: float
    high: float
    shares: Mapping[str, float]

    @property
    def nothing(self) -> bool:
        """Whether the model has no effect on the endpoint."""
        return not np.isfinite(self.shares["ecology"])


def therapy_shares(
    model: Model, therapy: Therapy, *, worlds: int = WORLDS, people: int = PEOPLE, seed: int = 11
) -> list[EffectShares]:
    """Return the shares of a therapy's effect on every gut, plasma and host endpoint, all of it taken.

    Raises ``ArithmeticError`` where a gut run fails.

    >>> from eubiosis import model
    >>> from eubiosis.therapy import give
    >>> found = therapy_shares(model.load(), give("vitamin_d", dose="4000 IU/day"), worlds=2, people=8)
    >>> [(row.endpoint, round(row.shares["direct"], 6)) for row in found if not row.nothing]
    [('relapses', 1.0), ('t2_lesions', 1.0)]
    """
    part = _whole(therapy)
    runs = _gut_runs(model, part)
    gut = [
        _shares(endpoint, *(np.array([np.log(runs[k][name][-1] / runs["none"][name][0])]) for k in _GUT))
        for endpoint, name in MARKER_SOURCES.items()
    ]
    effects = _host_effects(model, part, runs, worlds, people, seed)
    host = [_shares(endpoint, *(effects[k][endpoint] for k in _VARIANTS)) for endpoint in _HOST]
    return [*gut, *host]


_GUT = ("full", "still", "none")
_VARIANTS = ("full", "still", "direct")


def _whole(therapy: Therapy) -> Therapy:
    """Return the therapy over the whole of the days and fully taken."""
    week = DAYS / 7
    full = {"adherence": Adherence.full(), "stop": week, "start": 0.0, "ramp": 0.0}
    added = tuple(each.model_copy(update=full) for each in therapy.added)
    return therapy.model_copy(update={**full, "added": added})


def _gut_runs(model: Model, therapy: Therapy) -> dict[str, dict[str, Array]]:
    """Return courses of the gut: untreated, treated, and treated with all biomasses held."""
    joined = model.upstream_kernel
    still = engine.compile(held(joined.system, _BIOMASS))
    start = model.states("ms", joined)
    own = dict(zip(joined.system.parameters, model.parameters("ms", joined), strict=True))
    donors = [_donor(model, joined, start, own, each.transplant) for each in therapy.components]
    shares = [np.ones((1, DAYS)) for _ in therapy.components]
    given = gut_inputs(model, therapy, shares, donors, DAYS, weekly=True)
    names = (*HANDED, *MARKER_SOURCES.values())
    days = np.arange(DAYS + 1.0)
    parameters = {**own, **given.parameters}
    hold = {f"hold.{name}": 1.0 for name in _BIOMASS}
    unmoved = [each for each in given.inputs if not isinstance(each, Add | Scale | AtLeast)]
    found: dict[str, dict[str, Array]] = {}
    for key, kernel, values, inputs in (
        ("none", joined, own, []),
        ("full", joined, parameters, list(given.inputs)),
        ("still", still, {**own, **hold}, unmoved),
    ):
        solution = kernel.solve(
            days, names, parameters=values, initial=start[None], inputs=inputs, tolerances=_TOLERANCES
        )
        if solution.status[0] != "ok":
            message = f"{therapy.describe()}: the gut failed ({solution.status[0]}) in the run {key}"
            raise ArithmeticError(message)
        found[key] = {name: solution[name][0] for name in names}
    return found


def _donor(
    model: Model, joined: Compiled, start: Array, own: Mapping[str, float], transplant: object
) -> Donor | None:
    """Return a donor at the model's healthy reference, or the person's own stool."""
    if transplant is None:
        return None
    engraftment = model.content.value("gut_fmt_E")
    if getattr(transplant, "donor", None) == "own":
        factors = np.array([[own[f"gut_w_{guild}"] for guild in GUILDS]])
        return Donor(factors, start[None], engraftment)
    factors = np.array([[own[f"gut_w_don_{guild}"] for guild in GUILDS]])
    return Donor(factors, model.states("healthy", joined)[None], engraftment)


def _host_effects(
    model: Model,
    therapy: Therapy,
    runs: Mapping[str, Mapping[str, Array]],
    worlds: int,
    people: int,
    seed: int,
) -> dict[str, dict[str, Array]]:
    """Return log ratios of host endpoints to no therapy: run -> endpoint -> (worlds,)."""
    arms = {"none": placebo(), "active": therapy}
    design = Design(arms=arms, participants=12, visits=[0, DAYS / 7], primary="treg")
    found: dict[str, dict[str, list[float]]] = {key: {name: [] for name in _HOST} for key in _VARIANTS}
    for world in range(worlds):
        couplings = draw_host_world(model, world, seed, "symmetric")
        terms = direct_terms(model, design, world, seed, "symmetric")
        outcomes = _hosts(model, therapy, runs, couplings, terms, people, seed)
        for key, endpoints in found.items():
            for name, values in endpoints.items():
                values.append(float(np.log(outcomes[key][name] / outcomes["none"][name])))
    return {key: {name: np.array(v) for name, v in each.items()} for key, each in found.items()}


def _hosts(
    model: Model,
    therapy: Therapy,
    runs: Mapping[str, Mapping[str, Array]],
    couplings: Mapping[str, float],
    terms: LogFactors,
    size: int,
    seed: int,
) -> dict[str, dict[str, float]]:
    """Run the same people under each variant of the therapy in one world: variant -> endpoint -> value."""
    kernel, content = model.host_kernel, model.content
    healthy = model.derived.of("healthy")
    values = {name: healthy[name] for name in _REFERENCES} | dict(couplings)
    draws = CohortDraws(seed, size)
    crowd = draw_people(content, kernel, joined_inputs(model.kernel, model.derived.of("ms")), values, draws)
    drive = draw_drive(content, crowd, draws, days=BURN_IN + DAYS)
    record = ("host_C", "host_R")
    _, entry = run_hosts(kernel, crowd, drive.first(BURN_IN), ())
    number = content.by_name
    direct = _direct_factors(therapy, terms)
    found: dict[str, dict[str, float]] = {}
    variants = {"none": ("none", {}), "full": ("full", direct), "still": ("still", direct)}
    for key, (source, factors) in {**variants, "direct": ("none", direct)}.items():
        gut = {name: runs[source][name] / runs["none"][name][0] for name in HOST_INPUTS}
        course, _ = run_hosts(
            kernel,
            crowd,
            drive,
            record,
            start=entry,
            factors={**gut, **factors},
            levels={"host_si_pro": runs[source]["host_si_pro"]},
            day0=BURN_IN,
        )
        rates = relative_rates(number, course["host_C"], crowd.frailty, drive.hazard[BURN_IN:])
        found[key] = {
            "relapses": float(rates.relapses.sum()),
            "t2_lesions": float(rates.lesions.sum()),
            "treg": float(np.exp(np.log(course["host_R"][-1]).mean())),
        }
    return found


def _direct_factors(therapy: Therapy, terms: LogFactors) -> dict[str, Array]:
    logs: dict[str, Array] = {}
    for part in therapy.components:
        for name, value in terms.get(part.product, {}).items():
            logs[name] = logs.get(name, 0.0) + value * planned(part, DAYS)
    return {name: np.exp(value) for name, value in logs.items()}


def _shares(endpoint: str, full: Array, still: Array, direct: Array) -> EffectShares:
    """Return the shares of one endpoint from log ratios in every world, (worlds,) each."""
    parts = np.stack([full - still, still - direct, direct])
    size = np.abs(parts)
    total = size.sum(axis=0)
    if np.all(total < _NOTHING):
        return EffectShares(endpoint, 0.0, 0.0, 0.0, dict.fromkeys(PARTS, float("nan")))
    some = total >= _NOTHING
    means = (size[:, some] / total[some]).mean(axis=1)
    low, middle, high = np.quantile(full, [0.025, 0.5, 0.975])
    shares = dict(zip(PARTS, map(float, means), strict=True))
    return EffectShares(endpoint, float(middle), float(low), float(high), shares)
