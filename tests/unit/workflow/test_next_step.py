"""The next step after a verdict, by rule; and what a workflow may call relevant."""

from __future__ import annotations

import dataclasses

import pytest
import yaml

from eubiosis import therapy
from eubiosis.core.findings import FindingsError
from eubiosis.core.trial_answer import ComparisonAnswer, TrialVerdict
from eubiosis.report.tables_html import finish_tables
from eubiosis.trial.design import Design
from eubiosis.workflow.next_step import next_step
from eubiosis.workflow.plan import analysis_plan
from eubiosis.workflow.question import Question
from eubiosis.workflow.what_is_known import PublishedEvidence, what_is_known
from eubiosis.workflow.workflow import Workflow

WORDS = {"title": "Inulin", "question": "Does it?", "context_of_use": "a test", "decision": "none"}
KNOWN = PublishedEvidence(questions={"inulin": "a: brief"})


def workflow(**changes: object) -> Workflow:
    arms = {"placebo": therapy.placebo(), "inulin": therapy.prebiotic("inulin", dose="12 g/day")}
    design = Design(arms=arms, participants=120, primary="mfis")
    return Workflow(**{**WORDS, "design": design, "relevant": {"mfis": 4.0, "relapses": 0.8}, **changes})


def row(kind: str, **changes: object) -> ComparisonAnswer:
    made = ComparisonAnswer(
        "mfis", "Fatigue (MFIS)", "clinical", True, "inulin", "placebo", "difference", "points", "lower", 4.0,
        0.8, 0.05, 1, 120, 48.0, (7.0, 8.0, 9.0), (400, 500, 641), (None,) * 3, "",
        TrialVerdict(kind, f"{kind} it is."), (), 0.05, (-1.0, 0.0, 1.0), 4.0, None, 2.6, 288, 0,
    )  # fmt: skip
    return dataclasses.replace(made, **changes)


def test_a_size_fills_its_blocks_and_its_workflow_is_whole(tmp_path):
    step = next_step(workflow(), [row("not with this design")], KNOWN)
    assert step.kind == "size"
    assert step.text.startswith("Size: 644 participants in all, 5.4 times this design, would see 4 points")
    made = yaml.safe_load(step.workflow)
    assert made["design"]["participants"] == 644
    assert made["relevant"] == {"mfis": 4.0, "relapses": 0.8}
    file = tmp_path / "next.yaml"
    file.write_text(step.workflow, encoding="utf-8")
    from eubiosis.workflow import read_workflow

    assert read_workflow(file).design.participants == 644
    assert step.brief == "a: brief"


def test_the_brief_is_that_of_the_arm_that_decides():
    known = PublishedEvidence(questions={"inulin": "a: brief", "propionate": "b: brief"})
    first, second = row("not with this design"), row("not with this design", arm="propionate")
    larger = dataclasses.replace(second, participants_needed=(400, 500, 650))
    smaller = dataclasses.replace(second, participants_needed=(300, 400, 500))
    beyond = dataclasses.replace(second, participants_needed=(300, 400, None))
    assert next_step(workflow(), [first, larger], known).brief == "b: brief"
    assert next_step(workflow(), [first, smaller], known).brief == "a: brief"
    assert next_step(workflow(), [first, beyond], known).brief == "b: brief"
    assert next_step(workflow(), [first, larger], KNOWN).brief == "a: brief"  # what there is


def test_a_clinical_endpoint_that_is_seen_comes_before_a_larger_trial():
    other = row("large enough", endpoint="relapses", label="Relapses", primary=False)
    step = next_step(workflow(), [row("not with this design"), other], KNOWN)
    assert step.kind == "endpoint"
    assert yaml.safe_load(step.workflow)["primary"] == "relapses"
    marker = dataclasses.replace(other, role="biological")
    assert next_step(workflow(), [row("not with this design"), marker], KNOWN).kind == "size"


@pytest.mark.parametrize(
    ("rows", "kind", "words"),
    [
        ([row("large enough")], "none", "keep this design"),
        ([row("not with this design", participants_needed=(400, 500, None))], "none", "more than 100,000"),
        (
            [row("not with this design", participants_needed=(1, 2, 30_000))],
            "none",
            "would need 30,000 participants",
        ),
        ([row("no relevant difference", relevant=None)], "relevant difference", "as a difference in points"),
        (
            [row("not estimable", participants_needed=(None,) * 3)],
            "none",
            "no simulated trial gave a finite estimate",
        ),
        ([row("large enough"), row("not with this design")], "size", "644 participants"),
    ],
)
def test_steps_by_hand(rows, kind, words):
    step = next_step(workflow(), rows, KNOWN)
    assert step.kind == kind
    assert words in step.text


