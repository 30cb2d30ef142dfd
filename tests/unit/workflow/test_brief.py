"""The brief: its schema, its numbers against the pieces they come from, and what it may not say."""

import json
import math
from pathlib import Path

import pytest

import eubiosis as eb
from eubiosis.analysis.planning.classic import ancova_size
from eubiosis.analysis.planning.counts import FollowUp, negative_binomial_size
from eubiosis.core.control_arm import ControlQuestion
from eubiosis.core.findings import FindingsError
from eubiosis.evidence.forecast.control_arms import forecast_rate, rate_rows, read_assumptions
from eubiosis.evidence.synthesis.pooling import pool
from eubiosis.workflow.brief import brief
from eubiosis.workflow.question import read_question

BRIEFS = Path(__file__).parents[3] / "src" / "eubiosis" / "content" / "briefs"
FIBRE = (BRIEFS / "fibre_add_on.yaml").read_text("utf-8")


@pytest.fixture(scope="module")
def briefs():
    return {path.stem: brief(path) for path in sorted(BRIEFS.glob("*.yaml"))}


def _findings(tmp_path, text):
    path = tmp_path / "question.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(FindingsError) as error:
        read_question(path)
    return [str(finding) for finding in error.value.findings]


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ("decision:", "decison:", 4, 'nearest "decision"'),
        ("prebiotic", "prebiotc", 5, 'nearest "prebiotic"'),
        ("background: platform", "background: platfrm", 10, 'nearest "platform"'),
        ("blinding: double", "blinding: tripel", 14, "allowed: double, open"),
        ("years: [1, 2]", "years: [2, 1]", 16, "do not increase"),
        ("outcome: MFIS", "outcome: MFISS", 19, "is unknown"),
        ("effect: 0.85", "effect: 1.15", 25, "no benefit as a ratio"),
        ("relevant: 0.9\n", "relevant: 0.8\n", 26, "larger than the planned"),
        ("role: primary", "role: secondary", 18, "exactly one"),
        ("effect: 0.85", "effect: 0.85\n    baseline_correlation: 0.5", 26, "no baseline correlation"),
        ("outcome: ARR", "outcome: EAE", 24, "neither a count, a time nor a score"),
        ("  per_month: 8", "  per_month: 8\nprices:\n  fixed: 3", 36, "prices without a currency"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(tmp_path, old, new, line, words):
    assert old in FIBRE
    found = _findings(tmp_path, FIBRE.replace(old, new, 1))
    assert any(words in text and text.startswith(f"line {line}") for text in found), found


def test_half_a_character_in_a_value_is_spelled_out_and_no_traceback(tmp_path):
    old = next(line for line in FIBRE.splitlines() if line.startswith("intervention:"))
    (found, *_) = _findings(tmp_path, FIBRE.replace(old, 'intervention: "\\ud800"'))
    assert "ud800" in found or "half of a character pair" in found


def test_everything_wrong_is_said_at_once(tmp_path):
    text = FIBRE.replace("decision:", "decison:").replace("prebiotic", "x").replace("[1, 2]", "2")
    assert len(_findings(tmp_path, text)) == 4


def test_sizes_are_those_of_the_planning_functions(briefs):
    found = briefs["fibre_add_on"]
    dropout = found.dropout.per_year
    rate = forecast_rate(ControlQuestion(year=2028), rate_rows(first_hand=True), read_assumptions())
    relapses = found.endpoints[1].sizes[1]
    two_years = FollowUp(2.0, dropout_per_year=dropout)
    assert relapses.n_per_arm == negative_binomial_size(rate.rate, 0.85, 0.81, two_years).n_per_arm
    assert relapses.answer == "not reachable"
    low = negative_binomial_size(rate.low, 0.85, 0.81, two_years).n_per_arm
    assert relapses.n_if_control_low == low
    fatigue = found.endpoints[0].sizes[0]
    assert fatigue.n_per_arm == math.ceil(ancova_size(0.3, 0.5).n_per_arm / math.exp(-dropout))
    assert fatigue.answer == str(fatigue.n_per_arm)


def test_the_pool_is_the_pool_and_its_flag_is_shown(briefs):
    known = briefs["probiotic_hs_crp"].endpoints[0].pooled.pool
    assert known.summary.estimate == pytest.approx(pool("hs-CRP", "probiotic").headline.estimate)
    text = briefs["probiotic_hs_crp"].to_markdown()
    assert "failed check: Rahimlou 2022" in text
    assert "without numbers, and no benefit: Naseri 2025" in text
    assert "very low" in text
    deviations = [3.5, 1.4, 1.62, 1.74, 2.26, 1.42]
    assert min(deviations) < known.sd < max(deviations)


def test_assurance_stays_below_its_ceiling_and_success_exaggerates(briefs):
    for found in briefs.values():
        for one in found.endpoints:
            if one.skipped:
                continue
            names = [line.prior for line in one.assurance]
            assert names[:3] == ["null-centred", "sceptical", "optimistic"]
            assert ("evidence, discounted" in names) == (one.pooled.k > 0)
            for line in one.assurance:
                assert line.assurance <= line.ceiling + 0.025
                assert line.estimate_given_success > line.true_effect_given_success
            for line in one.assurance[:2]:
                assert line.ceiling == pytest.approx(0.5)
                assert line.sizes["80%"] is None


def test_expectancy_stands_only_where_open_and_reported_by_patients(briefs):
    fatigue = briefs["fmt_pilot"].endpoints[1].expectancy
    assert (fatigue.mean, fatigue.low, fatigue.high) == (0.3, 0.0, 0.6)
    assert [row.value for row in fatigue.review] == [-0.56, -0.17]
    assert fatigue.n_corrected is None
    assert fatigue.false_success > 0.1
    others = [e for name, r in briefs.items() for e in r.endpoints
              if name != "fmt_pilot" or e.outcome != "fatigue"]  # fmt: skip
    assert all(one.expectancy is None for one in others)


def test_the_forecast_beyond_the_rows_says_so(briefs):
    forecasts = {name: found.control_arm.relapses.first_hand for name, found in briefs.items()}
    assert forecasts["fmt_pilot"].forecast is None  # anti-CD20: no arm had it
    assert "no usable forecast" in briefs["fmt_pilot"].to_markdown()
    assert not forecasts["fibre_add_on"].forecast.extrapolated
    assert "; extrapolated (" in briefs["fibre_add_on"].to_markdown()  # lesions of 2028 from rows of 2014


def test_time_and_cost_are_the_users_numbers_times_people(briefs):
    found = briefs["probiotic_hs_crp"]
    people = 2 * found.endpoints[0].sizes[0].n_per_arm
    assert found.recruitment[0].months == pytest.approx(people / 10)
    assert found.cost[0].cost == pytest.approx(150000 + people * (1200 + 800 * 0.25))
    assert briefs["fibre_add_on"].cost is None


def test_events_fit_the_question(briefs):
    names = {key: {row.id for row in found.intercurrent_events} for key, found in briefs.items()}
    assert {"switch", "antibiotics", "open"} <= names["fmt_pilot"]
    assert "unblinding" not in names["fmt_pilot"]
    assert {"steroids", "unblinding"} <= names["fibre_add_on"]


def test_the_page_and_its_markdown_hold_the_same_and_no_promise(briefs, tmp_path):
    for name, found in briefs.items():
        paths = found.write(tmp_path / name)
        assert [path.name for path in paths] == [
            "brief.html",
            "brief.md",
            "brief.json",
            "protocol_fields.json",
        ]
        page, text = paths[0].read_text("utf-8"), paths[1].read_text("utf-8")
        assert json.loads(paths[2].read_text("utf-8"))["question"]["title"] in page
        for size in found.endpoints[0].sizes:
            assert f"{size.n_per_arm:,}" in page
            assert f"{size.n_per_arm:,}" in text
        for words in ("nothing here is simulated", "none may be quoted as an effect"):
            assert words in page
            assert words in text
        for words in ("is effective", "proven", "works well", "http://127", "<script src"):
            assert words not in page.lower()


def test_the_json_has_the_keys_that_readers_of_it_know(briefs):
    record = json.loads(briefs["probiotic_hs_crp"].to_json())
    assert list(record) == [
        "schema", "version", "file", "notice", "question", "background", "control_arm", "control_observed",
        "null_centred", "dropout", "endpoints", "claims", "seen", "harms", "recruitment", "cost", "estimands",
        "intercurrent_events", "assumptions",
    ]  # fmt: skip
    assert set(record["estimands"][0]) == {
        "treatment", "population", "variable", "intercurrent events", "summary",
    }  # fmt: skip
    rates = record["control_arm"]["relapses"]["first_hand"]
    assert {"rate", "ci_low", "pi_low", "observed_low", "coefficients"} <= set(rates)
    assert "log_sd" not in rates
    pooled = record["endpoints"][0]["pooled"]
    assert {"k", "estimate", "sd", "excluded", "note", "sensitivity"} <= set(pooled)
    assert pooled["sensitivity"][0]["choice"] == "without failed checks"
    other = json.loads(briefs["fmt_pilot"].to_json())["endpoints"][0]["pooled"]
    assert set(other) == {"k", "excluded", "note", "indirect"}
    assert "mfis" not in record["control_arm"]["regression_to_the_mean"]


def test_texts_of_a_question_are_escaped(tmp_path):
    path = tmp_path / "question.yaml"
    text = FIBRE.replace("title: Inulin", 'title: "<script>alert(1)</script> | Inulin"  # ')
    path.write_text(text, encoding="utf-8")
    found = brief(path)
    assert "<script>alert" not in found.to_html()
    assert "<script>alert" not in found._repr_html_()
    assert "\\<script>" in found.to_markdown().splitlines()[0]


def asked(tmp_path, text):
    path = tmp_path / "question.yaml"
    path.write_text(text, encoding="utf-8")
    return brief(path)


def test_an_endpoint_without_a_forecast_is_skipped_with_its_reason_and_the_others_are_sized(tmp_path):
    text = FIBRE.replace("background: platform", "background: none").replace("outcome: ARR", "outcome: CDP24")
    found = asked(tmp_path, text)
    skipped = found.endpoints[1]
    assert (skipped.sizes, skipped.assurance, skipped.best_years) == ((), (), None)
    assert "no row that decides" in skipped.skipped
    assert found.endpoints[0].sizes
    page = found.to_markdown()
    assert "not sized" in page
    assert "skipped" in repr(found)
    primary = text.replace("role: primary", "role: secondary").replace("CDP24", "CDP24\n    role: primary")
    other = asked(tmp_path, primary)
    assert "It is not sized" in other.to_markdown()
    assert other.recruitment is None


def test_no_criterion_is_invented(briefs, tmp_path):
    assert "relapse" not in briefs["probiotic_hs_crp"].estimands[0].population
    assert "at least 1 relapse in the last year" in briefs["fibre_add_on"].estimands[0].population
    text = FIBRE.replace("  relapses_last_year: 1\n", "").replace("phenotype: RRMS", "phenotype: SPMS")
    found = asked(tmp_path, text)
    assert found.estimands[0].population.startswith("SPMS; background: a platform drug")
    assert "relapse in the last year" not in found.to_markdown()
    assert "says nothing about relapses at entry" in found.to_markdown()


def test_one_relapse_free_forecast_holds(briefs):
    text = briefs["fibre_add_on"].to_markdown()
    assert text.count("the forecast, from the rate") == 1
    assert "a cross-check, not the forecast" in text


def test_sds_are_those_between_people(tmp_path):
    text = (BRIEFS / "probiotic_hs_crp.yaml").read_text("utf-8")
    found = asked(tmp_path, text.replace("outcome: hs-CRP", "outcome: BDI"))
    known = found.endpoints[0].pooled.pool
    assert known.sd_kind == "change"
    assert known.sd_between == pytest.approx(known.sd / math.sqrt(2 * (1 - 0.5)))
    assert (
        f"0.5 SD between people ({0.5 * known.sd_between:.2g} BDI points)" == found.endpoints[0].effect_text
    )
    weaker = text.replace("outcome: hs-CRP", "outcome: BDI").replace(
        "relevant: 0.3\n    baseline_correlation: 0.5", "relevant: 0.3", 1
    )
    without = asked(tmp_path, weaker).endpoints[0]
    assert without.pooled.pool.sd_between is None
    assert [line.prior for line in without.assurance] == ["null-centred", "sceptical", "optimistic"]
    assert without.effect_text == "0.5 SD between people"


def test_a_cutoff_lowers_the_correlation_as_in_simulated_people(briefs):
    import numpy as np

    chosen = briefs["fibre_add_on"].endpoints[0].chosen
    generator = np.random.default_rng(4)
    first = generator.normal(size=400_000)
    last = 0.5 * first + math.sqrt(1 - 0.5**2) * generator.normal(size=first.size)
    kept = first > (38 - 41) / 19.7
    assert np.corrcoef(first[kept], last[kept])[0, 1] == pytest.approx(chosen.correlation, abs=0.005)
    assert first[kept].std() == pytest.approx(chosen.sd_share, abs=0.005)
    assert chosen.n_per_arm > briefs["fibre_add_on"].endpoints[0].smallest.n_per_arm
    assert briefs["probiotic_hs_crp"].endpoints[0].chosen is None


def test_trials_in_other_people_stand_beside_and_are_not_pooled(briefs):
    stool = briefs["fibre_add_on"].endpoints[3]
    assert stool.pooled.k == 0
    studies = [row.study for row in stool.pooled.indirect]
    assert studies == ["Drabinska 2018", "Stenman 2016", "Le Leu 2015"]
    assert {row.certainty for row in stool.pooled.indirect} == {"very low"}
    assert all("other people" in row.reasons and row.source for row in stool.pooled.indirect)
    assert "never pooled with those above" in briefs["fibre_add_on"].to_markdown()


def test_trials_only_mentioned_are_named_and_not_counted(briefs):
    found = briefs["fmt_pilot"]
    assert {row.registry_id for row in found.seen} == {"NCT04150549", "NCT03594487"}
    assert "Seen, numbers not read" in found.to_markdown()
    assert "NCT04150549" in found.to_html()
    assert {row.registry_id for row in briefs["probiotic_hs_crp"].seen} >= {"NCT07168772"}


def test_the_curve_goes_through_the_size(briefs):
    one = briefs["probiotic_hs_crp"].primary
    row = next(each for each in one.effects if each.effect == one.effect)
    assert row.n_for_80 == one.smallest.n_per_arm < row.n_for_90
    below = [point for point in one.powers if point.n_per_arm < one.smallest.n_per_arm - 2]
    above = [point for point in one.powers if point.n_per_arm > one.smallest.n_per_arm + 2]
    assert all(point.power < 0.81 for point in below)
    assert all(point.power > 0.79 for point in above)
    page = briefs["probiotic_hs_crp"].to_html()
    assert page.count("<svg") == 1
    assert "power at 0.5 SD" in page


@pytest.mark.parametrize(
    ("word", "term"),
    [
        ("T25FW", "walking_speed"),
        ("9HPT", "manual_dexterity"),
        ("SDMT", "cognition_speed"),
        ("BDI", "depression"),
    ],
)
def test_words_of_the_field_are_known(word, term):
    assert eb.evidence.load().outcome(word).id == term
    assert eb.evidence.load().intervention("time-restricted eating").id == "calorie_restriction"


def test_a_brief_from_python_is_that_from_its_file(briefs):
    asked = read_question(BRIEFS / "fibre_add_on.yaml")
    found = eb.brief(eb.Question(**asked.model_dump()))
    assert found.endpoints == briefs["fibre_add_on"].endpoints
    assert repr(found).startswith("Brief('Inulin as add-on")
    assert len(repr(found)) < 400
    assert "<table>" in found._repr_html_()


def test_each_forecast_is_made_once(monkeypatch):
    from eubiosis.evidence.forecast import control_arms, control_endpoints, control_forecast
    from eubiosis.workflow import brief as workflow

    calls = []

    def counted(module, name):
        plain = getattr(module, name)
        monkeypatch.setattr(module, name, lambda *a, **k: calls.append(name) or plain(*a, **k))

    counted(control_forecast, "forecast_rate")
    counted(control_forecast, "forecast_endpoint")
    counted(workflow, "read_discounts")
    counted(workflow, "read_assumptions")
    counted(workflow, "control_arm")
    brief(BRIEFS / "fibre_add_on.yaml")
    assert calls.count("forecast_rate") == 2  # on every arm, and on those read at first hand
    assert calls.count("forecast_endpoint") == len(control_endpoints.RULES)
    assert [calls.count(name) for name in ("read_discounts", "read_assumptions", "control_arm")] == [1, 1, 1]
    assert control_arms.forecast_rate is not control_forecast.forecast_rate
