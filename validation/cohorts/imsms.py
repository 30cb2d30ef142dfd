"""iMSMS development sites: contrasts against published directions, stool acids predicted from composition.

Correlations are Spearman's within each site, pooled with the number of people as weight; intervals resample
households. The plain sum is that of the guilds FAE, ROS and ANA. The regression is a ridge on thirteen
centred log-ratios, its penalty by generalised cross-validation, each household predicted by folds without it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.stats import rankdata
from studies import COHORTS, read_rows

from eubiosis.analysis.forecast_scores import rank_correlation, resampled_rows
from eubiosis.core.guilds import GUILDS
from eubiosis.engine import Array
from eubiosis.model.held import HeldNiches, hold_niches
from eubiosis.model.model import Model
from eubiosis.model.niche import OK
from eubiosis.model.worlds import GutWorld, draw_gut_world, hold_people, niche_prior, reference_shares
from eubiosis.population import guild_contrast, read_profiles
from eubiosis.population.asked import asked_shares
from eubiosis.population.contrast import centred_log_ratios, replace_zeros
from eubiosis.population.supply import InferredSupply, infer_supply
from eubiosis.trial.world.gut import started_people

FOLDER = "ms_imsms_2022"
SOURCE = "iMSMS Consortium 2022, 10.1016/j.cell.2022.08.021"
LICENCE = "none stated with the files"
ACIDS = {"acetate": ("acetic_acid", "gut_stool_Ac"), "propionate": ("propionic_acid", "gut_stool_Pr"),
         "butyrate": ("butyric_acid", "gut_stool_Bu")}  # fmt: skip
_FIBRE = "Dietary Fiber (g)"
PRODUCERS = ("FAE", "ROS", "ANA")
# genera of the published signature that this genus table has; the source was read as its abstract
PUBLISHED = {"Akkermansia": "up", "Faecalibacterium": "down", "Blautia": "down"}
ABSENT = ("Ruthenibacterium", "Hungatella", "Eisenbergiella")
TRANSITS = (0.8, 1.1, 1.6, 2.2, 3.0, 4.0)  # d
TRANSIT_SD = 0.4  # of the logarithm between people: assumed
FOLDS = 10
_PENALTIES = np.logspace(-1, 4, 26)


@dataclass(frozen=True)
class ContrastRow:
    """A genus in MS against household controls, mean difference of centred log-ratios over pairs."""

    genus: str
    where: str
    pairs: int
    published: str
    mean: float
    low: float
    high: float

    @property
    def verdict(self) -> str:
        """Whether the interval lies on the published side, on the other, or over zero."""
        side = "up" if self.low > 0 else "down" if self.high < 0 else ""
        if not side:
            return "null: the interval holds zero"
        return "as published" if side == self.published else "against the published direction"


@dataclass(frozen=True)
class CorrelationRow:
    """Rank correlation of a prediction with a measured quantity, pooled within sites."""

    predictor: str
    measured: str
    where: str
    people: int
    rho: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Cohort:
    """People with usable stool and measured stool acids; row order is the same throughout."""

    site: np.ndarray
    household: np.ndarray
    asked: Array
    fractions: Array
    logs: Array
    acids: dict[str, Array]
    fibre: Array


def contrasts(cohorts: Path = COHORTS) -> list[ContrastRow]:
    """Return each published genus in all pairs and by site."""
    folder = cohorts / FOLDER
    rows = read_rows(folder / "genus_counts.tsv.gz")
    meta = {row["sample_id"]: row for row in read_rows(folder / "metadata.tsv")}
    names = [name for name in rows[0] if name != "sample_id"]
    counts = np.array([[float(row[name]) for name in names] for row in rows])
    common = (counts > 0).mean(axis=0) >= 0.1
    names = [name for name, kept in zip(names, common, strict=True) if kept]
    logs = centred_log_ratios(replace_zeros(counts[:, common], np.ones(len(counts)))[0])
    homes: dict[str, dict[str, int]] = defaultdict(dict)
    for k, row in enumerate(rows):
        homes[meta[row["sample_id"]]["household"]][meta[row["sample_id"]]["disease"]] = k
    pairs = [p for p in homes.values() if len(p) == 2 and np.isfinite(logs[list(p.values())]).all()]
    site = np.array([meta[rows[p["MS"]]["sample_id"]]["site"] for p in pairs])
    away = np.array([logs[p["MS"]] - logs[p["Control"]] for p in pairs])
    found = []
    for genus, direction in PUBLISHED.items():
        column = away[:, names.index(genus)]
        for where in ("all sites", *sorted(set(site))):
            own = column if where == "all sites" else column[site == where]
            means = [own[pick].mean() for pick in resampled_rows(len(own))]
            low, high = np.quantile(means, [0.025, 0.975])
            label = where if where == "all sites" else f"site {where}"
            found.append(ContrastRow(genus, label, len(own), direction, float(own.mean()), low, high))
    return found


def correlations(model: Model, cohorts: Path = COHORTS) -> list[CorrelationRow]:
    """Return what model, plain sum and regression say of measured stool acids."""
    people = _read(model, cohorts / FOLDER)
    world = draw_gut_world(model, 0, 0, vary=False)
    predicted = _predicted(model, world, people.asked)
    inferred = _with_inferred_transit(model, world, people.asked)
    supply = infer_supply(model, world, people.asked)
    supplied = _with_supply(model, supply)
    total = sum(people.acids.values())
    plain = people.fractions[:, [GUILDS.index(g) for g in PRODUCERS]].sum(axis=1)
    shares = {acid: people.acids[acid] / total for acid in ACIDS}
    model_total = sum(predicted.values())
    rows: list[CorrelationRow] = []
    for acid in ACIDS:
        fitted = cross_validated(people.logs, np.log(people.acids[acid]), people.household)
        rows += _rows(people, "model", acid, predicted[acid], people.acids[acid])
        rows += _rows(people, "model, supply inferred", acid, supplied[acid], people.acids[acid])
        rows += _rows(people, "model, transit inferred", acid, inferred[acid], people.acids[acid])
        rows += _rows(people, "ridge regression, cross-validated", acid, fitted, people.acids[acid])
        rows += _rows(people, "plain sum of butyrate producers", acid, plain, people.acids[acid])
        rows += _rows(people, "model", f"share of {acid}", predicted[acid] / model_total, shares[acid])
    rows += _rows(people, "model", "all acids", model_total, total)
    rows += _rows(people, "model, supply inferred", "all acids", sum(supplied.values()), total)
    rows += _rows(people, "inferred supply itself", "all acids", supply.log_supply, total)
    rows += _rows(people, "inferred supply itself", "dietary fibre", supply.log_supply, people.fibre)
    rows += _rows(people, "plain sum of butyrate producers", "all acids", plain, total)
    rows += _rows(people, "plain sum of butyrate producers", "share of butyrate", plain, shares["butyrate"])
    return rows


def cross_validated(features: Array, values: Array, households: np.ndarray) -> Array:
    """Return each person's prediction by a ridge fitted without their fold; households stay together."""
    names = np.unique(households)
    order = np.random.default_rng(0).permutation(len(names))
    fold_of = dict(zip(names[order].tolist(), (np.arange(len(names)) % FOLDS).tolist(), strict=True))
    fold = np.array([fold_of[name] for name in households.tolist()])
    found = np.empty(len(values))
    for k in range(FOLDS):
        out = fold == k
        mean, sd = features[~out].mean(axis=0), features[~out].std(axis=0)
        sd = np.where(sd > 0, sd, 1.0)
        centre = values[~out].mean()
        slopes = _ridge((features[~out] - mean) / sd, values[~out] - centre)
        found[out] = centre + (features[out] - mean) / sd @ slopes
    return found


