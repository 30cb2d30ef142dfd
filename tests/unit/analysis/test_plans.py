"""Plans: laws that every power obeys, the older one-by-one functions, and simulation beside closed forms."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eubiosis.analysis.planning import (
    ClusterPlan,
    ClusterResponderPlan,
    CrossoverPlan,
    DistancePlan,
    EngraftmentPlan,
    FirstRelapsePlan,
    LogRatioPlan,
    RatePlan,
    RiskDifferencePlan,
    RiskRatioPlan,
    ScorePlan,
    TimePlan,
    classic,
    power,
    power_table,
    simulate_power,
    size,
    size_table,
)
from eubiosis.analysis.planning.counts import (
    FollowUp,
    information_per_participant,
    negative_binomial_power,
    negative_binomial_size,
)
from eubiosis.analysis.planning.laws import smallest_size, t_power
from eubiosis.analysis.planning.rates import information_per_person
from eubiosis.analysis.planning.shares import restricted_shares
from eubiosis.core.findings import FindingsError
from eubiosis.core.laws import normal_cdf

PLANS = {
    "score": ScorePlan(effect=0.4),
    "ANCOVA": ScorePlan(effect=0.4, baseline_correlation=0.6, allocation=2.0, lost=0.15),
    "score, non-inferior": ScorePlan(effect=0.05, margin=-0.3),
    "crossover": CrossoverPlan(effect=0.4, correlation=0.5, carry_over=0.2, lost=0.1),
    "cluster": ClusterPlan(effect=0.5, cluster_size=8, icc=0.08),
    "cluster, uneven": ClusterPlan(effect=0.5, cluster_size=8, icc=0.2, size_variation=0.4),
    "rate": RatePlan(control_rate=0.35, ratio=0.6, dispersion=0.8, years=2),
    "rate, lost": RatePlan(
        control_rate=0.5, ratio=0.65, dispersion=1.2, years=1, accrual_years=1, dropout_per_year=0.2
    ),
    "rate, non-inferior": RatePlan(control_rate=0.8, ratio=0.9, dispersion=0.5, years=2, margin=1.3),
    "time": TimePlan(hazard_ratio=0.6, control_hazard=0.3, years=2, accrual_years=1, dropout_per_year=0.1),
    "time, non-inferior": TimePlan(hazard_ratio=1.0, control_hazard=0.5, years=2, margin=1.4),
    "first relapse": FirstRelapsePlan(control_rate=0.6, ratio=0.6, dispersion=1.5, years=2),
    "first relapse, lost": FirstRelapsePlan(
        control_rate=0.6, ratio=0.5, dispersion=2.0, years=1, accrual_years=1, dropout_per_year=0.2
    ),
    "risk difference": RiskDifferencePlan(control_share=0.3, difference=0.2),
    "risk difference, non-inferior": RiskDifferencePlan(
        control_share=0.6, difference=0.0, margin=-0.15, allocation=2.0
    ),
    "risk ratio": RiskRatioPlan(control_share=0.3, ratio=1.6, lost=0.1),
    "cluster responders": ClusterResponderPlan(control_share=0.3, difference=0.2, cluster_size=10, icc=0.05),
    "log ratio": LogRatioPlan(log_ratio=0.7, between=2.7, period=0.14, sample=0.92),
    "log ratio, change": LogRatioPlan(
        log_ratio=0.7, between=2.7, period=0.14, sample=0.92, followup_samples=3, analysis="change"
    ),
    "log ratio, ten tests": LogRatioPlan(
        log_ratio=-0.9, between=1, period=0.2, sample=0.5, response_sd=0.5, lost=0.1, tests=10
    ),
    "engraftment": EngraftmentPlan(control_share=0.05, treated_share=0.33, correlation=0.2, samples=2),
}
NULLS = {
    "score": ScorePlan(effect=0.0),
    "ANCOVA": ScorePlan(effect=0.0, baseline_correlation=0.6),
    "score, at the margin": ScorePlan(effect=-0.3, margin=-0.3),
    "crossover": CrossoverPlan(effect=0.0, correlation=0.5),
    "cluster": ClusterPlan(effect=0.0, cluster_size=8, icc=0.1),
    "rate": RatePlan(control_rate=0.5, ratio=1.0, dispersion=0.8, years=2),
    "time": TimePlan(hazard_ratio=1.0, control_hazard=0.3, years=2),
    "first relapse": FirstRelapsePlan(control_rate=0.5, ratio=1.0, dispersion=1.5, years=2),
    "risk difference": RiskDifferencePlan(control_share=0.4, difference=0.0),
    "risk ratio": RiskRatioPlan(control_share=0.4, ratio=1.0),
    "log ratio": LogRatioPlan(log_ratio=0.0, between=2.0, period=0.2, sample=1.0),
    "engraftment": EngraftmentPlan(control_share=0.4, treated_share=0.4, correlation=0.3, samples=2),
}


@pytest.mark.parametrize("name", list(PLANS))
def test_the_size_has_the_power_and_one_less_has_not(name):
    plan = PLANS[name]
    found = size(plan, 0.8)
    assert found.power >= 0.8 - 1e-9
    assert power(plan, found.n_control - 1) < 0.8
    assert power(plan, found.exact) == pytest.approx(0.8, abs=1e-7)


@pytest.mark.parametrize("name", list(PLANS))
def test_simulation_stands_beside_the_closed_form(name):
    """Within four Monte Carlo errors and what the approximations of the closed forms may be off by."""
    plan = PLANS[name]
    n = int(size(plan, 0.8).n_control)
    seen = simulate_power(plan, n, trials=3000, seed=11)
    slack = {"rate": 0.012, "rate, lost": 0.012, "cluster, uneven": 0.015, "engraftment": 0.025}
    assert seen.failed <= 3
    assert seen.power == pytest.approx(power(plan, n), abs=4 * seen.error + slack.get(name, 0.005))


@pytest.mark.parametrize("name", list(NULLS))
def test_at_the_null_the_power_is_half_of_alpha(name):
    plan = NULLS[name]
    assert power(plan, 50) == pytest.approx(0.025, abs=1e-9)
    assert not size(plan).reachable
    seen = simulate_power(plan, 60, trials=4000, seed=5)
    assert seen.power == pytest.approx(0.025, abs=4 * math.sqrt(0.025 * 0.975 / 4000) + 0.004)


def test_a_permanova_has_no_direction_and_uses_alpha_whole():
    plan = DistancePlan(shift=0.0, between=20, period=2, sample=9, dimension=8)
    assert power(plan, 30) == pytest.approx(0.05, abs=1e-9)
    seen = simulate_power(plan, 20, trials=400)
    assert seen.power == pytest.approx(0.05, abs=4 * math.sqrt(0.05 * 0.95 / 400))


@pytest.mark.slow
def test_permanova_beside_its_simulation():
    for plan in (
        DistancePlan(shift=1.2, between=21, period=1.8, sample=8.8, dimension=8.2),
        DistancePlan(shift=0.2, between=0.1, period=0.006, sample=0.026, dimension=5.9, analysis="follow-up"),
    ):
        n = int(size(plan, 0.8).n_control)
        seen = simulate_power(plan, n, trials=500)
        assert seen.power == pytest.approx(power(plan, n), abs=4 * seen.error + 0.01)


def test_one_axis_of_a_permanova_is_a_t_test():
    """With one axis pseudo-F is the square of Student's t: both tails of the noncentral t."""
    plan = DistancePlan(shift=0.6, sample=0.5, dimension=1.0, between=0.0, period=0.0)
    both = [float(t_power(np.asarray(58.0), np.asarray(s * 0.6 * math.sqrt(15)), 0.05)) for s in (1, -1)]
    assert power(plan, 30) == pytest.approx(sum(both), abs=1e-9)


