"""From the trials of gut worlds to the rows of clocks and changes by week: points, bands, sums, sentences."""

from dataclasses import replace

import numpy as np
import pytest

from eubiosis import therapy
from eubiosis.analysis.change_by_week import QUANTITIES
from eubiosis.analysis.clock_counts import ClockCounts
from eubiosis.compute.packing import pack, unpack
from eubiosis.core.trial_stacks import TrialStack
from eubiosis.trial.design import Design
from eubiosis.trial.simulation import Simulation
from eubiosis.workflow.trial_clocks import (
    ClockCurves,
    ClockSums,
    clock_rows,
    curves_of,
    read_visits,
    read_weeks,
    trials_read,
)
from eubiosis.workflow.trial_week_changes import KeptWeekChanges, WeekGatherer, week_rows

ARMS = {"placebo": therapy.placebo(), "inulin": therapy.prebiotic("inulin", dose="12 g/day")}
WEEKS = (0.0, 12.0, 24.0, 36.0, 48.0)
DESIGN = Design(arms=ARMS, participants=40, visits=WEEKS, primary="mfis")


def made_stack(gut_world=0, host_world=0, trials=3, *, seed=1, first=0):
    """Trials of forty people with relapses, EDSS and everything in stool and blood; made up."""
    random = np.random.default_rng([seed, gut_world, host_world])
    shape, people = (trials, 40), np.arange(40)
    arm = random.permuted(np.tile(people % 2, (trials, 1)), axis=1)
    attended = np.ones((5, *shape), dtype=bool)
    attended[1:] = random.random((4, *shape)) < 0.95
    trial, person = np.nonzero(random.random(shape) < 0.3)
    day = random.integers(1, 337, len(trial)).astype(float)
    relapses = {"replicate": trial + first, "subject": person, "day": day}
    visits = {name: np.exp2(random.normal(0, 1, (5, *shape))) for name in QUANTITIES}
    visits["edss"] = random.integers(0, 12, (5, *shape)) / 2
    visits = {name: np.where(attended, values, np.nan) for name, values in visits.items()}
    return TrialStack(
        gut_world, host_world, np.arange(trials) + first, people, ("placebo", "inulin"), arm,
        np.array(WEEKS), attended, {"follow_up_years": np.full(shape, 336 / 365.25)}, visits,
        relapses=relapses,
    )  # fmt: skip


def test_a_clock_is_read_at_twelve_points_or_fewer_and_at_the_end():
    assert read_weeks(DESIGN) == tuple(range(4, 49, 4))
    assert read_weeks(DESIGN.changed(visits=(0.0, 4.0))) == (1, 2, 3, 4)
    assert read_weeks(DESIGN.changed(visits=(0.0, 50.0)))[-2:] == (45, 50)
    for last in (1, 5, 13, 26, 96, 104):
        weeks = read_weeks(DESIGN.changed(visits=(0.0, float(last))))
        assert weeks[-1] == last
        assert len(weeks) <= 12


def test_progression_is_read_at_visits_that_could_confirm_it():
    assert read_visits(DESIGN) == (1, 2, 3, 4)
    assert read_visits(DESIGN.changed(visits=(0.0, 12.0))) == ()
    many = DESIGN.changed(visits=tuple(float(w) for w in range(0, 101, 2)))
    assert len(read_visits(many)) == 12
    assert {1, 50} <= set(read_visits(many))


@pytest.mark.parametrize(
    ("hosts", "replicates", "read"),
    [(6, 8, 8), (6, 2000, 8), (1, 2000, 8), (6, 3, 3), (24, 8, 2), (500, 8, 1)],
)
def test_how_many_trials_are_read(hosts, replicates, read):
    assert trials_read(Simulation(host_worlds=hosts, replicates=replicates)) == read


def sums(stacks, read):
    made = ClockSums(read)
    for stack in stacks:
        made.add(stack)
    return curves_of(made.pairs(), DESIGN)


def test_bands_are_percentiles_over_the_trials_of_all_gut_worlds():
    stacks = [made_stack(g, h) for g in (0, 1) for h in (0, 1)]
    kept = [sums(stacks[:2], 3), sums(stacks[2:], 3)]
    rows = clock_rows(DESIGN, Simulation(gut_worlds=2, host_worlds=2, replicates=3), kept)
    assert [row.outcome for row in rows[::2]] == ["first_relapse", "progression", "relapses"]
    counts = ClockCounts.concat([ClockCounts.of(stack) for stack in stacks])
    points = np.array(read_weeks(DESIGN)) - 1
    expected = {
        "first_relapse": [v[..., points] for v in counts.relapse_free()],
        "progression": [v[..., 1:] for v in counts.progression_free()],
        "relapses": [v[..., points] for v in counts.mean_relapses()],
    }
    for row in rows:
        k = ("placebo", "inulin").index(row.arm)
        values, risk = (each[:, k] for each in expected[row.outcome])
        start = 0.0 if row.outcome == "relapses" else 1.0
        for level, found in ((5, row.low), (50, row.median), (95, row.high)):
            assert found[0] == start
            assert found[1:] == pytest.approx(np.percentile(values, level, axis=0), abs=6e-4), (
                "half precision"
            )
        assert row.at_risk == pytest.approx([20.0, *risk.mean(axis=0)])
        assert (row.trials, row.people, set(row.read)) == (12, 20.0, {12})
    relapsed = sum(row.events for row in rows if row.outcome == "relapses")
    assert relapsed == pytest.approx(np.mean([len(stack.relapses["day"]) / 3 for stack in stacks]))


