"""The simulation behind a trial report: worlds outside, subjects inside, trials on top."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import numpy as np

from eubiosis import __version__
from eubiosis.analysis.result import Estimate
from eubiosis.compute.pool import map_ordered
from eubiosis.core.errors import NumericalFailuresError
from eubiosis.core.findings import Finding, FindingsError
from eubiosis.core.report_input import TrialReportInput
from eubiosis.population import guild_contrast, read_profiles
from eubiosis.population.contrast import GuildContrast
from eubiosis.population.subjects import USABLE_PROFILE
from eubiosis.trial.design import Design
from eubiosis.trial.world.gut import MARKERS
from eubiosis.trial.world.host_world import TrialIsTooSmall
from eubiosis.workflow.files.spec import WorkflowSpec
from eubiosis.workflow.trial_summary import report_input
from eubiosis.workflow.trial_worlds import Task, WorldResult, run_gut_world


@dataclass(frozen=True)
class TrialJob:
    """Tables of the run folder, what the report shows, and facts for the manifest."""

    tables: Mapping[str, Mapping[str, Any]]
    report_input: TrialReportInput
    facts: Mapping[str, str]


def run_job(
    spec: WorkflowSpec, design: Design, *, processes: int = 1, progress: bool | None = None
) -> TrialJob:
    """Simulate every world of a workflow, analyse every trial and summarise.

    The result does not depend on ``processes``. Raises ``FindingsError`` for a stool table that cannot be
    used and ``TrialIsTooSmall`` where hardly anybody is eligible.
    """
    runs = spec.simulation
    profiles, members = _profiles(spec)
    tasks = [
        Task(
            design=design,
            seed=spec.seed,
            gut_world=g,
            host_worlds=runs.host_worlds,
            replicates=runs.replicates,
            couplings=runs.couplings,
            group=spec.population.group if spec.population.source == "reference" else "MS",
            profiles=profiles,
            members=members,
        )
        for g in range(runs.gut_worlds)
    ]
    try:
        results = map_ordered(run_gut_world, tasks, processes, progress, label="gut worlds")
    except TrialIsTooSmall as error:
        finding = Finding(
            "workflow",
            "design.participants",
            str(error),
            allowed="no more participants than the population yields",
            next_step="ask for fewer, or widen the eligibility",
        )
        raise FindingsError([finding]) from error
    _refuse_failures(results)
    facts = _facts(spec, design, results, profiles, members)
    return TrialJob(
        _tables(results, real_profiles=profiles is not None),
        report_input(spec, design, results, facts),
        facts,
    )


def _refuse_failures(results: list[WorldResult]) -> None:
    """Raise ``NumericalFailuresError`` when too many of the candidates' gut runs failed."""
    words: dict[str, int] = {}
    for result in results:
        for word, count in result.failed.items():
            words[word] = words.get(word, 0) + count
    total = sum(result.candidates for result in results)
    allowed = round(_ALLOWED_FAILURES * total)
    if sum(words.values()) > allowed:
        raise NumericalFailuresError(sum(words.values()), total, allowed, words)


def _profiles(spec: WorkflowSpec) -> tuple[GuildContrast | None, np.ndarray | None]:
    """Read real profiles: their contrasts, and the rows of the participants whose group is asked for."""
    source = spec.population
    if source.source == "reference":
        return None, None
    if spec.table_path is None:  # the schema demands it of this source
        raise AssertionError("a stool population without a table")
    table = read_profiles(
        spec.table_path,
        metadata=spec.metadata_path,
        id_column=source.id_column or "sample_id",
        group_column=source.group_column or "group",
        orientation=source.orientation,
        scale=source.scale,
    )
    contrast = guild_contrast(table, source.control)
    wanted = np.array([table.groups is None or g == source.group for g in table.groups or table.sample_ids])
    usable = np.array([status in USABLE_PROFILE for status in contrast.status])
    return contrast, np.flatnonzero(wanted & usable)


def _tables(results: list[WorldResult], *, real_profiles: bool) -> dict[str, dict[str, Any]]:
    """Return the tables of the run folder; the observed and the latent ones are apart."""
    estimates: dict[str, list[Any]] = {}
    keep = [name for name in Estimate.__dataclass_fields__ if name not in ("detail", "level")]
    for result in results:
        for world, number, estimate in result.estimates:
            estimates.setdefault("world", []).append(world)
            estimates.setdefault("replicate", []).append(number)
            for name in keep:
                estimates.setdefault(name, []).append(getattr(estimate, name))
    truths = [truth for result in results for truth in result.truths]
    tables: dict[str, dict[str, Any]] = {
        "estimates": estimates,
        "latent_effects": {
            name: [getattr(truth, name) for truth in truths]
            for name in ("world", "endpoint", "arm", "value", "spread", "unit_sd")
        },
    }
    example = results[0].example
    if example is not None and results[0].example_latent is not None:
        tables["observed_subjects"] = dict(example.subjects)
        tables["observed_visits"] = dict(example.visits)
        latent = dict(results[0].example_latent)
        if real_profiles:  # a steady state would give a real person's composition away
            latent = {name: column for name, column in latent.items() if name not in MARKERS}
        tables["latent_subjects"] = latent
    return tables


def _facts(
    spec: WorkflowSpec,
    design: Design,
    results: list[WorldResult],
    profiles: GuildContrast | None,
    members: np.ndarray | None,
) -> dict[str, str]:
    runs = spec.simulation
    worlds = runs.gut_worlds * runs.host_worlds
    facts = {
        "seed": str(spec.seed),
        "subjects in a trial": str(design.participants),
        "worlds": f"{worlds} ({runs.gut_worlds} gut x {runs.host_worlds} host)",
        "trials": str(worlds * runs.replicates),
        "gut-to-host couplings": _COUPLINGS[runs.couplings],
        "candidates made in a gut world": f"{np.mean([r.candidates for r in results]):.0f}",
        "of them with a stool profile that no steady state holds": (
            f"{np.mean([r.unsolved for r in results]):.1f}"
        ),
        "population": "embedded reference population"
        if profiles is None or members is None
        else f"{len(members)} stool profiles of the given table",
        "eubiosis": __version__,
        "python": ".".join(map(str, sys.version_info[:3])),
    }
    return facts | {name: version(name) for name in ("numpy", "scipy", "llvmlite", "python-libsbml")}


_ALLOWED_FAILURES = 0.05
_COUPLINGS = {
    "symmetric": "drawn about zero, each with its mirror image",
    "zero": "all zero: no therapy reaches the host",
    "hand_fit": "the specification's one-signed hand fit: not a prediction",
}
