#!/usr/bin/env python3
"""Recompute the embedded reference population from the iMSMS cohort, or check that it still agrees.

    python validation/ms_imsms_2022/summarise.py            compare with the packaged tables
    python validation/ms_imsms_2022/summarise.py --write    write the packaged tables
    python validation/ms_imsms_2022/summarise.py --sensitivity
                                                  group differences under other family-label choices

The cohort is read from ../shared/cohorts/ms_imsms_2022 beside the repository (or --cohort); it is not part
of the repository. Only summaries over at least 100 people leave this script, rounded to 3 significant
digits.
"""

from __future__ import annotations

import argparse
import csv
import math
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy.stats import spearmanr

from eubiosis.core.findings import FindingCollector, FindingsError
from eubiosis.core.tables import TableRow, write_table
from eubiosis.population.contrast import centred_log_ratios, guild_contrast, replace_zeros
from eubiosis.population.covariates import SMALLEST_GROUP, CovariateSummary
from eubiosis.population.reference import POPULATION_FOLDER, GuildCovariance, GuildSummary
from eubiosis.population.stool.table import StoolTable, read_profiles
from eubiosis.population.taxa import GUILDS, TaxaTable, index_taxa, load_taxa

ROOT = Path(__file__).resolve().parents[2]
COHORT = ROOT.parent / "shared" / "cohorts" / "ms_imsms_2022"
SOURCE = "iMSMS Consortium 2022, 10.1016/j.cell.2022.08.021; group summary by validation/ms_imsms_2022"
GROUPS = ("MS", "Control")
# the half steps of the EDSS in bands; a sparse band at either end joins its neighbour
EDSS_BANDS = ((0.0, 1.5), (2.0, 3.5), (4.0, 5.5), (6.0, 6.5), (7.0, 8.5))
FEWEST = 10
AGE_BOUNDS = (18.0, 85.0)


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare, write or print; exit status 0 when all agrees, 1 when a table differs, 2 without cohort."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--cohort", type=Path, default=COHORT)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--sensitivity", action="store_true")
    options = parser.parse_args(arguments)
    if not (options.cohort / "metadata.tsv").exists():
        print(f"the cohort is not at {options.cohort}; name its folder with --cohort", file=sys.stderr)
        return 2
    try:
        if options.sensitivity:
            print_sensitivity(options.cohort)
            return 0
        tables = summarise(options.cohort)
    except FindingsError as error:
        print(error, file=sys.stderr)
        return 1
    if options.write:
        for name, rows in tables.items():
            write_table(POPULATION_FOLDER / name, rows, list(type(rows[0]).model_fields))
        print(f"wrote {', '.join(tables)}", file=sys.stderr)
        return 0
    different = [name for name, rows in tables.items() if packaged_lines(name) != table_lines(rows)]
    print("differ: " + ", ".join(different) if different else "all packaged tables agree", file=sys.stderr)
    return 1 if different else 0


def summarise(cohort: Path) -> dict[str, list[TableRow]]:
    """Return the rows of the three packaged tables, by file name."""
    table = read_cohort(cohort)
    log_ratios, observed = platform_log_ratios(table)
    guilds: list[TableRow] = []
    pairs: list[TableRow] = []
    for group in GROUPS:
        members = np.array([g == group for g in table.groups or ()]) & np.isfinite(log_ratios).all(axis=1)
        guilds.extend(guild_rows(group, log_ratios[members], observed, table))
        pairs.extend(covariance_rows(group, log_ratios[members], observed))
    return {
        "guild_log_ratios.tsv": guilds,
        "guild_covariances.tsv": pairs,
        "covariates.tsv": covariate_rows(cohort / "metadata.tsv"),
    }


def read_cohort(cohort: Path, taxa: TaxaTable | None = None) -> StoolTable:
    """Read the genus table of the cohort with MS or Control as group."""
    return read_profiles(
        cohort / "genus_counts.tsv.gz",
        metadata=cohort / "metadata.tsv",
        id_column="sample_id",
        group_column="disease",
        taxa=taxa,
    )


