"""``eubiosis engine run`` and ``info``: what they print and write, what they refuse, and how they end."""

import csv
import io
import json

import numpy as np
import pyarrow.parquet as pq
import pytest

from engine_models import sbml
from sbml_text import algebraic, document, parameter

LAYOUT = ' xmlns:layout="http://www.sbml.org/sbml/level3/version1/layout/version1"'
K, KA, DOSE = 0.3, 1.2, 250.0


def bateman(t, k=K, dose=DOSE):
    return dose * KA / (KA - k) * (np.exp(-k * t) - np.exp(-KA * t))


@pytest.fixture
def model(tmp_path):
    path = tmp_path / "drug.xml"
    path.write_text(
        sbml(
            f"ka = {KA}; k = {K}; V = 40; gut = 0; blood = 0;"
            "gut' = -ka*gut; blood' = ka*gut - k*blood; c := blood/V"
        )
    )
    return path


def rows(text):
    return list(csv.DictReader(io.StringIO(text)))


def test_courses_are_printed_as_csv(eubiosis, model):
    status, out, err = eubiosis(
        "engine", "run", model, "--times", "0,2,6", "--observe", "blood,c", "--dose", "gut=250@0"
    )
    assert (status, err) == (0, "")
    got = rows(out)
    assert [*got[0]] == ["subject", "time", "status", "blood", "c"]
    blood = [float(row["blood"]) for row in got]
    np.testing.assert_allclose(blood, bateman(np.array([0.0, 2.0, 6.0])), rtol=1e-7)
    assert float(got[2]["c"]) == pytest.approx(blood[2] / 40)


def test_scans_combine_and_every_file_is_written(eubiosis, model, tmp_path):
    table, people, picture = (tmp_path / name for name in ("t.parquet", "s.csv", "p.svg"))
    status, out, _ = eubiosis(
        *("engine", "run", model, "--times", "0:48:97", "--observe", "blood"),
        *("--scan", "k=0.1:1:log:3", "--scan", "V=20,40", "--dose", "gut=250@0+12x4"),
        *("--reduce", "maximum:c", "--reduce", "last:blood"),
        *("--out", table, "--subjects", people, "--plot", picture),
    )
    assert status == 0
    assert "6 subjects, 97 times; status: ok 6" in out
    assert f"written: {picture}" in out
    courses = pq.read_table(table)
    assert courses.column_names == ["subject", "k", "V", "time", "status", "blood"]
    assert courses.num_rows == 6 * 97
    last = courses.to_pylist()[-1]
    assert (last["subject"], last["k"], last["V"], last["time"]) == (5, 1.0, 40.0, 48.0)
    exact = sum(bateman(48.0 - 12 * n, k=1.0) for n in range(4))
    assert last["blood"] == pytest.approx(exact, rel=1e-7)
    each = rows(people.read_text())
    assert [*each[0]] == ["subject", "k", "V", "status", "steps", "rejected", "Maximum of c", "Last of blood"]
    assert float(each[5]["Last of blood"]) == pytest.approx(exact, rel=1e-7)
    assert float(each[0]["Maximum of c"]) == pytest.approx(2 * float(each[1]["Maximum of c"]), rel=1e-7)
    assert "<svg" in picture.read_text()


def test_an_infusion_and_a_setting(eubiosis, model):
    """200 in two hours without loss: all of it is there."""
    arguments = ("--times", "0,2", "--set", "k=0", "--dose", "blood=200@0..2", "--observe", "blood")
    status, out, _ = eubiosis("engine", "run", model, *arguments)
    assert status == 0
    assert float(rows(out)[1]["blood"]) == pytest.approx(200.0)


def test_json_says_how_it_went(eubiosis, model):
    status, out, _ = eubiosis(
        *("engine", "run", model, "--times", "0,1", "--scan", "k=0:1:lin:11", "--set", "blood=8", "--json"),
        *("--reduce", "last:blood"),
    )
    assert status == 0
    record = json.loads(out)
    assert (record["subjects"], record["times"], record["status"]) == (11, 2, {"ok": 11})
    assert (record["scanned"], record["observables"]) == (["k"], ["gut", "blood"])
    last = record["reduced"]["last:blood"]
    assert last["largest"] == pytest.approx(8.0)
    assert last["median"] == pytest.approx(8 * np.exp(-0.5))
    assert last["least"] == pytest.approx(8 * np.exp(-1.0))


