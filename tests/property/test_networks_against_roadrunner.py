"""Random reaction networks: reader and solver against libRoadRunner's own reading and integrator.

Networks have species in amounts and concentrations, compartments that stand still, grow or are set by a
rule, mass action and Hill laws, rules, stoichiometries with ids, conversion factors and events. Agreement
is |a - b| <= 1e-6 |b| + 1e-8 for every species, compartment, parameter and reaction at every time.
"""

import math

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eubiosis.engine import Tolerances, compile
from eubiosis.engine.sbml import read_model
from sbml_text import (
    compartment,
    document,
    event,
    initial,
    parameter,
    rate,
    reaction,
    reference,
    rule,
    species,
)

pytest.importorskip("roadrunner")

TIMES = np.linspace(0, 4, 17)
TIGHT = Tolerances(1e-10, 1e-13, negative=math.inf)
positive = st.floats(0.1, 3).map(lambda value: round(value, 3))
flag = st.booleans()


@st.composite
def compartments(draw):
    """One or two compartments: constant, growing, or set by a rule."""
    parts, names = [], ["c", "v"][: draw(st.integers(1, 2))]
    for name in names:
        parts.append(compartment(name, draw(positive)))
        kind = draw(st.sampled_from(["constant", "constant", "growing", "ruled", "assigned at the start"]))
        if kind == "growing":
            parts.append(rate(name, f"{draw(positive)} * exp(-time)"))
        elif kind == "ruled":
            parts.append(rule(name, f"{draw(positive)} + 0.2 * time"))
        elif kind == "assigned at the start":
            parts.append(initial(name, f"2 * k0 + {draw(positive)}"))
    return parts, names


@st.composite
def pools(draw, names):
    """Two to five species, in either meaning, started by amount, concentration or mathematics."""
    parts, species_names = [], []
    for i in range(draw(st.integers(2, 5))):
        name = f"S{i}"
        start = draw(st.sampled_from(["amount", "concentration"]))
        parts.append(
            species(
                name,
                draw(st.sampled_from(names)),
                hasOnlySubstanceUnits=draw(flag),
                boundaryCondition=draw(st.integers(0, 5)) == 0,
                conversionFactor="f" if draw(st.integers(0, 4)) == 0 else None,
                **{start: draw(positive)},
            )
        )
        if draw(st.integers(0, 4)) == 0:
            parts.append(initial(name, f"k1 + {draw(positive)}"))
        species_names.append(name)
    return parts, species_names


@st.composite
def laws(draw, reactants, products, names):
    """Mass action, saturating where two reactants make something, with a Hill factor or a rule's value.

    A law vanishes with each of its reactants, and nothing grows faster than exponentially.
    """
    product = " * ".join(["1", *reactants])
    if len(reactants) > 1 and products:
        product = f"{product} / (1 + {' + '.join(reactants)})"
    kind = draw(st.sampled_from(["mass action", "hill", "ruled"]))
    if kind == "hill":
        power, effector = draw(st.integers(1, 3)), draw(st.sampled_from(names))
        return f"{product} * {effector}^{power} / (k0^{power} + {effector}^{power})"
    return f"wave * {product}" if kind == "ruled" else f"k{draw(st.integers(0, 2))} * {product}"


@st.composite
def reactions(draw, number, names):
    """A reaction; one in four is reversible between two species."""
    if draw(st.integers(0, 3)) == 0:
        left, right = draw(st.permutations(names))[:2]
        return reaction(f"R{number}", [left], [right], f"0.3 * (k0 * {left} - k1 * {right})")
    reactants = draw(st.lists(st.sampled_from(names), max_size=2))
    products = draw(st.lists(st.sampled_from(names), min_size=0 if reactants else 1, max_size=2))
    formula = draw(laws(reactants, products, names))
    members = [
        reference(p, draw(st.sampled_from([1, 2, 0.5])), f"n{number}{j}") for j, p in enumerate(products)
    ]
    return reaction(f"R{number}", reactants, members, f"0.3 * {formula}", modifiers=names)


@st.composite
def networks(draw):
    """A whole model."""
    compartment_parts, compartment_names = draw(compartments())
    species_parts, names = draw(pools(compartment_names))
    parts = [*compartment_parts, *species_parts]
    parts += [parameter(f"k{i}", draw(positive)) for i in range(3)]
    parts += [parameter("f", draw(positive), constant=True), parameter("h", 0.5)]
    parts += [parameter("wave"), rule("wave", "k0 * (1 + sin(3 * time) / 2)")]
    parts += [parameter("sum"), rule("sum", f"{names[0]} + k1 * {names[1]}")]
    parts.append(rate("h", f"sum - {names[0]} - h"))
    parts += [draw(reactions(i, names)) for i in range(draw(st.integers(1, 4)))]
    if draw(flag):
        parts.append(event("E", f"time >= {draw(positive)}", **{draw(st.sampled_from(names)): "k0 + 1"}))
    if draw(flag):
        wait = draw(st.one_of(st.none(), positive.map(lambda value: f"{value} * k1 + 0.01")))
        kept = draw(flag)
        parts.append(
            event("F", f"h > {draw(positive)}", delay=wait, trigger_values=kept, k2="k2 / 2", h="h / 4")
        )
    return document(*parts, **({"conversionFactor": "f"} if draw(flag) else {}))


def in_roadrunner(text, names, concentrations):
    """Solve with libRoadRunner; columns are the names, as their symbols mean them."""
    from quick_roadrunner import load_quickly

    runner = load_quickly(text)
    runner.integrator.relative_tolerance = 1e-10
    runner.integrator.absolute_tolerance = 1e-13
    runner.integrator.maximum_num_steps = 1_000_000
    runner.timeCourseSelections = [f"[{name}]" if name in concentrations else name for name in names]
    return np.asarray(runner.simulate(TIMES[0], TIMES[-1], len(TIMES)))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(networks())
def test_random_networks(text):
    content, system = read_model(text)
    names = [n for n in (*system.states, *system.assigned, *system.parameters) if "." not in n]
    concentrations = {name for name, each in content.species.items() if not each.substance_only}
    expected = in_roadrunner(text, names, concentrations)
    solution = compile(system).solve(TIMES, names, tolerances=TIGHT)
    assert solution.status == ("ok",)
    got = solution.values[0]
    over = np.abs(got - expected) / (1e-6 * np.abs(expected) + 1e-8)
    over[np.isnan(over)] = np.inf
    row, column = np.unravel_index(np.argmax(over), over.shape)
    assert over[row, column] <= 1, (
        f"{names[column]} at {TIMES[row]}: {got[row, column]}, libRoadRunner has {expected[row, column]}"
    )
