"""Read-outs against sealed forecasts: what is refused, and scores beside scoringutils."""

import csv
import math
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eubiosis.analysis.forecast_scores import crps_normal
from eubiosis.analysis.quantile_summaries import crps_of_quantiles, quantile_bias
from eubiosis.core import laws
from eubiosis.core.findings import FindingsError
from eubiosis.core.sealed import LEVELS
from eubiosis.evidence.forecast.sealed_forecasts import read_registry, sealed_forecasts
from eubiosis.workflow.forecast.read_outs import oracle_csv, read_read_outs, score_quantiles, score_registry
from eubiosis.workflow.forecast.registry_page import registry_page, score_text

PEER = Path(__file__).parents[4] / "validation" / "scoringutils" / "expected.csv"
HEAD = "trial\ttarget\tvalue\tlow\thigh\tpeople\tprinted\tsource\tread\tnote"


def _rows(path):
    return list(csv.DictReader(path.read_text("utf-8").splitlines()))


def _table(tmp_path, *rows):
    path = tmp_path / "read_outs.tsv"
    path.write_text("\n".join([HEAD, *rows]) + "\n", encoding="utf-8")
    return path


def test_scores_are_those_of_scoringutils_on_the_same_tables():
    held = {(f"eubiosis-{one.model}", one.target, one.trial): one for one in sealed_forecasts()}
    made = {
        row["target"] + row["trial"]: float(row["oracle_value"])
        for row in _rows(PEER.with_name("made_values.csv"))
    }
    rows = _rows(PEER)
    assert len(rows) == 24
    for row in rows:
        own = score_quantiles(
            held[row["model"], row["target"], row["trial"]], made[row["target"] + row["trial"]]
        )
        for name in ("wis", "dispersion", "overprediction", "underprediction", "bias"):
            assert getattr(own, name) == pytest.approx(float(row[name]), rel=1e-9, abs=1e-12), (row, name)
        for share, inside in own.inside.items():
            assert inside is (row[f"inside_{float(share) * 100:.0f}"] == "TRUE"), row


@given(st.floats(-4, 4))
def test_crps_of_many_quantiles_is_that_of_the_law(measured):
    levels = np.linspace(0.0005, 0.9995, 1000)
    near = crps_of_quantiles(measured, levels, laws.normal_quantile(levels))
    assert near == pytest.approx(float(crps_normal(measured, 0.0, 1.0)), abs=0.004)


@given(st.floats(-3, 3))
def test_bias_turns_with_the_forecast(measured):
    values = laws.normal_quantile(np.array(LEVELS))
    assert quantile_bias(measured, LEVELS, values) == pytest.approx(-quantile_bias(-measured, LEVELS, values))
    assert -1 <= quantile_bias(measured, LEVELS, values) <= 1


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("ENSURE-1\tcontrol ARR\t0.3\t\t\t\tp. 3\tmade\ttable\t", "column low: the cell is empty"),
        ("ENSURE-1\tcontrol ARR\t0.3\t0.3\t0.3\t\tp. 3\tmade\ttable\t", "without an interval"),
        ("ENSURE-1\tcontrol ARR\t0.3\t0.4\t0.5\t\tp. 3\tmade\ttable\t", "with the interval 0.4 to 0.5"),
        ("ENSURE-1\tcontrol ARR\tnan\t0.4\t0.5\t\tp. 3\tmade\ttable\t", "finite"),
        ("ENSURE-4\tcontrol ARR\t0.3\t0.2\t0.5\t\tp. 3\tmade\ttable\t", 'nearest "ENSURE-'),
        ("FREXALT\tEDSS SMD\t0.3\t0.2\t0.5\t\tp. 3\tmade\ttable\t", "not forecast for this trial"),
        ("ENSURE-1\tcontrol relapse-free\t75\t70\t80\t\tp. 3\tmade\ttable\t", "value 75 share"),
        ("ENSURE-1\tcontrol ARR\t0.3\t0.2\t0.5\t\tp. 3\tmade\theard\t", "heard"),
    ],
)
def test_a_read_out_is_refused_by_name(tmp_path, row, words):
    with pytest.raises(FindingsError) as caught:
        read_read_outs(_table(tmp_path, row), read_registry())
    assert words in str(caught.value)


