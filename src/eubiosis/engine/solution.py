"""What a call asks for and what it gets: tolerances, reductions, solutions and the words for failures."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from eubiosis.core.frame import Table
from eubiosis.core.solution_schemas import COURSES, SOLVED_SUBJECTS
from eubiosis.engine.system import Array, System
from eubiosis.engine.tables import course_columns, dataset, html_of_course, tally

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

    from eubiosis.engine.codegen.program import Program

    Frame: TypeAlias = pd.DataFrame

Counts = NDArray[np.int64]
OK, STEP_LIMIT, NON_FINITE, NEGATIVE, EVENT_FAILURE, SLIDING, NON_UNIQUE, UNDECIDED = (
    *("ok", "step_limit", "non_finite", "negative", "event_failure", "sliding", "non_unique", "undecided"),
)
STATUS_WORDS = (OK, STEP_LIMIT, NON_FINITE, NEGATIVE, EVENT_FAILURE, SLIDING, NON_UNIQUE, UNDECIDED)
FAILURES = STATUS_WORDS[1:]
LEAST_ABSOLUTE = 1e-300  # so that a state that stays zero has a scale where the caller allows none


@dataclass(frozen=True)
class Tolerances:
    """Error control: relative, absolute, the step limit, and what counts as negative.

    The root mean square over the moving states of error / (absolute + relative x size now) stays below one at
    every step. ``absolute`` is one number or one for each state; None, the default, follows the states: 1e-8
    times ``relative`` times the largest size that a state has had so far, whatever its unit. With a
    finite ``negative``, a state that falls below ``-negative`` times its absolute tolerance makes the
    subject's status "negative"; its values stay. The default allows any sign.
    """

    relative: float = 1e-8
    absolute: float | Array | None = None
    max_steps: int = 100_000
    negative: float = math.inf

    def __post_init__(self) -> None:
        absolute = np.zeros(1) if self.absolute is None else np.asarray(self.absolute, dtype=float)
        for name, value, fine in (
            ("relative", self.relative, 0 < self.relative < 1),
            ("absolute", self.absolute, bool(np.all(np.isfinite(absolute) & (absolute >= 0)))),
            ("max_steps", self.max_steps, self.max_steps >= 1),
            ("negative", self.negative, self.negative >= 0),
        ):
            if not fine:
                message = f"tolerances: {name} is {value}; allowed: {_ALLOWED[name]}"
                raise ValueError(message)

    @property
    def scaled(self) -> bool:
        """Whether the absolute tolerances follow the states' sizes."""
        return self.absolute is None

    def table(self, index: Mapping[str, int], program: Program) -> Array:
        """Return what a loop reads: the relative tolerance, a number and a floor for each row, and steps.

        See ``codegen.sizes`` for what the numbers mean where the tolerances follow the states.
        """
        moving = len(program.moving)
        given = {**program.system.constants, **program.system.initial}
        scales = [1.0 / (abs(given[p]) or 1.0) for p in program.options.sensitivities]
        if self.absolute is None:
            own, units = np.zeros(moving), np.ones(moving)
            rest = [np.full(moving, scale) for scale in scales]
        else:
            absolute = np.broadcast_to(np.asarray(self.absolute, dtype=float), (len(index),))
            own = units = np.maximum(absolute[[index[name] for name in program.moving]], LEAST_ABSOLUTE)
            rest = [own * scale for scale in scales]
        floors = -self.negative * units if math.isfinite(self.negative) else np.full(moving, -np.inf)
        others = np.concatenate((*rest, np.ones(len(program.quadratures))))
        free = np.full(len(others), -np.inf)
        return np.concatenate(([self.relative], own, others, floors, free, [self.expected_steps]))

    @property
    def expected_steps(self) -> float:
        """About how many steps of order five a course takes; what is chosen first depends on it."""
        return 2.5 * math.pow(self.relative, -0.2)


_ALLOWED = {
    "relative": "above 0 and below 1",
    "absolute": "numbers from 0 on, or None to follow the states' sizes",
    "max_steps": "1 or more",
    "negative": "0 or more; infinity allows any sign",
}


@dataclass(frozen=True)
class Reduction:
    """A number for each subject, accumulated on the way from a state, assigned quantity or parameter."""

    name: str


class Integral(Reduction):
    """The integral over time, of the method's order; it has no part in the error control."""


class Minimum(Reduction):
    """The least value, over four points of every step and both sides of every change."""


class Maximum(Reduction):
    """The largest value, over four points of every step and both sides of every change."""


