"""Host covariates: summaries of a real cohort and the draws made from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from pydantic import model_validator

from eubiosis.core.provenance import SourcedFact
from eubiosis.core.streams import stream
from eubiosis.core.tables import RowProblem

SMALLEST_GROUP = 100
CONTROL = "Control"


class CovariateSummary(SourcedFact):
    """One number about a covariate: a mean, a standard deviation, the share of a level, or a bound.

    ``group`` is MS or Control, ``course`` the part of the group it is about (all, relapsing, progressive),
    ``statistic`` mean, sd, share, lower or upper, ``level`` the level of a share (an EDSS band as in
    "2.0 to 3.5"), ``people`` how many people the summary is over.
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

    def draw(self, group: str, numbers: Sequence[int], seed: int) -> CovariateDraws:
        """Draw the covariates of the subjects with these numbers; each depends on its own number only.

        The disease course comes first; sex, age, EDSS and treatment depend on whether it is relapsing or
        progressive. Age is normal within bounds, BMI lognormal, EDSS uniform over the half steps of a band.
        """
        people = [_Person(self, group, seed, number) for number in numbers]
        return CovariateDraws(
            subject_ids=tuple(f"{group}-{number}" for number in numbers),
            sex=tuple(person.level("sex") for person in people),
            age=np.array([person.age() for person in people], dtype=float),
            bmi=np.array([person.bmi() for person in people], dtype=float),
            edss=np.array([person.edss() for person in people], dtype=float),
            disease_course=tuple(person.disease_course for person in people),
            on_treatment=np.array([person.treated() for person in people], dtype=bool),
        )


class _Person:
    """The draws of one subject, one stream for each decision."""

    def __init__(self, table: CovariateTable, group: str, seed: int, number: int) -> None:
        self.table, self.group, self.seed, self.number = table, group, seed, number
        self.course = "all"
        self.disease_course = CONTROL
        if group != CONTROL:
            self.disease_course = self.level("disease_course")
            self.course = "relapsing" if self.disease_course == "RRMS" else "progressive"

    def stream(self, decision: str) -> np.random.Generator:
        return stream(self.seed, f"population.{decision}.{self.group}", self.number)

    def level(self, covariate: str) -> str:
        return _choose(
            self.table.shares(self.group, self.course, covariate), float(self.stream(covariate).random())
        )

    def age(self) -> float:
        mean, sd, lower, upper = (
            self.table.number(self.group, self.course, "age", statistic)
            for statistic in ("mean", "sd", "lower", "upper")
        )
        draws = self.stream("age")
        while True:  # redraw outside the bounds; they lie well outside one standard deviation
            age = mean + sd * float(draws.standard_normal())
            if lower <= age <= upper:
                return age

    def bmi(self) -> float:
        mean = self.table.number(self.group, self.course, "log_bmi", "mean")
        sd = self.table.number(self.group, self.course, "log_bmi", "sd")
        return float(np.exp(mean + sd * float(self.stream("bmi").standard_normal())))

    def edss(self) -> float:
        if self.group == CONTROL:
            return float("nan")
        draws = self.stream("edss")
        band = _choose(self.table.shares(self.group, self.course, "edss"), float(draws.random()))
        low, high = (float(word) for word in band.split(" to "))
        steps = round((high - low) * 2)
        return low + 0.5 * int(draws.integers(0, steps + 1))

    def treated(self) -> bool:
        return self.group != CONTROL and self.level("on_treatment") == "treated"


def _choose(shares: Mapping[str, float], uniform: float) -> str:
    point = uniform * sum(shares.values())
    for level, share in shares.items():
        point -= share
        if point < 0:
            return level
    return list(shares)[-1]
