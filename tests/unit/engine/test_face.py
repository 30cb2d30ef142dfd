"""What the public objects show, list, hand to other libraries and take along into other processes."""

import pickle
import sys

import numpy as np
import pytest

from engine_models import TIGHT, compiled, same
from eubiosis import engine
from eubiosis.engine import Integral, Maximum
from sbml_text import compartment, document, parameter, rate, reaction, species

T = np.array([0.0, 1.0, 2.0])


@pytest.fixture(scope="module")
def model():
    return compiled("k = 0.5; V = 4; x = 8; y = 0; x' = -k*x; y' = k*x; c := x/V")


@pytest.fixture(scope="module")
def solution(model):
    wanted = [Maximum("c"), Integral("x")]
    return model.solve(T, ["c", "y"], values={"k": [0.5, 1.0]}, reductions=wanted, tolerances=TIGHT)


def test_names_are_listed(model):
    assert (model.states, model.parameters, model.assigned) == (("x", "y"), ("k", "V"), ("c",))


def test_without_observables_all_states_are_returned(model):
    got = model.solve(T, tolerances=TIGHT)
    assert got.observables == ("x", "y")
    np.testing.assert_allclose(got["x"][0], 8 * np.exp(-T / 2), rtol=1e-9)
    assert model.solve(T, ()).values.shape == (1, 3, 0)
    assert model.steady_state().observables == ("x", "y")
    assert model.march(T, steps=50).observables == ("x", "y")


def test_the_time_can_be_observed(model):
    got = model.solve(T, ["time", "x"], reductions=[Maximum("time"), Integral("time")])
    assert got["time"].tolist() == [T.tolist()]
    assert got.reduced[Maximum("time")][0] == 2.0
    assert got.reduced[Integral("time")][0] == pytest.approx(2.0)
    own = compiled("time_ = 1; x = 1; x' = -x")
    assert own.solve(T, ["time"])["time"].tolist() == [T.tolist()]


def test_a_quantity_of_the_model_keeps_the_name_of_the_time():
    model = engine.compile(document(parameter("time", 7), parameter("x", 1), rate("x", "-x")))
    assert model.solve(T, ["time"])["time"].tolist() == [[7.0] * 3]


def test_one_mapping_sets_parameters_and_states(model):
    by_kind = model.solve(T, ["x"], parameters={"k": [0.1, 2.0]}, initial={"x": 3.0}, tolerances=TIGHT)
    at_once = model.solve(T, ["x"], values={"k": [0.1, 2.0], "x": 3.0}, tolerances=TIGHT)
    assert same(by_kind.values, at_once.values)
    np.testing.assert_allclose(at_once["x"], 3 * np.exp(-np.outer([0.1, 2.0], T)), rtol=1e-9)
    assert model.steady_state(["y"], values={"x": 1.0, "y": 2.0})["y"][0] == pytest.approx(3.0)
    slopes = model.sensitivities(T, ["x"], ["k"], values={"x": 3.0})
    np.testing.assert_allclose(slopes.of("x", "k")[0], -T * 3 * np.exp(-T / 2), rtol=1e-6)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"nothing": 1.0}, '"nothing" is unknown'),
        ({"c": 1.0}, "c follows a rule"),
    ],
)
def test_what_cannot_be_set_is_said(model, values, words):
    with pytest.raises(KeyError, match=words):
        model.solve(T, values=values)


def test_nothing_is_given_twice(model):
    with pytest.raises(ValueError, match=r"k is given twice.*keep one"):
        model.solve(T, values={"k": 1.0}, parameters={"k": 2.0})


def test_a_state_among_parameters_is_told_the_way(model):
    with pytest.raises(KeyError, match=r"x is a state, no parameter; next: values="):
        model.solve(T, parameters={"x": 1.0})


GROWING = (
    compartment("C", 2),
    compartment("G", 2, constant=False),
    rate("G", "1"),
    species("A", "C", concentration=1),
    species("M", "C", amount=4, hasOnlySubstanceUnits=True),
    species("B", "G", concentration=1),
    species("F", "C", concentration=5),
    reaction("R", ["A"], ["M"], "0*k", local={"k": 3.0}),
    reaction("S", ["B"], [], "0"),
)


@pytest.fixture(scope="module")
def rooms():
    """Species that nothing moves: A (concentration), M (amount), B in a volume 2 + t, and F."""
    return engine.compile(document(*GROWING))


def test_species_are_set_as_what_their_symbols_mean(rooms):
    """B = 3 is a concentration in a volume of 2 + t; half of it is left after two units of time."""
    got = rooms.solve(T, ["A", "M", "B", "F"], values={"A": 7.0, "M": 9.0, "B": 3.0, "F": 1.5})
    np.testing.assert_allclose(got["A"][0], 7.0)
    np.testing.assert_allclose(got["M"][0], 9.0)
    np.testing.assert_allclose(got["B"][0], 3.0 * 2 / (2 + T), rtol=1e-7)
    assert got["F"].tolist() == [[1.5] * 3]
    with pytest.raises(ValueError, match=r"B and B\.amount are given"):
        rooms.solve(T, values={"B": 3.0, "B.amount": 1.0})


