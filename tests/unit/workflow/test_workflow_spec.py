"""A good workflow: defaults, what it becomes, and that writing it out loses nothing."""

import hashlib
import json
import re
from dataclasses import asdict
from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from eubiosis.core.content import PACKAGED_CONTENT
from eubiosis.core.endpoints import ENDPOINTS
from eubiosis.core.guilds import GUILDS
from eubiosis.population.taxa import GUILDS as TAXA_GUILDS
from eubiosis.workflow.files.workflow_yaml import read_workflow, resolved_yaml, workflow_schema
from eubiosis.workflow.plan import analysis_plan

BUT_FOLDER = {"population": {"folder"}}  # where a workflow lies is not part of what it says
REFERENCE = Path(__file__).parents[3] / "docs" / "reference" / "workflow_yaml.md"


def test_defaults_are_filled_in(write):
    design = read_workflow(write()).design
    assert design.visits == (0, 12, 24, 36, 48)
    assert design.allocation == (1, 1)
    assert design.control.name == "placebo"
    assert [arm.therapy.amount for arm in design.active] == [12.0]
    assert {arm.therapy.stop for arm in design.arms} == {48.0}
    assert design.days == 336
    assert read_workflow(write()).seed == 2026


def test_the_last_visit_ends_a_therapy_that_names_no_end(write):
    spec = read_workflow(write(("  participants: 40\n", "  participants: 40\n  visits: [0, 4, 26]\n")))
    assert {arm.therapy.stop for arm in spec.design.arms} == {26.0}


def test_another_control_can_be_named(write):
    path = write(("    dose: 12 g/day\n", "    dose: 1200 mg/day\n    control: true\n"))
    design = read_workflow(path).design
    assert design.control.name == "inulin"
    assert design.control.therapy.amount == pytest.approx(1.2)
    assert [arm.name for arm in design.active] == ["placebo"]


def test_numbers_and_words_are_read_as_a_reader_means_them(write):
    path = write(("name: inulin", "name: on"), add="seed: 007\nbackground: {relapses_per_year: 3e-1}\n")
    spec = read_workflow(path)
    design = spec.design
    assert (design.arms[1].name, spec.seed, design.control_level.relapses_per_year) == ("on", 7, 0.3)


def test_the_level_of_the_control_arm_may_bear_its_old_name_and_is_written_with_its_new_one(write):
    old = read_workflow(write(add="background: {relapses_per_year: 0.2}\n"))
    new = read_workflow(write(add="control_level: {relapses_per_year: 0.2}\n"))
    assert old == new
    resolved = yaml.safe_load(resolved_yaml(old))
    assert resolved["control_level"]["relapses_per_year"] == 0.2
    assert "background" not in resolved


@pytest.mark.parametrize("name", ["demo", "template"])
def test_the_packaged_workflows_are_right_and_come_back_from_their_resolved_form(tmp_path, name):
    spec = read_workflow(PACKAGED_CONTENT / "trials" / f"{name}.yaml")
    (tmp_path / "again.yaml").write_text(resolved_yaml(spec), encoding="utf-8")
    again = read_workflow(tmp_path / "again.yaml")
    assert again.model_dump(exclude=BUT_FOLDER) == spec.model_dump(exclude=BUT_FOLDER)
    assert resolved_yaml(again) == resolved_yaml(spec)
    assert again.design == spec.design


# keys of an arm that no arm of the file has, and that no default fills in
ONLY_WHERE_GIVEN = {"ramp", "above_ceiling", "transplant", "with", "intercurrent"}


def test_every_key_stands_in_the_resolved_form_and_in_the_reference(write):
    resolved = yaml.safe_load(resolved_yaml(read_workflow(write())))
    words = set(re.findall(r"`([a-z_]+)`", REFERENCE.read_text(encoding="utf-8")))

    def walk(schema, record):
        keys = schema["properties"]
        assert set(record) == set(keys) - ONLY_WHERE_GIVEN
        assert set(keys) <= words
        for name, key in keys.items():
            if name in ONLY_WHERE_GIVEN:
                continue
            listed = key.get("type") == "array" and "properties" in key["items"]
            inner = key["items"] if listed else key
            if "properties" in inner:
                walk(inner, record[name][0] if listed else record[name])
                seen.append(name)

    seen = []
    walk(workflow_schema(), resolved)
    assert set(seen) == {
        "population", "eligibility", "control_level", "arms", "adherence", "design", "simulation",
    }  # fmt: skip


def test_a_workflow_cannot_be_changed(write):
    spec = read_workflow(write())
    with pytest.raises(ValidationError, match="frozen"):
        spec.seed = 3


def test_paths_are_relative_to_the_workflow(write, tmp_path):
    (tmp_path / "t.tsv").write_text("id\tBlautia\na\t1\n")
    spec = read_workflow(write(add="population: {source: stool, table: t.tsv}\n"))
    assert spec.population.table_path == tmp_path / "t.tsv"
    assert spec.population.metadata_path is None
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
    estimands = {row.endpoint: row for row in plan.estimands}
    assert set(estimands) == set(ENDPOINTS)
    assert len(plan.estimands) == len(ENDPOINTS)
    assert [name for name, row in estimands.items() if row.role == "primary"] == ["mfis"]
    for row in estimands.values():
        assert all((row.treatment, row.population, row.variable, row.summary, row.method))
        assert all(event.strategy for event in row.intercurrent_events)
    assert estimands["relapses"].summary == "rate ratio"
    assert "follow-up as offset" in estimands["gd_lesions"].method
    assert estimands["mfis"].summary == "difference in means, points"
    assert estimands["plasma_butyrate"].summary == "ratio of geometric means"
    assert "age 18 to 60; EDSS 0 to 5.5" in estimands["mfis"].population
    assert "only primary endpoint" in plan.multiplicity


def test_the_hash_of_the_plan_follows_the_analysis_and_not_the_seed(write):
    first = analysis_plan(read_workflow(write())).digest
    assert first == analysis_plan(read_workflow(write(add="seed: 5\n"))).digest
    assert first != analysis_plan(read_workflow(write(("mfis", "relapses")))).digest
    # independent of our own layout: the hash of the canonical JSON text
    plan = analysis_plan(read_workflow(write()))
    text = json.dumps(json.loads(json.dumps(asdict(plan))), sort_keys=True, separators=(",", ":"))
    assert first == hashlib.sha256(text.encode()).hexdigest()


def test_every_part_of_the_design_is_in_the_hash_of_the_plan(write):
    design = read_workflow(write()).design

    def digest(changed):
        return analysis_plan(read_workflow(write()).changed(design=changed)).digest

    others = [
        design.changed(participants=44),
        design.changed(visits="every 6 weeks to week 48"),
        design.changed(arms=design.arms[::-1]),
        design.changed(allocation=(1, 2)),
        design.changed(block=1),
        design.changed(dropout_per_year=0.2),
        design.changed(missed_visits=0.0),
        design.changed(placebo_response_mfis=0.0),
        design.changed(eligibility=design.eligibility.changed(edss=(0, 4))),
        design.changed(control_level=design.control_level.changed(relapses_per_year=0.2)),
    ]
    found = [digest(each) for each in (design, *others)]
    assert len(set(found)) == len(found)