def test_the_brief_of_an_arm_is_a_question_that_can_be_asked():
    found = what_is_known(workflow(), {"mfis": 20.0})
    asked = Question(**yaml.safe_load(found.questions["inulin"]))
    assert [(one.outcome, one.effect) for one in asked.endpoints] == [("MFIS", 0.2), ("ARR", 0.8)]
    assert asked.intervention == "prebiotic"
    low, middle, high = found.rates["relapses"]
    assert 0 < low < middle < high
    assert found.parts[0].title == "What is known: inulin"
    assert any("Claims" in table.caption for table in found.parts[0].tables)


def test_what_is_known_of_a_trial_of_stool_is_of_stool():
    stool = Design(arms=workflow().design.arms, participants=60, primary="stool_butyrate")
    found = what_is_known(workflow(design=stool, relevant={"stool_butyrate": 1.2}), {})
    rows = [row for table in found.parts[0].tables for row in table.rows]
    assert rows[0][0] == "Short-chain fatty acids in stool"
    assert any(row[1].startswith("Drabinska 2018") for row in rows)  # other people: beside it, never pooled
    assert found.questions == {}  # a brief sizes all acids together and not one of them
    assert found.rates["relapses"][0] > 0


def test_a_therapy_that_the_evidence_does_not_know_says_so():
    arms = {"placebo": therapy.placebo(), "any": therapy.prebiotic("pectin", dose="12 g/day")}
    odd = workflow(design=Design(arms=arms, participants=120, primary="mfis"))
    found = what_is_known(odd, {"mfis": 20.0})
    assert found.questions == {}
    assert "pectin" in found.refused["any"]
    step = next_step(odd, [row("not with this design")], found)
    assert step.brief == ""
    assert "pectin" in step.why_no_brief


@pytest.mark.parametrize(
    ("relevant", "problem"),
    [
        ({"mfis": 85.0}, "85.0 is no effect"),  # the scale is 84 points long: a verdict cannot be bought
        ({"edss": 11.0}, "11.0 is no effect"),
        ({"mfix": 4.0}, "mfix"),
        ({"relapses": 1.2}, "no effect that helps on Relapses"),
        ({"treg": 0.9}, "no effect that helps on Regulatory T cells"),
        ({"share_BIF": 1.0}, "no effect that helps"),
        ({"mfis": -4.0}, "no effect that helps on Fatigue"),
        ({"mfis": 0.0}, "no effect that helps on Fatigue"),
    ],
)
def test_what_is_no_benefit_is_refused(relevant, problem):
    with pytest.raises(FindingsError) as error:
        workflow(relevant=relevant)
    assert [problem in finding.problem for finding in error.value.findings] == [True]
    assert error.value.findings[0].allowed


def test_what_matters_belongs_to_the_hash_of_the_plan():
    digests = {analysis_plan(workflow(relevant=one)).digest for one in ({}, {"mfis": 4.0}, {"mfis": 8.0})}
    assert len(digests) == 3


def test_tables_are_headed_named_and_reached_by_keyboard():
    page = (
        '<div class="scroll"><table class="x"><caption>All &lt;b&gt;</caption><thead><tr><th>a</th>'
        '<th class="n">b&shy;c</th></tr></thead><tbody><tr><th>1</th><td class="n">2</td></tr></tbody>'
        "</table></div>"
        "<p><table><tbody><tr><th>k</th><td>v</td></tr></tbody></table></p>"
    )
    made = finish_tables(page)
    assert made.count('tabindex="0"') == made.count("<table") == made.count('role="region"') == 2
    assert '<th scope="col">a</th><th scope="col" class="n">' in made
    assert '<th scope="row">1</th><td class="n" data-name="bc">2</td>' in made
    assert 'aria-label="Table 1: All &lt;b&gt;"' in made
    assert 'class="cards x"' in made
    assert '<th scope="row">k</th><td>v</td>' in made  # a table without heads is not stacked
    assert made.count("<div") == made.count("</div>") == 2


def test_the_size_of_the_page_and_of_its_next_step_is_one_number():
    design = workflow().design.changed(participants=121)
    assert [design.size_for(size) for size in (641, 644, 645, 100)] == [644, 644, 648, 100]
    assert design.size_for(121) == 121  # large enough as it stands, though no whole number of blocks
    large = workflow(design=design)
    needed = design.size_for(641)
    step = next_step(large, [row("not with this design", participants_needed=(400, 500, needed))], KNOWN)
    assert f"Size: {needed:,} participants" in step.text
    assert yaml.safe_load(step.workflow)["design"]["participants"] == needed
