"""The forecasts to be beaten: made without the scored study and hold-outs, by hand where it can be."""

from dataclasses import replace

import pytest

from eubiosis.core.scoreboard import NormalLaw, ReadOut
from eubiosis.workflow.score.readouts import AskedQuantity, asked_quantities, not_scored, other_effects
from eubiosis.workflow.score.reference import (
    OtherFigure,
    competitors,
    deviation,
    mean_of,
    spread_about_none,
    through_origin,
)
from eubiosis.workflow.score.tables import trial_rows


def asked(study, estimate, se=0.1, **more):
    given = {"kind": "guilds", "family": "diet", "population": "people", "unit": "-", "status": "seen"} | more
    return AskedQuantity(ReadOut(study, "a", "q", estimate, se), "q", route="arm", key="q", **given)


def test_the_scored_study_and_hold_outs_are_not_in_their_own_reference():
    rest = [asked("b", 0.5), asked("c", -0.3)]
    first = competitors(asked("a", 0.1), [asked("a", 0.1), *rest])
    wild = [asked("a", 99.0), *rest, asked("d", 50.0, holdout=True), asked("e", 70.0, change=False)]
    assert competitors(asked("a", 99.0), wild) == first
    assert first.reference.sd == pytest.approx(((0.25 - 0.01 + 0.09 - 0.01) / 2) ** 0.5)
    assert first.others == 2


def test_another_family_and_kind_set_no_spread_where_there_is_kin():
    rest = [
        asked("b", 0.5),
        asked("c", -0.3),
        asked("d", 9.0, family="transplant"),
        asked("e", 9.0, kind="x"),
    ]
    assert competitors(asked("a", 0.1), rest).reference.sd < 0.5
    alone = competitors(asked("d", 9.0, family="transplant"), rest)
    assert alone.reference.sd < 0.5  # no kin: all others of its kind


def test_a_level_has_no_forecast_of_no_change():
    assert competitors(asked("a", 0.1, change=False), [asked("b", 1.0), asked("c", 1.0)]).reference is None


def test_one_other_study_is_no_spread():
    assert spread_about_none([OtherFigure("b", 1.0, 0.1), OtherFigure("b", 2.0, 0.1)]) is None
    assert mean_of([OtherFigure("b", 1.0, 0.1)]) is None


def test_every_study_counts_once_in_a_spread():
    many = [OtherFigure("b", 1.0, 0.0)] * 9 + [OtherFigure("c", 0.0, 0.0)]
    assert spread_about_none(many) == NormalLaw(0.0, pytest.approx(0.5**0.5))


def test_sampling_error_is_no_spread():
    assert spread_about_none([OtherFigure("b", 0.1, 0.3), OtherFigure("c", -0.1, 0.3)]).sd == 0.0


def test_mean_and_regression_by_hand():
    law = mean_of([OtherFigure("b", 1.0, 0.0), OtherFigure("c", 3.0, 0.0)])
    assert (law.mean, law.sd) == (2.0, pytest.approx((1.0 + 1.0) ** 0.5))
    rows = [OtherFigure("b", -1.0, 0.0, 2.0), OtherFigure("c", 1.0, 0.0, -2.0)]
    assert through_origin(1.0, rows) == NormalLaw(-0.5, 0.0)
    back = through_origin(1.0, rows, slope=-1.0)
    assert (back.mean, back.sd) == (-1.0, pytest.approx(1.0))


def test_minus_baseline_starts_from_the_other_studies_baseline():
    own = asked("a", 0.0, baseline=3.0)
    rest = [asked("b", 0.2, baseline=1.0), asked("c", 0.1, baseline=2.0)]
    assert deviation(own, [own, *rest]) == pytest.approx(1.5)
    assert competitors(own, [own, *rest]).minus_baseline.mean == pytest.approx(-1.5)


def test_others_of_a_trial_hold_neither_hold_outs_nor_its_own_cohort():
    held = {row.cohort for row in trial_rows() if row.status == "fresh"}
    assert not held & set(other_effects("relapses", ()))
    assert "chen2023" not in other_effects("fatigue", ())
    assert "katzsand2019" not in other_effects("fatigue", ("katzsand2019",))


def test_every_check_row_cohort_and_hold_out_is_scored_or_says_why_not():
    from eubiosis.calibration.roles import roles

    scored = {each.key for each in asked_quantities() if each.route == "row"}
    trials = " ".join(row.note for row in trial_rows())
    told = {each.id for each in not_scored()}
    for row in roles():
        if row.role in ("check", "holdout"):
            assert row.id in scored | told or f"{row.id}:" in trials, row.id
    assert all(each.reason for each in not_scored())


def test_a_hold_out_is_in_nobodys_covariate_or_spread():
    every = asked_quantities()
    held = [each for each in every if each.status == "fresh"]
    assert held
    assert all(each.holdout for each in held)
    moved = [
        replace(each, read_out=replace(each.read_out, estimate=77.0)) if each.holdout else each
        for each in every
    ]
    for before, after in zip(every, moved, strict=True):
        if not before.holdout and before.route != "trial":
            assert competitors(before, every) == competitors(after, moved)
