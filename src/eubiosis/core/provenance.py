"""Where a number comes from: the schema that every sourced number of the project obeys."""

from __future__ import annotations

import math
import re
from typing import Literal

from pydantic import model_validator

from eubiosis.core.tables import RowProblem, TableRow

Basis = Literal["measured", "fitted", "derived", "assumed"]
Read = Literal["full_text", "table", "abstract", "data_file", "secondary", "recalled"]
Uncertainty = Literal[
    "none", "normal", "lognormal", "logitnormal", "uniform", "loguniform", "symmetric", "dirichlet"
]
Level = Literal["world", "person", "visit", "study", "definition"]

NO_RANGE = "no range was found"
_TOGETHER = re.compile(r"(whole:\w+|rank:\w+|line:\w+[+-])")

MOST = 1e15  # of a value or an end: cells in a colon are 1e13, and nothing here counts more


class SourcedFact(TableRow):
    """An estimate that never travels alone: what it is, how it was obtained, how far its source was read.

    ``low`` and ``high`` are its 95 % interval. ``basis`` says how it was obtained and ``read`` how far its
    source was read: a recalled source nobody has read makes the basis ``assumed``; ``assumed`` demands a
    note, every other basis a source; ``fitted`` names in ``fitted_to`` what it was fitted or hand-tuned to.
    """

    id: str
    description: str
    value: float
    unit: str
    low: float | None = None
    high: float | None = None
    basis: Basis
    read: Read | None = None
    source: str = ""
    fitted_to: str = ""
    note: str = ""

    @model_validator(mode="after")
    def _number_is_in_range(self) -> SourcedFact:
        if not math.isfinite(self.value):
            raise RowProblem(f"value {self.value} is not finite", allowed="a finite number")
        for name in ("value", "low", "high"):
            number = getattr(self, name)
            if number is not None and not abs(number) <= MOST:
                raise RowProblem(
                    f"{name} {number:g} is beyond any quantity",
                    allowed=f"finite, at most {MOST:g} either way",
                    next_step="correct the number or its unit",
                )
        if (self.low is None) != (self.high is None):
            raise RowProblem("one of low and high is empty", next_step="give both or neither")
        if self.low is not None and self.high is not None and not self.low <= self.value <= self.high:
            raise RowProblem(
                f"value {self.value:g} lies outside low {self.low:g} to high {self.high:g}",
                allowed="low <= value <= high",
                next_step="correct the value or the range",
            )
        return self

    @model_validator(mode="after")
    def _origin_is_stated(self) -> SourcedFact:
        if self.read == "recalled" and self.basis != "assumed":
            raise RowProblem(
                f'basis "{self.basis}" with a source that nobody has read',
                allowed='basis "assumed" where read is "recalled"',
                next_step="read the source or set the basis to assumed",
            )
        if self.basis == "assumed" and not self.note:
            raise RowProblem("assumed without a note", next_step="say in the note why this value")
        if self.basis != "assumed" and not self.source:
            raise RowProblem(f"{self.basis} without a source", next_step="name the source")
        if self.basis == "fitted" and not self.fitted_to:
            raise RowProblem("fitted without fitted_to", next_step="name the targets it was fitted to")
        return self


class SourcedNumber(SourcedFact):
    """A number that the model or a plan uses, with what is not known about it and where it differs.

    ``uncertainty`` is the law of what is not known, shared by all subjects of a world (outer loop), with
    ``low`` and ``high`` as its 2.5 and 97.5 % points (the ends of a uniform or loguniform law); ``none``
    where it is not drawn. ``variability`` is the standard deviation, of the logarithm for a positive
    number, between people or visits of one world (inner loop). ``level`` is who shares one value: a world,
    a person, a visit, a study; a ``definition`` never differs. ``together`` names the group with which the
    number is drawn and the law of the group: ``whole:NAME`` (shares that keep their sum), ``line:NAME+`` or
    ``line:NAME-`` (all move along one line, up or down), ``rank:NAME`` (rank correlations of a table).
    """

    uncertainty: Uncertainty
    variability: float | None = None
    level: Level
    together: str = ""

    @property
    def uncertain(self) -> bool:
        """Whether worlds may draw the number."""
        return self.uncertainty != "none"

    @model_validator(mode="after")
    def _assumed_is_never_fixed(self) -> SourcedNumber:
        if self.level == "definition":
            if self.uncertain or self.variability is not None or self.together:
                raise RowProblem(
                    "a definition with uncertainty, variability or a group",
                    allowed='level "definition" with uncertainty "none" and nothing else',
                    next_step="empty these cells or change the level",
                )
        elif self.basis == "assumed" and not self.uncertain:
            raise RowProblem(
                "assumed and fixed",
                allowed='a law and a range, or level "definition"',
                next_step="state a range; for a rate without any: half to twice, lognormal",
            )
        elif self.low is not None and not self.uncertain:
            raise RowProblem("a range without a law", next_step="name the uncertainty")
        elif self.basis == "fitted" and not self.uncertain and NO_RANGE not in self.note:
            raise RowProblem("fitted without a range", next_step=f'give the range found or note "{NO_RANGE}"')
        return self

    @model_validator(mode="after")
    def _law_fits_its_range(self) -> SourcedNumber:
        low, high, law = self.low, self.high, self.uncertainty
        if law == "none":
            return self
        if low is None or high is None or not low < high:
            raise RowProblem(f"uncertainty {law} without a range", allowed="low < high")
        if law in ("lognormal", "loguniform") and not low > 0:
            raise RowProblem(f"{law} from {low:g}", allowed="low above 0", next_step="normal or uniform")
        if law in ("lognormal", "logitnormal") and not low < self.value < high:
            raise RowProblem(f"{law} with its median at an end", allowed="low < value < high")
        if law == "logitnormal" and not (low > 0 and high < 1):
            raise RowProblem(f"logitnormal from {low:g} to {high:g}", allowed="inside (0, 1)")
        if law == "symmetric" and low != -high:
            raise RowProblem(f"symmetric from {low:g} to {high:g}", allowed="low = -high")
        if law == "dirichlet" and not self.together.startswith("whole:"):
            raise RowProblem("dirichlet outside a whole", next_step="name the group: whole:NAME")
        return self

    @model_validator(mode="after")
    def _level_fits(self) -> SourcedNumber:
        if self.variability is not None and not self.variability > 0:
            raise RowProblem(f"variability {self.variability:g}", allowed="above 0, or empty")
        if (self.variability is not None) != (self.level in ("person", "visit")):
            raise RowProblem(
                f'level "{self.level}" with variability {self.variability}',
                allowed="a variability at the levels person and visit, and nowhere else",
            )
        if self.together and not _TOGETHER.fullmatch(self.together):
            raise RowProblem(
                f'together "{self.together}"', allowed="whole:NAME, rank:NAME, line:NAME+ or line:NAME-"
            )
        if self.together and not self.uncertain:
            raise RowProblem("in a group without an uncertainty", next_step="name its law and its range")
        return self
