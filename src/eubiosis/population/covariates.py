"""Host covariates: summaries of a real cohort and the draws made from them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from pydantic import model_validator

from eubiosis.core.laws import normal_cdf
from eubiosis.core.provenance import SourcedFact
from eubiosis.core.streams import streams
from eubiosis.core.tables import RowProblem

SMALLEST_GROUP = 100
CONTROL = "Control"


class CovariateSummary(SourcedFact):
    """One number about a covariate: a mean, a standard deviation, the share of a level, or a bound.

    ``group`` is MS or Control, ``course`` the part of the group it is about (all, relapsing, progressive),
    ``statistic`` mean, sd, share, lower, upper or correlation (of the ranks of two covariates), ``level`` the
    level of a share (an EDSS band as in "2.0 to 3.5"), ``people`` how many people the summary is over.
    """

    group: str
    course: str
    covariate: str
    statistic: str
    level: str = ""
    people: int

    @model_validator(mode="after")
    def _group_is_large(self) -> CovariateSummary:
        if self.people < SMALLEST_GROUP:
            raise RowProblem(f"a summary of {self.people} people", allowed=f"{SMALLEST_GROUP} people or more")
        return self


@dataclass(frozen=True)
class CovariateDraws:
    """Covariates of n subjects: ``age`` (years), ``bmi`` (kg/m2), ``edss`` (points, 0-10; NaN in controls).

    ``sex`` is F or M, ``disease_course`` RRMS, PPMS, SPMS or Control, ``on_treatment`` whether a
    disease-modifying drug is taken. All have n entries.
    """

    subject_ids: tuple[str, ...]
    sex: tuple[str, ...]
    age: np.ndarray
    bmi: np.ndarray
    edss: np.ndarray
    disease_course: tuple[str, ...]
    on_treatment: np.ndarray


@dataclass(frozen=True)
class CovariateTable:
    """The summaries, looked up by group, course, covariate and statistic."""

    rows: tuple[CovariateSummary, ...]

    @cached_property
    def _by_key(self) -> Mapping[tuple[str, str, str, str], Sequence[CovariateSummary]]:
        found: dict[tuple[str, str, str, str], list[CovariateSummary]] = {}
        for row in self.rows:
            found.setdefault((row.group, row.course, row.covariate, row.statistic), []).append(row)
        return found

    def number(self, group: str, course: str, covariate: str, statistic: str) -> float:
        """Return one mean, standard deviation or bound; raises ``ValueError`` where there is none."""
        wanted = (group, course, covariate, statistic)
        found = self._by_key.get(wanted)
        if found:
            return found[0].value
        message = f"no covariate summary for {', '.join(wanted)}"
        raise ValueError(message)

    def shares(self, group: str, course: str, covariate: str) -> dict[str, float]:
        """Return the share of each level (0-1), in the order of the table; they sum to 1 but for rounding."""
        found = self._by_key.get((group, course, covariate, "share"), ())
        shares = {row.level: row.value for row in found}
        if not shares:
            message = f"no shares of {covariate} for {group}, {course}"
            raise ValueError(message)
        return shares

    def edss_moments(self, group: str, course: str) -> tuple[float, float]:
        """Return mean and standard deviation of the law that EDSS is drawn from."""
        bands = self.shares(group, course, "edss")
        whole = sum(bands.values())
        parts = [(share / whole, np.array(_steps(band))) for band, share in bands.items()]
        mean = sum(share * float(steps.mean()) for share, steps in parts)
        square = sum(share * float((steps**2).mean()) for share, steps in parts)
        return mean, math.sqrt(square - mean**2)

    def draw(self, group: str, numbers: Sequence[int], seed: int) -> CovariateDraws:
        """Draw the covariates of the subjects with these numbers; each depends on its own number only.

        The disease course comes first; sex, age, EDSS and treatment depend on whether it is relapsing or
        progressive. Age is normal within bounds, BMI lognormal, EDSS uniform over the steps of a band and
        tied to age by a normal copula with the rank correlation of the table.
        """
        # a person's streams are good until the next person's are asked for
        lucks = zip(
            *(streams(seed, f"population.{each}.{group}", numbers) for each in _DECISIONS), strict=True
        )
        people = [_Person(self, group, dict(zip(_DECISIONS, luck, strict=True))) for luck in lucks]
        return CovariateDraws(
            subject_ids=tuple(f"{group}-{number}" for number in numbers),
            sex=tuple(person.sex for person in people),
            age=np.array([person.age for person in people], dtype=float),
            bmi=np.array([person.bmi for person in people], dtype=float),
            edss=np.array([person.edss for person in people], dtype=float),
            disease_course=tuple(person.disease_course for person in people),
            on_treatment=np.array([person.treated for person in people], dtype=bool),
        )


_DECISIONS = ("disease_course", "sex", "age", "bmi", "edss", "on_treatment")


class _Person:
    """The draws of one subject, one stream for each decision; all are made at once."""

    def __init__(self, table: CovariateTable, group: str, luck: Mapping[str, np.random.Generator]) -> None:
        self.table, self.group, self.luck = table, group, luck
        self.course = "all"
        self.disease_course = CONTROL
        if group != CONTROL:
            self.disease_course = self._level("disease_course")
            self.course = "relapsing" if self.disease_course == "RRMS" else "progressive"
        self.sex = self._level("sex")
        self.age = self._age()
        self.bmi = self._bmi()
        self.edss = self._edss()
        self.treated = group != CONTROL and self._level("on_treatment") == "treated"

    def _level(self, covariate: str) -> str:
        shares = self.table.shares(self.group, self.course, covariate)
        return _choose(shares, float(self.luck[covariate].random()))

    def _age(self) -> float:
        """Age in years."""
        mean, sd, lower, upper = (
            self.table.number(self.group, self.course, "age", statistic)
            for statistic in ("mean", "sd", "lower", "upper")
        )
        while True:  # redraw outside the bounds; they lie well outside one standard deviation
            age = mean + sd * float(self.luck["age"].standard_normal())
            if lower <= age <= upper:
                return age

    def _bmi(self) -> float:
        mean = self.table.number(self.group, self.course, "log_bmi", "mean")
        sd = self.table.number(self.group, self.course, "log_bmi", "sd")
        return float(np.exp(mean + sd * float(self.luck["bmi"].standard_normal())))

    def _edss(self) -> float:
        if self.group == CONTROL:
            return float("nan")
        mean, sd = (self.table.number(self.group, self.course, "age", word) for word in ("mean", "sd"))
        ranks = self.table.number(self.group, self.course, "age and edss", "correlation")
        # the correlation of a normal law that has this rank correlation
        tie = 2.0 * math.sin(math.pi * ranks / 6.0)
        own = float(self.luck["edss"].standard_normal())
        place = float(normal_cdf(tie * (self.age - mean) / sd + math.sqrt(1.0 - tie**2) * own))
        return _step(self.table.shares(self.group, self.course, "edss"), place)


def _step(bands: Mapping[str, float], place: float) -> float:
    """Return the EDSS at a place between 0 and 1 of the law: bands in order, steps of a band alike.

    There is no EDSS of 0.5.

    >>> [_step({"0.0 to 1.5": 0.6, "2.0 to 3.5": 0.4}, place) for place in (0.1, 0.25, 0.99)]
    [0.0, 1.0, 3.5]
    """
    rest = place * sum(bands.values())
    for band, share in bands.items():
        steps = _steps(band)
        if rest < share:
            return steps[int(rest / share * len(steps))]
        rest -= share
    return steps[-1]


def _steps(band: str) -> list[float]:
    """Return the steps of the scale in a band such as "0.0 to 1.5"."""
    low, high = (round(2 * float(word)) for word in band.split(" to "))
    return [step / 2 for step in range(low, high + 1) if step != 1]


def _choose(shares: Mapping[str, float], uniform: float) -> str:
    point = uniform * sum(shares.values())
    for level, share in shares.items():
        point -= share
        if point < 0:
            return level
    return list(shares)[-1]
