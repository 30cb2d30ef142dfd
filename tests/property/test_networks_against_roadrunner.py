"""Random reaction networks: the reader's system, solved plainly, against libRoadRunner's own reading.

Networks have species in amounts and concentrations, compartments that stand still, grow or are set by a
rule, mass action and Hill laws, rules, stoichiometries with ids, conversion factors and events. Agreement
is |a - b| <= 1e-6 |b| + 1e-8 for every species, compartment, parameter and reaction at every time.
"""

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from plain_solver import solve
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

from eubiosis.engine.sbml import read_model

roadrunner = pytest.importorskip("roadrunner")

TIMES = np.linspace(0, 4, 17)
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
    parts, flags = [], {}
    for i in range(draw(st.integers(2, 5))):
        name = f"S{i}"
        substance_only, boundary = draw(flag), draw(st.integers(0, 5)) == 0
        start = draw(st.sampled_from(["amount", "concentration"]))
        parts.append(
            species(
                name,
                draw(st.sampled_from(names)),
                hasOnlySubstanceUnits=substance_only,
                boundaryCondition=boundary,
                conversionFactor="f" if draw(st.integers(0, 4)) == 0 else None,
                **{start: draw(positive)},
            )
        )
        if draw(st.integers(0, 4)) == 0:
            parts.append(initial(name, f"k1 + {draw(positive)}"))
        flags[name] = boundary
    return parts, flags


@st.composite
def law(draw, reactants, names):
    """A law of mass action, a Hill law, or a law with a rate constant that follows a rule."""
    kind = draw(st.sampled_from(["mass action", "hill", "ruled", "reversible"]))
    substrate = draw(st.sampled_from(sorted(names)))
    if kind == "hill":
        power = draw(st.integers(1, 3))
        return f"k2 * {substrate}^{power} / (k0^{power} + {substrate}^{power})"
    product = " * ".join(["1", *reactants])
    if kind == "ruled":
        return f"wave * {product}"
    if kind == "reversible":
        return f"k0 * {product} - k1 * {substrate}"
    return f"k{draw(st.integers(0, 2))} * {product}"


@st.composite
def networks(draw):
    """A whole model."""
    compartment_parts, compartment_names = draw(compartments())
    species_parts, flags = draw(pools(compartment_names))
    names = sorted(flags)
    parts = [*compartment_parts, *species_parts]
    parts += [parameter(f"k{i}", draw(positive)) for i in range(3)]
    parts += [parameter("f", draw(positive), constant=True), parameter("wave"), parameter("sum"), parameter("h", 0.5)]
    parts += [rule("wave", "k0 * (1 + sin(3 * time) / 2)"), rule("sum", f"{names[0]} + k1 * {names[1]}")]
    parts.append(rate("h", f"sum - {names[0]} - h"))
    for i in range(draw(st.integers(1, 4))):
        reactants = draw(st.lists(st.sampled_from(names), max_size=2))
        products = draw(st.lists(st.sampled_from(names), min_size=0 if reactants else 1, max_size=2))
        members = [reference(p, draw(st.sampled_from([1, 2, 0.5])), f"n{i}{j}") for j, p in enumerate(products)]
        formula = draw(law(reactants, names))
        parts.append(reaction(f"R{i}", reactants, members, f"0.3 * ({formula})", modifiers=names))
    if draw(flag):
        parts.append(event("E", f"time >= {draw(positive)}", **{draw(st.sampled_from(names)): "k0 + 1"}))
    if draw(flag):
        parts.append(event("F", f"h > {draw(positive)}", k2="k2 / 2", h="h / 4"))
    return document(*parts, **({"conversionFactor": "f"} if draw(flag) else {}))


def in_roadrunner(text, system, content):
    """Solve with libRoadRunner; columns are the states, assigned quantities and parameters of the file."""
    runner = roadrunner.RoadRunner(text)
    runner.integrator.relative_tolerance = 1e-10
    runner.integrator.absolute_tolerance = 1e-13
    runner.integrator.maximum_num_steps = 1_000_000
    concentrations = {name for name, meaning in content.species.items() if not meaning.substance_only}
    names = [n for n in (*system.states, *system.assigned, *system.parameters) if "." not in n]
    runner.timeCourseSelections = [f"[{name}]" if name in concentrations else name for name in names]
    try:
        course = np.asarray(runner.simulate(TIMES[0], TIMES[-1], len(TIMES)))
    except RuntimeError:
        assume(False)  # the solution has a pole
    assume(np.all(np.abs(course) < 1e4))
    return names, course


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(networks())
def test_random_networks(text):
    content, system = read_model(text)
    names, expected = in_roadrunner(text, system, content)
    got = solve(system, TIMES, names)
    over = np.abs(got - expected) / (1e-6 * np.abs(expected) + 1e-8)
    over[np.isnan(over)] = np.inf
    row, column = np.unravel_index(np.argmax(over), over.shape)
    assert over[row, column] <= 1, (
        f"{names[column]} at {TIMES[row]}: {got[row, column]}, libRoadRunner has {expected[row, column]}"
    )
