"""Pools: the numbers of another program, the safe defaults, and what each exclusion says."""

import math

import pytest

from eubiosis.core.findings import FindingsError
from eubiosis.core.record import as_record
from eubiosis.evidence.records.companions import PinnedPool
from eubiosis.evidence.records.rows import Study
from eubiosis.evidence.records.store import load
from eubiosis.evidence.synthesis.certainty import grade
from eubiosis.evidence.synthesis.pool_record import pool_report
from eubiosis.evidence.synthesis.pooling import pool

PINS = load().table(PinnedPool)


def changed(evidence, study_id, **updates):
    """Return the evidence with one study's columns changed."""
    rows = [s.model_copy(update=updates) if s.id == study_id else s for s in evidence.table(Study)]
    return evidence.with_rows({Study: rows})


@pytest.mark.parametrize("pin", PINS, ids=[pin.id for pin in PINS])
def test_every_recomputed_pool_is_reproduced(pin):
    ours = pool(pin.outcome, pin.intervention, studies=pin.studies.split("+"), metric=pin.metric, tau2="DL",
                ci="wald", sensitivity=False)  # fmt: skip
    assert ours.k == pin.k
    # pool015 was computed without the small-sample correction; see acknowledged.tsv
    tolerance = 0.0056 if pin.id == "pool015" else 0.0051
    assert ours.headline.estimate == pytest.approx(pin.effect, abs=0.0051)
    assert ours.headline.low == pytest.approx(pin.ci_low, abs=tolerance)
    assert ours.headline.high == pytest.approx(pin.ci_high, abs=tolerance)
    if pin.tau2 is not None:
        assert ours.tau2 == pytest.approx(pin.tau2, abs=0.00051)
        assert ours.i2 == pytest.approx(pin.i2, abs=0.51)


def test_crp_of_two_trials_has_the_published_intervals():
    two = pool("hs-CRP", "probiotic", studies=["rahimlou2022", "asghari2023"], tau2="DL", ci="wald",
               tau_scale=0.5)  # fmt: skip
    assert [round(x, 2) for x in (two.headline.estimate, two.headline.low, two.headline.high)] == [
        -1.53,
        -2.73,
        -0.32,
    ]
    assert [round(x, 2) for x in (two.knapp_hartung.low, two.knapp_hartung.high)] == [-9.35, 6.30]
    assert [round(x, 1) for x in (two.bayesian.low, two.bayesian.high)] == [-2.5, -0.5]


def test_crp_of_all_three_trials():
    three = pool("hs-CRP", "probiotic", tau2="DL", ci="wald")
    assert [x.study.id for x in three.selection.included] == ["kouchaki2017", "rahimlou2022", "asghari2023"]
    assert [round(x, 2) for x in (three.headline.estimate, three.headline.low, three.headline.high)] == [
        -1.53, -2.30, -0.75,
    ]  # fmt: skip


def test_published_pool_with_converted_standard_errors():
    # Mirashrafi 2021 prints BDI -3.22 [-4.38, -2.06] and GHQ -4.37 [-6.43, -2.31] from the same trials
    bdi = pool("depression", "probiotic", studies=["kouchaki2017", "salami2019", "rahimlou2020"], metric="MD",
               tau2="DL", ci="wald")  # fmt: skip
    assert bdi.headline.estimate == pytest.approx(-3.22, abs=0.10)
    assert bdi.headline.low == pytest.approx(-4.38, abs=0.20)
    ghq = pool("GHQ-28", "probiotic", tau2="DL", ci="wald")
    assert ghq.headline.estimate == pytest.approx(-4.37, abs=0.10)
    # Tabatabaeizadeh 2025 prints BDI -2.78 [-3.32, -2.24]: so tight when standard errors are read as SDs
    printed = next(line for line in bdi.sensitivity if "as printed" in line.change)
    width = printed.interval.high - printed.interval.low
    assert width < 0.7 * (bdi.headline.high - bdi.headline.low)
    assert printed.interval.estimate == pytest.approx(-2.78, abs=0.25)


def test_few_cohorts_lead_with_the_bayesian_interval_and_show_three():
    pooled = pool("hs-CRP", "probiotic")
    assert pooled.headline == pooled.bayesian
    assert "half-normal" in pooled.bayesian.note
    assert pooled.wald.low < pooled.wald.high
    assert pooled.knapp_hartung.low < pooled.wald.low
    assert pooled.prediction.low < pooled.headline.low
    assert pooled.prediction.high > pooled.headline.high


def test_retracted_and_notice_stay_out_and_failed_checks_stay_in_but_marked():
    evidence = load()
    assert "rahimlou2022" in [x.study.id for x in pool("hs-CRP", "probiotic").selection.included]
    assert any("rahimlou2022" in text for text in pool("hs-CRP", "probiotic").warnings)
    for status in ("retracted", "notice"):
        other = changed(evidence, "asghari2023", integrity_status=status, integrity_reason="a made-up notice")
        pooled = pool("hs-CRP", "probiotic", evidence=other)
        assert "asghari2023" not in [x.study.id for x in pooled.selection.included]
        out = next(x for x in pooled.selection.excluded if x.study.id == "asghari2023")
        assert "a made-up notice" in out.reason
        line = next(x for x in pooled.sensitivity if x.change.startswith("with retracted"))
        assert line.k == pooled.k + 1