def test_the_same_number_twice_is_refused(tmp_path):
    row = "ENSURE-1\tcontrol ARR\t0.3\t0.2\t0.5\t\tp. 3\tmade\ttable\t"
    with pytest.raises(FindingsError, match="occurs twice"):
        read_read_outs(_table(tmp_path, row, row), read_registry())


def test_a_scored_read_out_on_the_page(tmp_path):
    found = score_registry(
        _table(tmp_path, "ENSURE-1\tcontrol ARR\t0.3\t0.25\t0.36\t500\tp. 3\t<b>made\ttable\t")
    )
    (one,) = found.scores
    assert len(found.open) == 11
    assert one.overlaps
    assert one.ratio == pytest.approx(one.forecast.wis / one.reference.wis)
    assert one.forecast.bias == pytest.approx(1 - 2 * 0.8)  # 0.3 lies between the 75 and 80 % points
    assert 0.75 < one.forecast.below < 0.8
    share, hits, of, low, high = found.coverage[3]
    assert (share, hits, of, high) == (0.95, 1, 1, 1.0)
    assert low == pytest.approx(0.025)  # exact interval of one of one
    page = registry_page(found)
    assert "cannot show whether intervals are calibrated" in page
    assert "&lt;b&gt;made" in page
    assert "WIS" in score_text(found)
    assert oracle_csv([one.read_out]).splitlines()[1] == "control ARR,ENSURE-1,0.3"
    assert math.isclose(1 - 0.9**8, 0.57, abs_tol=0.005)  # as the page says


@pytest.mark.parametrize(
    ("published", "look"),
    [("2026-11-29", "before the seal"), ("2026-12-01", "after the seal"), ("", "not stated")],
)
def test_a_read_out_from_before_the_seal_is_called_so(tmp_path, published, look):
    path = tmp_path / "read_outs.tsv"
    row = f"ENSURE-1\tcontrol ARR\t0.3\t0.25\t0.36\t\tp. 3\tmade\ttable\t\t{published}"
    path.write_text(f"{HEAD}\tpublished\n{row}\n", encoding="utf-8")
    found = score_registry(path, today=date(2027, 1, 1))
    assert look in found.scores[0].look
    assert look in score_text(found)


def test_a_day_that_is_none_is_refused(tmp_path):
    path = tmp_path / "read_outs.tsv"
    row = "ENSURE-1\tcontrol ARR\t0.3\t0.25\t0.36\t\tp. 3\tmade\ttable\t\tlast week"
    path.write_text(f"{HEAD}\tpublished\n{row}\n", encoding="utf-8")
    with pytest.raises(FindingsError, match="is no day"):
        read_read_outs(path, read_registry())


def test_nothing_is_entered_yet():
    found = score_registry()
    assert (found.scores, len(found.open), found.coverage) == ((), 12, ())
    assert "No read-out has been entered yet" in registry_page(found)


@pytest.mark.parametrize(
    ("day", "said"),
    [("20260101", "is no day"), ("2026-W01-1", "is no day"), ("9999-12-31", "after today")],
)
def test_a_day_of_printing_that_would_pass_for_after_the_seal_is_refused(tmp_path, day, said):
    path = tmp_path / "read_outs.tsv"
    row = f"REMODEL-1\tcontrol ARR\t0.2\t0.15\t0.26\t390\tmade\tmade\ttable\t\t{day}"
    path.write_text(f"{HEAD}\tpublished\n{row}\n", encoding="utf-8")
    with pytest.raises(FindingsError, match=said):
        score_registry(path)