def test_only_the_first_trials_of_a_pair_are_read_however_they_are_stacked():
    whole = made_stack(trials=5)
    later = made_stack(trials=4, seed=2, first=5)
    one = sums([whole, later], 2)
    assert len(one.relapse_free) == 2
    assert pack(one) == pack(sums([whole.take(2)], 2))


def test_what_a_chunk_keeps_comes_back_and_is_small():
    stacks = [made_stack(0, h, 8) for h in range(6)]
    curves, weeks = sums(stacks, 8), gathered(stacks)
    assert pack(unpack(pack(curves), ClockCurves)) == pack(curves)
    assert pack(unpack(pack(weeks), KeptWeekChanges)) == pack(weeks)
    assert len(pack(curves)) + len(pack(weeks)) < 10_000


def test_a_design_that_can_confirm_nothing_says_why():
    design = DESIGN.changed(visits=(0.0, 12.0))
    stack = made_stack()
    short = replace(
        stack, weeks=np.array([0.0, 12.0]), attended=stack.attended[:2],
        of_visits={name: values[:2] for name, values in stack.of_visits.items()},
        of_subjects={"follow_up_years": np.full(stack.arm.shape, 84 / 365.25)},
        relapses={name: values[stack.relapses["day"] <= 84] for name, values in stack.relapses.items()},
    )  # fmt: skip
    made = ClockSums(3)
    made.add(short)
    rows = clock_rows(design, Simulation(replicates=3), [curves_of(made.pairs(), design)])
    none = [row for row in rows if row.outcome == "progression"]
    assert len(none) == 2
    assert all(row.weeks == row.median == row.at_risk == () for row in none)
    assert "no two visits after entry are planned 12 weeks apart or more (weeks 0, 12)" in none[0].note
    assert rows[0].weeks == tuple(range(13))


def test_records_without_days_of_relapses_give_no_clock():
    made = ClockSums(3)
    made.add(replace(made_stack(), relapses={}))
    assert curves_of(made.pairs(), DESIGN) is None
    assert clock_rows(DESIGN, Simulation(), [None]) == ()


def gathered(stacks):
    made = WeekGatherer("placebo")
    for stack in stacks:
        made.add(stack)
    return made.changes()


def test_changes_by_week_are_medians_over_gut_worlds_and_shares_of_trials():
    stacks = [made_stack(g, h) for g in (0, 1, 2) for h in (0, 1)]
    for stack in stacks[1:]:  # in all but the very first trial inulin doubles an acid fourfold
        name, inulin = "stool_butyrate", stack.arm == 1
        stack.of_visits[name][1:] = np.where(inulin, 64.0, 1.0) * stack.of_visits[name][1:]
    kept = [gathered(stacks[:2]), gathered(stacks[2:4]), gathered(stacks[4:])]
    rows = {(row.endpoint, row.arm): row for row in week_rows(DESIGN, kept, block_only=False)}
    assert len(rows) == 2 * len(QUANTITIES)
    own = rows["stool_butyrate", "inulin"]
    assert own.found_in == pytest.approx([5 / 6] * 4)
    assert own.found_first == (False,) * 4
    assert (own.trials, own.people, own.weeks) == (6, 20.0, WEEKS[1:])
    for v in range(4):
        of_worlds = []
        for pair in (stacks[:2], stacks[2:4], stacks[4:]):
            logs = [np.log2(each.of_visits["stool_butyrate"][:, 0][:, each.arm[0] == 1]) for each in pair]
            of_worlds.append(np.nanmedian(np.concatenate([each[v + 1] - each[0] for each in logs])))
        assert own.median[v] == pytest.approx(np.median(of_worlds), abs=0.01)
    control = rows["stool_butyrate", "placebo"]
    assert control.found_in == control.found_first == ()
    together = week_rows(DESIGN, [gathered(stacks)], block_only=True)
    assert [row.median for row in together] == [row.median for row in rows.values()]
    assert together[0].block_only


def test_trials_without_stool_have_no_changes():
    bare = replace(made_stack(), of_visits={"edss": made_stack().of_visits["edss"]})
    assert gathered([bare]) is None
    assert week_rows(DESIGN, [None], block_only=False) == ()
