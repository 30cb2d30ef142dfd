"""The natural history in figures: what the host half yields for an untreated population.

Each figure is taken among everybody and among entrants, who had a relapse in the year before entry: the
people of a trial's placebo arm. Two event rates are scaled to the level of placebo arms; dispersion,
memory, progression and every ratio then come out by themselves.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from eubiosis.core.streams import stream
from eubiosis.engine import Array
from eubiosis.model.clinical import ClinicalLaws
from eubiosis.model.natural_history.clinic import (
    Counts,
    assessed,
    confirmed_progression,
    edss_at,
    mfis_scores,
    negative_binomial_dispersion,
    relapses_between,
    visits,
    worse,
)
from eubiosis.model.natural_history.cohort import RECORD, History, NaturalCohort
from eubiosis.model.natural_history.course import run_hosts
from eubiosis.model.natural_history.rates import YEAR, relative_rates
from eubiosis.model.natural_history.scale import ENTRY

EVERYBODY, ENTRANTS = "everybody", "entrants"
Rows = NDArray[np.bool_]
Figures = dict[str, dict[str, float]]
_FATIGUE = slice(150, 240)  # days after entry over which fatigue is asked
_RELAPSES = 20_000  # drawn for the share that leaves a residual


def natural_history(cohort: NaturalCohort, history: History) -> Figures:
    """Return the figures of an untreated cohort by population and quantity of the target table."""
    edss = Disability(cohort, history.onsets)
    mfis = _fatigue(cohort, edss)
    groups = {EVERYBODY: np.ones(len(cohort.people), dtype=bool), ENTRANTS: history.entered}
    return {
        name: {
            **relapse_figures(history.onsets, who),
            **_lesion_figures(cohort, history, who),
            **_nerve_figures(cohort, history, who),
            **edss.figures(who),
            "MFIS mean": float(mfis[who].mean()),
            "MFIS SD with measurement error": float(
                np.hypot(mfis[who].std(), edss.laws.number["host_mfis_sem"])
            ),
        }
        for name, who in groups.items()
    }


def relapse_figures(onsets: Array, who: Rows) -> dict[str, float]:
    """Return the figures of relapses of some of the people; ``onsets`` as ``History`` has them."""
    first = relapses_between(onsets, ENTRY, ENTRY + YEAR)[who]
    second = relapses_between(onsets, ENTRY + YEAR, ENTRY + 2 * YEAR)[who]
    return {
        "relapses a year": float((first + second).mean() / 2),
        "relapses in year 1": float(first.mean()),
        "relapses year 1 over year 2": float(first.mean() / second.mean()),
        "dispersion of relapses, 1 year": negative_binomial_dispersion(first),
        "dispersion of relapses, 2 years": negative_binomial_dispersion(first + second),
        "relapse-free over 2 years": float(np.mean(first + second == 0)),
        **{f"{k} relapses in year 1": float(np.mean(first == k)) for k in range(4)},
        "4 or more relapses in year 1": float(np.mean(first >= 4)),
    }


def _lesion_figures(cohort: NaturalCohort, history: History, who: Rows) -> dict[str, float]:
    number = cohort.number
    lesions, counts = history.rates.lesions[:, who], history.scans[who]
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


def _nerve_figures(cohort: NaturalCohort, history: History, who: Rows) -> dict[str, float]:
    """Return serum NfL at entry: over healthy, and after a relapse 10 to 45 days ago over none."""
    nfl = cohort.course["host_NfL"][0] / cohort.healthy["host_NfL_healthy"]
    recent = relapses_between(history.onsets, ENTRY - 45, ENTRY - 10) > 0
    return {
        "serum NfL over healthy": float(nfl[who].mean()),
        "serum NfL, recent relapse over none": float(nfl[who & recent].mean() / nfl[who & ~recent].mean()),
    }


class Disability:
    """EDSS at the visits of two years: true, assessed, and without what relapses or microglia do to it."""

    def __init__(self, cohort: NaturalCohort, onsets: Array) -> None:
        self.laws = laws = cohort.laws
        days = visits(laws.number, 2 * YEAR + 1)
        microglia = cohort.course["host_MG"] / laws.healthy_microglia
        self.microglia = microglia
        after = np.sort(np.where(onsets >= ENTRY, onsets - ENTRY, np.inf), axis=1)
        self.onsets = after[:, : max(int(np.isfinite(after).sum(axis=1).max(initial=0)), 1)]
        age, seed = cohort.people.age, cohort.seed
        self.true = edss_at(days, self.onsets, microglia, age, laws, seed)
        self.halfway = edss_at(np.array([180]), self.onsets, microglia, age, laws, seed)[:, 0]
        never = np.full((len(age), 1), np.inf)
        ends = np.array([0, 2 * YEAR - 1])
        self.drift = np.diff(edss_at(ends, never, microglia, age, laws, seed))[:, 0] / 2
        # far behind the last relapse nothing is left to recover
        calm = np.zeros((1, len(age)))
        late = np.where(np.isfinite(self.onsets), -20 * laws.number["host_edss_tau"], np.inf)
        start, left = (edss_at(np.zeros(1, int), o, calm, age, laws, seed) for o in (never, late))
        self.residual = (left - start)[:, 0] / 2
        self.observed = assessed(self.true, laws.number["host_edss_sd"], seed)
        self.confirmed = confirmed_progression(self.observed)
        self.without_relapse = self._no_relapse_before_progression()
        self.worse_after_a_year = worse(self.observed)[:, 4]
        self.lasting = lasting_figures(laws, seed)
        self.relapsed = np.sum(self.onsets < YEAR, axis=1) > 0

    def _no_relapse_before_progression(self) -> Rows:
        """Tell whose first confirmed progression has no relapse in the interval before it, (people,)."""
        interval = self.laws.number["host_visit_days"]
        seen = interval * np.argmax(self.confirmed, axis=1)[:, None]
        return np.asarray(np.all((self.onsets > seen) | (self.onsets <= seen - interval), axis=1))

    def figures(self, who: Rows) -> dict[str, float]:
        """Return the figures of disability of some of the people."""
        relapsed = self.relapsed[who]
        return {
            "progression confirmed at 12 weeks, 1 year": float(self.confirmed[who, 4].mean()),
            "progression confirmed at 12 weeks, 2 years": float(self.confirmed[who, -1].mean()),
            "EDSS drift without relapses": float(self.drift[who].mean()),
            "EDSS residuals of relapses": float(self.residual[who].mean()),
            **self.lasting,
            "confirmed progression without a relapse before": float(
                self.without_relapse[who & self.confirmed[:, -1]].mean()
            ),
            "EDSS worse after a year without relapse": float(self.worse_after_a_year[who][~relapsed].mean()),
            "EDSS worse after a year with a relapse": float(self.worse_after_a_year[who][relapsed].mean()),
        }


def lasting_figures(laws: ClinicalLaws, seed: int) -> dict[str, float]:
    """Return what relapses leave, as a clinic sees it: half a point or more, a point or more, and the mean.

    Published figures compare assessments, so their noise counts: EDSS is assessed before the relapse and
    three visit intervals after its onset (the sources say 6 to 12 months).
    """
    random = stream(seed, "clinic/residuals")
    number, uniforms = laws.number, random.random((_RELAPSES, 1, 2))
    entry, calm = np.full(_RELAPSES, 2.0), np.zeros((1, _RELAPSES))
    onset = np.full((_RELAPSES, 1), -3 * number["host_visit_days"])
    age = np.full(_RELAPSES, number["host_age_mean"])
    later = laws.edss_on(np.zeros(1, int), entry, onset, calm, age, uniforms)[:, 0]
    before, after = (
        np.round(2 * (level + number["host_edss_sd"] * random.standard_normal(_RELAPSES))) / 2
        for level in (entry, later)
    )
    return {
        "relapses that leave 0.5 EDSS or more": float(np.mean(after - before >= 0.5)),
        "relapses that leave 1.0 EDSS or more": float(np.mean(after - before >= 1.0)),
        "EDSS change of a relapse": float(np.mean(after - before)),
    }


def _fatigue(cohort: NaturalCohort, edss: Disability) -> Array:
    tone = inflammatory_tone(edss.laws, cohort.course)
    return mfis_scores(edss.laws, tone, edss.microglia[_FATIGUE].mean(axis=0), edss.halfway, cohort.seed)


def inflammatory_tone(laws: ClinicalLaws, course: Mapping[str, Array]) -> Array:
    """Return the geometric mean of the tone of immune cells when fatigue is asked, shape (people,)."""
    tone = laws.tone({name: course[name][_FATIGUE] for name in ("host_D", "host_T1", "host_T17")})
    return np.asarray(np.exp(np.log(tone).mean(axis=0)))


def doubled_acids(cohort: NaturalCohort, history: History) -> Figures:
    """Double butyrate and propionate from entry on, under the same random drive, and compare.

    Ratios are of expected events (integrated rates), days 90 to 730 after the change.
    """
    treated = with_acids_doubled(cohort)
    groups = {EVERYBODY: np.ones(len(cohort.people), dtype=bool), ENTRANTS: history.entered}
    return {name: compared(cohort, treated, who) for name, who in groups.items()}


def with_acids_doubled(cohort: NaturalCohort) -> dict[str, Array]:
    """Return the course from entry on with twice the butyrate and propionate."""
    days = len(cohort.course["host_C"])
    double = {"host_but": np.full(days, 2.0), "host_pro": np.full(days, 2.0)}
    treated, _ = run_hosts(
        cohort.kernel, cohort.people, cohort.drive, RECORD, start=cohort.state, factors=double, day0=ENTRY
    )
    return treated


def compared(cohort: NaturalCohort, treated: Mapping[str, Array], who: Rows) -> dict[str, float]:
    """Compare the course with acids doubled with the untreated one, in some of the people."""
    number, laws = cohort.number, cohort.laws
    after = slice(90, 2 * YEAR)
    hazard = cohort.drive.hazard[ENTRY:][after][:, who]
    new, old = (
        relative_rates(number, course["host_C"][after][:, who], cohort.people.frailty[who], hazard)
        for course in (treated, cohort.course)
    )
    relapses = new.relapses.sum() / old.relapses.sum()
    lesions = new.lesions.sum() / old.lesions.sum()
    level = np.full(int(who.sum()), number["host_mfis_edss0"])
    scores = [
        mfis_scores(
            laws,
            inflammatory_tone(
                laws, {name: course[name][:, who] for name in ("host_D", "host_T1", "host_T17")}
            ),
            course["host_MG"][_FATIGUE][:, who].mean(axis=0) / laws.healthy_microglia,
            level,
            cohort.seed,
        )
        for course in (treated, cohort.course)
    ]
    folds = treated["host_R"][13, who] / cohort.course["host_R"][13, who]
    return {
        "Treg fold, acids doubled, 14 d": float(np.median(folds)),
        "relapse ratio, acids doubled": float(relapses),
        "lesion ratio, acids doubled": float(lesions),
        "slope of log relapse on log lesion ratio, acids doubled": float(np.log(relapses) / np.log(lesions)),
        "MFIS change, acids doubled": float((scores[0] - scores[1]).mean()),
    }