def _ridge(x: Array, y: Array) -> Array:
    """Return ridge slopes with the penalty of least generalised cross-validation."""
    u, s, vt = np.linalg.svd(x, full_matrices=False)
    along = u.T @ y
    rest = float(y @ y - along @ along)
    best: tuple[float, Array] | None = None
    for penalty in _PENALTIES:
        kept = s**2 / (s**2 + penalty)
        error = (rest + float((((1 - kept) * along) ** 2).sum())) / (len(y) - kept.sum() - 1) ** 2
        slopes = vt.T @ (s / (s**2 + penalty) * along)
        if best is None or error < best[0]:
            best = (error, slopes)
    assert best is not None
    return best[1]


def _rows(people: Cohort, predictor: str, measured: str, x: Array, y: Array) -> list[CorrelationRow]:
    sites = sorted(set(people.site.tolist()))
    known = np.isfinite(x) & np.isfinite(y)
    picks = resampled_rows(len(x), groups=people.household)
    rho = _pooled(x, y, people.site, known)
    drawn = [_pooled(x[pick], y[pick], people.site[pick], known[pick]) for pick in picks[:500]]
    low, high = np.quantile(drawn, [0.025, 0.975])
    rows = [CorrelationRow(predictor, measured, "within sites", int(known.sum()), rho, low, high)]
    for site in sites:
        own = known & (people.site == site)
        there = rank_correlation(x[own], y[own])
        rows.append(CorrelationRow(predictor, measured, f"site {site}", int(own.sum()), there, None, None))
    return rows