@settings(deadline=None, max_examples=60)
@given(
    name=st.sampled_from(list(PLANS)),
    first=st.integers(6, 400),
    second=st.integers(6, 400),
)
def test_power_rises_with_the_size(name, first, second):
    low, high = sorted((first, second))
    table = power_table(PLANS[name], {"n": [low, high]}).columns["power"]
    assert 0 <= table[0] <= table[1] + 1e-12 <= 1 + 1e-12


@settings(deadline=None, max_examples=40)
@given(effect=st.floats(0.05, 1.5), correlation=st.floats(-0.9, 0.9), n=st.integers(5, 200))
def test_scores_are_symmetric_and_a_baseline_never_costs_more_than_it_is_worth(effect, correlation, n):
    there = power(ScorePlan(effect=effect, baseline_correlation=correlation), n)
    back = power(ScorePlan(effect=-effect, baseline_correlation=-correlation), n)
    assert there == pytest.approx(back, abs=1e-12)
    exact, reduced = (
        power(ScorePlan(effect=effect, baseline_correlation=0.6, law=law), n)
        for law in ("exact", "reduced SD")
    )
    assert exact <= reduced + 1e-9


@settings(deadline=None, max_examples=40)
@given(
    rate=st.floats(0.05, 3.0),
    ratio=st.floats(0.3, 0.95),
    dispersion=st.floats(0.0, 5.0),
    allocation=st.floats(0.3, 3.0),
)
def test_swapping_arms_and_their_allocation_keeps_the_total(rate, ratio, dispersion, allocation):
    one = size(
        RatePlan(control_rate=rate, ratio=ratio, dispersion=dispersion, years=2, allocation=allocation)
    )
    other = size(
        RatePlan(
            control_rate=rate * ratio,
            ratio=1 / ratio,
            dispersion=dispersion,
            years=2,
            allocation=1 / allocation,
        )
    )
    if min(one.exact, other.exact) > 3:  # below, the least size of an arm comes back
        assert one.exact * (1 + allocation) == pytest.approx(other.exact * (1 + 1 / allocation), rel=1e-9)


