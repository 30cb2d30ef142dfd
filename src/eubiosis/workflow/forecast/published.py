"""The mean change of published trials: only where product, dose, duration and definition are the same.

Two kinds of content are read: the change under inulin beyond control as a mean difference of centred
log-ratios (``planning/stool_variances.tsv``), and the targets that give a ratio of group means over the own
habitual state (``targets/targets.tsv``). A figure of another dose, or of another contrast such as one diet
over another, is refused by name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from eubiosis.analysis.planning.stool_variance import load_stool_variances
from eubiosis.core.stool_forecast import Definition, PublishedChange
from eubiosis.model.content import TargetRow
from eubiosis.model.model import Model
from eubiosis.therapy.phrase import TherapyPhrase
from eubiosis.workflow.forecast.quantities import QUANTITIES, ForecastQuantity

_INULIN_GRAMS, _INULIN_DAYS = 20.0, 14  # of the trial behind shift_inulin (its note in the table)
_LONGEST_OVER = 2.0  # durations this far apart are not the same
_OWN_STATE = ("own habitual state", "own untreated state")


@dataclass(frozen=True)
class Published:
    """Figures by quantity, and why there are none of others that were looked at."""

    changes: tuple[PublishedChange, ...]
    refused: tuple[str, ...]

    def of(self, quantity: str, definition: Definition | None = None) -> PublishedChange | None:
        """Return the first figure of a quantity, of a definition where one is named."""
        return next(
            (c for c in self.changes if c.quantity == quantity and definition in (None, c.definition)),
            None,
        )


def published_changes(model: Model, phrase: TherapyPhrase, *, without: Sequence[str] = ()) -> Published:
    """Return what trials of the same therapy found; ``without`` leaves out sources that name one of these."""
    if len(phrase.therapy.components) != 1:
        return Published((), ("no trial in the tables combined these therapies",))
    found: list[PublishedChange] = []
    refused: dict[str, list[str]] = {}
    for change, differs in (*_shifts(phrase), *_targets(model, phrase)):
        itself = any(word in change.source for word in without)
        reason = "it is the study itself" if itself else differs
        if reason:
            said = f"{change.source.split(':')[0].split(';')[0]}: {reason}"
            refused.setdefault(said, []).append(change.quantity)
        else:
            found.append(change)
    told = tuple(f"{said} ({', '.join(dict.fromkeys(names))})" for said, names in refused.items())
    return Published(tuple(found), told)


def _shifts(phrase: TherapyPhrase) -> Iterator[tuple[PublishedChange, str]]:
    therapy = phrase.therapy
    if therapy.product != "inulin":
        return
    for row in load_stool_variances():
        if row.component == "shift_inulin" and row.endpoint == "guild":
            ends = [None if x is None else float(np.exp(x)) for x in (row.low, row.high)]
            change = PublishedChange(
                f"share_{row.marker}", float(np.exp(row.value)), ends[0], ends[1], "mean_log_ratio",
                _INULIN_DAYS, "over the change on control starch", "healthy young adults", row.source,
                fitted=True,
            )  # fmt: skip
            yield change, _differs(therapy.amount, phrase.days, _INULIN_GRAMS, _INULIN_DAYS)


def _targets(model: Model, phrase: TherapyPhrase) -> Iterator[tuple[PublishedChange, str]]:
    record = phrase.therapy.record
    driven = {} if record.dose is None else record.dose.driven
    given = {name: phrase.therapy.amount * share for name, share in driven.items()}
    by_source = {quantity.source: quantity for quantity in QUANTITIES}
    for row in model.content.targets:
        quantity = by_source.get(row.observable)
        if quantity is None or row.target is None or row.statistic not in ("ratio", "ratio_to"):
            continue
        if record.diet is not None and record.diet.condition is not None:
            if _what(row.condition) == _what(record.diet.condition):
                yield _change(row, quantity), _reason(row, phrase.days, {}, {})
            continue
        levels = {pulse.target: pulse.level for pulse in model.condition(row.condition).pulses}
        if levels and set(levels) == set(given):
            yield _change(row, quantity), _reason(row, phrase.days, given, levels)


def _what(condition: str) -> str:
    """Return what a condition does, without who does it."""
    return condition.split("_", 1)[-1]


def _reason(row: TargetRow, days: int, given: Mapping[str, float], levels: Mapping[str, float]) -> str:
    if row.statistic != "ratio" or row.contrast not in _OWN_STATE:
        return f"measured over {row.contrast.removeprefix('condition:')}, not over the own habitual state"
    for name, level in levels.items():
        differs = _differs(given[name], days, level, int(row.day or 0))
        if differs:
            return differs
    return "" if levels else _differs(1.0, days, 1.0, int(row.day or 0))


def _differs(amount: float, days: int, of_trial: float, trial_days: int) -> str:
    if abs(amount - of_trial) > 1e-9 * max(amount, of_trial):
        return f"the trial gave {of_trial:g} a day, not {amount:g}"
    if not trial_days / _LONGEST_OVER <= days <= trial_days * _LONGEST_OVER:
        return f"the trial measured on day {trial_days}"
    return ""


def _change(row: TargetRow, quantity: ForecastQuantity) -> PublishedChange:
    assert row.target is not None
    return PublishedChange(
        quantity.id, row.target, row.low, row.high, "ratio_of_means", int(row.day or 0), row.contrast,
        row.population, row.source, fitted=row.fitted == "yes",
    )  # fmt: skip
