"""Fit generators to iMSMS 2022, hold their people against the real ones, and attack them.

The cohort (10.1016/j.cell.2022.08.021, in ../shared/cohorts/ms_imsms_2022) is not part of the project; only
the figures of groups that this prints are. From the root, some minutes:

    .venv/bin/python validation/made_people/compare.py
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from eubiosis.population import describe, fit_generator, read_profiles
from eubiosis.population.virtual.fit import fit_data
from eubiosis.population.virtual.privacy import attack

COHORT = Path(__file__).resolve().parents[3] / "shared" / "cohorts" / "ms_imsms_2022"


def main() -> int:
    """Print how near the people of two generators come, and the areas of the attack by taxa and blur."""
    if not COHORT.is_dir():
        print(f"skipped: the cohort is not at {COHORT}")
        return 0
    stool = read_profiles(
        COHORT / "genus_counts.tsv.gz",
        metadata=COHORT / "metadata.tsv",
        id_column="sample_id",
        group_column="disease",
    )
    for taxa, blur in ((60, 0.0), (20, 4.0)):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "made.tsv"
            path.write_text(fit_generator(stool, most_taxa=taxa, blur=blur).draw(366, seed=5).table_text())
            for group in describe(read_profiles(path), stool).groups:
                pairs = group.correlations
                print(
                    f"{taxa} taxa, blur {blur:g}, {group.group}: {group.within_tenth:.0%} within 0.1 sd; "
                    f"rank correlations differ by {pairs.rms:.3f}, by chance {pairs.rms_by_chance:.3f}; "
                    f"{group.told_apart:.0%} nearest to their own kind"
                )
    for taxa in (10, 20, 30):
        data = fit_data(stool, most_taxa=taxa)
        for blur in (0.0, 2.0, 3.0, 4.0):
            areas = ", ".join(
                f"{one.group} {one.auc:.3f} ({one.error:.3f})" for one in attack(data, blur=blur)
            )
            print(f"{taxa} taxa, blur {blur:g}: area of the attack (standard error) {areas}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
