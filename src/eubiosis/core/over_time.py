"""What a trial report shows over time: clocks, changes by week, and lines of single people; plain rows.

All of it is observed data of simulated trials; nothing is latent truth.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ClockOutcome = Literal["first_relapse", "progression", "relapses"]


@dataclass(frozen=True)
class ClockCurve:
    """Events of one arm over time, over simulated trials.

    ``outcome`` "first_relapse" and "progression" are Kaplan-Meier estimates of the share of people still free
    of the event, "relapses" is the mean cumulative number of relapses a person (Nelson-Aalen). In each trial
    it is read at ``weeks``; ``median``, ``low`` and ``high`` are the 50, 5 and 95 % points over trials,
    pointwise. ``at_risk`` is the mean number of people at risk in a trial, ``read`` the trials with anybody
    at risk, of ``trials``; ``people`` and ``events`` are means of a trial. ``weeks`` is empty where there is
    no such clock; ``note`` says why, or how the event is defined. ``per_pair`` of the ``replicates`` trials
    of each pair of worlds are read.
    """

    outcome: ClockOutcome
    label: str
    unit: str
    arm: str
    weeks: tuple[float, ...]
    median: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    at_risk: tuple[float, ...]
    read: tuple[int, ...]
    trials: int
    per_pair: int
    replicates: int
    people: float
    events: float
    note: str


@dataclass(frozen=True)
class WeekChange:
    """The observed change of one guild or metabolite in one arm, at each visit after entry.

    ``median`` holds log2 ratios of each person's value to the own value at entry (of centred log-ratios for
    guilds): the median over people of the first trial of every pair of worlds of a gut world, and then over
    gut worlds. ``found_in`` is the share of those trials in which arm and control differ with a false
    discovery rate under 5 % (Benjamini and Hochberg over the quantities of the group and all weeks),
    ``found_first`` whether the very first trial is one; both are empty in the control arm. ``people`` is the
    mean number of people of the arm in one of those ``trials``; ``block_only`` says that they are those of
    block 0 of trials that were cut.
    """

    group: str  # "guild", "stool", "plasma"
    endpoint: str
    quantity: str
    arm: str
    weeks: tuple[float, ...]
    median: tuple[float, ...]
    found_in: tuple[float, ...]
    found_first: tuple[bool, ...]
    trials: int
    people: float
    block_only: bool


@dataclass(frozen=True)
class CourseLine:
    """One virtual subject of the first trial: what was observed at the visits that took place."""

    endpoint: str
    arm: str
    subject: int
    weeks: tuple[float, ...]
    values: tuple[float, ...]