@pytest.mark.parametrize("field", ["country", "first_author", "author_group"])
def test_place_and_authors_change_no_number(field):
    evidence = load()
    plain = pool("hs-CRP", "probiotic", sensitivity=False)
    value = "kouchaki2017" if field == "author_group" else "Elsewhere"
    other = evidence
    for study_id in ("rahimlou2022", "asghari2023"):
        other = changed(other, study_id, **{field: value})
    moved = pool("hs-CRP", "probiotic", sensitivity=False, evidence=other)
    assert moved.headline == plain.headline
    assert [x.study.id for x in moved.selection.included] == [x.study.id for x in plain.selection.included]


def test_one_group_and_few_cohorts_are_said_in_words():
    pooled = pool("EDSS", "probiotic")
    assert any("share investigators" in text for text in pooled.warnings)
    assert any(text.startswith("2 independent cohorts") for text in pooled.warnings)
    # the double-blind null prints no number: it is missing from the pool, and the pool says so
    assert any("naseri2025" in text and "no usable number" in text for text in pooled.warnings)


def test_a_cohort_counts_once():
    evidence = changed(load(), "asghari2023", cohort_id="rahimlou(65)")
    pooled = pool("hs-CRP", "probiotic", evidence=evidence)
    assert pooled.k == 2
    assert any("counts once" in out.reason for out in pooled.selection.excluded)
    # an estimate on another scale of the same trial does not count again
    diet = pool("fatigue", "low_fat_diet", sensitivity=False)
    assert [x.estimate.id for x in diet.selection.included] == ["chen2023/1"]


def test_leaving_a_cohort_out_takes_all_its_reports():
    pooled = pool("hs-CRP", "probiotic", leave_out=["rahimlou2020"])
    assert "rahimlou2022" not in [x.study.id for x in pooled.selection.included]
    assert pooled.k == 2


def test_recalled_and_within_arm_numbers_are_not_pooled():
    reasons = {x.estimate.id: x.reason for x in pool("fatigue", "diet").selection.excluded}
    assert reasons["yadav2016/4"].startswith("recalled")
    assert "one arm" in reasons["wahls2021_swank/1"]


def test_ratios_come_back_as_ratios():
    pooled = pool(
        "relapse_risk", "vitamin_d", studies=["thouvenot2025", "cassard2023_vidams"], tau2="DL", ci="wald"
    )

    # 17.9 % of 156 against 21.8 % of 147 and 34 % of 86 against 32 % of 86, by hand with inverse variances
    def log_rr(p1, n1, p2, n2):
        return math.log(p1 / p2), (1 - p1) / (p1 * n1) + (1 - p2) / (p2 * n2)

    pairs = [log_rr(0.179, 156, 0.218, 147), log_rr(0.34, 86, 0.32, 86)]
    weights = [1 / v for _, v in pairs]
    by_hand = math.exp(sum(w * y for w, (y, _) in zip(weights, pairs, strict=True)) / sum(weights))
    assert pooled.headline.estimate == pytest.approx(by_hand, rel=1e-6)


def test_unknown_words_name_the_nearest():
    calls = (
        (lambda: pool("fatigu", "diet"), "fatigue"),
        (lambda: pool("fatigue", "probiotik"), "probiotic"),
        (lambda: pool("fatigue", "diet", studies=["chen2O23"]), "chen2023"),
    )
    for call, word in calls:
        with pytest.raises(FindingsError, match=word):
            call()


def test_nothing_to_pool_says_why():
    with pytest.raises(FindingsError, match="naseri2025: no number readable"):
        pool("SDMT", "probiotic")


def test_certainty_is_never_better_than_its_reasons():
    evidence = load()
    certainty = grade(pool("hs-CRP", "probiotic"), evidence)
    assert certainty.level == "very low"
    assert certainty.participants == 165
    assert {d.name for d in certainty.domains} == {
        "risk of bias", "inconsistency", "indirectness", "imprecision", "publication bias",
    }  # fmt: skip
    assert all(domain.reason for domain in certainty.domains)
    # a null that prints no number takes a level off the pool that it is missing from
    bias = {d.name: d for d in grade(pool("EDSS", "probiotic"), evidence).domains}["publication bias"]
    assert bias.steps == 1
    assert "naseri2025" in bias.reason


def test_record_holds_every_key_that_is_promised():
    evidence = load()
    pooled = pool("hs-CRP", "probiotic")
    record = as_record(pool_report(pooled, grade(pooled, evidence)))
    promised = "k estimate ci_low ci_high intervals pi_low pi_high tau2 I2 included excluded"
    assert set(promised.split()) <= set(record)
    assert sum(one["weight"] for one in record["included"]) == pytest.approx(1)
    assert all(one["source"] and one["read"] for one in record["included"])
    assert all(out["reason"] for out in record["excluded"])
    assert "not evidence" in record["notice"]
