"""Contrasts: hand-calculated zeros, the rule for unseen guilds, and what stays untouched."""

import numpy as np
import pytest

from eubiosis.core.findings import FindingsError
from eubiosis.population.contrast import centred_log_ratios, guild_contrast, replace_zeros
from eubiosis.population.stool.table import StoolTable
from eubiosis.population.taxa import GUILDS

REFERENCE = {guild: (k + 1) / 105 for k, guild in enumerate(GUILDS)}  # 1 + 2 + ... + 14 = 105


def stool(sums, groups=None, status=None):
    sums = np.asarray(sums, dtype=float)
    n = len(sums)
    return StoolTable(
        file="t.tsv",
        sample_ids=tuple(f"s{k}" for k in range(n)),
        groups=groups,
        guild_sums=sums,
        depth=sums.sum(axis=1),
        detection_limit=np.ones(n),
        mapped_share=np.ones(n),
        status=status or ("ok",) * n,
        scale="counts",
        orientation="samples_in_rows",
        taxon_guilds={},
        unmapped=(),
        notes=(),
    )


def test_zeros_get_half_a_read_and_the_rest_gives_way_in_proportion():
    replaced, shallow = replace_zeros(np.array([[60.0, 40.0, 0.0, 0.0]]), np.array([1.0]))
    np.testing.assert_allclose(replaced, [[0.6 * 0.99, 0.4 * 0.99, 0.005, 0.005]])
    assert not shallow[0]


def test_a_sample_too_shallow_for_its_zeros_is_said_to_be():
    replaced, shallow = replace_zeros(np.array([[1.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]]), np.ones(2))
    assert shallow.tolist() == [True, True]
    assert np.isnan(replaced).all()


def test_centred_log_ratios_of_a_known_composition():
    ratios = centred_log_ratios(np.array([[1.0, np.e, np.e**2]]))
    np.testing.assert_allclose(ratios, [[-1.0, 0.0, 1.0]], atol=1e-12)


def test_a_doubled_guild_doubles_its_ratio_to_the_others_in_the_target():
    base = np.full(14, 1000.0)
    person = base.copy()
    person[2] *= 2
    contrast = guild_contrast(stool([base, base, person], groups=("c", "c", "ms")), "c")
    target = contrast.target_fractions(REFERENCE)
    reference = np.array(list(REFERENCE.values()))
    np.testing.assert_allclose(target[0], reference, rtol=1e-12)
    ratio = (target[2] / target[2, 0]) / (reference / reference[0])
    np.testing.assert_allclose(ratio, np.where(np.arange(14) == 2, 2.0, 1.0), rtol=1e-12)
    np.testing.assert_allclose(contrast.target_log_ratios(REFERENCE).sum(axis=1), 0.0, atol=1e-12)


def test_without_controls_the_centre_is_the_median():
    sums = np.full((3, 14), 1000.0)
    sums[1, 0] *= 3
    contrast = guild_contrast(stool(sums))
    assert contrast.centre == "median"
    np.testing.assert_allclose(contrast.log_ratios[0], 0.0, atol=1e-12)
    assert contrast.log_ratios[1, 0] == pytest.approx(np.log(3) * 13 / 14)


def test_a_guild_seen_in_too_few_samples_keeps_the_reference():
    rng = np.random.default_rng(3)
    sums = rng.integers(50, 500, size=(20, 14)).astype(float)
    met = GUILDS.index("MET")
    sums[:, met] = 0
    sums[0, met] = 400  # one of 20: undetected in 95 %
    contrast = guild_contrast(stool(sums))
    assert contrast.not_observed() == ("MET",)
    assert (contrast.log_ratios[:, met] == 0).all()
    target = contrast.target_fractions(REFERENCE)
    np.testing.assert_array_equal(target[:, met], REFERENCE["MET"] / np.sum(list(REFERENCE.values())))
    np.testing.assert_allclose(target.sum(axis=1), 1.0, rtol=1e-12)
    sums[1, met] = 300  # two of 20: undetected in 90 %, not in more
    assert guild_contrast(stool(sums)).not_observed() == ()


def test_unusable_samples_stay_as_nan_with_their_status_and_move_nobody_else():
    rng = np.random.default_rng(4)
    sums = rng.integers(50, 500, size=(6, 14)).astype(float)
    alone = guild_contrast(stool(sums[:5]))
    with_empty = guild_contrast(stool(np.vstack([sums[:5], np.zeros(14)]), status=("ok",) * 5 + ("empty",)))
    assert with_empty.status[5] == "empty"
    assert np.isnan(with_empty.log_ratios[5]).all()
    assert np.isnan(with_empty.target_fractions(REFERENCE)[5]).all()
    np.testing.assert_array_equal(with_empty.log_ratios[:5], alone.log_ratios)


def test_a_table_of_unusable_samples_gives_no_number():
    contrast = guild_contrast(stool(np.zeros((2, 14)), status=("empty", "empty")))
    assert np.isnan(contrast.log_ratios).all()


@pytest.mark.parametrize(
    ("control", "groups", "message"),
    [
        ("Contrl", ("Control", "MS"), 'nearest "Control"'),
        ("Control", None, "a table with groups"),
    ],
)
def test_a_wrong_control_group_is_a_finding(control, groups, message):
    with pytest.raises(FindingsError, match=message):
        guild_contrast(stool(np.full((2, 14), 9.0), groups=groups), control)


def test_controls_without_a_usable_sample_are_a_finding():
    table = stool(np.full((2, 14), 9.0), groups=("Control", "MS"), status=("no_known_taxon", "ok"))
    with pytest.raises(FindingsError, match="has no usable sample"):
        guild_contrast(table, "Control")


@pytest.mark.parametrize(
    "wrong",
    [
        dict.fromkeys(GUILDS[:13], 1 / 13),
        dict.fromkeys(GUILDS, 0.1),
        {**dict.fromkeys(GUILDS, 1 / 13), "BAC": 0.0},
        {**REFERENCE, "XYZ": 0.0},
    ],
)
def test_a_wrong_reference_composition_is_refused(wrong):
    contrast = guild_contrast(stool(np.full((2, 14), 9.0)))
    with pytest.raises(ValueError, match="reference composition"):
        contrast.target_fractions(wrong)


def test_a_contrast_leaves_its_table_alone():
    table = stool(np.arange(28.0).reshape(2, 14))
    before = table.guild_sums.copy()
    guild_contrast(table)
    np.testing.assert_array_equal(table.guild_sums, before)


def test_a_table_of_unusable_samples_has_no_target_either():
    contrast = guild_contrast(stool(np.zeros((2, 14)), status=("empty", "empty")))
    assert np.isnan(contrast.target_fractions(REFERENCE)).all()
