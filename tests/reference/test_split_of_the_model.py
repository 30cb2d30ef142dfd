"""Gut and host in two rates, against the joined model solved at once at a relative tolerance of 1e-10."""

from dataclasses import replace

import numpy as np
import pytest

from eubiosis import engine
from eubiosis.engine import Integral, Last, Set, Tolerances, split
from eubiosis.engine.expressions import Call, Symbol
from eubiosis.engine.sbml.ordering import dependencies, ordered

DAYS, PEOPLE = 120, 3
WANTED = (Integral("host_relapse_rate"), Last("host_NfL"))
TONE = np.exp(0.3 * np.random.default_rng(1).standard_normal((DAYS, PEOPLE)))
SHOTS = np.where(np.random.default_rng(2).random((DAYS, PEOPLE)) < 6 / 365, 1.5, 0.0)
DOSE = [Set(20.0, "gut_dose_inulin", np.array([5.0, 10.0, 20.0])), Set(80.0, "gut_dose_inulin", 0.0)]
OXYGEN = 0.02


def with_feedback(system):
    """Let the host's effector excess leak oxygen into the gut."""
    rule = Call("*", (Symbol("handover_OX_host"), Symbol("host_E")))
    rules = {**system.rules, "gut_OX_host": rule}
    order = ordered(rules, dependencies(rules), "assignment rules")
    return replace(system, assigned=tuple(order), rules={name: rules[name] for name in order})


def largest_error(model, system, *, oxygen, **options):
    person = {**model.derived.of("ms"), "handover_OX_host": oxygen}
    given = {
        "parameters": {name: value for name, value in person.items() if name in system.constants},
        "initial": {name: person[name] for name in system.states},
    }
    drive = [Set(float(d), n, p[d]) for n, p in (("host_Z", TONE), ("host_shot", SHOTS)) for d in range(DAYS)]
    exact = engine.compile(system).solve(
        [0.0, DAYS],
        inputs=[*DOSE, *drive],
        reductions=WANTED,
        tolerances=Tolerances(relative=1e-10, absolute=1e-13),
        **given,
    )
    stiff, driven = split(system, [n for n in system.states if n.startswith(("host_", "readout_"))]).run(
        np.arange(DAYS + 1.0),
        inputs=DOSE,
        held={"host_Z": TONE, "host_shot": SHOTS},
        reductions=WANTED,
        steps=2,
        tolerances=Tolerances(relative=1e-6, absolute=1e-10),
        **given,
        **options,
    )
    assert exact.status == stiff.status == driven.status == ("ok",) * PEOPLE
    return max(float(np.max(np.abs(driven.reduced[r] / exact.reduced[r] - 1))) for r in WANTED)


def test_the_host_does_not_act_on_the_gut(model):
    host = [name for name in model.system.states if name.startswith(("host_", "readout_"))]
    assert split(model.system, host).back == ()
    assert split(with_feedback(model.system), host).back == ("gut_OX_host",)


@pytest.mark.parametrize(("every", "bound"), [(1, 5e-4), (5, 5e-3)])
def test_one_way(model, every, bound):
    assert largest_error(model, model.system, oxygen=0.0, every=every) < bound


@pytest.mark.slow
def test_with_a_feedback_from_host_to_gut(model):
    system = with_feedback(model.system)
    assert largest_error(model, system, oxygen=OXYGEN, sweeps=2) < 2e-3
