"""Pools of more cohorts than the records hold, made up for the test, and every pool the records allow."""

import math

import pytest

from eubiosis.core.findings import FindingsError
from eubiosis.core.record import as_json
from eubiosis.evidence.forecast.priors import prior
from eubiosis.evidence.records.rows import Study, StudyEstimate
from eubiosis.evidence.records.store import load
from eubiosis.evidence.synthesis.certainty import grade
from eubiosis.evidence.synthesis.diagnostics import meta_regression
from eubiosis.evidence.synthesis.pool_record import pool_report
from eubiosis.evidence.synthesis.pooling import pool
from eubiosis.evidence.synthesis.selection import PoolQuestion, select


def made_up(effects, n=60):
    """Return the evidence with one made-up probiotic trial of hs-CRP per effect, and no real one."""
    evidence = load()
    study = evidence.studies["asghari2023"]
    row = next(e for e in evidence.estimates if e.id == "asghari2023/1")
    studies, rows = [], []
    for i, effect in enumerate(effects):
        name, size = f"madeup{i}", n + 7 * i
        studies.append(study.model_copy(update={"id": name, "cohort_id": name, "author_group": name}))
        arms = {"n_treatment": size, "n_control": size, "treatment_sd": 2.0, "control_sd": 2.0}
        own = {"id": f"{name}/1", "study_id": name, "report_year": 2000 + i}
        means = {"treatment_mean": effect, "control_mean": 0.0}
        rows.append(row.model_copy(update={**arms, **own, **means}))
    return evidence.with_rows({Study: studies, StudyEstimate: rows})


EFFECTS = [-0.9, -0.2, -0.5, 0.1, -1.1, -0.4]


def test_from_five_cohorts_on_the_headline_is_hartung_knapp_and_never_narrower_than_wald():
    pooled = pool("hs-CRP", "probiotic", evidence=made_up(EFFECTS))
    assert pooled.headline.method == "Hartung-Knapp"
    width = pooled.headline.high - pooled.headline.low
    assert width >= pooled.wald.high - pooled.wald.low
    alike = pool("hs-CRP", "probiotic", evidence=made_up([-0.5] * 6))
    # six equal effects: plain Hartung-Knapp would collapse to a point and is undefined, the headline is not
    assert alike.knapp_hartung.low is alike.knapp_hartung.high is None
    assert "do not differ" in alike.knapp_hartung.note
    assert alike.headline.high - alike.headline.low >= alike.wald.high - alike.wald.low


def test_prediction_interval_by_hand():
    pooled = pool("hs-CRP", "probiotic", evidence=made_up(EFFECTS), tau2="DL", ci="wald")
    se = (pooled.wald.high - pooled.wald.low) / (2 * 1.959964)
    half = 2.776445 * math.hypot(se, math.sqrt(pooled.tau2))  # t(0.975) with 6 - 2 = 4 degrees of freedom
    assert pooled.prediction.high - pooled.prediction.low == pytest.approx(2 * half, rel=1e-5)


def test_ten_cohorts_are_tested_for_small_study_bias():
    evidence = made_up([-1.5, -1.2, -1.0, -0.8, -0.7, -0.5, -0.4, -0.3, -0.2, -0.1])
    pooled = pool("hs-CRP", "probiotic", evidence=evidence)
    domain = next(d for d in grade(pooled, evidence).domains if d.name == "publication bias")
    assert "Egger" in domain.reason
    assert domain.steps == 1  # the smaller the trial the larger the effect, by construction
    assert not any("test for small-study bias needs" in text for text in pooled.warnings)


def test_diagnostics_and_meta_regression():
    evidence = made_up(EFFECTS)
    pooled = pool("hs-CRP", "probiotic", evidence=evidence)
    diagnostics = pool_report(pooled, grade(pooled, evidence)).diagnostics
    assert [step.year for step in diagnostics.cumulative_by_year] == list(range(2000, 2006))
    assert diagnostics.cumulative_by_year[0].mean.estimate == pytest.approx(-0.9)
    assert diagnostics.cumulative_by_year[-1].mean.estimate == pytest.approx(pooled.wald.estimate)
    assert "too few" in diagnostics.note
    line = made_up([0.5 * i for i in range(6)])
    fitted = meta_regression(pool("hs-CRP", "probiotic", evidence=line), [float(i) for i in range(6)])
    assert fitted.coefficients == pytest.approx([0.0, 0.5], abs=1e-9)  # the effects lie on this line
    with pytest.raises(ValueError, match="3 values"):
        meta_regression(pooled, [1.0, 2.0, 3.0])


def test_every_question_the_records_allow_is_answered_or_refused_with_a_reason():
    evidence = load()
    pairs = {
        (e.outcome, term)
        for e in evidence.estimates
        for term in (evidence.studies[e.study_id].intervention, evidence.studies[e.study_id].subclass)
        if term
    }
    answered = 0
    for outcome, term in sorted(pairs):
        found = prior(outcome, term)
        assert found.quantile(0.025) < found.mean < found.quantile(0.975)
        if not select(evidence, PoolQuestion(outcome, term)).included:
            with pytest.raises(FindingsError, match="no estimate can be pooled"):
                pool(outcome, term)
            assert found.mean == 0
            continue
        pooled = pool(outcome, term)
        answered += 1
        as_json(pool_report(pooled, grade(pooled, evidence)))  # every number is finite
        for interval in (pooled.headline, pooled.wald, pooled.bayesian):
            assert interval.low < interval.estimate < interval.high
        assert pooled.prediction.low < pooled.headline.estimate < pooled.prediction.high
        cohorts = [one.study.cohort_id for one in pooled.selection.included]
        assert len(cohorts) == len(set(cohorts))
    assert answered > 20
