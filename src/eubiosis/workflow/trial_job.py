"""The simulation behind a trial report: worlds outside, subjects inside, trials on top."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np

from eubiosis.analysis.estimates import Estimates
from eubiosis.analysis.truth import effects_table
from eubiosis.calibration.clinical_rows import demand_clinical_rows
from eubiosis.compute.chunk_store import ChunkStore
from eubiosis.compute.executors import Executor
from eubiosis.core.content import PACKAGED_CONTENT
from eubiosis.core.errors import NumericalFailuresError
from eubiosis.core.findings import Finding, FindingsError
from eubiosis.core.frame import Table
from eubiosis.core.machine import give_back_memory
from eubiosis.core.report_input import TrialReportInput
from eubiosis.core.table_schemas import (
    ESTIMATES,
    LATENT_EFFECTS,
    LATENT_WORLDS,
)
from eubiosis.core.version import __version__
from eubiosis.model import load
from eubiosis.model.derived import content_key
from eubiosis.model.model import Model
from eubiosis.population.generate import Cohort, cohort_of
from eubiosis.population.lost import LostProfiles
from eubiosis.trial.simulate import BLOCK, Trials, tasks
from eubiosis.trial.world.enrolment import Candidates
from eubiosis.trial.world.host_world import TrialIsTooSmall
from eubiosis.workflow.figure_tables import figure_tables
from eubiosis.workflow.trial_blocks import example_parts
from eubiosis.workflow.trial_chunk import Chunk, reduced
from eubiosis.workflow.trial_forms import biomarker_fact
from eubiosis.workflow.trial_pieces import Resumed, chunks_of, nothing_said
from eubiosis.workflow.workflow import Workflow
from eubiosis.workflow.worlds_used import worlds_facts


@dataclass(frozen=True)
class TrialJob:
    """Tables of the run folder, what the report shows, and facts for the manifest."""

    tables: Mapping[str, Table]
    report_input: TrialReportInput
    facts: Mapping[str, str]
    parts: int = 0  # blocks whose part of the first trial's tables lies beside the chunks, or none


def run_job(
    workflow: Workflow,
    *,
    executor: Executor | None = None,
    progress: bool | None = None,
    content: Path = PACKAGED_CONTENT,
    store: ChunkStore | None = None,
    resumed: Resumed = nothing_said,
    blocks_together: int = 1,
) -> TrialJob:
    """Simulate every world of a workflow, analyse every trial and summarise.

    ``content`` is the folder that the model is loaded from. The result does not depend on the ``executor``
    (default: this process). With a ``store`` each gut world is written into it when it is finished, and those
    that lie there are not simulated again; ``resumed`` is told of these. A trial of more than
    ``trial.simulate.MOST_IN_ONE_BLOCK`` participants is cut into blocks of people, ``blocks_together`` a
    piece of work, which changes no bit; its first trial's tables lie in the store, and without one those of
    its first block are returned, if anybody of the trial is in it. Raises ``FindingsError`` for a stool table
    that cannot be used or where hardly anybody is eligible, and ``NumericalFailuresError`` when too many gut
    runs failed.
    """
    demand_clinical_rows(content)
    _demand_disk(workflow, executor or Executor())
    model = load(content)
    cohort = cohort_of(workflow.population, model, workflow.seed)
    jobs = tasks(workflow.design, cohort, workflow.simulation, model, workflow.seed, workflow.surface_grid)
    give_back_memory()  # of what was read and checked; the workers need it
    try:
        chunks = chunks_of(jobs, executor or Executor(), progress, store, resumed, blocks_together)
    except TrialIsTooSmall as error:
        finding = Finding(
            "workflow",
            "design.participants",
            str(error),
            allowed="no more participants than the population yields",
            next_step="ask for fewer, or widen the eligibility",
        )
        raise FindingsError([finding]) from error
    give_back_memory()
    # late: what only the report needs is not in memory while the workers work
    from eubiosis.workflow.trial_summary import report_input

    _refuse_failures(chunks)
    facts = _facts(workflow, chunks, cohort.profiles, model)
    if content != PACKAGED_CONTENT:
        facts = {**facts, "model": f"an edited content folder, sha256 {content_key(model.content)[:12]}"}
    shown = report_input(workflow, chunks, facts, model, lost_warnings(cohort, chunks))
    tables = _tables(chunks, real_profiles=cohort.profiles is not None, in_parts=store is not None)
    return TrialJob(
        tables | figure_tables(shown),
        shown,
        facts,
        chunks[0].blocks if store is not None else 0,
    )


def trial_report(
    trials: Trials,
    estimates: Estimates | None = None,
    *,
    title: str,
    question: str = "as in the title",
    context_of_use: str = "exploration",
    decision: str = "none stated",
) -> TrialReportInput:
    """Summarise simulated trials for a report; ``eubiosis.report.write`` makes a file of it.

    Without ``estimates`` the trials are analysed here. Raises ``FindingsError`` for empty words.

    >>> from eubiosis import model, population, therapy, trial
    >>> axis = model.load()
    >>> arms = {"placebo": therapy.placebo(), "inulin": therapy.prebiotic("inulin", dose="12 g/day")}
    >>> design = trial.Design(arms=arms, participants=8, visits=[0, 4], primary="stool_butyrate")
    >>> cohort = population.generate(axis, seed=7)
    >>> trials = trial.simulate(design, cohort, axis, gut_worlds=1, host_worlds=1, replicates=2, seed=7)
    >>> report = trial_report(trials, title="A very small trial")
    >>> [arm.name for arm in report.arms], len(report.effects)
    (['placebo', 'inulin'], 28)
    """
    from eubiosis.workflow.trial_summary import report_input  # late, as above

    workflow = Workflow(
        title=title,
        question=question,
        context_of_use=context_of_use,
        decision=decision,
        seed=trials.seed,
        design=trials.design,
        simulation=trials.simulation,
    )
    chunks = [reduced(trials, estimates)]
    return report_input(workflow, chunks, _facts(workflow, chunks, trials.profiles, load()))


def _demand_disk(workflow: Workflow, executor: Executor) -> None:
    """Refuse the tables of all trials where the processes do not write on this machine's disk."""
    if workflow.simulation.tables == "all" and not executor.shares_disk:
        finding = Finding(
            "workflow",
            "simulation.tables",
            '"all" on a cluster, whose workers send back results and no tables',
            allowed="first, or all with processes of this machine",
            next_step="give --executor processes:N, or leave tables out",
        )
        raise FindingsError([finding])


