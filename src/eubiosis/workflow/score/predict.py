"""Forecast every finished study without it: worlds, discrepancy and the term outside the mechanism.

A forecast is ``DRAWS`` equally likely draws of the true effect, joint over the quantities of an arm: worlds
without the study, the discrepancy that the other studies leave, for a change within one arm what a missing
control adds, and for trials the true effects of a workflow over its worlds.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from eubiosis.calibration.discrepancy_table import DiscrepancySeen, discrepancies_seen
from eubiosis.calibration.left_out import GutWorldsAtHand, HistoryWorldsAtHand, LeftOutWorlds
from eubiosis.calibration.sampling import systematic
from eubiosis.calibration.waves_terms import WITHIN_ARM_BIAS, study_of
from eubiosis.core.findings import Finding, FindingsError
from eubiosis.core.guilds import GUILDS
from eubiosis.core.scoreboard import RefitCheck, SealedForecast, SealedQuantity
from eubiosis.core.streams import stream
from eubiosis.core.version import __version__
from eubiosis.engine import Array
from eubiosis.model.model import Model
from eubiosis.model.plausible import held_healthy
from eubiosis.model.shipped import shipped
from eubiosis.model.worlds import GutWorld, with_reference
from eubiosis.therapy.phrase import read_phrase
from eubiosis.workflow.forecast.courses import Regimen, regimen_of, regimen_of_condition, run_courses
from eubiosis.workflow.forecast.quantities import QUANTITIES
from eubiosis.workflow.forecast.skill import model_hash
from eubiosis.workflow.score.readouts import DRUGS, LEVELS, AskedQuantity
from eubiosis.workflow.score.reference import competitors
from eubiosis.workflow.score.tables import ArmRow, arm_rows, cohort_rows, trial_rows
from eubiosis.workflow.score.trials import effect_of, effects_over_worlds, spread_draws
from eubiosis.workflow.trial_run import check_run

DRAWS = 200
CHECKED = ("Baxter 2019", "iMSMS 2022", "Drabinska 2018")  # reweighting is held against worlds moved on
_SEED = 2026
_CONDITION = "condition "
Say = Callable[[str], None]
_KIND_OF = {"guilds": "guild", "stool acids": "stool_acid"}
Rows = NDArray[np.intp]


@dataclass
class Forecaster:
    """Everything that forecasts share; worlds without a study are made once."""

    model: Model
    asked: Sequence[AskedQuantity]
    date: str
    say: Say
    threads: int | None = None
    _left: dict[str, LeftOutWorlds] = field(default_factory=dict)

    @cached_property
    def gut(self) -> GutWorldsAtHand:
        """The shipped worlds of the gut; raises ``FindingsError`` where they do not fit the model."""
        worlds = shipped(self.model)
        if worlds.gut is None:
            raise _no_worlds(worlds.reasons or worlds.absent)
        return GutWorldsAtHand.of(self.model, worlds.gut, self.threads)

    @cached_property
    def history(self) -> HistoryWorldsAtHand:
        """The shipped worlds of the natural history; raises ``FindingsError`` where they do not fit."""
        worlds = shipped(self.model)
        if worlds.history is None:
            raise _no_worlds(worlds.reasons or worlds.absent)
        return HistoryWorldsAtHand.of(self.model, worlds.history)

    @cached_property
    def key(self) -> str:
        """The short hash of the model's numbers and worlds."""
        return model_hash(self.model.content)

    def without(self, study: str) -> LeftOutWorlds:
        """Return the gut's worlds without a study."""
        if study not in self._left:
            self._left[study] = found = self.gut.without(study)
            self.say(f"without {study}: {found.how}, {found.rows} rows, effective {found.effective:.0f}")
        return self._left[study]

    def everything(self) -> list[SealedForecast]:
        """Return the forecast of every arm, row and trial."""
        return [*self.arms(), *self.rows(), *self.trials()]

    def arms(self) -> list[SealedForecast]:
        """Forecast the arms of cohorts: the mean person of each, in worlds without its study."""
        found = []
        for row in arm_rows():
            own = [a for a in self.asked if a.route == "arm" and _key(a) == (row.study, row.arm)]
            if own:
                self.say(f"{row.study}, {row.arm}")
                found.append(self._arm(row, own))
        return found

    def _arm(self, row: ArmRow, own: Sequence[AskedQuantity]) -> SealedForecast:
        left = self.without(row.study)
        rows = systematic(left.weights, DRAWS, stream(_SEED, f"scoreboard/{row.study}/{row.arm}").random())
        worlds, solved = self._worlds(left, rows)
        shares = {
            r.quantity: r.asked_share for r in cohort_rows() if (r.study, r.arm) == (row.study, row.arm)
        }
        asked = np.array([[shares.get(f"share_{g}") or math.nan for g in GUILDS]])
        asked = self._whole(asked)
        regimen = self._regimen(row)
        courses = run_courses(
            self.model, asked, regimen, worlds, [np.array([0])] * len(worlds), threads=self.threads
        )
        changes = np.array([one.change[0] for one in courses])
        observed = [k for k, q in enumerate(QUANTITIES) if q.guild and shares.get(q.id)]
        changes[:, : len(GUILDS)] -= changes[:, observed].mean(axis=1, keepdims=True)
        fine = np.isfinite(changes[:, observed]).all(axis=1)
        _demand_any(fine, row.study, row.arm)
        changes = changes[fine]
        columns = {q.id: k for k, q in enumerate(QUANTITIES)}
        draws = np.array([spread_draws(DRAWS, changes[:, columns[a.key]], 0, "arm") for a in own])
        bias = 0.0 if " over " in row.arm else WITHIN_ARM_BIAS
        draws = self._widened(draws, own, row.study, bias)
        design = f"{row.asked}, day {row.days}; the arm's mean person; {row.note}{_lost(fine)}"
        used = len(set(solved[fine].tolist()))
        return self._sealed(row.study, row.arm, row.population, design, left, used, own, draws)

    def rows(self) -> list[SealedForecast]:
        """Forecast what rows of the target table ask, one forecast for each study and condition."""
        parts: dict[tuple[str, str], list[AskedQuantity]] = {}
        for each in self.asked:
            if each.route == "row":
                parts.setdefault(_key(each), []).append(each)
        return [self._row(own) for own in parts.values()]

    def _row(self, own: Sequence[AskedQuantity]) -> SealedForecast:
        study, arm = _key(own[0])
        if own[0].kind in (DRUGS, LEVELS):
            # the factor of a drug was set with its own trial: nothing is left out, and the status says so
            left = self.history.without("" if own[0].kind == DRUGS else study)
        else:
            left = self.without(study)
        rows = systematic(left.weights, DRAWS, stream(_SEED, f"scoreboard/{study}/{arm}").random())
        values = np.array([left.answers[a.key][rows] for a in own])
        values = np.array([np.log(v) if a.change else v for v, a in zip(values, own, strict=True)])
        fine = np.isfinite(values).all(axis=0)
        _demand_any(fine, study, arm)
        draws = np.array([spread_draws(DRAWS, v, 0, "arm") for v in values[:, fine]])
        target = {t.id: t for t in self.model.content.targets}[own[0].key]
        within = target.contrast in ("own habitual state", "own untreated state") and own[0].kind in _KIND_OF
        draws = self._widened(draws, own, study, WITHIN_ARM_BIAS if within else 0.0)
        design = f"condition {target.condition}, day {target.day}, {target.contrast}{_lost(fine)}"
        used = len(set(rows[fine].tolist()))
        return self._sealed(study, arm, own[0].population, design, left, used, own, draws)

    def trials(self) -> list[SealedForecast]:
        """Forecast trials: their workflows are run, and true effects over worlds are the draws."""
        by_study = {a.key: a for a in self.asked if a.route == "trial"}
        found = []
        for row in trial_rows():
            if row.study not in by_study:
                continue
            self.say(f"{row.study}: {row.file}")
            effect = effect_of(
                effects_over_worlds(check_run(row.path), self.model), row.endpoint, row.active, row.file
            )
            values = effect.values / (effect.unit_sd if row.scale == "SMD" else 1.0)
            own = [by_study[row.study]]
            draws = spread_draws(DRAWS, values, _SEED, row.study)[None, :]
            made = [self._quantity(a, d, row.cohort) for a, d in zip(own, draws, strict=True)]
            found.append(
                SealedForecast(
                    row.study, row.arm, row.population, self.date, __version__, self.key,
                    f"workflow {row.file}, endpoint {row.endpoint}; {row.note}",
                    "no world and no term outside the mechanism was matched to it", len(effect.values),
                    float(len(effect.values)), tuple(made),
                )
            )  # fmt: skip
        return found

    def refit_checks(self) -> list[RefitCheck]:
        """Hold reweighted worlds against worlds moved on, on the rows of two studies."""
        checks = []
        for study in CHECKED:
            weighted = self.gut.reweighted(study)
            made = self.without(study)
            moved = made if made.how == "refitted" else self.gut.refitted(study, weighted.weights, _SEED)
            own = [
                each.row.id for each in self.gut.problem.fitted
                if study_of(each.row) == study and each.logarithmic
            ]  # fmt: skip
            off, sds = [], []
            for name in own:
                first, second = (_median(np.log(w.answers[name]), w.weights) for w in (weighted, moved))
                off.append(first - second)
                sds.append(float(np.log(moved.answers[name]).std()))
            checks.append(
                RefitCheck(
                    study,
                    weighted.effective,
                    weighted.shape,
                    _rms(off),
                    _rms(sds),
                    float(np.abs(off).max()),
                    "reweighted" if weighted.suffices else "refitted",
                )
            )
            self.say(f"{study}: reweighted and refitted differ by {checks[-1].difference:.3f}")
        return checks

    def _worlds(self, left: LeftOutWorlds, rows: Rows) -> tuple[list[GutWorld], Rows]:
        """Return the worlds of the rows that have one, and these rows; equal rows are solved once."""
        own = sorted(set(rows.tolist()))
        sets = with_reference(self.model, {name: values[own] for name, values in left.values.items()})
        held = held_healthy(self.model, sets, threads=self.threads)
        by_row = {
            row: GutWorld(row + 1, one.values, one.states, one.factors)
            for row, one in zip(own, held, strict=True)
            if one is not None
        }
        solved = np.array([row for row in rows.tolist() if row in by_row], dtype=np.intp)
        return [by_row[row] for row in solved.tolist()], solved

    def _whole(self, asked: Array) -> Array:
        """Fill in guilds that were not observed from the arm's own remainder, rows summing to one."""
        from eubiosis.model.worlds import reference_shares

        reference = reference_shares(self.model)
        missing = np.isnan(asked[0])
        filled = asked.copy()
        filled[0, missing] = reference[missing]
        return np.asarray(filled / filled.sum())

    def _regimen(self, row: ArmRow) -> Regimen:
        if row.asked.startswith(_CONDITION):
            return regimen_of_condition(self.model, row.asked.removeprefix(_CONDITION), row.days)
        return regimen_of(self.model, read_phrase(row.asked))

    def _widened(self, draws: Array, own: Sequence[AskedQuantity], study: str, bias: float) -> Array:
        """Add the discrepancy that the other studies leave, and what a missing control adds; (own, draws)."""
        made = draws.copy()
        noise = stream(_SEED, f"scoreboard/{study}/{own[0].read_out.arm}/noise")
        for kind, word in _KIND_OF.items():
            members = [k for k, a in enumerate(own) if a.kind == kind]
            if members:
                moved = _rms(draws[members].mean(axis=1).tolist())
                seen = _discrepancy(word, study)
                sd = seen.sd * min(1.0, moved / seen.full_at)
                made[members] += math.hypot(sd, bias) * noise.standard_normal((len(members), draws.shape[1]))
        return made

    def _sealed(
        self, study: str, arm: str, population: str, design: str, left: LeftOutWorlds, worlds: int,
        own: Sequence[AskedQuantity], draws: Array,
    ) -> SealedForecast:  # fmt: skip
        how = {
            "all": "no world was matched to it; all worlds as shipped",
            "reweighted": f"its {'row' if left.rows == 1 else f'{left.rows} rows'} taken from the weights "
            f"(tail {left.shape:.2f})",
            "refitted": "worlds moved on without its rows",
        }[left.how]
        made = [self._quantity(a, d) for a, d in zip(own, draws, strict=True)]
        return SealedForecast(
            study, arm, population, self.date, __version__, self.key, design, how, worlds,
            round(left.effective, 1), tuple(made),
        )  # fmt: skip

    def _quantity(self, asked: AskedQuantity, draws: Array, cohort: str = "") -> SealedQuantity:
        simple = competitors(asked, self.asked, cohort)
        return SealedQuantity(
            asked.read_out.quantity, asked.label, asked.kind, asked.unit, asked.status,
            tuple(float(f"{x:.4g}") for x in draws), simple.reference, simple.minus_baseline,
            simple.regression, simple.others,
        )  # fmt: skip


