"""``eubiosis trial single-arm`` and ``eubiosis trial pilot`` from the shell."""

import json

import pytest


def answer(eubiosis, *arguments):
    status, out, err = eubiosis("trial", *arguments, "--json")
    assert status == 0, err
    return json.loads(out)


def test_a_published_change_beside_what_needs_no_drug(eubiosis):
    found = answer(
        eubiosis,
        "single-arm",
        "--scale",
        "MFIS",
        "--people",
        "40",
        "--change",
        "-8",
        "--cutoff",
        "38",
        "--selected",
        "above",
    )
    regression = found["comparisons"][0]
    assert regression["without_a_drug"] == "regression to the mean alone"
    assert regression["expected"] == pytest.approx(-1.9, abs=0.1)
    assert (
        regression["seen_low"]
        < regression["expected_low"]
        < regression["expected_high"]
        < regression["seen_high"]
    )
    assert "no estimate of an effect" in regression["verdict"]
    arms = [one for one in found["comparisons"] if one["without_a_drug"].startswith("a control arm")]
    assert len(arms) == 2
    assert any(one["verdict"].startswith("compatible with") for one in arms)
    assert found["assumed"]["reliability"] == 0.863
    assert any("compatible does not mean" in line for line in found["limits"])
    assert "explained" not in json.dumps(found)


def test_plain_text_gives_interval_verdict_sources_and_limits(eubiosis):
    status, out, _ = eubiosis(
        "trial",
        "single-arm",
        "--people",
        "50",
        "--rate-after",
        "0.5",
        "--rate-before",
        "1.72",
        "--dispersion",
        "0.8",
        "--relapses-at-entry",
        "1",
    )
    assert status == 0
    assert "regression to the mean alone" in out
    assert "a study of this size would see" in out
    assert "a lower rate than" in out
    assert "expected 1.14 relapses a year (no interval: the rate and k are taken as exact)" in out
    assert "(two-sided probability under 0.001)" in out
    assert "limit: compatible does not mean" in out


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        ("--people 50 --rate-after 0.5 --change -2", "relapses do not use --change"),
        ("--people 50 --change -2 --rate-before 2", "a score does not use --rate-before"),
        ("--scale MFISS --people 50 --change -2", 'nearest "MFIS"'),
        ("--scale MFIS --people 50", "needs --change"),
        ("--scale FSS --people 50 --change -2", "2 findings"),
        ("--people 50 --change -2", "needs --population-sd, --reliability"),
        ("--scale MFIS --people 1.5 --change -2 --reliability 2", "2 findings"),
        ("--scale MFIS --people x --change -2", "not a valid float"),
        (
            "--scale MFIS --people 40 --change 8 --cutoff 380 --selected above",
            "--cutoff: 380; allowed: 0 to 84",
        ),
        ("--scale MFIS --people 40 --change -85 --baseline-mean 90", "2 findings"),
        ("--scale FSS --people 40 --change -1 --baseline-mean 50", "allowed: 1 to 7 points of FSS"),
        ("--people 50 --rate-after 0.5", "needs --dispersion, --relapses-at-entry"),
    ],
)
def test_single_arm_findings(eubiosis, arguments, part):
    status, out, err = eubiosis("trial", "single-arm", *arguments.split())
    assert (status, out) == (2, "")
    assert part in err


def test_a_change_of_a_score_has_its_unit_and_an_interval_or_the_reason_for_none(eubiosis):
    shared = ("--people", "40", "--change", "-8", "--baseline-mean", "50", "--population-mean", "41")
    out = eubiosis("trial", "single-arm", "--scale", "MFIS", *shared)[1]
    assert "expected -1.26 points (95 % " in out
    out = eubiosis("trial", "single-arm", "--population-sd", "20", "--reliability", "0.8", *shared)[1]
    assert "expected -1.8 (no interval: what is known of the score is taken as exact)" in out


def test_a_pilot_with_its_errors_and_what_it_is_not_for(eubiosis):
    found = answer(
        eubiosis,
        "pilot",
        "--n",
        "40",
        "--feasibility",
        "retention=0.6:0.85",
        "--safety",
        "serious=0.02:0.15",
        "--effect-size",
        "0.5",
    )
    rule = found["feasibility"][0]
    assert (rule["go_at_or_above"], rule["stop_at_or_below"]) == (30, 29)
    assert rule["go_although_unacceptable"] <= 0.05
    assert found["safety"][0]["people"] == 20
    assert found["safety"][0]["risk_excluded_without_events"] == pytest.approx(1 - 0.05 ** (1 / 20))
    assert found["signal"]["go_without_effect"] == pytest.approx(0.2)
    assert found["go_overall"]["all is well"] < found["signal"]["go_at_the_effect"]
    assert found["sizing_by_the_estimate"]["mean_true_power"] < 0.8
    assert "sizing the main trial by the effect that the pilot estimates" in found["must_not_be_used_for"]
    status, out, _ = eubiosis("trial", "pilot", "--n", "30", "--feasibility", "retention=0.6:0.85")
    assert status == 0
    assert "go_at_or_above  23" in out


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        ("--n 40", "no rule"),
        ("--n 40 --feasibility retention=0.85:0.6", "0.85 is not below acceptable 0.6"),
        ("--n 40 --feasibility 0.6:0.85", "NAME=LOW:HIGH"),
        ("--n 40 --safety a=0.1:2 --signal-alpha 0.1", "2 findings"),
        ("--n 40 --safety a=0.01:0.2 --treated 50", "--treated 50 of --n 40"),
        ("--n 40 --feasibility a=0.1:0.5 --safety a=0.01:0.2", 'two rules are called "a"'),
        ("--n 40 --feasibility a=0.1:0.5 --treated 5", "--treated without --safety"),
        ("--n 4 --effect-size 0.5", "--n: 4"),
        ("--n 1 --feasibility a=0.6:0.85", "a: no rule exists for 1 participant; allowed: --n 6 or more"),
        ("--n 4 --safety a=0.3:0.5", "a: no rule exists for 2 participants; allowed: --treated 3 or more"),
        ("--n 5 --feasibility a=0.999998:0.999999", "nor for any number up to 2000"),
        ("--n 40 --effect-size -0.5", "--effect-size: -0.5"),
    ],
)
def test_pilot_findings(eubiosis, arguments, part):
    status, out, err = eubiosis("trial", "pilot", *arguments.split())
    assert (status, out) == (2, "")
    assert part in err
