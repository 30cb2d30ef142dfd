"""Coverage and width of 90 % intervals on synthetic cohorts with a known truth inside the prior.

    python validation/calibration/coverage.py [--studies 1000] [--seed 2026]

Two problems with the same numbers and cohorts: the linear one, whose posterior is known exactly, and the one
of the surrogate, whose is not. The bars: 87 to 93 % over 1,000 studies, at most 1.3 times as wide as the
exact posterior's. Exit 1 where a bar is missed.
"""

from __future__ import annotations

import argparse
import sys
import time

import numpy as np
from problems import gut_problem, slopes

from eubiosis.calibration.sampling import Effort
from eubiosis.calibration.sbc import coverage, linear

EFFORT = Effort(points=240, generations=20, settling=40)
LOW, HIGH, WIDEST = 0.87, 0.93, 1.3


def main() -> int:
    """Run both problems and print their tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=2026)
    asked = parser.parse_args()
    problem = gut_problem()
    plain, exact = linear(problem, *slopes(problem))
    missed = 0
    for title, one, known in (("linear", plain, exact), ("surrogate of the gut", problem, None)):
        began = time.perf_counter()
        found = coverage(one, asked.studies, EFFORT, asked.seed, known)
        print(f"{title}: {asked.studies} studies ({time.perf_counter() - began:.0f} s)")
        rows = zip(found.names, found.covered, found.error, found.width, strict=True)
        for name, covered, error, width in rows:
            wrong = not LOW <= covered <= HIGH or (np.isfinite(width) and width > WIDEST)
            missed += wrong
            wide = f"{width:.3f} of the exact width" if np.isfinite(width) else "exact width not known"
            share = f"{100 * covered:5.1f} % +- {100 * error:.1f}"
            print(f"  {name:45} {share}, {wide}{'  missed' if wrong else ''}")
    print(f"bars: {LOW:.0%} to {HIGH:.0%}, at most {WIDEST} times as wide: {missed or 'none'} missed")
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main())