def test_tables_are_the_older_functions_one_by_one():
    """610d205's functions, cell by cell: counts, t test, exact ANCOVA, hazard ratio, two proportions."""
    rates, ratios = [0.2, 0.5], [0.6, 0.85]
    plan = RatePlan(
        control_rate=0.2, ratio=0.6, dispersion=0.8, years=1.5, accrual_years=1.0, dropout_per_year=0.2
    )
    table = size_table(plan, {"control_rate": rates, "ratio": ratios}, 0.9)
    powers = power_table(plan, {"control_rate": rates, "ratio": ratios, "n": [150]})
    follow_up = FollowUp(1.5, 1.0, 0.2)
    for k, (rate, ratio) in enumerate((a, b) for a in rates for b in ratios):
        old = negative_binomial_size(rate, ratio, 0.8, follow_up, power=0.9)
        assert table.columns["exact"][k] == pytest.approx(old.n_control_exact, rel=1e-9)
        assert table.columns["n"][k] == old.n_control
        old_power = negative_binomial_power(150, rate, ratio, 0.8, follow_up)
        assert powers.columns["power"][k] == pytest.approx(old_power, abs=1e-10)
    for effect in (0.2, 0.7):
        assert size(ScorePlan(effect=effect)).exact == pytest.approx(
            classic.t_test_size(effect).n_control_exact, rel=1e-9
        )
        exact = classic.ancova_size(effect, 0.5, method="exact")  # counts both directions: 1e-6 of power
        assert size(ScorePlan(effect=effect, baseline_correlation=0.5)).exact == pytest.approx(
            exact.n_control_exact, rel=1e-5
        )
    old = classic.hazard_ratio_size(0.7, 0.14, follow_up_years=2, accrual_years=1, dropout_per_year=0.05)
    new = size(
        TimePlan(hazard_ratio=0.7, control_hazard=0.14, years=2, accrual_years=1, dropout_per_year=0.05)
    )
    assert new.exact == pytest.approx(old.n_control_exact, rel=1e-9)
    two = classic.proportions_size(0.3, 0.5)
    assert size(RiskDifferencePlan(control_share=0.3, difference=0.2)).exact == pytest.approx(
        two.n_control_exact
    )


def test_null_variances_of_zhu_and_lakkis():
    for number, word in ((1, "control rate"), (2, "alternative"), (3, "pooled rate")):
        plan = RatePlan(control_rate=0.66, ratio=0.8, dispersion=0.8, years=0.9, null_variance=word)
        old = negative_binomial_size(0.66, 0.8, 0.8, FollowUp(0.9), power=0.9, method=number)
        assert size(plan, 0.9).exact == pytest.approx(old.n_control_exact, rel=1e-12)
        assert str(number) in plan.method


@settings(deadline=None, max_examples=40)
@given(
    rate=st.floats(0.02, 3.0),
    k=st.floats(0.0, 8.0),
    years=st.floats(0.1, 5.0),
    accrual=st.floats(0.0, 3.0),
    dropout=st.floats(0.0, 2.0),
)
def test_information_in_one_dimension_is_the_double_integral(rate, k, years, accrual, dropout):
    one = float(information_per_person(*map(np.asarray, (rate, k, years, accrual, dropout))))
    assert one == pytest.approx(
        information_per_participant(rate, k, FollowUp(years, accrual, dropout)), rel=1e-6
    )


def test_the_first_relapse_without_dispersion_is_exponential():
    """Constant hazards: Schoenfeld's events are then right but for the imbalance they ignore."""
    first = size(FirstRelapsePlan(control_rate=0.3, ratio=0.9, dispersion=0.0, years=2)).exact
    plain = size(TimePlan(hazard_ratio=0.9, control_hazard=0.3, years=2)).exact
    assert first == pytest.approx(plain, rel=0.005)