def platform_log_ratios(table: StoolTable) -> tuple[np.ndarray, np.ndarray]:
    """Return centred log-ratios over the observed guilds, shape (people, 14), and which are observed."""
    observed = guild_contrast(table, "Control").observed
    replaced, _ = replace_zeros(table.guild_sums[:, observed], table.detection_limit)
    log_ratios = np.zeros(table.guild_sums.shape)
    log_ratios[:, observed] = centred_log_ratios(replaced)
    return log_ratios, observed


def guild_rows(
    group: str, log_ratios: np.ndarray, observed: np.ndarray, table: StoolTable
) -> list[GuildSummary]:
    """Return the mean log-ratio of each guild with the 95 % interval of the mean."""
    people = len(log_ratios)
    members = np.array([g == group for g in table.groups or ()])
    detected = (table.guild_sums[members] > 0).mean(axis=0)
    rows = []
    for g, guild in enumerate(GUILDS):
        mean = float(log_ratios[:, g].mean())
        half = 1.96 * float(log_ratios[:, g].std(ddof=1)) / math.sqrt(people)
        rows.append(
            GuildSummary(
                group=group,
                people=people,
                guild=guild,  # type: ignore[arg-type]
                detected_share=rounded(float(detected[g])),
                mean=rounded(mean) if observed[g] else None,
                low=rounded(mean - half) if observed[g] else None,
                high=rounded(mean + half) if observed[g] else None,
                unit="-",
                basis="measured",
                read="data_file",
                source=SOURCE,
            )
        )
    return rows


def covariance_rows(group: str, log_ratios: np.ndarray, observed: np.ndarray) -> list[GuildCovariance]:
    """Return the shrunk covariance of the observed guilds, one row for each pair."""
    covariance, _ = shrunk_covariance(log_ratios[:, observed])
    names = [guild for guild, seen in zip(GUILDS, observed, strict=True) if seen]
    return [
        GuildCovariance(
            group=group,
            guild_a=names[a],  # type: ignore[arg-type]
            guild_b=names[b],  # type: ignore[arg-type]
            covariance=rounded(float(covariance[a, b])),
            unit="-",
            basis="measured",
            read="data_file",
            source=f"{SOURCE}; shrunk",
        )
        for a in range(len(names))
        for b in range(a, len(names))
    ]


def shrunk_covariance(log_ratios: np.ndarray) -> tuple[np.ndarray, float]:
    """Return the Ledoit-Wolf shrunk covariance, shape (parts, parts), and the weight of its target.

    ``log_ratios`` (people, parts) are centred log-ratios, so they live in the space of vectors that sum to
    0; the target is the mean variance times the projection onto that space. With S the covariance (divided
    by n), m the mean variance over the p = parts - 1 dimensions and d2 = |S - m P|^2 / p, the weight is
    min(b2, d2) / d2, where b2 = sum_k |x_k x_k' - S|^2 / (n^2 p) (Ledoit and Wolf 2004, J Multivar Anal
    88:365; written out from the formula).
    """
    people, parts = log_ratios.shape
    dimensions = parts - 1
    centred = log_ratios - log_ratios.mean(axis=0)
    sample = centred.T @ centred / people
    projection = np.eye(parts) - 1.0 / parts
    target = np.trace(sample) / dimensions * projection
    distance = float(((sample - target) ** 2).sum()) / dimensions
    spread = sum(float(((np.outer(x, x) - sample) ** 2).sum()) for x in centred)
    noise = spread / people**2 / dimensions
    weight = min(noise, distance) / distance
    return weight * target + (1 - weight) * sample, weight


