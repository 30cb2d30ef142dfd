"""One gut world of a trial job: its host worlds and replicates, analysed; runs in its own process."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np

from eubiosis.analysis.result import Estimate
from eubiosis.core.endpoints import ENDPOINTS
from eubiosis.core.guilds import GUILDS
from eubiosis.engine import FAILURES, Array
from eubiosis.model import Model, load
from eubiosis.model.niche import NICHE_UNSOLVED
from eubiosis.model.worlds import Couplings, draw_gut_world, draw_host_world, reference_shares
from eubiosis.population.contrast import GuildContrast
from eubiosis.population.subjects import (
    VirtualSubjects,
    subjects_from_contrast,
    subjects_from_reference,
)
from eubiosis.trial.design import Design
from eubiosis.trial.world.gut import MARKERS, gut_courses
from eubiosis.trial.world.host_world import (
    Latent,
    Observed,
    TrialIsTooSmall,
    World,
    enrol,
    paper_reason,
    replicate,
)
from eubiosis.workflow.trial_analysis import COUNTS, SCORES, analyse_trial

_BOOTSTRAPS = 100
_NUMBERS_A_WORLD = 1_000_000
_FIRST_POOL, _MOST_POOL = 2.2, 40.0  # candidates for each participant


@dataclass(frozen=True)
class Task:
    """What one process needs: plain data only."""

    design: Design
    seed: int
    gut_world: int
    host_worlds: int
    replicates: int
    couplings: Couplings
    group: str
    profiles: GuildContrast | None = None
    members: np.ndarray | None = None


@dataclass(frozen=True)
class Truth:
    """True effect of one arm in one world: its value on the analysis scale (log for ratios).

    ``spread`` is the standard error that comes from which subjects were drawn; ``unit_sd`` the standard
    deviation between subjects in the control arm (of the logarithm for ratios), 1 for counts.
    """

    world: str
    endpoint: str
    arm: str
    value: float
    spread: float
    unit_sd: float


@dataclass(frozen=True)
class WorldResult:
    """What comes back from one gut world."""

    estimates: tuple[tuple[str, int, Estimate], ...]  # world, replicate, estimate
    truths: tuple[Truth, ...]
    screened: tuple[Mapping[str, int], ...]
    flow: tuple[Mapping[str, Mapping[str, float]], ...]
    visits: Mapping[str, Mapping[float, Mapping[str, Array]]]  # endpoint -> week -> arm -> values
    changes: Mapping[str, Mapping[str, Array]]  # marker -> arm -> log2 ratios
    example: Observed | None
    example_latent: Mapping[str, np.ndarray] | None
    candidates: int
    unsolved: int
    failed: Mapping[str, int]  # numerical failures of gut runs, by status


@cache
def _model() -> Model:
    return load()


def run_gut_world(task: Task) -> WorldResult:
    """Simulate and analyse every trial of one gut world."""
    model, design = _model(), task.design
    world = draw_gut_world(model, task.gut_world, task.seed)
    shared = {name: value for name, value in world.values.items() if name.startswith("host_")}
    pool_factor = _FIRST_POOL
    while True:
        candidates = _candidates(model, task, round(pool_factor * design.participants) + 20)
        wanted = np.array([paper_reason(candidates, design, i) == "" for i in range(len(candidates))])
        gut = gut_courses(model, world, candidates, design, task.seed, wanted)
        try:
            worlds = [
                enrol(
                    model,
                    f"{task.gut_world}.{h}",
                    {
                        **shared,
                        **draw_host_world(
                            model, task.gut_world * task.host_worlds + h, task.seed, task.couplings
                        ),
                    },
                    candidates,
                    gut,
                    design,
                    task.seed,
                )
                for h in range(task.host_worlds)
            ]
            break
        except TrialIsTooSmall:
            pool_factor *= 2
            if pool_factor > _MOST_POOL:
                raise
    return _collect(model, task, worlds, gut.status)


def _candidates(model: Model, task: Task, size: int) -> VirtualSubjects:
    shares = dict(zip(GUILDS, reference_shares(model), strict=True))
    first = task.gut_world * _NUMBERS_A_WORLD  # every gut world has people of its own
    if task.profiles is None:
        return subjects_from_reference(shares, group=task.group, size=size, seed=task.seed, first=first)
    assert task.members is not None
    return subjects_from_contrast(
        task.profiles, shares, members=task.members, size=size, seed=task.seed, first=first
    )


def _collect(model: Model, task: Task, worlds: list[World], status: tuple[str, ...]) -> WorldResult:
    design = task.design
    estimates, truths, flow = [], [], []
    visits: dict[str, dict[float, dict[str, list[Array]]]] = {}
    example: Observed | None = None
    example_latent = None
    for h, world in enumerate(worlds):
        latents = []
        for number in range(task.replicates):
            unique = (task.gut_world * task.host_worlds + h) * task.replicates + number
            observed, latent = replicate(model, world, design, unique)
            latents.append(latent)
            estimates += [
                (world.label, number, e)
                for e in analyse_trial(
                    observed.subjects,
                    observed.visits,
                    design.control.name,
                    seed=task.seed,
                    label=f"{world.label}/{number}",
                )
            ]
            flow.append(_flow(observed, design))
            if number == 0:
                _gather(visits, observed, design)
                if example is None and task.gut_world == 0:
                    example, example_latent = observed, _latent_table(world, latent, design)
        truths += _truths(world, latents, design)
    return WorldResult(
        tuple(estimates),
        tuple(truths),
        tuple(world.screened for world in worlds),
        tuple(flow),
        {
            e: {w: {a: np.concatenate(v) for a, v in arms.items()} for w, arms in weeks.items()}
            for e, weeks in visits.items()
        },
        _changes(worlds[0], design),
        example,
        example_latent,
        len(status),
        sum(word == NICHE_UNSOLVED for word in status),
        Counter(word for word in status if word in FAILURES),
    )


def _gather(
    visits: dict[str, dict[float, dict[str, list[Array]]]], observed: Observed, design: Design
) -> None:
    """Add the observed values of one trial, by endpoint, week and arm."""
    for endpoint in ENDPOINTS:
        if endpoint in COUNTS:
            continue
        for week in design.visits:
            for arm in design.arms:
                rows = (observed.visits["week"] == week) & (observed.visits["arm"] == arm.name)
                by_arm = visits.setdefault(endpoint, {}).setdefault(week, {})
                by_arm.setdefault(arm.name, []).append(observed.visits[endpoint][rows])


def _flow(observed: Observed, design: Design) -> dict[str, dict[str, float]]:
    table = observed.subjects
    out: dict[str, dict[str, float]] = {"randomised": {}, "completed": {}}
    for arm in design.arms:
        rows = table["arm"] == arm.name
        out["randomised"][arm.name] = float(rows.sum())
        out["completed"][arm.name] = float(table["completed"][rows].sum())
    return out


def _changes(world: World, design: Design) -> dict[str, dict[str, Array]]:
    """Return latent log2 ratios of the last visit to the first, by marker and arm, over all subjects."""
    out: dict[str, dict[str, Array]] = {}
    for k, marker in enumerate(MARKERS):
        for arm in design.arms:
            values = world.gut.markers[arm.name]
            out.setdefault(marker, {})[arm.name] = np.log2(values[:, -1, k] / values[:, 0, k])
    return out


def _truths(world: World, latents: list[Latent], design: Design) -> list[Truth]:
    """Compare twins: what each active arm does to the enrolled subjects against control, no dropout."""
    control = design.control.name
    rows = []
    generator = np.random.default_rng([world.seed, *world.label.encode()])
    size = len(world.subjects)
    draws = generator.multinomial(size, np.full(size, 1 / size), _BOOTSTRAPS)
    for arm in design.active:
        for endpoint in ENDPOINTS:
            if endpoint in COUNTS:
                name = "expected_relapses" if endpoint == "relapses" else "expected_lesions"
                treated, other = (getattr(latents[0], name)[a] for a in (arm.name, control))
                value = float(np.log(treated.sum() / other.sum()))
                spread = float(np.std(np.log((draws @ treated) / (draws @ other))))
                unit_sd = 1.0
            else:
                effect, unit_sd = _twin_effect(latents, endpoint, arm.name, control)
                value, spread = float(effect.mean()), float(effect.std() / np.sqrt(size))
            rows.append(Truth(world.label, endpoint, arm.name, value, spread, unit_sd))
    return rows


def _twin_effect(latents: list[Latent], endpoint: str, arm: str, control: str) -> tuple[Array, float]:
    """Return each subject's own effect at the last visit and the spread between subjects under control."""
    if endpoint in SCORES:
        effects = [getattr(x, endpoint)[arm][:, -1] - getattr(x, endpoint)[control][:, -1] for x in latents]
        return np.mean(effects, axis=0), float(np.std(getattr(latents[0], endpoint)[control][:, -1]))
    if endpoint == "treg":
        treated, other = (np.log(latents[0].treg[a][:, -1]) for a in (arm, control))
    else:
        k = MARKERS.index(endpoint)
        treated, other = (np.log(latents[0].markers[a][:, -1, k]) for a in (arm, control))
    return treated - other, float(np.std(other))


def _latent_table(world: World, latent: Latent, design: Design) -> dict[str, np.ndarray]:
    """Return the truth of the example trial: one row for each subject and arm."""
    numbers = np.array(world.subjects.numbers)
    columns: dict[str, list[np.ndarray]] = {}
    for arm in design.arms:
        a = arm.name
        row = {
            "subject": numbers,
            "arm": np.full(len(numbers), a),
            "expected_relapses": latent.expected_relapses[a],
            "expected_new_lesions": latent.expected_lesions[a],
            "edss_last_visit": latent.edss[a][:, -1],
            "mfis_last_visit": latent.mfis[a][:, -1],
            "treg_last_visit": latent.treg[a][:, -1],
        }
        row |= {marker: latent.markers[a][:, -1, k] for k, marker in enumerate(MARKERS)}
        for name, values in row.items():
            columns.setdefault(name, []).append(values)
    return {name: np.concatenate(values) for name, values in columns.items()}
