"""Control arms: the stated figures, hand calculations, simulation, and what happens outside the rows."""

import csv
import json
import math
from pathlib import Path

import numpy as np
import pytest

from eubiosis.core.control_arm import BACKGROUND_LABELS, ControlQuestion
from eubiosis.core.findings import FindingCollector, FindingsError
from eubiosis.core.record import as_json
from eubiosis.core.tables import read_table
from eubiosis.evidence.forecast.control_arms import (
    coefficients,
    fit_early_predict_late,
    fit_rates,
    fits_without_trials,
    forecast_rate,
    leave_one_trial_out,
    log_rate_variance,
    observed_interval,
    rate_rows,
    read_assumptions,
    regression_to_the_mean,
    relapse_free_share,
    selected_rates,
)
from eubiosis.evidence.forecast.control_endpoints import RULES, choose_rows, forecast_endpoint
from eubiosis.evidence.forecast.control_forecast import control_arm, control_arm_text, mfis_regression
from eubiosis.evidence.records.control_arms import ControlArm, ControlArmRate
from eubiosis.evidence.records.store import load, packaged_folder

SHARED = Path(__file__).resolve().parents[4] / "shared" / "evidence"
NOTES = read_assumptions()
ALPHA = NOTES["arr_dispersion"].value
PLATFORM = ControlQuestion(year=2026)


def test_the_regression_has_the_stated_factors():
    factors = [c.factor for c in coefficients(fit_rates(rate_rows(), ALPHA))]
    assert [round(f, 3) for f in factors[1:]] == [0.954, 0.684, 1.749]
    assert math.sqrt(fit_rates(rate_rows(), ALPHA).tau2) == pytest.approx(0.24, abs=0.005)


@pytest.mark.parametrize(
    ("breakthrough", "stated"),
    [(False, (0.158, 0.131, 0.190, 0.094, 0.265)), (True, (0.276, None, None, 0.148, 0.515))],
)
def test_the_platform_arm_of_2026_is_as_stated(breakthrough, stated):
    one = forecast_rate(ControlQuestion(year=2026, breakthrough=breakthrough), rate_rows(), NOTES)
    got = (one.rate, one.ci_low, one.ci_high, one.low, one.high)
    for number, figure in zip(got, stated, strict=True):
        assert figure is None or round(number, 3) == figure
    assert one.extrapolated == ()


def test_predictions_of_arms_not_seen_are_as_stated():
    apart = leave_one_trial_out(fits_without_trials(rate_rows(), ALPHA))
    assert (apart.inside, apart.arms) == (36, 39)
    late = fit_early_predict_late(rate_rows(), ALPHA)
    assert (late.inside, late.arms) == (6, 7)
    assert late.outside[0].startswith("evolutionRMS 1")


def test_the_variances_of_the_table_are_those_of_the_formula():
    for row in rate_rows():
        assert log_rate_variance(row, 0.81) == pytest.approx(row.log_rate_variance, rel=1e-9)
        assert math.log(row.relapses_per_year) == pytest.approx(row.log_rate, rel=1e-9)
        assert row.years_from_2015 == row.year_published - 2015


def test_the_regression_is_the_source_table_and_names_how_far_it_was_read():
    path = SHARED / "control_arms_arr_input.csv"
    if not path.exists():
        pytest.skip("../shared/evidence is absent")
    with path.open(newline="") as stream:
        source = list(csv.DictReader(stream))
    for row, mine in zip(source, rate_rows(), strict=True):
        assert (row["trial"], float(row["arr"]), float(row["v"])) == (
            mine.trial,
            mine.relapses_per_year,
            mine.log_rate_variance,
        )
    assert {r.trial for r in rate_rows()} - {r.trial for r in rate_rows(first_hand=True)} == {
        "IFNB MS Study Group", "ATAMS", "DECIDE", "SUNBEAM", "RADIANCE B", "ULTIMATE I", "evolutionRMS 1",
        "evolutionRMS 2",
    }  # fmt: skip