def covariate_rows(metadata: Path) -> list[TableRow]:
    """Return the covariate summaries of the controls, the MS group and its two kinds of course."""
    with metadata.open(encoding="utf-8", newline="") as stream:
        records = list(csv.DictReader(stream, delimiter="\t"))
    ms = [record for record in records if record["disease"] == "MS"]
    relapsing = [record for record in ms if record["disease_course"] == "RRMS"]
    progressive = [record for record in ms if record["disease_course"] in ("PPMS", "SPMS")]
    rows = share_rows("MS", "all", "disease_course", [r["disease_course"] for r in ms])
    for group, course, members in (
        ("MS", "relapsing", relapsing),
        ("MS", "progressive", progressive),
        ("Control", "all", [record for record in records if record["disease"] == "Control"]),
    ):
        rows += share_rows(group, course, "sex", [record["sex"] for record in members])
        rows += normal_rows(group, course, "age", "year", [float(record["age"]) for record in members])
        rows += age_bounds(group, course, len(members))
        rows += normal_rows(group, course, "log_bmi", "-", [math.log(float(r["bmi"])) for r in members])
        if group == "MS":
            scores = [float(record["edss"]) for record in members]
            rows += share_rows(group, course, "edss", edss_bands(scores))
            ages = [float(record["age"]) for record in members]
            rows.append(correlation_row(group, course, "age and edss", ages, scores))
            treated = [record["treatment_status"].lower() for record in members]
            rows += share_rows(group, course, "on_treatment", treated)
    return rows


def edss_bands(scores: Sequence[float]) -> list[str]:
    """Return the band of every score; a band at either end with fewer than FEWEST people is joined on."""

    def people(band: tuple[float, float]) -> int:
        return sum(band[0] <= score <= band[1] for score in scores)

    bands = list(EDSS_BANDS)
    while len(bands) > 1 and people(bands[-1]) < FEWEST:
        top = bands.pop()
        bands[-1] = (bands[-1][0], top[1])
    while len(bands) > 1 and people(bands[0]) < FEWEST:
        bottom = bands.pop(0)
        bands[0] = (bottom[0], bands[0][1])
    labels = []
    for score in scores:
        low, high = next(band for band in bands if band[0] <= score <= band[1])
        labels.append(f"{low} to {high}")
    return labels


def share_rows(group: str, course: str, covariate: str, levels: Sequence[str]) -> list[TableRow]:
    """Return the share of every level with its 95 % Wald interval."""
    people = len(levels)
    rows: list[TableRow] = []
    for level in sorted(set(levels)):
        share = levels.count(level) / people
        half = 1.96 * math.sqrt(share * (1 - share) / people)
        interval = (share, max(share - half, 0.0), min(share + half, 1.0))
        rows.append(
            covariate_row(
                interval, group=group, course=course, covariate=covariate, level=level, people=people
            )
        )
    return rows


def normal_rows(
    group: str, course: str, covariate: str, unit: str, values: Sequence[float]
) -> list[TableRow]:
    """Return mean and standard deviation with their 95 % intervals (of the sd: normal theory)."""
    people = len(values)
    mean, sd = float(np.mean(values)), float(np.std(values, ddof=1))
    half, half_sd = 1.96 * sd / math.sqrt(people), 1.96 * sd / math.sqrt(2 * people)
    intervals = {"mean": (mean, mean - half, mean + half), "sd": (sd, sd - half_sd, sd + half_sd)}
    return [
        covariate_row(
            interval,
            group=group,
            course=course,
            covariate=covariate,
            statistic=statistic,
            unit=unit,
            people=people,
        )
        for statistic, interval in intervals.items()
    ]


def correlation_row(
    group: str, course: str, covariate: str, first: Sequence[float], second: Sequence[float]
) -> TableRow:
    """Return a rank correlation with its 95 % interval (Fisher's z; Bonett and Wright 2000 for the error)."""
    rho = float(spearmanr(first, second).statistic)
    half = 1.96 * math.sqrt((1 + rho**2 / 2) / (len(first) - 3))
    interval = (rho, math.tanh(math.atanh(rho) - half), math.tanh(math.atanh(rho) + half))
    return covariate_row(
        interval, group=group, course=course, covariate=covariate, statistic="correlation", people=len(first)
    )


