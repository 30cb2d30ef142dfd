"""The gut's waves: draws of the prior that a healthy gut does not contradict, judged by every row at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.special import ndtr

from eubiosis.calibration.roles import join, read_tables, rows_for
from eubiosis.calibration.roles_tables import Kind, Role
from eubiosis.calibration.waves_terms import Term, scores, study_of, terms
from eubiosis.core.streams import stream
from eubiosis.engine import Array
from eubiosis.model.content import TargetRow
from eubiosis.model.draws import CorrelationRow, free_names, read_correlations
from eubiosis.model.laboratory import Laboratory, distances
from eubiosis.model.model import Model
from eubiosis.model.plausible import DIET_MISSES, HEALTHY_MISSES, diet_rows, healthy_rows
from eubiosis.model.worlds import drawn_sets, gut_numbers

IMPLAUSIBLE = 3.0  # spreads by which a row may be off before it rules a set out (Pukelsheim 1994)
_TOGETHER = 400  # sets solved in one go
_EDGE = 1e-9


def fitted_rows(model: Model) -> tuple[TargetRow, ...]:
    """Return the rows that worlds may be matched to: of role fit, like for like, each figure once."""
    return _rows(model, ("fit",))


def compared_rows(model: Model) -> tuple[TargetRow, ...]:
    """Return the rows, fitted or not, that ask the model for what their study measured."""
    return _rows(model, ("fit", "check"))


def _rows(model: Model, roles: tuple[Role, ...]) -> tuple[TargetRow, ...]:
    rows = join(read_tables(model.content))
    kinds: tuple[Kind, ...] = ("gut", "natural_history", "drug_class")
    found = (row.target_row for kind in kinds for role in roles for row in rows_for(kind, role, rows=rows))
    return tuple(row for row in found if row is not None)


def looked_at(model: Model) -> tuple[TargetRow, ...]:
    """Return the rows that worlds are compared with, fitted or not; a hold-out stays out of sight."""
    return tuple(row for row in model.content.targets if row.role in ("fit", "check"))


@dataclass(frozen=True)
class GutProblem:
    """Normal scores of the gut's free numbers, and what the rows of the target table say to them."""

    model: Model
    fitted: tuple[Term, ...]
    threads: int | None = None
    without: str = ""

    @classmethod
    def of(
        cls,
        model: Model,
        *,
        without: str = "",
        threads: int | None = None,
        rows: Sequence[TargetRow] | None = None,
    ) -> GutProblem:
        """Return the problem of all fitted rows that a course of the gut answers, or without one study's."""
        wanted = [row for row in (fitted_rows(model) if rows is None else rows) if study_of(row) != without]
        return cls(model, terms(Laboratory.of(model, wanted).rows), threads, without)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The numbers that differ between gut worlds."""
        return gut_numbers(self.model)

    @cached_property
    def free(self) -> tuple[str, ...]:
        """Those that need a score of their own, in the order of the columns of a point."""
        return free_names(self.model.content.numbers, self.names)

    @cached_property
    def laboratory(self) -> Laboratory:
        """A laboratory of every row that is looked at."""
        rows = dict.fromkeys((*looked_at(self.model), *self._healthy, *self._diets))
        return Laboratory.of(self.model, tuple(rows), self.threads)

    @cached_property
    def _matched(self) -> Laboratory:
        """A laboratory of what the likelihood needs."""
        rows = dict.fromkeys((*(each.row for each in self.fitted), *self._diets))
        return Laboratory.of(self.model, tuple(rows), self.threads)

    def sets(self, points: Array) -> dict[str, Array]:
        """Return the numbers at ``points`` (n, free), id -> (n,)."""
        places = np.clip(ndtr(points), _EDGE, 1 - _EDGE)
        own = {name: places[:, k] for k, name in enumerate(self.free)}
        return drawn_sets(self.model, self.names, own, self._together)

    def answers(self, points: Array) -> dict[str, Array]:
        """Return row id -> what each point gives, (n,)."""
        laboratory = self.laboratory
        parts = [
            laboratory.answers(self.sets(points[k : k + _TOGETHER])) for k in range(0, len(points), _TOGETHER)
        ]
        return {row.id: np.concatenate([part[row.id] for part in parts]) for row in laboratory.rows}

    def log_likelihood(self, points: Array) -> Array:
        """Return the logarithm of the likelihood of every point; -inf where a healthy gut contradicts it.

        What the healthy gut says alone is asked first: a point that it rules out runs no course.
        """
        found = np.full(len(points), -np.inf)
        for begin in range(0, len(points), _TOGETHER):
            sets = self.sets(points[begin : begin + _TOGETHER])
            first = Laboratory.of(self.model, self._healthy, self.threads)
            healthy = first.healthy(sets)
            missed = _missed(self._healthy, first.answers(sets, {"healthy": healthy}))
            rows = np.flatnonzero((missed <= HEALTHY_MISSES) & healthy.solved)
            if not len(rows):
                continue
            some = {name: values[rows] for name, values in sets.items()}
            people = self._matched.persons(some, healthy.take(rows))
            answers = self._matched.answers(some, people)
            fits = -(scores(self.fitted, answers) ** 2).sum(axis=0) / 2
            kept = _missed(self._diets, answers) <= DIET_MISSES
            found[begin + rows[kept]] = fits[kept]
        return found

    def healthy(self, answers: dict[str, Array]) -> Array:
        """Say which sets a healthy gut does not contradict, by the rule of ``model.plausible``."""
        return np.logical_and(
            _missed(self._healthy, answers) <= HEALTHY_MISSES, _missed(self._diets, answers) <= DIET_MISSES
        )

    def prior(self, size: int, seed: int) -> tuple[Array, Array, dict[str, Array]]:
        """Draw points until ``size`` of them pass; return these, all points, and the answers of all."""
        drawn: list[Array] = []
        answers: list[dict[str, Array]] = []
        passed = 0
        for number in range(1000):
            points = stream(seed, "calibration/prior", number).standard_normal((_TOGETHER, len(self.free)))
            drawn.append(points)
            answers.append(self.answers(points))
            passed += int(self.healthy(answers[-1]).sum())
            if passed >= size:
                break
        everything = np.concatenate(drawn)
        all_answers = {name: np.concatenate([one[name] for one in answers]) for name in answers[0]}
        rows = np.flatnonzero(self.healthy(all_answers))
        if len(rows) < size:
            message = f"{len(rows)} of {len(everything)} draws agree with a healthy gut, {size} are needed"
            raise ArithmeticError(message)
        return everything[rows[:size]], everything, all_answers

    @cached_property
    def _healthy(self) -> tuple[TargetRow, ...]:
        return self._kept(healthy_rows(self.model))

    @cached_property
    def _diets(self) -> tuple[TargetRow, ...]:
        return self._kept(diet_rows(self.model))

    def _kept(self, rows: Sequence[TargetRow]) -> tuple[TargetRow, ...]:
        return tuple(row for row in rows if study_of(row) != self.without)

    @cached_property
    def _together(self) -> tuple[CorrelationRow, ...]:
        return read_correlations(self.model.content.folder)


def _missed(rows: Sequence[TargetRow], answers: dict[str, Array]) -> Array:
    return np.asarray((distances(rows, answers) > 0).sum(axis=0))


def implausibility(fitted: Sequence[Term], answers: dict[str, Array]) -> Array:
    """Return the largest distance of each set over the fitted rows, in spreads, (sets,)."""
    return np.asarray(np.abs(scores(fitted, answers)).max(axis=0))
