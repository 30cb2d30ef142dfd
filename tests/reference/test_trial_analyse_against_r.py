"""Tables analysed from the shell against R: a made trial, and trial data that R packages ship.

The made table is that of the documentation's page; ``trial_table/made.R`` remakes the numbers. The others are
read from ``../shared`` and are skipped where that is absent: fev (mmrm's artificial trial), epil (MASS:
seizures under progabide, the last period), quine (MASS) and lung (survival).
"""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml
from click.testing import CliRunner

from eubiosis.cli.main import cli

ROOT = Path(__file__).parents[2]
MADE = Path(__file__).parent / "trial_table"
PAGE = ROOT / "docs" / "how_to" / "analyse_a_trial.md"
R = json.loads((MADE / "r_numbers.json").read_text())
WORDS = {"treatment": "either arm", "population": "everybody", "variable": "as the column"}
COMPLETE = "complete cases"


def shell(folder: Path, table: Path, plan: dict) -> list[dict[str, str]]:
    """Return the estimates that the command prints."""
    (folder / "plan.yaml").write_text(json.dumps(plan))  # JSON is YAML
    words = ["trial", "analyse", str(table), "--plan", str(folder / "plan.yaml")]
    said = CliRunner().invoke(cli, words, catch_exceptions=False)
    assert said.exit_code == 0, said.output
    return list(csv.DictReader(io.StringIO(said.stdout)))


