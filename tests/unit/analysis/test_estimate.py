"""Estimates of observed trials are those of the estimators that the plan names, called directly."""

import dataclasses
import math

import numpy as np
import pytest

from eubiosis.analysis.batched.trials import BLOCK
from eubiosis.analysis.estimates import Estimates, estimate
from eubiosis.analysis.estimators.continuous import ancova, geometric_mean_ratio
from eubiosis.analysis.estimators.counts import rate_ratio
from eubiosis.analysis.estimators.randomisation import randomisation_p
from eubiosis.core.endpoints import ENDPOINTS
from eubiosis.core.frame import Table
from eubiosis.core.streams import stream
from eubiosis.core.table_schemas import TRIAL_ESTIMATES
from eubiosis.core.trial_tables import KEYS, Observed, TrialKey, made_trial
from eubiosis.therapy import placebo, prebiotic
from eubiosis.trial import Design, estimands, primary_estimand

PEOPLE = 80
ARMS = {"control": placebo(), "active": prebiotic("inulin", dose="12 g/day")}
DESIGN = Design(arms=ARMS, participants=PEOPLE, primary="mfis")


@pytest.fixture(scope="module")
def observed():
    """One made trial of two arms."""
    return made_trial(np.random.default_rng(1), people=PEOPLE, difference=-5.0)


def wide(observed):
    """Subject columns, and MFIS at the first and the last visit in the order of the subjects."""
    (trial,) = observed.trials()
    mfis = {week: np.full(len(trial.subjects["subject"]), np.nan) for week in (0.0, 48.0)}
    place = {number: i for i, number in enumerate(trial.subjects["subject"].tolist())}
    for number, week, value in zip(*(trial.visits[c] for c in ("subject", "week", "mfis")), strict=True):
        mfis[week][place[number]] = value
    return trial.subjects, mfis[0.0], mfis[48.0]


def alike(found, direct, *, relative=1e-9):
    """Say that two estimates agree: words and counts exactly, numbers to rounding."""
    one, other = dataclasses.asdict(found), dataclasses.asdict(direct)
    for values in (one, other):
        values |= {f"detail {name}": value for name, value in values.pop("detail").items()}
        del values["p_value"], values["method"]
        values.pop("detail iterations", None)
    assert one.keys() == other.keys()
    for name, value in other.items():
        if isinstance(value, float):
            assert one[name] == pytest.approx(value, rel=relative, abs=1e-12, nan_ok=True), name
        else:
            assert one[name] == value, name
    return True


def with_visits(observed, **columns):
    table = observed.visits
    for name, values in columns.items():
        table = table.with_column(name, values)
    return dataclasses.replace(observed, visits=table)


def test_a_score_is_compared_by_analysis_of_covariance_on_its_baseline(observed):
    subjects, baseline, last = wide(observed)
    arms = {"treated": "active", "control": "control"}
    direct = ancova(last, subjects["arm"], covariates={"baseline": baseline}, endpoint="mfis", **arms)
    (row,) = estimate(observed).of("mfis", "active")
    assert row.trial == TrialKey(0, 0, 0)
    assert alike(row.estimate, direct)
    assert row.estimate.p_value == pytest.approx(direct.p_value, rel=1e-9)
    assert direct.usable
    assert abs(direct.estimate + 5.0) < 4 * direct.standard_error


@pytest.mark.parametrize(
    ("endpoint", "exposure"),
    [("relapses", "follow_up_years"), ("gd_lesions", "scans"), ("t2_lesions", "t2_years")],
)
def test_a_count_is_compared_by_its_rate_and_tested_by_randomisation(observed, endpoint, exposure):
    subjects, _, _ = wide(observed)
    given = subjects[endpoint], subjects[exposure], subjects["arm"]
    arms = {"treated": "active", "control": "control"}
    direct = rate_ratio(*given, endpoint=endpoint, **arms)
    p = randomisation_p(*given, **arms, generator=stream(7, "any other draws"), relabellings=20_000)
    (row,) = estimate(observed, seed=7).of(endpoint, "active")
    found = row.estimate
    assert found.p_value != direct.p_value
    assert found.p_value == pytest.approx(p, abs=4.5 * math.sqrt(p * (1 - p) * (1 / 999 + 1 / 20_000)))
    assert found.method == f"{direct.method}; p and interval by randomisation test"
    interval = {"ci_low": found.ci_low, "ci_high": found.ci_high}
    assert alike(found, dataclasses.replace(direct, **interval), relative=1e-8)
    # it says what the p-value says, and is about as wide as the regression's own
    assert (found.ci_low <= 1 <= found.ci_high) == (found.p_value >= 0.05)
    assert found.ci_low < found.estimate < found.ci_high
    assert 0.5 < math.log(found.ci_high / found.ci_low) / (2 * 1.96 * direct.standard_error) < 2.0


def test_a_biomarker_is_compared_on_the_logarithm(observed):
    rng = np.random.default_rng(5)
    treg = np.exp(rng.normal(1.5, 0.3, len(observed.visits)))
    subjects, _, _ = wide(observed)
    direct = geometric_mean_ratio(
        treg[PEOPLE:], subjects["arm"], baseline=treg[:PEOPLE], treated="active", control="control",
        endpoint="treg",
    )  # fmt: skip
    (row,) = estimate(with_visits(observed, treg=treg)).of("treg", "active")
    assert alike(row.estimate, direct)
    assert direct.scale == "ratio of geometric means"


