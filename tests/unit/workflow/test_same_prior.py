"""Brief, trial report and ``evidence prior`` give the same prior to the same question."""

import json
import math
from pathlib import Path

import pytest
from click.testing import CliRunner

from eubiosis import therapy
from eubiosis.cli.main import cli
from eubiosis.evidence.forecast.priors import PriorBasis, prior
from eubiosis.trial.design import Design
from eubiosis.workflow.brief import brief
from eubiosis.workflow.trial_forms import clinical_priors

BRIEFS = Path(__file__).parents[3] / "src" / "eubiosis" / "content" / "briefs"
POINTS = (0.025, 0.5, 0.975)


def asked_of_the_evidence(outcome, intervention, metric="rate-ratio"):
    words = ["evidence", "prior", "--outcome", outcome, "--intervention", intervention, "--json"]
    answer = CliRunner().invoke(cli, [*words, "--metric", metric])
    assert answer.exit_code == 0, answer.output
    return json.loads(answer.output)


def reported(endpoint):
    arms = {
        "placebo": therapy.placebo(),
        "inulin": therapy.prebiotic("inulin", dose="12 g/day"),
        "propionate": therapy.acid("propionate", dose="1000 mg/day"),
    }
    design = Design(arms=arms, participants=30, primary="mfis")
    return {row.arm: row for row in clinical_priors(design) if row.endpoint == endpoint}


@pytest.fixture(scope="module")
def planned():
    return brief(BRIEFS / "fibre_add_on.yaml")


@pytest.mark.parametrize(
    ("outcome", "endpoint", "asked_as"),
    [("relapse rate", "relapses", "relapse_rate"), ("new T2 lesions", "t2_lesions", "new_T2_lesions")],
)
def test_inulin_has_one_prior_in_brief_report_and_evidence(planned, outcome, endpoint, asked_as):
    told = asked_of_the_evidence(outcome, "inulin")
    ratios = [told["ratio_quantiles"][f"{p:g}"] for p in POINTS]
    row = reported(endpoint)["inulin"]
    assert row.prior == pytest.approx(ratios, rel=1e-12)
    assert row.outside_share == pytest.approx(told["outside_share"], rel=1e-12)
    one = next(each for each in planned.endpoints if each.outcome == asked_as)
    assert [c.probability for c in one.chances] == pytest.approx(list(told["chances"].values()), rel=1e-12)
    assert [c[1] for c in row.chances] == pytest.approx(list(told["chances"].values()), rel=1e-12)
    assert [c.before for c in one.chances] == pytest.approx([c[2] for c in row.chances], rel=1e-12)
    ends = {
        "relapses": (planned.null_centred.ratio_low, planned.null_centred.ratio_high),
        "t2_lesions": (planned.null_centred.lesion_low, planned.null_centred.lesion_high),
    }[endpoint]
    assert ends == pytest.approx((ratios[0], ratios[2]), rel=1e-12)


def test_the_brief_plans_with_the_same_prior(planned):
    """The chance of a relevant effect before any trial is the prior's own, not that of N(0, .35)."""
    one = next(each for each in planned.endpoints if each.outcome == "relapse_rate")
    assured = next(line for line in one.assurance if line.prior == "null-centred")
    assert assured.prior_mean == pytest.approx(0.0, abs=1e-12)
    assert assured.ceiling == pytest.approx(0.5)
    found = prior("relapse rate", "inulin")
    assert assured.relevant_before == pytest.approx(found.chance_below(one.relevant), abs=0.002)


def test_fatigue_and_edss_have_the_route_of_the_evidence_everywhere():
    for outcome, endpoint in (("fatigue", "mfis"), ("EDSS", "edss")):
        told = asked_of_the_evidence(outcome, "propionate", "auto")
        row = reported(endpoint)["propionate"]
        assert row.prior == pytest.approx([told["quantiles"][f"{p:g}"] for p in POINTS], rel=1e-12)
        assert row.outside_share is None
        assert row.chances == ()


def test_the_question_of_the_review_is_answered_alike():
    """Propionate: 0.98 to 1.02 in one place and 0.50 to 1.99 in another was one question with two answers."""
    row, told = reported("relapses")["propionate"], prior("relapse rate", "propionate")
    low, high = (math.exp(told.quantile(p)) for p in (0.025, 0.975))
    assert (row.prior[0], row.prior[2]) == pytest.approx((low, high), rel=1e-12)
    assert low < 0.7
    assert high > 1.4
    assert row.outside_share > 0.999
    assert {chance[3] for chance in row.chances} == {"prior only"}


def test_scoring_a_trial_removes_its_cohort_everywhere():
    held = prior("relapse rate", "vitamin D", leave_out=["hupperts2019_solar"])
    assert held.cohorts == ()
    assert "hupperts2019_solar" not in held.outside_cohorts
    assert len(held.outside_cohorts) == 6
    add_on = prior("relapse rate", "propionate", leave_out=["ms_stat2_2025"])
    assert add_on.left_out == ("ms_stat2_2025",)
    assert "ms_stat2_2025" not in add_on.outside_cohorts
    bare = prior("relapse rate", "inulin", leave_out=["drabinska2018"])
    assert bare.sds == prior("relapse rate", "inulin", basis=PriorBasis(before=True)).sds
    assert bare.sds != prior("relapse rate", "inulin").sds
    pooled = prior("relapse rate", "vitamin D")
    assert pooled.cohorts == ("hupperts2019_solar",)
    assert "hupperts2019_solar" not in pooled.outside_cohorts  # a cohort enters once