def shell_of_a_user(folder: Path, table: Path) -> list[dict[str, str]]:
    """Return the estimates under the plan in a folder, from a process of its own as a user runs it."""
    python = [sys.executable, "-W", "error", "-c", "from eubiosis.cli.main import main; main()"]
    said = subprocess.run(
        [*python, "trial", "analyse", table, "--plan", folder / "plan.yaml"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert said.returncode == 0, said.stderr
    return list(csv.DictReader(io.StringIO(said.stdout)))


def numbers(rows: list[dict[str, str]], name: str) -> list[float]:
    return [float(row[name]) for row in rows]


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}[^\n]*\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the files of the page by its own code, and run its Python."""
    folder = tmp_path_factory.mktemp("page")
    (folder / "plan.yaml").write_text(blocks("yaml")[0], encoding="utf-8")
    for block in blocks("python"):
        subprocess.run([sys.executable, "-W", "error", "-c", block], cwd=folder, check=True)
    return folder


@pytest.fixture(scope="module")
def made(page: Path) -> list[dict[str, str]]:
    return shell_of_a_user(page, page / "trial.csv")


def test_the_page_makes_the_table_that_r_analysed(page: Path) -> None:
    assert (page / "trial.csv").read_text() == (MADE / "made.csv").read_text()
    assert (page / "analysis_too" / "analysis.html").stat().st_size > 50_000


def test_the_mixed_model_is_that_of_nlme(made: list[dict[str, str]]) -> None:
    rows = made[:2]
    assert [row["visit"] for row in rows] == ["Week 48"] * 2
    assert numbers(rows, "estimate") == pytest.approx(R["mmrm"][:2], rel=2e-6)


def test_its_errors_are_those_of_nlme_where_the_covariance_is_taken_as_known(tmp_path: Path) -> None:
    plan = yaml.safe_load(blocks("yaml")[0])
    plan["endpoints"] = [{**plan["endpoints"][0], "small_sample": "Satterthwaite"}]
    rows = shell(tmp_path, MADE / "made.csv", plan)[:2]
    # nlme stops a little before the maximum: its restricted log-likelihood is lower in the eleventh digit
    assert numbers(rows, "standard_error") == pytest.approx(R["mmrm"][2:], rel=1e-5)


def test_ancova_is_that_of_lm(tmp_path: Path) -> None:
    plan = yaml.safe_load(blocks("yaml")[0])
    plan["endpoints"] = [{**plan["endpoints"][0], "model": "ancova", "missing_data": COMPLETE}]
    rows = shell(tmp_path, MADE / "made.csv", plan)
    assert numbers(rows, "estimate") == pytest.approx(R["ancova"][:2], rel=1e-8)
    assert numbers(rows, "standard_error") == pytest.approx(R["ancova"][2:], rel=1e-8)


def test_the_ratio_of_geometric_means_is_that_of_lm_of_the_logarithm(made: list[dict[str, str]]) -> None:
    rows = [row for row in made if row["endpoint"] == "propionate in stool"]
    assert numbers(rows, "estimate") == pytest.approx(R["geometric"][:2], rel=1e-8)
    assert numbers(rows, "standard_error") == pytest.approx(R["geometric"][2:4], rel=1e-8)
    assert numbers(rows, "p_value") == pytest.approx(R["geometric"][4:], rel=1e-8)


def test_holm_over_the_four_hypotheses(made: list[dict[str, str]]) -> None:
    family = [row for row in made if row["hypothesis"] == "True"]
    p = np.array(numbers(family, "p_value"))
    steps = np.maximum.accumulate(np.sort(p) * np.arange(4, 0, -1))
    assert sorted(numbers(family, "p_adjusted")) == pytest.approx(np.minimum(steps, 1).tolist())


def test_counts_without_overdispersion_are_those_of_a_poisson_glm(made: list[dict[str, str]]) -> None:
    rows = [row for row in made if row["endpoint"] == "relapses"]
    assert {row["status"] for row in rows} == {"boundary"}
    assert numbers(rows, "estimate") == pytest.approx(R["poisson"][:2], rel=1e-7)
    assert numbers(rows, "standard_error") == pytest.approx(R["poisson"][2:], rel=1e-7)


def test_the_standardised_risk_difference_is_that_of_glm_and_the_delta_method(tmp_path: Path) -> None:
    with (MADE / "made.csv").open() as stream:
        table = list(csv.DictReader(stream))
    start = {row["id"]: row["mfis"] for row in table if row["visit"] == "Baseline"}
    rows = [
        [row["id"], row["arm"], "" if row["mfis"] == "99" else int(int(row["mfis"]) <= 30), start[row["id"]]]
        for row in table
        if row["visit"] == "Week 48"
    ]
    path = tmp_path / "yes.csv"
    with path.open("w", newline="") as stream:
        csv.writer(stream).writerows([["id", "arm", "low", "start"], *rows])
    plan = yaml.safe_load(blocks("yaml")[0])
    plan = {
        "title": "Made", "columns": {"participant": "id", "arm": "arm"}, "arms": plan["arms"],
        "missing": [{"column": "start", "codes": [99]}], "multiplicity": "none",
        "endpoints": [{
            "name": "low", "column": "low", "kind": "binary", "model": "logistic risks", "event_values": [1],
            "summary": "risk difference", "missing_data": COMPLETE, "estimand": WORDS,
            "covariates": [{"column": "start", "kind": "number"}],
        }],
    }  # fmt: skip
    row = shell(tmp_path, path, plan)[0]
    assert row["treated"] == "inulin"
    assert [float(row["estimate"]), float(row["standard_error"])] == pytest.approx(R["risk"], rel=1e-7)


# --- data that R packages ship ------------------------------------------------------------------------------

SHARED = ROOT.parent / "shared" / "statistics"


def shipped(name: str) -> list[dict[str, str]]:
    path = SHARED / "data" / f"{name}.csv"
    if not path.exists():
        pytest.skip(f"{name}.csv is not in the repository and ../shared/statistics/data is absent")
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def expected(name: str) -> dict:
    return json.loads((SHARED / "expected" / f"{name}.json").read_text())["expected"]


def numbered(folder: Path, rows: list[dict[str, str]]) -> Path:
    """Write a table with a number for each row, as its participant, and an exposure of one."""
    path = folder / "table.csv"
    with path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, ["row", *rows[0], "exposure"])
        writer.writeheader()
        writer.writerows({"row": k, **row, "exposure": 1} for k, row in enumerate(rows, start=1))
    return path


def test_fev_by_the_mixed_model_is_that_of_mmrm(tmp_path: Path) -> None:
    shipped("fev")
    plan = {
        "title": "mmrm's artificial trial",
        "columns": {"participant": "USUBJID", "arm": "ARMCD", "visit": "AVISIT"},
        "arms": [{"name": "PBO", "control": True}, {"name": "TRT"}],
        "visits": [{"name": f"VIS{k}", "week": k} for k in (1, 2, 3, 4)], "multiplicity": "none",
        "endpoints": [{
            "name": "FEV1", "column": "FEV1", "kind": "score", "model": "mmrm", "visit": "VIS4",
            "missing_data": "missing at random by mmrm", "small_sample": "Kenward-Roger", "estimand": WORDS,
            "covariates": [{"column": "RACE", "kind": "category"}, {"column": "SEX", "kind": "category"}],
        }],
    }  # fmt: skip
    rows = shell(tmp_path, SHARED / "data" / "fev.csv", plan)
    by_visit = {row["visit"]: row for row in rows}
    wanted = expected("mmrm_fev")
    at = dict(zip(wanted["names"], range(11), strict=True))
    first = by_visit["VIS1"]
    assert float(first["estimate"]) == pytest.approx(wanted["est"][at["ARMCDTRT"]], rel=1e-3)
    assert float(first["standard_error"]) == pytest.approx(wanted["se"][at["ARMCDTRT"]], rel=1e-3)
    assert float(first["degrees_of_freedom"]) == pytest.approx(wanted["df"][at["ARMCDTRT"]], rel=1e-3)
    last = wanted["est"][at["ARMCDTRT"]] + wanted["est"][at["ARMCDTRT:AVISITVIS4"]]
    assert float(rows[0]["estimate"]) == pytest.approx(last, rel=1e-3)


def test_quine_by_the_negative_binomial_is_that_of_mass(tmp_path: Path) -> None:
    path = numbered(tmp_path, shipped("quine"))
    plan = {
        "title": "quine", "columns": {"participant": "row", "arm": "Eth"}, "multiplicity": "none",
        "arms": [{"name": "A", "control": True}, {"name": "N"}],
        "endpoints": [{
            "name": "days absent", "column": "Days", "kind": "count", "model": "negative binomial",
            "exposure": "exposure", "missing_data": COMPLETE, "estimand": WORDS,
            "covariates": [{"column": name, "kind": "category"} for name in ("Sex", "Age", "Lrn")],
        }],
    }  # fmt: skip
    (row,) = shell(tmp_path, path, plan)
    wanted = expected("nb_mass_examples")["quine_main"]
    at = wanted["names"].index("EthN")
    assert np.log(float(row["estimate"])) == pytest.approx(wanted["est"][at], rel=1e-6)
    # MASS holds the dispersion; the error of the full information is from R's Hessian
    assert float(row["standard_error"]) == pytest.approx(R["quine"][1], rel=1e-6)
    assert float(row["standard_error"]) > wanted["se"][at]


def test_the_last_period_of_epil_by_the_negative_binomial_is_that_of_mass(tmp_path: Path) -> None:
    path = numbered(tmp_path, shipped("epil"))
    plan = {
        "title": "epil", "columns": {"participant": "subject", "arm": "trt"}, "multiplicity": "none",
        "arms": [{"name": "placebo", "control": True}, {"name": "progabide"}],
        "rows": [{"column": "period", "values": [4]}],
        "endpoints": [{
            "name": "seizures", "column": "y", "kind": "count", "model": "negative binomial",
            "exposure": "exposure", "missing_data": COMPLETE, "estimand": WORDS,
            "covariates": [{"column": name, "kind": "number"} for name in ("lbase", "lage")],
        }],
    }  # fmt: skip
    (row,) = shell(tmp_path, path, plan)
    assert np.log(float(row["estimate"])) == pytest.approx(R["epil"][0], rel=1e-6)
    assert float(row["standard_error"]) == pytest.approx(R["epil"][1], rel=1e-6)
    assert (row["n_treated"], row["n_control"]) == ("31", "28")


def test_lung_by_cox_is_that_of_survival(tmp_path: Path) -> None:
    path = numbered(tmp_path, shipped("lung"))
    plan = {
        "title": "lung", "columns": {"participant": "row", "arm": "sex"}, "multiplicity": "none",
        "arms": [{"name": "men", "spellings": [1], "control": True}, {"name": "women", "spellings": [2]}],
        "endpoints": [{
            "name": "death", "column": "time", "kind": "time to event", "model": "cox", "event": "status",
            "event_values": [2], "missing_data": COMPLETE, "estimand": WORDS,
            "covariates": [{"column": "age", "kind": "number"}, {"column": "ph.ecog", "kind": "number"}],
        }],
    }  # fmt: skip
    (row,) = shell(tmp_path, path, plan)
    wanted = expected("cox_lung")["efron"]
    at = wanted["names"].index("sex")
    assert float(row["estimate"]) == pytest.approx(wanted["hr"][at], rel=1e-7)
    assert float(row["standard_error"]) == pytest.approx(wanted["se"][at], rel=1e-7)
    assert [float(row[name]) for name in ("ci_low", "ci_high")] == pytest.approx(
        [wanted["ci_lb"][at], wanted["ci_ub"][at]], rel=1e-6
    )
    assert (row["n_treated"], row["missing_control"]) == ("90", "1")
