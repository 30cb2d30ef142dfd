"""What cannot end well is found before any work, with the key that is to be changed."""

import math
import types
from pathlib import Path

import numpy as np
import pytest

from eubiosis.core.calendar import DAYS_PER_YEAR
from eubiosis.core.findings import FindingCollector
from eubiosis.therapy import placebo, prebiotic
from eubiosis.trial import Design
from eubiosis.workflow import feasibility
from eubiosis.workflow.feasibility import check_disk, check_feasible, entry
from eubiosis.workflow.files.check_files import check_file
from eubiosis.workflow.files.workflow_yaml import check_workflow

ARMS = {"placebo": placebo(), "inulin": prebiotic("inulin", dose="12 g/day")}
WORKFLOW = """\
title: A design
question: Can it run?
context_of_use: A test.
decision: None.
seed: 1
population: {{source: reference, group: {group}}}
eligibility: {{age: {age}, edss: {edss}{more}}}
arms:
  - {{name: placebo, therapy: placebo}}
  - {{name: inulin, therapy: inulin, dose: 12 g/day}}
design: {{participants: {participants}, visits: {visits}, dropout_per_year: {dropout}}}
primary: {primary}
simulation: {{gut_worlds: {worlds}, host_worlds: {worlds}, replicates: 2}}
"""
GOOD = {"group": "MS", "age": "[18, 60]", "edss": "[0, 5.5]", "more": "", "participants": 20}
GOOD |= {"visits": "[0, 12]", "dropout": 0.1, "primary": "mfis", "worlds": 2}


def found(tmp_path, *, large=False, **changes):
    """Return the findings of a workflow by key, and the predicted cost."""
    path = tmp_path / "workflow.yaml"
    path.write_text(WORKFLOW.format(**{**GOOD, **changes}))
    findings = FindingCollector()
    spec = check_workflow(path, findings)
    findings.raise_if_any()
    cost = check_feasible(spec, findings, large=large)
    return {each.place: each.problem for each in findings.findings}, cost


def test_a_plain_design_has_no_finding(tmp_path):
    findings, cost = found(tmp_path)
    assert findings == {}
    assert 0 < cost.cpu_hours < 1


@pytest.mark.parametrize(
    ("changes", "key", "words"),
    [
        ({"group": "Control"}, "population.group", "not relapsing-remitting 2,000"),
        ({"age": "[18, 18]"}, "eligibility", "age"),
        ({"edss": "[9, 10]"}, "eligibility", "EDSS"),
        ({"more": ", mfis_from: 84"}, "eligibility", "fatigue below the threshold"),
        (
            {"more": ", relapses_last_year: 2, background: stable"},
            "eligibility",
            "relapses in the last year 1,0",
        ),
        (
            {"more": ", relapses_last_year: 20, background: stable"},
            "eligibility",
            "below 0.01% of the reference",
        ),
        ({"dropout": 5, "visits": "[0, 48]"}, "design.dropout_per_year", "participants are expected"),
        ({"edss": "[0, 0]", "primary": "edss"}, "eligibility.edss", "EDSS is primary"),
    ],
)
def test_what_cannot_end_well_is_named_with_its_key(tmp_path, changes, key, words):
    findings, _ = found(tmp_path, **changes)
    assert list(findings) == [key]
    assert words in findings[key]


def test_a_level_of_zero_lets_no_event_occur(tmp_path):
    for primary, level in (("relapses", "relapses_per_year: 0"), ("t2_lesions", "gd_lesions_per_scan: 0")):
        path = tmp_path / f"{primary}.yaml"
        text = WORKFLOW.format(**{**GOOD, "primary": primary}) + f"control_level: {{{level}}}\n"
        path.write_text(text)
        findings = FindingCollector()
        spec = check_workflow(path, findings)
        findings.raise_if_any()
        check_feasible(spec, findings)
        assert [each.place for each in findings.findings] == ["control_level"]


def test_a_share_by_hand():
    """Nobody is kept out by wide bounds, so the share is that of the relapsing course."""
    wide = Design(arms=ARMS, participants=20, eligibility={"age": (0, 120), "edss": None}, primary="mfis")
    open_to_all = entry(wide, "MS")
    relapsing = 1 - open_to_all.reasons["not relapsing-remitting"] / feasibility.CANDIDATES
    assert open_to_all.share == pytest.approx(relapsing)
    asked = entry(wide.changed(eligibility={"age": (0, 120), "edss": None, "mfis_from": 0.0}), "MS")
    assert 0.9 < asked.share / open_to_all.share <= 1  # nearly everybody scores at least 0


def test_the_prediction_is_linear_in_what_it_counts(tmp_path):
    _, small = found(tmp_path, worlds=2)
    _, more = found(tmp_path, worlds=4)
    _, people = found(tmp_path, worlds=2, participants=200)
    assert small.cpu_hours < more.cpu_hours < 4 * small.cpu_hours + 1e-9
    assert people.memory_mb > small.memory_mb
    assert "CPU" in small.words


