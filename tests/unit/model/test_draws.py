"""Draws: laws of single numbers by hand; wholes, lines and ranks by what must hold of them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from eubiosis.core.findings import FindingCollector
from eubiosis.core.provenance import SourcedNumber
from eubiosis.core.streams import stream
from eubiosis.model.draws import (
    CorrelationRow,
    dirichlet_weight,
    draw_number,
    draw_together,
    free_names,
    whole_groups,
)
from eubiosis.model.numbers import check_draws

MANY = 4000


def number(value, low=None, high=None, law="normal", name="x", together=""):
    return SourcedNumber(
        id=name, description="x", value=value, unit="-", low=low, high=high, uncertainty=law,
        level="world", together=together, basis="derived", source="made up",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("row", "quantile", "expected"),
    [
        (number(10, 2, 18), 0.5, 10),
        (number(10, 2, 18), 0.025, 2),
        (number(10, 2, 18), 0.975, 18),
        (number(10, 2, 18), 0.999, 18),  # cut off
        (number(4, 1, 16, "lognormal"), 0.5, 4),
        (number(4, 1, 16, "lognormal"), 0.025, 1),
        (number(4, 1, 16, "lognormal"), 0.975, 16),
        # a value that is not in the middle of its range is still the median, and the range still 95 %
        (number(4, 1, 36, "lognormal"), 0.5, 4),
        (number(4, 1, 36, "lognormal"), 0.025, 1),
        (number(4, 1, 36, "lognormal"), 0.975, 36),
        (number(10, 8, 18), 0.025, 8),
        (number(10, 8, 18), 0.975, 18),
        # uniform laws: the range is where the number can lie at all
        (number(3, 2, 6, "uniform"), 0.0, 2),
        (number(3, 2, 6, "uniform"), 0.25, 3),
        (number(3, 2, 6, "uniform"), 1.0, 6),
        (number(3, 2, 8, "loguniform"), 0.5, 4),
        (number(3, 2, 8, "loguniform"), 1.0, 8),
        (number(0.9, 0.8, 0.95, "logitnormal"), 0.5, 0.9),
        (number(0.9, 0.8, 0.95, "logitnormal"), 0.025, 0.8),
        (number(0.9, 0.8, 0.95, "logitnormal"), 0.975, 0.95),
        # odds 1 x 9^(1/1.959964) = 3.0678 at one standard deviation above the median
        (number(0.5, 0.1, 0.9, "logitnormal"), 0.841344746, 3.0678 / 4.0678),
        # symmetric about zero, whatever the value
        (number(1, -1.959964, 1.959964, "symmetric"), 0.5, 0),
        (number(1, -1.959964, 1.959964, "symmetric"), 0.841344746, 1),
    ],
)
def test_a_number_at_a_quantile_is_what_its_law_says(row, quantile, expected):
    assert draw_number(row, quantile) == pytest.approx(expected, rel=1e-4, abs=1e-9)


@given(st.sampled_from(["logitnormal", "uniform", "loguniform", "normal"]), st.integers(0, 2**32))
def test_a_bounded_law_rises_and_stays_inside(law, seed):
    q = np.sort(np.random.default_rng(seed).uniform(1e-9, 1 - 1e-9, 50))
    draws = np.array([draw_number(number(0.5, 0.4, 0.9, law), each) for each in q])
    low, high = (0, 1) if law == "logitnormal" else (0.4, 0.9)
    assert low < draws[0] or law != "logitnormal"
    assert draws[0] >= low
    assert draws[-1] <= high
    assert np.all(np.diff(draws) >= 0)


def test_a_number_without_a_law_of_its_own_cannot_be_drawn():
    with pytest.raises(ValueError, match="no law of its own"):
        draw_number(number(1.0, law="none"), 0.3)


def uniforms(names, seed=5):
    return {name: stream(seed, name).uniform(1e-9, 1 - 1e-9, MANY) for name in names}


def whole(shares, weight):
    """Shares with the marginal ranges of a Dirichlet law of this weight, from scipy."""
    rows = {}
    for name, share in shares.items():
        marginal = stats.beta(weight * share, weight * (1 - share))
        ends = marginal.ppf([0.025, 0.975])
        rows[name] = number(share, *ends, "dirichlet", name, "whole:w")
    return rows


@pytest.mark.parametrize("weight", [4.0, 10.0, 100.0])
def test_a_dirichlet_whole_sums_to_one_with_the_marginals_of_its_law(weight):
    shares = {"a": 0.5, "b": 0.3, "c": 0.2}
    rows = whole(shares, weight)
    assert dirichlet_weight(tuple(rows.values())) == pytest.approx(weight, rel=1e-6)
    drawn = draw_together(rows, tuple(rows), uniforms(rows))
    np.testing.assert_allclose(sum(drawn.values()), 1.0, rtol=1e-12)
    for name, share in shares.items():
        marginal = stats.beta(weight * share, weight * (1 - share))
        assert stats.kstest(drawn[name], marginal.cdf).pvalue > 1e-4, name
        inside = np.mean((drawn[name] > rows[name].low) & (drawn[name] < rows[name].high))
        assert inside == pytest.approx(0.95, abs=4 * np.sqrt(0.95 * 0.05 / MANY))
    # what one member gains the others lose: corr = -sqrt(pa pb / ((1 - pa) (1 - pb)))
    expected = -np.sqrt(0.5 * 0.3 / (0.5 * 0.7))
    assert np.corrcoef(drawn["a"], drawn["b"])[0, 1] == pytest.approx(expected, abs=0.05)


def test_a_lognormal_whole_keeps_its_sum_and_its_log_ratios():
    rows = {
        name: number(value, value / 3, 3 * value, "lognormal", name, "whole:w")
        for name, value in {"a": 0.6, "b": 0.3, "c": 0.05}.items()
    }
    drawn = draw_together(rows, tuple(rows), uniforms(rows))
    np.testing.assert_allclose(sum(drawn.values()), 0.95, rtol=1e-12)
    ratio = np.log(drawn["a"] / drawn["b"])
    assert np.median(ratio) == pytest.approx(np.log(2), abs=0.06)
    assert ratio.std() == pytest.approx(np.sqrt(2) * np.log(3) / 1.959964, rel=0.06)


def test_a_line_moves_its_members_together_with_one_quantile():
    rows = {
        "up": number(0.5, 0.2, 0.8, "uniform", "up", "line:l+"),
        "down": number(2.0, 1.4, 2.6, "uniform", "down", "line:l-"),
        "alone": number(1.0, 0.5, 1.5, "uniform", "alone"),
    }
    assert free_names(rows, tuple(rows)) == ("up", "alone")
    drawn = draw_together(rows, tuple(rows), uniforms(("up", "alone")))
    np.testing.assert_allclose(2 * drawn["up"] + drawn["down"], 3.0, rtol=1e-12)
    assert abs(np.corrcoef(drawn["up"], drawn["alone"])[0, 1]) < 4 / np.sqrt(MANY)


def test_ranks_are_correlated_as_stated_and_margins_stay():
    rows = {
        "a": number(1.0, 0.5, 2.0, "lognormal", "a", "rank:r"),
        "b": number(5.0, 0.0, 9.0, "uniform", "b", "rank:r"),
        "c": number(0.2, 0.1, 0.3, "normal", "c", "rank:r"),
    }
    pairs = (
        CorrelationRow(group="rank:r", first="a", second="b", correlation=-0.6, basis="derived"),
        CorrelationRow(group="rank:other", first="x", second="y", correlation=0.9, basis="derived"),
    )
    drawn = draw_together(rows, tuple(rows), uniforms(rows), pairs)
    found = stats.spearmanr(np.stack(list(drawn.values())), axis=1).statistic
    assert found[0, 1] == pytest.approx(-0.6, abs=0.05)
    assert abs(found[0, 2]) < 4 / np.sqrt(MANY)
    assert stats.kstest(drawn["b"] / 9, "uniform").pvalue > 1e-4


def test_a_part_of_a_group_is_refused():
    rows = whole({"a": 0.5, "b": 0.5}, 4.0)
    with pytest.raises(ValueError, match="drawn together; b is not"):
        draw_together(rows, ("a",), {"a": 0.5})


def test_every_group_of_the_tables_keeps_what_it_must(model):
    numbers, complete = model.content.numbers, whole_groups(model.content.numbers)
    assert {"whole:edss_peak", "whole:guilds", "rank:protein", "rank:volume"} <= set(complete)
    for group, members in complete.items():
        assert len(members) > 1, group
        drawn = draw_together(numbers, members, uniforms(free_names(numbers, members)))
        for name in members:
            assert np.all(np.isfinite(drawn[name])), name
        if group.startswith("whole:"):
            total = sum(numbers[name].value for name in members)
            np.testing.assert_allclose(sum(drawn[name] for name in members), total, rtol=1e-9)
            for name in members:  # the value lies well inside what is drawn
                assert 0.2 < np.mean(drawn[name] < numbers[name].value) < 0.8, name


CARBON = {"Ac": 2, "Pr": 3, "Bu": 4, "La": 3, "Su": 4}
ELECTRONS = {"Ac": 8, "Pr": 14, "Bu": 20, "La": 12, "Su": 14, "H2": 2}
CLOSED = ("BAC", "PRV", "AKK", "FAE", "ROS", "ANA", "BLA", "CLO", "PB_BUT")


def products(model, guild):
    """What draws of a guild make of a hexose, each (MANY,): numbers drawn, the rest by the model's forms."""
    numbers, kernel = model.content.numbers, model.gut_kernel
    own = [n for n in numbers if n.startswith(f"gut_hex_{guild}_") or n == f"gut_u_{guild}"]
    members = tuple(n for n in own if numbers[n].uncertain)
    assert members, guild
    columns = np.repeat(kernel.default_parameters[:, None], MANY, axis=1)
    for name, values in draw_together(numbers, members, uniforms(free_names(numbers, members))).items():
        columns[kernel.parameter_index[name]] = values
    states = np.repeat(model.states("healthy", kernel)[:, None], MANY, axis=1)
    assigned = kernel.assigned_at(0.0, states, columns)
    at = {n: assigned[i] for n, i in kernel.assigned_index.items()}
    at |= {n: columns[i] for n, i in kernel.parameter_index.items()}
    made = {m: at.get(f"gut_hex_{guild}_{m}", np.zeros(MANY)) for m in ELECTRONS}
    if f"gut_u_{guild}" in at:  # acetate taken up by a butyrogen
        made["Ac"] = -at[f"gut_u_{guild}"]
    assert max(np.ptp(values) for values in made.values()) > 0.1
    return made