def test_a_trialist_extends_the_table_with_a_row(tmp_path):
    text = (packaged_folder() / "control_arm_rates.tsv").read_text("utf-8")
    header = text.splitlines()[0].split("\t")
    new = {"trial": "NEW", "arm": "TERI", "year_published": "2026", "relapses_per_year": "0.1",
           "participants": "400", "followup_years": "2", "on_drug": "yes", "relapse_on_drug": "no",
           "add_on": "no", "participants_used": "400", "read": "table", "source": "own"}  # fmt: skip
    path = tmp_path / "control_arm_rates.tsv"
    path.write_text(text + "\t".join(new.get(c, "") for c in header) + "\n", encoding="utf-8")
    findings = FindingCollector()
    rows = read_table(path, ControlArmRate, findings)
    assert not findings.findings
    before = forecast_rate(PLATFORM, rate_rows(), NOTES)
    after = forecast_rate(PLATFORM, rows, NOTES)
    assert after.arms == 40
    assert after.rate < before.rate


def test_what_people_observe_scatters_more_and_is_that_of_simulated_arms():
    forecast = forecast_rate(PLATFORM, rate_rows(), NOTES)
    low, high = observed_interval(forecast, 60, 1.0, ALPHA)
    assert low < forecast.low
    assert forecast.high < high
    generator = np.random.default_rng(5)
    true = generator.choice(forecast.true_rates(), 40_000)
    people = generator.gamma(1 / ALPHA, ALPHA, (40_000, 60)) * true[:, None]
    rates = generator.poisson(people.sum(axis=1)) / 60
    assert np.mean((rates >= low) & (rates <= high)) == pytest.approx(0.955, abs=0.012)
    assert np.quantile(rates, [0.025, 0.975]) == pytest.approx([low, high], abs=1.01 / 60)


def test_the_logarithmic_approximation_of_the_observed_rate_is_as_stated():
    sixty = control_arm(ControlQuestion(year=2026, people=60)).relapses.all_arms
    assert sixty.observed_approximate == pytest.approx([0.066, 0.38], abs=0.005)
    assert round(sixty.expected_relapses, 1) == 9.5
    hundred = control_arm(ControlQuestion(year=2026, people=100)).relapses.all_arms
    assert hundred.observed_approximate == pytest.approx([0.075, 0.33], abs=0.005)


@pytest.mark.parametrize(
    ("question", "word"),
    [
        (ControlQuestion(year=2032), "year 2032"),
        (ControlQuestion(year=2026, background="anti_cd20"), "anti_cd20"),
        (ControlQuestion(year=2026, phenotype="SPMS"), "SPMS"),
        (ControlQuestion(year=2026, relapses_last_year=0), "0 relapses"),
        (ControlQuestion(year=2026, background="none", breakthrough=True), "breakthrough on no drug"),
    ],
)
def test_outside_the_rows_the_forecast_says_so_and_widens(question, word):
    plain = forecast_rate(PLATFORM, rate_rows(), NOTES)
    far = forecast_rate(question, rate_rows(), NOTES)
    assert word in " ".join(far.extrapolated)
    assert far.high / far.low > 1.5 * plain.high / plain.low
    assert far.ci_high / far.ci_low > plain.ci_high / plain.ci_low
    assert far.low < far.ci_low < far.rate < far.ci_high < far.high


def test_every_background_has_a_forecast():
    for name in BACKGROUND_LABELS:
        assert 0 < forecast_rate(ControlQuestion(year=2026, background=name), rate_rows(), NOTES).rate < 1


def test_the_dispersion_is_that_of_the_counts_it_names():
    from scipy import optimize, stats

    counts = [180, 76, 42, 8, 9]

    def loss(p):
        size = math.exp(-p[1])
        chance = size / (size + math.exp(p[0]))
        law = [stats.nbinom.pmf(i, size, chance) for i in range(4)]
        return -float(np.dot(counts, np.log([*law, 1 - sum(law)])))

    found = optimize.minimize(loss, [-0.3, -0.2], method="Nelder-Mead")
    assert math.exp(found.x[1]) == pytest.approx(ALPHA, abs=0.005)
    assert relapse_free_share(0.7, 1, ALPHA) == pytest.approx(180 / 315, abs=0.01)


