"""What must be justified, and what a report says of harms, burden and transplants."""

import pytest

from eubiosis.core.findings import FindingsError
from eubiosis.therapy import give, placebo, transplant
from eubiosis.trial import Design
from eubiosis.workflow import Workflow
from eubiosis.workflow.trial_harms import burden_lines, transplant_lines

WORDS = {"title": "A", "question": "B?", "context_of_use": "C", "decision": "D"}


def made(arms, **fields):
    justification = fields.pop("justification", None)
    design = Design(arms=arms, participants=40, primary="mfis", **fields)
    return Workflow(**WORDS, design=design, justification=justification)


def ethics(arms, **fields):
    with pytest.raises(FindingsError) as caught:
        made(arms, **fields)
    findings = caught.value.findings
    assert all(finding.severity == "ethics" and finding.next_step for finding in findings)
    assert "ethics: arm" in str(findings[0])
    return [finding.problem for finding in findings]


INULIN = {"placebo": placebo(), "inulin": give("inulin", dose="12 g/day")}
ACTIVE = {"eligibility": {"relapses_last_year": 1}}


def test_withholding_therapy_in_active_disease_needs_a_justification():
    assert ["withholds effective therapy" in each for each in ethics(INULIN, **ACTIVE)] == [True, True]
    assert made(INULIN, **ACTIVE, justification="Rescue after any relapse.").justification
    assert made(INULIN, eligibility={"relapses_last_year": 1, "background": "stable"})
    with_drug = {
        "drug": placebo() + give("natalizumab"),
        "both": give("inulin", dose="12 g/day") + give("natalizumab"),
    }
    one = with_drug["drug"]
    design = Design(
        arms=[
            {"name": "drug", "therapy": one, "control": True},
            {"name": "both", "therapy": with_drug["both"]},
        ],
        participants=40,
        primary="mfis",
        eligibility={"relapses_last_year": 1},
    )
    assert Workflow(**WORDS, design=design)


def test_live_products_under_severe_immunosuppression_need_a_justification():
    live = {"placebo": placebo(), "yeast": give("s_boulardii", dose="1e10 CFU/day")}
    (problem,) = ethics(live, eligibility={"immunosuppression": "severe"})
    assert 'arm "yeast" gives S. boulardii, which is live' in problem
    beside = {"placebo": placebo(), "b": give("b_infantis", dose="1e10 CFU/day") + give("ocrelizumab")}
    (problem,) = ethics(beside)
    assert "severe immunosuppression: ocrelizumab" in problem
    assert made(INULIN, eligibility={"immunosuppression": "severe"})  # a fibre is not live


def test_a_transplant_has_its_page_and_without_screening_no_protocol_text():
    plain = transplant()
    assert "no protocol text is written" in plain.describe()
    screened = transplant(number=2, donor_screening="blood and stool as listed", route="capsules")
    assert "2 from donor: healthy, route capsules, every 4 weeks" in screened.describe()
    workflow = made({"placebo": placebo(), "transplant": plain})
    topics = {line.topic.split(",")[0] for line in transplant_lines(workflow.design)}
    assert topics == {"donor screening", "traceability", "stopping rules", "regulatory status"}
    assert transplant_lines(made(INULIN).design) == ()


def test_burden_counts_doses_diet_days_and_procedures():
    arms = {
        "placebo": placebo(),
        "diet": give("intermittent_calorie_restriction", stop="week 10"),
        "transplant": transplant(number=3),
    }
    found = {line.arm: line for line in burden_lines(made(arms).design)}
    assert (found["diet"].doses, found["diet"].diet_days) == (0.0, 20.0)
    assert found["transplant"].procedures == 3
    assert found["placebo"].doses == 336
    assert found["placebo"].visits == 5
