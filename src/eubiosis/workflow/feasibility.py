"""Whether a design can be run at all, found out before any work: on the reference population, by arithmetic.

Who would enter, how many are left at the last visit, whether anything can happen, and what time, memory and
disk the whole will take. What cannot end well is a finding before the first equation is solved.
"""

from __future__ import annotations

import math
import shutil
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from eubiosis.core.calendar import DAYS_PER_YEAR
from eubiosis.core.content import PACKAGED_CONTENT
from eubiosis.core.endpoints import ENDPOINTS
from eubiosis.core.findings import FindingCollector
from eubiosis.core.laws import negative_binomial_pmf, normal_cdf, root
from eubiosis.core.machine import physical_memory
from eubiosis.core.provenance import SourcedFact
from eubiosis.core.tables import read_table
from eubiosis.population.covariates import CovariateDraws
from eubiosis.population.reference import load_reference
from eubiosis.trial.design import Design
from eubiosis.trial.simulate import BLOCK, MOST_IN_ONE_BLOCK
from eubiosis.trial.world.host_world import REFERENCE_POOL
from eubiosis.trial.world.interruptions import variants
from eubiosis.workflow.workflow import Workflow

COSTS = PACKAGED_CONTENT / "planning" / "costs.tsv"
ENTRY = PACKAGED_CONTENT / "planning" / "entry.tsv"
CANDIDATES = 2_000  # of the reference population that are looked at
MOST_CANDIDATES = 40  # a trial screens no more than this for each place
LEAST_AT_THE_END = 2  # participants expected in an arm at the last visit
LONGEST_HOURS = 24.0  # a run that is predicted to take longer has to be asked for
_TAIL = 400  # counts of relapses above the least that is asked for
MEMORY_SHARE = 0.8  # of the machine's memory that a run may be predicted to need


@dataclass(frozen=True)
class Entry:
    """How many of the reference population would enter: a share, and the reasons of the others.

    ``share`` counts course, age and EDSS as drawn and, where the design asks for them, the chance of a score
    of fatigue above its threshold and of so many relapses in the year before. The latter is rough: in
    simulated trials the share was 0.6 to 1.7 times the predicted one (``content/planning/entry.tsv``).
    """

    share: float
    reasons: dict[str, int]

    @property
    def words(self) -> str:
        """Return the share as one would say it: in percent, to two figures below ten.

        >>> Entry(0.556, {}).words, Entry(0.0534, {}).words, Entry(1e-9, {}).words
        ('56%', '5.3%', 'below 0.01%')
        """
        if 0 < self.share < 1e-4:
            return "below 0.01%"
        return f"{self.share:.0%}" if self.share >= 0.0995 else f"{float(f'{100 * self.share:.2g}'):g}%"


@dataclass(frozen=True)
class Cost:
    """What a run is predicted to take: CPU hours in all, megabytes of a process at its peak and on disk."""

    cpu_hours: float
    memory_mb: float
    disk_mb: float

    @property
    def words(self) -> str:
        """Return one line; measured on one machine, so that half or twice is no surprise."""
        hours = self.cpu_hours
        time = f"{hours:,.1f} CPU hours" if hours >= 1 else f"{60 * hours:.1f} CPU minutes"
        return f"about {time}, {self.memory_mb:,.0f} MB a process, {self.disk_mb:,.0f} MB on disk"


def entry(design: Design, group: str) -> Entry:
    """Draw people of the reference population and screen them on paper."""
    people = _people(group)
    rules = design.eligibility
    wrong: Counter[str] = Counter()
    kept = np.ones(CANDIDATES, dtype=bool)
    relapsing = np.array([course == "RRMS" for course in people.disease_course])
    for reason, fits in (
        ("not relapsing-remitting", relapsing),
        ("age", _within(people.age, rules.age)),
        ("EDSS", _within(people.edss, rules.edss)),
    ):
        wrong[reason] = int(np.sum(kept & ~fits))
        kept &= fits
    share = float(kept.mean())
    if rules.mfis_from is not None:
        chance = _fatigued(rules.mfis_from)
        wrong["fatigue below the threshold"] = round((1 - chance) * kept.sum())
        share *= chance
    if rules.relapses_last_year:
        chance = _relapsed(design.control_level.relapses_per_year, rules.relapses_last_year)
        wrong["relapses in the last year"] = round((1 - chance) * share * CANDIDATES)
        share *= chance
    return Entry(share, {reason: count for reason, count in wrong.items() if count})


def entry_of(spec: Workflow) -> Entry:
    """Screen the reference population of a workflow on paper."""
    return entry(spec.design, _group(spec))


@cache
def _people(group: str) -> CovariateDraws:
    return load_reference().draw_covariates(group, CANDIDATES, seed=1)


