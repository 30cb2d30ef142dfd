"""The target table: verdicts by hand, and the natural history judged twice."""

import html
from dataclasses import replace

import pytest
from click.testing import CliRunner
from pydantic import ValidationError

from eubiosis.cli.main import cli
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


NATURAL = ("natural_history_host", "natural_history_joined")


@pytest.fixture(scope="module")
def natural(model):
    """Verdicts of the natural history and of the drug classes, by condition, population and quantity."""
    rows = tuple(t for t in model.content.targets if t.statistic in ("population", "drug"))
    verdicts = check_targets(replace(model, content=replace(model.content, targets=rows)))
    assert len(verdicts) == len(rows)
    return {(v.condition, v.row.population, v.quantity): v for v in verdicts}


@pytest.mark.slow
def test_the_natural_history_is_judged_for_the_host_alone_and_joined(natural):
    alone, joined = ({(g, q) for c, g, q in natural if c == kind} for kind in NATURAL)
    assert alone == joined
    for kind in NATURAL:
        shares = [natural[kind, "entrants", f"{k} relapses in year 1"].model for k in range(4)]
        shares.append(natural[kind, "entrants", "4 or more relapses in year 1"].model)
        assert sum(shares) == pytest.approx(1)  # the counts of a year are shares of one population
        # doubled acids raise Treg, and what that does to relapses nobody has tested
        acids = natural[kind, "everybody", "relapse ratio, acids doubled"]
        assert acids.verdict == "untested prediction"
        assert 0 < acids.model < 1.2
    # the gut's own MS state and the host's own MS inputs are not the same, and the figures show it
    alone, joined = (natural[kind, "entrants", "scans without Gd+ lesions"].model for kind in NATURAL)
    assert alone != pytest.approx(joined, rel=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("quantity", "number"),
    [("relapses in year 1", "host_scale_ARR"), ("Gd+ lesions per scan", "host_scale_Gd")],
)
@pytest.mark.parametrize("kind", NATURAL)
def test_entrants_are_at_the_levels_that_the_rates_are_scaled_to(model, natural, kind, quantity, number):
    """The scales come from other people than these: a tenth is three to four standard errors of both."""
    verdict = natural[kind, "entrants", quantity]
    assert verdict.model == pytest.approx(model.content.numbers[number].value, rel=0.1)
    assert 0 < verdict.error < 0.05


@pytest.mark.slow
def test_every_figure_of_people_carries_its_monte_carlo_error(natural):
    for key, verdict in natural.items():
        assert verdict.error is not None, key
        assert 0 <= verdict.error < 0.25 * abs(verdict.model) + 0.05, key
        assert verdict.as_record()["monte_carlo_error"] == verdict.error


@pytest.mark.slow
def test_the_page_of_the_axis_is_one_file_with_every_target(natural, tmp_path, monkeypatch):
    """Its verdicts, which take most of its minute, are those from above and one without Monte Carlo error."""
    verdicts = [*natural.values(), _judge(target(1, 2), 3.0)]
    monkeypatch.setattr("eubiosis.workflow.axis.check_targets", lambda _: verdicts)
    done = CliRunner().invoke(cli, ["model", "page", "--out", str(tmp_path / "axis.html")])
    assert done.exit_code == 0, done.output
    assert done.stdout.strip().endswith("axis.html")
    page = (tmp_path / "axis.html").read_text(encoding="utf-8")
    assert "imulated" in page
    assert "medical advice" in page
    assert {html.escape(v.quantity) for v in verdicts if html.escape(v.quantity) not in page} == set()
    assert f"{3:.3g}</td>" in page


def test_a_miss_of_the_natural_history_says_why(model):
    """The reason stands in the table; which rows miss is the model's business."""
    for row in model.content.targets:
        assert "\n" not in row.reason
        if row.population == "entrants" and row.id.startswith("T") and not row.corrects:
            assert "year 1" in row.quantity, f"{row.id}: why is its population not that of 610d205?"