def _refuse_failures(chunks: Sequence[Chunk]) -> None:
    """Raise ``NumericalFailuresError`` when too many of the candidates' gut runs failed."""
    words: Counter[str] = Counter()
    candidates = [each for chunk in chunks for each in chunk.candidates]
    for each in candidates:
        words.update(each.failed)
    total = sum(each.asked for each in candidates)
    allowed = round(_ALLOWED_FAILURES * total)
    if sum(words.values()) > allowed:
        raise NumericalFailuresError(sum(words.values()), total, allowed, words)


def lost_warnings(cohort: Cohort, chunks: Sequence[Chunk]) -> tuple[str, ...]:
    """Name the people of a stool table who were lost, where they are more than a tenth of those tried."""
    if cohort.contrast is None or cohort.participants is None:
        return ()
    worlds = [(each.tried, each.unheld) for chunk in chunks for each in chunk.candidates]
    said = LostProfiles.of(cohort.contrast, cohort.participants, worlds).warning()
    return () if said is None else (said + ".",)


def _tables(chunks: Sequence[Chunk], *, real_profiles: bool, in_parts: bool) -> dict[str, Table]:
    """Return the tables of the run folder; the observed and the latent ones are apart.

    Of a trial that was cut, those of the first trial lie in the store ``in_parts``.
    """
    estimates = Estimates(tuple(row for chunk in chunks for row in chunk.estimates)).to_table()
    truths = effects_table([each for chunk in chunks for each in chunk.truths])
    tables = {
        "estimates": _as(estimates, ESTIMATES.name, ESTIMATES.names),
        "latent_effects": _as(truths, LATENT_EFFECTS.name, LATENT_EFFECTS.names),
    }
    example = chunks[0].example
    worlds = [row for chunk in chunks for row in chunk.worlds]
    tables["latent_worlds"] = Table(
        {name: [getattr(row, name) for row in worlds] for name in LATENT_WORLDS.names}, schema=LATENT_WORLDS
    )
    if example is not None and not (chunks[0].blocks and in_parts):
        tables |= example_parts(example, real_profiles=real_profiles)
    return tables


