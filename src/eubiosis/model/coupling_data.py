"""What biomarkers of people say about couplings: few rows, and how likely a draw makes them.

A row is a log ratio of something that a coupling moves, Treg or the permeability of the gut, under a therapy.
The model answers with the sum over paths of the coupling times a measured gain. Controlled rows are normal
about that answer. A row without a control is a bound: what time and selection add to it is a half-normal bias
upwards. A response learned in other people reaches MS times a factor of free sign, normal about 1. Rows from
EAE say nothing about people. ``coupling_gains.tsv`` holds the gains beside a hash of what they come from.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import model_validator
from scipy.special import log_ndtr

from eubiosis.core.findings import FindingCollector
from eubiosis.core.provenance import Basis, Read
from eubiosis.core.tables import RowProblem, TableRow, check_unique, display_name, read_table
from eubiosis.engine import Array

ROWS, GAINS = "calibration/coupling_rows.tsv", "calibration/coupling_gains.tsv"
_SMALLEST_GAIN = 1e-9
_ANSWERS = np.linspace(-6.0, 6.0, 4801)  # log ratios among which the most likely one is looked for


class CouplingDataRow(TableRow):
    """One biomarker under one therapy, as a log ratio with its standard error.

    ``condition`` is the named condition whose gut is handed over on ``day``; ``pulse`` an amount of
    propionate or its equal in the small intestine (mM, mean over the day) on top. ``bias_sd`` is the scale
    of the bias of a row without a control, ``transport_sd`` the spread of the factor by which other
    people's answer holds in MS.
    """

    id: str
    cohort: str
    population: Literal["ms", "other", "eae"]
    observable: Literal["treg", "permeability", "none"]
    control: Literal["parallel", "crossover", "within-arm", "none"]
    therapy: str
    condition: str = ""
    pulse: float = 0.0
    day: float | None = None
    estimate: float
    se: float
    bias_sd: float | None = None
    transport_sd: float | None = None
    role: Literal["fit", "check", "holdout"]
    basis: Basis
    read: Read | None = None
    source: str = ""
    licence: str = ""
    note: str

    @model_validator(mode="after")
    def _is_usable(self) -> CouplingDataRow:
        for name in ("source", "licence"):
            if not getattr(self, name):
                raise RowProblem(f"{self.id}: no {name}", next_step=f"name the {name}, or take the row out")
        if not (math.isfinite(self.se) and self.se > 0):
            raise RowProblem(f"{self.id}: standard error {self.se:g}", allowed="a number above 0")
        if self.role != "fit":
            return self
        if self.population == "eae":
            raise RowProblem(f"{self.id}: a row from EAE is a fit row of people", next_step="make it a check")
        if self.observable == "none" or not self.condition or self.day is None:
            raise RowProblem(
                f"{self.id}: a fit row without observable, condition or day", next_step="make it a check"
            )
        if (self.control in ("none", "within-arm")) != (self.bias_sd is not None):
            raise RowProblem(
                f"{self.id}: bias_sd and control do not fit",
                allowed="bias_sd for rows without a control, only",
            )
        if (self.population == "other") != (self.transport_sd is not None):
            raise RowProblem(
                f"{self.id}: transport_sd and population do not fit",
                allowed="transport_sd for other people than those with MS, only",
            )
        return self


class GainRow(TableRow):
    """How much a unit of a coupling adds to the log ratio of a row."""

    row: str
    path: str
    gain: float
    unit: str
    basis: Basis
    source: str


@dataclass(frozen=True)
class CouplingData:
    """The fit rows and the gains of each: row id -> path -> gain."""

    rows: tuple[CouplingDataRow, ...]
    gains: Mapping[str, Mapping[str, float]]

    def log_weight(self, couplings: Mapping[str, float]) -> float:
        """Return the log-likelihood of couplings less its largest possible value: 0 where no row is there."""
        return sum(self._of(row, couplings) for row in self.rows)

    def touches(self, paths: Iterable[str]) -> bool:
        """Say whether any row would notice any of the paths."""
        own = set(paths)
        return any(abs(gain) > _SMALLEST_GAIN for row in self.rows
                   for path, gain in self.gains[row.id].items() if path in own)  # fmt: skip

    def without(self, cohorts: Iterable[str]) -> CouplingData:
        """Return the data without the rows of some cohorts."""
        out = set(cohorts)
        return CouplingData(tuple(row for row in self.rows if row.cohort not in out), self.gains)

    def _of(self, row: CouplingDataRow, couplings: Mapping[str, float]) -> float:
        answer = sum(couplings.get(path, 0.0) * gain for path, gain in self.gains[row.id].items())
        return float(log_likelihood(row, np.array([answer]))[0] - log_likelihood(row, _ANSWERS).max())


def log_likelihood(row: CouplingDataRow, answers: Array) -> Array:
    """Return the log-likelihood of a row at answers of the model in MS, any shape, up to a constant.

    The answer of other people is the one in MS times a factor normal about 1. Without a control the reported
    ratio is the answer and a half-normal bias upwards, whose sum with an error is skew-normal (Azzalini
    1985).
    """
    transport = 0.0 if row.transport_sd is None else row.transport_sd
    variance = row.se**2 + (transport * answers) ** 2
    off = row.estimate - answers
    if row.bias_sd is None:
        return np.asarray(-0.5 * off**2 / variance - 0.5 * np.log(variance))
    wide = variance + row.bias_sd**2
    slant = off * row.bias_sd / np.sqrt(variance * wide)
    return np.asarray(-0.5 * off**2 / wide - 0.5 * np.log(wide) + log_ndtr(slant))


def read_coupling_rows(
    folder: Path, findings: FindingCollector | None = None, holdouts: Iterable[str] = ()
) -> tuple[CouplingDataRow, ...]:
    """Read every row; raises ``FindingsError`` for bad ones: a cohort twice, a fit row that is held out."""
    own = findings if findings is not None else FindingCollector()
    file = display_name(folder / ROWS)
    rows = read_table(folder / ROWS, CouplingDataRow, own)
    check_unique([(row.id, row.id) for row in rows], file, "row", own)
    fitted, held = [row for row in rows if row.role == "fit"], set(holdouts)
    check_unique([(f"{row.cohort}, {row.observable}", row.id) for row in fitted], file, "cohort", own)
    for row in fitted:
        if row.cohort in held:
            own.add(file, row.id, f'cohort "{row.cohort}" is held out and a fit row',
                    next_step="make the row a holdout: a held-out study is never fitted")  # fmt: skip
    if findings is None:
        own.raise_if_any()
    return tuple(rows)


def load_coupling_data(folder: Path) -> CouplingData:
    """Read the fit rows and their gains; raises ``FindingsError`` where a fit row has none."""
    findings = FindingCollector()
    rows = tuple(row for row in read_coupling_rows(folder, findings) if row.role == "fit")
    gains: dict[str, dict[str, float]] = {row.id: {} for row in rows}
    for each in read_table(folder / GAINS, GainRow, findings):
        if each.row in gains:
            gains[each.row][each.path] = each.gain
    for name, found in gains.items():
        if not found:
            findings.add(display_name(folder / GAINS), name, "a fit row without a gain",
                         next_step="measure the gains anew: eubiosis model derive")  # fmt: skip
    findings.raise_if_any()
    return CouplingData(rows, gains)
