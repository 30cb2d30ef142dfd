"""Simulation-based calibration of the inference that makes the shipped worlds.

    python validation/calibration/sbc.py [--truths 200] [--seed 2026]

Prints a rank histogram for every number, two predictions and the likelihood of the data, the band in which
all bins of all histograms lie with 95 %, and whether they do. Exit 1 where a bin lies outside.
"""

from __future__ import annotations

import argparse
import sys
import time

from problems import gut_problem

from eubiosis.calibration.sampling import Effort
from eubiosis.calibration.sbc import band, histogram, ranks

EFFORT = Effort(points=240, generations=30, settling=60)


def main() -> int:
    """Run the check and print its table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--truths", type=int, default=200)
    parser.add_argument("--seed", type=int, default=2026)
    asked = parser.parse_args()
    began = time.perf_counter()
    problem = gut_problem()
    counts = histogram(ranks(problem, asked.truths, EFFORT, asked.seed))
    low, high = band(asked.truths, len(counts))
    outside = 0
    for name, bins in zip(problem.quantities, counts, strict=True):
        wrong = int(((bins < low) | (bins > high)).sum())
        outside += wrong
        print(f"{name:45} {' '.join(f'{b:3d}' for b in bins)}{'  outside' if wrong else ''}")
    seconds = time.perf_counter() - began
    print(f"{asked.truths} truths; all bins of all histograms in {low} to {high} with 95 %: ", end="")
    print("yes" if not outside else f"no, {outside} are outside", f"({seconds:.0f} s)")
    return int(outside > 0)


if __name__ == "__main__":
    sys.exit(main())
