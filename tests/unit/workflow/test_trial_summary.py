"""Summary of a trial job on made-up results: rows of effects and variance, and the flow of participants."""

import dataclasses
import math
from types import SimpleNamespace

import numpy as np
import pytest

from eubiosis import therapy
from eubiosis.analysis.estimates import Estimates, TrialEstimate
from eubiosis.analysis.result import Estimate
from eubiosis.analysis.truth import TrueEffect, operating_characteristics
from eubiosis.core.endpoints import ENDPOINTS
from eubiosis.core.trial_tables import TrialKey
from eubiosis.model.discrepancy import read_discrepancies
from eubiosis.trial.design import Design
from eubiosis.trial.world.enrolment import Candidates
from eubiosis.workflow.trial_chunk import Chunk, TrialCounts
from eubiosis.workflow.trial_summary import _COURSES, _characteristics, _courses, _effects, _flow

ARMS = {"placebo": therapy.placebo(), "inulin": therapy.prebiotic("inulin", dose="12 g/day")}
DESIGN = Design(arms=ARMS, participants=10, primary="mfis")


def estimate(value, half_width, p, *, endpoint="mfis"):
    scale = {"ratio": "ratio of geometric means", "difference": "mean difference"}[ENDPOINTS[endpoint].scale]
    return Estimate(
        endpoint=endpoint, method="ANCOVA", treated="inulin", control="placebo", scale=scale,
        estimate=value, standard_error=half_width / 1.96, ci_low=value - half_width,
        ci_high=value + half_width, p_value=p, n_treated=5, n_control=5,
    )  # fmt: skip


@pytest.fixture(scope="module")
def chunks():
    """Two gut worlds with three trials each, every endpoint with numbers of its own."""
    rng = np.random.default_rng(1)
    made = []
    for world in (0, 1):
        truths, estimates = [], []
        for name, endpoint in ENDPOINTS.items():
            ratio = endpoint.scale == "ratio"
            truths.append(TrueEffect(world, 0, name, "inulin", rng.normal(), rng.uniform(0, 0.5), 2.0))
            for number in range(3):
                value = rng.normal()
                one = estimate(math.exp(value) if ratio else value, 0.1, rng.uniform(), endpoint=name)
                low, high = (value - 1, value + 1)
                if ratio:
                    low, high = math.exp(low), math.exp(high)
                one = dataclasses.replace(one, ci_low=low, ci_high=high)
                estimates.append(TrialEstimate(TrialKey(world, 0, number), one))
        made.append(chunk(estimates=Estimates(tuple(estimates)), truths=tuple(truths)))
    return made


def chunk(**fields):
    empty = dict.fromkeys(("truths", "screened", "flow"), ())
    rest = {"estimates": Estimates(()), "visits": {}, "changes": {}, "example": None}
    return Chunk(
        **{**empty, **rest, "candidates": (Candidates(0, 0, {}, 0, 0, float("nan"), float("nan")),), **fields}
    )


def test_shares_of_variance_sum_to_one_for_every_endpoint(chunks, model):
    effects, variance = _effects(DESIGN, _characteristics(chunks), model)
    assert [row.endpoint for row in effects] == [row.endpoint for row in variance] == list(ENDPOINTS)
    for row in variance:
        assert row.worlds + row.subjects + row.sampling == pytest.approx(1.0)
        assert min(row.worlds, row.subjects, row.sampling) >= 0
    assert all(row.trials == 6 for row in effects)


def test_the_rows_of_the_report_carry_the_characteristics_and_the_endpoint(chunks, model):
    effects, variance = _effects(DESIGN, _characteristics(chunks), model)
    found = operating_characteristics(
        Estimates(tuple(row for each in chunks for row in each.estimates)),
        [each for chunk in chunks for each in chunk.truths],
    )
    for effect, shares in zip(effects, variance, strict=True):
        row, endpoint = found.of(effect.endpoint, "inulin"), ENDPOINTS[effect.endpoint]
        for name in ("arm", "truth_error", "estimate", "power", "power_error", "coverage", "trials",
                     "not_usable", "method"):  # fmt: skip
            assert getattr(effect, name) == getattr(row, name), name
        assert (shares.worlds, shares.subjects, shares.sampling) == row.variance
        for name in ("scale", "unit", "better", "clinical", "tested"):
            assert getattr(effect, name) == getattr(endpoint, name), name
    by_endpoint = {row.endpoint: row for row in effects}
    assert by_endpoint["relapses"].clinical
    assert by_endpoint["relapses"].tested
    assert not by_endpoint["stool_butyrate"].clinical


