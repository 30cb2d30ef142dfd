"""Check the inference on truths that are known: ranks, coverage and width over many synthetic studies.

A reduced problem is a few numbers with standard normal scores and a response for each of a few rows. A
truth is drawn from the prior, its cohorts are drawn with the errors that the matching assumes, and the
posterior is found by the inference that makes the shipped worlds (``sampling.tempered`` on the terms of
``waves_terms``). If that is right, the rank of the truth among its posterior draws is uniform (Talts 2018,
arXiv 1804.06788), for numbers, for predictions and for the likelihood of the data.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom

from eubiosis.calibration.sampling import Effort, Sample, systematic, tempered
from eubiosis.calibration.waves_terms import TOLERANCE, Term, scores
from eubiosis.core.laws import Z975
from eubiosis.core.streams import stream
from eubiosis.core.world_intervals import weighted_points
from eubiosis.engine import Array
from eubiosis.model.content import TargetRow

DRAWS, BINS = 99, 10  # draws that a rank is taken among (100 ranks), and bins of a histogram
LIKELIHOOD = "log likelihood of the data"
_BAND_RUNS = 4000
_Z950 = 1.6448536269514722  # the point that a standard normal exceeds with 5 %


@dataclass(frozen=True)
class Reduced:
    """A small problem: ``names`` of numbers, ``rows`` of the target table and their responses.

    ``respond`` takes points (n, names) and returns logarithms of the rows' answers (n, rows). Every row is
    measured in ``cohorts`` cohorts of ``people``, between whom its log ratio has the standard deviation
    ``between``. ``predict`` takes points and returns what is predicted (n, predictions).
    """

    names: tuple[str, ...]
    rows: tuple[TargetRow, ...]
    respond: Callable[[Array], Array]
    cohorts: int
    people: int
    between: float
    predict: Callable[[Array], Array]
    predicted: tuple[str, ...]

    @property
    def quantities(self) -> tuple[str, ...]:
        """What is ranked: numbers, predictions, the likelihood of the data."""
        return (*self.names, *self.predicted, LIKELIHOOD)


@dataclass(frozen=True)
class SyntheticStudy:
    """A synthetic set of cohorts: the truth's point (names,) and what the matching is told of it."""

    truth: Array
    terms: tuple[Term, ...]


def synthetic(problem: Reduced, seed: int, number: int) -> SyntheticStudy:
    """Draw a truth from the prior and its cohorts: people's log ratios, their mean and its 95 % interval.

    A cohort's mean is off the model by the discrepancy that the matching allows for (``TOLERANCE``).
    """
    luck = stream(seed, "calibration/synthetic study", number)
    truth = luck.standard_normal(len(problem.names))
    expected = problem.respond(truth[None])[0]
    terms = []
    for row, middle in zip(problem.rows, expected, strict=True):
        for off in TOLERANCE * luck.standard_normal(problem.cohorts):
            persons = middle + off + problem.between * luck.standard_normal(problem.people)
            mean, error = float(persons.mean()), float(persons.std(ddof=1) / np.sqrt(problem.people))
            spread = float(np.hypot(error, TOLERANCE))
            ends = (mean - Z975 * error, mean + Z975 * error)
            terms.append(Term(row, True, mean, *ends, spread, spread))
    return SyntheticStudy(truth, tuple(terms))


def infer(problem: Reduced, study: SyntheticStudy, effort: Effort, seed: int, number: int) -> Sample:
    """Return the weighted posterior draws of one study, by the inference of the shipped worlds."""
    key = int(stream(seed, "calibration/synthetic inference", number).integers(2**31))
    start = stream(key, "start").standard_normal((effort.points, len(problem.names)))
    return tempered(lambda points: log_likelihood(problem, study.terms, points), start, effort, key)


def log_likelihood(problem: Reduced, terms: Sequence[Term], points: Array) -> Array:
    """Return the logarithm of the likelihood of points (n, names), up to a constant."""
    values = np.exp(problem.respond(points))
    answers = {row.id: values[:, k] for k, row in enumerate(problem.rows)}
    return np.asarray(-(scores(terms, answers) ** 2).sum(axis=0) / 2)


def quantities(problem: Reduced, study: SyntheticStudy, points: Array) -> Array:
    """Return everything that is ranked or covered at points, shape (n, quantities)."""
    likelihood = log_likelihood(problem, study.terms, points)
    return np.column_stack([points, problem.predict(points), likelihood])


