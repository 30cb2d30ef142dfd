"""``eubiosis trial control-arm``: the stated figures, words and mistakes."""

import json

import pytest
from click.testing import CliRunner

from eubiosis.cli.main import cli


def _run(*arguments):
    return CliRunner().invoke(cli, ["trial", "control-arm", *arguments])


def test_the_forecast_of_a_platform_arm():
    result = _run("--year", "2026", "--people", "60", "--json")
    assert result.exit_code == 0, result.output
    arms = json.loads(result.output)["relapses"]
    stated = [round(arms["all_arms"][key], 3) for key in ("rate", "pi_low", "pi_high")]
    assert stated == [0.158, 0.094, 0.265]
    assert arms["first_hand"]["arms"] == 31
    assert arms["all_arms"]["observed_low"] < arms["all_arms"]["pi_low"]


def test_one_person_is_counted_in_the_singular():
    assert "RRMS, 1 person for 1 y" in _run("--year", "2026", "--people", "1").output


def test_the_text_says_what_decides_and_what_is_extrapolated():
    result = _run("--year", "2035", "--mfis-from", "38")
    assert result.exit_code == 0
    for words in (
        "decides",
        "extrapolated: year 2035",
        "MFIS from 38",
        "nothing about the effect",
    ):
        assert words in result.output


def test_a_drug_that_no_arm_had_has_no_forecast():
    result = _run("--year", "2026", "--background", "anti_cd20")
    assert result.exit_code == 0
    assert "no usable forecast: no arm read at first hand had anti-CD20" in result.output


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--year", "2026", "--background", "anti_cd2"), 'nearest "anti_cd20"'),
        (("--year", "2026", "--phenotype", "RMS"), "allowed: RRMS"),
        ((), "--year"),
    ],
)
def test_mistakes_are_named(arguments, words):
    result = _run(*arguments)
    assert result.exit_code == 2
    assert words in result.output
