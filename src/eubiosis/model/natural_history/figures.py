"""The natural history in figures: what the host half yields for an untreated population.

Two event rates are scaled to the level of placebo arms; dispersion, memory, progression and every ratio
then come out by themselves.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from eubiosis.core.streams import CohortDraws
from eubiosis.engine import Array, Compiled
from eubiosis.model.clinical import ClinicalLaws
from eubiosis.model.content import Content
from eubiosis.model.natural_history.clinic import (
    Counts,
    Rates,
    confirmed_progression,
    edss_paths,
    enhancing_lesions,
    mfis_scores,
    negative_binomial_dispersion,
    sample_relapses,
)
from eubiosis.model.natural_history.course import excess, run_hosts
from eubiosis.model.natural_history.people import Drive, People, draw_drive, draw_people
from eubiosis.model.natural_history.scale import SETTLING, scales

YEAR = 365
ENTRY = 2 * YEAR  # burn-in before the two observed years
DAYS = ENTRY + 2 * YEAR + 1
_RECORD = ("host_C", "host_MG", "host_NfL", "host_D", "host_T1", "host_T17", "host_R")


@dataclass(frozen=True)
class NaturalCohort:
    """An untreated population with its drive, its course and the scales of its event rates."""

    content: Content
    kernel: Compiled
    healthy: Mapping[str, float]
    people: People
    drive: Drive
    course: Mapping[str, Array]
    scale: Mapping[str, float]
    seed: int

    def rates(self, course: Mapping[str, Array] | None = None) -> Rates:
        """Return expected events a day, shape (days, people), for this or another course of the people."""
        number = {n: row.value for n, row in self.content.numbers.items()}
        over = excess((course or self.course)["host_C"], self.healthy["host_C_healthy"], number["host_eps_X"])
        return Rates(
            self.scale["host_lambda0"] * over ** number["host_gam_L"],
            self.scale["host_h0"] * over ** number["host_gam_R"] * self.people.frailty,
        )


def simulate_cohort(
    content: Content,
    kernel: Compiled,
    inputs: Mapping[str, float],
    healthy: Mapping[str, float],
    *,
    size: int,
    seed: int,
    days: int = DAYS,
) -> NaturalCohort:
    """Run an untreated population around the median gut ``inputs`` and scale its two event rates."""
    draws = CohortDraws(seed, size)
    people = draw_people(content, kernel, inputs, healthy, draws)
    drive = draw_drive(content, people, draws, days=days)
    course, _ = run_hosts(kernel, people, drive, _RECORD)
    over = excess(course["host_C"][SETTLING:], healthy["host_C_healthy"], content.numbers["host_eps_X"].value)
    scale = scales(content, over, people.frailty)
    return NaturalCohort(content, kernel, healthy, people, drive, course, scale, seed)


def natural_history(cohort: NaturalCohort) -> dict[str, float]:
    """Return the figures of an untreated cohort, by the quantity names of the target table."""
    return {**_relapse_figures(cohort), **_lesion_figures(cohort), **_progression_figures(cohort)}


def _relapse_figures(cohort: NaturalCohort) -> dict[str, float]:
    refractory = cohort.content.numbers["host_refractory"].value
    onset = sample_relapses(cohort.rates().relapses, refractory, cohort.seed)
    before = onset[ENTRY - YEAR : ENTRY].sum(axis=0)
    first = onset[ENTRY : ENTRY + YEAR].sum(axis=0)
    second = onset[ENTRY + YEAR : ENTRY + 2 * YEAR].sum(axis=0)
    entered = before >= 1
    figures = {
        "relapses a year": float((first + second).mean() / 2),
        "relapses in year 1, entry with a relapse": float(first[entered].mean()),
        "relapses year 1 over year 2, entry with a relapse": float(
            first[entered].mean() / second[entered].mean()
        ),
        "dispersion of relapses, 1 year": negative_binomial_dispersion(first),
        "dispersion of relapses, 2 years": negative_binomial_dispersion(first + second),
        "relapse-free over 2 years": float(np.mean(first + second == 0)),
    }
    for k in range(4):
        figures[f"{k} relapses in year 1, entry with a relapse"] = float(np.mean(first[entered] == k))
    figures["4 or more relapses in year 1, entry with a relapse"] = float(np.mean(first[entered] >= 4))
    nfl = cohort.course["host_NfL"][ENTRY] / cohort.healthy["host_NfL_healthy"]
    recent = onset[ENTRY - 45 : ENTRY - 10].any(axis=0)
    figures["serum NfL over healthy"] = float(
        np.mean(cohort.course["host_NfL"][ENTRY : ENTRY + 2 * YEAR]) / cohort.healthy["host_NfL_healthy"]
    )
    figures["serum NfL, recent relapse over none"] = float(nfl[recent].mean() / nfl[~recent].mean())
    return figures


def _lesion_figures(cohort: NaturalCohort) -> dict[str, float]:
    number = {n: row.value for n, row in cohort.content.numbers.items()}
    lesions = cohort.rates().lesions
    window = lesions[ENTRY - 120 : ENTRY + 2 * YEAR]
    scans = 120 + 30 * np.arange(1, 25) - 1
    counts = enhancing_lesions(window, number["host_tau_Gd"], scans, cohort.seed)
    memory = _memory(counts)
    expected_t2 = number["host_p_T2"] * lesions
    return {
        "Gd+ lesions per scan": float(counts.mean()),
        "scans without Gd+ lesions": float(np.mean(counts == 0)),
        "dispersion of Gd+ lesions per scan": negative_binomial_dispersion(counts[:, 5]),
        "new enhancing lesions a month": float(lesions[ENTRY:].mean() * 30),
        "enhancing lesions, memory of last month": memory[0],
        "enhancing lesions, memory of month before": memory[1],
        # a Poisson count is zero with probability exp(-expected): no sampling noise is added
        "no new T2 lesion in 6 months": float(np.mean(np.exp(-expected_t2[ENTRY : ENTRY + 183].sum(axis=0)))),
        "no new T2 lesion in 2 years": float(
            np.mean(np.exp(-expected_t2[ENTRY : ENTRY + 2 * YEAR].sum(axis=0)))
        ),
    }


def _memory(counts: Counts) -> tuple[float, float]:
    """Regress a scan's count on the two before it, in people with at least two lesions a scan."""
    active = counts[counts.mean(axis=1) >= 2.0]
    design = np.column_stack([np.ones(active[:, 2:].size), active[:, 1:-1].ravel(), active[:, :-2].ravel()])
    coefficients = np.linalg.lstsq(design, active[:, 2:].ravel(), rcond=None)[0]
    return float(coefficients[1]), float(coefficients[2])


