"""``eubiosis engine conform``: what it prints, and its exit status."""

import json

import pytest

from sbml_text import algebraic, document, parameter, rate

SETTINGS = (
    "start: 0\nduration: 1\nsteps: 1\nvariables: x\nabsolute: 1e-6\nrelative: 1e-6\namount:\nconcentration:\n"
)


@pytest.fixture
def cases(tmp_path):
    """x' = 2 from 1, which is 3 at time 1: one case says so, one says 4, one is refused."""
    line = document(parameter("x", 1), rate("x", "2"))
    files = {
        "00001": (line, "3"),
        "00002": (line, "4"),
        "00003": (document(parameter("x", 1), algebraic("x - 1")), "1"),
        "00004": (line, "NaN"),
    }
    for name, (model, last) in files.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "model.xml").write_text(model)
        (tmp_path / name / "settings.txt").write_text(SETTINGS)
        (tmp_path / name / "results.csv").write_text(f"time,x\n0,1\n1,{last}\n")
    return tmp_path


def test_wrong_cases_are_named_and_the_status_is_one(eubiosis, cases):
    status, out, err = eubiosis("engine", "conform", cases, "--threads", "1")
    assert status == 1
    assert out.split()[:2] == ["passed", "1"]
    assert "refused      1" in out
    assert "1  an algebraic rule" in out
    assert "wrong        2" in out
    assert "00002  x at time 1: got 3, expected 4; 1 of 2 numbers differ" in out
    assert "4 of 4 cases" in err
    assert "cases" not in out


def test_refused_cases_are_no_failure(eubiosis, cases):
    status, out, _ = eubiosis("engine", "conform", cases, "--cases", "00001, 00003")
    assert status == 0
    assert "wrong        0" in out


def test_json(eubiosis, cases):
    status, out, _ = eubiosis("engine", "conform", cases, "--json")
    assert status == 1
    record = json.loads(out)
    assert (record["cases"], record["passed"], record["refused"], record["wrong"]) == (4, 1, 1, 2)
    assert record["refused_for"] == {"an algebraic rule": 1}
    ((refused, reason),) = record["refused_cases"].items()
    assert refused == "00003"
    assert "algebraic rule" in reason
    first, second = record["wrong_cases"]
    assert first["case"] == "00002"
    assert first["difference"] == {"variable": "x", "time": 1, "got": pytest.approx(3), "expected": 4}
    assert second["difference"]["expected"] == "nan"


def test_wrong_command_lines(eubiosis, cases):
    for arguments, words in (
        ((cases, "--cases", "00009"), "00009"),
        ((cases / "absent",), "does not exist"),
        ((cases / "00001",), "no cases"),
        ((cases, "--threads", "0"), "--threads"),
    ):
        status, out, err = eubiosis("engine", "conform", *arguments)
        assert status == 2
        assert words in err
        assert out == ""
