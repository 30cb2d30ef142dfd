"""From matched rows to one row a participant for each endpoint: outcome, baseline, covariates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eubiosis.analysis.columns import missing_values
from eubiosis.analysis.trial_table.cells import Bools, Cells, Floats, Ints, WordColumn
from eubiosis.analysis.trial_table.match import MOST_CASES, Matched, filtered
from eubiosis.core.kinds import plain, shown
from eubiosis.core.trial_plan import PlannedEndpoint, PlannedVisit, TrialPlan

MOST_EVENTS = 1_000_000
CovariateValues = NDArray[np.float64] | NDArray[np.object_]


@dataclass(frozen=True)
class EndpointData:
    """What an endpoint's analysis uses, one entry for each participant of the trial.

    ``arm`` (people,); ``outcome`` (people,) the value that is compared, NaN where missing; ``by_visit``
    (people, visits) the values at ``visits`` of the plan (no visit: one column). ``baseline``, ``exposure``
    (people,) and ``event`` (1 or 0) where the plan
    has them. ``covariates`` hold numbers, or texts with None where missing.
    ``set_missing`` counts the values after an intercurrent event that the hypothetical strategy left out.
    """

    planned: PlannedEndpoint
    arm: NDArray[np.str_]
    outcome: Floats
    by_visit: Floats
    visits: tuple[PlannedVisit, ...]
    baseline: Floats | None
    exposure: Floats | None
    event: Floats | None
    covariates: Mapping[str, CovariateValues]
    set_missing: int


def prepare(cells: Cells, plan: TrialPlan, matched: Matched, number: int) -> EndpointData:
    """Gather the data of one endpoint of the plan; findings go to ``cells.findings``."""
    planned = plan.endpoints[number]
    place = f"endpoints[{number}]"
    own = filtered(cells, planned.rows, matched.rows, f"{place}.rows")
    checked = own
    if planned.visit is not None:
        checked, own = own & (matched.visit != -2), own & (matched.visit >= 0)
    visits = matched.visits if planned.visit is not None else ()
    position = matched.visit if visits else np.zeros(len(cells), dtype=np.int64)
    if matched.rows.any() and not own.any() and not cells.findings.findings:
        cells.findings.add(
            cells.file, f"column {planned.column}", f'no row is left for the endpoint "{planned.name}"',
            allowed="one row or more", next_step=f"look at {place}.rows and at the visits",
        )  # fmt: skip
    single = _without_duplicates(cells, plan, matched, own, position, planned)
    values = _values(cells, planned, checked, place)
    by_visit = np.full((len(matched.people), max(len(visits), 1)), np.nan)
    by_visit[matched.person[single], position[single]] = values[single]
    by_visit, removed = _after_events(cells, planned, matched, own, by_visit, visits)
    names = [one.name for one in visits]
    at = names.index(planned.visit) if planned.visit is not None else 0
    baseline = None
    if planned.baseline_visit is not None:
        baseline = by_visit[:, names.index(planned.baseline_visit)]
    elif planned.baseline_column is not None:
        baseline = _of_person(cells, planned.baseline_column, matched, own)
        if planned.kind == "ratio biomarker":
            values = cells.numbers(planned.baseline_column, own)
            _demand_positive(cells, planned.baseline_column, values)
    exposure = None
    if planned.exposure is not None:
        chosen = single[position[single] == at]
        exposure = np.full(len(matched.people), np.nan)
        years = _not_negative(cells, planned.exposure, _mask(len(cells), chosen))
        exposure[matched.person[chosen]] = years[chosen]
    event = None
    if planned.kind == "time to event":
        event = np.full(len(matched.people), np.nan)
        event[matched.person[single]] = events_of(cells, planned, own, place)[single]
    covariates: dict[str, CovariateValues] = {}
    for one in planned.covariates:
        if one.kind == "number":
            covariates[one.column] = _of_person(cells, one.column, matched, own)
        else:
            covariates[one.column] = _category(cells, one.column, matched, own)
    if len(single) and np.isnan(by_visit[:, at]).all() and not cells.findings.findings:
        where = f" at {planned.visit}" if planned.visit is not None else ""
        cells.findings.add(
            cells.file, f"column {planned.column}",
            f'nobody has a value of the endpoint "{planned.name}"{where}',
            allowed="values", next_step="name the visit at which it was measured, or another column",
        )  # fmt: skip
    data = EndpointData(
        planned,
        np.array(matched.arm, dtype=np.str_),
        by_visit[:, at],
        by_visit,
        visits,
        baseline,
        exposure,
        event,
        covariates,
        removed,
    )
    _demand_a_complete_case(cells, data)
    return data


def _demand_a_complete_case(cells: Cells, data: EndpointData) -> None:
    """Report an endpoint of which nobody has the value and all that its model needs."""
    complete = ~np.isnan(data.outcome)
    lacking = ""
    for name, values in (("baseline", data.baseline), ("exposure", data.exposure), ("event", data.event)):
        if values is not None and complete.any():
            complete &= ~np.isnan(values)
            lacking = name
    for name, column in data.covariates.items():
        if complete.any():
            complete &= ~missing_values(column)
            lacking = name
    if len(complete) and not complete.any() and lacking and not cells.findings.findings:
        cells.findings.add(
            cells.file, f"column {data.planned.column}",
            f'nobody with a value of the endpoint "{data.planned.name}" has the {lacking} too',
            allowed="some with all that the model needs",
            next_step="look for the rows and the column in which it stands",
        )  # fmt: skip


def events_of(cells: Cells, planned: PlannedEndpoint, rows: Bools, place: str) -> Floats:
    """Return 1 where a row has one of the event values, 0 for the one other word, NaN where it is empty."""
    column = planned.event or planned.column
    found = cells.present(column)
    happened = np.array([word in planned.event_values for word in found.words] + [False])
    seen = np.unique(found.codes[rows & (found.codes >= 0)]).tolist()
    others = [found.words[k] for k in seen if not happened[k]]
    folded = {value.casefold() for value in planned.event_values}
    alike = [word for word in others if word.casefold() in folded]
    if len(others) > 1 or alike:
        wrong = alike or others
        at = np.flatnonzero(rows & np.isin(found.codes, [k for k in seen if found.words[k] in wrong]))
        words = ", ".join(shown(word) for word in wrong[:8]) + (", ..." if len(wrong) > 8 else "")
        cells.report(
            at, column, f"spelt unlike the event values: {words}" if alike
            else f"{len(others)} different words that are no event: {words}",
            f"{', '.join(planned.event_values)} (an event), one other word (no event), or nothing (missing)",
            f"name the events in {place}.event_values and codes for missing in missing, or correct the cells",
        )  # fmt: skip
    values = happened.astype(np.float64)
    values[-1] = np.nan
    result: Floats = np.where(rows, values[found.codes], np.nan)
    return result


def _mask(length: int, rows: Ints) -> Bools:
    mask = np.zeros(length, dtype=bool)
    mask[rows] = True
    return mask


def _without_duplicates(
    cells: Cells, plan: TrialPlan, matched: Matched, own: Bools, position: Ints, planned: PlannedEndpoint
) -> Ints:
    """Return the rows of an endpoint, the first for each participant and visit; others are findings."""
    rows = np.flatnonzero(own)
    key = matched.person[rows] * (int(position.max(initial=0)) + 1) + position[rows]
    _, first, inverse, counts = np.unique(key, return_index=True, return_inverse=True, return_counts=True)
    repeated = np.flatnonzero(counts > 1)
    for k in repeated[:MOST_CASES].tolist():
        same = rows[inverse == k]
        who = matched.people[matched.person[same[0]]]
        listed = ", ".join(str(int(p)) for p in cells.places[same[:5]]) + (", ..." if len(same) > 5 else "")
        at_visit = f" at {matched.visits[position[same[0]]].name}" if planned.visit is not None else ""
        column = plan.columns.participant
        next_step = "keep one row"
        if planned.visit is None:
            next_step = f'keep one row, or name the visit (or rows) of the endpoint "{planned.name}"'
        cells.report(
            same[1:], column, f"participant {who} has {len(same)} rows{at_visit} "
            f"({cells.place_word}s {listed})", "one row", next_step,
        )  # fmt: skip
    if len(repeated) > MOST_CASES:
        more = f"{len(repeated) - MOST_CASES} more participants and visits have several rows"
        cells.findings.add(cells.file, f"column {plan.columns.participant}", more)
    return rows[first]


def _values(cells: Cells, planned: PlannedEndpoint, own: Bools, place: str) -> Floats:
    if planned.kind == "binary":
        return events_of(cells, planned, own, place)
    values = cells.numbers(planned.column, own, span=planned.range)
    column = planned.column
    if planned.kind == "ratio biomarker":
        _demand_positive(cells, column, values)
    if planned.kind in ("count", "time to event"):
        _refuse(cells, column, values, values < 0, "below zero", "zero or more")
    if planned.kind == "count":
        _refuse(cells, column, values, values % 1 != 0, "no whole number", "counts: 0, 1, 2, ...")
        _refuse(cells, column, values, values > MOST_EVENTS, "no count of events", f"up to {MOST_EVENTS:,}")
    return values


def _refuse(cells: Cells, column: str, values: Floats, wrong: Bools, problem: str, allowed: str) -> None:
    at = np.flatnonzero(wrong & ~np.isnan(values))
    different = np.unique(values[at])
    for number in different[:MOST_CASES].tolist():
        rows = at[values[at] == number]
        next_step = "correct the cell; if it means missing, name it under missing in the plan"
        cells.report(rows, column, f"{plain(number)} is {problem}", allowed, next_step)
    if len(different) > MOST_CASES:
        rows = at[np.isin(values[at], different[MOST_CASES:])]
        cells.report(rows, column, f"{len(different) - MOST_CASES} more different numbers are {problem}")


def _demand_positive(cells: Cells, column: str, values: Floats) -> None:
    at = np.flatnonzero(values <= 0)
    if len(at):
        cells.report(
            at, column, f"{plain(float(values[at[0]]))} has no logarithm", "numbers above zero",
            "set values below the limit of quantification by a stated rule, such as half the limit",
        )  # fmt: skip


def _not_negative(cells: Cells, column: str, rows: Bools) -> Floats:
    values = cells.numbers(column, rows)
    _refuse(cells, column, values, values < 0, "below zero", "zero or more")
    return values


def _after_events(
    cells: Cells,
    planned: PlannedEndpoint,
    matched: Matched,
    own: Bools,
    by_visit: Floats,
    visits: tuple[PlannedVisit, ...],
) -> tuple[Floats, int]:
    """Set the values after an intercurrent event missing where the strategy is hypothetical; count them."""
    removed = 0
    weeks = np.array([one.week for one in visits])
    for event in planned.estimand.events:
        if event.week_column is None:
            continue
        week = _of_person(cells, event.week_column, matched, own)
        after = weeks[None, :] > np.where(np.isnan(week), np.inf, week)[:, None]
        removed += int(np.sum(after & ~np.isnan(by_visit)))
        by_visit = np.where(after, np.nan, by_visit)
    return by_visit, removed


def _of_person(cells: Cells, column: str, matched: Matched, own: Bools) -> Floats:
    """Return a number of each participant, from whichever rows have it; two different ones are a finding."""
    values = cells.numbers(column, own)
    rows = np.flatnonzero(own & ~np.isnan(values))
    result = np.full(len(matched.people), np.nan)
    result[matched.person[rows][::-1]] = values[rows][::-1]
    differs = rows[values[rows] != result[matched.person[rows]]]
    _report_changes(cells, column, matched, differs)
    return result


def _category(cells: Cells, column: str, matched: Matched, own: Bools) -> NDArray[np.object_]:
    found: WordColumn = cells.categories(column, own)
    rows = np.flatnonzero(own & (found.codes >= 0))
    code = np.full(len(matched.people), -1, dtype=np.int64)
    code[matched.person[rows][::-1]] = found.codes[rows][::-1]
    _report_changes(cells, column, matched, rows[found.codes[rows] != code[matched.person[rows]]])
    words: list[str | None] = [*found.words, None]
    return np.array([words[k] for k in code.tolist()], dtype=object)


def _report_changes(cells: Cells, column: str, matched: Matched, differs: Ints) -> None:
    who, first = np.unique(matched.person[differs], return_index=True)
    for k, where in list(zip(who.tolist(), first.tolist(), strict=True))[:MOST_CASES]:
        cells.report(
            np.array([differs[where]]), column,
            f"participant {matched.people[k]} has another value in an earlier row",
            "one value for each participant", "correct one of them, or name another column",
        )  # fmt: skip
    if len(who) > MOST_CASES:
        more = f"{len(who) - MOST_CASES} more participants have several values"
        cells.findings.add(cells.file, f"column {column}", more)
