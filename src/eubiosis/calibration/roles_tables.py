"""The tables of roles: what each figure is for, whose cohort it is, what it may be compared with.

``roles.tsv`` holds only what the tables of targets and of evidence lack: the role in calibration and how the
figure was measured. Values, intervals, populations and sources stay where they are and are joined by id.
"""

from __future__ import annotations

import math
from typing import Literal

from pydantic import model_validator

from eubiosis.core.provenance import Basis, Read
from eubiosis.core.tables import RowProblem, TableRow

Role = Literal["fit", "check", "holdout"]
Kind = Literal["gut", "natural_history", "drug_class", "coupling", "clinical", "eae"]
Control = Literal["none", "within_arm", "parallel", "crossover", "case_control"]
Blinding = Literal["blind", "open", "not_read", "-"]
People = Literal["ms", "healthy", "other", "mouse", "none"]
Certainty = Literal["read", "likely"]
KINDS: tuple[Kind, ...] = ("gut", "natural_history", "drug_class", "coupling", "clinical", "eae")
FOLDER = "calibration"
NO_TRIAL = "asked"  # the dose of a row that no trial has measured: whatever the model is asked
ANCHOR = "anchor:"  # begins the id of a row of evidence/anchors.tsv: its study, and which row of it


class RoleRow(TableRow):
    """The role of one figure and how it was measured.

    ``cohort`` names cohorts of ``licences.tsv``, separated by ";"; an empty cell takes those of the studies
    that the evidence row names. ``control`` is none for a level, within_arm for a change without a
    concurrent comparison, ``specimen`` where it was measured, ``dose`` and ``day`` what was given and when it
    was read, ``contrast`` what it is compared with: none, untreated, healthy, condition:NAME or drug:NAME.
    ``same_as`` names the row whose figure this one repeats: it is never counted again.
    """

    id: str
    role: Role
    kind: Kind
    cohort: str = ""
    control: Control
    blinding: Blinding
    taxon: Literal["guild", "genus", "-"] = "-"
    specimen: str
    dose: str
    day: float | None = None
    contrast: str
    same_as: str = ""
    reason: str = ""

    @model_validator(mode="after")
    def _a_level_has_no_contrast(self) -> RoleRow:
        if (self.control == "none") != (self.contrast == "none") and self.dose != NO_TRIAL:
            raise RowProblem(
                f'control "{self.control}" with the contrast "{self.contrast}"',
                allowed="control none with contrast none: a level; any other control with a contrast",
                next_step="say what the figure is compared with",
            )
        return self


class CohortRow(TableRow):
    """A cohort: who its people are, what is carried over from it, and under which licence."""

    cohort: str
    people: People
    n: int | None = None
    taken: Literal["printed figure", "group summary", "none"]
    licence: str = ""
    source: str
    note: str = ""


class LeakageRow(TableRow):
    """A cohort inside a pooled row that the row's own cohort does not show."""

    pooled: str
    cohort: str
    certainty: Certainty
    note: str


class AllowanceRow(TableRow):
    """What is added to a figure because of how it was measured: a missing control, or people who knew.

    ``applies_to`` is a control or a blinding. ``opens`` says that the interval is opened to no effect: the
    figure bounds the effect from one side.
    """

    id: str
    kind: Kind
    applies_to: str
    sd: float
    unit: Literal["log ratio", "SD"]
    opens: Literal["yes", "no"]
    basis: Basis
    read: Read | None = None
    source: str = ""
    note: str = ""

    @model_validator(mode="after")
    def _has_a_size(self) -> AllowanceRow:
        if not 0 < self.sd < math.inf:
            raise RowProblem(f"sd {self.sd:g}", allowed="above 0, finite", next_step="estimate it")
        if self.basis == "assumed" and not self.note:
            raise RowProblem("assumed without a note", next_step="say in the note why this size")
        return self


class LogRow(TableRow):
    """A change of role after the table was first hashed; ``from_role`` and ``to_role`` are its ends."""

    id: str
    date: str
    from_role: Role
    to_role: Role
    reason: str