def test_regression_to_the_mean_is_that_of_simulated_people():
    generator = np.random.default_rng(6)
    true = generator.gamma(1 / ALPHA, 0.3 * ALPHA, 400_000)
    first, second = generator.poisson(true), generator.poisson(true)
    chosen = first >= 1
    before, after = selected_rates(0.3, ALPHA, 1)
    assert first[chosen].mean() == pytest.approx(before, rel=0.01)
    assert second[chosen].mean() == pytest.approx(after, rel=0.015)
    found = regression_to_the_mean(after, ALPHA, 1)
    assert found.unselected == pytest.approx(0.3, rel=1e-6)
    assert found.before == pytest.approx(before, rel=1e-6)


def test_an_entry_threshold_of_mfis_alone_explains_little_of_the_fall_of_the_placebo_arm():
    found = mfis_regression(33, NOTES)
    assert found.at_entry == pytest.approx(51.3, abs=1.5)  # TRIUMPHANT-MS printed 51.3
    assert 1 < found.fall < 2  # of 10.7


def test_the_other_endpoints_use_first_hand_rows_of_the_drug_class_only():
    for name in RULES:
        used, unused = choose_rows(name, PLATFORM, NOTES, load())
        assert all(one.row.read not in ("secondary", "recalled") for one in used)
        assert len(used) + len(unused) == sum(r.endpoint == name for r in load().table(ControlArm))
        assert all(reason for _, reason in unused)
    used, _ = choose_rows("CDP12", PLATFORM, NOTES, load())
    assert {one.row.trial for one in used} & {"TEMSO", "PROMiSe", "HERCULES"} == set()


def test_endpoint_forecasts_are_ordered_wide_and_change_with_time():
    found = [forecast_endpoint(name, ControlQuestion(year=2026, years=2.0), NOTES) for name in RULES]
    noise = [one.endpoint for one in found if one.value is None]
    assert noise == ["CDP24", "newT2_per_year"]
    assert all(one.low < one.value < one.high for one in found if one.value is not None)
    shorter, longer = (
        forecast_endpoint("CDP12", ControlQuestion(year=2026, years=t), NOTES).value for t in (1.0, 2.0)
    )
    assert shorter < longer
    assert 0.09 < longer < 0.22  # platform rows at about two years: 9 to 22 %, one of 29 and one of 30
    far = forecast_endpoint("CDP12", ControlQuestion(year=2026, phenotype="SPMS", years=2.0), NOTES)
    near = forecast_endpoint("CDP12", ControlQuestion(year=2016, years=2.0), NOTES)
    assert far.extrapolated
    assert far.value is None
    assert "no usable forecast" in far.note  # secondary progressive people on platform drugs: no row
    assert near.high / near.low < 25


def test_an_endpoint_without_rows_gives_no_number():
    one = forecast_endpoint("CDP24", ControlQuestion(year=2026, background="none", years=2.0), NOTES)
    assert one.value is None
    assert "no row" in one.note
    assert control_arm(ControlQuestion(year=2026, people=50)).nfl.value is None


def test_relapse_free_shares_of_other_arms_are_foreseen():
    found = control_arm(ControlQuestion(year=2026, people=50, years=2.0)).relapses.relapse_free
    assert len(found.backtest) >= 10
    assert found.median_error_points < 3
    assert all(m.trial != "AFFIRM" for m in found.backtest)


def test_people_scatter_every_endpoint_around_its_true_value():
    for name, one in control_arm(ControlQuestion(year=2026, people=30)).endpoints.items():
        if one.value is None:
            assert "no usable forecast" in one.note
            continue
        assert one.observed_low <= one.low, name
        assert one.observed_high >= one.high, name
    many = control_arm(ControlQuestion(year=2026, people=100_000)).endpoints
    for name in ("CDP12", "MFIS_change", "dropout", "relapse_free"):
        one = many[name]
        assert one.observed_low == pytest.approx(one.low, abs=0.01 * abs(one.high) + 0.003)
        assert one.observed_high == pytest.approx(one.high, rel=0.03)