def test_a_subject_who_misses_the_last_visit_is_counted_as_missing(observed):
    keep = np.ones(len(observed.visits), dtype=bool)
    keep[[PEOPLE, PEOPLE + 1, PEOPLE + 3]] = False  # last visits of one control and two active subjects
    fewer = dataclasses.replace(observed, visits=observed.visits.filter(keep))
    subjects, baseline, last = wide(fewer)
    assert np.isnan(last).sum() == 3
    direct = ancova(
        last, subjects["arm"], covariates={"baseline": baseline}, treated="active", control="control",
        endpoint="mfis",
    )  # fmt: skip
    (row,) = estimate(fewer).of("mfis", "active")
    assert alike(row.estimate, direct)
    assert (direct.missing_treated, direct.missing_control) == (2, 1)
    assert (direct.n_treated, direct.n_control) == (38, 39)
    # counts use everybody
    assert estimate(fewer).of("relapses", "active") == estimate(observed).of("relapses", "active")


def test_visits_may_lie_in_any_order(observed):
    mixed = np.random.default_rng(2).permutation(len(observed.visits))
    other = dataclasses.replace(observed, visits=observed.visits.take(mixed))
    assert estimate(other).rows == estimate(observed).rows


def test_only_what_an_estimand_asks_for_is_estimated(observed):
    everything = estimate(observed)
    primary = estimate(observed, primary_estimand(DESIGN))
    assert [row.estimate.endpoint for row in primary] == ["mfis"]
    assert primary.rows == everything.of("mfis", "active")
    two = [e for e in estimands(DESIGN) if e.endpoint in ("relapses", "mfis")]
    assert [row.estimate.endpoint for row in estimate(observed, two)] == ["mfis", "relapses"]
    assert len(estimate(observed, [])) == 0


def test_trials_are_analysed_one_by_one_with_luck_of_their_own(observed):
    """The same tables under two keys give the same fits; another block of replicates re-labels anew."""

    def again(table, replicate):
        return table.with_column("replicate", np.full(len(table), replicate))

    both = Observed(
        Table.concat([again(observed.subjects, k) for k in (0, BLOCK)]),
        Table.concat([again(observed.visits, k) for k in (0, BLOCK)]),
        observed.control,
    )
    found = estimate(both)
    assert repr(found) == "Estimates: 8 of 2 trials, 8 with numbers"
    first, second = found.of("t2_lesions", "active")
    assert (first.trial.replicate, second.trial.replicate) == (0, BLOCK)
    assert first.estimate.estimate == second.estimate.estimate
    assert first.estimate.p_value != second.estimate.p_value
    one, other = found.of("mfis", "active")
    assert one.estimate == other.estimate
    assert estimate(both).rows == found.rows
    assert estimate(both, seed=3).of("mfis", "active") == found.of("mfis", "active")


def test_every_active_arm_is_compared_with_the_control():
    rng = np.random.default_rng(4)
    made = made_trial(rng, people=90, difference=0.0)
    arm = np.array(["control", "low", "high"])[np.arange(90) % 3]
    observed = Observed(
        made.subjects.with_column("arm", arm), made.visits.with_column("arm", np.tile(arm, 2)), "control"
    )
    found = estimate(observed)
    subjects, baseline, last = wide(observed)
    for name in ("low", "high"):
        (row,) = found.of("mfis", name)
        direct = ancova(
            last, subjects["arm"], covariates={"baseline": baseline}, treated=name, control="control",
            endpoint="mfis",
        )  # fmt: skip
        for field in ("estimate", "standard_error", "p_value", "n_treated", "n_control"):
            assert getattr(row.estimate, field) == pytest.approx(getattr(direct, field), rel=1e-9), field
    assert len(found) == 2 * len({row.estimate.endpoint for row in found})


def test_a_trial_without_an_event_stays_in_the_table_with_its_reason(observed):
    nothing = dataclasses.replace(
        observed, subjects=observed.subjects.with_column("relapses", np.zeros(PEOPLE))
    )
    found = estimate(nothing)
    (row,) = found.of("relapses", "active")
    assert row.estimate.status == "too_few_events"
    assert math.isnan(row.estimate.estimate)
    assert "randomisation" not in row.estimate.method
    assert repr(found) == "Estimates: 4 of 1 trials, 3 with numbers"


def test_the_table_has_one_line_for_each_estimate(observed):
    found = estimate(observed)
    table = found.to_table()
    assert table.schema == TRIAL_ESTIMATES
    assert len(table) == len(found) == 4
    columns = table.to_pydict()
    assert columns["world"] == ["0.0"] * 4
    for key in KEYS:
        assert columns[key] == [0] * 4
    for k, row in enumerate(found):
        for name in ("endpoint", "treated", "estimate", "p_value", "n_treated", "status", "method"):
            assert columns[name][k] == getattr(row.estimate, name), name
    assert len(Estimates(()).to_table()) == 0


def test_an_endpoint_that_is_asked_for_and_was_not_recorded_is_not_passed_over(observed):
    asked = [e for e in estimands(DESIGN) if e.endpoint == "edss"]
    assert "edss" in ENDPOINTS
    refused = False
    try:
        found = estimate(observed, asked)
    except (KeyError, ValueError) as error:
        refused = "edss" in str(error)
    assert refused or len(found) == 1
