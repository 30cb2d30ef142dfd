"""The grid of a surface: what follows from the design, and what is refused, all at once."""

import numpy as np
import pytest

from eubiosis.core.findings import FindingCollector, FindingsError
from eubiosis.therapy import placebo, prebiotic
from eubiosis.trial.design import Design
from eubiosis.trial.redraw import people_by_lot
from eubiosis.trial.surface_grid import SurfaceGrid
from eubiosis.workflow.feasibility import check_feasible, predicted_cost
from eubiosis.workflow.workflow import Workflow

ARMS = {"placebo": placebo(), "inulin": prebiotic("inulin", dose="12 g/day")}
DESIGN = Design(arms=ARMS, participants=50, visits=[0, 12, 24, 36, 48], primary="treg")
WORDS = dict.fromkeys(("title", "question", "context_of_use", "decision"), "A test.")


def test_what_is_left_out_follows_from_the_design():
    grid = SurfaceGrid().filled_for(DESIGN)
    assert (grid.participants, grid.weeks) == ((25, 50, 100), (24.0, 48.0))
    assert grid.endpoints == ("treg", "relapses", "mfis")
    one = DESIGN.changed(visits=[0, 4], participants=6)
    assert SurfaceGrid().filled_for(one).weeks == (4.0,)
    assert SurfaceGrid().filled_for(one).participants == (4, 6, 12)


def test_everything_wrong_is_said_at_once():
    grid = {"participants": [3, 50, 50], "weeks": [24.0, 13.0], "endpoints": ["relapse"], "replicates": 1}
    with pytest.raises(FindingsError) as error:
        SurfaceGrid(**grid)
    said = str(error.value)
    assert 'nearest "relapses"' in said
    assert "participants[0]: 3 is out of range; allowed: a whole number from 4 to 20000" in said
    assert "replicates" in said
    with pytest.raises(FindingsError, match="50 comes twice"):
        SurfaceGrid(participants=[50, 50])


def test_a_workflow_names_what_its_design_cannot_give():
    surface = {"participants": [4, 60], "weeks": [13.0]}
    with pytest.raises(FindingsError) as error:
        Workflow(**WORDS, design=DESIGN.changed(block=3), surface=surface)
    said = str(error.value)
    assert "surface.weeks[0] week 13 is no visit of the design after entry" in said.replace(
        ": ", " "
    ).replace(" /", "")
    assert "4 participants do not fill one block of 6" in said
    assert Workflow(**WORDS, design=DESIGN, surface=None).surface_grid is None


@pytest.mark.parametrize(("pool", "wanted"), [(10, 4), (10, 10), (10, 34)])
def test_people_are_taken_as_often_as_they_fit(pool, wanted):
    rows = people_by_lot(pool, wanted, 7, "0.0", 3)
    counts = np.bincount(rows, minlength=pool)
    assert counts.sum() == wanted
    assert set(counts) <= {wanted // pool, -(-wanted // pool)}
    assert rows.tolist() != people_by_lot(pool, wanted, 7, "0.0", 4).tolist()


def test_trials_that_are_redrawn_are_part_of_what_a_run_is_predicted_to_take():
    plain = Workflow(**WORDS, design=DESIGN, surface=None)
    few, many = (
        Workflow(**WORDS, design=DESIGN, surface=SurfaceGrid(participants=[200], replicates=n))
        for n in (10, 1000)
    )
    hours = [predicted_cost(each).cpu_hours for each in (plain, few, many)]
    assert hours[2] - hours[0] == pytest.approx(100 * (hours[1] - hours[0]))
    assert hours[1] > hours[0]
    huge = Workflow(**WORDS, design=DESIGN, surface=SurfaceGrid(participants=[20000], replicates=10000))
    findings = FindingCollector()
    check_feasible(huge, findings)
    assert "CPU hours" in str(FindingsError(findings.findings))
    cut = Workflow(**WORDS, design=DESIGN.changed(participants=2000))  # has no surface of its own
    assert predicted_cost(cut) == predicted_cost(cut.changed(surface=None))