def covariate_row(
    interval: tuple[float, float, float],
    *,
    group: str,
    course: str,
    covariate: str,
    people: int,
    statistic: str = "share",
    level: str = "",
    unit: str = "-",
) -> CovariateSummary:
    """Return one measured summary (value, low, high), rounded."""
    value, low, high = (rounded(number) for number in interval)
    words = [
        group,
        course,
        covariate.replace(" ", "_"),
        statistic,
        *([level.replace(" ", "_")] if level else []),
    ]
    return CovariateSummary(
        id=".".join(words),
        description=f"{statistic} of {covariate}{f' {level}' if level else ''}, {group}, {course}",
        value=value,
        unit=unit,
        low=low,
        high=high,
        basis="measured",
        read="data_file",
        source=SOURCE,
        group=group,
        course=course,
        covariate=covariate,
        statistic=statistic,
        level=level,
        people=people,
    )


def age_bounds(group: str, course: str, people: int) -> list[TableRow]:
    """Return the bounds between which ages are drawn: assumed, not the extremes of anybody's age."""
    return [
        CovariateSummary(
            id=f"{group}.{course}.age.{statistic}",
            description=f"{statistic} bound of age, {group}, {course}",
            value=bound,
            unit="year",
            basis="assumed",
            note="adults; keeps the tails of the normal distribution within a plausible age",
            group=group,
            course=course,
            covariate="age",
            statistic=statistic,
            people=people,
        )
        for statistic, bound in zip(("lower", "upper"), AGE_BOUNDS, strict=True)
    ]


def rounded(value: float) -> float:
    """Round to 3 significant digits."""
    return float(f"{value:.3g}")


def table_lines(rows: Sequence[TableRow]) -> list[list[str]]:
    """Return the cells that ``write_table`` writes, without the header."""
    columns = list(type(rows[0]).model_fields)
    records = [row.model_dump() for row in rows]
    return [["" if r[c] is None else str(r[c]) for c in columns] for r in records]


def packaged_lines(name: str) -> list[list[str]]:
    """Return the cells of a packaged table, without the header."""
    with (POPULATION_FOLDER / name).open(encoding="utf-8", newline="") as stream:
        return list(csv.reader(stream, delimiter="\t"))[1:]


def print_sensitivity(cohort: Path) -> None:
    """Print the mean contrast of MS to controls for every guild under other choices of family labels."""
    base = load_taxa()
    choices: dict[str, dict[str, str | None]] = {
        "as packaged": {},
        "no family labels": {row.name: None for row in base.rows if row.rank in ("family", "order")},
        "Lachnospiraceae in CLO": {"Lachnospiraceae": "CLO"},
        "Ruminococcaceae in RUM": {"Ruminococcaceae": "RUM"},
    }
    print("\t".join(["choice", "mapped share", *GUILDS]))
    for choice, changes in choices.items():
        table = read_cohort(cohort, with_guilds(base, changes))
        contrast = guild_contrast(table, "Control")
        ms = np.array([group == "MS" for group in table.groups or ()])
        if ms.sum() < SMALLEST_GROUP:
            print("fewer than 100 people with MS: no summary", file=sys.stderr)
            return
        means = np.nanmean(contrast.log_ratios[ms], axis=0)
        print("\t".join([choice, f"{table.overall_mapped_share:.3f}", *(f"{m:+.2f}" for m in means)]))


def with_guilds(taxa: TaxaTable, changes: dict[str, str | None]) -> TaxaTable:
    """Return the taxa table with other guilds for some names."""
    rows = []
    for row in taxa.rows:
        if row.name in changes:
            guild = changes[row.name]
            rows.append(row.model_copy(update={"guild": guild, "role": "resident" if guild else "none"}))
        else:
            rows.append(row)
    return index_taxa(rows, "taxa.tsv", FindingCollector())


if __name__ == "__main__":
    raise SystemExit(main())