def test_frailty_costs_people():
    sizes = [
        size(FirstRelapsePlan(control_rate=0.6, ratio=0.6, dispersion=k, years=2)).exact
        for k in (0.0, 1.0, 2.0)
    ]
    assert sizes[0] < sizes[1] < sizes[2]
    plan = FirstRelapsePlan(control_rate=0.6, ratio=0.6, dispersion=1.0, years=2)
    control, treated = plan.relapse_free(plan.numbers(), 2.0)
    assert float(control) == pytest.approx(1 / 2.2)
    assert float(treated) == pytest.approx(1 / 1.72)


@settings(deadline=None, max_examples=60)
@given(
    control=st.floats(0.02, 0.98),
    treated=st.floats(0.02, 0.98),
    allocation=st.floats(0.3, 3.0),
    margin=st.floats(-0.3, 0.3),
)
def test_restricted_shares_keep_the_margin_and_are_most_likely(control, treated, allocation, margin):
    arrays = [np.asarray(x) for x in (control, treated, allocation, 1.0, margin)]
    zero, one = (float(x) for x in restricted_shares(*arrays))
    assert one - zero == pytest.approx(margin, abs=1e-9)

    def likelihood(p):
        q = p + margin
        return (
            control * math.log(p)
            + (1 - control) * math.log(1 - p)
            + allocation * (treated * math.log(q) + (1 - treated) * math.log(1 - q))
        )

    low, high = max(1e-6, 1e-6 - margin), min(1 - 1e-6, 1 - 1e-6 - margin)
    grid = np.linspace(low, high, 301)
    best = max(likelihood(float(p)) for p in grid)
    assert likelihood(min(max(zero, low), high)) >= best - 1e-6


def test_roots_of_many_powers_at_once():
    """Root finding on arrays against sizes known in closed form, reached, unreachable and trivial ones."""
    distance = np.array([0.1, 0.5, 2.0, 0.0, -0.3, 50.0])
    target = np.full(6, 0.8)
    found = smallest_size(
        lambda n, at: normal_cdf(np.sqrt(n) * at["distance"] - 1.96),
        {"distance": distance},
        target,
        3.0,
        np.full(6, 20.0),
    )
    exact = ((1.96 + 0.8416212335729143) / distance[:3]) ** 2
    assert found[:2] == pytest.approx(exact[:2], rel=1e-9)
    assert found[2:].tolist() == [3.0, math.inf, math.inf, 3.0]


def test_design_effect_and_allocation_by_hand():
    """Clusters of 10 at ICC .05 inflate by 1.45 (without the loss of degrees of freedom)."""
    clustered = size(ClusterPlan(effect=0.1, cluster_size=10, icc=0.05)).exact * 10
    assert clustered == pytest.approx(1.45 * size(ScorePlan(effect=0.1)).exact, rel=0.005)
    two = size(ScorePlan(effect=0.1, allocation=2.0)).exact
    assert two * 3 / (2 * size(ScorePlan(effect=0.1)).exact) == pytest.approx(1.125, rel=0.005)


@pytest.mark.parametrize(
    ("call", "parts"),
    [
        (
            lambda: ScorePlan(effect="big", sd=-1, baseline_correlation=1.0),
            ["effect", "sd", "baseline_correl"],
        ),
        (
            lambda: ScorePlan(efect=0.3),
            ['"efect" is unknown; nearest "effect"', "effect: the key is missing"],
        ),
        (lambda: ScorePlan(effect=math.nan), ["not finite"]),
        (lambda: ScorePlan(effect=0.3, lost=1.0), ["lost"]),
        (lambda: ScorePlan(effect=0.3, law="exakt"), ['nearest "exact"']),
        (lambda: RiskDifferencePlan(control_share=0.9, difference=0.2), ["share would be 1.1"]),
        (lambda: LogRatioPlan(log_ratio=1, between=0, period=0, sample=0), ["every variance is 0"]),
        (
            lambda: LogRatioPlan(log_ratio=1, between=1, period=0, sample=0, followup_samples=1.5),
            ["whole number"],
        ),
        (
            lambda: RatePlan(
                control_rate=1,
                ratio=0.5,
                dispersion=1,
                years=1,
                accrual_years=1,
                margin=1.2,
                null_variance="pooled rate",
            ),
            ["accrual_years", "margin", 'use null_variance "alternative"'],
        ),
        (lambda: power(ScorePlan(effect=0.3), 1), ["n 1", "from 3"]),
        (lambda: size(ScorePlan(effect=0.3), 0.01), ["power 0.01", "alpha / 2"]),
        (
            lambda: power_table(ScorePlan(effect=0.3), {"n": [], "lost": [0.1, 2.0], "icc": [0.1]}),
            ["n: no values", "lost 2", '"icc" is unknown', "3 findings"],
        ),
        (lambda: power_table(ScorePlan(effect=0.3), {"effect": [0.1]}), ["no size"]),
        (lambda: power_table(ScorePlan(effect=0.3), {"n": range(3, 2000), "effect": [0.1] * 600}), ["cells"]),
        (
            lambda: size_table(
                RiskDifferencePlan(control_share=0.5, difference=0.2), {"control_share": [0.3, 0.9]}
            ),
            ["share would be 1.1"],
        ),
        (lambda: simulate_power(ScorePlan(effect=0.3), 2, trials=1), ["n 2", "trials 1", "2 findings"]),
    ],
)
def test_every_finding_comes_at_once(call, parts):
    with pytest.raises(FindingsError) as caught:
        call()
    for part in parts:
        assert part in str(caught.value)


