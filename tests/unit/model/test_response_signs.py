"""Holding a source higher: hand calculations on a small system, and a response with a closed form."""

import numpy as np
import pytest

from eubiosis import engine
from eubiosis.engine import read_sbml
from eubiosis.model.response import Probe, held, respond


def small_system():
    import antimony

    antimony.clearPreviousLoads()
    text = "model m()\n k = 2; x = 3; z = 0\n x' = 1 - x\n y := k * x\n z' = y - z\nend"
    assert antimony.loadAntimonyString(text) >= 0
    return read_sbml(antimony.getSBMLString("m"))


def test_a_held_state_stays_and_a_held_formula_is_set():
    """z settles at y: at 2 x with x held at 3, at 10 with y held there, at 2 with nothing held."""
    kernel = engine.compile(held(small_system(), ("x", "y")))
    switches = {"hold.x": np.array([0.0, 1.0, 0.0]), "hold.y": np.array([0.0, 0.0, 1.0]), "to.y": 10.0}
    course = kernel.solve([0.0, 60.0], ["x", "y", "z"], parameters=switches)
    assert course["x"][:, -1] == pytest.approx([1.0, 3.0, 1.0])
    assert course["y"][:, -1] == pytest.approx([2.0, 6.0, 10.0])
    assert course["z"][:, -1] == pytest.approx([2.0, 6.0, 10.0])


@pytest.mark.slow
def test_responses_with_a_closed_form(model):
    """The AHR sum is linear in indole, and the ratio of LPS a power of LPS; persons differ as derived."""
    own, value = model.derived.of("ms"), {n: row.value for n, row in model.content.numbers.items()}
    # plasma levels are what the gut gives and the host makes, over clearance
    flow = {m: value["gut_a_ind"] * own[f"gut_{m}"] * own["gut_V"] for m in ("Ind", "ILA", "IPA", "IAA")}
    plasma = {m: flow[m] + value.get(f"handover_Ra_{m}", 0.0) for m in ("ILA", "IPA", "IAA")}
    plasma["IS"] = value["handover_sulf_Ind"] * flow["Ind"]
    parts = {m: level / value[f"handover_CL_{m}"] / value[f"handover_EC_{m}"] for m, level in plasma.items()}
    probes = [Probe(("gut_Ind",)), Probe(("gut_LPS",)), Probe((), person="ms")]
    found = respond(
        model, probes, [("handover_ahr_sum",), ("host_lps_lumen",), ("gut_B_BAC",)], [{}], days=(7.0,)
    )
    assert found.relative.shape == (1, 3, 1, 3)
    assert found.relative[0, 0, 0, 0] == pytest.approx(0.1 * parts["IS"] / sum(parts.values()), rel=1e-5)
    assert found.relative[0, 1, 0, 1] == pytest.approx(1.1 ** value["handover_n_LPS"] - 1, rel=1e-7)
    assert abs(found.relative[0, 1, 0, 0]) < 1e-9  # LPS does not act on the indoles
    people = [model.derived.of(p)["gut_B_BAC"] for p in ("healthy", "ms")]
    assert found.relative[0, 2, 0, 2] == pytest.approx(people[1] / people[0] - 1, rel=1e-4)
