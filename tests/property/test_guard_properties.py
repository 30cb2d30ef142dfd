"""The one guard over all estimators: spoilt data have a status that says so, or readable numbers."""

import importlib
import inspect
import math
import pkgutil

import numpy as np
import pytest
from every_estimator import ARMS, ESTIMATORS, numbers, run, trial
from hypothesis import given, settings
from hypothesis import strategies as st

from eubiosis.analysis import estimators
from eubiosis.core.soundness import MEANING

STOOL = ("taxon_models", "permanova", "dispersion")
ADJUSTED = ("ancova", "ancova HC3", "rate_ratio", "marginal_rates", "risk_contrasts", "hazard_ratio",
            "reference_based_difference")  # fmt: skip


def usable(name, data):
    return [one for one in run(name, data) if one.usable]


def test_every_estimator_is_among_them():
    results = ("Estimate", "Statistic", "Permanova", "Dispersion", "TaxonResult", "PrognosticAdjustment")
    found = set()
    for module in pkgutil.iter_modules(estimators.__path__, "eubiosis.analysis.estimators."):
        for name, function in inspect.getmembers(importlib.import_module(module.name), inspect.isfunction):
            told = str(inspect.signature(function).return_annotation)
            own = function.__module__ == module.name and not name.startswith("_")
            if own and any(result in told for result in results):
                found.add(name)
    found -= {"pool_estimates"}  # takes results and not data: a failed one makes it fail
    assert found <= {name.split(" ")[0] for name in ESTIMATORS}


@pytest.mark.parametrize("name", list(ESTIMATORS))
def test_a_sound_trial_has_numbers(name):
    assert len(usable(name, trial(3, n=21))) == len(run(name, trial(3, n=21))) > 0


