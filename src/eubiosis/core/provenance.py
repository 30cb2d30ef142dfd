"""Where a number comes from: the schema that every sourced number of the project obeys."""

from __future__ import annotations

import math
from typing import Literal

from pydantic import model_validator

from eubiosis.core.tables import RowProblem, TableRow

Basis = Literal["measured", "fitted", "derived", "assumed"]
Read = Literal["full_text", "table", "abstract", "data_file", "secondary", "recalled"]
Distribution = Literal[
    "fixed", "normal", "lognormal", "uniform", "loguniform", "beta", "dirichlet", "bernoulli"
]


class SourcedNumber(TableRow):
    """A number that never travels alone.

    ``low`` and ``high`` are the 2.5 and 97.5 % points where a distribution is named and a plausible
    range otherwise; ``spread`` is the standard deviation of a normal and of the logarithm of a
    lognormal distribution between people or studies. ``basis`` says how the number was obtained and
    ``read`` how far its source was read: a recalled source nobody has read makes the basis
    ``assumed``; ``assumed`` demands a note, every other basis a source; ``fitted`` names in
    ``fitted_to`` what it was fitted or hand-tuned to.
    """

    id: str
    description: str
    value: float
    unit: str
    low: float | None = None
    high: float | None = None
    distribution: Distribution | None = None
    spread: float | None = None
    basis: Basis
    read: Read | None = None
    source: str = ""
    fitted_to: str = ""
    note: str = ""

    @model_validator(mode="after")
    def _number_is_in_range(self) -> SourcedNumber:
        if not math.isfinite(self.value):
            raise RowProblem(f"value {self.value} is not finite", allowed="a finite number")
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
    def _origin_is_stated(self) -> SourcedNumber:
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
