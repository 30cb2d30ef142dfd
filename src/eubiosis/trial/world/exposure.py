"""The exposure table: what each subject took in each week, as a count of returned doses would show it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from eubiosis.core.streams import SubjectDraws
from eubiosis.engine import Array
from eubiosis.trial.design import Arm, Design
from eubiosis.trial.world.adherence import WEEK, planned, taken
from eubiosis.trial.world.interruptions import OwnEvents, all_in_courses

Columns = dict[str, NDArray[np.generic]]


def exposure_rows(
    design: Design, arms: NDArray[np.str_], numbers: tuple[int, ...], followed: Array, seed: int
) -> Columns:
    """Return one row for each subject, product and week of follow-up in which a dose was planned.

    ``arms`` (subjects,) and ``followed`` (days, subjects,). A day counts as taken where any of its dose was.
    """
    weeks = -(-design.days // WEEK)
    parts: list[Columns] = []
    for arm in design.arms:
        rows = np.flatnonzero(arms == arm.name)
        draws = SubjectDraws(seed, tuple(numbers[i] for i in rows.tolist()))
        going = _going_on(design, arm, draws)
        for part in arm.therapy.components:
            plan = planned(part, design.days)
            share = taken(part.adherence, draws, design.days) * plan * going
            by_week = _by_week((share > 0).astype(float), weeks), _by_week(share, weeks)
            asked = _by_week((plan > 0).astype(float)[None], weeks)[0]
            seen = (asked > 0) & (WEEK * np.arange(weeks) < followed[rows][:, None])
            who, week = np.nonzero(seen)
            dose = part.record.dose
            parts.append(
                {
                    "subject": np.array(numbers)[rows][who],
                    "arm": np.full(len(who), arm.name),
                    "product": np.full(len(who), part.product),
                    "week": week.astype(float),
                    "days_planned": asked[week],
                    "days_taken": by_week[0][who, week],
                    "dose_taken": by_week[1][who, week] * part.amount,
                    "dose_unit": np.full(len(who), "" if dose is None else dose.unit.removesuffix("/d")),
                }
            )
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _going_on(design: Design, arm: Arm, draws: SubjectDraws) -> Array:
    """Return 1 on days on which people have not stopped the product for good, (people, days) or (1, 1)."""
    inside = all_in_courses(design)
    if "discontinuation" not in inside or not draws.numbers:
        return np.ones((1, 1))
    return OwnEvents.of(design, draws).intakes(arm, inside)[0].share


def _by_week(by_day: Array, weeks: int) -> Array:
    """Sum the days of each week, (subjects, weeks)."""
    padded = np.zeros((len(by_day), weeks * WEEK))
    padded[:, : by_day.shape[1]] = by_day
    return np.asarray(padded.reshape(len(by_day), weeks, WEEK).sum(axis=2))
