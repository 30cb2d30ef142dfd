"""Before-after designs and pilots: closed forms by hand, simulation, and rules that must hold."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eubiosis.analysis.planning import (
    FeasibilityRule,
    RelapseBeforeAfter,
    SafetyRule,
    ScoreBeforeAfter,
    ScorePlan,
    SignalRule,
    compare_relapses,
    compare_score,
    misuse,
    power,
    scenarios,
)
from eubiosis.analysis.planning.pilot import NOT_FOR
from eubiosis.analysis.planning.scale_facts import load_scale_facts, scale_facts
from eubiosis.analysis.planning.single_arm import expected_rate_after
from eubiosis.core.findings import FindingsError

MFIS = {"population_sd": 19.7, "population_mean": 41.0, "reliability": 0.863, "people": 40}


def test_regression_to_the_mean_by_simulated_people():
    """A million people, two measurements of reliability .863, entry above 38."""
    draw = np.random.default_rng(1)
    true = 41 + 19.7 * math.sqrt(0.863) * draw.standard_normal(1_000_000)
    first, second = (true + 19.7 * math.sqrt(0.137) * draw.standard_normal(len(true)) for _ in range(2))
    chosen = first > 38
    change = second[chosen] - first[chosen]
    study = ScoreBeforeAfter(change=-2.0, cutoff=38, selected="above", **MFIS)
    found = compare_score(study)[0]
    assert found.expected == pytest.approx(change.mean(), abs=4 * change.std() / math.sqrt(len(change)))
    assert found.low == found.high == pytest.approx(found.expected)
    half = (found.seen_high - found.seen_low) / 2
    assert half == pytest.approx(1.96 * change.std() / math.sqrt(40), rel=0.03)
    assert found.compatible
    assert found.verdict == "compatible with regression to the mean alone"


def test_from_the_published_baseline_mean_by_hand():
    """(r - 1)(51.3 - 41) = -1.41; the cut-off then only says how people spread."""
    study = ScoreBeforeAfter(change=-8.0, baseline_mean=51.3, cutoff=33, selected="above", **MFIS)
    assert compare_score(study)[0].expected == pytest.approx(-0.137 * 10.3)


def test_the_population_mean_is_inferred_from_those_chosen():
    """Those above 38 of a population of mean 41 have a mean of 54.9: from that the 41 comes back."""
    from scipy.stats import norm

    z = (38 - 41) / 19.7
    baseline = 41 + 19.7 * norm.pdf(z) / norm.sf(z)
    known = ScoreBeforeAfter(change=-2.0, cutoff=38, selected="above", **MFIS)
    rest = {name: value for name, value in MFIS.items() if name != "population_mean"}
    inferred = ScoreBeforeAfter(change=-2.0, cutoff=38, selected="above", baseline_mean=baseline, **rest)
    assert compare_score(inferred)[0].expected == pytest.approx(compare_score(known)[0].expected, rel=1e-6)


def test_choosing_low_values_mirrors_choosing_high_ones():
    above = ScoreBeforeAfter(change=-2.0, cutoff=50, selected="above", **MFIS)
    below = ScoreBeforeAfter(change=2.0, cutoff=32, selected="below", **MFIS)
    assert compare_score(below)[0].expected == pytest.approx(-compare_score(above)[0].expected)


@settings(deadline=None, max_examples=15)
@given(first=st.floats(0.0, 0.98), second=st.floats(0.0, 0.98), cutoff=st.floats(20, 70))
def test_less_reliable_scores_regress_more(first, second, cutoff):
    low, high = sorted((first, second))

    def expected(r):
        return compare_score(
            ScoreBeforeAfter(
                change=-1, people=30, population_sd=19.7, population_mean=41, reliability=r, cutoff=cutoff,
                selected="above",
            )
        )[0].expected  # fmt: skip

    assert expected(low) <= expected(high) + 1e-9 <= 1e-9


def test_perfect_reliability_never_regresses():
    study = ScoreBeforeAfter(
        change=-5.0,
        people=20,
        population_sd=10,
        population_mean=40,
        reliability=0.999999,
        cutoff=45,
        selected="above",
        change_sd=6.0,
    )
    found = compare_score(study)[0]
    assert found.expected == pytest.approx(0.0, abs=1e-3)
    assert not found.compatible
    assert "without a control arm this is no estimate of an effect" in found.verdict
    assert "explained" not in found.verdict


def test_uncertain_inputs_widen_the_interval():
    sure = compare_score(ScoreBeforeAfter(change=-4, cutoff=38, selected="above", **MFIS))[0]
    unsure = compare_score(
        ScoreBeforeAfter(
            change=-4, cutoff=38, selected="above", reliability_people=82, population_people=82, **MFIS
        )
    )[0]
    assert unsure.low < sure.expected < unsure.high
    assert unsure.seen_high - unsure.seen_low > sure.seen_high - sure.seen_low


def test_placebo_on_top_or_by_itself():
    placebo = {"placebo_change": -3.0, "placebo_low": -5.0, "placebo_high": -1.0}
    plain = ScoreBeforeAfter(change=-6, cutoff=38, selected="above", **MFIS, **placebo)
    alone, arms = compare_score(plain)
    assert arms.expected == pytest.approx(-3.0, abs=0.03)
    assert (arms.low, arms.high) == pytest.approx((-5.0, -1.0), abs=0.1)
    both = compare_score(
        ScoreBeforeAfter(
            change=-6, cutoff=38, selected="above", placebo_counts="beyond regression", **MFIS, **placebo
        )
    )[1]
    assert both.expected == pytest.approx(alone.expected - 3.0, abs=0.03)


def test_verdicts_for_smaller_and_opposite_changes():
    worse = compare_score(ScoreBeforeAfter(change=9.0, cutoff=38, selected="above", **MFIS))[0]
    assert worse.verdict.startswith("a smaller or opposite change")
    more = compare_score(ScoreBeforeAfter(change=-12.0, cutoff=38, selected="above", **MFIS))[0]
    assert more.verdict.startswith("a larger change")
    assert more.tail < 0.01


def test_relapses_regress_by_a_hand_calculation():
    """Rate 1, k 1: those with one or more in a year have 2 on average; then (1 + 2) / (1 + 1) a year."""
    study = RelapseBeforeAfter(rate_after=1.0, people=60, mean_rate=1.0, dispersion=1.0, relapses_at_entry=1)
    assert expected_rate_after(study, 1.0) == pytest.approx(1.5)
    found = compare_relapses(study)[0]
    assert found.expected == pytest.approx(1.5)
    assert found.verdict.startswith("a lower rate")
    inferred = RelapseBeforeAfter(
        rate_after=1.5, people=60, rate_before=2.0, dispersion=1.0, relapses_at_entry=1
    )
    again = compare_relapses(inferred)[0]
    assert again.expected == pytest.approx(1.5, rel=1e-6)
    assert again.compatible


def test_relapses_of_simulated_people():
    draw = np.random.default_rng(4)
    rate = 0.6 * draw.gamma(1 / 0.8, 0.8, 400_000)
    before, after = draw.poisson(rate), draw.poisson(rate * 2.0)
    chosen = before >= 1
    study = RelapseBeforeAfter(
        rate_after=1.0, people=50, mean_rate=0.6, dispersion=0.8, relapses_at_entry=1, years_after=2
    )
    mean = after[chosen].mean() / 2
    assert expected_rate_after(study, 0.6) == pytest.approx(mean, abs=4 * after[chosen].std() / 2 / 300)
    found = compare_relapses(study)[0]
    half = 1.96 * (after[chosen] / 2).std() / math.sqrt(50)
    assert (found.seen_high - found.seen_low) / 2 == pytest.approx(half, rel=0.08)


def test_people_who_do_not_differ_do_not_regress_below_the_mean_rate():
    study = RelapseBeforeAfter(rate_after=0.5, people=50, mean_rate=0.5, dispersion=0, relapses_at_entry=1)
    assert compare_relapses(study)[0].expected == 0.5


def test_an_uncertain_dispersion_gives_an_interval():
    study = RelapseBeforeAfter(
        rate_after=1.0,
        people=50,
        mean_rate=0.6,
        dispersion=0.8,
        dispersion_low=0.3,
        dispersion_high=2.0,
        relapses_at_entry=1,
        placebo_ratio=0.8,
    )
    found = compare_relapses(study)[0]
    assert found.low < found.expected < found.high
    assert found.name.endswith("control arms' ratio")


@pytest.mark.parametrize(
    ("call", "parts"),
    [
        (
            lambda: ScoreBeforeAfter(change=-1, people=1.5, population_sd=0, reliability=1.2),
            ["people", "population_sd", "reliability", "3 findings"],
        ),
        (
            lambda: ScoreBeforeAfter(change=-1, people=20, population_sd=10, reliability=0.8),
            ["no mean of people not chosen", "neither a cut-off nor a baseline mean"],
        ),
        (lambda: ScoreBeforeAfter(change=-1, cutoff=38, **MFIS), ["a cut-off without a side"]),
        (lambda: ScoreBeforeAfter(change=-1, selected="above", **MFIS), ["without a cut-off"]),
        (
            lambda: ScoreBeforeAfter(change=-1, cutoff=38, selected="above", baseline_mean=30, **MFIS),
            ["30 although all were above 38"],
        ),
        (
            lambda: ScoreBeforeAfter(change=-1, cutoff=38, selected="above", placebo_low=-2, **MFIS),
            ["with a part missing"],
        ),
        (
            lambda: ScoreBeforeAfter(
                change=-1,
                cutoff=38,
                selected="above",
                placebo_change=3,
                placebo_low=-2,
                placebo_high=-1,
                **MFIS,
            ),
            ["3 outside -2 to -1"],
        ),
        (
            lambda: ScoreBeforeAfter(
                change=-1, cutoff=38, selected="above", reliability_people=2, change_sd=-1, **MFIS
            ),
            ["from 5", "change_sd"],
        ),
        (lambda: RelapseBeforeAfter(rate_after=1, people=20, dispersion=1, relapses_at_entry=1), ["no rate"]),
        (
            lambda: RelapseBeforeAfter(
                rate_after=1, people=20, dispersion=1, relapses_at_entry=2, rate_before=1.5
            ),
            ["1.5 a year although everybody had 2"],
        ),
        (
            lambda: RelapseBeforeAfter(
                rate_after=1, people=20, dispersion=1, relapses_at_entry=1, mean_rate=-1, dispersion_low=2.0
            ),
            ["mean_rate -1", "one end without the other"],
        ),
        (lambda: FeasibilityRule(people=30, unacceptable=0.9, acceptable=0.6), ["0.9 is not below"]),
        (lambda: SafetyRule(people=30, tolerable=0.2, intolerable=0.1), ["0.2 is not below"]),
        (lambda: SignalRule(people=30, effect=-0.3, alpha=0.6), ["alpha", "effect", "2 findings"]),
    ],
)
def test_contradictions_are_found_all_at_once(call, parts):
    with pytest.raises(FindingsError) as caught:
        call()
    for part in parts:
        assert part in str(caught.value)


@settings(deadline=None, max_examples=60)
@given(
    people=st.integers(5, 150),
    shares=st.tuples(st.floats(0.05, 0.95), st.floats(0.05, 0.95)),
    alpha=st.floats(0.01, 0.2),
    beta=st.floats(0.01, 0.2),
)
def test_feasibility_rules_keep_their_errors(people, shares, alpha, beta):
    low, high = sorted(shares)
    if high - low < 0.02:
        return
    rule = FeasibilityRule(people=people, unacceptable=low, acceptable=high, alpha=alpha, beta=beta)
    assert rule.stop < rule.go
    assert rule.chances(low)[0] <= alpha + 1e-12
    assert rule.chances(high)[2] <= beta + 1e-12
    for true in (low, high):
        assert sum(rule.chances(true)) == pytest.approx(1.0, abs=1e-9)
    if rule.go <= people:  # one less would not keep alpha
        from scipy.stats import binom

        assert binom.sf(rule.go - 2, people, low) > alpha


def test_a_pilot_too_small_to_say_go_never_does():
    rule = FeasibilityRule(people=3, unacceptable=0.6, acceptable=0.9)
    assert rule.go == 4
    assert rule.chances(0.99)[0] == 0.0


def test_the_rule_of_three():
    rule = SafetyRule(people=100, tolerable=0.0, intolerable=0.05)
    assert rule.excluded(0) == pytest.approx(0.03, abs=0.0005)
    assert rule.stop == 1
    assert rule.stopping(0.05) == pytest.approx(1 - 0.95**100)
    assert rule.excluded(100) == 1.0


def test_signals_and_their_errors():
    rule = SignalRule(people=40, effect=0.5, alpha=0.2)
    assert rule.going(0.0) == pytest.approx(0.2)
    assert rule.going(0.5) == pytest.approx(power(ScorePlan(effect=0.5, alpha=0.4), 20))
    assert rule.going(-0.5) < 0.2 < rule.going(0.5)
    assert rule.half_width == pytest.approx(2.0244 * math.sqrt(0.1), rel=1e-4)


def test_rules_together_multiply():
    rules = (
        FeasibilityRule(people=30, unacceptable=0.6, acceptable=0.85, name="retention"),
        FeasibilityRule(people=30, unacceptable=0.7, acceptable=0.9, name="adherence"),
    )
    safety = (SafetyRule(people=15, tolerable=0.02, intolerable=0.2),)
    signal = SignalRule(people=30, effect=0.6)
    found = {one.name: one.going for one in scenarios(rules, safety, signal)}
    parts = [
        rules[0].chances(0.85)[0], rules[1].chances(0.9)[0], 1 - safety[0].stopping(0.02), signal.going(0.6)
    ]  # fmt: skip
    assert found["all is well"] == pytest.approx(math.prod(parts))
    assert found["no effect, the rest well"] == pytest.approx(math.prod(parts[:3]) * 0.2)
    assert found["nothing is well"] < min(value for name, value in found.items() if name != "nothing is well")


def test_sizing_by_a_pilots_estimate_misleads():
    """Pilots that said go exaggerate; a larger pilot does so less."""
    small, large = (misuse(SignalRule(people=n, effect=0.3), pilots=8000) for n in (30, 300))
    assert small.exaggeration > large.exaggeration > 1.0
    assert small.mean_power < large.mean_power < 0.8
    assert small.below_half > large.below_half
    assert small.needed == 176
    assert small.sd_factor > large.sd_factor > 1.0
    assert any("sizing the main trial" in line for line in NOT_FOR)


def test_the_sd_factor_by_hand():
    """The 80 % upper limit of an SD with 38 degrees of freedom: sqrt(38 / 30.537)."""
    assert misuse(SignalRule(people=40, effect=0.5), pilots=100).sd_factor == pytest.approx(1.1155, abs=2e-4)


def test_scale_facts_are_whole():
    rows = load_scale_facts()
    assert len({row.id for row in rows}) == len(rows)
    assert {row.scale for row in rows} >= {"MFIS", "FSS", "T25FW", "SDMT"}
    for row in rows:
        if row.quantity == "reliability":  # the ranges are Fisher's z for the people named
            error = 1.959964 / math.sqrt(row.people - 3)
            ends = [math.tanh(math.atanh(row.value) + sign * error) for sign in (-1, 1)]
            assert (row.low, row.high) == pytest.approx(ends, abs=6e-4)
    with pytest.raises(FindingsError, match='nearest "MFIS"'):
        scale_facts("MFI")
