"""The forecast of a group: how its mean would move under a therapy, how surely, and against what."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from eubiosis.core.findings import Finding, FindingsError
from eubiosis.core.guilds import GUILDS
from eubiosis.core.laws import Z975
from eubiosis.core.stool_forecast import (
    NOT_FOR_CARE,
    Change,
    Competitors,
    GroupForecast,
    PublishedChange,
    QuantityForecast,
)
from eubiosis.core.stool_profile import SMALLEST_SHOWN
from eubiosis.core.world_intervals import ENOUGH_WORLDS, Quantiles, interval, interval_error
from eubiosis.engine import Array
from eubiosis.model.discrepancy import DiscrepancyRow, discrepancy_sd, read_discrepancies
from eubiosis.model.model import Model
from eubiosis.model.shipped import gut_worlds
from eubiosis.model.worlds import draw_gut_world, reference_shares
from eubiosis.population.asked import asked_shares
from eubiosis.population.contrast import GuildContrast
from eubiosis.population.subjects import USABLE_PROFILE
from eubiosis.therapy.phrase import TherapyPhrase
from eubiosis.workflow.forecast.courses import Courses, Regimen, Rows, regimen_of, rotated, run_courses
from eubiosis.workflow.forecast.noise import noise_of
from eubiosis.workflow.forecast.published import published_changes
from eubiosis.workflow.forecast.quantities import QUANTITIES, ForecastQuantity
from eubiosis.workflow.forecast.skill import first_line

PEOPLE_A_WORLD = 24
MOST_WITH_TABLES = 2_000
FEWEST_PEOPLE = SMALLEST_SHOWN
_SAME = 9  # decimals in which the log-ratios of two people agree where one sample was copied


@dataclass(frozen=True)
class SimulatedGroup:
    """A group's courses: with the tables' numbers, and in worlds."""

    tables: Courses
    worlds: tuple[Courses, ...]
    observed: Array


def forecast_group(
    model: Model,
    contrast: GuildContrast,
    members: Rows,
    phrase: TherapyPhrase,
    *,
    worlds: int = ENOUGH_WORLDS,
    people_a_world: int = PEOPLE_A_WORLD,
    threads: int | None = None,
) -> GroupForecast:
    """Return the forecast for the people at ``members`` (positions in ``contrast``) under a phrase.

    Everybody starts from their own composition, shrunk to the group's mean as one sample asks for. With the
    tables' numbers everybody is run (at most 2,000, the first); in each world ``people_a_world`` in turn, and
    what these differ from the tables by is added to everybody's mean. Raises ``FindingsError`` for fewer than
    five usable people that differ: copies of one sample are one person.
    """
    usable = np.array([k for k in members if contrast.status[k] in USABLE_PROFILE], dtype=np.int64)
    _refuse_few(len(usable), contrast.log_ratios[usable])
    regimen = regimen_of(model, phrase)
    found = simulate_group(model, contrast, usable, regimen, worlds, people_a_world, threads)
    discrepancies = read_discrepancies(model.content)
    published = published_changes(model, phrase)
    rows = []
    for k, quantity in enumerate(QUANTITIES):
        if quantity.guild and not contrast.observed[GUILDS.index(quantity.guild)]:
            continue
        sd = discrepancy_of(quantity, regimen, discrepancies)
        rows.append(_quantity(k, quantity, found, len(usable), sd, published.of(quantity.id), regimen.acts))
    lost = int(np.isnan(found.tables.after).any(axis=1).sum())
    return GroupForecast(
        NOT_FOR_CARE, first_line(model.content, phrase), phrase.describe(), phrase.text, phrase.days,
        len(usable), len(members) - len(usable), lost, worlds, worlds >= ENOUGH_WORLDS,
        min(people_a_world, len(usable)), contrast.not_observed(), tuple(rows), published.refused,
        _notes(worlds, len(usable), people_a_world), {row.quantity: row for row in rows},
    )  # fmt: skip


def _refuse_few(people: int, logs: Array) -> None:
    """Raise ``FindingsError`` where fewer people than a group is summarised from would be forecast."""
    unlike = len(np.unique(logs.round(_SAME), axis=0))
    if unlike < FEWEST_PEOPLE:
        copied = f" with {unlike} different compositions" if unlike < people else ""
        raise FindingsError([Finding(
            "forecast", "people", f"{people} usable people{copied}",
            f"{FEWEST_PEOPLE} or more that differ: a group",
            "give a table of a group; nothing is forecast for one person or a few",
        )])  # fmt: skip


def simulate_group(
    model: Model,
    contrast: GuildContrast,
    usable: Rows,
    regimen: Regimen,
    worlds: int,
    people_a_world: int,
    threads: int | None = None,
) -> SimulatedGroup:
    """Run a group with the tables' numbers and in worlds; guild logs are centred over those observed."""
    reference = dict(zip(GUILDS, reference_shares(model).tolist(), strict=True))
    asked = asked_shares(contrast, reference, usable)[usable]
    first = np.arange(min(len(usable), MOST_WITH_TABLES))
    plain = draw_gut_world(model, 0, 0, vary=False)
    (tables,) = run_courses(model, asked, regimen, [plain], [first], threads=threads)
    rows = rotated(len(first), worlds, people_a_world)
    drawn = run_courses(model, asked, regimen, gut_worlds(model, worlds), rows, threads=threads)
    observed = np.asarray(contrast.observed)
    return SimulatedGroup(
        _centred(tables, observed), tuple(_centred(one, observed) for one in drawn), observed
    )


