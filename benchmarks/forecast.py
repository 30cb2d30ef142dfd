#!/usr/bin/env python3
"""Forecast groups of 100 and 1,000 people over 200 gut worlds, on one core.

    python benchmarks/forecast.py [--people 100 1000]

Processor seconds of the forecast itself, after the model is loaded and every kernel is compiled; beside it
the seconds to find as many worlds by draws of the prior, which the shipped worlds spare, and that ratio.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np

from eubiosis.core.world_intervals import ENOUGH_WORLDS
from eubiosis.model import load
from eubiosis.model.shipped import SEED, gut_worlds
from eubiosis.model.worlds import draw_gut_worlds
from eubiosis.population import guild_contrast, read_profiles
from eubiosis.population.example import write_example_table
from eubiosis.therapy.phrase import read_phrase
from eubiosis.workflow.forecast.group import forecast_group

PHRASE = "inulin 12 g/day for 3 weeks"


def main() -> int:
    """Print the figures; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--people", type=int, nargs="+", default=[100, 1000])
    sizes = parser.parse_args().people
    model, phrase = load(), read_phrase(PHRASE)
    with tempfile.TemporaryDirectory() as folder:
        largest = write_example_table(Path(folder) / "stool.tsv", people=max(sizes))
        contrast = guild_contrast(read_profiles(largest))
    forecast_group(model, contrast, np.arange(60), phrase, worlds=20, threads=1)
    for people in sizes:
        begin = time.process_time()
        forecast_group(model, contrast, np.arange(people), phrase, threads=1)
        print(f"{people} people, {ENOUGH_WORLDS} worlds: {time.process_time() - begin:.1f} s of one core")
    begin = time.process_time()
    gut_worlds(model, ENOUGH_WORLDS)
    shipped = time.process_time() - begin
    begin = time.process_time()
    draw_gut_worlds(model, range(1, ENOUGH_WORLDS + 1), SEED, threads=1)
    drawn = time.process_time() - begin
    print(f"worlds: {shipped:.1f} s shipped, {drawn:.1f} s drawn from the prior, ratio {drawn / shipped:.0f}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
