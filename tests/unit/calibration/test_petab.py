"""The PEtab problem: valid by the format's own checker, complete, and silent about nothing."""

import csv
import math

import pytest

from eubiosis.calibration.petab import export, write_petab
from eubiosis.calibration.petab_rows import say
from eubiosis.calibration.roles import roles, rows_for
from eubiosis.core.findings import FindingsError
from eubiosis.core.guilds import GUILDS
from eubiosis.model import load


@pytest.fixture(scope="module")
def model():
    return load()


@pytest.fixture(scope="module")
def problem(model):
    return export(model)


def table(problem, name):
    return list(csv.DictReader(problem.files[name].splitlines(), delimiter="\t"))


@pytest.mark.filterwarnings("ignore")
def test_the_library_of_the_format_finds_nothing_to_say(model, tmp_path):
    petab = pytest.importorskip("petab.v2", reason="needs eubiosis[petab], which has no wheel")
    write_petab(model, tmp_path / "problem")
    read = petab.Problem.from_yaml(tmp_path / "problem" / "problem.yaml")
    assert [str(issue) for issue in read.validate()] == []
    assert len(read.measurements) == len(export(model).said)


def test_every_fit_row_of_the_gut_is_said_or_named_with_a_reason(problem):
    fitted = {row.id for row in rows_for("gut")}
    said = {name for name in problem.said if not name.startswith(("share_", "scale"))}
    unsaid = {name for name, _ in problem.unsaid}
    assert said | unsaid == fitted
    assert not said & unsaid
    readme = problem.files["README.md"]
    others = [
        row.id for kind in ("natural_history", "drug_class", "coupling", "clinical") for row in rows_for(kind)
    ]
    assert all(name in readme for name in (*unsaid, *others))


def test_no_check_row_and_no_hold_out_is_in_it(problem):
    never = {f"obs_{row.id}" for row in roles() if row.role != "fit"}
    assert not never & {row["observableId"] for row in table(problem, "measurements.tsv")}


def test_the_noise_is_the_published_interval(problem):
    noise = {row["observableId"]: row for row in table(problem, "observables.tsv")}
    over_control = noise["obs_N011"]  # 0.66 (0.48 to 0.9), controlled
    assert over_control["noiseDistribution"] == "log-normal"
    assert float(over_control["noiseFormula"]) == pytest.approx(math.log(0.9 / 0.48) / (2 * 1.96), rel=1e-4)
    assert float(noise["obs_T010"]["noiseFormula"]) == pytest.approx((19.9 - 12.5) / (2 * 1.96), rel=1e-4)


def test_a_ratio_is_held_against_the_state_before_and_not_a_constant(problem):
    changes = {
        (row["conditionId"], row["targetId"]): row["targetValue"] for row in table(problem, "conditions.tsv")
    }
    assert changes["hold_N011", "base_N011"] == "gut_share_ROS"
    assert 'id="base_N011"' in problem.files["model.xml"]
    periods = [row for row in table(problem, "experiments.tsv") if row["experimentId"].endswith("_T068")]
    at = {row["conditionId"]: row["time"] for row in periods}
    assert (at["healthy_fibre_10g"], at["hold_T068"], at["healthy_fibre_40g"]) == ("0", "5", "1005")


def test_the_composition_is_data_and_sums_to_one(problem):
    values = {row["observableId"]: float(row["measurement"]) for row in table(problem, "measurements.tsv")}
    for begin in ("obs_share_", "obs_share_ms_"):
        assert sum(values[f"{begin}{guild}"] for guild in GUILDS) == pytest.approx(1, abs=1e-6)


def test_what_petab_has_no_words_for_is_refused_with_the_reason(model):
    rows = {row.id: row for row in roles()}
    assert "one end" in say(model, rows["T049"])
    assert "therapy" in say(model, rows["T075"])
    assert "no quantity" in say(model, rows["C4"])


def test_a_folder_that_exists_is_left_alone(model, tmp_path):
    with pytest.raises(FindingsError, match="exists already"):
        write_petab(model, tmp_path)
    assert list(tmp_path.iterdir()) == []
