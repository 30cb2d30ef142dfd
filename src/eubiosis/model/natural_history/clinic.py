"""What a clinic would count: relapses, enhancing and T2 lesions, EDSS, fatigue, serum NfL."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eubiosis.core.streams import stream
from eubiosis.engine import Array
from eubiosis.model.clinical import ClinicalLaws
from eubiosis.model.content import Content

Counts = NDArray[np.int64]


@dataclass(frozen=True)
class Rates:
    """Expected events a day for each person: new enhancing lesions and relapses, shape (days, people)."""

    lesions: Array
    relapses: Array


def sample_relapses(rates: Array, refractory: float, seed: int) -> NDArray[np.bool_]:
    """Draw relapse onsets with a refractory period; shape (days, people)."""
    days, people = rates.shape
    onset = np.zeros((days, people), dtype=bool)
    free_from = np.zeros(people)
    uniform = stream(seed, "clinic/relapse").random((people, days)).T
    for day in range(days):
        hit = (uniform[day] < -np.expm1(-rates[day])) & (day >= free_from)
        onset[day] = hit
        free_from[hit] = day + refractory
    return onset


def enhancing_lesions(rates: Array, duration: float, scans: Counts, seed: int) -> Counts:
    """Count the lesions that enhance at each scan day; shape (people, scans).

    New lesions appear at ``rates`` a day (days, people) and each enhances for an exponential time of mean
    ``duration``, so scans share lesions as real ones do.
    """
    people = rates.shape[1]
    generator = stream(seed, "clinic/lesions")
    new = generator.poisson(rates)
    counts = np.zeros((people, len(scans)), dtype=np.int64)
    days, who = np.nonzero(new)
    for day, person, number in zip(days, who, new[days, who], strict=True):
        ends = day + generator.exponential(duration, number)
        for column in np.nonzero(scans >= day)[0]:
            still = int(np.sum(ends > scans[column]))
            if not still:
                break
            counts[person, column] += still
    return counts


def edss_paths(
    onset: NDArray[np.bool_], microglia: Array, age: Array, laws: ClinicalLaws, seed: int
) -> Array:
    """Return each person's true EDSS (continuous) on each day, shape (days, people).

    ``onset`` marks relapses and ``microglia`` is the activation relative to health, both (days, people).
    """
    number = laws.number
    people = len(age)
    gamma = stream(seed, "clinic/edss baseline").gamma(
        number["host_edss_shape"], number["host_edss_scale"], people
    )
    baseline = np.minimum(np.round(2 * gamma) / 2, number["host_edss_cap"])
    paths = [
        laws.edss(
            float(baseline[i]),
            np.flatnonzero(onset[:, i]).astype(float),
            microglia[:, i],
            float(age[i]),
            (seed, "clinic/edss", i),
        )
        for i in range(people)
    ]
    return np.array(paths).T


def confirmed_progression(edss: Array, content: Content, seed: int) -> NDArray[np.bool_]:
    """Tell who has progressed, confirmed at the next visit, by each visit; shape (people, visits).

    A rise of 1.0 (1.5 from 0, 0.5 above 5.0) at one visit, still present at the next.
    """
    number = {name: row.value for name, row in content.numbers.items()}
    days, people = edss.shape
    visits = np.arange(0, days, int(number["host_visit_days"]))
    noise = stream(seed, "clinic/edss visits").normal(0, number["host_edss_sd"], (people, len(visits))).T
    observed = np.round(2 * (edss[visits] + noise)) / 2
    first = observed[0]
    needed = np.where(first == 0, 1.5, np.where(first <= 5.0, 1.0, 0.5))
    high = observed - first >= needed
    confirmed = np.zeros((people, len(visits)), dtype=bool)
    confirmed[:, 1:-1] = (high[1:-1] & high[2:]).T
    return np.logical_or.accumulate(confirmed, axis=1)


def mfis_scores(laws: ClinicalLaws, tone: Array, microglia: Array, edss: Array, seed: int) -> Array:
    """Return true MFIS of each person from mean inflammatory tone, microglia and EDSS; shape (people,).

    A relapse enters through EDSS and the inflammatory tone only, not a third time of its own.
    """
    between = laws.number["host_mfis_sd"] * stream(seed, "clinic/mfis").standard_normal(len(tone))
    return laws.number["host_mfis_base"] + between + laws.mfis_change(tone, microglia, edss)


def negative_binomial_dispersion(counts: Counts) -> float:
    """Fit the dispersion of counts by maximum likelihood (variance = mean + dispersion x mean squared)."""
    from scipy.optimize import minimize_scalar
    from scipy.special import gammaln

    mean = counts.mean()

    def loss(log_dispersion: float) -> float:
        r = np.exp(-log_dispersion)
        terms = gammaln(counts + r) - gammaln(r) - gammaln(counts + 1)
        return float(-np.sum(terms + r * np.log(r / (r + mean)) + counts * np.log(mean / (r + mean))))

    return float(np.exp(minimize_scalar(loss, bounds=(-6, 3), method="bounded").x))
