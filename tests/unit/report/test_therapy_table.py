"""The therapy table: which intervals it prints, how sure their ends are, and what widens the gut's ratios."""

import math
from dataclasses import dataclass, field

import numpy as np
import pytest

from eubiosis.report.therapy_table import format_therapies, therapy_records


@dataclass
class Row:
    therapy: str = "inulin 20 g/d"
    condition: str = "ms_inulin_20g"
    gut: dict = field(
        default_factory=lambda: dict.fromkeys(("acids", "butyrate", "lps", "indole", "ipa", "ahr"), 2.0)
    )
    treg_84d: np.ndarray = field(default_factory=lambda: np.ones(1))
    relapses: np.ndarray = field(default_factory=lambda: np.ones(1))
    lesions: np.ndarray = field(default_factory=lambda: np.ones(1))
    share_worse: np.ndarray = field(default_factory=lambda: np.zeros(1))


def in_worlds(relapses):
    worlds = len(relapses)
    return Row(
        relapses=np.asarray(relapses), lesions=np.ones(worlds), treg_84d=np.ones(worlds),
        share_worse=np.zeros(worlds),
    )  # fmt: skip


def test_a_gut_ratio_with_a_discrepancy_has_the_interval_that_it_leaves():
    (record,) = therapy_records([Row()], [], {"ms_inulin_20g": {"butyrate": 0.15}})
    factor = math.exp(1.959964 * 0.15)
    assert record["butyrate_ratio"] == 2.0
    assert record["butyrate_ratio_discrepancy"] == pytest.approx([2 / factor, 2.0, 2 * factor], abs=1e-4)
    assert "lps_ratio_discrepancy" not in record
    text = format_therapies([Row()], [], {"ms_inulin_20g": {"butyrate": 0.15}})
    assert "covers butyrate better than by a factor of 1.34 (95 %)" in text
    assert "worlds in mirrored pairs" not in text


def test_the_ends_of_an_interval_carry_their_error_and_few_worlds_are_called_few():
    ratios = np.exp(np.repeat([0.1, 0.2, 0.3, 0.4], 2) * np.tile([1, -1], 4))
    (record,) = therapy_records([Row()], [in_worlds(ratios)], {"ms_inulin_20g": {}})
    assert record["worlds"] == 8
    low, _, high = record["arr_ratio_sampled_error"]
    assert 0 < low < 0.2
    assert 0 < high < 0.3
    assert record["mri_ratio_sampled_error"] == [0, 0, 0]
    assert "8 worlds in mirrored pairs (fewer than 200: rough)" in format_therapies(
        [Row()], [in_worlds(ratios)], {"ms_inulin_20g": {}}
    )
    many = format_therapies([Row()], [in_worlds(np.tile(ratios, 25))], {"ms_inulin_20g": {}})
    assert "200 worlds in mirrored pairs; Monte Carlo error of the ends:" in many
    assert "no bound on an effect" in many


def test_one_pair_has_no_error_and_says_so():
    (record,) = therapy_records([Row()], [in_worlds([0.9, 1.1])], {"ms_inulin_20g": {}})
    assert record["arr_ratio_sampled_error"] == [None, None, None]
    assert "not estimable" in format_therapies([Row()], [in_worlds([0.9, 1.1])], {"ms_inulin_20g": {}})