class Last(Reduction):
    """The value at the last time."""


def names_of(reductions: Sequence[Reduction], *kinds: type[Reduction]) -> tuple[str, ...]:
    """Return the quantities of reductions of some kinds, each once."""
    return tuple(dict.fromkeys(r.name for r in reductions if isinstance(r, kinds)))


@dataclass(frozen=True, repr=False)
class Solution:
    """Observables of every subject at every time.

    ``values`` has shape (subjects, times, observables), in the order of ``observables``; a subject that
    failed has NaN from the failure on. ``status`` has one word for each subject, ``states`` the final
    states, shape (subjects, states), ``reduced`` one array (subjects,) for each reduction, and ``effort``
    the steps tried and rejected, shape (subjects, 2).
    """

    times: Array
    observables: tuple[str, ...]
    values: Array
    states: Array
    reduced: Mapping[Reduction, Array]
    effort: Counts
    codes: Counts

    def __getitem__(self, observable: str) -> Array:
        """Return one observable, shape (subjects, times)."""
        return np.asarray(self.values[:, :, self.observables.index(observable)])

    def __repr__(self) -> str:
        subjects, times, observables = self.values.shape
        size = f"{subjects} subjects x {times} times x {observables} observables"
        return f"<Solution: {size}; {tally(self.status)}>"

    def _repr_html_(self) -> str:
        caption = f"{repr(self)[1:-1]}; the first subject"
        return html_of_course(self.times, self.observables, self.values, caption)

    def to_table(self) -> Table:
        """Return a table with a row for each subject and time: both, the status, and the observables."""
        columns = course_columns(self.times, self.observables, self.values, self.status)
        return Table(columns, schema=COURSES)

    def subjects_to_table(self) -> Table:
        """Return a table with a row for each subject: status, steps tried and rejected, and reductions."""
        return Table(self.by_subject(), schema=SOLVED_SUBJECTS)

    def by_subject(self) -> dict[str, np.ndarray]:
        """Return the columns of ``subjects_to_table``, each (subjects,)."""
        return {
            "subject": np.arange(len(self.codes)),
            "status": np.array(self.status, dtype=object),
            "steps": self.effort[:, 0],
            "rejected": self.effort[:, 1],
            **{f"{type(r).__name__} of {r.name}": column for r, column in self.reduced.items()},
        }

    def to_pandas(self) -> Frame:
        """Return the courses as a pandas table indexed by subject and time, with the status as a column.

        Raises ``ImportError`` with the line that installs pandas where it is absent.
        """
        return self.to_table().to_pandas().set_index(["subject", "time"])

    def to_xarray(self) -> xr.Dataset:
        """Return the courses as an xarray data set with the dimensions subject and time.

        Raises ``ModuleNotFoundError`` with the line that installs xarray where it is absent.
        """
        return dataset(self.times, self.observables, self.values, self.status)

    @property
    def status(self) -> tuple[str, ...]:
        """One word for each subject: "ok" or the reason for its failure."""
        return tuple(STATUS_WORDS[code] for code in self.codes)

    @classmethod
    def empty(
        cls,
        system: System,
        times: Array,
        observables: tuple[str, ...],
        reductions: tuple[Reduction, ...],
        subjects: int,
        values: Array | None = None,
    ) -> Solution:
        """Return a solution that is yet to be filled; the loop writes times side by side.

        ``values`` (subjects, observables, times) are those of a loop that has run already.
        """
        made = np.full((subjects, len(observables), len(times)), np.nan) if values is None else values
        return cls(
            times,
            observables,
            made.transpose(0, 2, 1),
            np.full((subjects, len(system.states)), np.nan),
            {reduction: np.full(subjects, np.nan) for reduction in reductions},
            np.zeros((subjects, 2), dtype=np.int64),
            np.zeros(subjects, dtype=np.int64),
        )

    def take_in(
        self,
        rows: slice,
        program: Program,
        status: Counts,
        final: Array,
        effort: Counts,
        extremes: Array,
    ) -> None:
        """Fill in what the loop wrote for some subjects."""
        self.codes[rows], self.effort[rows] = status, effort
        self.states[rows] = final[:, [program.place[name] for name in program.system.states]]
        for reduction, column in self.reduced.items():
            if isinstance(reduction, Integral):
                column[rows] = final[:, program.place[f"integral of {reduction.name}"]]
            elif isinstance(reduction, Minimum | Maximum):
                k = program.options.extrema.index(reduction.name)
                column[rows] = extremes[:, 2 * k + isinstance(reduction, Maximum)]
