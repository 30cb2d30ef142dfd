"""The target table: verdicts by hand, and the natural history judged twice."""

from dataclasses import replace

import pytest
from pydantic import ValidationError

from eubiosis.model.check import _judge, basis_shares, check_targets, shares_missed
from eubiosis.model.content import TargetRow


def target(low, high, role="fit"):
    row = {
        "id": "N1",
        "quantity": "q",
        "condition": "c",
        "observable": "o",
        "statistic": "value",
        "unit": "-",
    }
    people = {"population": "adults", "contrast": "none", "fitted": "yes" if role == "fit" else "no"}
    return TargetRow(**row, **people, low=low, high=high, role=role)


@pytest.mark.parametrize(
    ("low", "high", "value", "verdict"),
    [
        (1, 2, 1.5, "hit"),
        (1, 2, 1.0, "hit"),
        (1, 2, 2.0, "hit"),
        (1, 2, 0.999, "miss"),
        (1, 2, 2.001, "miss"),
        (1, None, 5.0, "hit"),
        (1, None, 0.0, "miss"),
        (None, 2, -5.0, "hit"),
        (None, 2, 3.0, "miss"),
        (1, 2, float("nan"), "miss"),
        (None, None, 1.0, "untested prediction"),
    ],
)
def test_verdicts(low, high, value, verdict):
    assert _judge(target(low, high), value).verdict == verdict


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"population": None}, "population"),
        ({"observable": "gut_share_ROS"}, "without taxon"),
        ({"role": "holdout", "fitted": "yes"}, "hold-out that was fitted"),
        ({"statistic": "ratio_to"}, 'ratio_to with the contrast "none"'),
        ({"contrast": "condition:healthy"}, 'value with the contrast "condition:healthy"'),
    ],
)
def test_a_target_that_does_not_say_what_it_is_is_refused(change, said):
    row = target(1, 2, "check").model_dump(exclude_none=True) | change
    with pytest.raises(ValidationError, match=said):
        TargetRow(**{k: v for k, v in row.items() if v is not None})


def test_misses_are_counted_by_origin_and_by_whether_they_were_fitted():
    rows = [target(1, 2), target(1, 2, "check"), target(1, 2), target(None, None)]
    rows[0] = rows[0].model_copy(update={"id": "T001"})
    verdicts = [_judge(row, value) for row, value in zip(rows, (3.0, 3.0, 1.5, 9.0), strict=True)]
    assert [(s.group, s.rows, s.missed) for s in shares_missed(verdicts)] == [
        ("fitted", 2, 1),
        ("never fitted", 1, 1),
        ("targets of 610d205", 1, 1),
        ("later targets", 2, 1),
    ]


def test_what_has_no_bounds_is_a_prediction_and_the_reverse(model):
    for row in model.content.targets:
        if row.role == "prediction":
            assert row.low is None, row.quantity
            assert row.high is None, row.quantity
        else:
            assert row.low is not None or row.high is not None, row.quantity
        if row.low is not None and row.high is not None:
            assert row.low <= row.high, row.quantity


def test_shares_by_basis_are_those_of_a_count_by_hand(model):
    shares = basis_shares(model)
    assert sum(shares.values()) == pytest.approx(1)
    rows = list(model.content.numbers.values())
    assert shares["assumed"] == pytest.approx(sum(r.basis == "assumed" for r in rows) / len(rows))
    assert shares["fitted"] > 0


@pytest.mark.slow
def test_the_natural_history_is_judged_for_the_host_alone_and_joined(model):
    rows = tuple(t for t in model.content.targets if t.statistic == "population")
    verdicts = check_targets(replace(model, content=replace(model.content, targets=rows)))
    by = {(v.condition, v.quantity): v for v in verdicts}
    alone, joined = ({q for c, q in by if c == f"natural_history_{kind}"} for kind in ("host", "joined"))
    assert alone == joined
    assert len(by) == len(rows) == 2 * len(alone)
    for condition in ("natural_history_host", "natural_history_joined"):
        # the two event rates are scaled to their levels in each setting
        level = model.content.numbers["host_scale_Gd"].value
        assert by[condition, "Gd+ lesions per scan"].model == pytest.approx(level, rel=0.08)
        assert by[condition, "relapses a year"].verdict == "hit"
        # doubled acids raise Treg, and what that does to relapses nobody has tested
        assert by[condition, "relapse ratio, acids doubled"].verdict == "untested prediction"
        assert 0 < by[condition, "relapse ratio, acids doubled"].model < 1.2
        # the counts of a year are shares of one population
        shares = [by[condition, f"{k} relapses in year 1, entry with a relapse"].model for k in range(4)]
        shares.append(by[condition, "4 or more relapses in year 1, entry with a relapse"].model)
        assert sum(shares) == pytest.approx(1)
    # the gut's own MS state and the host's own MS inputs are not the same, and the figures show it
    assert by["natural_history_host", "scans without Gd+ lesions"].model != pytest.approx(
        by["natural_history_joined", "scans without Gd+ lesions"].model, rel=1e-6
    )
    missed = by["natural_history_host", "relapses year 1 over year 2, entry with a relapse"]
    assert missed.verdict == "miss", "the specification says that this one is missed"
