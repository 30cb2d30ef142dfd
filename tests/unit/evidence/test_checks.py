"""Checks of printed numbers against hand calculations, and of the whole evidence."""

import math

import pytest

from eubiosis.evidence.integrity import checking
from eubiosis.evidence.integrity.forensics import (
    PrintedArm,
    baseline_balance,
    grim,
    p_fits,
    p_from_interval,
    p_range,
    sd_is_possible,
    welch_p,
)
from eubiosis.evidence.integrity.trial_checks import check_trials
from eubiosis.evidence.records.rows import Study, StudyEstimate, parse_p
from eubiosis.evidence.records.store import load


def test_grim_by_hand():
    # 28 whole numbers: 5.19 is impossible (145/28 = 5.179, 146/28 = 5.214), 5.18 is 145/28
    assert grim(5.19, 28, half=0.005) is False
    assert grim(5.18, 28, half=0.005) is True
    assert grim(5.2, 28, half=0.05) is None  # every first decimal can occur with 28 people


def test_welch_p_from_a_table():
    # equal groups of 30 with SD 2 and a difference of 1: t = 1.936 on 58 df
    assert welch_p(10, 2, 30, 9, 2, 30) == pytest.approx(0.0577, abs=2e-4)


def test_p_range_holds_the_unrounded_value():
    low, high = p_range(PrintedArm(10.0, 2.0, 30, 0.05, 0.05), PrintedArm(9.0, 2.0, 30, 0.05, 0.05))
    assert low < 0.0577 < high
    assert p_range(PrintedArm(1.0, 1.0, 9, 0.5, 0.1), PrintedArm(1.4, 1.0, 9, 0.5, 0.1))[1] == 1.0


def test_p_from_interval_by_hand():
    # 0.85 [0.53, 1.35]: log -0.1625, se 0.2385, z -0.681, p 0.496 (printed .48)
    assert p_from_interval(0.85, 0.53, 1.35, ratio=True) == pytest.approx(0.4955, abs=1e-3)
    assert p_from_interval(-6.98, -28.02, 14.06, ratio=False) == pytest.approx(0.5156, abs=1e-3)


def test_p_fits():
    assert p_fits(parse_p("0.03"), 0.022, 0.022)
    assert not p_fits(parse_p("0.015"), 1.7e-5, 2.1e-5)
    assert p_fits(parse_p("<0.001"), 1e-9, 1e-8)
    assert p_fits(parse_p("NS"), 0.2, 0.3)
    assert not p_fits(parse_p("NS"), 1e-4, 1e-3)
    assert parse_p("about .05") is None


def test_largest_sd_on_a_bounded_scale():
    # half at each end of 0 to 10: mean 5, SD 5 sqrt(n/(n-1))
    n = 20
    assert sd_is_possible(5, 5 * math.sqrt(n / (n - 1)), n, 0, 10)
    assert not sd_is_possible(5, 5.2, n, 0, 10)
    assert not sd_is_possible(11, 1, n, 0, 10)


def test_baseline_balance_of_identical_and_of_shifted_arms():
    same = PrintedArm(10.0, 2.0, 30, 0.05, 0.05)
    assert baseline_balance([(same, same)] * 5) > 0.999
    assert baseline_balance([(same, PrintedArm(14.0, 2.0, 30, 0.05, 0.05))] * 3) < 0.001
    with pytest.raises(ValueError, match="no baseline"):
        baseline_balance([])


def outcome(results, estimate_id, check):
    return next(r.outcome for r in results if r.estimate_id == estimate_id and r.check == check)


def test_known_defects_are_found_without_looking_at_their_flags():
    results = check_trials(load())
    assert outcome(results, "rahimlou2022/2", "p against dispersions") == "failed"
    assert outcome(results, "rahimlou2020/2", "p against dispersions") == "failed"
    assert outcome(results, "salami2019/2", "standard error as SD") == "failed"
    assert outcome(results, "ghezzi2025/1", "p against interval") == "failed"
    assert outcome(results, "asghari2023/1", "p against dispersions") == "passed"
    assert outcome(results, "kouchaki2017/1", "arithmetic") == "passed"


def test_every_study_has_an_outcome_for_every_check():
    evidence = load()
    results = check_trials(evidence)
    per_study = {study_id: [r for r in results if r.study_id == study_id] for study_id in evidence.studies}
    for study_id, found in per_study.items():
        own = sum(e.study_id == study_id for e in evidence.estimates)
        assert len(found) == 8 * own + 5
        assert all(r.detail for r in found)


def test_the_packaged_evidence_has_no_open_finding():
    report = checking.check(load())
    assert [str(finding) for finding in report.open] == []
    assert len(report.acknowledged) > 30
    assert all(reason for _, reason in report.acknowledged)


@pytest.mark.parametrize(
    ("estimate_id", "update", "word"),
    [
        ("asghari2023/1", {"effect": -4.0}, "interval"),
        ("asghari2023/1", {"p_value": "0.9"}, "p against dispersions"),
        ("kouchaki2017/1", {"treatment_mean": -30.0}, "limits of the scale"),
        ("asghari2023/1", {"control_sd": 0.1, "treatment_sd": 0.1}, "size of the effect"),
        ("ladakis2025/3", {"read": "recalled"}, "source not read"),
        ("thouvenot2025/1", {"p_value": "0.4"}, "p against interval"),
    ],
)
def test_a_planted_defect_is_found(estimate_id, update, word):
    evidence = load()
    rows = [e.model_copy(update=update) if e.id == estimate_id else e for e in evidence.table(StudyEstimate)]
    report = checking.check(evidence.with_rows({StudyEstimate: rows}))
    assert any(word in finding.problem and estimate_id in finding.place for finding in report.open)


def test_a_shared_registration_under_two_cohorts_is_found():
    evidence = load()
    same = {"registry_id": "NCT00000001"}
    studies = [
        s.model_copy(update=same) if s.id in ("naseri2025", "asghari2023") else s
        for s in evidence.studies.values()
    ]
    report = checking.check(evidence.with_rows({Study: studies}))
    assert any("duplicate cohort" in finding.problem for finding in report.open)