@pytest.mark.parametrize("guild", CLOSED)
def test_drawn_products_balance_the_electrons_of_a_hexose(model, guild):
    """A hexose carries 24 electrons to its products (acetate 8, lactate 12, butyrate 20, hydrogen 2, ...)."""
    made = products(model, guild)
    electrons = sum(ELECTRONS[product] * each for product, each in made.items())
    np.testing.assert_allclose(electrons, 24, atol=0.35)  # the tables round to two digits
    assert np.ptp(electrons) < 0.02
    carbon = sum(CARBON[product] * made[product] for product in CARBON)
    assert np.all(carbon <= 6.01)
    assert min(made[product].min() for product in ("Pr", "Bu", "La", "Su", "H2")) >= -1e-9


def test_bifidobacteria_trade_lactate_for_acetate_with_ethanol_as_the_rest(model):
    made = products(model, "BIF")
    lactate, acetate, hydrogen = (made[p] for p in ("La", "Ac", "H2"))
    np.testing.assert_allclose(acetate, 2 - lactate / 2, atol=1e-3)
    ethanol = (24 - 8 * acetate - 12 * lactate - 2 * hydrogen) / 12
    assert ethanol.min() > -1e-9
    # carbon: what is not in acetate, lactate and ethanol leaves as formate or carbon dioxide
    left = 6 - 2 * acetate - 3 * lactate - 2 * ethanol
    assert left.min() > -0.02


def test_no_packaged_number_is_assumed_in_silence(model):
    collector = FindingCollector()
    check_draws(model.content, collector)
    assert collector.findings == []