def ranks(problem: Reduced, studies: int, effort: Effort, seed: int) -> NDArray[np.int64]:
    """Return the rank of each truth among ``DRAWS`` posterior draws, shape (studies, quantities), 0 to 99."""
    found = np.empty((studies, len(problem.quantities)), dtype=np.int64)
    for number in range(studies):
        study = synthetic(problem, seed, number)
        sample = infer(problem, study, effort, seed, number)
        place = stream(seed, "calibration/ranked", number).random()
        drawn = sample.points[systematic(sample.weights, DRAWS, place)]
        at = quantities(problem, study, study.truth[None])[0]
        found[number] = (quantities(problem, study, drawn) < at).sum(axis=0)
    return found


def histogram(found: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return how many ranks lie in each of ``BINS`` equal bins, shape (quantities, bins)."""
    width = (DRAWS + 1) // BINS
    return np.array([np.bincount(column // width, minlength=BINS) for column in found.T])


def band(studies: int, histograms: int, level: float = 0.95) -> tuple[int, int]:
    """Return the counts between which every bin of every histogram lies with probability ``level``.

    Uniform ranks are simulated for one histogram, at the level that Bonferroni leaves to each.
    """
    luck = stream(0, "calibration/band")
    counts = luck.multinomial(studies, [1 / BINS] * BINS, size=_BAND_RUNS * max(1, histograms))
    lowest = binom.cdf(counts.min(axis=1), studies, 1 / BINS)
    highest = binom.sf(counts.max(axis=1) - 1, studies, 1 / BINS)
    tail = float(np.quantile(np.minimum(lowest, highest), (1 - level) / histograms))
    inside = np.arange(studies + 1)
    inside = inside[
        (binom.cdf(inside, studies, 1 / BINS) >= tail) & (binom.sf(inside - 1, studies, 1 / BINS) >= tail)
    ]
    return int(inside[0]), int(inside[-1])


@dataclass(frozen=True)
class IntervalCoverage:
    """How often 90 % intervals hold the truth, and how wide they are against the exact posterior's.

    Arrays are (quantities,); ``width`` is the mean ratio of widths, NaN where no exact posterior is known.
    """

    studies: int
    names: tuple[str, ...]
    covered: Array
    width: Array

    @property
    def error(self) -> Array:
        """The Monte Carlo standard error of each coverage."""
        return np.sqrt(self.covered * (1 - self.covered) / self.studies)


def coverage(
    problem: Reduced,
    studies: int,
    effort: Effort,
    seed: int,
    exact: Callable[[SyntheticStudy], tuple[Array, Array]] | None = None,
) -> IntervalCoverage:
    """Count 90 % intervals that hold the truth, for numbers and predictions, over synthetic studies.

    ``exact`` returns the 5 and 95 % points of the true posterior for the same quantities.
    """
    names = problem.quantities[:-1]
    hits, widths = np.zeros(len(names)), np.zeros(len(names))
    for number in range(studies):
        study = synthetic(problem, seed, number)
        sample = infer(problem, study, effort, seed, number)
        drawn = quantities(problem, study, sample.points)[:, :-1]
        low, high = weighted_points(drawn, sample.weights, (5.0, 95.0))
        at = quantities(problem, study, study.truth[None])[0, :-1]
        hits += (low <= at) & (at <= high)
        if exact is None:
            widths += np.nan
        else:
            first, last = exact(study)
            widths += (high - low) / (last - first)
    return IntervalCoverage(studies, names, hits / studies, widths / studies)


def linear(
    problem: Reduced, slopes: Array, middle: Array, predictions: Array
) -> tuple[Reduced, Callable[[SyntheticStudy], tuple[Array, Array]]]:
    """Return the linear problem with the same rows and cohorts, and its exact 5 and 95 % points.

    ``slopes`` (rows, names) and ``middle`` (rows,) are the response, ``predictions`` (predictions, names)
    what is predicted. With normal errors the posterior is normal, with the precision 1 + A' S A.
    """
    plain = Reduced(
        problem.names,
        problem.rows,
        lambda points: middle + points @ slopes.T,
        problem.cohorts,
        problem.people,
        problem.between,
        lambda points: points @ predictions.T,
        tuple(f"linear prediction {k + 1}" for k in range(len(predictions))),
    )
    wanted = np.vstack([np.eye(len(problem.names)), predictions])
    slope, level = (np.repeat(one, problem.cohorts, axis=0) for one in (slopes, middle))

    def exact(study: SyntheticStudy) -> tuple[Array, Array]:
        observed = np.array([float(term.middle or 0.0) for term in study.terms])
        precision = np.array([1 / term.below**2 for term in study.terms])
        covariance = np.linalg.inv(np.eye(len(problem.names)) + (slope.T * precision) @ slope)
        mean = covariance @ (slope.T * precision) @ (observed - level)
        spread = np.sqrt(np.einsum("ij,jk,ik->i", wanted, covariance, wanted))
        centre = wanted @ mean
        return centre - _Z950 * spread, centre + _Z950 * spread

    return plain, exact