def test_the_observed_dropout_is_that_of_simulated_arms():
    forecast = forecast_endpoint("dropout", ControlQuestion(year=2026, people=40), NOTES)
    generator = np.random.default_rng(9)
    seen = generator.binomial(40, generator.choice(forecast.true_values, 60_000)) / 40
    wanted = [forecast.observed_low, forecast.observed_high]
    assert np.quantile(seen, [0.025, 0.975]) == pytest.approx(wanted, abs=1.01 / 40)


def test_a_question_out_of_bounds_is_refused_with_everything_that_is_wrong():
    with pytest.raises(FindingsError) as caught:
        ControlQuestion(year=1900, background="platfrm", people=0)
    found = {f.place: f.problem for f in caught.value.findings}
    assert found["background"] == '"platfrm" is unknown; nearest "platform"'
    assert set(found) == {"year", "background", "people"}


def test_arms_are_numbers_with_what_was_printed_beside_them():
    rows = load().table(ControlArm)
    planned = [row for row in rows if "planned per arm" in row.participants_note]
    assert [row.people for row in planned] == [45.0]  # "45 planned per arm (90 both arms)"
    both = [row for row in rows if row.participants_in == "both arms"]
    assert {(row.participants, row.people) for row in both} == {
        (65, 32.5), (53, 26.5), (204, 102.0), (51, 25.5),
    }  # fmt: skip
    ranges = {(row.followup_weeks_from, row.followup_weeks) for row in rows if row.followup_is == "range"}
    assert ranges == {(52, 156), (96, 144), (104, 182)}
    relapsing = {row.population for row in rows if row.relapsing}
    assert relapsing == {"RRMS", "mixed RRMS/CIS", "mixed (RRMS 94.4 %, active SPMS 5.6 %)"}
    assert {row.background_therapy for row in rows if not row.on_drug and row.background_therapy != "none"}


def test_calibration_is_that_found_from_outside():
    found = control_arm(ControlQuestion(year=2026)).relapses.all_arms.calibration
    assert found.arms == 39
    shares = [round(100 * share) for share in (found.inside_50, found.inside_80, found.inside_95)]
    assert shares == [44, 79, 97]
    assert (found.later_inside, found.later_arms) == (16, 18)
    assert found.later_ratio == pytest.approx(1.32, abs=0.01)


def test_a_drug_that_no_arm_had_has_no_centre():
    found = control_arm(ControlQuestion(year=2028, background="anti_cd20"))
    first = found.relapses.first_hand
    assert first.forecast is None
    assert "no arm read at first hand had anti-CD20" in first.no_forecast
    assert found.relapses.relapse_free is None
    assert found.regression_to_the_mean.relapses is None
    for name, one in found.endpoints.items():
        assert (one.value is None) == (name not in ("MFIS_change", "dropout"))
    assert "rate" not in json.loads(as_json(found))["relapses"]["first_hand"]
    assert "no usable forecast" in control_arm_text(found)


def test_an_interval_that_is_noise_is_no_forecast():
    one = forecast_endpoint("newT2_per_year", ControlQuestion(year=2028), NOTES)
    assert one.value is None
    assert one.note == "no usable forecast: 95 % from 0.18 to 14"
    assert one.used


def test_rows_that_somebody_doubts_say_so_and_stand():
    rows = {(r.trial, r.arm, r.endpoint): r for r in load().table(ControlArm)}
    assert rows["REGARD", "glatiramer", "CDP12"].value == 9
    assert "6 months" in rows["REGARD", "glatiramer", "CDP12"].doubt
    assert sum(bool(row.doubt) for row in rows.values()) == 16
    assert rows["EMPhASIS", "placebo", "newT2_other"].read == "abstract"
