"""Stool of donors in a tube with a fibre (Quinn-Bohmann 2024, studies B and C): the gut without its host.

A donor's composition is held in the model; then the tube begins: nothing flows in or out, nothing is
absorbed, mucus is not made, and biomass, substrates and acids of the lumen are diluted by one factor. The
fibre is dissolved at the start. What is compared is the logarithm of an acid with the fibre over without it
at the same hour. Dilution, dose and the hours of study B were not read: they are assumed, and one for all.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from studies import COHORTS, read_rows

from eubiosis.analysis.forecast_scores import mean_interval, rank_correlation
from eubiosis.core.guilds import GUILDS
from eubiosis.engine import Array
from eubiosis.model.model import Model
from eubiosis.model.worlds import draw_gut_world, hold_people, reference_shares
from eubiosis.population import StoolTable, guild_contrast, read_profiles
from eubiosis.population.asked import asked_shares
from eubiosis.trial.world.gut import started_people

FOLDER = "scfa_quinnbohmann_2024_exvivo"
DILUTION = 0.1  # assumed: one part of stool in ten
GRAMS = 5.0  # assumed: g/L of fibre
HOURS_B = 24.0  # assumed: the files do not say
ACIDS = {"acetate": "gut_C_Ac", "propionate": "gut_C_Pr", "butyrate": "gut_C_Bu"}
SUBSTRATE = {"INUL": "gut_S_IN", "FOS": "gut_S_IN", "PECT": "gut_S_FS", "Pectin": "gut_S_FS"}
_SHUT = ("gut_a_scfa", "gut_a_lac", "gut_a_suc", "gut_k_sec", "gut_k_slough", "gut_iota0", "gut_immigration")
_FLOWS = ("RS", "FS", "FI", "IN", "SU", "PR", "BA", "DAI")


@dataclass(frozen=True)
class TubeScore:
    """One fibre and acid over donors: measured and forecast mean log ratio, errors, rank correlation."""

    study: str
    fibre: str
    acid: str
    donors: int
    measured: float
    measured_low: float
    measured_high: float
    forecast: float
    mae: float
    mae_no_change: float
    mae_others: float
    rank: float


def score_tubes(model: Model, cohorts: Path = COHORTS) -> list[TubeScore]:
    """Score studies B and C; nothing where their files are absent."""
    folder = cohorts / FOLDER
    if not folder.is_dir():
        return []
    return [*_study_b(model, folder), *_study_c(model, folder)]


def _study_c(model: Model, folder: Path) -> list[TubeScore]:
    table = read_profiles(folder / "studyC_genus_reads.tsv.gz")
    measured: dict[tuple[str, str], list[dict[str, str]]] = defaultdict(list)
    for row in read_rows(folder / "studyC_scfa_timecourse.tsv"):
        if row["timepoint"] == "4":
            measured[row["subject_id"], row["treatment"]].append(row)
    donors = list(table.sample_ids)
    asked = _asked(model, table)
    return _scores(model, "C, 4 h", donors, asked, measured, ("INUL", "PECT"), "CTRL", 4.0, str.lower)


def _study_b(model: Model, folder: Path) -> list[TubeScore]:
    table = read_profiles(folder / "studyB_genus_percent.tsv", scale="percent", ignore=("Unnamed: 1",))
    blank = [k for k, s in enumerate(table.sample_ids) if s.startswith("Blank_")]
    owner = [table.sample_ids[k].split("_")[1] for k in blank]
    donors = sorted(set(owner), key=int)
    sums = table.fractions[blank]
    means = np.array([sums[[i for i, o in enumerate(owner) if o == d]].mean(axis=0) for d in donors])
    reference = reference_shares(model)
    seen = means.mean(axis=0) > 0
    shares = np.tile(reference, (len(donors), 1))
    floor = np.maximum(means[:, seen], 0.5 * means[:, seen][means[:, seen] > 0].min())
    shares[:, seen] = floor / floor.sum(axis=1, keepdims=True) * reference[seen].sum()
    measured: dict[tuple[str, str], list[dict[str, str]]] = defaultdict(list)
    for row in read_rows(folder / "studyB_scfa.tsv"):
        measured[row["Donor"], row["Treatment"]].append(row)
    return _scores(model, f"B, {HOURS_B:g} h assumed", donors, shares, measured, ("FOS", "Pectin"), "Blank",
                   HOURS_B, str.capitalize)  # fmt: skip


def _asked(model: Model, table: StoolTable) -> Array:
    contrast = guild_contrast(table)
    reference = dict(zip(GUILDS, reference_shares(model).tolist(), strict=True))
    return asked_shares(contrast, reference, np.arange(len(contrast.status)))


def _scores(
    model: Model,
    study: str,
    donors: list[str],
    asked: Array,
    measured: Mapping[tuple[str, str], list[dict[str, str]]],
    fibres: tuple[str, ...],
    blank: str,
    hours: float,
    column: Callable[[str], str],
) -> list[TubeScore]:
    found = []
    without = _tube(model, asked, None, hours)
    for fibre in fibres:
        with_fibre = _tube(model, asked, SUBSTRATE[fibre], hours)
        for acid in ACIDS:
            name = column(acid)
            pairs = [(_mean(measured[d, fibre], name), _mean(measured[d, blank], name)) for d in donors]
            y = np.array([np.log(a / b) if a > 0 and b > 0 else np.nan for a, b in pairs])
            x = np.log(with_fibre[acid] / without[acid])
            known = np.isfinite(x) & np.isfinite(y)
            y, x = y[known], x[known]
            others = (y.sum() - y) / (len(y) - 1)
            mean, low, high = mean_interval(y)
            found.append(
                TubeScore(study, fibre, acid, len(y), mean, low, high, float(x.mean()),
                          float(np.abs(y - x).mean()), float(np.abs(y).mean()),
                          float(np.abs(y - others).mean()), rank_correlation(x, y))
            )  # fmt: skip
    return found


def _mean(rows: list[dict[str, str]], column: str) -> float:
    return float(np.mean([float(row[column]) for row in rows])) if rows else float("nan")


def _tube(model: Model, asked: Array, substrate: str | None, hours: float) -> dict[str, Array]:
    """Return each acid (donors,) after some hours in the tube; NaN for a donor who cannot be held."""
    world, kernel = draw_gut_world(model, 0, 0, vary=False), model.upstream_kernel
    people = started_people(model, world, hold_people(model, world, asked, "healthy"), "healthy")
    states = people.states.copy()
    diluted = [n for n in kernel.state_index if n.startswith(("gut_B_", "gut_S_", "gut_C_"))]
    states[:, [kernel.state_index[n] for n in diluted]] *= DILUTION
    if substrate is not None:
        states[:, kernel.state_index[substrate]] += GRAMS
    shut: dict[str, float | Array] = dict.fromkeys(_SHUT, 0.0)
    shut |= {"gut_diet_on": 1.0, **{f"gut_diet_{name}": 0.0 for name in _FLOWS}}
    unknown = [name for name in shut if name not in kernel.parameter_index]
    if unknown:
        message = f"the model has no {', '.join(unknown)}: the tube is not shut"
        raise KeyError(message)
    fine = np.isfinite(states).all(axis=1)
    solution = kernel.solve(
        [0.0, hours / 24], list(ACIDS.values()),
        parameters={n: v if np.ndim(v) == 0 else np.asarray(v)[fine]
                    for n, v in {**people.parameters(), **shut}.items()},
        initial=states[fine],
    )  # fmt: skip
    values = np.full((len(asked), len(ACIDS)), np.nan)
    values[fine] = np.where((np.array(solution.status) == "ok")[:, None], solution.values[:, -1], np.nan)
    return {acid: values[:, k] for k, acid in enumerate(ACIDS)}
