"""One host world of a virtual trial: candidates, screening, twins, and replicate trials on them.

Observed and latent tables are separate from the start. Every draw is keyed by the subject's own number and
the decision, so a subject's luck is the same in every arm and does not depend on the company.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from eubiosis.core.calendar import DAYS_PER_YEAR
from eubiosis.core.streams import SubjectDraws, stream
from eubiosis.engine import Array
from eubiosis.model.clinical import ClinicalLaws
from eubiosis.model.model import Model
from eubiosis.population.subjects import VirtualSubjects
from eubiosis.trial.design import Design
from eubiosis.trial.world.beyond import Beyond
from eubiosis.trial.world.direct import LogFactors
from eubiosis.trial.world.exposure import exposure_rows
from eubiosis.trial.world.gut import MARKERS, GutCourses
from eubiosis.trial.world.harms import HarmRates, adverse_events, harm_rates
from eubiosis.trial.world.host import BURN_IN, NOTHING_BEYOND, HostCourses, host_courses
from eubiosis.trial.world.layer import trial_numbers
from eubiosis.trial.world.outcomes import (
    TONE_DAYS,
    lesion_counts,
    mfis_at,
    of_own_arm,
    on_days,
    relapse_days,
    visit_edss,
)


@dataclass(frozen=True)
class World:
    """Enrolled subjects of one world with everything that would happen to them in every arm (latent).

    ``screened`` counts candidates by outcome ("enrolled", or the first reason for failing), in order of
    their numbers until the trial is full. ``level`` is each one's personal MFIS level, ``harms`` what each
    arm risks of each harm in this world.
    """

    label: str
    subjects: VirtualSubjects
    screened: Mapping[str, int]
    gut: GutCourses
    host: HostCourses
    relapses_before: Array
    level: Array
    seed: int
    harms: Mapping[str, Mapping[str, HarmRates]]
    beyond: Beyond = NOTHING_BEYOND


@dataclass(frozen=True)
class LatentTrial:
    """Truth of one replicate, by arm: shape (subjects,) or (subjects, visits)."""

    expected_relapses: Mapping[str, Array]
    expected_lesions: Mapping[str, Array]
    edss: Mapping[str, Array]
    mfis: Mapping[str, Array]
    markers: Mapping[str, Array]
    treg: Mapping[str, Array]


@dataclass(frozen=True)
class ObservedTrial:
    """What a trial would record: a row a subject, a row a visit that took place, and adverse events.

    ``subjects``, ``visits`` and ``adverse_events`` (the first event of each harm of each subject) map column
    names to values of equal length.
    """

    subjects: Mapping[str, np.ndarray]
    visits: Mapping[str, np.ndarray]
    adverse_events: Mapping[str, np.ndarray]

    def exposure(self, design: Design, seed: int) -> dict[str, np.ndarray]:
        """Return what each subject took, one row a product and week."""
        numbers = tuple(int(each) for each in self.subjects["subject"])
        followed = self.subjects["follow_up_years"] * DAYS_PER_YEAR
        return exposure_rows(design, self.subjects["arm"], numbers, followed, seed)


class TrialIsTooSmall(ValueError):
    """Fewer candidates were eligible than the design asks for."""


def enrol(
    model: Model,
    label: str,
    couplings: Mapping[str, float],
    candidates: VirtualSubjects,
    gut: GutCourses,
    design: Design,
    seed: int,
    beyond: Beyond = NOTHING_BEYOND,
    terms: LogFactors | None = None,
) -> World:
    """Screen candidates in the order of their numbers and enrol the first eligible ones.

    ``beyond`` is what acts on event rates beside the host's equations, ``terms`` are the direct terms of the
    products in this world, none by default. Raises ``TrialIsTooSmall`` when the pool does not fill the trial.
    """
    order = np.argsort(candidates.numbers, kind="stable")
    candidates = candidates.take(order)
    gut = gut.take(order)
    reasons = np.array(
        [_reason(candidates, gut.status, design, i) for i in range(len(candidates))], dtype=object
    )
    held = np.flatnonzero(reasons == "")
    draws = SubjectDraws(seed, tuple(candidates.numbers[i] for i in held))
    pool = candidates.take(held)
    host = host_courses(model, couplings, gut.take(held), pool, design, draws, beyond, terms)
    laws = _laws(model)
    earlier = relapse_days(host, laws, [""], pool.numbers, seed, "before")[""]
    before = np.sum((earlier >= BURN_IN - 365) & np.isfinite(earlier), axis=1).astype(float)
    level = (
        laws.number["host_mfis_base"]
        + laws.number["host_mfis_sd"] * draws.normals("trial/mfis level", 1)[:, 0]
    )
    _late_reasons(model, design, pool, host, before, level, reasons, held, draws)
    enrolled = [i for i in range(len(pool)) if reasons[held[i]] == ""][: design.participants]
    if len(enrolled) < design.participants:
        message = (
            f"{len(enrolled)} of {len(candidates)} candidates are eligible, {design.participants} are needed"
        )
        raise TrialIsTooSmall(message)
    last = held[enrolled[-1]]
    screened: dict[str, int] = {"enrolled": len(enrolled)}
    for reason in reasons[: last + 1]:
        if reason:
            screened[reason] = screened.get(reason, 0) + 1
    rows = np.array(enrolled)
    return World(
        label,
        pool.take(rows),
        screened,
        gut.take(held[rows]),
        _take_host(host, rows),
        before[rows],
        level[rows],
        seed,
        harm_rates(design, seed, label),
        beyond,
    )


def replicate(model: Model, world: World, design: Design, number: int) -> tuple[ObservedTrial, LatentTrial]:
    """Run one trial on the world's subjects: randomise, let events happen, measure, lose some."""
    laws = _laws(model)
    names = [arm.name for arm in design.arms]
    relapses = relapse_days(world.host, laws, names, world.subjects.numbers, world.seed, f"{number}")
    latent = _latent(world, design, laws, relapses, number)
    return _observe(world, design, laws, relapses, latent, number), latent