def test_a_table_keeps_the_order_of_its_axes_and_what_was_held():
    table = power_table(ScorePlan(effect=0.3, sd=2.0), {"effect": [0.5, 1.0], "n": [20, 50, 90]})
    assert table.shape == (2, 3)
    assert table.held == {"alpha": 0.05, "sd": 2.0}
    rows = table.records()
    assert [(row["effect"], row["n"]) for row in rows[:2]] == [(0.5, 20.0), (0.5, 50.0)]
    assert rows[4]["power"] == power(ScorePlan(effect=1.0, sd=2.0), 50)
    nothing = size_table(ScorePlan(effect=-0.1, margin=0.1), {"effect": [0.0, 0.3]}).records()
    assert nothing[0]["n"] is None
    assert nothing[1]["n"] == size(ScorePlan(effect=0.3, margin=0.1)).n_control


def test_the_same_seed_gives_the_same_trials():
    one, two = (simulate_power(PLANS["rate"], 60, trials=200, seed=3) for _ in range(2))
    assert one == two
    assert simulate_power(PLANS["rate"], 60, trials=200, seed=4) != one


KINDS = [
    ScorePlan,
    CrossoverPlan,
    ClusterPlan,
    RatePlan,
    TimePlan,
    FirstRelapsePlan,
    RiskDifferencePlan,
    RiskRatioPlan,
    ClusterResponderPlan,
    LogRatioPlan,
    DistancePlan,
    EngraftmentPlan,
]


def _any_number(draw, bound):
    """Return a number that the bound allows, over eighteen powers of ten where it has no end."""
    if math.isinf(bound.high):
        far = 10.0 ** draw.uniform(-9, 9)
        value = far * draw.choice([-1, 1]) if math.isinf(bound.low) else bound.low + far
    else:
        near = 10.0 ** draw.uniform(-12, 0) * (bound.high - bound.low)
        value = bound.low + near if draw.random() < 0.5 else bound.high - near
    if bound.whole:
        value = max(round(min(value, 1e6)), math.ceil(bound.low))
    return float(value)


@pytest.mark.parametrize("kind", KINDS)
def test_no_allowed_number_gives_nonsense(kind):
    """Powers are probabilities whatever is put in (warnings are errors), sizes reach them or are infinite."""
    draw = np.random.default_rng(KINDS.index(kind))
    made = 0
    for _ in range(250):
        numbers = {
            name: _any_number(draw, bound)
            for name, bound in kind.bounds().items()
            if kind.model_fields[name].is_required() or draw.random() < 0.5
        }
        try:
            plan = kind(**numbers)
        except FindingsError:
            continue  # a treated share outside 0 to 1, or no variance at all
        made += 1
        powers = power_table(plan, {"n": [plan.least, 10, 1000, 1e7]}).columns["power"]
        assert np.all((powers >= -1e-9) & (powers <= 1 + 1e-9)), numbers
        if numbers.get("margin", 0.0) == 0.0 or "margin" not in numbers:
            assert np.all(np.diff(powers) > -1e-6), numbers
        found = size(plan, max(0.95, plan.alpha / 2 + 0.01)) if plan.alpha < 1.9 else None
        assert found is None or not found.reachable or found.power >= found.target - 1e-6, numbers
    assert made > 50
