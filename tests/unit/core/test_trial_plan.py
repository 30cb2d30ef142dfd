"""The plan of a real trial: refused by the same rules from Python and YAML, all at once."""

from __future__ import annotations

import pytest

from eubiosis.core.findings import FindingCollector, FindingsError
from eubiosis.core.from_yaml import check_yaml
from eubiosis.core.trial_plan import MODELS, STRATEGIES, TrialPlan
from trial_plans import endpoint, plan, write_plan


def said(content: dict, tmp_path=None) -> list[tuple[str, str]]:
    with pytest.raises(FindingsError) as caught:
        TrialPlan(**content)
    found = [(f.place, f.problem) for f in caught.value.findings]
    if tmp_path is not None:
        collector = FindingCollector()
        assert check_yaml(write_plan(tmp_path, content), TrialPlan, collector) is None
        by_yaml = {(f.place.split(", ", 1)[1], f.problem) for f in collector.findings}
        assert by_yaml == set(found)
        assert all(f.line > 0 for f in collector.findings)
    return found


def test_a_right_plan_is_the_same_from_python_and_yaml(tmp_path) -> None:
    collector = FindingCollector()
    read = check_yaml(write_plan(tmp_path, plan()), TrialPlan, collector)
    assert not collector.findings
    assert read == TrialPlan(**plan())
    assert read.endpoints[0].role == "primary"
    assert read.visits[0].spellings == ("Baseline",)


WRONG = [
    ({"multiplicity": "holmes"}, ("multiplicity", '"holmes" is unknown; nearest "holm"')),
    ({"alpha": 0.5}, ("alpha", "0.5 is out of range")),
    ({"arms": [{"name": "a"}, {"name": "b"}]}, ("arms", "0 arms are the control")),
    (
        {"arms": [{"name": "a", "control": True}, {"name": "A"}]},
        ("arms[1].name", 'the name "A" is that of arms[0] too'),
    ),
    (
        {"arms": [{"name": "a", "control": True, "spellings": ["x"]}, {"name": "b", "spellings": ["x"]}]},
        ("arms[1].spellings", '"x" means both a and b'),
    ),
    ({"arms_left_out": ["PBO"]}, ("arms_left_out[0]", '"PBO" is left out and means placebo')),
    ({"visits": []}, ("visits", "a column of visits and no schedule")),
    (
        {"visits": [{"name": "a", "week": 0}, {"name": "b", "week": 0}]},
        ("visits[1].week", "0.0 is there twice"),
    ),
    ({"missing": [{"column": "x", "codes": []}]}, ("missing[0].codes", "0 of them")),
    (
        {"missing": [{"column": "x", "codes": [1]}, {"column": "x", "codes": [2]}]},
        ("missing[1].column", '"x" is there twice'),
    ),
    ({"colour": 3}, ("colour", 'the key "colour" is unknown; nearest "columns"')),
]


@pytest.mark.parametrize(("change", "wanted"), WRONG)
def test_a_wrong_plan_says_where_and_what(change: dict, wanted: tuple[str, str], tmp_path) -> None:
    assert wanted in said(plan(**change), tmp_path)


OF_ENDPOINT = [
    ({"model": "cox"}, "model", 'the model "cox" is not for a score'),
    ({"kind": "scores"}, "kind", '"scores" is unknown; nearest "score"'),
    (
        {"model": "mmrm"}, "missing_data",
        '"complete cases" is not carried out by the model "mmrm"',
    ),
    ({"exposure": "years"}, "exposure", "a score endpoint does not use exposure"),
    (
        {"kind": "count", "model": "negative binomial"}, "exposure", "a count endpoint needs exposure",
    ),
    ({"visit": "Week 13"}, "visit", '"Week 13" is no visit of the plan'),
    ({"visit": "Baseline"}, "baseline_visit", "the baseline is not before the visit"),
    ({"baseline_column": "base"}, "baseline_column", "the baseline is named twice"),
    ({"visit": None, "baseline_visit": None, "missing_data": "copy reference"}, "visit",
     '"copy reference" needs the visit whose value is compared'),
    ({"range": [84, 0]}, "range", "the range [84, 0] is reversed"),
    (
        {"covariates": [{"column": "a", "kind": "number"}, {"column": "a", "kind": "category"}]},
        "covariates[1].column", '"a" is there twice',
    ),
    ({"covariates": [{"column": "a", "kind": "text"}]}, "covariates[0].kind", '"text" is unknown'),
]  # fmt: skip


@pytest.mark.parametrize(("change", "place", "problem"), OF_ENDPOINT)
def test_a_wrong_endpoint_says_where_and_what(change: dict, place: str, problem: str, tmp_path) -> None:
    assert (f"endpoints[0].{place}", problem) in said(plan(endpoint(**change)), tmp_path)


def test_strategies_that_are_not_carried_out_are_refused() -> None:
    words = {"treatment": "a", "population": "b", "variable": "c"}
    event = {"event": "death", "strategy": "composite"}
    found = said(plan(endpoint(estimand={**words, "events": [event]})))
    assert ("endpoints[0].estimand.events[0].strategy", '"composite" is unknown') in found
    event = {"event": "rescue", "strategy": "hypothetical"}
    found = said(plan(endpoint(estimand={**words, "events": [event]})))
    assert found[0][0] == "endpoints[0].estimand.events[0].week_column"


def test_two_endpoints_of_one_name_and_a_family_without_hypotheses() -> None:
    assert ("endpoints[1].name", '"fatigue" is there twice') in said(plan(endpoint(), endpoint()))
    found = said(plan(endpoint(role="exploratory"), multiplicity="holm"))
    assert ("multiplicity", "nothing but exploratory endpoints to adjust") in found


def test_all_that_is_wrong_comes_at_once_and_a_list_is_not_called_short_for_it() -> None:
    found = said(plan(endpoint(model="cox", range=[1]), alpha=2, multiplicity="x"))
    assert {place for place, _ in found} == {
        "endpoints[0].range",
        "endpoints[0].model",
        "alpha",
        "multiplicity",
    }


NEEDED = {
    "count": {"exposure": "years"},
    "binary": {"event_values": ["yes"], "summary": "odds ratio"},
    "time to event": {"event": "ended", "event_values": [1], "baseline_visit": None},
}
ALL = [
    (kind, model, strategy)
    for kind, models in MODELS.items()
    for model in models
    for strategy in STRATEGIES.get(model, ("complete cases",))
]


@pytest.mark.parametrize(("kind", "model", "strategy"), ALL)
def test_every_kind_model_and_strategy_that_fit_make_a_plan(kind: str, model: str, strategy: str) -> None:
    one = endpoint(kind=kind, model=model, missing_data=strategy, **NEEDED.get(kind, {}))
    assert TrialPlan(**plan(one)).endpoints[0].model == model


def test_the_schema_shows_bounds_and_words() -> None:
    schema = TrialPlan.json_schema()
    assert schema["properties"]["alpha"]["maximum"] == 0.2
    assert schema["$defs"]["PlannedEndpoint"]["properties"]["kind"]["enum"] == list(MODELS)
