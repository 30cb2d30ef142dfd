"""A year of the axis in three people, and the model's targets, on one page."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from eubiosis.core.guilds import GUILD_NAMES, GUILDS
from eubiosis.core.output import write_whole
from eubiosis.model.check import basis_shares, check_targets
from eubiosis.model.model import Model
from eubiosis.report.pages import axis_page, axis_panels

PEOPLE = {"healthy": "healthy", "MS": "ms", "MS, inulin 20 g/d": "ms_inulin_20g"}


def write_axis_page(model: Model, path: Path, *, say: Callable[[str], None]) -> Path:
    """Simulate the three people for a year, evaluate every target and write the page to ``path``."""
    times = np.arange(0.0, 366.0)
    guilds = tuple(f"gut_share_{g}" for g in GUILDS)
    courses, shares = {}, {}
    for label, condition in PEOPLE.items():
        say(f"simulating a year: {label}")
        solution = model.simulate(condition, times, (*axis_panels(), *guilds))
        courses[label] = {name: solution[name][0] for name in axis_panels()}
        shares[label] = {GUILD_NAMES[g]: float(solution[f"gut_share_{g}"][0, -1]) for g in GUILDS}
    say("comparing the model with its targets (cohorts of untreated people, and drugs)")
    verdicts = check_targets(model)
    page = axis_page(
        times, courses, shares, verdicts, basis_shares(model), numbers=len(model.content.numbers)
    )
    write_whole(path, page)
    return path