def _demand_any(fine: NDArray[np.bool_], study: str, arm: str) -> None:
    if not fine.any():
        problem = f"no world has a finite answer for {study}, {arm}"
        raise FindingsError([Finding("eubiosis score", "worlds", problem, next_step="make worlds that have")])


def _lost(fine: NDArray[np.bool_]) -> str:
    """Say how many of the draws have no part in a forecast: their world was not solved, or left its range."""
    lost = DRAWS - int(fine.sum())
    return f"; {lost} of {DRAWS} draws left out, as their world gave no finite answer" if lost else ""


def _discrepancy(kind: str, study: str) -> DiscrepancySeen:
    """Return the discrepancy of a kind without a study, or that of all where it had no part in it."""
    rows = {row.scored_study: row for row in discrepancies_seen() if row.kind == kind}
    return rows.get(study, rows[""])


def _key(asked: AskedQuantity) -> tuple[str, str]:
    return asked.read_out.study, asked.read_out.arm


def _rms(values: Sequence[float]) -> float:
    return float(np.sqrt(np.mean(np.square(values))))


def _median(values: Array, weights: Array) -> float:
    fine = np.isfinite(values) & (weights > 0)
    order = np.argsort(values[fine])
    ladder = np.cumsum(weights[fine][order])
    place = int(np.searchsorted(ladder, 0.5 * ladder[-1]))
    return float(values[fine][order][min(place, len(order) - 1)])


def _no_worlds(reasons: Sequence[str] | Mapping[str, str]) -> FindingsError:
    return FindingsError([Finding("eubiosis score", "worlds", one) for one in reasons])