def _pooled(x: Array, y: Array, site: np.ndarray, known: np.ndarray) -> float:
    """Return the mean of the sites' rank correlations, weighted by people."""
    total = people = 0.0
    for name in np.unique(site):
        own = known & (site == name)
        if own.sum() > 3:
            a, b = rankdata(x[own]), rankdata(y[own])
            total += own.sum() * float(np.corrcoef(a, b)[0, 1])
            people += own.sum()
    return total / people


def _read(model: Model, folder: Path) -> Cohort:
    table = read_profiles(folder / "genus_counts.tsv.gz", metadata=folder / "metadata.tsv",
                          id_column="sample_id", group_column="disease")  # fmt: skip
    meta = {row["sample_id"]: row for row in read_rows(folder / "metadata.tsv")}
    measured = {row["sample_id"]: row for row in read_rows(folder / "scfa_stool_ug_per_g.tsv")}
    contrast = guild_contrast(table, "Control")
    reference = dict(zip(GUILDS, reference_shares(model).tolist(), strict=True))
    groups = np.array(table.groups)
    asked = np.full(contrast.log_ratios.shape, np.nan)
    usable = np.isfinite(contrast.log_ratios).all(axis=1)
    for group in ("MS", "Control"):
        own = np.flatnonzero(usable & (groups == group))
        asked[own] = asked_shares(contrast, reference, own)[own]
    keep = [k for k in np.flatnonzero(usable) if table.sample_ids[k] in measured]
    ids = [table.sample_ids[k] for k in keep]
    fibre = _fibre(folder)
    acids = {acid: np.array([float(measured[i][column]) for i in ids]) for acid, (column, _) in ACIDS.items()}
    return Cohort(
        np.array([meta[i]["site"] for i in ids]), np.array([meta[i]["household"] for i in ids]), asked[keep],
        table.fractions[keep], contrast.log_ratios[keep][:, contrast.observed], acids,
        np.array([fibre.get(i, np.nan) for i in ids]),
    )  # fmt: skip


def _predicted(model: Model, world: GutWorld, asked: Array) -> dict[str, Array]:
    people = started_people(model, world, hold_people(model, world, asked, "healthy"), "healthy")
    fine = np.array([word == OK for word in people.status])
    held = people.take(np.flatnonzero(fine))
    names = [source for _, source in ACIDS.values()]
    solution = model.upstream_kernel.solve([0.0], names, parameters=held.parameters(), initial=held.states)
    values = np.full((len(asked), len(names)), np.nan)
    values[fine] = solution.values[:, 0]
    return {acid: values[:, k] for k, acid in enumerate(ACIDS)}


def _with_supply(model: Model, supply: InferredSupply) -> dict[str, Array]:
    """Predict with each person's carbohydrate supply inferred from their own composition."""
    pairs = zip(supply.parameters, supply.held, strict=True)
    logs = np.array([_log_acids(model, given, held) for given, held in pairs])
    return {acid: np.exp(supply.mean(logs[:, k])) for k, acid in enumerate(ACIDS)}


