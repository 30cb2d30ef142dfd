"""What a clinic would count: relapses, enhancing and T2 lesions, EDSS, fatigue, serum NfL."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eubiosis.core.streams import stream
from eubiosis.engine.kernel import Array
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


def edss_paths(onset: NDArray[np.bool_], microglia: Array, age: Array, content: Content, seed: int) -> Array:
    """Return each person's true EDSS (continuous) on each day, shape (days, people).

    A relapse adds a peak that recovers to a residual; microglial activation adds a slow drift.
    """
    number = {name: row.value for name, row in content.numbers.items()}
    law = {kind: _law(number, kind) for kind in ("peak", "mild", "severe")}
    days, people = onset.shape
    generator = stream(seed, "clinic/edss")
    baseline = np.minimum(
        np.round(2 * generator.gamma(number["host_edss_shape"], number["host_edss_scale"], people)) / 2,
        number["host_edss_cap"],
    )
    transient, residual = np.zeros((days, people)), np.zeros((days, people))
    for day, person in zip(*np.nonzero(onset), strict=True):
        peak = generator.choice(*law["peak"])
        left = generator.choice(*law["mild" if peak <= 0.5 else "severe"])
        peak = max(peak, left)
        since = np.arange(days - day)
        rise = np.minimum(1.0, (since + 1) / number["host_edss_ramp"])
        fall = np.exp(-np.maximum(since - number["host_edss_ramp"], 0) / number["host_edss_tau"])
        transient[day:, person] += (peak - left) * rise * fall
        residual[day:, person] += left
    drift = np.cumsum(
        number["host_pira"] / 365.25 * np.maximum(microglia - number["host_pira_MG"], 0), axis=0
    ) * np.exp(number["host_age_on_smold"] * (age - number["host_age_mean"]))
    return np.asarray(np.clip(baseline + transient + residual + drift, 0, 10))


def _law(number: dict[str, float], kind: str) -> tuple[Array, None, bool, Array]:
    prefix = f"host_edss_{kind}_"
    size = sum(name.startswith(prefix) for name in number)
    weights = np.array([number[f"{prefix}{k}"] for k in range(size)])
    return np.arange(size) / 2, None, True, weights / weights.sum()


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


def mfis_scores(content: Content, tone: Array, microglia: Array, edss: Array, seed: int) -> Array:
    """Return true MFIS of each person from mean inflammatory tone, microglia and EDSS; shape (people,).

    A relapse enters through EDSS and the inflammatory tone only, not a third time of its own.
    """
    number = {name: row.value for name, row in content.numbers.items()}
    between = number["host_mfis_sd"] * stream(seed, "clinic/mfis").standard_normal(len(tone))
    return np.asarray(
        number["host_mfis_base"]
        + between
        + number["host_mfis_IL"] * np.log(tone)
        + number["host_mfis_MG"] * np.log(microglia)
        + number["host_mfis_edss"] * (edss - number["host_mfis_edss0"])
    )


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
