"""``eubiosis trial power`` beyond one size: tables, curves, looks, re-estimation, stool, and its findings."""

import csv
import io
import json

import pytest

RATE = ("--endpoint", "ARR", "--ratio", "0.7", "--dispersion", "0.8", "--years", "2")


def power(eubiosis, *arguments):
    return eubiosis("trial", "power", *arguments)


def answer(eubiosis, *arguments):
    status, out, err = power(eubiosis, *arguments, "--json")
    assert status == 0, err
    return json.loads(out)


def test_a_table_of_sizes_over_rates_and_ratios(eubiosis):
    status, out, err = power(
        eubiosis,
        "--endpoint",
        "ARR",
        "--control-rate",
        "0.35,0.5",
        "--ratio",
        "0.7,0.85",
        "--dispersion",
        "0.8",
        "--years",
        "2",
        "--csv",
    )
    assert status == 0, err
    rows = list(csv.DictReader(io.StringIO(out)))
    assert [(row["control_rate"], row["ratio"], row["n"]) for row in rows] == [
        ("0.35", "0.7", "313"), ("0.35", "0.85", "1400"), ("0.5", "0.7", "249"), ("0.5", "0.85", "1123"),
    ]  # fmt: skip


def test_the_power_of_given_sizes_with_simulation_beside(eubiosis):
    found = answer(eubiosis, *RATE, "--control-rate", "0.35", "--n", "100:300:100", "--simulate", "400")
    assert found["kind"] == "power"
    assert found["axes"] == {"n": [100, 200, 300]}
    for row in found["rows"]:
        assert abs(row["simulated_power"] - row["power"]) < 5 * row["simulated_error"] + 0.02
        assert row["n_total"] == row["n"] + row["n_treated"]


def test_one_size_gives_one_answer(eubiosis):
    found = answer(eubiosis, "--endpoint", "MFIS", "--effect-size", "0.3", "--n", "20")
    assert found["power"] == pytest.approx(0.1503, abs=1e-4)
    assert found["counted"] == "control participants"


def test_points_and_their_sd_are_the_standardised_effect(eubiosis):
    points = answer(eubiosis, "--endpoint", "MFIS", "--difference", "4", "--sd", "16", "--lost", "0.1")
    assert (
        points["n"] == answer(eubiosis, "--endpoint", "MFIS", "--effect-size", "0.25", "--lost", "0.1")["n"]
    )


@pytest.mark.parametrize(
    ("arguments", "n", "total"),
    [
        ("--endpoint MFIS --effect-size 0.3 --design crossover --period-correlation 0.5", 90, 90),
        ("--endpoint MFIS --effect-size 0.3 --design cluster --cluster-size 10 --icc 0.05", 27, 540),
        ("--endpoint RESPONDER --control-share 0.3 --risk-difference 0.2", 93, 186),
        ("--endpoint RESPONDER --control-share 0.5 --risk-ratio 1 --margin 0.8", 319, 638),
        (
            "--endpoint NEDA3 --control-share 0.3 --risk-difference 0.2 --design cluster "
            "--cluster-size 10 --icc 0.05",
            15,
            300,
        ),
        ("--endpoint MFIS --effect-size 0.05 --margin -0.3", 130, 260),
        ("--endpoint TTFR --control-rate 0.35 --ratio 0.7 --dispersion 0.8 --years 2", 458, 916),
        (
            "--endpoint ARR --control-rate 1 --ratio 1 --dispersion 0.4 --years 1 --margin 1.15 "
            "--better lower",
            1126,
            2252,
        ),
    ],
)
def test_designs_have_their_sizes(eubiosis, arguments, n, total):
    found = answer(eubiosis, *arguments.split())
    assert (found["n"], found["n_total"]) == (n, total)


def test_looks_with_expected_sizes(eubiosis):
    found = answer(
        eubiosis,
        "--endpoint",
        "RESPONDER",
        "--control-share",
        "0.3",
        "--risk-difference",
        "0.2",
        "--looks",
        "0.5,1",
        "--n",
        "94",
        "--simulate",
        "400",
    )
    assert found["efficacy_z"] == pytest.approx([2.962588, 1.968596], abs=1e-4)
    assert found["futility_z"][0] is None
    assert found["expected_total_planned_effect"] < found["n_total_largest"]
    assert found["power_at_n"] == pytest.approx(found["power"])
    assert abs(found["simulated_power"] - 0.8) < 0.1


def test_blinded_re_estimation(eubiosis):
    found = answer(
        eubiosis,
        "--endpoint",
        "MFIS",
        "--effect-size",
        "0.4",
        "--reestimate-at",
        "0.5",
        "--true-sd",
        "1.3",
        "--simulate",
        "400",
    )
    assert found["n_planned"] == 100
    assert found["n_needed_in_truth"] == 167
    assert found["power_without_reestimation"] < 0.6 < found["simulated_power"]
    assert found["trials"] == 400


def test_people_against_samples_from_the_repeated_cohorts(eubiosis):
    found = answer(
        eubiosis,
        "--endpoint",
        "GUILD",
        "--marker",
        "BIF",
        "--fold-change",
        "2",
        "--followup-samples",
        "1:4:1",
        "--baseline-samples",
        "1,3",
    )
    sizes = [row["n"] for row in found["rows"]]
    assert sizes == sorted(sizes[:4], reverse=True) + sorted(sizes[4:], reverse=True)
    assert found["rows"][0]["followup_samples"] == 1
    assert any("baxter_control" in note for note in found["notes"])
    assert found["axes"]["baseline_samples"] == [1, 3]