def test_a_day_of_work_has_to_be_asked_for_and_memory_that_is_not_there_is_refused(tmp_path, monkeypatch):
    big = {"worlds": 1000, "participants": 500, "visits": "[0, 96]"}
    findings, _ = found(tmp_path, **big)
    assert "CPU hours" in findings["simulation"]
    findings, cost = found(tmp_path, large=True, **{**big, "worlds": 100})
    assert findings == {}
    assert cost.cpu_hours > 0
    monkeypatch.setattr(feasibility, "physical_memory", lambda: 100_000_000)
    findings, _ = found(tmp_path)
    assert "of the machine's 100 MB" in findings["design.participants"]


def test_memory_is_bounded_in_participants_and_time_is_not(tmp_path):
    """No more than a block of people is held at once; the largest trial that is not cut holds the most."""
    _, whole = found(tmp_path, participants=1_000)
    _, some = found(tmp_path, participants=1_001)
    _, many = found(tmp_path, participants=100_000)
    _, more = found(tmp_path, participants=200_000)
    assert whole.memory_mb > some.memory_mb == many.memory_mb == more.memory_mb
    assert more.cpu_hours == pytest.approx(2 * many.cpu_hours, rel=0.05)
    assert more.disk_mb == pytest.approx(2 * many.disk_mb, rel=0.05)


def test_a_dose_that_never_changes_is_predicted_to_be_solved_sooner(tmp_path):
    _, changing = found(tmp_path, participants=900)
    steady = "{mean: 1, sd: 0, missed_run: 0, fall_per_year: 0, reduced_per_year: 0}"
    text = WORKFLOW.replace("12 g/day}}", f"12 g/day, adherence: {{{steady}}}}}}}")
    path = tmp_path / "steady.yaml"
    path.write_text(text.format(**{**GOOD, "participants": 900}))
    findings = FindingCollector()
    cost = feasibility.predicted_cost(check_workflow(path, findings))
    findings.raise_if_any()
    assert cost.cpu_hours < changing.cpu_hours
    assert cost.memory_mb == changing.memory_mb


def test_a_disk_without_room_is_refused_before_the_work(tmp_path, monkeypatch):
    _, cost = found(tmp_path)
    full = types.SimpleNamespace(free=1_000)
    monkeypatch.setattr(feasibility.shutil, "disk_usage", lambda _: full)
    findings = FindingCollector()
    check_disk(cost, tmp_path / "not" / "yet" / "there", findings)
    assert "the disk has 0 MB" in findings.findings[0].problem
    assert findings.findings[0].place == "--out"


def test_the_chance_to_stay_is_that_of_a_constant_hazard(tmp_path):
    rate = 3.0
    findings, _ = found(tmp_path, participants=4, dropout=rate, visits="[0, 26]")
    left = math.exp(-rate * 182 / DAYS_PER_YEAR)
    assert f"{2 * left:.1f} participants are expected" in findings["design.dropout_per_year"]


def test_every_cost_is_there():
    assert Path(feasibility.COSTS).is_file()


@pytest.mark.parametrize(("level", "least"), [(0.3, 1), (0.8, 2), (3.0, 3)])
def test_the_chance_of_a_relapse_before_is_that_of_drawn_people(level, least, monkeypatch):
    """Gamma rates that stay, Poisson counts: those with the history show the level a year later."""
    monkeypatch.setattr(feasibility, "_planned", {"dispersion_of_relapse_rates": 1.9}.__getitem__)
    chance = feasibility._relapsed(level, least)
    draws = np.random.default_rng(5)
    shape, low, high = 1 / 1.9, level / 50, level
    unit = draws.gamma(shape, 1.9, 400_000)
    for _ in range(12):  # the mean of everybody at which the chosen have the level, by halving
        mean = math.sqrt(low * high)
        rates = mean * unit
        before = np.random.default_rng(6).poisson(rates) >= least
        low, high = (mean, high) if rates[before].mean() < level else (low, mean)
    assert chance == pytest.approx(before.mean(), rel=0.05)


def test_nobody_relapses_where_the_level_is_zero():
    assert feasibility._relapsed(0.0, 1) == 0.0


def test_findings_name_the_file_and_the_line(tmp_path):
    path = tmp_path / "workflow.yaml"
    path.write_text(WORKFLOW.format(**{**GOOD, "edss": "[9, 10]", "participants": 4, "dropout": 5}))
    findings = FindingCollector()
    check_file(path, findings)
    assert [(each.file, each.line, each.place) for each in findings.findings] == [
        (str(path), 7, "line 7, eligibility"),
        (str(path), 11, "line 11, design.dropout_per_year"),
    ]
