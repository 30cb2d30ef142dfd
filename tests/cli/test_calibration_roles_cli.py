"""Roles, leakage, the PEtab problem and what was informed, from the shell."""

import json

from eubiosis.calibration.roles import roles_hash


def test_roles_are_listed_with_what_is_refused_and_why(eubiosis):
    status, out, err = eubiosis("calibration", "roles", "--kind", "gut", "--refused")
    assert status == 0, err
    assert "T026  check  gut  acids per gram of inulin" in out
    assert "refused, day: 1, asked of 21" in out
    assert "N011" not in out
    status, out, _ = eubiosis("calibration", "roles", "--role", "holdout", "--json")
    rows = json.loads(out)
    assert {row["id"] for row in rows} >= {f"H{k}" for k in (1, 2, 3, 5, 6, 7, 8, 9)}
    assert all(row["role"] == "holdout" and row["licences"] for row in rows)


def test_the_hash_is_the_one_that_is_stated(eubiosis):
    status, out, _ = eubiosis("calibration", "roles", "--hash")
    assert (status, out.strip()) == (0, roles_hash())


def test_leakage_names_the_trials_inside_a_pool(eubiosis):
    status, out, _ = eubiosis("calibration", "leakage")
    assert status == 0
    assert "C4: asghari(40), rahimlou(65)" in out
    assert "C8: snetselaar2023; likely katzsand2019" in out
    status, out, _ = eubiosis("calibration", "leakage", "--json")
    assert {"id": "C4", "cohorts": ["asghari(40)", "rahimlou(65)"], "likely": []} in json.loads(out)["pooled"]


def test_petab_writes_a_folder_once(eubiosis, tmp_path):
    out = tmp_path / "problem"
    status, _, err = eubiosis("calibration", "petab", "--out", out)
    assert status == 0, err
    assert {file.name for file in out.iterdir()} == {
        "README.md", "conditions.tsv", "experiments.tsv", "measurements.tsv", "model.xml", "observables.tsv",
        "parameters.tsv", "problem.yaml",
    }  # fmt: skip
    status, _, err = eubiosis("calibration", "petab", "--out", out)
    assert status == 1
    assert "exists already" in err


def test_informed_asks_where_to_write(eubiosis):
    status, _, err = eubiosis("calibration", "informed")
    assert status == 2
    assert "give --out PAGE.html, --json, or both" in err
