"""A good workflow: defaults, what it becomes, and that writing it out loses nothing."""

import hashlib
import json
import re
from pathlib import Path

import pytest
import yaml
from pydantic import BaseModel, ValidationError

from eubiosis.core.content import PACKAGED_CONTENT
from eubiosis.core.endpoints import ENDPOINTS
from eubiosis.core.guilds import GUILDS
from eubiosis.population.taxa import GUILDS as TAXA_GUILDS
from eubiosis.workflow.files.spec import WorkflowSpec, read_workflow, resolved_yaml, to_design
from eubiosis.workflow.plan import analysis_plan, plan_hash

REFERENCE = Path(__file__).parents[3] / "docs" / "reference" / "workflow_yaml.md"


def test_defaults_are_filled_in(write):
    design = to_design(read_workflow(write()))
    assert design.visits == (0, 12, 24, 36, 48)
    assert design.allocation == (1, 1)
    assert design.control.name == "placebo"
    assert [arm.therapy.dose for arm in design.active] == [12.0]
    assert {arm.therapy.stop_week for arm in design.arms} == {48.0}
    assert design.days == 336
    assert read_workflow(write()).seed == 2026


def test_the_last_visit_ends_a_therapy_that_names_no_end(write):
    spec = read_workflow(write(("  participants: 40\n", "  participants: 40\n  visits: [0, 4, 26]\n")))
    assert {arm.stop for arm in spec.arms} == {26.0}


def test_another_control_can_be_named(write):
    path = write(("    dose: 12 g/day\n", "    dose: 1200 mg/day\n    control: true\n"))
    design = to_design(read_workflow(path))
    assert design.control.name == "inulin"
    assert design.control.therapy.dose == pytest.approx(1.2)
    assert [arm.name for arm in design.active] == ["placebo"]


def test_numbers_and_words_are_read_as_a_reader_means_them(write):
    path = write(("name: inulin", "name: on"), add="seed: 007\nbackground: {relapses_per_year: 3e-1}\n")
    spec = read_workflow(path)
    assert (spec.arms[1].name, spec.seed, spec.background.relapses_per_year) == ("on", 7, 0.3)


@pytest.mark.parametrize("name", ["demo", "template"])
def test_the_packaged_workflows_are_right_and_come_back_from_their_resolved_form(tmp_path, name):
    spec = read_workflow(PACKAGED_CONTENT / "trials" / f"{name}.yaml")
    (tmp_path / "again.yaml").write_text(resolved_yaml(spec), encoding="utf-8")
    again = read_workflow(tmp_path / "again.yaml")
    assert again.model_dump() == spec.model_dump()
    assert resolved_yaml(again) == resolved_yaml(spec)
    assert to_design(again) == to_design(spec)


def test_every_key_stands_in_the_resolved_form_and_in_the_reference(write):
    resolved = yaml.safe_load(resolved_yaml(read_workflow(write())))
    words = set(re.findall(r"`([a-z_]+)`", REFERENCE.read_text(encoding="utf-8")))

    def walk(schema: type[BaseModel], record):
        assert set(record) == set(schema.model_fields)
        assert set(schema.model_fields) <= words
        for name, field in schema.model_fields.items():
            inner = [field.annotation, *getattr(field.annotation, "__args__", ())]
            nested = [t for t in inner if isinstance(t, type) and issubclass(t, BaseModel)]
            if nested:
                walk(nested[0], record[name][0] if isinstance(record[name], list) else record[name])

    walk(WorkflowSpec, resolved)


def test_a_workflow_cannot_be_changed(write):
    spec = read_workflow(write())
    with pytest.raises(ValidationError, match="frozen"):
        spec.seed = 3


def test_paths_are_relative_to_the_workflow(write, tmp_path):
    (tmp_path / "t.tsv").write_text("id\tBlautia\na\t1\n")
    spec = read_workflow(write(add="population: {source: stool, table: t.tsv}\n"))
    assert spec.table_path == tmp_path / "t.tsv"
    assert spec.metadata_path is None
    assert str(tmp_path) not in resolved_yaml(spec)


def test_the_guilds_of_the_endpoints_are_those_of_the_model():
    assert TAXA_GUILDS == GUILDS
    assert [e for e in ENDPOINTS if e.startswith("share_")] == [f"share_{g}" for g in GUILDS]
    assert all(row.id == name for name, row in ENDPOINTS.items())
    # what no trial has tested says so
    assert ENDPOINTS["relapses"].tested.startswith("no trial in our tables has tested relapses")
    assert all(
        row.tested.startswith("no trial in our tables has tested")
        for row in ENDPOINTS.values()
        if row.clinical
    )


def test_the_plan_has_one_primary_and_every_attribute(write):
    plan = analysis_plan(read_workflow(write()))
    estimands = {row["endpoint"]: row for row in plan["estimands"]}
    assert set(estimands) == set(ENDPOINTS)
    assert [name for name, row in estimands.items() if row["role"] == "primary"] == ["mfis"]
    for row in estimands.values():
        assert all(row[key] for key in ("treatment", "population", "variable", "summary", "method"))
        assert all(event["strategy"] for event in row["intercurrent_events"])
    assert estimands["relapses"]["summary"] == "rate ratio"
    assert "follow-up as offset" in estimands["gd_lesions"]["method"]
    assert estimands["mfis"]["summary"] == "difference in means, points"
    assert estimands["plasma_butyrate"]["summary"] == "ratio of geometric means"
    assert "age 18 to 60; EDSS 0 to 5.5" in estimands["mfis"]["population"]
    assert "only primary endpoint" in plan["multiplicity"]


def test_the_hash_of_the_plan_follows_the_analysis_and_not_the_seed(write):
    first = plan_hash(analysis_plan(read_workflow(write())))
    assert first == plan_hash(analysis_plan(read_workflow(write(add="seed: 5\n"))))
    assert first != plan_hash(analysis_plan(read_workflow(write(("mfis", "relapses")))))
    # independent of our own layout: the hash of the canonical JSON text
    plan = analysis_plan(read_workflow(write()))
    text = json.dumps(json.loads(json.dumps(plan)), sort_keys=True, separators=(",", ":"))
    assert first == hashlib.sha256(text.encode()).hexdigest()
