"""The tables of clinical priors and of model forms in a trial report."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict

from eubiosis.core.model_forms import SURVIVES
from eubiosis.core.report_input import ClinicalPriorRow, FormEffect, TrialReportInput
from eubiosis.core.study_names import named
from eubiosis.core.world_intervals import ENOUGH_WORLDS
from eubiosis.report.trial.words import NOT_ESTIMABLE, error_text, estimable, number, percent, with_interval

_FORMS = {"mixed": "mixed", "outside": "outside the mechanism, alone"}


class PriorCells(TypedDict):
    """What a row of the table of clinical priors shows."""

    label: str
    arm: str
    prior: str
    scale: str
    outside: str
    chances: list[str]
    rests: str


class FormCells(TypedDict):
    """What a row of the table of forms shows."""

    outcome: str
    form: str
    weight: str
    truth: str
    error: str
    worlds: str


def prior_cells(report_input: TrialReportInput) -> list[PriorCells]:
    """Return the rows of the table of clinical priors; a note stands once for an arm."""
    told: set[tuple[str, str]] = set()
    rows = []
    for row in report_input.priors:
        notes = [note for note in row.notes if (row.arm, note) not in told]
        told |= {(row.arm, note) for note in notes}
        rows.append(_prior(row, notes))
    return rows


def form_cells(report_input: TrialReportInput) -> list[FormCells]:
    """Return the rows of the table of forms."""
    return [_form(row) for row in report_input.forms]


def _prior(row: ClinicalPriorRow, notes: Sequence[str]) -> PriorCells:
    said = [
        f"{statement}: {percent(probability, decimals=1)} (before data {percent(before, decimals=1)}; {word})"
        for statement, probability, before, word in row.chances
    ]
    if row.tipping is not None:
        said.append(
            f"to reach 0.8 through acids alone, relapses would have to change by a ratio of "
            f"{_ratio(row.tipping)} per doubling of acids"
        )
    return {
        "label": row.label,
        "arm": row.arm,
        "prior": with_interval(row.prior, sign=row.scale != "ratio", decimals=2),
        "scale": "ratio" if row.scale == "ratio" else f"{row.scale} {row.unit}".strip(),
        "outside": "–" if row.outside_share is None else percent(row.outside_share),
        "chances": said,
        "rests": "; ".join((row.basis, f"class {row.intervention}", *map(named, notes))),
    }


def _ratio(value: float) -> str:
    return number(value) if value >= 0.001 else "under 0.001"


def _form_words(row: FormEffect) -> str:
    """Name a form; a mixture from which forms are absent says so."""
    if row.form == "mixed" and row.form_label != SURVIVES:
        return row.form_label
    return _FORMS.get(row.form, f"{row.form}: {row.form_label}")


def _form(row: FormEffect) -> FormCells:
    low, _, high = row.truth_error
    few = "" if row.enough else f" (fewer than {ENOUGH_WORLDS})"
    return {
        "outcome": f"{row.label}, {row.arm}",
        "form": _form_words(row),
        "weight": percent(row.weight),
        "truth": with_interval(row.truth),
        "error": f"{error_text(low)}, {error_text(high)}" if estimable((low, high)) else NOT_ESTIMABLE,
        "worlds": f"{row.worlds:,}{few}",
    }
