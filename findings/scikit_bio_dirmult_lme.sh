#!/usr/bin/env bash
# scikit-bio 0.7.4 (seen December 2026).
#
# `dirmult_lme`, the mixed model for repeated samples of the same people, tests every taxon and gives a `pvalue` and a
# `qvalue`, "corrected for multiple comparisons". The correction runs over the covariates of one taxon, never over the
# taxa: with one covariate the q-values are the p-values, whatever method is asked for and however many taxa there are;
# with two, Bonferroni multiplies by 2. One would expect a correction over the taxa, which is what `dirmult_ttest` does
# with the same argument.
#
# Why it matters: `Signif` rests on that q-value and on an interval of each taxon alone, so a trial without any effect
# shows as many changed taxa as without a correction, in columns that say they are corrected. `p_adjust=None` and a
# correction of one's own over the taxa mend it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check scikit-bio==0.7.4
"$folder/venv/bin/python" - <<'PYTHON'
import sys
from importlib.metadata import version

import numpy as np
import pandas as pd
from skbio.stats.composition import dirmult_lme, dirmult_ttest

TAXA, PEOPLE, VISITS = 200, 24, 2
random = np.random.default_rng(3)  # nothing differs between the arms or the visits
person = np.repeat(np.arange(PEOPLE), VISITS)
level = random.normal(3, 1, TAXA) + random.normal(0, 0.5, (PEOPLE, TAXA))[person]
reads = random.poisson(500 * np.exp(level + random.normal(0, 0.3, level.shape)))
samples = [f"sample{n}" for n in range(len(person))]
table = pd.DataFrame(reads, samples, [f"taxon{n}" for n in range(TAXA)])
about = pd.DataFrame({"person": person, "visit": np.tile([0, 1], PEOPLE), "arm": person % 2}, samples)


def largest_factor(found):
    return float((found["qvalue"] / found["pvalue"]).max())


def mixed(formula, method):
    return dirmult_lme(table, about, formula, "person", seed=1, draws=16, p_adjust=method)


print(f"scikit-bio {version('scikit-bio')}; {TAXA} taxa, no effect")
seen = []
for method in ("bonferroni", "holm", "bh"):
    one, two = mixed("arm", method), mixed("arm + visit", method)
    seen += [bool((one["qvalue"] == one["pvalue"]).all()), largest_factor(two) <= 2]
    print(f"{method:10} largest q / p: {largest_factor(one):.0f} with arm, {largest_factor(two):.0f} with arm + visit")
    print(f"{'':10} with arm: {int(one['Signif'].sum())} taxa are Signif; smallest q {one['qvalue'].min():.5f}")
by_hand = int((one["pvalue"] * TAXA <= 0.05).sum())
seen += [int(one["Signif"].sum()) > 5, by_hand == 0]
print(f"arm, Bonferroni by hand over {TAXA} taxa: {by_hand} taxa at 0.05")
ttest = dirmult_ttest(table, about["arm"], 1, 0, seed=1, draws=16, p_adjust="bonferroni")
seen.append(largest_factor(ttest) > TAXA / 2)
print(f"dirmult_ttest, bonferroni: largest q / p {largest_factor(ttest):.0f}")
print("the behaviour is as stated" if all(seen) else f"the behaviour has changed: {seen}")
sys.exit(0 if all(seen) else 1)
PYTHON
