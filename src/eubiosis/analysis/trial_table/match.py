"""Match a table with its plan: whom each row is of, which arm, which visit; every mismatch a finding."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from eubiosis.analysis.trial_table.cells import Bools, Cells, Ints, WordColumn, is_date
from eubiosis.core.findings import unknown_word
from eubiosis.core.kinds import shown
from eubiosis.core.trial_plan import PlannedArm, PlannedVisit, RowFilter, TrialPlan

MOST_CASES = 20  # participants or duplicates that are listed one by one


@dataclass(frozen=True)
class Matched:
    """The rows of a table that the plan analyses, and the people they are of.

    ``rows`` (rows of the table,) marks them; ``person`` and ``visit`` (rows of the table,) number the people
    and the visits of the plan in the order of their weeks, -1 for none and -2 for a visit that is left out.
    ``arm`` (people,) names the arm of each. ``left_out`` counts, in words, the rows that the plan leaves out.
    """

    rows: Bools
    person: Ints
    people: tuple[str, ...]
    arm: tuple[str, ...]
    visit: Ints
    visits: tuple[PlannedVisit, ...]
    left_out: Mapping[str, int]


def check_columns(cells: Cells, plan: TrialPlan) -> bool:
    """Report every column that the plan names and the table lacks; return whether none is lacking."""
    lacking = [column for column, place in _columns(plan) if not cells.has(column, place)]
    return not lacking


def _columns(plan: TrialPlan) -> Iterator[tuple[str, str]]:
    yield plan.columns.participant, "columns.participant"
    yield plan.columns.arm, "columns.arm"
    if plan.columns.visit is not None:
        yield plan.columns.visit, "columns.visit"
    for k, one in enumerate(plan.rows):
        yield one.column, f"rows[{k}].column"
    for k, code in enumerate(plan.missing):
        yield code.column, f"missing[{k}].column"
    for k, endpoint in enumerate(plan.endpoints):
        at = f"endpoints[{k}]"
        yield endpoint.column, f"{at}.column"
        for name in ("baseline_column", "exposure", "event"):
            column = getattr(endpoint, name)
            if column is not None:
                yield column, f"{at}.{name}"
        for j, covariate in enumerate(endpoint.covariates):
            yield covariate.column, f"{at}.covariates[{j}].column"
        for j, row_filter in enumerate(endpoint.rows):
            yield row_filter.column, f"{at}.rows[{j}].column"
        for j, event in enumerate(endpoint.estimand.events):
            if event.week_column is not None:
                yield event.week_column, f"{at}.estimand.events[{j}].week_column"


def match(cells: Cells, plan: TrialPlan) -> Matched:
    """Match arms, participants and visits; findings go to ``cells.findings``.

    A row without a participant, an unknown or empty arm or visit, one participant in two arms, two spellings
    of a participant and an arm of the plan without anybody are findings.
    """
    left_out: dict[str, int] = {}
    rows = filtered(cells, plan.rows, np.ones(len(cells), dtype=bool), "rows")
    for one in plan.rows:
        left_out[f"{one.column} other than {', '.join(one.values)}"] = 0
    if plan.rows:
        left_out = {" or ".join(left_out): int((~rows).sum())}
    arms = cells.words(plan.columns.arm)
    arm = _numbered(cells, plan.columns.arm, arms, rows, plan.arms, plan.arms_left_out, "arms")
    out = rows & (arm == -2)
    if out.any():
        left_out[f"arm {', '.join(plan.arms_left_out)}"] = int(out.sum())
    rows &= arm != -2  # what has a wrong arm is judged on: all findings at once
    people = cells.words(plan.columns.participant)
    _check_people(cells, plan.columns.participant, people, rows)
    rows = rows & (people.codes >= 0)
    numbers, person = np.unique(people.codes[rows], return_inverse=True)
    whole = np.full(len(cells), -1, dtype=np.int64)
    whole[rows] = person
    arm_of = np.full(len(numbers), -1, dtype=np.int64)
    np.maximum.at(arm_of, person, arm[rows])
    _check_one_arm(cells, plan, rows, whole, arm, arm_of, [people.words[k] for k in numbers.tolist()])
    for k, planned in enumerate(plan.arms):
        if len(cells) and not np.any(arm_of == k):
            cells.findings.add(
                cells.file, f"column {plan.columns.arm}", f"nobody is in the arm {planned.name}",
                allowed=f"spellings {', '.join(planned.spellings)}",
                next_step="correct the spellings, or remove the arm from the plan",
            )  # fmt: skip
    visits = tuple(sorted(plan.visits, key=lambda one: one.week))
    visit = _visits(cells, plan, rows, visits, left_out)
    return Matched(
        rows,
        whole,
        tuple(people.words[k] for k in numbers.tolist()),
        tuple(plan.arms[k].name for k in arm_of.tolist()),
        visit,
        visits,
        left_out,
    )


def filtered(cells: Cells, filters: Sequence[RowFilter], rows: Bools, place: str) -> Bools:
    """Return the rows that pass every filter; a value that no row has is a finding."""
    kept = rows.copy()
    for k, one in enumerate(filters):
        found = cells.words(one.column)
        for j, value in enumerate(one.values):
            if value not in found.words:
                cells.findings.add(
                    "plan", f"{place}[{k}].values[{j}]",
                    f"no row of column {one.column} has the value {unknown_word(value, found.words[:1000])}",
                    allowed=_some(found.words), next_step="write it as it stands in the table",
                )  # fmt: skip
        wanted = [j for j, word in enumerate(found.words) if word in one.values]
        kept &= np.isin(found.codes, wanted)
    return kept


def _some(words: Sequence[str]) -> str:
    return ", ".join(words[:12]) + (", ..." if len(words) > 12 else "")


def _numbered(
    cells: Cells,
    column: str,
    found: WordColumn,
    rows: Bools,
    planned: Sequence[PlannedArm | PlannedVisit],
    left_out: Sequence[str],
    what: str,
) -> Ints:
    """Return which planned arm or visit each row has: its number, -2 if left out on purpose, -1 if none."""
    spelt = {spelling: k for k, one in enumerate(planned) for spelling in one.spellings}
    number = np.full(len(found.words) + 1, -1, dtype=np.int64)
    noun = what.removesuffix("s")
    unknown = []
    for k, word in enumerate(found.words):
        if word in spelt or word in left_out:
            number[k] = spelt.get(word, -2)
        else:
            unknown.append(k)
    counts = np.bincount(found.codes[rows & (found.codes >= 0)], minlength=len(found.words))
    unknown = [k for k in unknown if counts[k]]
    for k in unknown[:MOST_CASES]:
        word = found.words[k]
        problem = f"{noun} {unknown_word(word, spelt)}"
        next_step = f"add it to the spellings of {what} or to {what}_left_out, or correct the cell"
        if is_date(word) and what == "visits":
            problem, next_step = f"{shown(word)} is a date and no visit", "name a column of visits"
        at = np.flatnonzero(rows & (found.codes == k))
        cells.report(at, column, problem, _some(list(spelt)), next_step)
    if len(unknown) > MOST_CASES:
        at = np.flatnonzero(rows & np.isin(found.codes, unknown[MOST_CASES:]))
        cells.report(at, column, f"{len(unknown) - MOST_CASES} more words that are no {noun} of the plan")
    empty = np.flatnonzero(rows & (found.codes < 0))
    if len(empty):
        cells.report(empty, column, f"no {noun}: the cell is empty", _some(list(spelt)), "fill it in")
    return number[found.codes]


def _check_people(cells: Cells, column: str, found: WordColumn, rows: Bools) -> None:
    empty = np.flatnonzero(rows & (found.codes < 0))
    if len(empty):
        cells.report(empty, column, "no participant: the cell is empty", "an identifier", "fill it in")
    folded: dict[str, int] = {}
    alike = []
    for k in np.unique(found.codes[rows & (found.codes >= 0)]).tolist():
        first = folded.setdefault(found.words[k].casefold(), k)
        if first != k:
            alike.append((first, k))
    for first, k in alike[:MOST_CASES]:
        one, other = shown(found.words[k]), shown(found.words[first])
        problem = f"{one} and {other} are two spellings of one participant"
        at = np.flatnonzero(rows & (found.codes == k))
        cells.report(at, column, problem, "one spelling", "write both the same, or rename one")
    if len(alike) > MOST_CASES:
        more = f"{len(alike) - MOST_CASES} more participants are spelt in two ways"
        cells.findings.add(cells.file, f"column {column}", more)


def _check_one_arm(
    cells: Cells, plan: TrialPlan, rows: Bools, person: Ints, arm: Ints, arm_of: Ints, people: Sequence[str]
) -> None:
    """Report everybody who is in two arms, with a row of each."""
    at = np.flatnonzero(rows & (arm >= 0))
    wrong = at[arm[at] != arm_of[person[at]]]
    several, first = np.unique(person[wrong], return_index=True)
    for k, where in list(zip(several.tolist(), first.tolist(), strict=True))[:MOST_CASES]:
        other = at[(person[at] == k) & (arm[at] == arm_of[k])][0]
        names = plan.arms[arm_of[k]].name, plan.arms[arm[wrong[where]]].name
        cells.report(
            np.array([wrong[where]]), plan.columns.arm,
            f"participant {people[k]} is in two arms: {names[0]} ({cells.place_word} {cells.places[other]}) "
            f"and {names[1]}", "one arm for each participant", "correct one of the rows",
        )  # fmt: skip
    if len(several) > MOST_CASES:
        more = f"{len(several) - MOST_CASES} more participants are in two arms"
        cells.findings.add(cells.file, f"column {plan.columns.arm}", more)


def _visits(
    cells: Cells, plan: TrialPlan, rows: Bools, visits: Sequence[PlannedVisit], left_out: dict[str, int]
) -> Ints:
    if plan.columns.visit is None:
        return np.full(len(cells), -1, dtype=np.int64)
    at_visits = np.zeros(len(cells), dtype=bool)
    for k, endpoint in enumerate(plan.endpoints):
        if endpoint.visit is not None:
            at_visits |= filtered(cells, endpoint.rows, rows, f"endpoints[{k}].rows")
    found = cells.words(plan.columns.visit)
    visit = _numbered(cells, plan.columns.visit, found, at_visits, visits, plan.visits_left_out, "visits")
    out = at_visits & (visit == -2)
    if out.any():
        left_out[f"visit {', '.join(plan.visits_left_out)}"] = int(out.sum())
    return visit
