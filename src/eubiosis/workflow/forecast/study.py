"""Score a finished study: what was forecast from each person's own baseline against what was measured.

Values by person exist in here only; what leaves are scores over people. A forecast of a person's change is
regression to the mean plus what the model says the therapy does to them; the competitors are no change,
regression alone, the published mean change beyond regression, and (as a yardstick, not a competitor) the
mean change of the other people of the same study beyond regression.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eubiosis.analysis.forecast_scores import crps_normal, mean_interval, rank_correlation
from eubiosis.core.guilds import GUILDS
from eubiosis.core.laws import Z975
from eubiosis.core.stool_forecast import METHODS, ClassScore, QuantityScore, StudyScores
from eubiosis.core.world_intervals import ENOUGH_WORLDS
from eubiosis.engine import Array
from eubiosis.model.discrepancy import read_discrepancies
from eubiosis.model.model import Model
from eubiosis.population.contrast import GuildContrast
from eubiosis.workflow.forecast.courses import Regimen
from eubiosis.workflow.forecast.group import SimulatedGroup, discrepancy_of, simulate_group
from eubiosis.workflow.forecast.noise import Noise, noise_of
from eubiosis.workflow.forecast.published import Published
from eubiosis.workflow.forecast.quantities import QUANTITIES, ForecastQuantity

MODEL, TABLES, NO_CHANGE, REGRESSION, PUBLISHED, OTHERS = METHODS
COMPETITORS = (NO_CHANGE, REGRESSION, PUBLISHED)


@dataclass(frozen=True)
class FinishedStudy:
    """Measurements of the same people before and at the end of one therapy.

    ``contrast`` holds their baselines (n people); ``before`` and ``after`` map quantities to logs (n,), those
    of guilds centred over the observed ones. ``samples`` is how many samples a visit a value is the mean of.
    """

    contrast: GuildContrast
    before: Mapping[str, Array]
    after: Mapping[str, Array]
    samples: float = 1.0


def score_study(
    model: Model,
    study: FinishedStudy,
    regimen: Regimen,
    published: Published,
    *,
    worlds: int = ENOUGH_WORLDS,
    threads: int | None = None,
) -> StudyScores:
    """Forecast everybody of a study from their own baseline and score it; everybody runs in every world."""
    people = len(study.contrast.status)
    found = simulate_group(model, study.contrast, np.arange(people), regimen, worlds, max(people, 1), threads)
    return score_changes(model, study, regimen, found, published)


def score_changes(
    model: Model, study: FinishedStudy, regimen: Regimen, found: SimulatedGroup, published: Published
) -> StudyScores:
    """Score simulated changes of a study's people."""
    rows = read_discrepancies(model.content)
    scored: dict[str, list[_Scored]] = {}
    quantities, left_out = [], []
    for k, quantity in enumerate(QUANTITIES):
        if quantity.id not in study.before or quantity.id not in study.after:
            continue
        if quantity.guild and not study.contrast.observed[GUILDS.index(quantity.guild)]:
            continue
        noise = noise_of(quantity, samples=study.samples)
        if noise is None:
            left_out.append(f"{quantity.id}: no repeated cohort measured it")
            continue
        one = _scored(study, k, quantity, found, noise, discrepancy_of(quantity, regimen, rows), published)
        if len(one.people) < 3:
            left_out.append(f"{quantity.id}: {len(one.people)} people with both measurements")
            continue
        scored.setdefault(_class_of(quantity), []).append(one)
        quantities.append(one.summary())
    classes = [
        row for members in scored.values() for row in (_class_score(members, s) for s in ("mae", "crps"))
    ]
    lost = int(np.isnan(found.tables.after).any(axis=1).sum())
    return StudyScores(len(study.contrast.status), lost, tuple(quantities), tuple(classes), tuple(left_out))


def _class_of(quantity: ForecastQuantity) -> str:
    return quantity.place


