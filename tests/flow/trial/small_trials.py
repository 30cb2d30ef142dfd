"""Small trials for the tests: a design, candidates in one gut world, and enrolled worlds made from them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from functools import cache

import numpy as np

from eubiosis.core.frame import Table
from eubiosis.core.guilds import GUILDS
from eubiosis.core.table_schemas import TRIAL_SUBJECTS, TRIAL_VISITS
from eubiosis.core.trial_tables import KEYS, Observed
from eubiosis.model import Model, load
from eubiosis.model.worlds import GutWorld, draw_gut_world, reference_shares
from eubiosis.population.generate import generate
from eubiosis.population.subjects import VirtualSubjects, subjects_from_reference
from eubiosis.therapy import acid, placebo, prebiotic
from eubiosis.trial.design import Arm, Design
from eubiosis.trial.simulate import Task
from eubiosis.trial.simulation import Simulation
from eubiosis.trial.world.gut import GutCourses, gut_courses
from eubiosis.trial.world.host_world import ObservedTrial, World, enrol, paper_reason

SEED = 41
WEEKS = (0.0, 4.0, 8.0, 12.0)
END = f"week {WEEKS[-1]:g}"
PLACEBO = Arm(name="placebo", therapy=placebo(stop=END), control=True)
INULIN = Arm(name="inulin", therapy=prebiotic("inulin", dose="12 g/day", stop=END))
PROPIONATE = Arm(name="propionate", therapy=acid("propionate", dose="1000 mg/day", stop=END))
DESIGN = Design(
    arms=(PLACEBO, INULIN, PROPIONATE),
    participants=12,
    visits=WEEKS,
    allocation=(1, 1, 1),
    primary="mfis",
)


@dataclasses.dataclass(frozen=True)
class Pool:
    """Candidates of one gut world and what their guts do in every arm."""

    gut_world: GutWorld
    candidates: VirtualSubjects
    gut: GutCourses


@cache
def packaged_model() -> Model:
    """The packaged model, its kernels compiled once."""
    return load()


def shares_of(model: Model) -> dict[str, float]:
    """The model's reference composition."""
    return dict(zip(GUILDS, reference_shares(model), strict=True))


def make_pool(model: Model, design: Design, *, size: int, gut_world: int = 0, seed: int = SEED) -> Pool:
    """Candidates who pass on paper are run through the gut, the others are not."""
    world = draw_gut_world(model, gut_world, seed)
    candidates = subjects_from_reference(shares_of(model), group="MS", size=size, seed=seed)
    wanted = np.array([paper_reason(candidates, design, i) == "" for i in range(size)])
    return Pool(world, candidates, gut_courses(model, world, candidates, design, seed, wanted))


def make_world(
    model: Model, pool: Pool, design: Design, couplings: Mapping[str, float], seed: int = SEED
) -> World:
    """Enrol the trial from a pool under given couplings."""
    return enrol(model, "0.0", couplings, pool.candidates, pool.gut, design, seed)


def with_therapy(arm: Arm, **changes: object) -> Arm:
    """The same arm with another dose, adherence or schedule."""
    return arm.changed(therapy=arm.therapy.changed(**changes))


def make_task(design: Design, gut_world: int = 0, **simulation: object) -> Task:
    """What a process needs to simulate one gut world on people of the reference population."""
    model = packaged_model()
    cohort = generate(model, group="MS", seed=SEED)
    return Task(design, cohort, Simulation(**simulation), SEED, gut_world, model.content.folder)


def observed_of(trial: ObservedTrial, number: int = 0) -> Observed:
    """One recorded trial as an analysis takes it, replicate ``number`` of the pair of worlds 0.0."""

    def keyed(columns: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        rows = len(columns["subject"])
        return {**{key: np.full(rows, number * (key == "replicate")) for key in KEYS}, **columns}

    return Observed(
        Table(keyed(trial.subjects), schema=TRIAL_SUBJECTS),
        Table(keyed(trial.visits), schema=TRIAL_VISITS),
        "placebo",
    )
