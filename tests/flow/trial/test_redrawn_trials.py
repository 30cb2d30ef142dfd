"""Trials drawn from the people of a world: sizes, weeks, samples, and a surface in the results of a run."""

import json
from dataclasses import replace

import numpy as np
import pytest
from small_trials import DESIGN, make_task

from eubiosis.analysis.estimates import estimate
from eubiosis.core.endpoints import ENDPOINTS
from eubiosis.core.trial_stacks import StackedObserved
from eubiosis.trial.redraw import Pool
from eubiosis.trial.surface_grid import SurfaceGrid
from eubiosis.trial.world.host_world import WHOLE_TRIALS, EnrolledWorld, clinical_laws, trial_stacks
from eubiosis.workflow.surface_cells import cells_of_pool
from eubiosis.workflow.trial_chunk import run_chunk
from eubiosis.workflow.trial_surface import surface_of


@pytest.fixture(scope="module")
def people(trial_model, world):
    return Pool.of(trial_model, EnrolledWorld.of(trial_model, world, DESIGN), DESIGN, (0, 0))


def test_a_shorter_trial_has_less_of_everything(people):
    short, whole = people.until(4.0), people.until(12.0)
    assert (short.design.days, whole.design.days) == (28, 84)
    assert np.all(short.courses.expected_relapses < whole.courses.expected_relapses)
    # the clocks of the shorter trial are the beginning of those of the longer one
    begin, longer = short.courses.lesions[0].courses, whole.courses.lesions[0].courses
    assert np.array_equal(begin, longer[:, : begin.shape[1]])
    (seen, _), *_ = short.trials(24, range(8))
    assert seen.weeks.tolist() == [0.0, 4.0]
    assert seen.of_subjects["follow_up_years"].max() == pytest.approx(28 / 365.25)
    with pytest.raises(ValueError, match="week 5 is no visit"):
        people.until(5.0)


def test_more_samples_a_visit_leave_less_noise_and_the_same_people(people):
    whole = people.until(12.0)

    def noise(samples):
        ((seen, _),) = whole.trials(12, range(8), samples=samples)
        change = np.log(seen.of_visits["stool_butyrate"][-1] / seen.of_visits["stool_butyrate"][0])
        return seen, np.nanvar(change, axis=1).mean()

    (one, wide), (many, narrow) = noise(1), noise(9)
    assert np.array_equal(one.arm, many.arm)
    assert np.array_equal(one.of_subjects["relapses"], many.of_subjects["relapses"])
    assert narrow < wide


def test_only_the_ends_are_measured_and_their_numbers_are_the_same(trial_model, world):
    """What an analysis looks at does not depend on whether the visits between are measured."""
    enrolled = EnrolledWorld.of(trial_model, world, DESIGN)
    numbers = range(WHOLE_TRIALS, WHOLE_TRIALS + 8)
    stacks = [
        next(trial_stacks(trial_model, enrolled, DESIGN, (0, 0), numbers, ends=ends))[0]
        for ends in (False, True)
    ]  # fmt: skip
    assert [len(stack.weeks) for stack in stacks] == [len(DESIGN.visits), 2]
    found = [estimate(StackedObserved([stack], "placebo"), seed=3) for stack in stacks]
    assert [repr(row) for row in found[0]] == [repr(row) for row in found[1]]
    assert clinical_laws(trial_model).number["host_refractory"] > 0


def test_a_surface_comes_out_of_a_gut_world_and_into_the_results():
    grid = SurfaceGrid(
        participants=[12, 24], weeks=[4.0, 12.0], samples_per_visit=[1, 2], replicates=3,
        endpoints=["relapses", "mfis", "stool_butyrate"],
    )  # fmt: skip
    chunk = run_chunk(replace(make_task(DESIGN, host_worlds=2, replicates=1), surface=grid))
    cells = chunk.surface
    # two arms; counts have one number of samples a visit
    assert len(cells) == 2 * 2 * 2 * 2 * (1 + 2 + 2)
    assert {cell.trials for cell in cells} == {3}
    assert all(0 <= cell.towards <= cell.successes <= cell.trials - cell.no_numbers for cell in cells)
    truth = {(c.endpoint, c.arm, c.host_world): c.value for c in cells if c.week == 12.0}
    for one in chunk.truths:
        if one.endpoint == "stool_butyrate":  # all people of the world are in the largest trial, twice
            assert truth[one.endpoint, one.arm, one.host_world] == pytest.approx(one.value)
    surface = surface_of(cells, DESIGN, 41)
    assert (surface.sizes, surface.weeks, surface.samples) == ((12, 24), (4.0, 12.0), (1, 2))
    assert {point.worlds for point in surface.points} == {2}
    assert [ENDPOINTS[name].counted for name in surface.endpoints] == [True, False, False]
    assert "relapses" in surface.priors
    assert json.dumps(surface.model_dump(mode="json"), allow_nan=False)


def test_cells_do_not_depend_on_what_else_is_asked_for(people):
    narrow = SurfaceGrid(participants=[12], weeks=[12.0], replicates=2, endpoints=["treg"]).filled_for(DESIGN)
    wide = narrow.changed(weeks=(4.0, 12.0), endpoints=("mfis", "treg"))
    asked = [
        [cell for cell in cells_of_pool(people, grid, 5) if (cell.endpoint, cell.week) == ("treg", 12.0)]
        for grid in (narrow, wide)
    ]
    assert asked[0] == asked[1]