def test_a_local_name_is_answered_with_the_full_one(rooms):
    for call in (lambda: rooms.solve(T, ["k"]), lambda: rooms.solve(T, values={"k": 1.0})):
        with pytest.raises(KeyError, match=r'"k" is unknown; local to a reaction: "R\.k"'):
            call()


def test_shown_shortly(model, solution):
    assert repr(model) == "<small_model: 2 states, 2 parameters, 1 assigned>"
    assert repr(solution) == "<Solution: 2 subjects x 3 times x 2 observables; ok 2>"
    assert repr(model.steady_state(["y"])) == "<SteadyState: 1 subjects x 1 observables; ok 1>"
    slopes = model.sensitivities(T, ["y"], ["k"])
    assert repr(slopes) == "<Sensitivities by k of Solution: 1 subjects x 3 times x 1 observables; ok 1>"


def test_shown_in_a_notebook(model, solution):
    assert "<td>k</td><td>0.5</td>" in model._repr_html_()
    shown = solution._repr_html_()
    assert "<th>time</th><th>c</th><th>y</th>" in shown
    assert "<td>1</td><td>1.21306</td><td>3.14775</td>" in shown
    assert "<td>ok</td><td>stable</td>" in compiled("x = 1; x' = 1 - x").steady_state()._repr_html_()


def test_a_pandas_table_has_a_row_for_each_subject_and_time(solution):
    table = solution.to_pandas()
    assert table.index.names == ["subject", "time"]
    assert [*table.columns] == ["status", "c", "y"]
    assert table.loc[(1, 2.0), "c"] == solution["c"][1, 2]
    assert (table["status"] == "ok").all()
    people = solution.subjects_to_table()
    assert people.columns == ("subject", "status", "steps", "rejected", "Maximum of c", "Integral of x")
    np.testing.assert_allclose(people["Maximum of c"], 2.0)


def test_tables_of_steady_states_and_derivatives(model):
    rest = model.steady_state(["y"], values={"x": [8.0, 1.0]}).to_pandas()
    np.testing.assert_allclose(rest["y"], [8.0, 1.0])
    assert rest["stability"].tolist() == ["stable", "stable"]
    slopes = model.sensitivities(T, ["x"], ["k", "x"]).to_pandas()
    assert [*slopes.columns] == ["status", "d(x)/d(k)", "d(x)/d(x)"]
    assert slopes.loc[(0, 2.0), "d(x)/d(x)"] == pytest.approx(np.exp(-1.0), rel=1e-6)


def test_a_table_without_pandas(solution):
    table = solution.to_table()
    assert table.columns == ("subject", "time", "status", "c", "y")
    assert len(table) == 6
    assert table["c"][5] == solution["c"][1, 2]


def test_a_failed_subject_stays_in_the_table():
    model = compiled("p = 1; x = 1; x' = p*x^2")
    table = model.solve([0, 2.0], values={"p": [0.1, 1.0]}).to_pandas()
    assert table["status"].tolist() == ["ok", "ok", "non_finite", "non_finite"]
    assert np.isnan(table.loc[(1, 2.0), "x"])


@pytest.mark.parametrize(("name", "way"), [("pandas", "to_pandas"), ("xarray", "to_xarray")])
def test_what_is_not_installed_is_named_with_the_line_that_installs_it(solution, monkeypatch, name, way):
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ImportError, match=f"needs {name}.*pip install {name}"):
        getattr(solution, way)()


def test_an_xarray_data_set(solution):
    pytest.importorskip("xarray", reason="xarray is not installed")
    data = solution.to_xarray()
    assert dict(data.sizes) == {"subject": 2, "time": 3}
    assert float(data["c"].sel(time=2.0)[1]) == solution["c"][1, 2]


def test_models_and_solutions_go_to_other_processes(model, solution):
    """Machine code is left behind and made anew: the numbers are the same, bit for bit."""
    packed = pickle.dumps(model)
    assert len(packed) < 10_000
    again = pickle.loads(packed)  # noqa: S301 - our own bytes
    assert again.library.loops == ()
    got = again.solve(T, ["c", "y"], values={"k": [0.5, 1.0]}, tolerances=TIGHT)
    assert same(got.values, solution.values)
    back = pickle.loads(pickle.dumps(solution))  # noqa: S301
    assert same(back.values, solution.values)
    assert same(back.reduced[Maximum("c")], solution.reduced[Maximum("c")])
    assert back.status == solution.status