def _reason(subjects: VirtualSubjects, status: tuple[str, ...], design: Design, i: int) -> str:
    """Return the first reason why a candidate fails on what is known without running the host."""
    early = paper_reason(subjects, design, i)
    return early or ("" if status[i] == "ok" else f"stool profile: {status[i]}")


def paper_reason(subjects: VirtualSubjects, design: Design, i: int) -> str:
    """Return why a candidate fails on paper: course, age or EDSS; empty if none does."""
    rules = design.eligibility
    if not subjects.relapsing[i]:
        return "not relapsing-remitting"
    if rules.age is not None and not rules.age[0] <= subjects.age[i] <= rules.age[1]:
        return "age"
    if rules.edss is not None and not rules.edss[0] <= subjects.edss[i] <= rules.edss[1]:
        return "EDSS"
    return ""


def _late_reasons(
    model: Model,
    design: Design,
    pool: VirtualSubjects,
    host: HostCourses,
    before: Array,
    level: Array,
    reasons: np.ndarray,
    held: np.ndarray,
    draws: SubjectDraws,
) -> None:
    """Add the reasons that need a history: relapses before entry and fatigue at screening, as observed."""
    rules = design.eligibility
    laws = _laws(model)
    tone = laws.tone({k: v[-TONE_DAYS:] for k, v in host.before.items()}).mean(axis=0)
    microglia = host.before["host_MG"][-1] / laws.healthy_microglia
    error = laws.number["host_mfis_sem"] * draws.normals("trial/mfis screening", 1)[:, 0]
    fatigue = np.clip(level + laws.mfis_change(tone, microglia, pool.edss) + error, 0, 84)
    last = [states[-1] for course in host.after.values() for states in course.values()]
    finite = np.all(np.isfinite(np.array(last)), axis=0).tolist()
    for i, row in enumerate(held):
        if not finite[i]:
            reasons[row] = "host run not finite"
        elif rules.relapses_last_year is not None and before[i] < rules.relapses_last_year:
            reasons[row] = "relapses in the last year"
        elif rules.mfis_from is not None and fatigue[i] < rules.mfis_from:
            reasons[row] = "fatigue below the threshold"


def _latent(
    world: World, design: Design, laws: ClinicalLaws, relapses: Mapping[str, Array], number: int
) -> LatentTrial:
    visits = np.array([round(7 * week) for week in design.visits])
    subjects, host = world.subjects, world.host
    severity = (world.seed, f"trial/{number}/edss")
    edss = {
        arm.name: visit_edss(host, laws, arm.name, subjects, relapses[arm.name], visits, severity)
        for arm in design.arms
    }
    # scores are those of the last day before each visit: week 0 lies before any dose
    return LatentTrial(
        {arm.name: host.relapses[arm.name].sum(axis=0) for arm in design.arms},
        {arm.name: host.lesions[arm.name].sum(axis=0) for arm in design.arms},
        edss,
        {name: mfis_at(host, laws, name, world.level, scores, visits) for name, scores in edss.items()},
        world.gut.markers,
        {arm.name: on_days(host, arm.name, "host_R", visits).T for arm in design.arms},
    )