def discrepancy_of(quantity: ForecastQuantity, regimen: Regimen, rows: Sequence[DiscrepancyRow]) -> float:
    """Return the largest named discrepancy of a quantity under any part of a regimen; 0 where nothing acts.

    An acid of the lumen moves as that of stool; one of plasma has no discrepancy of its own.
    """
    if not regimen.acts:
        return 0.0
    endpoint = quantity.id.replace("lumen_", "stool_", 1) if quantity.place == "lumen" else quantity.id
    by_source = {
        row.scope: row.sd or 0.0 for row in rows if row.quantity == _DISCREPANCY_SOURCE.get(quantity.id)
    }
    found = [0.0]
    for condition in regimen.conditions or ("",):
        if quantity.place in ("guild", "stool", "lumen"):
            found.append(discrepancy_sd(rows, endpoint, condition or None))
        found.append(by_source.get(condition, by_source.get("any", 0.0)))
    return max(found)


_DISCREPANCY_SOURCE = {"lumen_indole": "gut_J_Ind", "plasma_indoxyl_sulfate": "gut_J_Ind"}


def _centred(courses: Courses, observed: Array) -> Courses:
    """Centre the logs of guild shares over the observed guilds; the other quantities stay."""
    columns = np.flatnonzero(observed)
    logs = []
    for values in (courses.before, courses.after):
        moved = values.copy()
        moved[:, : len(GUILDS)] -= values[:, columns].mean(axis=1, keepdims=True)
        logs.append(moved)
    return Courses(courses.person, logs[0], logs[1])


def world_means(found: SimulatedGroup, k: int) -> Array:
    """Return a quantity's mean change in each world, (worlds,); the tables' numbers are a control variate."""
    base = found.tables.change[:, k]
    mean = _mean(base)
    return np.array([mean + _mean(one.change[:, k] - base[one.person]) for one in found.worlds])


def _quantity(
    k: int,
    quantity: ForecastQuantity,
    found: SimulatedGroup,
    people: int,
    discrepancy: float,
    published: PublishedChange | None,
    acts: bool,
) -> QuantityForecast:
    means = world_means(found, k)
    known = means[np.isfinite(means)]
    base = found.tables.change[:, k]
    spread = float(np.nanvar(base, ddof=1)) if np.isfinite(base).sum() > 1 else 0.0
    noise = noise_of(quantity)
    sampling = None if noise is None else math.sqrt((noise.no_change_variance + spread) / people)
    low, middle, high = interval(known)
    errors = interval_error(known, range(len(known)))
    extra = math.hypot(discrepancy, sampling or 0.0)
    widths: Quantiles = (low, middle, high)
    ratio = _ratio_of_means(found, k)
    reason = "" if published else "none: no trial in the tables with this product, dose, time and definition"
    return QuantityForecast(
        quantity.id, quantity.label, quantity.place, _ratio(widths, extra), math.exp(_mean(base)),
        _ratio(interval(ratio[np.isfinite(ratio)]), extra), float(known.std(ddof=1)) if acts else 0.0,
        discrepancy, sampling, max(errors[0], errors[2]) if acts else 0.0,
        Competitors(
            _about_one(None if noise is None else noise.no_change_variance / people),
            None if noise is None else _about_one(noise.regression_variance / people), published, reason,
        ),
    )  # fmt: skip


def _ratio_of_means(found: SimulatedGroup, k: int) -> Array:
    """Return the log ratio of the group's arithmetic means in each world, (worlds,)."""
    return np.array([_log_ratio_of_means(one, k) for one in found.worlds])


def _log_ratio_of_means(courses: Courses, k: int) -> float:
    before, after = np.exp(courses.before[:, k]), np.exp(courses.after[:, k])
    fine = np.isfinite(before) & np.isfinite(after)
    return float(np.log(after[fine].mean() / before[fine].mean())) if fine.any() else math.nan


def _ratio(quantiles: Quantiles, extra: float) -> Change:
    """Return log quantiles widened on both sides, as ratios; squares of half-widths add up."""
    low, middle, high = quantiles
    beyond = Z975 * extra
    down, up = math.hypot(middle - low, beyond), math.hypot(high - middle, beyond)
    return Change(math.exp(middle), math.exp(middle - down), math.exp(middle + up))


def _about_one(variance: float | None) -> Change:
    if variance is None:
        return Change(1.0, None, None)
    width = Z975 * math.sqrt(variance)
    return Change(1.0, math.exp(-width), math.exp(width))


def _mean(values: Array) -> float:
    """Return the mean of the finite values, exactly rounded so that the order of people changes no bit."""
    fine = values[np.isfinite(values)]
    return math.fsum(fine) / len(fine) if len(fine) else math.nan


def _notes(worlds: int, people: int, people_a_world: int) -> tuple[str, ...]:
    notes = [
        "Everybody is held as a healthy adult's gut with their own composition and takes the whole dose.",
        "A guild's change is that of its centred log-ratio over the observed guilds; acids are compared as "
        "logs. No change and regression to the mean say 1 for a group's mean (regression moves people, not "
        "their mean); their intervals are those of measurement.",
    ]
    if people > people_a_world:
        notes.append(
            f"In each world {people_a_world} of the {people} people are run in turn; everybody is run with "
            "the tables' numbers, and the difference is added."
        )
    if worlds < ENOUGH_WORLDS:
        notes.append(f"Only {worlds} worlds stand behind the intervals; {ENOUGH_WORLDS} are asked for.")
    return tuple(notes)
