"""Verdicts follow from the records, and priors hold back what is to be forecast."""

import math

import pytest

from eubiosis.core.evidence_report import VERDICTS
from eubiosis.core.findings import FindingsError
from eubiosis.evidence.forecast.priors import holdout_studies, prior, prior_for_target
from eubiosis.evidence.integrity.claims import audit, audit_claim, read_claims
from eubiosis.evidence.records.companions import Mechanism, MetaAnalysis, TaxonDirection
from eubiosis.evidence.records.rows import RiskOfBias, Study, StudyEstimate
from eubiosis.evidence.records.store import load


@pytest.fixture(scope="module")
def verdicts():
    return {item.claim: item for item in audit(load())}


@pytest.mark.parametrize(
    ("claim", "verdict"),
    [
        ("relapse_rr", "untraceable"),
        ("fatigue_d", "untraceable"),
        ("no_benefit_40", "untraceable"),
        ("akkermansia_harm", "mixed"),
        ("propionate_relapse", "not tested"),
        ("probiotic_edss", "mixed"),
        ("probiotic_relapse", "not tested"),
    ],
)
def test_claims_named_by_the_field(verdicts, claim, verdict):
    assert verdicts[claim].verdict == verdict
    assert verdicts[claim].reason


def test_every_verdict_is_of_the_vocabulary_and_traced(verdicts):
    assert len(verdicts) >= 20
    evidence = load()
    known = {e.id for e in evidence.estimates} | {m.id for m in evidence.table(Mechanism)}
    known |= {t.study_id for t in evidence.table(TaxonDirection)} | {
        m.id for m in evidence.table(MetaAnalysis)
    }
    for item in verdicts.values():
        assert item.verdict in VERDICTS
        assert {line.record for line in item.records} <= known
        assert all(line.source for line in item.records)


def test_where_a_circulating_number_really_occurs_is_shown(verdicts):
    text = " ".join(line.text for line in verdicts["relapse_rr"].records)
    assert "sorensen2016_recycline" in text
    assert "the number occurs, but" in text


def flip(evidence, outcome, verdict):
    rows = [e.model_copy(update={"verdict": verdict}) if e.outcome == outcome else e
            for e in evidence.table(StudyEstimate)]  # fmt: skip
    return evidence.with_rows({StudyEstimate: rows})


def stronger(evidence):
    """Return the evidence with large, judged and unflagged trials."""
    large = {"n_treatment": 400, "n_control": 400, "n_basis": "printed"}
    rows = [e.model_copy(update=large) for e in evidence.estimates]
    studies = [s.model_copy(update={"integrity_status": "none"}) for s in evidence.studies.values()]
    judged = {"overall": "low", "judged_by": "made up for a test", "date": "2026-01-01"}
    risk = [r.model_copy(update=judged) for r in evidence.table(RiskOfBias)]
    return evidence.with_rows({StudyEstimate: rows, Study: studies, RiskOfBias: risk})


def test_verdicts_move_with_the_records():
    evidence = load()
    claim = next(c for c in read_claims(evidence) if c.id == "probiotic_edss")
    assert audit_claim(flip(evidence, "EDSS", "no_difference"), claim).verdict == "contradicted"
    # all four favour it from two groups without a failed check, but the certainty is very low
    agreed = flip(evidence, "EDSS", "favours_treatment")
    assert audit_claim(agreed, claim).verdict == "mixed"
    assert audit_claim(stronger(agreed), claim).verdict == "supported"
    none = evidence.with_rows({StudyEstimate: [e for e in evidence.estimates if e.outcome != "EDSS"]})
    assert audit_claim(none, claim).verdict == "not tested"


def test_a_number_that_is_found_is_not_untraceable():
    evidence = load()
    claim = next(c for c in read_claims(evidence) if c.id == "fatigue_d")
    found = audit_claim(evidence, claim.model_copy(update={"claimed_value": -0.67}))
    assert found.verdict == "supported"
    excluded = audit_claim(evidence, claim.model_copy(update={"claimed_value": 1.5}))
    assert excluded.verdict == "contradicted"


def test_no_trial_gives_a_prior_centred_on_zero():
    for outcome in ("relapse_rate", "time_to_relapse"):
        found = prior(outcome, "probiotic")
        assert (found.mean, found.basis, found.cohorts) == (0.0, "assumed", ())
        assert found.quantile(0.025) < math.log(0.55)  # wide: a halving is not ruled out
        assert found.quantile(0.975) == pytest.approx(-found.quantile(0.025))
    with pytest.raises(FindingsError, match="unit"):
        prior("relapse_rate", "probiotic", metric="MD")


def test_prior_is_discounted_towards_zero_and_wider_than_the_pool():
    from eubiosis.evidence.synthesis.pooling import pool

    pooled, found = pool("hs-CRP", "probiotic"), prior("hs-CRP", "probiotic")
    assert pooled.headline.estimate < found.mean < 0
    assert found.quantile(0.975) > pooled.prediction.high
    assert any("rahimlou2022" in note for note in found.notes)


@pytest.mark.parametrize(
    ("held", "outcome", "intervention", "metric"),
    [("chen2023", "fatigue", "diet", "SMD"), ("rahimlou2020", "hs-CRP", "probiotic", "MD")],
)
def test_a_prior_beside_a_held_out_study_does_not_know_it(held, outcome, intervention, metric):
    evidence = load()
    beside = prior(outcome, intervention, metric=metric, leave_out=[held])
    cohort = evidence.cohort_of(held)
    without = evidence.with_rows(
        {StudyEstimate: [e for e in evidence.estimates if evidence.cohort_of(e.study_id) != cohort]}
    )
    never_seen = prior(outcome, intervention, metric=metric, evidence=without)
    assert (beside.weights, beside.means, beside.sds) == (
        never_seen.weights,
        never_seen.means,
        never_seen.sds,
    )
    assert cohort in beside.left_out
    assert cohort not in beside.cohorts
    assert beside.mean != prior(outcome, intervention, metric=metric).mean


def test_a_prior_for_fitting_can_leave_out_every_hold_out():
    evidence = load()
    held = holdout_studies(evidence)
    assert {"naseri2025", "chen2023", "sorensen2016_recycline", "metz2017", "ladakis2025"} <= set(held)
    assert "katzsand2019" not in held  # a check, not a hold-out
    found = prior("fatigue", "diet", metric="SMD", leave_out=held)
    assert found.cohorts == ("katzsand2019",)
    assert prior("time_to_relapse", "minocycline", leave_out=held).cohorts == ()


def test_prior_for_a_held_out_target_drops_its_cohorts():
    found = prior_for_target("H3", "fatigue", "diet", metric="SMD")
    assert found.left_out == ("chen2023",)
    assert found.cohorts == ("katzsand2019",)
    with pytest.raises(FindingsError, match="no such target"):
        prior_for_target("H99", "fatigue", "diet")