def test_a_distance_and_engraftment_take_their_numbers_from_the_cohorts(eubiosis):
    distance = answer(eubiosis, "--endpoint", "DISTANCE", "--marker", "bray_curtis", "--shift", "0.1")
    assert "effective number of axes of a change" in " ".join(map(str, distance.values()))
    strain = answer(eubiosis, "--endpoint", "ENGRAFT", "--marker", "EHAL", "--samples", "2")
    assert strain["n"] < answer(eubiosis, "--endpoint", "ENGRAFT", "--marker", "EHAL")["n"]
    follow = answer(
        eubiosis,
        "--endpoint",
        "DISTANCE",
        "--marker",
        "bray_curtis",
        "--shift",
        "0.1",
        "--analysis",
        "follow-up",
    )
    assert follow["n"] > distance["n"]


def test_what_is_not_reachable_is_said_and_is_no_error(eubiosis):
    status, out, _ = power(eubiosis, "--endpoint", "MFIS", "--effect-size", "0.05", "--margin", "0.1")
    assert status == 0
    assert "not reachable" in out
    found = answer(eubiosis, "--endpoint", "MFIS", "--effect-size", "0.05,0.4", "--margin", "0.1")
    assert [row["n"] is None for row in found["rows"]] == [True, False]


@pytest.mark.parametrize("ending", ["svg", "png"])
def test_curves_are_written(eubiosis, tmp_path, ending):
    target = tmp_path / f"curve.{ending}"
    status, out, err = power(
        eubiosis, *RATE, "--control-rate", "0.2,0.35", "--n", "50:400:50", "--figure", str(target), "--csv"
    )
    assert status == 0, err
    assert out.startswith("control_rate,n,n_total,power")
    content = target.read_bytes()
    if ending == "svg":
        text = content.decode("utf-8")
        assert "control rate (1/year)" in text
        assert "dispersion k 0.8" in text
    else:
        assert content.startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        ("--endpoint ARR --control-rate x", ['"x" is not a number', "0.2:0.5:0.1"]),
        ("--endpoint ARR --years 96weeks", ["carries a unit"]),
        ("--endpoint ARR --n 200:20:10", ["is no range"]),
        ("--endpoint ARR --n 1:100000:0.1", ["allowed: up to"]),
        ("--endpoint ARR --control-rate inf", ["not finite"]),
        (
            "--endpoint ARR --control-rate -1,0.3 --ratio 0 --years 2 --icc 0.1",
            ["4 findings", "needs --dispersion", "--control-rate: -1", "--ratio: 0", "does not use --icc"],
        ),
        ("--endpoint MFIS --effect-size 0.3 --difference 4 --sd 16", ["say the same"]),
        ("--endpoint MFIS --difference 4", ["--difference needs --sd"]),
        ("--endpoint MFIS --effect-size 0.3 --sd 16", ["--sd without --difference"]),
        ("--endpoint MFIS --effect-size 0.3 --n 20 --power 0.9", ["--n asks for the power"]),
        ("--endpoint MFIS --effect-size 0.3 --csv --json", ["exclude each other"]),
        ("--endpoint MFIS --effect-size 0.3 --looks 0.5,1 --reestimate-at 0.5", ["exclude each other"]),
        (
            "--endpoint MFIS --effect-size 0.3 --looks 0.5,0.4 --rule XX",
            ["rising fractions", '"XX" is unknown'],
        ),
        ("--endpoint MFIS --effect-size 0.3 --futility LD-OBF", ["--futility without --looks"]),
        ("--endpoint MFIS --effect-size 0.3,0.4 --looks 0.5,1", ["one number of everything"]),
        ("--endpoint MFIS --effect-size 0.3 --true-sd 1.2", ["without --reestimate-at"]),
        (
            "--endpoint MFIS --effect-size 0.3 --reestimate-at 0.5 --true-control-rate 1",
            ["does not use --true-"],
        ),
        ("--endpoint MFIS --effect-size 0.3 --reestimate-at 1.5 --most 0.5", ["--reestimate-at", "--most"]),
        (
            "--endpoint CDP24 --hazard-ratio 0.7 --control-hazard 0.1 --years 2 --reestimate-at 0.5",
            ["allowed: counts"],
        ),
        ("--endpoint ARR --design crossover", ["has no design crossover"]),
        ("--endpoint GUILD --fold-change 2", ["needs --marker"]),
        ("--endpoint GUILD --marker BIFF --fold-change 2", ['nearest "BIF"']),
        ("--endpoint GUILD --marker BIF --cohort x --fold-change 2", ["baxter_control"]),
        ("--endpoint GUILD --marker BIF --fold-change -2", ["--fold-change: allowed: positive"]),
        (
            "--endpoint GUILD --marker BIF --cohort tap_before --fold-change 2 --followup-samples 3",
            ["one sample a visit"],
        ),
        ("--endpoint GUILD --cohort tap_before --fold-change 2", ["--cohort without --marker"]),
        ("--endpoint MFIS --effect-size 0.3 --marker BIF", ["does not use --marker"]),
        ("--endpoint RESPONDER --control-share 0.9 --risk-difference 0.2", ["share would be 1.1"]),
        ("--endpoint MFIS --effect-size 0.3 --n 2", ["--n", "from 3"]),
        ("--endpoint MFIS --effect-size 0.3 --power 0.01,0.5", ["--power", "alpha / 2"]),
        ("--endpoint MFIS --effect-size 0.1:1:0.01 --n 20 --simulate 100", ["--simulate with 91 cells"]),
        ("--endpoint MFIS --effect-size 0.3 --figure curve.pdf", ["ends in .svg or .png"]),
        ("--endpoint MFIS --effect-size 0.3 --figure curve.svg", ["nothing varies"]),
    ],
)
def test_wrong_command_lines_say_everything_at_once(eubiosis, arguments, parts):
    status, out, err = power(eubiosis, *arguments.split())
    assert status == 2
    assert out == ""
    for part in parts:
        assert part in err
