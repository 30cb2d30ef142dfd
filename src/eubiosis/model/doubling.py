"""What doubling the inputs of a metabolite class does to relapses, measured with the model itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from eubiosis.core.streams import CohortDraws
from eubiosis.engine import Array, Integral, Solution
from eubiosis.model.couplings import CouplingRow, CouplingTables
from eubiosis.model.model import Model
from eubiosis.model.natural_history.course import FEWEST_STEPS_PER_DAY
from eubiosis.model.natural_history.people import draw_drive, draw_people
from eubiosis.model.natural_history.scale import joined_inputs
from eubiosis.model.sensitivity import SensitivityRow
from eubiosis.model.tolerances import STRICT

SIZE, SEED = 1000, 2027
SETTLING, COUNTED = 365, 365  # days under constant inputs before relapses are counted, and counted
GRID = (-8.0, -4.0, -2.0, -1.0, -0.5, 0.5, 1.0, 2.0, 4.0, 8.0)
_RATE = Integral("host_relapse_rate")
_SMALL, _TYPICAL_DAYS = 1e-3, 365
_NOTHING = 1e-6  # a log ratio that is round-off


class DoublingCohort:
    """People with MS under one random drive, run at any couplings and inputs."""

    def __init__(self, model: Model, couplings: CouplingTables, size: int = SIZE, seed: int = SEED) -> None:
        self.model, self.size = model, size
        own = model.derived.of("ms")
        draws = CohortDraws(seed, size)
        people = draw_people(
            model.content,
            model.host_kernel,
            joined_inputs(model.upstream_kernel, own),
            own,
            draws,
            vary_inputs=False,
        )
        self.own: dict[str, float | Array] = {
            **people.values(model.host_kernel),
            **dict.fromkeys(couplings.names, 0.0),
            "host_v_i": people.frailty,
        }
        self.drive = draw_drive(model.content, people, draws, days=SETTLING + COUNTED)

    def relapses(self, values: Mapping[str, float], factors: Mapping[str, float]) -> Array:
        """Return each one's expected relapses under constant inputs, shape (people,).

        ``values`` replaces parameters and ``factors`` multiplies inputs.
        """
        given = {**self.own, **values}
        given |= {name: given[name] * factor for name, factor in factors.items()}
        settled = self._march(given, self.model.states("ms", self.model.host_kernel)[None], 0, SETTLING)
        last = self._march(given, settled.states, SETTLING, SETTLING + COUNTED)
        return np.broadcast_to(last.reduced[_RATE], (self.size,))

    def log_ratio(self, values: Mapping[str, float], inputs: Iterable[str]) -> tuple[float, float]:
        """Return the log ratio of relapses when inputs double, and its Monte Carlo error."""
        before = self.relapses(values, {})
        after = self.relapses(values, dict.fromkeys(inputs, 2.0))
        ratio = after.sum() / before.sum()
        apart = (after - ratio * before) / after.mean()
        return float(np.log(ratio)), float(apart.std() / np.sqrt(self.size))

    def _march(self, given: Mapping[str, float | Array], start: Array, first: int, last: int) -> Solution:
        return self.model.host_kernel.march(
            np.arange(last - first + 1.0),
            (),
            parameters={n: v for n, v in given.items() if n not in ("host_Z", "host_shot")},
            initial=start,
            held={"host_Z": self.drive.tone[first:last], "host_shot": self.drive.shots[first:last]},
            record=(),
            reductions=(_RATE,),
            steps=FEWEST_STEPS_PER_DAY,
            tolerances=STRICT,
        )


def measure(model: Model, couplings: CouplingTables, *, size: int = SIZE) -> tuple[SensitivityRow, ...]:
    """Measure the answer of every drawn path; takes minutes.

    Source of the idea: common random numbers, and a sensitivity taken from the model, not from a hand fit.
    """
    cohort = DoublingCohort(model, couplings, size)
    return tuple(
        SensitivityRow(
            id=path.id,
            coupling=value,
            log_ratio=ratio,
            error=error,
            unit="-",
            basis="derived",
            source=f"log ratio of relapses in {size} people with MS when {path.metabolite_class} doubles",
        )
        for path in couplings.drawn
        for value, ratio, error in _curve(cohort, path, couplings.inputs(path.metabolite_class))
    )


def _curve(
    cohort: DoublingCohort, path: CouplingRow, inputs: tuple[str, ...]
) -> list[tuple[float, float, float]]:
    found = {value: cohort.log_ratio({path.id: value}, inputs) for value in (GRID[0], GRID[-1])}
    if all(abs(ratio) < _NOTHING for ratio, _ in found.values()):
        return [(value, 0.0, 0.0) for value in GRID]
    found |= {value: cohort.log_ratio({path.id: value}, inputs) for value in GRID[1:-1]}
    return [(value, *found[value]) for value in GRID]


def gain_ratios(model: Model, couplings: CouplingTables, values: Mapping[str, float]) -> dict[str, float]:
    """Return by how much ``values`` of a world change what a unit of each coupling does.

    From the slope at zero in one typical person under the mean drive. What worlds draw about the host scales
    the signal of a path and nothing behind it, and such a factor is the same in everybody.
    """
    index = model.host_kernel.parameter_index
    changed = {n: v for n, v in values.items() if n in index and n not in couplings.names}
    if not changed:
        return {path.id: 1.0 for path in couplings.drawn}
    own, world = _typical_slopes(model, couplings, {}), _typical_slopes(model, couplings, changed)
    return {
        path.id: float(there / here) if abs(here) > _NOTHING else 1.0
        for path, here, there in zip(couplings.drawn, own, world, strict=True)
    }


def _typical_slopes(model: Model, couplings: CouplingTables, values: Mapping[str, float]) -> Array:
    """Return each drawn path's slope at zero in a typical person, shape (paths,)."""
    kernel, paths = model.host_kernel, couplings.drawn
    given: dict[str, float | Array] = {
        name: value for name, value in model.derived.of("ms").items() if name in kernel.parameter_index
    }
    given |= joined_inputs(model.upstream_kernel, model.derived.of("ms"))
    given |= {**dict.fromkeys(couplings.names, 0.0), **values}
    columns = {name: np.full((len(paths), 4), float(given[name])) for name in given}
    for k, path in enumerate(paths):  # up and down, each before and after doubling
        columns[path.id][k] = [_SMALL, _SMALL, -_SMALL, -_SMALL]
        for name in couplings.inputs(path.metabolite_class):
            columns[name][k, [1, 3]] *= 2
    solution = kernel.march(
        np.arange(_TYPICAL_DAYS + 1.0),
        (),
        parameters={name: column.ravel() for name, column in columns.items()},
        initial=model.states("ms", kernel)[None],
        record=(),
        reductions=(_RATE,),
        steps=FEWEST_STEPS_PER_DAY,
        tolerances=STRICT,
    )
    log = np.log(solution.reduced[_RATE]).reshape(len(paths), 4)
    return np.asarray((log[:, 1] - log[:, 0] - log[:, 3] + log[:, 2]) / (2 * _SMALL))