def _as(table: Table, name: str, columns: Sequence[str] | None = None) -> Table:
    return table.select(*(columns or table.columns)).named(name)


def _facts(workflow: Workflow, chunks: Sequence[Chunk], profiles: int | None, model: Model) -> dict[str, str]:
    runs = workflow.simulation
    candidates = [each for chunk in chunks for each in chunk.candidates]
    facts = {
        "seed": str(workflow.seed),
        "participants in a trial": str(workflow.design.participants),
        "worlds": f"{runs.worlds} ({runs.gut_worlds} gut x {runs.host_worlds} host)",
        "trials": str(runs.trials),
        **_block_facts(chunks),
        **worlds_facts(model, runs, workflow.seed),
        "gut-to-host couplings": _COUPLINGS[runs.couplings],
        **({"couplings and biomarkers": biomarker_fact()} if runs.couplings == "symmetric" else {}),
        "outside the mechanism": _OUTSIDE[runs.draws_outside],
        "candidates made in a gut world": f"{np.mean([c.made for c in candidates]):.0f}",
        "of them run, having passed screening on paper": f"{np.mean([c.asked for c in candidates]):.0f}",
        "of those run, with a stool profile that no steady state holds": (
            f"{sum(c.unsolved for c in candidates):,} in all of {sum(c.asked for c in candidates):,}"
        ),
        **_niche_facts(candidates),
        "population": "embedded reference population"
        if profiles is None
        else f"{profiles} stool profiles of the given table",
        "eubiosis": __version__,
        "python": ".".join(map(str, sys.version_info[:3])),
    }
    return facts | {name: version(name) for name in ("numpy", "scipy", "llvmlite", "python-libsbml")}


def _block_facts(chunks: Sequence[Chunk]) -> dict[str, str]:
    """Say how trials were cut, and whose courses the report shows."""
    if not chunks[0].blocks:
        return {}
    shown = {arm: len(values) for arm, values in next(iter(chunks[0].changes.values())).items()}
    return {
        "blocks in a gut world": f"{np.mean([c.blocks for c in chunks]):.0f}, of {BLOCK} candidates each",
        "shown courses and changes of markers": f"of block 0 of each gut world, {max(shown.values())} people",
    }


def _niche_facts(candidates: Sequence[Candidates]) -> dict[str, str]:
    """Say how well stool profiles are held, over all gut worlds."""
    held, far = sum(c.held for c in candidates), sum(c.far for c in candidates)
    if not held:
        return {"stool profiles held from afar": "none is held"}
    return {
        "stool profiles held from afar": f"{far} of {held} ({100 * far / held:.1f} %)",
        "largest difference of a log share from its profile": (
            f"{np.nanmax([c.largest_residual for c in candidates]):.2f}"
        ),
        "largest niche factor over the reference, or under it": (
            f"{np.nanmax([c.largest_factor for c in candidates]):.0f}"
        ),
    }


_ALLOWED_FAILURES = 0.05
_OUTSIDE = {
    True: "a term for each therapy and world on relapses and lesions, of no path; centre 0",
    False: "nothing: therapies act through paths alone",
}
_COUPLINGS = {
    "symmetric": "one total for each metabolite class, zero or about zero, each with its mirror image",
    "zero": "all zero: no therapy reaches the host",
    "hand_fit": "the specification's one-signed hand fit: not a prediction",
}