def spoil(data, how, draw):
    """Return the trial with one thing wrong with it."""
    treated = data["arm"] == "t"
    spoilt = {key: value.copy() for key, value in data.items()}
    if how == "constant":
        level = float(draw.choice([0.0, 7.1, -1e6, 1e-9]))
        spoilt.update(score=np.full(len(treated), level), wide=np.full(data["wide"].shape, level),
                      counts=np.zeros(len(treated)), event=np.full(len(treated), float(draw.integers(0, 2))),
                      happened=np.zeros(len(treated)), stool=np.ones(data["stool"].shape))  # fmt: skip
    elif how == "empty arm":
        for key in ("score", "counts", "event", "time"):
            spoilt[key][treated] = np.nan
        for key in ("wide", "stool"):
            spoilt[key][treated, :] = np.nan
    elif how == "nothing known":
        for key in ("score", "wide", "counts", "event", "time", "stool"):
            spoilt[key][:] = np.nan
    elif how == "infinite":
        row = int(draw.integers(0, len(treated)))
        for key in ("score", "counts", "event", "time", "wide", "stool"):
            spoilt[key][row] = np.inf
    elif how == "two spellings":
        spoilt["arm"] = data["arm"].astype("<U3")
        spoilt["arm"][np.flatnonzero(treated)[: len(treated) // 4]] = draw.choice(["T", " t", "t "])
    elif how == "perfect fit":
        spoilt.update(score=np.where(treated, 2.0, 1.0),
                      wide=np.where(treated, 2.0, 1.0)[:, None] + np.zeros(3),
                      counts=np.where(treated, 0.0, 3.0),
                      event=treated.astype(float),
                      time=np.where(treated, 100.0, 0.0) + np.arange(1.0, len(treated) + 1),
                      happened=np.ones(len(treated)),
                      stool=np.where(treated[:, None], [9.0, 1, 1, 1, 1], [1.0, 1, 1, 1, 9]))  # fmt: skip
    elif how == "the arm again":
        spoilt["base"] = 3.0 * treated
    return spoilt


# what is wrong -> who may still have numbers, because they mean something there
EXEMPT = {
    "constant": (),
    "empty arm": (),
    "nothing known": (),
    "infinite": (),
    "two spellings": ("proportional_hazards_tests",),  # knows no arms
    # the difference in means and the log-rank test are defined however far the arms lie apart
    "perfect fit": ("restricted_mean_difference", "log_rank", "risk_contrasts", "proportional_hazards_tests"),
}


@pytest.mark.parametrize("name", list(ESTIMATORS))
@pytest.mark.parametrize("how", list(EXEMPT))
def test_spoilt_data_never_have_status_ok(how, name):
    for seed in range(4):
        draw = np.random.default_rng([seed, 1])
        data = spoil(trial(seed, n=int(draw.integers(6, 20))), how, draw)
        for one in run(name, data):
            if name in EXEMPT[how]:
                continue
            assert not one.usable, (how, name, one)
            assert all(math.isnan(value) for value in numbers(one).values())
            assert one.status in MEANING
            reason = one.reason if hasattr(one, "reason") else one.detail.get("reason", "")
            assert reason, (how, name, one)


@pytest.mark.parametrize("name", ADJUSTED)
def test_a_covariate_that_is_the_arm_leaves_no_contrast(name):
    assert usable(name, spoil(trial(5), "the arm again", np.random.default_rng(0))) == []


def test_a_perfect_split_leaves_the_difference_of_risks_and_nothing_else():
    data = spoil(trial(5, n=20), "perfect fit", np.random.default_rng(0))
    difference, ratio, odds = run("risk_contrasts", data)
    assert (difference.status, ratio.status, odds.status) == ("boundary", "too_few_events", "too_few_events")
    assert difference.estimate == 1.0
    assert 0 < difference.ci_low < difference.ci_high <= 1.0


@pytest.mark.parametrize("name", list(ESTIMATORS))
def test_one_participant_in_each_arm_is_too_few(name):
    exempt = ("rate_ratio", "rate_ratios", "likelihood_ratio_test", "log_rank", "proportional_hazards_tests",
              "restricted_mean_difference", "risk_contrasts")  # fmt: skip
    for seed in range(4):
        found = usable(name, trial(seed, n=1))
        assert name in exempt or found == [], (name, found)


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    n=st.integers(1, 12),
    name=st.sampled_from(list(ESTIMATORS)),
    hows=st.lists(
        st.sampled_from(["constant", "empty arm", "infinite", "perfect fit", "the arm again"]), max_size=2
    ),
    offset=st.sampled_from([0.0, 0.0, 1e6, 1e12]),
    grain=st.sampled_from([0.0, 0.5, 5.0]),
)
def test_readable_numbers_do_not_depend_on_the_order_of_rows(seed, n, name, hows, offset, grain):
    """Rounding read as precision changes with the order in which rows are summed; an estimate does not."""
    draw = np.random.default_rng([seed, 2])
    data = trial(seed, n)
    for how in hows:
        data = spoil(data, how, draw)
    data["score"], data["wide"] = data["score"] + offset, data["wide"] + offset
    if name.startswith("geometric") and offset:
        return
    if grain:
        data["time"] = (np.floor(data["time"] / grain) + 1) * grain
        data["score"] = np.round(data["score"] / grain) * grain
    order = draw.permutation(len(data["arm"]))
    turned = {key: value[order] for key, value in data.items()}
    if name == "reference_based_difference":
        turned = data  # its draws belong to the rows
    first, second = run(name, data), run(name, turned)
    assert [one.status for one in first] == [one.status for one in second]
    tolerance = {"rtol": 1e-4, "atol": 1e-7} if offset < 1e9 else {"rtol": 0.05, "atol": 2e-2}
    for one, other in zip(first, second, strict=True):
        if not one.usable:
            continue
        left, right = numbers(one), numbers(other)
        if name == "permanova":  # its permutations belong to the rows
            left.pop("p_value"), right.pop("p_value")
        np.testing.assert_allclose(list(left.values()), list(right.values()), **tolerance)
        assert all(math.isfinite(value) for value in left.values())
        assert 0.0 <= left.get("p_value", 0.0) <= 1.0


@pytest.mark.parametrize(
    "name", [n for n in ESTIMATORS if n not in (*STOOL[1:], "log_rank", "marginal_rates")]
)
def test_swapping_the_arms_turns_the_estimate_round(name):
    data = trial(8)
    for one, other in zip(run(name, data), run(name, data, {"treated": "c", "control": "t"}), strict=True):
        if not hasattr(one, "estimate") or name == "reference_based_difference":
            continue
        turned = 1 / other.estimate if "ratio" in one.scale else -other.estimate
        assert one.estimate == pytest.approx(turned, rel=1e-5, abs=1e-7)
        assert one.p_value == pytest.approx(other.p_value, rel=1e-4)


def test_an_offset_does_not_move_a_difference():
    """The same scores on top of a million: the numbers of the scores themselves are the reference."""
    for name in ("ancova", "cohen_d", "cluster_trial", "mmrm", "crossover"):
        data = trial(4)
        moved = {**data, "score": data["score"] + 1e6, "wide": data["wide"] + 1e6}
        for one, other in zip(run(name, data), run(name, moved), strict=True):
            assert one.status == other.status
            assert one.estimate == pytest.approx(other.estimate, rel=1e-5)
            assert one.p_value == pytest.approx(other.p_value, rel=1e-4)


def test_arms_are_named_in_the_results():
    assert {one.treated for one in run("mmrm", trial(1))} == {ARMS["treated"]}
