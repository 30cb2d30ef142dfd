#!/usr/bin/env python3
"""Positive controls: a natalizumab and an interferon trial rebuilt from their designs, beside the printed.

    python validation/trials/controls.py [--people 240] [--gut-worlds 4] [--replicates 10] [--write]

``controls/*.yaml`` are the designs, ``controls/published.tsv`` what was read of the trials and how each row
was used: "set" by the design, "knob" fitted by the class effect (no test, either), "check" never fitted.
People are simulated in a pool for each pair of worlds, trials of the published size are drawn from it, and
the interval of a figure is that of 95 % of the trials, over worlds. ``--write`` puts the table into
docs/reference/operating_characteristics.md between its marks.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from eubiosis.analysis.realism import confirmed
from eubiosis.core.findings import FindingCollector
from eubiosis.core.provenance import Read
from eubiosis.core.tables import TableRow, read_table
from eubiosis.core.trial_stacks import TrialStack
from eubiosis.model import load
from eubiosis.population.generate import cohort_of
from eubiosis.trial.simulate import gut_world_trials, tasks
from eubiosis.workflow import read_workflow

HERE = Path(__file__).parent / "controls"
PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "operating_characteristics.md"
BEGIN, END = "<!-- positive controls: begin -->", "<!-- positive controls: end -->"
TRIALS = ("natalizumab", "interferon")
STOPPED, MONTHS = 7 * 48, (4 * 30.44, 7 * 30.44)  # day of the last dose; window after it, in days
ROLES = {"set": "set by the design", "knob": "fitted: no test", "check": "never fitted"}
Floats = NDArray[np.float64]
ByFigure = dict[tuple[str, str], list[float]]


class PublishedRow(TableRow):
    """What was read of one figure of one arm, and whether the model was fitted to it."""

    trial: str
    figure: str
    arm: str
    description: str
    unit: str
    value: float | None = None
    low: float | None = None
    high: float | None = None
    role: str
    read: Read | None = None
    source: str = ""
    note: str = ""


class ArmOfTrial:
    """The people of one arm of one trial, and figures of them as a trial would print them."""

    def __init__(self, stack: TrialStack, k: int, arm: str) -> None:
        self.rows = stack.arm[k] == stack.arms.index(arm)
        self.subjects = {name: stack.column(name)[k][self.rows] for name in stack.of_subjects}
        self.edss = np.asarray(stack.of_visits["edss"][:, k][:, self.rows], dtype=np.float64)
        self.weeks = stack.weeks
        own = (stack.relapses["replicate"] == stack.replicates[k]) & (stack.relapses["arm"] == arm)
        self.days = np.asarray(stack.relapses["day"][own], dtype=np.float64)
        self.who = np.asarray(stack.relapses["subject"][own])

    @property
    def people(self) -> int:
        """How many there are."""
        return int(np.count_nonzero(self.rows))

    def share_by_day(self, day: float) -> float:
        """Return the share of people with a relapse up to a day."""
        return len(set(self.who[self.days <= day].tolist())) / self.people

    def rate_between(self, first: float, last: float) -> float:
        """Return relapses a year between two days, of those followed."""
        followed = 365.25 * self.subjects["follow_up_years"]
        years = np.clip(followed, first, last).sum() / 365.25 - first * self.people / 365.25
        return float(np.count_nonzero((self.days > first) & (self.days <= last)) / years)


def _mean_t2(arm: ArmOfTrial) -> float:
    return 2 * float(arm.subjects["t2_lesions"].sum() / arm.subjects["t2_years"].sum())


def _median_t2(arm: ArmOfTrial) -> float:
    years = arm.subjects["t2_years"]
    seen = years > 0
    return float(np.median(arm.subjects["t2_lesions"][seen] / years[seen] / 2))


def _rate(arm: ArmOfTrial) -> float:
    return float(arm.subjects["relapses"].sum() / arm.subjects["follow_up_years"].sum())


def _gd(arm: ArmOfTrial) -> float:
    return float(arm.subjects["gd_lesions"].sum() / arm.subjects["scans"].sum())


def _progressed(arm: ArmOfTrial) -> float:
    return float(np.mean(confirmed(arm.edss, arm.weeks, worse=True)))


def _after_stop(arm: ArmOfTrial) -> float:
    return arm.rate_between(STOPPED + MONTHS[0], STOPPED + MONTHS[1])


OF_ARM: Mapping[str, Callable[[ArmOfTrial], float]] = {
    "relapses_per_year": _rate,
    "relapses_in_two_years": lambda arm: 2 * _rate(arm),
    "gd_per_scan": _gd,
    "t2_in_two_years": _mean_t2,
    "t2_median": _median_t2,
    "progressed": _progressed,
    "any_relapse": lambda arm: float(np.mean(arm.subjects["relapses"] > 0)),
    "no_t2": lambda arm: float(np.mean(arm.subjects["t2_lesions"] == 0)),
    "relapse_by_day_42": lambda arm: arm.share_by_day(42),
}
RATIOS: Mapping[str, Callable[[ArmOfTrial], float]] = {
    "relapse_ratio": _rate,
    "t2_ratio": _mean_t2,
    "t2_median_ratio": _median_t2,
    "gd_ratio": _gd,
    "progression_ratio": _progressed,
    "onset_ratio": lambda arm: arm.share_by_day(42),
    "after_stop_ratio": _after_stop,
}


def published() -> list[PublishedRow]:
    """Read what was printed; raises ``FindingsError`` with everything that is wrong in it."""
    findings = FindingCollector()
    rows = read_table(HERE / "published.tsv", PublishedRow, findings)
    for row in rows:
        if row.figure not in {**OF_ARM, **RATIOS} or row.trial not in TRIALS or row.role not in ROLES:
            findings.add("published.tsv", row.figure, "an unknown trial, figure or role")
    findings.raise_if_any()
    return rows


def simulated(name: str, people: int, gut_worlds: int, replicates: int, host_worlds: int = 2) -> ByFigure:
    """Return every figure of the rows of a trial in each simulated trial, by figure and arm."""
    spec = read_workflow(HERE / f"{name}.yaml")
    size, design = spec.design.participants, spec.design.changed(participants=people)
    runs = spec.simulation.changed(gut_worlds=gut_worlds, host_worlds=host_worlds, replicates=1)
    model = load()
    wanted = [(row.figure, row.arm) for row in published() if row.trial == name]
    found: ByFigure = {key: [] for key in wanted}
    for task in tasks(design, cohort_of(spec.population, model, spec.seed), runs, model, spec.seed):
        for pair in gut_world_trials(task).pairs:
            if pair.pool is None:
                continue
            short = pair.pool.until(design.visits[-1])
            for stack, _ in short.trials(size, range(replicates), whole=True):
                for figure, arm, value in _figures(stack, found, design.control.name):
                    found[figure, arm].append(value)
    return found


def _figures(
    stack: TrialStack, wanted: Mapping[tuple[str, str], Sequence[float]], control: str
) -> Iterator[tuple[str, str, float]]:
    for k in range(len(stack)):
        arms = {name: ArmOfTrial(stack, k, name) for name in stack.arms}
        for figure, arm in wanted:
            if figure in OF_ARM:
                yield figure, arm, OF_ARM[figure](arms[arm])
            else:
                other = RATIOS[figure](arms[control])
                yield figure, arm, RATIOS[figure](arms[arm]) / other if other > 0 else math.nan


def verdict(row: PublishedRow, values: Sequence[float]) -> str:
    """Say whether the printed value lies within 95 % of the simulated trials; a miss is called a miss."""
    low, high = np.nanquantile(values, (0.025, 0.975))
    if row.value is None and row.high is None:
        return "no value read"
    if row.value is not None and low <= row.value <= high:
        return "inside"
    ends = [one for one in (row.low, row.high, row.value) if one is not None]
    if min(ends) <= high and max(ends) >= low:
        return "intervals overlap" if row.value is not None else "inside"
    return "**missed**"


def markdown(by_trial: Mapping[str, ByFigure]) -> str:
    """Return the table, one row a published one."""
    lines = [
        "| trial, arm | figure | simulated (95 % of trials) | published | use of the row | verdict "
        "| read; source; remark |",
        "|---|---|--:|--:|---|---|---|",
    ]
    for row in published():
        if row.trial not in by_trial:
            continue
        values = by_trial[row.trial][row.figure, row.arm]
        low, middle, high = np.nanquantile(values, (0.025, 0.5, 0.975))
        span = "" if row.low is None or row.high is None else f" ({row.low:g} to {row.high:g})"
        printed = f"{row.value:g}{span}" if row.value is not None else span.strip(" ()") or "-"
        said = verdict(row, values) if row.role == "check" else "-"
        remark = "; ".join(word for word in (row.read or "", row.source, row.note) if word)
        lines.append(
            f"| {row.trial}, {row.arm} | {row.description} | {middle:.3g} ({low:.3g} to {high:.3g}) "
            f"| {printed} | {ROLES[row.role]} | {said} | {remark} |"
        )
    return "\n".join(lines) + "\n"


def main() -> int:
    """Simulate both trials and print or write the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--people", type=int, default=240, help="pool of people in each pair of worlds")
    parser.add_argument("--gut-worlds", type=int, default=4)
    parser.add_argument("--replicates", type=int, default=10)
    parser.add_argument("--only", choices=TRIALS)
    parser.add_argument("--write", action="store_true")
    chosen = parser.parse_args()
    for name, least in (("people", 2), ("gut_worlds", 1), ("replicates", 1)):
        if getattr(chosen, name) < least:
            parser.error(f"--{name.replace('_', '-')} {getattr(chosen, name)}: at least {least} are needed")
    names = (chosen.only,) if chosen.only else TRIALS
    found = {name: simulated(name, chosen.people, chosen.gut_worlds, chosen.replicates) for name in names}
    trials = chosen.gut_worlds * 2 * chosen.replicates
    pairs = 2 * chosen.gut_worlds
    text = (
        f"{trials} trials of each, drawn from {chosen.people} people in each of {pairs} pairs of worlds.\n\n"
    )
    text += markdown(found)
    if chosen.write:
        from marked_page import put_between  # beside this script

        put_between(PAGE, BEGIN, END, text)
    else:
        print(text)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
