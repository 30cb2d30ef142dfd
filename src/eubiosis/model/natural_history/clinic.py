"""What a clinic would count: relapses, enhancing and T2 lesions, EDSS, fatigue, serum NfL."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from eubiosis.core.streams import stream
from eubiosis.engine import Array
from eubiosis.model.clinical import ClinicalLaws

Counts = NDArray[np.int64]
_SEVERITIES = 40  # relapses of one person whose severity is drawn; two years with the gap have room for 24


def relapse_onsets(rates: Array, refractory: float, generator: np.random.Generator) -> Array:
    """Draw the days of relapse, one row a person, padded with infinity; shape (people, most of one).

    ``rates`` are expected relapses a day, (days, people). A day has one with probability 1 - exp(-rate),
    unless the last one is fewer than ``refractory`` days old.
    """
    days, people = rates.shape
    who, day = np.nonzero(generator.random((people, days)) < -np.expm1(-rates.T))
    counts = np.bincount(who, minlength=people)
    first = np.cumsum(counts) - counts
    rows = np.full((people, max(int(counts.max(initial=0)), 1)), np.inf)
    rows[who, np.arange(len(who)) - first[who]] = day
    last = np.full(people, -np.inf)
    for k in range(rows.shape[1]):
        kept = rows[:, k] >= last + refractory
        last[kept] = rows[kept, k]
        rows[~kept, k] = np.inf
    rows.sort(axis=1)
    return rows


def relapses_between(onsets: Array, first: int, stop: int) -> Counts:
    """Count each person's relapses from day ``first`` to the day before ``stop``, shape (people,)."""
    return np.asarray(np.sum((onsets >= first) & (onsets < stop), axis=1))


def enhancing_lesions(rates: Array, duration: float, scans: Counts, generator: np.random.Generator) -> Counts:
    """Count the lesions that enhance at each scan day; shape (people, scans).

    New lesions appear at ``rates`` a day (days, people) and each enhances for an exponential time of mean
    ``duration``, so scans share lesions as real ones do.
    """
    people, columns = rates.shape[1], len(scans) + 1
    new = generator.poisson(rates)
    day, who = np.nonzero(new)
    number = new[day, who]
    day, who = np.repeat(day, number), np.repeat(who, number)
    ends = day + generator.exponential(duration, len(day))
    begin = np.searchsorted(scans, day)  # the first scan that can show it
    stop = np.maximum(np.searchsorted(scans, ends), begin)  # the first that cannot any more
    changes = np.bincount(who * columns + begin, minlength=people * columns)
    changes -= np.bincount(who * columns + stop, minlength=people * columns)
    return np.cumsum(changes.reshape(people, columns), axis=1)[:, :-1]


def edss_at(
    days: Counts, onsets: Array, microglia: Array, age: Array, laws: ClinicalLaws, seed: int
) -> Array:
    """Return each person's true EDSS (continuous) on the given days, shape (people, days).

    ``onsets`` are days of relapse, (people, most), padded with infinity, and ``microglia`` the activation
    relative to health, (all days, people). Baselines and severities do not depend on either.
    """
    number = laws.number
    gamma = stream(seed, "clinic/edss baseline").gamma(
        number["host_edss_shape"], number["host_edss_scale"], len(age)
    )
    baseline = np.minimum(np.round(2 * gamma) / 2, number["host_edss_cap"])
    uniforms = stream(seed, "clinic/edss").random((len(age), _SEVERITIES, 2))[:, : onsets.shape[1]]
    return laws.edss_on(days, baseline, onsets, microglia, age, uniforms)


def visits(number: Mapping[str, float], days: int) -> Counts:
    """Return the days of EDSS visits."""
    return np.arange(0, days, int(number["host_visit_days"]))


def assessed(edss: Array, sd: float, seed: int) -> Array:
    """Return EDSS as assessed: with noise, to half points; any shape, people first."""
    noise = sd * stream(seed, "clinic/edss visits").standard_normal(edss.shape)
    return np.asarray(np.round(2 * (edss + noise)) / 2)


def worse(observed: Array) -> NDArray[np.bool_]:
    """Tell at which visits EDSS is worse than at the first: by 1.0, 1.5 from 0, 0.5 above 5.0.

    ``observed`` (people, visits), and so is the answer.
    """
    first = observed[:, :1]
    needed = np.where(first == 0, 1.5, np.where(first <= 5.0, 1.0, 0.5))
    return np.asarray(observed - first >= needed)


def confirmed_progression(observed: Array) -> NDArray[np.bool_]:
    """Tell who has progressed, confirmed at the next visit, by each visit; shape (people, visits)."""
    high = worse(observed)
    confirmed = np.zeros(high.shape, dtype=bool)
    confirmed[:, 1:-1] = high[:, 1:-1] & high[:, 2:]
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