def test_only_the_gut_is_widened_and_by_what_the_table_names(chunks, model):
    effects, _ = _effects(DESIGN, _characteristics(chunks), model)
    found = operating_characteristics(
        Estimates(tuple(row for each in chunks for row in each.estimates)),
        [each for chunk in chunks for each in chunk.truths],
    )
    sizes = {row.id: row.sd for row in read_discrepancies(model.content)}
    acids = [sd for name, sd in sizes.items() if name in ("stool_acids", "acetate_inulin")]
    most = {True: max(sizes["guilds"], sizes.get("ROS_inulin", 0.0)), False: max(acids)}
    for effect in effects:
        row, endpoint = found.of(effect.endpoint, "inulin"), ENDPOINTS[effect.endpoint]
        wide = bool(endpoint.guild) or endpoint.place == "stool"
        assert (effect.discrepancy > 0) == wide
        if not wide:
            assert (effect.truth, effect.standardised) == (row.truth, row.standardised)
            continue
        # by hand: variances of the log add up on each side of the median; the unit of the axis is 2
        # a class in full at the most, and what transport adds to a response
        transport = 0.5 * abs(math.log(row.truth[1]))
        assert transport <= effect.discrepancy <= math.hypot(most[bool(endpoint.guild)], transport) + 1e-12
        for side in (0, 2):
            own = math.log(row.truth[side] / row.truth[1])
            wider = math.sqrt(own**2 + (1.959964 * effect.discrepancy) ** 2)
            assert abs(math.log(effect.truth[side] / row.truth[1])) == pytest.approx(wider, rel=1e-5)
            own = row.standardised[side] - row.standardised[1]
            wider = math.sqrt(own**2 + (1.959964 * effect.discrepancy / 2) ** 2)
            assert abs(effect.standardised[side] - row.standardised[1]) == pytest.approx(wider, rel=1e-5)
        assert effect.truth[1] == row.truth[1]


@pytest.mark.parametrize("primary", ["mfis", "relapses"])
def test_only_the_primary_endpoint_is_marked_as_such(chunks, primary, model):
    effects, _ = _effects(DESIGN.changed(primary=primary), _characteristics(chunks), model)
    assert [row.endpoint for row in effects if row.primary] == [primary]


def test_participant_flow_is_the_mean_over_trials_and_adds_up():
    made = chunk(
        screened=({"enrolled": 10, "age": 3}, {"enrolled": 10, "age": 1, "EDSS": 2}),
        flow=(
            TrialCounts({"placebo": 5.0, "inulin": 5.0}, {"placebo": 4.0, "inulin": 5.0}),
            TrialCounts({"placebo": 5.0, "inulin": 5.0}, {"placebo": 5.0, "inulin": 2.0}),
        ),
    )
    rows = _flow(DESIGN, [made])
    table = {row.stage: row for row in rows}
    assert table["screened"].total == 13
    assert table["age"].total == 2
    assert table["EDSS"].total == 1
    assert table["randomised"].total == 10
    assert table["lost to follow-up"].by_arm == {"placebo": 0.5, "inulin": 1.5}
    assert table["completed"].total == 8
    why = {("placebo", "adverse_event"): 1, ("inulin", "other"): 2, ("inulin", "adverse_event"): 1}
    told = dataclasses.replace(made, flow=(dataclasses.replace(made.flow[0], left=why), made.flow[1]))
    by_reason = {row.stage: row.by_arm for row in _flow(DESIGN, [told]) if row.stage.startswith("left: ")}
    assert by_reason == {
        "left: adverse event": {"placebo": 0.5, "inulin": 0.5},
        "left: another reason": {"placebo": 0, "inulin": 1},
    }  # fmt: skip
    failures = sum(row.total for row in rows if row.stage in ("age", "EDSS"))
    assert table["screened"].total == failures + table["randomised"].total


def test_courses_of_a_block_without_anybody_of_an_arm_are_not_a_number_there():
    """Of a large trial the report shows block 0, which may have nobody of an arm, or nobody at all."""
    weeks = {week: {"placebo": np.array([30.0, 40.0])} for week in DESIGN.visits}
    some = SimpleNamespace(visits=dict.fromkeys(_COURSES, weeks), blocks=3)
    empty = SimpleNamespace(visits={}, blocks=3)
    simulation = SimpleNamespace(worlds=2)
    for band in _courses(DESIGN, simulation, [some, empty]):
        assert band.by_arm["placebo"][0][2] == 35.0
        assert all(math.isnan(value) for row in band.by_arm["inulin"] for value in row)
        assert (band.trials, band.people, band.block_only) == (2, 1.0, True)
