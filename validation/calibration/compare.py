"""Compare two libraries on problems whose posterior is known: emcee's moves in our levels, and ES-MDA.

    python validation/calibration/compare.py

Linear: y = A x + noise with normal noise and a standard normal prior; the posterior is normal with mean and
covariance in closed form. It has more numbers than observations, as the gut has. Bound: a flat interval with
normal tails on one direction, the rest at the prior; its moments along that direction come from quadrature.
Both get the same prior draws and about the same number of runs of the model; ES-MDA is then given four times
as many steps too.
"""

from __future__ import annotations

import warnings

import numpy as np
from iterative_ensemble_smoother import ESMDA
from scipy.integrate import quad
from scipy.stats import norm

from eubiosis.calibration.sampling import Effort, tempered
from eubiosis.core.streams import stream

NUMBERS, ROWS, POINTS, SPREAD = 60, 12, 320, 0.3
EFFORT, GUT_EFFORT = Effort(POINTS, 60, 300), Effort(640, 20, 160)  # the second is that of the gut
LOW, HIGH, TAIL = 0.8, 1.4, 0.1


def linear(numbers: int, rows: int, touched: float) -> tuple[np.ndarray, ...]:
    """Return the map (rows, numbers), the observations, and the posterior's mean and covariance.

    An observation answers a share ``touched`` of the numbers.
    """
    generator = stream(11, "known answer")
    at = generator.standard_normal((rows, numbers)) * (generator.random((rows, numbers)) < touched)
    at /= np.sqrt((at**2).sum(axis=1, keepdims=True))
    seen = at @ generator.standard_normal(numbers) + SPREAD * generator.standard_normal(rows)
    precision = np.eye(numbers) + at.T @ at / SPREAD**2
    covariance = np.linalg.inv(precision)
    return at, seen, covariance @ at.T @ seen / SPREAD**2, covariance


def errors(points: np.ndarray, weights: np.ndarray, mean: np.ndarray, covariance: np.ndarray) -> list[float]:
    """Return the error of the mean (in posterior sd) and two mean ratios of the sd to the true one.

    Ratios are along the posterior's own directions: those that the data narrowed to less than 0.7 of the
    prior, and the rest.
    """
    values, vectors = np.linalg.eigh(covariance)
    middle = weights @ points
    off = (middle - mean) @ vectors / np.sqrt(values)
    spread = np.sqrt(weights @ ((points - middle) @ vectors) ** 2 / (1 - (weights**2).sum()))
    ratio, told = spread / np.sqrt(values), np.sqrt(values) < 0.7
    return [float(np.sqrt((off**2).mean())), float(ratio[told].mean()), float(ratio[~told].mean())]


def smoothed(forward, seen, spreads, start: np.ndarray, steps: int, seed: int) -> np.ndarray:
    """Return an ensemble (points, numbers) after ES-MDA with equal steps."""
    smoother = ESMDA(np.asarray(spreads) ** 2, np.asarray(seen), alpha=steps, seed=seed)
    points = start.T.copy()
    for _ in range(smoother.num_assimilations()):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            smoother.prepare_assimilation(Y=forward(points.T).T)
            points = smoother.assimilate_batch(X=points)
    return points.T


def bound_log_likelihood(x: np.ndarray) -> np.ndarray:
    """Return the log likelihood of the flat interval with normal tails."""
    return -(np.maximum(np.maximum(LOW - x, x - HIGH), 0) ** 2) / (2 * TAIL**2)


def bound_moments() -> tuple[float, float]:
    """Return mean and sd of the bounded direction by quadrature."""

    def weight(x: float) -> float:
        return float(norm.pdf(x) * np.exp(bound_log_likelihood(np.array(x))))

    total = quad(weight, -5, 5, points=[LOW, HIGH])[0]
    mean = quad(lambda x: x * weight(x), -5, 5, points=[LOW, HIGH])[0] / total
    square = quad(lambda x: x * x * weight(x), -5, 5, points=[LOW, HIGH])[0] / total
    return mean, float(np.sqrt(square - mean**2))


def compare_linear(problem: tuple[np.ndarray, ...], effort: Effort, seed: int) -> None:
    """Print a line for each method on a linear problem."""
    at, seen, mean, covariance = problem
    start = stream(seed, "start").standard_normal((effort.points, at.shape[1]))
    runs = 0

    def log_likelihood(points: np.ndarray) -> np.ndarray:
        nonlocal runs
        runs += len(points)
        return -(((points @ at.T - seen) / SPREAD) ** 2).sum(axis=1) / 2

    found = tempered(log_likelihood, start, effort, seed)
    print("levels with emcee", runs, *np.round(errors(found.points, found.weights, mean, covariance), 2))
    equal = np.full(effort.points, 1 / effort.points)
    for steps in (4, 16):
        ends = smoothed(lambda x: x @ at.T, seen, np.full(len(seen), SPREAD), start, steps, seed)
        print("ES-MDA", steps * effort.points, *np.round(errors(ends, equal, mean, covariance), 2))


def main() -> None:
    """Print one table a problem."""
    print("linear: method, runs, error of the mean (sd), sd over true: told, not told")
    for numbers, rows, touched, effort in ((NUMBERS, ROWS, 1.0, EFFORT), (218, 24, 0.05, GUT_EFFORT)):
        print(f"{numbers} numbers, {rows} observations, each of {touched:.0%} of the numbers")
        for seed in (1, 2, 3):
            compare_linear(linear(numbers, rows, touched), effort, seed)
    print("\nbound: mean and sd of the bounded direction; true", *np.round(bound_moments(), 3))
    for seed in (1, 2, 3):
        start = stream(seed, "start").standard_normal((POINTS, NUMBERS))
        found = tempered(lambda x: bound_log_likelihood(x[:, 0]), start, EFFORT, seed)
        own = found.weights @ found.points[:, 0]
        print("levels with emcee", round(float(own), 3),
              round(float(np.sqrt(found.weights @ (found.points[:, 0] - own) ** 2)), 3))  # fmt: skip

        def outside(x: np.ndarray) -> np.ndarray:
            """Return how far a point lies outside: a smoother knows numbers, and no interval."""
            return np.where(x[:, :1] < LOW, x[:, :1] - LOW, np.maximum(x[:, :1] - HIGH, 0))

        ends = smoothed(outside, np.zeros(1), np.full(1, TAIL), start, 4, seed)
        print("ES-MDA", round(float(ends[:, 0].mean()), 3), round(float(ends[:, 0].std()), 3))


if __name__ == "__main__":
    main()
