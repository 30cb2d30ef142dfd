"""Diversity, dissimilarity, PERMANOVA and dispersion against vegan."""

import numpy as np
import pytest

from eubiosis.analysis.estimators.ecology import (
    alpha_diversity,
    centred_log_ratio,
    dispersion,
    dissimilarity,
    permanova,
    rarefied_richness,
)

FIXTURE, RTOL = "ecology_dune", 1e-6


@pytest.fixture
def dune(table):
    columns = table("dune")
    management = columns.pop("Management")
    return np.column_stack(list(columns.values())), management


def test_diversity(dune, expected, agree):
    counts, _ = dune
    reference = expected(FIXTURE)
    for index, name in (
        ("shannon", "shannon"),
        ("simpson", "simpson"),
        ("inverse simpson", "invsimpson"),
        ("richness", "richness"),
    ):
        agree(FIXTURE, name, alpha_diversity(counts, index), reference[name], RTOL)
    agree(FIXTURE, "rarefied", rarefied_richness(counts, 15), reference["rarefied_15"], RTOL)
    agree(FIXTURE, "clr", centred_log_ratio(counts)[0, :5], reference["clr_pc1_row1"], RTOL)


def test_distances_and_groups(dune, expected, agree):
    counts, management = dune
    reference = expected(FIXTURE)
    bray, jaccard = (dissimilarity(counts, kind) for kind in ("Bray-Curtis", "Jaccard"))
    agree(FIXTURE, "Bray-Curtis", bray[1:11, 0], reference["bray_first10"], RTOL)
    agree(FIXTURE, "Jaccard", jaccard[1:6, 0], reference["jaccard_first5"], RTOL)
    test = permanova(bray, management, permutations=199, seed=1)
    wanted = [reference["permanova"][name] for name in ("F", "R2")]
    agree(FIXTURE, "PERMANOVA", [test.pseudo_f, test.r_squared], wanted, RTOL)
    assert list(test.degrees_of_freedom) == reference["permanova"]["df"]
    spread = dispersion(bray, management)
    agree(FIXTURE, "dispersion", spread.mean_distance, reference["betadisper_group_distance"], RTOL)
    # vegan finds the spatial median with a general optimiser; ours has a zero gradient (tests/unit)
    agree(FIXTURE, "dispersion F", spread.f_statistic, reference["betadisper_F"], 2e-6)
