"""Doses and other changes from outside, against closed forms."""

import numpy as np
import pytest

from engine_models import TIGHT, compiled, same
from eubiosis import engine
from eubiosis.engine import Add, AtLeast, Infuse, Scale, Set, piecewise, repeated
from sbml_text import compartment as room
from sbml_text import document, reaction, species
from sbml_text import rate as rate_rule

K, VOLUME = 0.3, 4.0


@pytest.fixture(scope="module")
def compartment():
    """One compartment with an infusion; ``level`` only ever changes from outside."""
    return compiled(f"k = {K}; V = {VOLUME}; u = 0; A = 0; A' = u - k*A; c := A/V")


def superposition(t, doses, k=K):
    """Sum of boluses (time, amount) and what is left of each; a dose counts from its time on."""
    return sum(np.where(t >= when, amount * np.exp(-k * (t - when)), 0.0) for when, amount in doses)


def test_repeated_boluses_superpose(compartment):
    t = np.arange(0.0, 30.0, 0.5)
    got = compartment.solve(t, ["A", "c"], inputs=repeated(1.0, 6.0, 4, "A", 10.0), tolerances=TIGHT)
    exact = superposition(t, [(1.0 + 6 * n, 10.0) for n in range(4)])
    np.testing.assert_allclose(got["A"][0], exact, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(got["c"][0], exact / VOLUME, rtol=1e-9, atol=1e-12)


def test_the_value_at_a_change_is_the_value_after_it(compartment):
    """At both ends and in between, for states and for parameters."""
    inputs = [
        Add(0.0, "A", 1.0),
        Add(2.0, "A", 5.0),
        Set(2.0, "u", 7.0),
        Add(4.0, "A", 3.0),
        Set(4.0, "u", 9.0),
    ]
    got = compartment.solve([0.0, 2.0, 4.0], ["A", "u"], inputs=inputs, tolerances=TIGHT)
    at_two = np.exp(-2 * K) + 5
    at_four = 7 / K + (at_two - 7 / K) * np.exp(-2 * K) + 3
    np.testing.assert_allclose(got["A"][0], [1.0, at_two, at_four], rtol=1e-10)
    assert got["u"][0].tolist() == [0.0, 7.0, 9.0]
    assert got.states[0, 0] == got["A"][0, -1]


def test_changes_before_the_start_take_effect_at_it_and_later_than_the_end_not_at_all(compartment):
    early = [Set(-9.0, "u", 1.0), Set(-5.0, "u", 2.0), Add(-1.0, "A", 4.0), Add(10.5, "A", 100.0)]
    got = compartment.solve([0.0, 10.0], ["A", "u"], inputs=early, tolerances=TIGHT)
    assert got["A"][0, 0] == 4.0
    assert got["u"][0].tolist() == [2.0, 2.0]
    assert got["A"][0, 1] == pytest.approx(2 / K + (4 - 2 / K) * np.exp(-10 * K), rel=1e-10)


def test_a_piecewise_infusion(compartment):
    t = np.linspace(0, 12, 25)
    inputs = piecewise([2.0, 3.5, 8.0], [6.0, 1.0, 0.0], "u")
    got = compartment.solve(t, ["A"], inputs=inputs, tolerances=TIGHT)["A"][0]
    exact = np.zeros_like(t)
    for start, stop, rate in ((2.0, 3.5, 6.0), (3.5, 8.0, 1.0)):
        up = rate / K * (1 - np.exp(-K * np.clip(t - start, 0, stop - start)))
        exact += up * np.exp(-K * np.maximum(t - stop, 0))
    np.testing.assert_allclose(got, exact, rtol=1e-9, atol=1e-12)


def test_scale_set_and_at_least(compartment):
    """A course of changes followed by hand; a level is raised only if it lies below."""
    decay = np.exp(-K)
    inputs = [Scale(1.0, "A", 0.25), AtLeast(2.0, "A", 1.0), AtLeast(3.0, "A", 50.0), Set(4.0, "A", 2.0)]
    got = compartment.solve(np.arange(6.0), ["A"], initial={"A": 80.0}, inputs=inputs, tolerances=TIGHT)["A"][
        0
    ]
    one = 80 * decay / 4
    assert one * decay > 1
    np.testing.assert_allclose(got, [80, one, one * decay, 50, 2, 2 * decay], rtol=1e-10)


def test_changes_at_one_time_happen_in_the_order_they_were_given(compartment):
    add, scale = Add(1.0, "A", 3.0), Scale(1.0, "A", 2.0)
    first = compartment.solve([0, 1], ["A"], initial={"A": 1.0}, inputs=[add, scale], tolerances=TIGHT)
    second = compartment.solve([0, 1], ["A"], initial={"A": 1.0}, inputs=[scale, add], tolerances=TIGHT)
    assert first["A"][0, 1] == pytest.approx(2 * (np.exp(-K) + 3))
    assert second["A"][0, 1] == pytest.approx(2 * np.exp(-K) + 3)


def test_personal_times_and_amounts(compartment):
    rng = np.random.default_rng(3)
    people, t = 21, np.linspace(0, 10, 21)
    when, amount = rng.uniform(-1, 11, (3, people)), rng.uniform(1, 9, (3, people))
    k = rng.uniform(0.1, 2, people)
    inputs = [Add(when[0], "A", amount[0]), Add(when[1], "A", 5.0), Add(7.0, "A", amount[2])]
    got = compartment.solve(t, ["A"], parameters={"k": k}, inputs=inputs, tolerances=TIGHT)["A"]
    for i in range(people):
        doses = [(when[0, i], amount[0, i]), (when[1, i], 5.0), (7.0, amount[2, i])]
        doses = [(max(0.0, time), dose) for time, dose in doses]
        np.testing.assert_allclose(got[i], superposition(t, doses, k[i]), rtol=1e-8, atol=1e-11)


def test_personal_times_of_a_parameter_are_seen_in_it(compartment):
    when = np.array([1.0, 2.5, np.inf])
    got = compartment.solve(np.arange(5.0), ["u", "A"], inputs=[Set(when, "u", np.array([3.0, 4.0, 5.0]))])
    assert got["u"].tolist() == [[0, 3, 3, 3, 3], [0, 0, 0, 4, 4], [0, 0, 0, 0, 0]]
    assert np.all(got["A"][2] == 0)


def test_a_dose_tells_how_many_subjects_there_are(compartment):
    got = compartment.solve([0.0, 1.0], ["A"], inputs=[Add(0.0, "A", np.arange(5.0))])
    assert got["A"][:, 0].tolist() == [0, 1, 2, 3, 4]


def test_shared_and_personal_arrangements_give_the_same_bits(compartment):
    """The same doses, once at one time for all and once as an array of equal times."""
    amount = np.linspace(1, 9, 11)
    shared = [Add(1.5, "A", amount), Set(2.0, "u", 1.0), Scale(3.0, "A", 0.5)]
    alike = [type(i)(np.full(11, i.time), i.name, i.value) for i in shared]
    one, two = (compartment.solve([0, 1, 3, 7], ["A", "u"], inputs=i) for i in (shared, alike))
    assert same(one.values, two.values)
    assert same(one.effort, two.effort)


def test_a_state_without_a_rate_changes_from_outside_only():
    """``level`` has no rate; an SBML event makes it a state."""
    model = compiled("level = 1; x = 0; x' = level; E: at (x > 1e9): level = 0;")
    got = model.solve([0.0, 1.0, 2.0], ["x", "level"], inputs=[Add(1.0, "level", 2.0)], tolerances=TIGHT)
    np.testing.assert_allclose(got["x"][0], [0, 1, 4], rtol=1e-10)
    assert got["level"][0].tolist() == [1, 3, 3]


def test_inputs_of_a_call_are_left_alone(compartment):
    initial, k = np.array([[1.0]]), np.array([0.3, 0.4])
    compartment.solve([0.0, 2.0], ["A"], initial=initial, parameters={"k": k}, inputs=[Set(1.0, "k", 2.0)])
    assert initial.tolist() == [[1.0]]
    assert k.tolist() == [0.3, 0.4]


def infused_by_hand(t, parts, k=K):
    """What is left of infusions (start, stop, rate) with loss at rate k."""
    total = np.zeros_like(t)
    for start, stop, rate in parts:
        up = rate / k * (1 - np.exp(-k * np.clip(t - start, 0, stop - start)))
        total += up * np.exp(-k * np.maximum(t - stop, 0))
    return total


def test_infusions_by_rate_and_by_amount(compartment):
    t = np.linspace(0, 12, 25)
    inputs = [Infuse(2.0, "A", 6.0, stop=3.5), Infuse.amount(3.5, "A", 9.0, stop=8.0)]
    got = compartment.solve(t, ["A", "c"], inputs=inputs, tolerances=TIGHT)
    exact = infused_by_hand(t, [(2.0, 3.5, 6.0), (3.5, 8.0, 2.0)])
    np.testing.assert_allclose(got["A"][0], exact, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(got["c"][0], exact / VOLUME, rtol=1e-9, atol=1e-12)


def test_infusions_that_overlap_add_up_and_come_in_any_order(compartment):
    t = np.linspace(0, 12, 25)
    parts = [(4.0, 9.0, 1.0), (1.0, 5.0, 2.0), (5.0, 6.0, 3.0), (-1.0, 2.0, 4.0), (11.0, 20.0, 5.0)]
    inputs = [Infuse(start, "A", rate, stop) for start, stop, rate in parts]
    got = compartment.solve(t, ["A"], inputs=[*inputs, Add(3.0, "A", 7.0)], tolerances=TIGHT)
    seen = [(max(start, 0.0), stop, rate) for start, stop, rate in parts]
    exact = infused_by_hand(t, seen) + superposition(t, [(3.0, 7.0)])
    np.testing.assert_allclose(got["A"][0], exact, rtol=1e-9, atol=1e-12)


def test_personal_infusions(compartment):
    t = np.linspace(0, 10, 21)
    start, stop = np.array([1.0, 2.0, 3.0]), np.array([4.0, 2.0, np.inf])
    inputs = [Infuse(start, "A", np.array([1.0, 5.0, 2.0]), stop), Infuse(stop, "A", 1.0, stop + 1)]
    got = compartment.solve(t, ["A"], inputs=inputs, tolerances=TIGHT)["A"]
    np.testing.assert_allclose(got[0], infused_by_hand(t, [(1, 4, 1), (4, 5, 1)]), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(got[1], infused_by_hand(t, [(2, 3, 1)]), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(got[2], infused_by_hand(t, [(3, 99, 2)]), rtol=1e-9, atol=1e-12)


def test_derivatives_with_an_infusion(compartment):
    """A = u / k (1 - exp(-k t)): dA/dk by hand."""
    t, u = np.array([0.0, 1.0, 4.0]), 6.0
    got = compartment.sensitivities(t, ["A"], ["k"], inputs=[Infuse(0.0, "A", u, 10.0)], tolerances=TIGHT)
    exact = u * (-(1 - np.exp(-K * t)) / K**2 + t * np.exp(-K * t) / K)
    np.testing.assert_allclose(got.of("A", "k")[0], exact, rtol=1e-8, atol=1e-12)


@pytest.fixture(scope="module")
def rooms():
    """Nothing but doses moves A (concentration, volume 2), M (amount) and B (concentration, volume 2 + t)."""
    return engine.compile(
        document(
            room("C", 2),
            room("G", 2, constant=False),
            rate_rule("G", "1"),
            species("A", "C", concentration=1),
            species("M", "C", amount=4, hasOnlySubstanceUnits=True),
            species("B", "G", concentration=1),
            reaction("R", ["A"], ["M"], "0"),
            reaction("S", ["B"], [], "0"),
        )
    )


def test_a_dose_of_a_species_is_an_amount_whatever_its_unit(rooms):
    """6 in a volume of 2 is 3; in one of 3 at t = 1 it is 2, and half of 8 / 3 + 2 is kept by a scale."""
    doses = [Add(1.0, "A", 6.0), Add(1.0, "M", 6.0), Add(1.0, "B", 6.0), Scale(2.0, "B", 0.5)]
    got = rooms.solve([0, 1, 2, 4], ["A", "M", "B"], inputs=doses, tolerances=TIGHT)
    np.testing.assert_allclose(got["A"][0], [1, 4, 4, 4])
    np.testing.assert_allclose(got["M"][0], [4, 10, 10, 10])
    np.testing.assert_allclose(got["B"][0], [1, 8 / 3, 1, 2 / 3], rtol=1e-12)


def test_doses_follow_each_subjects_own_volume(rooms):
    volume = np.array([2.0, 0.5])
    got = rooms.solve([0, 1], ["A"], values={"C": volume}, inputs=[Add(1.0, "A", np.array([6.0, 1.0]))])
    np.testing.assert_allclose(got["A"][:, 1], [4.0, 3.0])
    slopes = rooms.sensitivities([0, 1], ["A"], ["C"], inputs=[Add(1.0, "A", 6.0)], tolerances=TIGHT)
    assert slopes.of("A", "C")[0] == pytest.approx([0, -6 / 4])


def test_infusions_of_species_are_amounts_too(rooms):
    """3 per unit of time into a volume of 2, and into one of 2 + t that already holds 2."""
    inputs = [Infuse(1.0, "A", 3.0, 3.0), Infuse(1.0, "B", 3.0, 3.0)]
    got = rooms.solve([0, 2, 4], ["A", "B"], inputs=inputs, tolerances=TIGHT)
    np.testing.assert_allclose(got["A"][0], [1, 2.5, 4])
    np.testing.assert_allclose(got["B"][0], [1, 5 / 4, 8 / 6])


def test_what_takes_no_dose_says_why(rooms, compartment):
    by_rule = engine.compile(
        document(
            room("G", 2, constant=False),
            rate_rule("G", "1"),
            species("B", "G", concentration=1),
            rate_rule("B", "-B"),
        )
    )

    def at(model, item):
        return lambda: model.solve([0, 1], inputs=[item])

    for call, error, words in (
        (at(by_rule, Add(0.5, "B", 1.0)), ValueError, "takes no dose"),
        (at(rooms, Set(0.5, "B", 1.0)), ValueError, r"set the amount, B\.amount"),
        (at(rooms, Add(0.5, "C", 1.0)), KeyError, "C is a parameter, which nothing"),
        (at(rooms, Infuse(0, "C", 1, 2)), KeyError, "C is a parameter, which nothing"),
        (at(compartment, Add(0.5, "c", 1.0)), KeyError, "c follows a rule"),
        (at(compartment, Infuse(1, "A", 1, 0.5)), ValueError, "stops before it starts"),
        (lambda: Infuse.amount(1.0, "A", 5.0, 1.0), ValueError, "no length"),
    ):
        with pytest.raises(error, match=words):
            call()
