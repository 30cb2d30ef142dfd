"""Recompute the cohort figures behind the gut's targets and the MS folds, or say that the cohorts are absent.

    python validation/gut_refit/cohort_targets.py            compare with the packaged tables (exit 1: differ)
    python validation/gut_refit/cohort_targets.py --print    print what the cohorts give

Baxter 2019 (inulin, before and during), Tap 2015 (40 against 10 g of fibre) and iMSMS 2022 (MS against
household controls) are read from ../shared/cohorts beside the repository. Only figures over groups leave this
script.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import numpy as np

from eubiosis.core.content import PACKAGED_CONTENT
from eubiosis.core.guilds import GUILDS
from eubiosis.population import read_profiles
from eubiosis.population.contrast import centred_log_ratios, guild_contrast, replace_zeros

ROOT = Path(__file__).resolve().parents[2]
COHORTS = ROOT.parent / "shared" / "cohorts"
ACIDS = {
    "Ac": ("acetate_mM", "acetic_acid"),
    "Pr": ("propionate_mM", "propionic_acid"),
    "Bu": ("butyrate_mM", "butyric_acid"),
}
DRAWS, SEED = 4000, 1
WITHIN = 0.05  # the bootstrap's own noise in an end of an interval
Interval = tuple[float, float, float]


def inulin() -> dict[str, Interval]:
    """Guild ratios on 20 g of inulin, and over the control starch: target id -> value, low, high."""
    folder = COHORTS / "int_baxter_2019_fibers"
    shares, row = _shares(folder / "relative_abundance.tsv.gz")
    samples: dict[str, dict[str, list[int]]] = defaultdict(lambda: {"0": [], "21": []})
    for record in _records(folder / "metadata.tsv"):
        samples[record["subject"]][record["day"]].append(row[record["sample_id"]])
    arms = {}
    for arm in ("inulin", "accessible"):
        own = [s for name, s in samples.items() if name.endswith(arm) and s["0"] and s["21"]]
        arms[arm] = [np.array([shares[s[day]].mean(axis=0) for s in own]) for day in ("0", "21")]
    before, during = arms["inulin"]
    own = _bootstrap(lambda i: during[i].mean(axis=0) / before[i].mean(axis=0), len(before))
    rng = np.random.default_rng(SEED)
    draws = []
    with np.errstate(all="ignore"):  # a guild that few carry may be nobody's; no target is of such a one
        for _ in range(DRAWS):
            parts = []
            for first, second in (arms["inulin"], arms["accessible"]):
                i = rng.integers(0, len(first), len(first))
                parts.append(second[i].mean(axis=0) / first[i].mean(axis=0))
            draws.append(parts[0] / parts[1])
        control = arms["accessible"][1].mean(axis=0) / arms["accessible"][0].mean(axis=0)
        over = [own[0] / control, *np.percentile(draws, (2.5, 97.5), axis=0)]
    ids = {"BIF": "T023", "ROS": "T024", "ANA": "T025"}
    ids |= dict(
        zip(
            "BAC PRV AKK RUM LAC FAE VEI BLA ENT CLO".split(),
            (f"N{k:03d}" for k in range(1, 11)),
            strict=True,
        )
    )
    found = {i: _one(own, GUILDS.index(g)) for g, i in ids.items()}  # type: ignore[arg-type]
    found |= {i: _one(over, GUILDS.index(g)) for g, i in {"ROS": "N011", "ANA": "N012"}.items()}  # type: ignore[arg-type]
    return found


def fibre() -> dict[str, Interval]:
    """Acids and guilds on 40 over 10 g of fibre."""
    folder = COHORTS / "int_tap_2015_fiber_crossover"
    shares, row = _shares(folder / "genus_counts.tsv.gz")
    guilds: dict[str, dict[float, np.ndarray]] = defaultdict(dict)
    acids: dict[str, dict[float, np.ndarray]] = defaultdict(dict)
    for record in _records(folder / "metadata_scfa.tsv"):
        grams = record["fibre_g_per_day_in_preceding_period"]
        if not grams:
            continue
        guilds[record["subject"]][float(grams)] = shares[row[record["sample_id"]]]
        measured = [record[names[0]] for names in ACIDS.values()]
        if all(measured):
            acids[record["subject"]][float(grams)] = np.array([float(m) for m in measured])
    ids = dict(
        zip(
            "BAC PRV RUM BIF LAC FAE ROS ANA VEI BLA ENT CLO".split(),
            (f"N{k:03d}" for k in range(21, 33)),
            strict=True,
        )
    )
    taxa = _forty_over_ten(guilds)
    found = {i: _one(taxa, GUILDS.index(g)) for g, i in ids.items()}  # type: ignore[arg-type]
    ratios = _forty_over_ten(acids)
    return found | {i: _one(ratios, k) for k, i in enumerate(("N015", "N016", "T068"))}


def multiple_sclerosis() -> dict[str, Interval]:
    """Stool acids of MS over controls across sites, and the folds of the guilds."""
    folder = COHORTS / "ms_imsms_2022"
    acid = {
        r["sample_id"]: [float(r[n[1]]) for n in ACIDS.values()]
        for r in _records(folder / "scfa_stool_ug_per_g.tsv")
    }
    table = read_profiles(
        folder / "genus_counts.tsv.gz",
        metadata=folder / "metadata.tsv",
        id_column="sample_id",
        group_column="disease",
    )
    observed = guild_contrast(table, "Control").observed
    replaced, _ = replace_zeros(table.guild_sums[:, observed], table.detection_limit)
    log_ratios = dict(zip(table.sample_ids, centred_log_ratios(replaced), strict=True))
    households: dict[str, dict[str, dict[str, str]]] = defaultdict(dict)
    for record in _records(folder / "metadata.tsv"):
        households[record["household"]][record["disease"]] = record
    pairs = [h for h in households.values() if len(h) == 2]
    differences = np.array(
        [log_ratios[p["MS"]["sample_id"]] - log_ratios[p["Control"]["sample_id"]] for p in pairs]
    )
    half = 1.96 * differences.std(axis=0, ddof=1) / np.sqrt(len(differences))
    mean = differences.mean(axis=0)
    folds = np.exp([mean, mean - half, mean + half])
    names = [g for g, seen in zip(GUILDS, observed, strict=True) if seen]
    found = {f"gut_fold_{g}": _one(folds, k) for k, g in enumerate(names)}
    measured = [p for p in pairs if all(p[d]["sample_id"] in acid for d in ("MS", "Control"))]
    ms, controls = (np.array([acid[p[d]["sample_id"]] for p in measured]) for d in ("MS", "Control"))
    ms, controls = (np.column_stack([x, x.sum(axis=1)]) for x in (ms, controls))
    sites = np.array([p["MS"]["site"] for p in measured])
    for k, target in enumerate(("N041", "T048", "T047", "T046")):
        found[target] = _over_sites(ms[:, k], controls[:, k], sites)
    return found


def _over_sites(ms: np.ndarray, controls: np.ndarray, sites: np.ndarray) -> Interval:
    """Random effects over sites: REML variance between them, Hartung-Knapp interval."""
    from scipy import stats
    from scipy.optimize import minimize_scalar

    rng = np.random.default_rng(SEED)
    ratios, variances = [], []
    for site in sorted(set(sites)):
        i = np.flatnonzero(sites == site)
        draws = [np.log(ms[j].mean() / controls[j].mean()) for j in rng.choice(i, (DRAWS // 2, len(i)))]
        ratios.append(np.log(ms[i].mean() / controls[i].mean()))
        variances.append(np.var(draws))
    y, v = np.array(ratios), np.array(variances)

    def minus_log_likelihood(tau2: float) -> float:
        w = 1 / (v + tau2)
        m = (w * y).sum() / w.sum()
        return float(np.log(v + tau2).sum() + np.log(w.sum()) + (w * (y - m) ** 2).sum())

    w = 1 / (v + minimize_scalar(minus_log_likelihood, bounds=(0, 2), method="bounded").x)
    m = (w * y).sum() / w.sum()
    se = np.sqrt((w * (y - m) ** 2).sum() / (len(y) - 1) / w.sum())
    t = stats.t.ppf(0.975, len(y) - 1)
    return float(np.exp(m)), float(np.exp(m - t * se)), float(np.exp(m + t * se))


def _forty_over_ten(people: dict[str, dict[float, np.ndarray]]) -> list[np.ndarray]:
    both = [p for p in people.values() if len(p) == 2]
    ten, forty = (np.array([p[g] for p in both]) for g in (10.0, 40.0))
    return _bootstrap(lambda i: forty[i].mean(axis=0) / ten[i].mean(axis=0), len(both))


def _bootstrap(ratio: Callable[[np.ndarray], np.ndarray], people: int) -> list[np.ndarray]:
    rng = np.random.default_rng(SEED)
    with np.errstate(all="ignore"):
        draws = np.array([ratio(rng.integers(0, people, people)) for _ in range(DRAWS)])
        value = ratio(np.arange(people))
        low, high = np.percentile(draws, (2.5, 97.5), axis=0)
    return [value, low, high]


def _one(found: list[np.ndarray] | np.ndarray, k: int) -> Interval:
    """Return the figures of one column; a resample in which nobody carries the guild has none."""
    value, low, high = float(found[0][k]), float(found[1][k]), float(found[2][k])
    if not np.isfinite((value, low, high)).all():
        message = f"column {k}: {value}, {low} to {high}: some resample has nobody with it"
        raise ArithmeticError(message)
    return value, low, high


def _shares(path: Path) -> tuple[np.ndarray, dict[str, int]]:
    table = read_profiles(path)
    sums = table.guild_sums / table.guild_sums.sum(axis=1, keepdims=True)
    return sums, {sample: k for k, sample in enumerate(table.sample_ids)}


def _records(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream, delimiter="\t"))


def packaged() -> dict[str, Interval]:
    """What the tables say, by target or number."""
    rows = {
        r["id"]: (r["target"], r["low"], r["high"])
        for r in _records(PACKAGED_CONTENT / "targets/targets.tsv")
    }
    rows |= {
        r["id"]: (r["value"], r["low"], r["high"])
        for r in _records(PACKAGED_CONTENT / "parameters/persons.tsv")
    }
    return {i: tuple(float(x) for x in three) for i, three in rows.items() if all(three)}  # type: ignore[misc]


def disagreements() -> list[str]:
    """Say where tables and cohorts differ by more than rounding and the bootstrap's noise."""
    table = packaged()
    found = inulin() | fibre() | multiple_sclerosis()
    return [
        f"{name}: table {table.get(name)}, cohort {tuple(round(x, 3) for x in three)}"
        for name, three in found.items()
        if name not in table or not np.allclose(three, table[name], rtol=WITHIN, atol=0.006)
    ]


def main() -> int:
    """Compare or print; exit status 0 when all agrees, 1 when something differs, 2 without the cohorts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--print", action="store_true")
    options = parser.parse_args()
    if not COHORTS.is_dir():
        print(f"the cohorts are not at {COHORTS.relative_to(ROOT.parent)}", file=sys.stderr)
        return 2
    if options.print:
        for name, three in (inulin() | fibre() | multiple_sclerosis()).items():
            print(name, *(f"{x:.3g}" for x in three), sep="\t")
        return 0
    different = disagreements()
    print("\n".join(different) or "all figures agree", file=sys.stderr)
    return 1 if different else 0


if __name__ == "__main__":
    raise SystemExit(main())
