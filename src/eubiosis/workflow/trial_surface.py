"""Power surfaces of a design: trials of other sizes redrawn from the worlds of a job, with priors beside."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import TYPE_CHECKING

import numpy as np

from eubiosis.analysis.planning.assurance import sceptical_prior
from eubiosis.analysis.planning.prior_assurance import MixturePrior
from eubiosis.analysis.surface.build import Priors, SurfaceInput, power_surface
from eubiosis.analysis.surface.cells import SurfaceCell
from eubiosis.calibration.decisions import sceptical
from eubiosis.compute.executors import Executor
from eubiosis.core.clinical_prior import packaged_clinical
from eubiosis.core.control_arm import ControlQuestion
from eubiosis.core.effect_prior import EffectPrior
from eubiosis.core.endpoints import ENDPOINTS
from eubiosis.core.power_surface import PowerSurface
from eubiosis.core.scales import is_ratio
from eubiosis.evidence.forecast.control_forecast import control_arm
from eubiosis.evidence.forecast.priors import prior
from eubiosis.trial.design import Design
from eubiosis.trial.simulate import Task, gut_world_trials, tasks
from eubiosis.trial.surface_grid import SurfaceGrid
from eubiosis.workflow.surface_cells import cells_of_pool
from eubiosis.workflow.trial_forms import PRIOR_OUTCOMES

if TYPE_CHECKING:
    from eubiosis.model.model import Model
    from eubiosis.population.generate import Cohort
    from eubiosis.trial.simulation import Simulation

MFIS_RELEVANT = (
    4.0  # points: the planned benefit of the sceptical prior of a score (minimal important difference)
)
_YEAR = date(2026, 1, 1).year  # of publication, for which the control arm is forecast
NOTES = (
    "Power is averaged over worlds, each with the effect that it has: the chance of a significant trial as "
    "far as the model knows, and for clinical endpoints its couplings are symmetric about no effect.",
    "Trials of all sizes are drawn from the same simulated people; a trial of more than there are takes some "
    "twice, with other luck.",
    "Success is p < 0.05 in either direction; assurance counts success towards benefit alone.",
)
_NO_EVENTS = "The intercurrent events of the design happen in none of these trials."


def surface_of(
    cells: Iterable[SurfaceCell], design: Design, seed: int, *, pool: int | None = None
) -> PowerSurface:
    """Put cells of all worlds together with priors and the bands of control rates.

    ``pool`` is how many people of each world there were (default: those of the design).
    """
    found = tuple(cells)
    endpoints = tuple(dict.fromkeys(cell.endpoint for cell in found))
    priors, words = _priors(design, endpoints, found)
    given = SurfaceInput(
        primary=design.primary,
        seed=seed,
        pool=pool or design.participants,
        priors=priors,
        bands=_bands(design, endpoints),
        words=words,
        notes=(*NOTES, _NO_EVENTS) if design.intercurrent else NOTES,
    )
    return power_surface(found, given)


def cells_of_task(task: Task, grid: SurfaceGrid) -> tuple[SurfaceCell, ...]:
    """Return the cells of every pair of worlds of one gut world; its own trials are not run."""
    world = gut_world_trials(task, ends=True)
    return tuple(
        cell for pair in world.pairs if pair.pool for cell in cells_of_pool(pair.pool, grid, task.seed)
    )


def _work(work: tuple[Task, SurfaceGrid]) -> tuple[SurfaceCell, ...]:
    return cells_of_task(*work)


def surface(
    design: Design,
    cohort: Cohort,
    model: Model,
    grid: SurfaceGrid | None = None,
    *,
    simulation: Simulation | None = None,
    seed: int = 2026,
    executor: Executor | None = None,
    progress: bool | None = None,
) -> PowerSurface:
    """Simulate the people of a design and redraw trials of other sizes, lengths and samples from them.

    ``grid`` says which (default: what follows from the design, see ``SurfaceGrid``); the worlds are those of
    ``simulation``, whose replicates play no part. The same seed gives the same surface for any ``executor``.
    Raises ``FindingsError`` for a grid that the design cannot give. Everything is simulated.

    >>> from eubiosis import model, population, therapy, trial
    >>> axis = model.load()
    >>> arms = {"placebo": therapy.placebo(), "inulin": therapy.prebiotic("inulin", dose="12 g/day")}
    >>> design = trial.Design(arms=arms, participants=16, visits=[0, 4], primary="stool_butyrate")
    >>> grid = trial.SurfaceGrid(participants=[16, 32], endpoints=["stool_butyrate"], replicates=2)
    >>> few = trial.Simulation(gut_worlds=1, host_worlds=1)
    >>> found = surface(design, population.generate(axis, seed=7), axis, grid, simulation=few, seed=7)
    >>> found.sizes, found.weeks, len(found.points)
    ((16, 32), (4.0,), 2)
    """
    from eubiosis.core.findings import FindingsError
    from eubiosis.trial.simulation import Simulation

    asked = (grid or SurfaceGrid()).filled_for(design)
    problems = tuple(asked.problems_with(design))
    if problems:
        raise FindingsError(problem.finding("SurfaceGrid") for problem in problems)
    worlds = simulation or Simulation()
    work = [(task, asked) for task in tasks(design, cohort, worlds, model, seed)]
    found = (executor or Executor()).map_ordered(_work, work, progress, label="gut worlds")
    return surface_of((cell for cells in found for cell in cells), design, seed)


def _priors(
    design: Design, endpoints: Sequence[str], cells: Sequence[SurfaceCell]
) -> tuple[dict[tuple[str, str], Priors], dict[str, str]]:
    """Return the common and the sceptical prior by endpoint and arm, where the evidence has one."""
    tables = packaged_clinical()
    priors: dict[tuple[str, str], Priors] = {}
    words: dict[str, str] = {}
    for name in endpoints:
        if name not in PRIOR_OUTCOMES:
            continue
        outcome, metric = PRIOR_OUTCOMES[name]
        for arm in design.active:
            row = tables.therapy(arm.therapy.product)
            if row is None:
                continue
            common = prior(outcome, row.intervention, metric=metric)
            made = _pair_of_priors(name, common, _unit(common, name, arm.name, cells))
            if made is not None:
                priors[name, arm.name] = made
                words[name] = (
                    f"common: that of brief and report for {row.intervention} ({common.basis}); sceptical: "
                    + ("no effect, 2.5 % below a ratio of 0.8" if is_ratio(common.scale) else
                       f"no effect, 5 % beyond {MFIS_RELEVANT:g} points")
                )  # fmt: skip
    return priors, words


def _unit(found: EffectPrior, name: str, arm: str, cells: Sequence[SurfaceCell]) -> float | None:
    """Return what one unit of a prior's scale is on the scale of the analysis; None where it does not follow.

    A standardised difference is in residual standard deviations of the simulated trials.
    """
    if ENDPOINTS[name].scale == "ratio":
        return 1.0 if is_ratio(found.scale) else None
    if found.scale == "MD":
        return 1.0
    own = [c.spread for c in cells if (c.endpoint, c.arm) == (name, arm) and np.isfinite(c.spread)]
    return float(np.sqrt(np.mean(own))) if found.scale == "SMD" and own else None


def _pair_of_priors(name: str, found: EffectPrior, unit: float | None) -> Priors | None:
    if unit is None:
        return None
    if is_ratio(found.scale):
        doubt = sceptical(found)
        return Priors(_mixture("common", found, unit), _mixture("sceptical", doubt, unit))
    if name != "mfis":
        return None
    doubted = sceptical_prior(MFIS_RELEVANT)
    return Priors(
        _mixture("common", found, unit),
        MixturePrior("sceptical", (1.0,), (doubted.mean,), (doubted.sd,)),
    )


def _mixture(name: str, found: EffectPrior, unit: float) -> MixturePrior:
    """Return a prior with benefit positive; a point at no effect becomes a very narrow part."""
    sign = -1.0 if found.better == "lower" else 1.0
    narrow = 1e-3 * max(found.sds)
    return MixturePrior(
        name,
        found.weights,
        tuple(sign * mean * unit for mean in found.means),
        tuple(max(sd, narrow) * unit for sd in found.sds),
    )


def _bands(design: Design, endpoints: Sequence[str]) -> dict[str, tuple[float, float, str]]:
    """Return how far a new control arm's rate may lie from the middle of its forecast, by endpoint.

    The forecast is for a placebo arm without a drug if the design says so, else one on a platform drug; only
    its spread is used, about the level that the design sets.
    """
    years = design.days / 365.25
    rules = design.eligibility
    question = ControlQuestion(
        year=_YEAR,
        background="none" if rules.background == "none" else "platform",
        relapses_last_year=min(rules.relapses_last_year or 0, 5),
        people=max(1, design.participants // len(design.arms)),
        years=min(max(years, 0.05), 10.0),
    )
    found: dict[str, tuple[float, float, str]] = {}
    if not any(ENDPOINTS[name].counted for name in endpoints):
        return found
    forecast = control_arm(question)
    rate = forecast.relapses.first_hand.forecast
    words = f"spread of new control arms ({question.background}) about the level that the design sets"
    if rate is not None and "relapses" in endpoints:
        found["relapses"] = (rate.low / rate.rate, rate.high / rate.rate, words)
    for name, other in (("gd_lesions", "Gd_per_scan"), ("t2_lesions", "newT2_per_year")):
        one = forecast.endpoints[other]
        if name in endpoints and one.value and one.low and one.high:
            found[name] = (one.low / one.value, one.high / one.value, words)
    return found