@dataclass(frozen=True)
class _Scored:
    """One quantity of the people who have it: errors and CRPS (people,) by method, and the changes."""

    quantity: str
    people: NDArray[np.int64]
    errors: Mapping[str, Array]
    crps: Mapping[str, Array]
    measured: Array
    forecast: Array
    regression: Array
    mechanism: Array

    def summary(self) -> QuantityScore:
        """Return means over people."""
        return QuantityScore(
            self.quantity, len(self.people), _means(self.errors), _means(self.crps),
            float(self.measured.mean()), float(self.forecast.mean()),
            _known(rank_correlation(self.forecast, self.measured)),
            _known(rank_correlation(self.regression, self.measured)),
            _known(rank_correlation(self.mechanism, self.measured - self.regression)),
        )  # fmt: skip


def _scored(
    study: FinishedStudy,
    k: int,
    quantity: ForecastQuantity,
    found: SimulatedGroup,
    noise: Noise,
    discrepancy: float,
    published: Published,
) -> _Scored:
    before, after = (np.asarray(side[quantity.id], dtype=float) for side in (study.before, study.after))
    tables = found.tables.change[:, k]
    drawn = np.array([one.change[:, k] for one in found.worlds])
    enough = np.isfinite(drawn).sum(axis=0) > 1
    known = np.flatnonzero(np.isfinite(before) & np.isfinite(after) & np.isfinite(tables) & enough)
    x, measured = before[known], (after - before)[known]
    if not len(known):
        nothing = np.empty(0)
        return _Scored(quantity.id, known, {}, {}, nothing, nothing, nothing, nothing)
    mechanism = np.nanmean(drawn[:, known], axis=0)
    spread = np.nanstd(drawn[:, known], axis=0, ddof=1)
    regression = (noise.reliability - 1) * (x - x.mean())
    beyond = measured - regression
    forecasts = {
        MODEL: (regression + mechanism, noise.regression_variance + spread**2 + discrepancy**2),
        TABLES: (regression + tables[known], noise.regression_variance + spread**2 + discrepancy**2),
        NO_CHANGE: (np.zeros(len(x)), noise.no_change_variance),
        REGRESSION: (regression, noise.regression_variance),
    }
    trial = published.of(quantity.id, "mean_log_ratio") or published.of(quantity.id)
    if trial is not None:
        error = 0.0
        if trial.low and trial.high:
            error = float(np.log(trial.high / trial.low)) / (2 * Z975)
        forecasts[PUBLISHED] = (regression + np.log(trial.value), noise.regression_variance + error**2)
    if len(x) > 3:
        rest = (beyond.sum() - beyond) / (len(x) - 1)
        error = float(beyond.var(ddof=1)) / (len(x) - 1)
        forecasts[OTHERS] = (regression + rest, noise.regression_variance + error)
    return _Scored(
        quantity.id, known,
        {name: np.abs(measured - mean) for name, (mean, _) in forecasts.items()},
        {name: crps_normal(measured, mean, np.sqrt(v)) for name, (mean, v) in forecasts.items()},
        measured, forecasts[MODEL][0], regression, mechanism,
    )  # fmt: skip


def _class_score(members: Sequence[_Scored], score: str) -> ClassScore:
    """Average the quantities of a class for each person, then people; only who has every quantity counts."""
    common = np.array(sorted(set.intersection(*(set(one.people.tolist()) for one in members))), dtype=int)
    methods = [name for name in METHODS if all(name in one.errors for one in members)]
    rows: dict[str, Array] = {}
    for name in methods:
        parts = []
        for one in members:
            place = np.searchsorted(one.people, common)
            parts.append((one.errors if score == "mae" else one.crps)[name][place])
        rows[name] = np.mean(parts, axis=0)
    best = min((name for name in COMPETITORS if name in rows), key=lambda name: float(rows[name].mean()))
    _, low, high = mean_interval(rows[MODEL])
    gain, gain_low, gain_high = mean_interval(rows[best] - rows[MODEL])
    means = {name: float(rows[name].mean()) if name in rows else None for name in METHODS}
    return ClassScore(
        tuple(one.quantity for one in members), len(common), score, means, low, high, best, gain, gain_low,
        gain_high,
    )  # fmt: skip


def _means(parts: Mapping[str, Array]) -> dict[str, float | None]:
    return {name: float(parts[name].mean()) if name in parts else None for name in METHODS}


def _known(value: float) -> float | None:
    return value if np.isfinite(value) else None
