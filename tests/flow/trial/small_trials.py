"""Small trials for the tests: a design, candidates in one gut world, and enrolled worlds made from them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from functools import cache

import numpy as np

from eubiosis.core.guilds import GUILDS
from eubiosis.model import Model, load
from eubiosis.model.worlds import GutWorld, draw_gut_world, reference_shares
from eubiosis.population.subjects import VirtualSubjects, subjects_from_reference
from eubiosis.therapy.therapy import Therapy, inulin, placebo, propionate
from eubiosis.trial.design import Arm, Design
from eubiosis.trial.world.gut import GutCourses, gut_courses
from eubiosis.trial.world.host_world import World, enrol, paper_reason

SEED = 41
WEEKS = (0.0, 4.0, 8.0, 12.0)
END = WEEKS[-1]
PLACEBO = Arm("placebo", placebo(stop_week=END), control=True)
INULIN = Arm("inulin", inulin("12 g/day", stop_week=END))
PROPIONATE = Arm("propionate", propionate("1000 mg/day", stop_week=END))
DESIGN = Design(arms=(PLACEBO, INULIN, PROPIONATE), participants=12, visits=WEEKS, allocation=(1, 1, 1))


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
    therapy: Therapy = dataclasses.replace(arm.therapy, **changes)
    return dataclasses.replace(arm, therapy=therapy)