def check_feasible(spec: Workflow, findings: FindingCollector, *, large: bool = False) -> Cost:
    """Report why a workflow could not end well; return what it is predicted to take.

    ``large`` says that a long run is wanted: memory that the machine does not have is refused all the same.
    """
    design = spec.design
    _check_entry(design, _group(spec), findings)
    _check_time(design, findings)
    _check_events(design, findings)
    cost = predicted_cost(spec)
    _check_cost(cost, findings, large=large)
    return cost


def predicted_cost(spec: Workflow) -> Cost:
    """Predict time, memory and disk from the costs measured in ``content/planning/costs.tsv``."""
    findings = FindingCollector()
    costs = {row.id: row.value for row in read_table(COSTS, SourcedFact, findings)}
    findings.raise_if_any()
    design, runs = spec.design, spec.simulation
    # with intercurrent events, the courses of an arm are simulated once more for every set that is kept
    years, arms = design.days / DAYS_PER_YEAR, len(design.arms) * (1 + len(variants(design)))
    people = design.participants
    pool = _candidates(spec, costs["candidates_for_each_place"])
    a_gut = costs["seconds_gut_person_year" if _doses_change(design) else "seconds_gut_steady_year"]
    gut = runs.gut_worlds * (costs["seconds_a_gut_world"] + pool * arms * years * a_gut)
    host = runs.worlds * pool * arms * years * costs["seconds_host_person_year"]
    trials = runs.trials * (costs["seconds_a_trial"] + people * costs["seconds_trial_person"])
    trials += _redrawn_seconds(spec, costs)
    together = people if people <= MOST_IN_ONE_BLOCK else BLOCK  # more people are never held at once
    memory = costs["megabytes_base"]
    memory += runs.host_worlds * together * arms * years * costs["megabytes_person_year"]
    disk = costs["megabytes_disk_base"] + runs.trials * costs["megabytes_disk_trial"]
    if people > MOST_IN_ONE_BLOCK:  # the first trial's tables in parts, twice as those of all trials; the
        # latent one has a row for each arm, about two visits long
        disk += 2 * people * (len(design.visits) + 2 * len(design.arms)) * costs["megabytes_disk_tables"]
    if runs.tables == "all":  # they lie there twice until the run folder is whole
        disk += 2 * runs.trials * people * len(design.visits) * costs["megabytes_disk_tables"]
    return Cost((costs["seconds_a_run"] + gut + host + trials) / 3600, memory, disk)


def _redrawn_seconds(spec: Workflow, costs: Mapping[str, float]) -> float:
    """Return what the trials of the surface are predicted to take; a trial cut into blocks has none."""
    grid = spec.surface_grid
    if grid is None or spec.design.participants > MOST_IN_ONE_BLOCK:
        return 0.0
    each = (costs["seconds_a_trial"] + size * costs["seconds_trial_person"] for size in grid.participants)
    kinds = len(grid.weeks) * len(grid.samples_per_visit)
    return spec.simulation.worlds * grid.replicates * kinds * sum(each)


def _candidates(spec: Workflow, for_each_place: float) -> float:
    """Return how many candidates a gut world is predicted to make: no more than a large trial needs."""
    people = spec.design.participants
    if people <= MOST_IN_ONE_BLOCK:
        return max(for_each_place * people, REFERENCE_POOL)
    share = entry_of(spec).share
    return people / max(share, 1 / MOST_CANDIDATES)


def _doses_change(design: Design) -> bool:
    """Say whether people take more in one week than in another, which the gut has to be solved anew for.

    Intercurrent events of a person's course change what is taken too.
    """
    return bool(variants(design)) or any(
        not part.adherence.steady for arm in design.active for part in arm.therapy.components
    )


def _group(spec: Workflow) -> str:
    return "MS" if spec.population.table_path is not None else spec.population.group


def check_disk(cost: Cost, out: Path, findings: FindingCollector) -> None:
    """Report a disk that has no room for the run folder."""
    place = out.absolute()
    while not place.exists() and place != place.parent:
        place = place.parent
    free = shutil.disk_usage(place).free / 1e6
    if cost.disk_mb > free:
        findings.add(
            str(out), "--out", f"the run needs {cost.disk_mb:,.0f} MB and the disk has {free:,.0f} MB",
            next_step="make room, or give an --out on another disk",
        )  # fmt: skip


def _within(values: np.ndarray, bounds: tuple[float, float] | None) -> np.ndarray:
    if bounds is None:
        return np.ones(len(values), dtype=bool)
    return np.asarray((values >= bounds[0]) & (values <= bounds[1]))


def _fatigued(threshold: float) -> float:
    """Return the chance of a score of at least ``threshold`` at screening, in people without inflammation."""
    from eubiosis.model.content import load_content

    numbers = load_content(PACKAGED_CONTENT).numbers
    mean = numbers["host_mfis_base"].value
    sd = math.hypot(numbers["host_mfis_sd"].value, numbers["host_mfis_sem"].value)
    return float(1 - normal_cdf(np.array([(threshold - mean) / sd]))[0])


