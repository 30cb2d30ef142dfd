"""Trials analysed together give what each gives by itself, whatever company they keep."""

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from eubiosis.analysis.batched import trials as batched
from eubiosis.analysis.batched.counts import Events, rate_ratios
from eubiosis.analysis.batched.relabel import Test as RelabelTest
from eubiosis.analysis.batched.relabel import randomisation_tests
from eubiosis.analysis.batched.trials import analyse_together
from eubiosis.analysis.estimates import analyse_one, estimate
from eubiosis.analysis.estimators.randomisation import randomisation_test
from eubiosis.core.endpoints import ENDPOINTS
from eubiosis.core.frame import Table
from eubiosis.core.streams import stream
from eubiosis.core.trial_tables import KEYS, Observed

COUNTS = {"relapses": "follow_up_years", "gd_lesions": "scans", "t2_lesions": "t2_years"}
WANTED = [ENDPOINTS[name] for name in (*COUNTS, "mfis", "treg", "stool_butyrate")]
COUNTED, MEASURED = WANTED[:3], WANTED[3:]


def made(
    seed: int,
    *,
    trials: int = 3,
    people: int = 40,
    arms: int = 2,
    dispersion: float = 1.0,
    missed: float = 0.1,
) -> Observed:
    """Make trials with counts more or less unequal, unequal follow-up, and visits that were missed."""
    rng = np.random.default_rng(seed)
    subjects, visits = [], []
    for replicate in range(trials):
        key = {name: np.full(people, replicate if name == "replicate" else 0) for name in KEYS}
        names = np.array(["control", "b", "a"][:arms])
        arm = rng.permutation(names[np.arange(people) % arms])
        years = np.where(rng.random(people) < missed, 0.0, rng.uniform(0.2, 2.0, people))
        frailty = rng.gamma(1 / dispersion, dispersion, people) if dispersion else np.ones(people)
        columns = {**key, "subject": rng.permutation(1000)[:people], "arm": arm}
        for (count, exposure), rate in zip(COUNTS.items(), (0.5, 1.0, 3.0), strict=True):
            columns[exposure] = years
            columns[count] = rng.poisson(rate * frailty * years).astype(float)
        subjects.append(columns)
        level = rng.normal(40, 15, people)
        two = {**{name: np.tile(v, 2) for name, v in key.items()}, "subject": np.tile(columns["subject"], 2)}
        two |= {"arm": np.tile(arm, 2), "week": np.repeat([0.0, 24.0], people)}
        two["mfis"] = np.concatenate([level, level + rng.normal(0, 8, people)])
        for name in ("treg", "stool_butyrate"):
            base = rng.normal(1, 0.4, people)
            two[name] = np.exp(np.concatenate([base, 0.6 * base + rng.normal(0, 0.3, people)]))
        seen = rng.random(2 * people) >= missed
        seen[[0, people]] = True  # both visits took place for somebody
        visits.append({name: values[seen] for name, values in two.items()})
    stacked = [{n: np.concatenate([p[n] for p in rows]) for n in rows[0]} for rows in (subjects, visits)]
    return Observed(Table(stacked[0], name="subjects"), Table(stacked[1], name="visits"), "control")


def numbers(estimate_row):
    """Return all numbers of an estimate but its p-value and how many steps it took."""
    row = dataclasses.asdict(estimate_row)
    detail = {k: v for k, v in row.pop("detail").items() if k not in ("iterations", "reason")}
    return {**row, **detail}


@settings(max_examples=40, deadline=None)
@example(seed=80, people=6, arms=3, dispersion=0.0, missed=0.2)  # all the time in a group, but for a rounding
@given(
    seed=st.integers(0, 10_000),
    people=st.integers(6, 90),
    arms=st.integers(2, 3),
    dispersion=st.sampled_from([0.0, 0.3, 2.0, 8.0]),
    missed=st.sampled_from([0.0, 0.2]),
)
def test_every_number_is_that_of_the_single_analysis(seed, people, arms, dispersion, missed):
    observed = made(seed, trials=2, people=people, arms=arms, dispersion=dispersion, missed=missed)
    trials = list(observed.trials())
    found = analyse_together(trials, "control", WANTED, seed)
    for (number, endpoint, treated), row in found.items():
        (one,) = analyse_one(trials[number], "control", ENDPOINTS[endpoint], [treated], seed)
        assert one.usable, "the batch gave numbers where the single analysis refuses them"
        ours, theirs = numbers(row), numbers(one)
        assert ours.keys() == theirs.keys()
        for name, value in theirs.items():
            if not isinstance(value, float):
                assert ours[name] == value, name
            elif name == "p_value" and endpoint in COUNTS:
                spread = math.sqrt(2 * value * (1 - value) / 999) + 1e-3
                assert abs(ours[name] - value) < 6 * spread
            elif endpoint in COUNTS and name == "estimate":
                assert math.log(ours[name]) == pytest.approx(math.log(value), abs=1e-6 * one.standard_error)
            elif endpoint in COUNTS and name in ("ci_low", "ci_high"):
                pass  # a quantile of re-labellings: see the test of these below
            else:
                relative = 1e-6 if endpoint in COUNTS else 1e-9
                assert ours[name] == pytest.approx(value, rel=relative, abs=1e-9, nan_ok=True), name