@pytest.mark.parametrize("suffix", ["png", "pdf", "svg"])
def test_many_subjects_are_drawn_as_bands_and_the_same_again(eubiosis, model, tmp_path, suffix):
    pictures = []
    for name in ("a", "b"):
        path = tmp_path / f"{name}.{suffix}"
        arguments = ("--scan", "k=0.1:1:lin:20", "--set", "gut=250", "--times", "0:10:11", "--plot", path)
        assert eubiosis("engine", "run", model, *arguments)[0] == 0
        pictures.append(path.read_bytes())
    assert pictures[0] == pictures[1]
    assert len(pictures[0]) > 2_000


def test_everything_wrong_with_a_command_line_is_said_at_once(eubiosis, model, tmp_path):
    status, out, err = eubiosis(
        *("engine", "run", model, "--times", "3:1:5", "--scan", "kk=0.1:1:log:9", "--scan", "V=1:2:log"),
        *("--scan", "ka=0:1:log:5", "--set", "k=x", "--set", "c=1", "--dose", "c=3@0", "--dose", "gut=2"),
        *("--observe", "blod", "--reduce", "largest:c", "--relative", "3", "--out", "x.txt"),
        *("--plot", tmp_path / "absent" / "p.svg"),
    )
    assert (status, out) == (2, "")
    for words in (
        "times must increase; allowed: START:END:POINTS",
        'parameter or state "kk" is unknown; nearest "k',
        '"V=1:2:log" cannot be read; allowed: NAME=LOW:HIGH:log:COUNT',
        '"ka=0:1:log:5": a scan by logarithms needs bounds above 0; next: lin',
        '"k=x" cannot be read; allowed: NAME=NUMBER',
        "c follows a rule, so that it is no parameter or state",
        "c follows a rule, so that it is no input",
        '"gut=2" cannot be read; allowed: NAME=AMOUNT@TIME',
        'quantity "blod" is unknown; nearest "blood"',
        '"largest:c" cannot be read; allowed: maximum:NAME',
        "relative is 3.0; allowed: above 0 and below 1",
        '"x.txt" ends in no known format; allowed: .parquet, .csv',
        "absent does not exist; next: make it",
    ):
        assert words in err, words


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--set", "k=1", "--scan", "k=1,2"), "k is given twice"),
        (("--scan", "k=1,2", "--scan", "k=1,2"), "k is scanned twice"),
        (
            ("--scan", "k=0:1:lin:2000", "--scan", "V=1:2:lin:2000"),
            "make 4000000 combinations",
        ),
        (("--dose", "gut=1@0+0x5"), "repeated 1 to 1000000 times, after a time above 0"),
        (("--dose", "gut=1@2..1"), "an infusion has no length"),
        (("--threads", "0"), "--threads"),
    ],
)
def test_wrong_command_lines(eubiosis, model, options, words):
    status, out, err = eubiosis("engine", "run", model, *options)
    assert (status, out) == (2, "")
    assert words in err


def test_a_failed_subject_is_written_and_the_status_is_three(eubiosis, tmp_path):
    path = tmp_path / "growth.xml"
    path.write_text(sbml("p = 1; x = 1; x' = p*x^2"))
    status, out, err = eubiosis("engine", "run", path, "--times", "0,2", "--scan", "p=0.1,1")
    assert status == 3
    assert "1 of 2 solutions failed numerically; allowed: 0 (1 non_finite, 1 ok)" in err
    assert [row["status"] for row in rows(out)] == ["ok", "ok", "non_finite", "non_finite"]


def test_models_that_cannot_be_read_are_refused(eubiosis, tmp_path):
    path = tmp_path / "m.xml"
    path.write_text(document(parameter("x", 1), algebraic("x - 1")))
    for command in ("run", "info"):
        status, out, err = eubiosis("engine", command, path)
        assert (status, out) == (1, "")
        assert "algebraic rule 1: an algebraic rule is not supported" in err
        assert "next: docs/reference/sbml.md" in err
        status, _, err = eubiosis("engine", command, tmp_path / "absent.xml")
        assert status == 1
        assert "there is no such file" in err
    path.write_text("<sbml")
    status, _, err = eubiosis("engine", "info", path)
    assert status == 1
    assert "libSBML cannot read the model: line " in err


def test_info_lists_what_there_is(eubiosis, model, tmp_path):
    status, out, _ = eubiosis("engine", "info", model)
    assert status == 0
    assert out.startswith("small_model: 2 states, 3 parameters, 1 assigned\n")
    assert "parameter  V                                    40" in out
    assert "assigned   c" in out
    noted = tmp_path / "noted.xml"
    noted.write_text(document(parameter("x", 1), version=1, attributes=LAYOUT))
    status, out, _ = eubiosis("engine", "info", noted, "--json")
    record = json.loads(out)
    assert status == 0
    assert record["parameters"] == {"x": 1.0}
    assert "layout:required" in record["warnings"][0]
