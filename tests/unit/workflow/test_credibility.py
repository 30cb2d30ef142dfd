"""Credibility of a run and its distances: rules by hand, a file that its schema holds, links that exist."""

import dataclasses
import json
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eubiosis import therapy, trial
from eubiosis.core.applicability import DISTANCES
from eubiosis.core.content import PACKAGED_CONTENT
from eubiosis.core.credibility import Credibility, credibility_schema, credibility_text
from eubiosis.core.report_input import EffectRow, empty_report
from eubiosis.workflow.applicability import Compared, applicability, comparisons, family_of
from eubiosis.workflow.credibility import credibility, packaged_tables, tables_markdown
from eubiosis.workflow.workflow import Workflow

ROOT = Path(__file__).parents[3]
WORDS = {"title": "T", "question": "Q?", "context_of_use": "C", "decision": "D"}


def _workflow(primary="mfis", dose="12 g/day", weeks=12):
    arms = {"placebo": therapy.placebo(), "fibre": therapy.prebiotic("inulin", dose=dose)}
    design = trial.Design(arms=arms, participants=40, visits=[0, weeks], primary=primary)
    return Workflow(**WORDS, design=design)


def _distances(workflow, *compared):
    return {row.aspect: row.distance for row in applicability(workflow, compared).rows}


@pytest.mark.parametrize(
    ("compared", "expected"),
    [
        ((), dict.fromkeys(("population", "endpoint", "therapy", "dose", "duration"), "never checked")),
        (
            (Compared("a", True, "inulin", "fatigue", 12.0, 84.0),),
            dict.fromkeys(("population", "endpoint", "therapy", "dose", "duration"), "checked"),
        ),
        (
            (Compared("a", False, "fos", "fatigue", 12.0, 84.0),),  # another prebiotic, no MS
            {"population": "near", "endpoint": "near", "therapy": "near", "dose": "never checked",
             "duration": "never checked"},
        ),
        (
            (Compared("a", True, "drug", "fatigue"),),  # a drug is no response to a microbiome therapy
            {"population": "never checked", "endpoint": "far", "therapy": "never checked",
             "dose": "never checked", "duration": "never checked"},
        ),
        (
            (Compared("a", False, "inulin", "guilds", 20.0, 14.0),),  # 20 / 12 = 1.67; 84 / 14 = 6
            {"population": "near", "endpoint": "never checked", "therapy": "checked", "dose": "near",
             "duration": "far"},
        ),
        (
            (Compared("a", False, "inulin", "guilds", 30.0, 45.0),),  # 30 / 12 = 2.5; 84 / 45 = 1.87
            {"population": "near", "endpoint": "never checked", "therapy": "checked", "dose": "far",
             "duration": "near"},
        ),
    ],
)  # fmt: skip
def test_distances_by_hand(compared, expected):
    assert _distances(_workflow(), *compared) == expected


@given(
    st.lists(
        st.builds(
            Compared,
            st.just("x"),
            st.booleans(),
            st.sampled_from(["", "drug", "inulin", "fos", "high_fibre_diet"]),
            st.sampled_from(["fatigue", "guilds", "relapses"]),
            st.one_of(st.none(), st.floats(0.1, 100)),
            st.one_of(st.none(), st.floats(1, 700)),
        ),
        min_size=1,
        max_size=6,
    )
)
def test_a_further_comparison_never_moves_a_question_away(compared):
    workflow = _workflow()
    fewer, more = _distances(workflow, *compared[:-1]), _distances(workflow, *compared)
    assert all(DISTANCES.index(more[name]) <= DISTANCES.index(fewer[name]) for name in fewer)


def test_nothing_that_was_fitted_counts_as_checked():
    from eubiosis.calibration.roles import ever_fitted, read_tables, roles

    log = read_tables().log
    fitted = {row.id for row in roles() if ever_fitted(row, log)}
    ids = {one.where.rsplit(", ", 1)[-1] for one in comparisons()}
    assert not ids & fitted
    assert not any("Baxter 2019, inulin" in one.where for one in comparisons())  # a target of the gut


