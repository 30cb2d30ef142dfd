"""What the model says of a trial: a workflow is run; true effects over its worlds are the forecast."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eubiosis.analysis.truth.effects import true_effects
from eubiosis.core.findings import Finding, FindingsError, unknown_word
from eubiosis.core.streams import stream
from eubiosis.engine import Array
from eubiosis.model.model import Model
from eubiosis.population.generate import cohort_of
from eubiosis.trial.simulate import simulate
from eubiosis.workflow.workflow import Workflow

GUT_WORLDS, HOST_WORLDS = 2, 32


@dataclass(frozen=True)
class EffectOverWorlds:
    """True effects of one arm on one endpoint over worlds, (worlds,): logs of ratios, or differences.

    ``unit_sd`` is the standard deviation between people of the control arm (mean over worlds; 1 for counts).
    """

    endpoint: str
    arm: str
    values: Array
    unit_sd: float


def effects_over_worlds(
    workflow: Workflow, model: Model, *, gut_worlds: int = GUT_WORLDS, host_worlds: int = HOST_WORLDS
) -> dict[tuple[str, str], EffectOverWorlds]:
    """Run a workflow once in every pair of worlds; return (endpoint, arm) -> true effects over worlds.

    Raises ``FindingsError`` for a population that cannot be used.
    """
    cohort = cohort_of(workflow.population, model, workflow.seed)
    trials = simulate(
        workflow.design, cohort, model, gut_worlds=gut_worlds, host_worlds=host_worlds, replicates=1,
        couplings=workflow.simulation.couplings, worlds_from=workflow.simulation.worlds_from,
        seed=workflow.seed, progress=False,
    )  # fmt: skip
    parts: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for effect in true_effects(trials.latent):
        parts.setdefault((effect.endpoint, effect.arm), []).append((effect.value, effect.unit_sd))
    found = {}
    for (endpoint, arm), pairs in parts.items():
        values = np.array([value for value, _ in pairs])
        fine = np.isfinite(values)
        if fine.any():
            unit = float(np.nanmean([sd for _, sd in pairs]))
            found[endpoint, arm] = EffectOverWorlds(endpoint, arm, values[fine], unit)
    return found


def effect_of(
    found: dict[tuple[str, str], EffectOverWorlds], endpoint: str, arm: str, where: str
) -> EffectOverWorlds:
    """Return one effect; raises ``FindingsError`` for an arm or endpoint that the workflow lacks."""
    if (endpoint, arm) in found:
        return found[endpoint, arm]
    arms = list(dict.fromkeys(name for _, name in found))
    endpoints = list(dict.fromkeys(name for name, _ in found))
    problem = (
        f"arm {unknown_word(arm, arms)}"
        if arm not in arms
        else f"endpoint {unknown_word(endpoint, endpoints)}"
    )
    allowed = ", ".join(arms if arm not in arms else endpoints)
    raise FindingsError(
        [
            Finding(
                where, f"{endpoint}, {arm}", problem, allowed, "name arms and endpoints as the workflow does"
            )
        ]
    )


def spread_draws(count: int, values: Array, seed: int, name: str) -> Array:
    """Return ``count`` draws of ``values`` (n,), each as often as the others, ordered by the name."""
    order = stream(seed, f"scoreboard/{name}").permutation(len(values))
    return np.asarray(values[order[np.arange(count) % len(values)]])
