"""The packaged reference population: what its tables must obey, and what its draws must show."""

import math
import shutil

import numpy as np
import pytest
from scipy.stats import spearmanr

from eubiosis.core.findings import FindingsError
from eubiosis.population.contrast import centred_log_ratios
from eubiosis.population.covariates import SMALLEST_GROUP
from eubiosis.population.reference import POPULATION_FOLDER, load_reference, square_root
from eubiosis.population.taxa import GUILDS


@pytest.fixture(scope="module")
def reference():
    return load_reference()


def test_controls_differ_from_themselves_by_nothing(reference):
    assert (reference.contrasts["Control"] == 0).all()
    assert abs(reference.contrasts["MS"][reference.observed].sum()) < 0.05  # rounding of 26 numbers


def test_covariances_are_those_of_log_ratios(reference):
    for group in reference.groups():
        covariance = reference.covariances[group][np.ix_(reference.observed, reference.observed)]
        np.testing.assert_array_equal(covariance, covariance.T)
        # rows of a log-ratio covariance sum to 0, but for rounding to 3 digits
        assert np.abs(covariance.sum(axis=1)).max() < 0.02 * np.abs(covariance).max()
        parts = len(covariance)
        projection = np.eye(parts) - 1 / parts
        variances = np.linalg.eigvalsh(projection @ covariance @ projection)
        assert (variances[1:] > 0.05).all()
        np.testing.assert_allclose(
            reference.roots[group] @ reference.roots[group], projection @ covariance @ projection, atol=1e-9
        )


def test_many_draws_have_the_mean_and_covariance_of_the_table(reference):
    size = 4000
    drawn = reference.draw_profiles("MS", size, seed=11).log_ratios
    covariance = reference.covariances["MS"]
    spread = np.sqrt(np.diag(covariance))
    # five standard errors of a mean; of a covariance, 5 sqrt((s_aa s_bb + s_ab^2) / n)
    assert (
        np.abs(drawn.mean(axis=0) - reference.contrasts["MS"]) <= 5 * spread / math.sqrt(size) + 0.005
    ).all()
    bound = 5 * np.sqrt((np.outer(spread**2, spread**2) + covariance**2) / size) + 0.02
    assert (np.abs(np.cov(drawn.T) - covariance) <= bound).all()


def test_a_subject_does_not_depend_on_the_others(reference):
    many = reference.draw_profiles("MS", 20, seed=5)
    alone = reference.draw_profiles("MS", 1, seed=5, first=13)
    assert alone.subject_ids == ("MS-13",)
    np.testing.assert_array_equal(alone.log_ratios[0], many.log_ratios[13])
    whole, part = reference.draw_covariates("MS", 20, seed=5), reference.draw_covariates("MS", 3, 5, first=12)
    for name in ("age", "bmi", "edss", "on_treatment"):
        np.testing.assert_array_equal(getattr(part, name), getattr(whole, name)[12:15])
    assert part.disease_course == whole.disease_course[12:15]


def test_another_seed_and_another_group_are_other_people(reference):
    base = reference.draw_profiles("MS", 5, seed=5).log_ratios
    assert not np.allclose(base, reference.draw_profiles("MS", 5, seed=6).log_ratios)
    control = reference.draw_profiles("Control", 5, seed=5).log_ratios
    assert np.abs(base - reference.contrasts["MS"] - control).max() > 0.1


def test_an_unobserved_guild_keeps_the_model_reference(reference):
    model = {guild: (k + 1) / 105 for k, guild in enumerate(GUILDS)}
    drawn = reference.draw_profiles("MS", 50, seed=1)
    target = drawn.target_fractions(model)
    np.testing.assert_allclose(target.sum(axis=1), 1, rtol=1e-12)
    assert drawn.not_observed() == ("MET",)
    np.testing.assert_allclose(target[:, GUILDS.index("MET")], model["MET"], rtol=1e-12)
    shift = centred_log_ratios(target[:, reference.observed]) - centred_log_ratios(
        np.array([[model[g] for g, seen in zip(GUILDS, reference.observed, strict=True) if seen]])
    )
    np.testing.assert_allclose(shift, drawn.log_ratios[:, reference.observed], atol=1e-9)


def test_covariates_lie_on_their_scales_and_follow_the_shares(reference):
    size = 2000
    drawn = reference.draw_covariates("MS", size, seed=2)
    assert ((drawn.age >= 18) & (drawn.age <= 85)).all()
    assert ((drawn.bmi > 12) & (drawn.bmi < 60)).all()
    assert ((drawn.edss >= 0) & (drawn.edss <= 10) & (drawn.edss * 2 % 1 == 0)).all()
    shares = reference.covariates.shares("MS", "all", "disease_course")
    assert sum(shares.values()) == pytest.approx(1, abs=0.005)
    for course, share in shares.items():
        found = drawn.disease_course.count(course) / size
        assert abs(found - share) < 5 * math.sqrt(share * (1 - share) / size)
    # every step of the crowded bands turns up, and none that the scale lacks
    assert {0.0, *np.arange(1.0, 6.5, 0.5)} <= set(drawn.edss)
    assert 0.5 not in drawn.edss
    relapsing = np.array([course == "RRMS" for course in drawn.disease_course])
    for kind, rows in (("relapsing", relapsing), ("progressive", ~relapsing)):
        table = reference.covariates
        rank = table.number("MS", kind, "age and edss", "correlation")
        assert abs(spearmanr(drawn.age[rows], drawn.edss[rows]).statistic - rank) < 4 / math.sqrt(rows.sum())
        mean, sd = table.edss_moments("MS", kind)
        assert abs(drawn.edss[rows].mean() - mean) < 4 * sd / math.sqrt(rows.sum())
        assert drawn.edss[rows].std() == pytest.approx(sd, rel=0.1)
    assert drawn.edss[relapsing].mean() + 1 < drawn.edss[~relapsing].mean()


def test_controls_have_no_edss_and_no_drug(reference):
    drawn = reference.draw_covariates("Control", 50, seed=2)
    assert np.isnan(drawn.edss).all()
    assert not drawn.on_treatment.any()
    assert set(drawn.disease_course) == {"Control"}


def test_summaries_are_over_large_groups_and_name_their_source(reference):
    for row in reference.covariates.rows:
        assert row.people >= SMALLEST_GROUP
        assert row.source or row.basis == "assumed"


@pytest.mark.parametrize(("group", "size"), [("Ms", 3), ("MS", -1)])
def test_a_wrong_request_is_refused(reference, group, size):
    with pytest.raises(ValueError, match="allowed"):
        reference.draw_profiles(group, size, seed=1)


def test_a_summary_of_few_people_is_a_finding(tmp_path):
    for path in POPULATION_FOLDER.glob("*.tsv"):
        shutil.copy(path, tmp_path)
    target = tmp_path / "guild_log_ratios.tsv"
    target.write_text(
        target.read_text(encoding="utf-8").replace("MS\t366\tBAC", "MS\t99\tBAC"), encoding="utf-8"
    )
    with pytest.raises(FindingsError, match="a summary of 99 people"):
        load_reference(tmp_path)


def test_a_covariance_with_a_negative_variance_is_refused():
    with pytest.raises(ValueError, match="negative variance"):
        square_root(np.array([[1.0, -1, 0], [-1, 0, 1], [0, 1, -1]]))
