"""``eubiosis trial power``: the stated figures come out of the shell command."""

import json

import pytest
from click.testing import CliRunner

from eubiosis.cli.main import cli


def _run(*arguments):
    return CliRunner().invoke(cli, ["trial", "power", *arguments])


def _answer(text):
    result = _run(*text.split(), "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.output)


RELAPSES = "--endpoint ARR --ratio 0.85 --dispersion 0.8 --years 2 --power 0.8"


@pytest.mark.parametrize(("rate", "n"), [("0.35", 1400), ("0.12", 3171)])
def test_relapses(rate, n):
    answer = _answer(f"{RELAPSES} --control-rate {rate}")
    assert answer["n_per_arm"] == n
    assert 0.8 <= answer["power"] < 0.801


def test_the_section_5_example_of_zhu_and_lakkis_in_three_methods():
    for method, n in ((1, 1083), (2, 1137), (3, 1131)):
        rates = "--endpoint ARR --control-rate 0.66 --ratio 0.8 --dispersion 0.8"
        answer = _answer(f"{rates} --years 0.9 --power 0.9 --method {method}")
        assert answer["n_per_arm"] == n


def test_fatigue():
    assert _answer("--endpoint MFIS --effect-size 0.3 --power 0.8")["n_per_arm"] == 176
    with_baseline = _answer("--endpoint MFIS --effect-size 0.3 --power 0.8 --baseline-correlation 0.5")
    assert with_baseline["n_per_arm"] == 132
    assert with_baseline["n_per_arm_borm"] == 133


def test_progression():
    """Schoenfeld: 246.8 events; everybody has one when followed very long."""
    answer = _answer("--endpoint CDP24 --hazard-ratio 0.7 --control-hazard 5 --years 10")
    assert answer["events"] == 247
    assert answer["n_total"] == pytest.approx(247, abs=2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--endpoint ARR --ratio 0.85", "needs --control-rate, --dispersion, --years"),
        ("--endpoint MFI --effect-size 0.3", 'nearest "MFIS"'),
        ("--endpoint MFIS --effect-size 0.3 --ratio 0.8", "does not use --ratio"),
        ("--endpoint MFIS --effect-size 0.3 --years 2", "does not use --years"),
        ("--endpoint MFIS --effect-size 0.3 --dropout-per-year 0.1", "does not use --dropout-per-year"),
        (f"{RELAPSES} --control-rate -1", "allowed: positive numbers"),
        ("--endpoint MFIS --effect-size 0.3 --baseline-correlation 1.0", "allowed: between -1 and 1"),
        ("--endpoint MFIS --effect-size 0", "allowed: positive numbers"),
        ("--endpoint ARR --ratio 0.7 --dispersion 0.8 --control-rate 35 --years 24", "2 findings"),
        (
            "--endpoint ARR --ratio 0.7 --dispersion 0.8 --control-rate 35 --years 2",
            "--control-rate: 35; allowed: up to 10 relapses of one person in a year, not percent",
        ),
        (
            "--endpoint CDP24 --hazard-ratio 0.7 --control-hazard 0.1 --years 24",
            "--years: 24; allowed: up to 10 years, not weeks or months",
        ),
        ("--endpoint GUILD --marker BIF --fold-change 0", "Error: --fold-change: allowed: positive numbers"),
    ],
)
def test_wrong_command_lines_say_what_is_allowed(arguments, message):
    result = _run(*arguments.split())
    assert result.exit_code == 2
    assert message in result.output


def test_plain_text_names_the_method():
    result = _run(*f"{RELAPSES} --control-rate 0.35".split())
    assert "Zhu and Lakkis approach 2" in result.output
    assert "1400" in result.output