def test_what_is_left_out_is_what_a_guard_speaks_about():
    observed = made(3, trials=1)
    (trial,) = observed.trials()
    everything = {(0, each.id, "b") for each in WANTED}
    assert set(analyse_together([trial], "control", WANTED, 1)) == everything
    no_events = dict(trial.subjects) | {"relapses": np.zeros(40)}
    endless = dict(trial.visits) | {"treg": np.where(trial.visits["week"] == 24.0, np.inf, 1.0)}
    constant = dict(trial.visits) | {"mfis": np.full(len(trial.visits["mfis"]), 40.0)}
    below = dict(trial.visits) | {"treg": trial.visits["treg"] - trial.visits["treg"].max()}
    for changed, lost in (
        (dataclasses.replace(trial, subjects=no_events), "relapses"),
        (dataclasses.replace(trial, visits=endless), "treg"),
        (dataclasses.replace(trial, visits=constant), "mfis"),
        (dataclasses.replace(trial, visits=below), "treg"),
    ):
        assert everything - set(analyse_together([changed], "control", WANTED, 1)) == {(0, lost, "b")}


def test_company_changes_no_bit(monkeypatch):
    observed = made(5, trials=5, people=30)
    together = estimate(observed).rows
    monkeypatch.setattr(batched, "TOGETHER", 2)
    assert estimate(observed).rows == together
    last = observed.subjects["replicate"] == 4
    alone = dataclasses.replace(
        observed,
        subjects=observed.subjects.filter(last),
        visits=observed.visits.filter(observed.visits["replicate"] == 4),
    )
    assert estimate(alone).rows == together[-len(estimate(alone)) :]


def test_a_negative_binomial_of_two_arms_by_hand():
    """Equal follow-up: the rates are the means, and the variance of a log rate is (1 / mean + alpha) / n."""
    rng = np.random.default_rng(8)
    arm = np.arange(400)[None, :] % 2
    counts = rng.negative_binomial(1.5, 1.5 / (1.5 + np.where(arm, 4.0, 2.0))).astype(float)
    found = rate_ratios(Events.of(counts, np.ones((1, 400)), arm, np.stack([arm == 0, arm == 1])))
    means = [counts[arm == k].mean() for k in (0, 1)]
    assert found.regular.all()
    assert found.log_ratio[0, 0] == pytest.approx(math.log(means[1] / means[0]), rel=1e-9)
    alpha = float(found.dispersion[0])
    by_hand = math.sqrt(sum((1 / mean + alpha) / 200 for mean in means))
    assert found.error[0, 0] == pytest.approx(by_hand, rel=1e-3)


def test_the_randomisation_test_is_exact_under_the_null():
    """Of 2,000 null trials 5 % have p <= .05, and p-values agree with the single test within their error."""
    rng = np.random.default_rng(11)
    tests = []
    for number in range(2_000):
        events = rng.poisson(rng.gamma(0.3, 6.0, 24)).astype(float)
        treated = rng.permutation(np.arange(24) % 2 == 0)
        tests.append(RelabelTest(events, rng.uniform(0.5, 1.5, 24), treated, (0, number // 32)))
    found, centre, reach = randomisation_tests(tests, 1).T
    assert abs(np.mean(found <= 0.05) - 0.05) < 4 * math.sqrt(0.05 * 0.95 / 2_000)
    for test, p, middle, own in list(zip(tests, found, centre, reach, strict=True))[:40]:
        arm = np.where(test.treated, "t", "c")
        single = randomisation_test(
            test.events, test.time, arm, treated="t", control="c", generator=stream(3, "single")
        )
        spread = math.sqrt(2 * single.p_value * (1 - single.p_value) / 999)
        assert abs(p - single.p_value) < 5 * spread + 2e-3
        assert own == pytest.approx(single.reach, rel=0.25)
        statistic = math.log(_rate(test, test.treated) / _rate(test, ~test.treated))
        assert middle == pytest.approx(statistic, abs=1e-9) == single.centre
        assert (abs(statistic) > own) == (p < 0.05) or abs(abs(statistic) - own) < 1e-4


def _rate(test, rows):
    return (test.events[rows].sum() + 0.5) / test.time[rows].sum()
