"""Kept statistics of forecasts against the cohorts themselves, where these are present; a tiny run."""

import csv
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest

from eubiosis.core.guilds import GUILDS
from eubiosis.population import read_profiles

ROOT = Path(__file__).resolve().parents[2]
COHORTS = ROOT.parent / "shared" / "cohorts"
FOLDER = ROOT / "validation" / "cohorts"
BAXTER = COHORTS / "int_baxter_2019_fibers"
present = pytest.mark.skipif(not BAXTER.is_dir(), reason="the cohorts are absent: ../shared/cohorts")


def rows(path):
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream, delimiter="\t"))


def kept(study):
    found = [row for row in rows(FOLDER / "quantities.tsv") if row["study"] == study]
    assert found, f"{study} is not among the kept statistics"
    return {row["quantity"]: row for row in found}


def test_kept_tables_name_source_and_licence_and_hold_no_small_group():
    for path in sorted(FOLDER.glob("*.tsv")):
        table = rows(path)
        assert table, path.name
        for row in table:
            assert row["source"], path.name
            assert row["licence"], path.name
            assert int(row.get("people") or row.get("donors") or row["pairs"]) >= 4, path.name


def test_the_loss_to_the_plain_sum_is_kept():
    inside = {
        row["predictor"]: float(row["rho"])
        for row in rows(FOLDER / "imsms_correlations.tsv")
        if row["measured"] == "butyrate" and row["where"] == "within sites"
    }
    assert inside["model"] < inside["plain sum of butyrate producers"]
    assert inside["plain sum of butyrate producers"] < inside["ridge regression, cross-validated"]


@present
def test_measured_changes_are_those_of_the_cohort():
    """Mean change of centred log-ratios on inulin, computed anew: half a read for a zero, visits averaged."""
    table = read_profiles(BAXTER / "relative_abundance.tsv.gz")
    at = {name: k for k, name in enumerate(table.sample_ids)}
    visits = defaultdict(lambda: {"0": [], "21": []})
    for row in rows(BAXTER / "metadata.tsv"):
        if row["subject"].endswith("_inulin") and row["sample_id"] in at:
            visits[row["subject"]][row["day"]].append(at[row["sample_id"]])
    names = [name.removeprefix("share_") for name in kept("Baxter 2019, inulin")]
    columns = [GUILDS.index(name) for name in names]
    shares = table.guild_sums[:, columns]
    floor = 0.5 * table.detection_limit[:, None]
    logs = np.log(np.where(shares > 0, shares, floor))
    logs -= logs.mean(axis=1, keepdims=True)
    both = [v for v in visits.values() if v["0"] and v["21"]]
    change = np.mean([logs[v["21"]].mean(axis=0) - logs[v["0"]].mean(axis=0) for v in both], axis=0)
    for name, value in zip(names, change, strict=True):
        row = kept("Baxter 2019, inulin")[f"share_{name}"]
        assert int(row["people"]) == len(both)
        assert float(row["measured_change"]) == pytest.approx(value, abs=0.02), name


@present
def test_a_study_runs_from_its_files(model, monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    try:
        import studies

        from eubiosis.workflow.forecast.study import score_study

        case = next(one for one in studies.cases(model) if one.study == "Tap 2015, 10 g of fibre")
        scores = score_study(model, case.data, case.regimen, case.published, worlds=2)
    finally:
        sys.modules.pop("studies", None)
    assert scores.people == 19
    assert {one.quantities[0].split("_")[0] for one in scores.classes} == {"share", "stool"}
    for row in scores.quantities:
        before = kept("Tap 2015, 10 g of fibre")[row.quantity]
        # what does not hang on worlds is as kept
        assert row.measured_change == pytest.approx(float(before["measured_change"]), rel=1e-3)
        assert row.crps["regression"] == pytest.approx(float(before["crps_regression"]), rel=1e-3)
        assert row.mae["model_tables"] == pytest.approx(float(before["mae_model_tables"]), rel=1e-3)
