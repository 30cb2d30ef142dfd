"""Recompute how reliably one stool sample shows a person's own guild composition.

Repeated samples of the same people before an intervention (Baxter 2019, 10.1128/mBio.02566-18, in
../shared/cohorts/int_baxter_2019_fibers): the share of the variance of a guild's log-ratio that lies between
people, by one-way analysis of variance. Writes content/population/reliability.tsv; from the root:

    .venv/bin/python validation/baxter_2019/reliability.py
"""

from __future__ import annotations

import csv
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np

from eubiosis.population import GUILDS, guild_contrast, read_profiles

ROOT = Path(__file__).resolve().parents[2]
COHORT = ROOT.parent / "shared" / "cohorts" / "int_baxter_2019_fibers"
TARGET = ROOT / "src" / "eubiosis" / "content" / "population" / "reliability.tsv"
SOURCE = "Baxter 2019, 10.1128/mBio.02566-18; summary by validation/baxter_2019"


def reliabilities() -> tuple[dict[str, float], int, float]:
    """Return the intraclass correlation of each observed guild, the number of people and samples a person."""
    contrast = guild_contrast(read_profiles(COHORT / "relative_abundance.tsv.gz"))
    with (COHORT / "metadata.tsv").open(encoding="utf-8") as stream:
        rows = {row["sample_id"]: row for row in csv.DictReader(stream, delimiter="\t")}
    people: dict[str, list[np.ndarray]] = defaultdict(list)
    for sample, log_ratios in zip(contrast.subject_ids, contrast.log_ratios, strict=True):
        if sample in rows and rows[sample]["day"] == "0" and np.isfinite(log_ratios).all():
            people[rows[sample]["subject"].split("_")[0]].append(log_ratios)
    groups = [np.array(samples) for samples in people.values() if len(samples) > 1]
    total = sum(len(g) for g in groups)
    within = sum(((g - g.mean(axis=0)) ** 2).sum(axis=0) for g in groups) / (total - len(groups))
    grand = np.concatenate(groups).mean(axis=0)
    size = (total - sum(len(g) ** 2 for g in groups) / total) / (len(groups) - 1)
    between = sum(len(g) * (g.mean(axis=0) - grand) ** 2 for g in groups) / (len(groups) - 1)
    variance = np.maximum((between - within) / size, 0)
    shares = {
        guild: float(v / (v + w))
        for guild, v, w, seen in zip(GUILDS, variance, within, contrast.observed, strict=True)
        if seen
    }
    return shares, len(groups), total / len(groups)


def main() -> int:
    """Write the table; return the exit status."""
    if not COHORT.is_dir():
        print(f"the cohort is absent: {COHORT.relative_to(ROOT.parent)}", file=sys.stderr)
        return 1
    shares, people, samples = reliabilities()
    with TARGET.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, delimiter="\t", lineterminator="\n")
        writer.writerow(["guild", "reliability", "people", "unit", "basis", "read", "source", "note"])
        for guild, share in shares.items():
            note = f"share of log-ratio variance between people; {samples:.1f} samples a person"
            writer.writerow([guild, f"{share:.2f}", people, "-", "derived", "data_file", SOURCE, note])
    print(f"wrote {TARGET.relative_to(ROOT)}: {len(shares)} guilds, {people} people")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