def _log_acids(model: Model, given: Mapping[str, float], held: HeldNiches) -> Array:
    """Return the log of each acid in the stool of held guts, (acids, people)."""
    kernel = model.gut_kernel
    columns = np.repeat(kernel.default_parameters[:, None], len(held.states), axis=1)
    for name, value in given.items():
        columns[kernel.parameter_index[name]] = value
    for k, guild in enumerate(GUILDS):
        columns[kernel.parameter_index[f"gut_w_{guild}"]] = held.factors[:, k]
    with np.errstate(all="ignore"):
        assigned = kernel.assigned_at(0.0, np.ascontiguousarray(held.states.T), columns)
        return np.array([np.log(assigned[kernel.assigned_index[source]]) for _, source in ACIDS.values()])


def fibre_sd(cohorts: Path = COHORTS) -> tuple[float, int]:
    """Return the standard deviation between people of the log of dietary fibre, and how many people."""
    values = [value for value in _fibre(cohorts / FOLDER).values() if value > 0]
    return float(np.log(values).std(ddof=1)), len(values)


def _fibre(folder: Path) -> dict[str, float]:
    rows = read_rows(folder / "diet_components.tsv")
    return {row["sample_id"]: float(row[_FIBRE]) for row in rows if row[_FIBRE] not in ("", "NA")}


def _with_inferred_transit(model: Model, world: GutWorld, asked: Array) -> dict[str, Array]:
    """Predict with each person's transit time inferred from the own composition, by the mechanism alone.

    A composition that another transit time explains with more usual niche factors is likelier to have it: the
    sum that a held niche makes least is twice a negative log density. The mean log acid over transit times.
    """
    kernel, prior = model.gut_kernel, niche_prior(model, world)
    biomass = world.biomass_shares(asked)
    usual = model.content.numbers["gut_T_transit"].value
    weights, logs = [], []
    for transit in TRANSITS:
        own = {n: v for n, v in world.values.items() if n in kernel.parameter_index}
        own["gut_T_transit"] = transit
        held = hold_niches(kernel, own, biomass, prior)
        with np.errstate(all="ignore"):
            total = _sum(prior.error, np.log(held.shares / biomass)) + _sum(
                prior.spread, np.log(held.factors / prior.factors)
            )
        weights.append(-0.5 * total - 0.5 * (np.log(transit / usual) / TRANSIT_SD) ** 2)
        logs.append(_log_acids(model, own, held))
    weight = np.array(weights)
    weight = np.where(np.isfinite(weight), weight, -np.inf)
    with np.errstate(invalid="ignore"):
        weight = np.exp(weight - weight.max(axis=0))
        weight /= weight.sum(axis=0)
    means = (weight[:, None] * np.where(weight[:, None] > 0, np.array(logs), 0.0)).sum(axis=0)
    return {acid: np.exp(means[k]) for k, acid in enumerate(ACIDS)}


def _sum(scale: Array, away: Array) -> Array:
    return np.asarray(((away / scale) ** 2).sum(axis=1))


def beaten_by_sum(rows: Sequence[CorrelationRow]) -> str:
    """Say in words how model, sum and regression compare on stool butyrate."""
    at = {row.predictor: row for row in rows if row.measured == "butyrate" and row.where == "within sites"}
    plain = at["plain sum of butyrate producers"]
    best = max(("model", "model, supply inferred"), key=lambda name: at[name].rho)
    word = "loses to" if at[best].rho < plain.rho else "is ahead of"
    return (
        f"Stool butyrate, rank correlation within sites: the model {_words(at['model'])}, with each person's "
        f"carbohydrate supply inferred {_words(at['model, supply inferred'])}; it {word} the plain sum of "
        f"butyrate producers, {_words(plain)}. A cross-validated regression has "
        f"{_words(at['ridge regression, cross-validated'])}."
    )


def _words(row: CorrelationRow) -> str:
    return f"{row.rho:.2f} ({row.low:.2f} to {row.high:.2f})"
