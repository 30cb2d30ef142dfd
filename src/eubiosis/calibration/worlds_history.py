"""Worlds of the natural history and of the drug classes: event rates, clinic, one factor a drug.

The infiltrate of a few cohorts is run once, untreated and under each drug at a ladder of factors; what a
world changes are the laws of relapses, lesions and disability on top of it. Nothing here touches the path
from the gut to the host.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np
from scipy.special import ndtr

from eubiosis.calibration.waves import fitted_rows
from eubiosis.calibration.waves_terms import Term, scores, terms
from eubiosis.core.findings import FindingCollector
from eubiosis.core.provenance import SourcedNumber
from eubiosis.core.streams import CohortDraws, stream
from eubiosis.core.tables import TableRow, read_table
from eubiosis.engine import Array
from eubiosis.model.content import Content, TargetRow
from eubiosis.model.draws import draw_together, free_names
from eubiosis.model.model import Model
from eubiosis.model.natural_history.answers import JOINED, references
from eubiosis.model.natural_history.cohort import NaturalCohort, live, simulate_cohort
from eubiosis.model.natural_history.drugs import compared, drugs_of, treated
from eubiosis.model.natural_history.figures import natural_history
from eubiosis.model.natural_history.people import draw_hazard
from eubiosis.model.natural_history.scale import DAYS, joined_inputs, scales

TABLE = "calibration/worlds_history.tsv"
DRUG = "drug_factor_"  # begins the name of a drug's factor among a world's numbers
# rows that tell the same participants' counts a second time
TOLD_TWICE = {
    "T110": "the level over two years is that of year 1 (T111) with the ratio of the years (T112)",
    "T113": "the dispersion was fitted to the counts of T115 to T119",
    "T115": "one less the other counts of the same arm (T116 to T119)",
}
SIZE, SEEDS = 300, (7,)
DRUG_PEOPLE, LADDER = 150, 13
_DRUG_RANGE = 2.0  # a drug's factor lies between this and its inverse times the fitted one: assumed
_ERROR_SEEDS = (8, 9, 10, 11)


class HistoryRow(TableRow):
    """A number of the natural history that differs between worlds; its range where the tables have none."""

    id: str
    low: float | None = None
    high: float | None = None
    law: Literal["", "lognormal", "logitnormal"] = ""
    note: str


def history_rows(content: Content) -> tuple[HistoryRow, ...]:
    """Read which numbers of the natural history differ between worlds; raises ``FindingsError``."""
    findings = FindingCollector()
    rows = read_table(content.folder / TABLE, HistoryRow, findings)
    for row in rows:
        number = content.numbers.get(row.id)
        if number is None:
            findings.add(content.file(TABLE), row.id, "unknown number", next_step="correct the id")
        elif not row.law and not number.uncertain:
            findings.add(
                content.file(TABLE), row.id, "a number without a law", next_step="give its law and range here"
            )
    findings.raise_if_any()
    return tuple(rows)


def history_terms(model: Model) -> tuple[Term, ...]:
    """Return what the fitted rows of the natural history and of drugs ask, each participant's count once.

    Rows of the host alone repeat those of the host joined with the gut, and what acids do to Treg is a path.
    """
    rows = [
        row
        for row in fitted_rows(model)
        if (row.condition == JOINED or row.statistic == "drug")
        and row.id not in TOLD_TWICE
        and "acids doubled" not in row.quantity
    ]
    return terms(rows)


class _Kept:
    """Draws of a cohort that are kept: every world asks for the same ones."""

    def __init__(self, draws: CohortDraws) -> None:
        self._draws, self._normals = draws, dict[tuple[str, int], Array]()

    def normals(self, decision: str, count: int) -> Array:
        """Return the normals of a decision, (people, count); not to be written to."""
        key = decision, count
        if key not in self._normals:
            self._normals[key] = self._draws.normals(decision, count)
        return self._normals[key]

    def uniforms(self, decision: str, count: int) -> Array:
        """Return the uniforms of a decision, (people, count)."""
        return self._draws.uniforms(decision, count)

    def exponentials(self, decision: str, count: int) -> Array:
        """Return the exponentials of a decision, (people, count)."""
        return self._draws.exponentials(decision, count)


@dataclass(frozen=True)
class HistoryProblem:
    """Normal scores of the numbers of the natural history, and what the rows of the target table say."""

    model: Model
    size: int = SIZE

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The numbers that differ, without the factors of drugs."""
        return tuple(row.id for row in history_rows(self.model.content))

    @cached_property
    def drugs(self) -> tuple[str, ...]:
        """The drugs with a factor."""
        return tuple(drugs_of(self.model.content.drugs))

    @cached_property
    def free(self) -> tuple[str, ...]:
        """What has a score of its own, in the order of the columns of a point."""
        return (*free_names(self._laws, self.names), *(DRUG + drug for drug in self.drugs))

    @cached_property
    def fitted(self) -> tuple[Term, ...]:
        """The terms but for a drug's lesions, their spreads widened by the cohorts' Monte Carlo error."""
        found = []
        for each in history_terms(self.model):
            if each.row.id in self.settled:
                continue
            error = self._errors.get(each.row.id, 0.0)
            found.append(
                replace(
                    each, below=float(np.hypot(each.below, error)), above=float(np.hypot(each.above, error))
                )
            )
        return tuple(found)

    def values(self, points: Array) -> dict[str, Array]:
        """Return the numbers at ``points`` (n, free), id -> (n,), drugs' factors on their ladder."""
        places = ndtr(points)
        count = len(self.free) - len(self.drugs)
        own = {name: places[:, k] for k, name in enumerate(self.free[:count])}
        values = draw_together(self._laws, self.names, own)
        for k, drug in enumerate(self.drugs):
            values[DRUG + drug] = self._ladders[drug][self._rungs(drug, places[:, count + k])]
        return values

    def before_data(self, points: Array) -> dict[str, Array]:
        """Return the numbers at ``points`` before any row: drugs' factors anywhere on their ladder."""
        places = ndtr(points)
        count = len(self.free) - len(self.drugs)
        own = {name: places[:, k] for k, name in enumerate(self.free[:count])}
        values = draw_together(self._laws, self.names, own)
        for k, drug in enumerate(self.drugs):
            rungs = np.minimum((places[:, count + k] * LADDER).astype(int), LADDER - 1)
            values[DRUG + drug] = self._ladders[drug][rungs]
        return values

    def answers(self, points: Array) -> dict[str, Array]:
        """Return row id -> what each point gives, (n,)."""
        return self.answers_of(self.values(points))

    def answers_of(self, values: Mapping[str, Array]) -> dict[str, Array]:
        """Return row id -> what worlds with these numbers give, (n,); ``values`` id -> (n,)."""
        size = len(next(iter(values.values())))
        found = [self._answer({n: float(v[k]) for n, v in values.items()}) for k in range(size)]
        return {name: np.array([each[name] for each in found]) for name in found[0]}

    def log_likelihood(self, points: Array) -> Array:
        """Return the logarithm of the likelihood of every point, (n,)."""
        return np.asarray(-(scores(self.fitted, self.answers(points)) ** 2).sum(axis=0) / 2)

    def prior(self, size: int, seed: int) -> Array:
        """Draw points of the prior, (size, free)."""
        return stream(seed, "calibration/history prior").standard_normal((size, len(self.free)))

    def _answer(self, values: Mapping[str, float]) -> dict[str, float]:
        numbers = {name: value for name, value in values.items() if not name.startswith(DRUG)}
        content = self.model.content.with_values(numbers)
        return self._figures(content, self._cohort(SEEDS[0]), SEEDS[0]) | self._ratios(content, values)

    def _figures(self, content: Content, cohort: NaturalCohort, seed: int) -> dict[str, float]:
        """Return row id -> figure of one cohort whose rates and clinic have other numbers."""
        hazard = draw_hazard(content, self._draws(seed), days=DAYS)
        changed = replace(cohort, content=content, drive=replace(cohort.drive, hazard=hazard))
        with np.errstate(all="ignore"):
            history = live(changed, scales(content, [changed.relative()]))
            figures = natural_history(changed, history)
        return {
            row.id: figures[row.population][row.quantity] for row in self._rows if row.condition == JOINED
        }

    def _ratios(self, content: Content, values: Mapping[str, float]) -> dict[str, float]:
        """Return row id -> ratio of the drugs, each at the rung of its ladder."""
        cohort = self._few
        hazard = draw_hazard(content, self._draws(SEEDS[0]), days=DAYS)[:, :DRUG_PEOPLE]
        changed = replace(cohort, content=content, drive=replace(cohort.drive, hazard=hazard))
        under = {}
        for drug in self.drugs:
            rung = int(np.argmin(np.abs(self._ladders[drug] - values[DRUG + drug])))
            under[drug] = self._infiltrates[drug][rung]
        h0 = scales(content, [changed.relative()])["host_h0"]
        found = compared(changed, drugs_of(content.drugs), under, h0)
        return {
            row.id: found[f"{row.condition} {row.observable}"]
            for row in self._rows
            if row.statistic == "drug"
        }

    @cached_property
    def _rows(self) -> Sequence[TargetRow]:
        return [
            row
            for row in self.model.content.targets
            if row.role in ("fit", "check")
            and (row.condition == JOINED or row.statistic == "drug")
            and "acids doubled" not in row.quantity
        ]

    @cached_property
    def _laws(self) -> dict[str, SourcedNumber]:
        """The numbers with the laws that worlds draw them from."""
        laws = dict(self.model.content.numbers)
        for row in history_rows(self.model.content):
            if row.law:
                laws[row.id] = laws[row.id].model_copy(
                    update={"low": row.low, "high": row.high, "uncertainty": row.law}
                )
        return laws

    @cached_property
    def _errors(self) -> dict[str, float]:
        """Monte Carlo error of one cohort's figures on their terms' scale, from cohorts of other seeds."""
        content = self.model.content
        runs = [self._figures(content, self._cohort(seed), seed) for seed in _ERROR_SEEDS]
        found = {}
        for each in history_terms(self.model):
            if each.row.id in runs[0]:
                values = np.array([run[each.row.id] for run in runs])
                found[each.row.id] = float(np.std(np.log(values) if each.logarithmic else values, ddof=1))
        return found

    def _draws(self, seed: int) -> _Kept:
        return self._luck.setdefault(seed, _Kept(CohortDraws(seed, self.size)))

    @cached_property
    def _luck(self) -> dict[int, _Kept]:
        return {}

    def _cohort(self, seed: int) -> NaturalCohort:
        known: dict[int, NaturalCohort] = self._known
        if seed not in known:
            model = self.model
            known[seed] = simulate_cohort(
                model.content,
                model.host_kernel,
                joined_inputs(model.kernel, model.derived.of("ms")),
                references(model),
                size=self.size,
                seed=seed,
            )
        return known[seed]

    @cached_property
    def _known(self) -> dict[int, NaturalCohort]:
        return {}

    @cached_property
    def _few(self) -> NaturalCohort:
        return self._cohort(SEEDS[0]).take(np.arange(DRUG_PEOPLE))

    @cached_property
    def _ladders(self) -> dict[str, Array]:
        steps = np.exp(np.linspace(-np.log(_DRUG_RANGE), np.log(_DRUG_RANGE), LADDER))
        return {drug: rows[0].factor * steps for drug, rows in drugs_of(self.model.content.drugs).items()}

    @cached_property
    def _infiltrates(self) -> dict[str, list[Array]]:
        """The infiltrate under every drug at every rung, (days, people) each."""
        return {
            drug: [
                treated(self._few, [row.model_copy(update={"factor": float(f)}) for row in rows])
                for f in self._ladders[drug]
            ]
            for drug, rows in drugs_of(self.model.content.drugs).items()
        }

    def _rungs(self, drug: str, places: Array) -> np.ndarray:
        """Return the rung of each quantile (0-1), by what the drug's lesions say of its factor."""
        return np.minimum(np.searchsorted(self._ladder_chances[drug], places), LADDER - 1)

    @cached_property
    def _ladder_chances(self) -> dict[str, Array]:
        """Cumulated chances of the rungs of each drug given its row of lesions; alike where it has none.

        A drug's ratio of lesions hangs on its factor and on hardly anything else, so this is exact enough to
        be done once, at the tables' values.
        """
        rows = {each.row.condition: each for each in history_terms(self.model) if each.row.id in self.settled}
        logs = {drug: np.zeros(LADDER) for drug in self.drugs}
        against = {drug: of[0].comparator for drug, of in drugs_of(self.model.content.drugs).items()}
        for rung in range(LADDER):
            for placebo in (
                True,
                False,
            ):  # a drug that others are compared with stays where the tables have it
                moved = [drug for drug in self.drugs if (against[drug] == "placebo") == placebo]
                at = {drug: rung if drug in moved else LADDER // 2 for drug in self.drugs}
                values = {DRUG + drug: float(self._ladders[drug][k]) for drug, k in at.items()}
                found = self._ratios(self.model.content, values)
                for drug in moved:
                    each = rows.get(f"drug_{drug}")
                    if each is not None:
                        logs[drug][rung] = -float(each.off(np.array([found[each.row.id]]))[0] ** 2) / 2
        chances = {drug: np.exp(values - values.max()) for drug, values in logs.items()}
        return {drug: np.cumsum(values / values.sum()) for drug, values in chances.items()}

    @cached_property
    def settled(self) -> frozenset[str]:
        """The rows of lesions under a drug, which its factor alone has to answer."""
        return frozenset(
            row.id for row in self._rows if row.statistic == "drug" and row.observable == "lesions"
        )
