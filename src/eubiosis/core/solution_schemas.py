"""The tables that solutions of a model leave as; what is observed adds columns of its own."""

from __future__ import annotations

from eubiosis.core.columns import Column, TableSchema

_SUBJECT = Column("subject", "Position of the subject in the call", "count", "-")
_STATUS = Column("status", "Whether the solution can be used (ok), or why it failed", "text")
_TIME = Column("time", "Time since the start; days in the packaged model", unit="as the model's")
_OBSERVABLES = "one column for each observable that was asked for, in its unit of the model"

COURSES = TableSchema(
    "courses",
    (_SUBJECT, _TIME, _STATUS),
    "Courses of a mechanistic model.",
    "one subject at one time",
    latent=True,
    further=f"what was scanned, and {_OBSERVABLES}",
)
SOLVED_SUBJECTS = TableSchema(
    "solved_subjects",
    (
        _SUBJECT,
        _STATUS,
        Column("steps", "Steps of the solver that were tried", "count", "-"),
        Column("rejected", "Steps of the solver that were rejected", "count", "-"),
    ),
    "What a call of the solver gave for each subject.",
    "one subject",
    latent=True,
    further='what was scanned, and one column for each reduction, such as "Maximum of x"',
)
STEADY_STATES = TableSchema(
    "steady_states",
    (
        _SUBJECT,
        _STATUS,
        Column("stability", "Whether small changes die out", "text"),
        Column("slowest", "Largest real part of the eigenvalues", unit="1/time of the model"),
    ),
    "Steady states of a mechanistic model.",
    "one subject",
    latent=True,
    further=_OBSERVABLES,
)
DERIVATIVES = TableSchema(
    "derivatives",
    (_SUBJECT, _TIME, _STATUS),
    "Derivatives of observables by parameters.",
    "one subject at one time",
    latent=True,
    further='one column for each pair, named "d(observable)/d(parameter)"',
)

SOLUTION_TABLES = (COURSES, SOLVED_SUBJECTS, STEADY_STATES, DERIVATIVES)