def test_what_the_package_has_checked_for_relapses_and_fatigue():
    rows = {row.aspect: row for row in applicability(_workflow("relapses", weeks=48)).rows}
    # one antibiotic; the eight rows of drugs and the worm are farther away
    assert (rows["endpoint"].distance, rows["endpoint"].rows) == ("near", 1)
    assert rows["endpoint"].nearest.startswith("RECYCLINE 2016")
    found = applicability(_workflow("mfis"))
    fatigue = {row.aspect: row for row in found.rows}["endpoint"]
    assert (fatigue.distance, fatigue.rows) == ("near", 3)  # a probiotic and two diets
    assert [words in fatigue.nearest for words in ("Rahimlou 2020", "Katz Sand 2019", "Chen 2023")] == [
        True
    ] * 3
    assert "compared with 3 trials" in found.summary
    assert "1 fresh, 2 seen before" in found.summary
    lesions = applicability(_workflow("t2_lesions", weeks=48)).summary
    assert "T2 lesions" in lesions.partition(";")[0]
    assert "compared with" not in lesions
    assert {family_of(name) for name in ("gd_lesions", "t2_lesions")} == {"lesions"}


def _shown(**changes):
    row = EffectRow(
        endpoint="mfis", label="Fatigue", arm="fibre", scale="difference", unit="points", better="lower",
        truth=(0, 0, 0), estimate=(0, 0, 0), standardised=(0, 0, 0), power=0.1, power_error=0.02,
        coverage=0.95, trials=100, not_usable=2, method="m", clinical=True, tested="", primary=True,
    )  # fmt: skip
    return dataclasses.replace(
        empty_report("T"), effects=(dataclasses.replace(row, **changes),), basis_shares={"assumed": 0.4}
    )


def _outcomes(made):
    return [one.outcome for one in made.assessment.technical_criteria]


def test_criteria_by_hand():
    workflow = _workflow()
    own = workflow.changed(simulation=workflow.simulation.changed(gut_worlds=20, host_worlds=10))
    good = _outcomes(credibility(own, _shown(), "0"))
    assert good == ["met", "met", "met", "met", "met", "not tested", "missed"]
    bad = _outcomes(credibility(_workflow(), _shown(power_error=0.06, coverage=0.9, not_usable=6), "0"))
    assert bad[:4] == ["missed"] * 4
    lost = _outcomes(credibility(own, _shown(power_error=math.nan), "0"))
    assert lost[1] == "not tested"


def test_ratings_by_rule():
    made = credibility(_workflow("stool_butyrate"), _shown(), "0").assessment
    assert (made.model_risk.level, made.model_impact.level) == ("high", "medium")
    design = trial.Design(
        arms={"placebo": therapy.placebo(), "fmt": therapy.Therapy(product="fecal_transplant")},
        participants=40, primary="mfis",
    )  # fmt: skip
    high = credibility(Workflow(**WORDS, design=design), _shown(), "0").assessment
    assert high.consequence_of_wrong_decision.level == "high"
    assert high.model_impact.level == "high"


def test_the_file_is_what_its_schema_says():
    made = credibility(_workflow(), _shown(), "abc")
    text = credibility_text(made)
    assert Credibility.model_validate_json(text) == made
    record, schema = json.loads(text), credibility_schema()
    assert record["schema"] == "eubiosis.credibility/1"
    assert "nobody else has assessed it" in record["statement"]
    jsonschema = pytest.importorskip("jsonschema")
    validator = jsonschema.Draft202012Validator(schema)
    validator.validate(record)
    assert list(validator.iter_errors({**record, "praise": "excellent"}))
    assert list(validator.iter_errors({**record, "simulated": False}))


def test_tables_are_whole_and_their_links_exist():
    factors, answers, sources = packaged_tables()
    assert (len(factors), len(answers), len(sources)) == (13, 24, 3)
    assert [one for one in (*factors, *answers) if not (ROOT / one.link).is_file()] == []
    assert all(one.missing for one in factors if one.level < 2)  # what is done in part says what is missing
    assert not any(one.level == 3 for one in factors)
    assert (PACKAGED_CONTENT / "credibility" / "factors.tsv").is_file()


def test_the_page_shows_the_tables_as_they_are():
    page = (ROOT / "docs" / "concepts" / "credibility.md").read_text("utf-8")
    shown = page.split("<!-- credibility: begin -->\n")[1].split("<!-- credibility: end -->")[0]
    assert shown == tables_markdown()
    assert "32 of 48" in shown
    assert f"Today there are {len(comparisons())};" in page
