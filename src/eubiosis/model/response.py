"""The sign of the model's response of one quantity to another: hold the source higher, look at the target.

The source is held (Pearl's do-operator): its own equation is switched off, so nothing feeds back to it, and
the run with it held higher is compared with a run with it held at its reference. Everything else follows the
model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from eubiosis import engine
from eubiosis.engine import Array, Compiled, System, Tolerances
from eubiosis.engine.expressions import Call, Expression, Number, Symbol
from eubiosis.model.model import Model

DAYS = (7.0, 84.0, 365.0)
RISE = 0.1  # a source is held 10 % higher where no step is given
NO_RESPONSE = 1e-6  # of the target's own size; the solver keeps 1e-10
_TIGHT = Tolerances(relative=1e-10, absolute=1e-14, negative=1e4)


@dataclass(frozen=True)
class Probe:
    """A source to hold higher: its quantities together, each by ``step``, or by 10 % where that is None.

    A ``person`` instead compares that kind of person with a healthy one.
    """

    quantities: tuple[str, ...]
    step: float | None = None
    person: str = ""


@dataclass(frozen=True)
class Responses:
    """Relative changes of targets, shape (settings, probes, days, targets); NaN where a run failed."""

    probes: tuple[Probe, ...]
    targets: tuple[tuple[str, ...], ...]
    days: tuple[float, ...]
    relative: Array


def held(system: System, names: Sequence[str]) -> System:
    """Return the system with switches: ``hold.x`` 1 stops the state x, or sets the assigned x to ``to.x``."""
    one = Number(1.0)
    rates, rules = dict(system.rates), dict(system.rules)
    constants = dict(system.constants)
    for name in names:
        switch: Expression = Symbol(f"hold.{name}")
        free = Call("-", (one, switch))
        constants[f"hold.{name}"] = 0.0
        if name in rates:
            rates[name] = Call("*", (rates[name], free))
        else:
            constants[f"to.{name}"] = 0.0
            kept = Call("*", (switch, Symbol(f"to.{name}")))
            rules[name] = Call("+", (Call("*", (rules[name], free)), kept))
    return replace(system, rates=rates, rules=rules, constants=constants, parameters=tuple(constants))


def respond(
    model: Model,
    probes: Sequence[Probe],
    targets: Sequence[tuple[str, ...]],
    settings: Sequence[Mapping[str, float]],
    *,
    person: str = "ms",
    days: Sequence[float] = DAYS,
) -> Responses:
    """Return how each target answers each probe in one kind of person, under each setting of parameters.

    A target is a sum of quantities. Raises ``KeyError`` for an unknown quantity, parameter or person.
    """
    system = model.system
    moving = {*system.states, *system.assigned}
    names = tuple(dict.fromkeys(q for probe in probes for q in probe.quantities if q in moving))
    kernel = engine.compile(held(system, names))
    runs = [
        run
        for setting in settings
        for probe in probes
        for run in _pair(model, kernel, probe, setting, person)
    ]
    parameters = {name: np.array([own[name] for own, _ in runs]) for name in runs[0][0]}
    seen = tuple(dict.fromkeys(q for target in targets for q in target))
    solution = kernel.solve(
        (0.0, *days),
        seen,
        parameters=parameters,
        initial=np.array([start for _, start in runs]),
        tolerances=_TIGHT,
    )
    failed = np.array([word != "ok" for word in solution.status])
    columns = [sum(solution[q][:, 1:] for q in target) for target in targets]
    values = np.where(failed[:, None, None], np.nan, np.stack([np.asarray(c) for c in columns], axis=-1))
    values = values.reshape(len(settings), len(probes), 2, len(days), len(targets))
    base, risen = values[:, :, 0], values[:, :, 1]
    size = np.maximum(np.abs(base), np.finfo(float).tiny)
    return Responses(tuple(probes), tuple(targets), tuple(days), (risen - base) / size)


def _pair(
    model: Model, kernel: Compiled, probe: Probe, setting: Mapping[str, float], person: str
) -> list[tuple[dict[str, float], Array]]:
    """Return parameters and start of the reference and of the risen run of one probe."""
    if probe.person:
        return [_run(model, kernel, each, setting, {}, {}) for each in ("healthy", probe.person)]
    reference = _reference(model, person, setting)
    risen = {q: reference[q] * (1 + RISE) if probe.step is None else reference[q] + probe.step
             for q in probe.quantities}  # fmt: skip
    own = {q: reference[q] for q in probe.quantities}
    return [_run(model, kernel, person, setting, values, own) for values in (own, risen)]


def _run(
    model: Model,
    kernel: Compiled,
    person: str,
    setting: Mapping[str, float],
    values: Mapping[str, float],
    held_here: Mapping[str, float],
) -> tuple[dict[str, float], Array]:
    base = dict(zip(model.kernel.system.parameters, model.parameters(person), strict=True))
    own = {name: kernel.system.constants[name] for name in kernel.system.parameters} | base | dict(setting)
    start = model.states(person).copy()
    for name, value in values.items():
        if name in kernel.state_index:
            start[kernel.state_index[name]] = value
        elif f"to.{name}" in own:
            own[f"to.{name}"] = value
        else:
            own[name] = value
    return own | {f"hold.{name}": 1.0 for name in held_here if f"hold.{name}" in own}, start


def _reference(model: Model, person: str, setting: Mapping[str, float]) -> dict[str, float]:
    """Return every quantity of a person at the reference state."""
    kernel = model.kernel
    parameters = model.parameters(person)
    for name, value in setting.items():
        parameters[kernel.parameter_index[name]] = value
    states = model.states(person)
    assigned = kernel.assigned_at(0.0, states[:, None], parameters[:, None])[:, 0]
    values = dict(zip(kernel.system.states, states, strict=True))
    values |= dict(zip(kernel.system.parameters, parameters, strict=True))
    return values | {name: float(assigned[i]) for name, i in kernel.assigned_index.items()}