def _relapsed(level: float, least: int) -> float:
    """Return the chance of ``least`` relapses in a year where those who have it show ``level`` a year later.

    Rates differ between people as a gamma law does, and stay: the rate of those who enter regresses from what
    brought them in to ``level``, so that the mean of everybody lies below it.
    """
    if level == 0:
        return 0.0
    shape = 1 / _planned("dispersion_of_relapse_rates")
    counts = least + np.arange(_TAIL)

    def weights(mean: float) -> NDArray[np.float64]:
        """Return how often each count is seen, in multiples of the first."""
        steps = (shape + counts[:-1]) / (counts[:-1] + 1) * mean / (shape + mean)
        return np.asarray(np.cumprod(np.concatenate(([1.0], steps))), dtype=np.float64)

    def excess(mean: float) -> float:
        # those with c relapses have the rate (shape + c) / (shape / mean + 1) on average
        return float(np.average(shape + counts, weights=weights(mean)) / (shape / mean + 1)) - level

    mean = root(excess, 1e-3 * level / least, level)
    first = negative_binomial_pmf(least, shape, shape / (shape + mean))
    return float(first * weights(mean).sum())


@cache
def _planned(name: str) -> float:
    """Return a number of ``content/planning/entry.tsv``."""
    findings = FindingCollector()
    rows = {row.id: row.value for row in read_table(ENTRY, SourcedFact, findings)}
    findings.raise_if_any()
    return rows[name]


def _check_entry(design: Design, group: str, findings: FindingCollector) -> None:
    found = entry(design, group)
    latitude = _planned("latitude_of_relapses") if design.eligibility.relapses_last_year else 1.0
    if latitude * found.share * MOST_CANDIDATES >= 1:
        return
    reasons = ", ".join(f"{reason} {count:,}" for reason, count in found.reasons.items())
    key = "population.group" if found.reasons.get("not relapsing-remitting") == CANDIDATES else "eligibility"
    findings.add(
        "workflow",
        key,
        f"{found.words} of the reference population would enter (of {CANDIDATES:,}: {reasons})",
        allowed=f"at least 1 in {MOST_CANDIDATES}",
        next_step="name a group with MS" if key == "population.group" else "widen the eligibility",
    )


def _check_time(design: Design, findings: FindingCollector) -> None:
    left = math.exp(-design.dropout_per_year * design.days / DAYS_PER_YEAR)
    smallest = design.participants * min(design.allocation) / sum(design.allocation)
    if smallest * left < LEAST_AT_THE_END:
        findings.add(
            "workflow",
            "design.participants" if smallest < LEAST_AT_THE_END else "design.dropout_per_year",
            f"{smallest * left:.1f} participants are expected in the smallest arm at the last visit "
            f"({smallest:.0f} enter, {left:.0%} stay)",
            allowed=f"at least {LEAST_AT_THE_END}",
            next_step="ask for more participants, fewer losses or a shorter trial",
        )


def _check_events(design: Design, findings: FindingCollector) -> None:
    level, primary = design.control_level, ENDPOINTS[design.primary]
    rate = {"relapses": level.relapses_per_year, "gd_lesions": level.gd_lesions_per_scan}
    rate["t2_lesions"] = rate["gd_lesions"]
    if primary.counted and rate[primary.id] == 0:
        findings.add(
            "workflow", "control_level", f"the level of the control arm is 0: no {primary.label} can occur",
            allowed="a level above 0 where it is the primary endpoint",
            next_step="state the level, or choose another primary endpoint",
        )  # fmt: skip
    edss = design.eligibility.edss
    if primary.id == "edss" and edss is not None and edss[1] == 0:
        findings.add(
            "workflow", "eligibility.edss", "nobody with any disability enters, and EDSS is primary",
            allowed="a range that reaches above 0", next_step="widen it, or choose another primary endpoint",
        )  # fmt: skip


def _check_cost(cost: Cost, findings: FindingCollector, *, large: bool) -> None:
    there = physical_memory()
    if there is not None and cost.memory_mb > MEMORY_SHARE * there / 1e6:
        findings.add(
            "workflow", "design.participants",
            f"one process would need {cost.memory_mb:,.0f} MB of the machine's {there / 1e6:,.0f} MB",
            allowed=f"{MEMORY_SHARE:.0%} of the memory", next_step="ask for fewer participants or replicates",
        )  # fmt: skip
    if cost.cpu_hours > LONGEST_HOURS and not large:
        findings.add(
            "workflow", "simulation", f"the run is predicted to take {cost.cpu_hours:,.0f} CPU hours",
            allowed=f"up to {LONGEST_HOURS:.0f}, or more with --large",
            next_step="ask for fewer worlds, replicates or participants, or give --large",
        )  # fmt: skip
