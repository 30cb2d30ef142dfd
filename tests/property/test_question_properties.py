"""One set of rules: whatever is wrong in a question is the same finding from Python and from YAML."""

import copy
import json

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eubiosis.core.control_arm import ControlQuestion
from eubiosis.core.findings import FindingsError
from eubiosis.core.from_yaml import from_yaml
from eubiosis.core.yaml_lines import Document, read_yaml
from eubiosis.workflow.question import Question

GOOD = {
    "title": "Fibre",
    "question": "Does it lower fatigue?",
    "decision": "Size the trial.",
    "intervention": "prebiotic",
    "agent": "inulin",
    "year": 2028,
    "population": {"phenotype": "RRMS", "background": "platform", "mfis_from": 38, "breakthrough": False},
    "design": {"blinding": "double", "comparator": "placebo", "years": [1, 2], "recruitable_per_arm": 150},
    "endpoints": [
        {"outcome": "MFIS", "role": "primary", "effect": 0.3, "baseline_correlation": 0.5},
        {"outcome": "ARR", "effect": 0.85, "relevant": 0.9},
    ],
    "recruitment": {"per_month": 8},
    "prices": {"currency": "EUR", "fixed": 3},
}
WORDS = st.sampled_from(
    ["", " ", "none", "platfrm", "ARR", "hs-CRP", "primary", "double", "no", "12 g", "EAE", "x" * 2001]
)
VALUES = st.one_of(
    WORDS,
    st.integers(-3, 30_000),
    st.floats(-3, 3, allow_nan=False),
    st.sampled_from(
        [float("nan"), float("inf"), True, False, None, [], {}, [2, 1], [1, "a"], {"a": 1}, [{}]]
    ),
)


def places(content, prefix=()):
    """Yield the place of everything inside a content."""
    items = content.items() if isinstance(content, dict) else enumerate(content)
    for key, value in items:
        yield (*prefix, key)
        if isinstance(value, dict | list):
            yield from places(value, (*prefix, key))


STEPS = st.tuples(
    st.integers(0, 10_000),
    st.sampled_from(["replace", "replace", "replace", "remove", "add"]),
    VALUES,
    st.sampled_from(["efect", "stranger", "titel"]),
)


def mutated(steps):
    """Return a question with some of its values replaced, removed or joined by a stranger."""
    content = copy.deepcopy(GOOD)
    for number, action, value, stranger in steps:
        there = sorted(places(content), key=str)
        if not there:
            break
        place = there[number % len(there)]
        inner = content
        for step in place[:-1]:
            inner = inner[step]
        if action == "replace":
            inner[place[-1]] = copy.deepcopy(value)
        elif action == "remove":
            del inner[place[-1]]
        elif isinstance(inner, dict):
            inner[stranger] = copy.deepcopy(value)
    return content


def from_python(kind, content):
    try:
        made = kind(**content)
    except FindingsError as error:
        return None, {(f.place, f.problem, f.allowed, f.next_step) for f in error.findings}
    return made, set()


def from_file(kind, content, path):
    apart = json.loads(json.dumps(content))  # no object twice, which YAML would write as an alias
    path.write_text(yaml.safe_dump(apart, sort_keys=False, allow_unicode=True), encoding="utf-8")
    try:
        made = from_yaml(path, kind)
    except FindingsError as error:
        found = error.findings
        assert [f.line for f in found] == sorted(f.line for f in found)
        return None, {
            (f.place.removeprefix(f"line {f.line}").removeprefix(", "), f.problem, f.allowed, f.next_step)
            for f in found
        }
    return made, set()


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(STEPS, max_size=4))
def test_python_and_yaml_find_the_same(tmp_path, steps):
    content = mutated(steps)
    made, wrong = from_python(Question, content)
    read, found = from_file(Question, content, tmp_path / "question.yaml")
    assert found == wrong
    if made is not None and all(isinstance(key, str) for key in content):
        assert read == made


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.dictionaries(st.sampled_from(["year", "background", "people", "years", "odd"]), VALUES))
def test_a_control_arm_too(tmp_path, content):
    if not content:
        return
    made, wrong = from_python(ControlQuestion, content)
    read, found = from_file(ControlQuestion, content, tmp_path / "arm.yaml")
    assert (read, found) == (made, wrong)


@pytest.mark.parametrize("place", sorted(places(GOOD), key=str))
def test_each_value_taken_away_alone_is_the_same_finding(tmp_path, place):
    content = copy.deepcopy(GOOD)
    inner = content
    for step in place[:-1]:
        inner = inner[step]
    del inner[place[-1]]
    assert from_file(Question, content, tmp_path / "q.yaml") == from_python(Question, content)


def test_the_lines_are_those_of_the_file(tmp_path):
    path = tmp_path / "q.yaml"
    path.write_text(yaml.safe_dump(GOOD, sort_keys=False), encoding="utf-8")
    document = read_yaml(path, None)
    assert isinstance(document, Document)
    text = path.read_text("utf-8").splitlines()
    for place in places(GOOD):
        if isinstance(place[-1], str):
            assert text[document.line(place) - 1].strip("- ").startswith(f"{place[-1]}:")
