"""What the model answers to the targets of the natural history: means over cohorts and their errors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from eubiosis.core.streams import CohortDraws
from eubiosis.model.model import Model
from eubiosis.model.natural_history.cohort import live, simulate_cohort, summed_up
from eubiosis.model.natural_history.figures import Figures, doubled_acids, natural_history
from eubiosis.model.natural_history.inputs import host_alone_inputs
from eubiosis.model.natural_history.people import Drive, draw_drive, draw_people
from eubiosis.model.natural_history.scale import DAYS, joined_inputs, scales_for

ALONE, JOINED = "natural_history_host", "natural_history_joined"
SIZE, SEEDS = 2000, (7, 8, 9, 10, 11, 12)
Answer = tuple[float, float]  # mean over cohorts and Monte Carlo standard error


@dataclass(frozen=True)
class Setting:
    """Where a population gets its gut from, and the scales of its event rates."""

    inputs: Mapping[str, float]
    scale: Mapping[str, float]


def setting(model: Model, condition: str) -> Setting:
    """Return the gut and the scales of a natural history: the host with inputs of its own, or joined."""
    if condition == JOINED:
        ms = model.derived.of("ms")
        return Setting(joined_inputs(model.kernel, ms), {n: ms[n] for n in ("host_lambda0", "host_h0")})
    inputs = host_alone_inputs(model.content)
    return Setting(inputs, scales_for(model.content, model.host_kernel, inputs, references(model)))


def references(model: Model) -> dict[str, float]:
    """Return the healthy reference values of the host."""
    healthy = model.derived.of("healthy")
    return {k: v for k, v in healthy.items() if k.startswith("host_") and k.endswith("_healthy")}


def answers(
    model: Model, conditions: Sequence[str], *, size: int = SIZE, seeds: Sequence[int] = SEEDS
) -> dict[str, dict[str, dict[str, Answer]]]:
    """Return condition -> population -> figure -> (mean over cohorts, its standard error).

    Each seed is a cohort of ``size`` people; all conditions share its random drive.
    """
    settings = {condition: setting(model, condition) for condition in conditions}
    found: dict[str, list[Figures]] = {condition: [] for condition in conditions}
    for seed in seeds:
        drive: Drive | None = None
        for condition, where in settings.items():
            drive = drive or _drive(model, where.inputs, size, seed)
            found[condition].append(figures_of(model, where, size=size, seed=seed, drive=drive))
    return {
        condition: {group: summed_up([each[group] for each in cohorts]) for group in cohorts[0]}
        for condition, cohorts in found.items()
    }


def figures_of(model: Model, where: Setting, *, size: int, seed: int, drive: Drive | None = None) -> Figures:
    """Return every figure of one cohort."""
    cohort = simulate_cohort(
        model.content, model.host_kernel, where.inputs, references(model), size=size, seed=seed, drive=drive
    )
    history = live(cohort, where.scale)
    figures, acids = natural_history(cohort, history), doubled_acids(cohort, history)
    return {group: {**figures[group], **acids[group]} for group in figures}


def _drive(model: Model, inputs: Mapping[str, float], size: int, seed: int) -> Drive:
    draws = CohortDraws(seed, size)
    people = draw_people(model.content, model.host_kernel, inputs, references(model), draws)
    return draw_drive(model.content, people, draws, days=DAYS)
