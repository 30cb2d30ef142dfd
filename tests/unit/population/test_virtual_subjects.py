"""Virtual subjects: closed compositions, a subject of one's own, exact shrinkage, profiles used in turn."""

import numpy as np
import pytest

from eubiosis.core.guilds import GUILDS
from eubiosis.population.contrast import GuildContrast
from eubiosis.population.reference import load_reference
from eubiosis.population.subjects import (
    USABLE_PROFILE,
    reliability,
    subjects_from_contrast,
    subjects_from_reference,
)

REFERENCE = {guild: (k + 1) / 105 for k, guild in enumerate(GUILDS)}
SHARES = np.array(list(REFERENCE.values()))
OBSERVED = np.array([guild != "MET" for guild in GUILDS])


def made_up_contrast(people=7, broken=()):
    rng = np.random.default_rng(5)
    log_ratios = np.zeros((people, len(GUILDS)))
    log_ratios[:, OBSERVED] = rng.normal(size=(people, OBSERVED.sum()))
    log_ratios[:, OBSERVED] -= log_ratios[:, OBSERVED].mean(axis=1, keepdims=True)
    status = ["ok"] * people
    for k, word in broken:
        status[k] = word
        log_ratios[k] = np.nan
    return GuildContrast(
        subject_ids=tuple(f"p{k}" for k in range(people)),
        log_ratios=log_ratios,
        observed=OBSERVED,
        detected_share=np.where(OBSERVED, 1.0, 0.02),
        status=tuple(status),
        centre="controls",
    )


def fields(subjects):
    return (subjects.shares, subjects.age, subjects.female, subjects.edss, subjects.relapsing)


def centred(log_values):
    return log_values - log_values.mean(axis=1, keepdims=True)


def test_shares_are_positive_and_sum_to_one():
    for group in ("MS", "Control"):
        subjects = subjects_from_reference(REFERENCE, group=group, size=40, seed=3)
        assert subjects.shares.shape == (40, len(GUILDS))
        assert np.all(subjects.shares > 0)
        np.testing.assert_allclose(subjects.shares.sum(axis=1), 1, atol=1e-12)


@pytest.mark.parametrize("source", ["reference", "contrast"])
def test_a_subject_does_not_depend_on_the_company(source):
    def make(size, first=0):
        if source == "reference":
            return subjects_from_reference(REFERENCE, group="MS", size=size, seed=3, first=first)
        return subjects_from_contrast(
            made_up_contrast(), REFERENCE, members=np.arange(7), size=size, seed=3, first=first
        )

    large, small, later = make(30), make(9), make(5, first=20)
    assert later.numbers == (20, 21, 22, 23, 24)
    for whole, part, middle in zip(fields(large), fields(small), fields(later), strict=True):
        assert np.array_equal(whole[:9], part)
        assert np.array_equal(whole[20:25], middle)


def test_taking_some_subjects_keeps_each_whole():
    subjects = subjects_from_reference(REFERENCE, group="MS", size=12, seed=3)
    rows = np.array([7, 2, 11])
    some = subjects.take(rows)
    assert some.numbers == (7, 2, 11)
    for whole, part in zip(fields(subjects), fields(some), strict=True):
        assert np.array_equal(whole[rows], part)


def test_another_seed_gives_other_people():
    one, other = (subjects_from_reference(REFERENCE, group="MS", size=5, seed=s) for s in (3, 4))
    seen = load_reference().observed
    assert not np.any(one.shares[:, seen] == other.shares[:, seen])
    assert not np.any(one.age == other.age)


def test_people_without_ms_are_in_no_course_of_the_disease():
    controls = subjects_from_reference(REFERENCE, group="Control", size=20, seed=3)
    assert not controls.relapsing.any()
    assert np.isnan(controls.edss).all()


def test_reliability_shrinks_a_persons_contrast_and_nothing_else():
    contrast = made_up_contrast()
    subjects = subjects_from_contrast(contrast, REFERENCE, members=np.arange(7), size=7, seed=3)
    assert np.all((reliability() > 0) & (reliability() <= 1))
    assert np.any(reliability() < 1)
    # differences between people are the shrunk ones; the centre is common to all
    wanted = centred((contrast.log_ratios * reliability())[:, OBSERVED])
    found = centred(np.log(subjects.shares / SHARES)[:, OBSERVED])
    wanted, found = wanted - wanted.mean(axis=0), found - found.mean(axis=0)
    rows = [int(np.argmin(np.abs(wanted - row).max(axis=1))) for row in found]
    assert sorted(rows) == list(range(7))
    np.testing.assert_allclose(found, wanted[rows], atol=1e-9)
    # and the people of the centre have the reference as their mean
    np.testing.assert_allclose(subjects.shares.mean(axis=0), SHARES, rtol=1e-9)


def test_a_guild_that_the_platform_does_not_see_keeps_its_reference_share():
    contrast = made_up_contrast()
    subjects = subjects_from_contrast(contrast, REFERENCE, members=np.arange(7), size=7, seed=3)
    np.testing.assert_allclose(subjects.shares[:, ~OBSERVED], np.tile(SHARES[~OBSERVED], (7, 1)), rtol=1e-12)


def test_a_guild_that_the_reference_cohort_does_not_see_keeps_its_reference_share():
    unseen = ~load_reference().observed
    assert unseen.any()
    subjects = subjects_from_reference(REFERENCE, group="MS", size=10, seed=3)
    np.testing.assert_allclose(subjects.shares[:, unseen], np.tile(SHARES[unseen], (10, 1)), rtol=1e-12)


def test_every_profile_is_used_once_before_any_is_used_again():
    contrast = made_up_contrast()
    members = np.array([0, 2, 3, 6])
    subjects = subjects_from_contrast(contrast, REFERENCE, members=members, size=11, seed=9)
    unshrunk = {tuple(np.round(row, 12)) for row in subjects.shares}
    assert len(unshrunk) == len(members)
    seen = [tuple(np.round(row, 12)) for row in subjects.shares]
    for start in (0, 4):
        assert len(set(seen[start : start + 4])) == 4
    assert len(set(seen[8:])) == 3
    assert seen[:4] != seen[4:8]  # each round has an order of its own


def test_one_profile_twice_is_two_people_with_their_own_covariates():
    contrast = made_up_contrast()
    subjects = subjects_from_contrast(contrast, REFERENCE, members=np.array([4]), size=6, seed=9)
    assert np.all(subjects.shares == subjects.shares[0])
    assert len(set(subjects.age)) == 6


def test_a_profile_that_cannot_be_used_stays_with_its_status():
    broken = ((1, "too_shallow"), (5, "no_known_taxon"))
    contrast = made_up_contrast(broken=broken)
    subjects = subjects_from_contrast(contrast, REFERENCE, members=np.arange(7), size=7, seed=3)
    assert sorted(subjects.profile_status) == ["no_known_taxon", *["ok"] * 5, "too_shallow"]
    for status, shares in zip(subjects.profile_status, subjects.shares, strict=True):
        assert (status in USABLE_PROFILE) == bool(np.isfinite(shares).all())
        assert np.isfinite(shares).all() or np.isnan(shares).all()