def _observe(
    world: World,
    design: Design,
    laws: ClinicalLaws,
    relapses: Mapping[str, Array],
    latent: LatentTrial,
    number: int,
) -> ObservedTrial:
    subjects = world.subjects
    arms = randomise(design, len(subjects), world.seed, number)
    layer = {name: row.value for name, row in trial_numbers().items()}
    draws = SubjectDraws(world.seed, subjects.numbers)
    weeks = np.array(design.visits)
    leaves = (
        draws.exponentials(f"trial/{number}/dropout", 1)[:, 0]
        * DAYS_PER_YEAR
        / max(design.dropout_per_year, 1e-12)
    )
    followed = np.minimum(leaves, float(design.days))
    seen = 7 * weeks[None, :] <= followed[:, None] + 1e-9
    own = {
        name: of_own_arm(table, arms)
        for name, table in (
            ("edss", latent.edss),
            ("mfis", latent.mfis),
            ("treg", latent.treg),
            ("markers", latent.markers),
        )
    }
    count = len(weeks)
    noise = draws.normals(f"trial/{number}/measure", count * (4 + len(MARKERS))).reshape(
        len(subjects), count, -1
    )
    ramp = design.placebo_response_mfis * np.minimum(weeks / layer["trial_placebo_ramp"], 1.0)
    values = {
        "edss": np.clip(
            np.round(2 * (own["edss"] + laws.number["host_edss_sd"] * noise[:, :, 0])) / 2, 0, 10
        ),
        "mfis": np.clip(np.round(own["mfis"] + ramp + laws.number["host_mfis_sem"] * noise[:, :, 1]), 0, 84),
        "treg": laws.number["host_treg_percent"]
        * own["treg"]
        * np.exp(layer["trial_sd_ln_treg"] * noise[:, :, 2]),
    }
    values |= _markers(own["markers"], noise[:, :, 4:], layer)
    counted = of_own_arm({arm: np.sum(d < followed[:, None], axis=1) for arm, d in relapses.items()}, arms)
    scans = lesion_counts(
        world.host, laws, arms, subjects.numbers, seen[:, 1:], 7 * weeks[1:], world.seed, f"{number}"
    )
    table = {
        "subject": np.array(subjects.numbers),
        "arm": arms,
        "age": subjects.age,
        "female": subjects.female,
        "relapses_last_year": world.relapses_before,
        "follow_up_years": followed / DAYS_PER_YEAR,
        "completed": followed >= design.days,
        "relapses": counted.astype(float),
        **scans,
    }
    visits = {
        "subject": np.repeat(np.array(subjects.numbers), count).reshape(len(subjects), count)[seen],
        "arm": np.repeat(arms, count).reshape(len(subjects), count)[seen],
        "week": np.tile(weeks, (len(subjects), 1))[seen],
        **{name: column[seen] for name, column in values.items()},
    }
    harmed = adverse_events(
        design, world.harms, arms, subjects.numbers, followed, (world.seed, f"trial/{number}/harms")
    )
    return ObservedTrial(table, visits, harmed)


def _markers(latent: Array, noise: Array, layer: Mapping[str, float]) -> dict[str, Array]:
    """Measure stool acids, plasma acids and guild shares; shares of one sample sum to one."""
    out: dict[str, Array] = {}
    for k, name in enumerate(MARKERS):
        kind = "stool_acids" if name.startswith("stool") else "plasma_acids"
        if name.startswith("share"):
            kind = "share"
        out[name] = latent[:, :, k] * np.exp(layer[f"trial_sd_ln_{kind}"] * noise[:, :, k])
    shares = [name for name in MARKERS if name.startswith("share")]
    total = sum(out[name] for name in shares)
    return {**out, **{name: out[name] / total for name in shares}}


def randomise(design: Design, size: int, seed: int, number: int) -> np.ndarray:
    """Return each subject's arm by permuted blocks in the order of entry."""
    unit = [arm.name for arm, share in zip(design.arms, design.allocation, strict=True) for _ in range(share)]
    block = np.array(unit * design.block)
    generator = stream(seed, f"trial/{number}/randomisation")
    blocks = [generator.permutation(block) for _ in range(-(-size // len(block)))]
    return np.concatenate(blocks)[:size]


def _laws(model: Model) -> ClinicalLaws:
    healthy = model.derived.of("healthy")["host_MG_healthy"]
    return ClinicalLaws({name: row.value for name, row in model.content.numbers.items()}, healthy)


def _take_host(host: HostCourses, rows: np.ndarray) -> HostCourses:
    return HostCourses(
        host.people.take(rows),
        {name: values[:, rows] for name, values in host.before.items()},
        {arm: {n: v[:, rows] for n, v in course.items()} for arm, course in host.after.items()},
        {arm: values[:, rows] for arm, values in host.lesions.items()},
        {arm: values[:, rows] for arm, values in host.relapses.items()},
    )


__all__ = [
    "LatentTrial",
    "ObservedTrial",
    "TrialIsTooSmall",
    "World",
    "enrol",
    "paper_reason",
    "randomise",
    "replicate",
]
