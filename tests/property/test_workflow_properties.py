"""Whatever stands in a workflow, it is read or it is a finding: nothing else is ever raised."""

import json

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from eubiosis.core.content import PACKAGED_CONTENT
from eubiosis.core.findings import FindingsError
from eubiosis.workflow.files.workflow_yaml import read_workflow, resolved_yaml, workflow_schema

DEMO = yaml.safe_load((PACKAGED_CONTENT / "trials" / "demo.yaml").read_text(encoding="utf-8"))
BUT_FOLDER = {"population": {"folder"}}  # where a workflow lies is not part of what it says
PLACES = [
    (),
    *((key,) for key in (*workflow_schema()["properties"], "background")),
    ("arms", 1, "dose"),
    ("arms", 1, "therapy"),
    ("arms", 2, "stop"),
    ("arms", 0, "adherence"),
    ("design", "visits"),
    ("design", "allocation"),
    ("population", "group"),
]
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
VALUES = st.recursive(SCALARS, lambda v: st.lists(v, max_size=3) | st.dictionaries(st.text(), v, max_size=3))


def replaced(content, place, value):
    if not place:
        return value
    copy = content.copy()
    copy[place[0]] = replaced(
        content.get(place[0]) if isinstance(content, dict) else content[place[0]], place[1:], value
    )
    return copy


def read(folder, text):
    path = folder / "w.yaml"
    path.write_text(text, encoding="utf-8")
    found = ()
    try:
        spec = read_workflow(path)
    except FindingsError as error:
        spec, found = None, error.findings
    assert (spec is None) == bool(found)
    assert all(finding.next_step for finding in found)
    return spec


@settings(max_examples=150, deadline=None)
@given(place=st.sampled_from(PLACES), value=VALUES)
def test_any_value_anywhere_is_read_or_a_finding(tmp_path_factory, place, value):
    # JSON is YAML; NaN and infinity stay words that the reader must refuse
    spec = read(tmp_path_factory.mktemp("w"), json.dumps(replaced(DEMO, place, value)))
    if spec is not None:
        again = read(tmp_path_factory.mktemp("w"), resolved_yaml(spec))
        assert again.model_dump(exclude=BUT_FOLDER) == spec.model_dump(exclude=BUT_FOLDER)


@settings(max_examples=150, deadline=None)
@given(
    number=st.sampled_from(["1", "-1", "1e3", "1.2.3", "nan", ".", "+", "0"]),
    unit=st.text(max_size=6)
    | st.sampled_from(["g/day", "mg/d", "kg/week", "degC/day", "g/g", "pH/day", "e/e"]),
)
def test_any_dose_is_read_or_a_finding(tmp_path_factory, number, unit):
    dose = f"{number} {unit}"
    spec = read(tmp_path_factory.mktemp("w"), json.dumps(replaced(DEMO, ("arms", 1, "dose"), dose)))
    if spec is not None:
        assert spec.design.arms[1].therapy.amount >= 0


@settings(max_examples=100, deadline=None)
@given(text=st.text(alphabet=st.sampled_from("ab:- \n[]{}&*!|>#\"',0\t\\%@`?"), max_size=60))
def test_any_text_is_read_or_a_finding(tmp_path_factory, text):
    assert read(tmp_path_factory.mktemp("w"), text) is None
