"""Trials made by simple laws that no analysis of ours assumes: for the benchmark with known truth.

Relapses are Poisson given a log-normal (not gamma) rate that falls over the trial; fatigue is a bounded,
rounded score that wanders with heavy tails; a biomarker is log-normal with a multiplicative wander. The truth
is the mean difference, or log ratio of means, between twins of many people without drop-out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
WEEKS = (0.0, 12.0, 24.0, 36.0, 48.0)
YEARS = 48 * 7 / 365.25
TWINS = 200_000


@dataclass(frozen=True)
class Law:
    """What the active arm does, beside how people leave.

    ``ratio`` on relapses; ``fatigue`` points at the end, given to a ``share`` of people (responders);
    ``butyrate`` log ratio at the end; ``donor_sd`` and ``donor_log_sd`` the spread of donors' own effects
    (points, log ratio); ``worse_leave`` the log odds of leaving for each 10 points of fatigue above 35.
    """

    ratio: float = 1.0
    fatigue: float = 0.0
    share: float = 1.0
    butyrate: float = 0.0
    donors: int = 0
    donor_sd: float = 0.0
    donor_log_sd: float = 0.0
    worse_leave: float = 0.0
    leave: float = 0.04  # chance to leave before each visit
    missed: float = 0.07  # chance that a visit does not take place


@dataclass(frozen=True)
class People:
    """Everything drawn of people before they are given anything; arrays (people,) or (people, visits)."""

    age: Array
    female: NDArray[np.bool_]
    rate: Array
    last_year: Array
    fatigue: Array
    butyrate: Array
    responder: NDArray[np.bool_]


def people(draw: np.random.Generator, law: Law, size: int) -> People:
    """Draw people with their courses under control."""
    level = 38 + 13 * draw.standard_normal(size)
    wander = np.cumsum(2.2 * draw.standard_t(4, (size, len(WEEKS))), axis=1)
    acid = np.log(12) + 0.55 * draw.standard_normal(size)
    rate = 0.45 * np.exp(0.9 * draw.standard_normal(size) - 0.405)
    return People(
        age=np.clip(39 + 9 * draw.standard_normal(size), 18, 60),
        female=draw.random(size) < 0.72,
        rate=rate,
        last_year=draw.poisson(1.6 * rate).astype(float),
        fatigue=level[:, None] + wander - 2.0 * (np.arange(len(WEEKS)) > 0),
        butyrate=acid[:, None] + 0.45 * draw.standard_normal((size, len(WEEKS))),
        responder=draw.random(size) < law.share,
    )


def outcome(
    draw: np.random.Generator,
    one: People,
    law: Law,
    active: NDArray[np.bool_],
    donor_points: Array,
    donor_log: Array,
) -> tuple[Array, Array, Array]:
    """Return relapses (people,) in the whole trial, fatigue and butyrate (people, visits), as observed."""
    ramp = np.minimum(np.array(WEEKS) / 24.0, 1.0)
    points = np.where(active, law.fatigue * one.responder + donor_points, 0.0)
    fatigue = np.clip(np.rint(one.fatigue + points[:, None] * ramp), 0, 84)
    logs = np.where(active, law.butyrate + donor_log, 0.0)
    butyrate = np.exp(one.butyrate + logs[:, None] * ramp)
    falling = np.exp(-0.25 * np.linspace(0.1, 0.9, 5)).mean()  # the rate falls by a quarter of a log a year
    relapses = draw.poisson(one.rate * falling * YEARS * np.where(active, law.ratio, 1.0))
    return relapses.astype(float), fatigue, butyrate


def truth(law: Law, seed: int) -> tuple[dict[str, float], dict[str, float]]:
    """Return the true effects between twins, log ratios of means and points at the end, and their errors."""
    draw = np.random.default_rng(seed)
    one = people(draw, law, TWINS)
    off, on = np.zeros(TWINS, dtype=bool), np.ones(TWINS, dtype=bool)
    points, logs = law.donor_sd * draw.standard_normal(TWINS), law.donor_log_sd * draw.standard_normal(TWINS)
    none = np.zeros(TWINS)
    control = outcome(np.random.default_rng(seed), one, law, off, none, none)
    active = outcome(np.random.default_rng(seed), one, law, on, points, logs)
    changes = {
        "mfis": active[1][:, -1] - control[1][:, -1],
        "stool_butyrate": np.log(active[2][:, -1]) - np.log(control[2][:, -1]),
    }
    true = {name: float(change.mean()) for name, change in changes.items()}
    errors = {name: float(change.std() / math.sqrt(TWINS)) for name, change in changes.items()}
    return {"relapses": math.log(law.ratio), **true}, errors


def trial(
    law: Law, size: int, seed: int
) -> tuple[dict[str, NDArray[np.generic]], dict[str, NDArray[np.generic]]]:
    """Make one trial: its participants and its visits that took place, as columns."""
    draw = np.random.default_rng(seed)
    one = people(draw, law, size)
    active = draw.permutation(np.arange(size) % 2 == 1)
    donor = np.where(active & (law.donors > 0), draw.integers(0, max(law.donors, 1), size), -1)
    own_points = law.donor_sd * draw.standard_normal(max(law.donors, 1))
    own_logs = law.donor_log_sd * draw.standard_normal(max(law.donors, 1))
    of = np.maximum(donor, 0)
    relapses, fatigue, butyrate = outcome(
        draw, one, law, active, np.where(donor >= 0, own_points[of], 0), np.where(donor >= 0, own_logs[of], 0)
    )
    stays = np.ones((size, len(WEEKS)), dtype=bool)
    for k in range(1, len(WEEKS)):
        worse = law.worse_leave * (fatigue[:, k] - 35) / 10
        chance = 1 / (1 + np.exp(-(np.log(law.leave / (1 - law.leave)) + worse)))
        stays[:, k] = stays[:, k - 1] & (draw.random(size) >= chance)
    last = stays.sum(axis=1) - 1
    seen = stays & (draw.random(stays.shape) >= law.missed)
    seen[:, 0] = True
    followed = np.where(stays[:, -1], YEARS, (np.array(WEEKS)[last] + 6) * 7 / 365.25)
    kept = draw.binomial(relapses.astype(int), np.clip(followed / YEARS, 0, 1))
    participants = {
        "participant": np.arange(1, size + 1),
        "arm": np.where(active, "active", "placebo"),
        "donor": np.where(donor >= 0, np.char.add("D", (donor + 1).astype(str)), ""),
        "age": np.round(one.age),
        "female": one.female,
        "relapses_last_year": one.last_year,
        "follow_up_years": np.round(followed, 3),
        "completed": stays[:, -1],
        "relapses": kept.astype(float),
    }
    who, when = np.nonzero(seen)
    visits = {
        "participant": who + 1,
        "week": np.array(WEEKS)[when],
        "mfis": fatigue[who, when],
        "stool_butyrate": np.round(butyrate[who, when], 2),
    }
    return participants, visits


LAWS = {
    "harm": Law(ratio=1.6, fatigue=3.0),
    "responders": Law(fatigue=-9.0, share=0.3, butyrate=0.3),
    "donors": Law(fatigue=-2.0, donors=6, donor_sd=4.0, butyrate=0.2, donor_log_sd=0.4),
    "no effect, the worse leave": replace(Law(), worse_leave=0.9, leave=0.06),
}