def _progression_figures(cohort: NaturalCohort) -> dict[str, float]:
    content = cohort.content
    laws = _laws(cohort)
    number = laws.number
    window = slice(ENTRY, ENTRY + 2 * YEAR)
    refractory = number["host_refractory"]
    onset = sample_relapses(cohort.rates().relapses, refractory, cohort.seed)[window]
    microglia = cohort.course["host_MG"][window] / cohort.healthy["host_MG_healthy"]
    age = cohort.people.age
    edss = edss_paths(onset, microglia, age, laws, cohort.seed)
    still = edss_paths(np.zeros_like(onset), microglia, age, laws, cohort.seed)
    flat = edss_paths(onset, np.zeros_like(microglia), age, laws, cohort.seed)
    confirmed = confirmed_progression(edss, content, cohort.seed)
    tone = inflammatory_tone(laws, cohort.course, slice(ENTRY + 150, ENTRY + 240))
    mfis = mfis_scores(laws, tone, microglia[150:240].mean(axis=0), edss[180], cohort.seed)
    return {
        "progression confirmed at 12 weeks, 1 year": float(confirmed[:, 4].mean()),
        "progression confirmed at 12 weeks, 2 years": float(confirmed[:, -1].mean()),
        "EDSS drift without relapses": float((still[-1] - still[0]).mean() / 2),
        "EDSS residuals of relapses": _residuals(flat),
        "MFIS mean": float(mfis.mean()),
        "MFIS SD with measurement error": float(np.hypot(mfis.std(), number["host_mfis_sem"])),
    }


def _residuals(edss: Array) -> float:
    """Return EDSS gained a year from relapses, at the lowest point of the last month (recovered)."""
    return float((edss[-30:].min(axis=0) - edss[0]).mean() / 2)


def inflammatory_tone(laws: ClinicalLaws, course: Mapping[str, Array], window: slice) -> Array:
    """Return the geometric mean of the tone of dendritic and T cells over a window, shape (people,)."""
    tone = laws.tone({name: course[name][window] for name in ("host_D", "host_T1", "host_T17")})
    return np.asarray(np.exp(np.log(tone).mean(axis=0)))


def _laws(cohort: NaturalCohort) -> ClinicalLaws:
    number = {name: row.value for name, row in cohort.content.numbers.items()}
    return ClinicalLaws(number, cohort.healthy["host_MG_healthy"])


def doubled_acids(cohort: NaturalCohort) -> dict[str, float]:
    """Double butyrate and propionate from entry on, under the same random drive, and compare.

    Ratios are of expected events (integrated rates), days 90 to 730 after the change.
    """
    people, kernel = cohort.people, cohort.kernel
    _, at_entry = run_hosts(kernel, people, Drive(cohort.drive.tone[:ENTRY], cohort.drive.shots[:ENTRY]), ())
    days = DAYS - ENTRY
    double = {"host_but": np.full(days, 2.0), "host_pro": np.full(days, 2.0)}
    treated, _ = run_hosts(kernel, people, cohort.drive, _RECORD, start=at_entry, factors=double, day0=ENTRY)
    untreated = {name: values[ENTRY:] for name, values in cohort.course.items()}
    after = slice(90, 2 * YEAR)
    new, old = cohort.rates(treated), cohort.rates(untreated)
    relapses = new.relapses[after].sum() / old.relapses[after].sum()
    lesions = new.lesions[after].sum() / old.lesions[after].sum()
    window = slice(150, 240)
    laws = _laws(cohort)
    edss = np.full(len(people), laws.number["host_mfis_edss0"])
    scores = [
        mfis_scores(
            laws,
            inflammatory_tone(laws, course, window),
            course["host_MG"][window].mean(axis=0) / laws.healthy_microglia,
            edss,
            cohort.seed,
        )
        for course in (treated, untreated)
    ]
    return {
        "Treg fold, acids doubled, 14 d": float(np.median(treated["host_R"][13] / untreated["host_R"][13])),
        "relapse ratio, acids doubled": float(relapses),
        "lesion ratio, acids doubled": float(lesions),
        "slope of log relapse on log lesion ratio, acids doubled": float(np.log(relapses) / np.log(lesions)),
        "MFIS change, acids doubled": float((scores[0] - scores[1]).mean()),
    }
