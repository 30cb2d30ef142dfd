"""The joined model: content, derived reference states, compiled kernels and named conditions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np

from eubiosis.core.findings import Finding, FindingsError, unknown_word
from eubiosis.core.guilds import GUILDS
from eubiosis.engine import Kernel, Solution, System, Tolerances, compile_system, read_sbml, solve
from eubiosis.engine.kernel import Array
from eubiosis.engine.solve import Jump
from eubiosis.model.conditions import Condition, read_conditions
from eubiosis.model.content import MODULES, PACKAGED_CONTENT, Content, load_content
from eubiosis.model.derived import Derived, load_derived
from eubiosis.model.join import antimony_to_sbml, joined_antimony, unit_texts


@dataclass(frozen=True)
class Model:
    """The gut, hand-over and host modules with their numbers, ready to run.

    ``derived`` holds what follows from the tables for each kind of person: niche factors, reference states
    and the scales of the two event rates.
    """

    content: Content
    derived: Derived
    conditions: Mapping[str, Condition] = field(repr=False)

    def condition(self, name: str) -> Condition:
        """Return a named condition; raises ``FindingsError`` naming the nearest one."""
        if name not in self.conditions:
            raise FindingsError(
                [
                    Finding(
                        self.content.file("conditions/conditions.tsv"),
                        "",
                        f"condition {unknown_word(name, self.conditions)}",
                        next_step="see: eubiosis model list",
                    )
                ]
            )
        return self.conditions[name]

    @cached_property
    def kernel(self) -> Kernel:
        """The joined model, compiled; inputs are parameters."""
        return compile_system(self.system)

    @cached_property
    def system(self) -> System:
        """The joined model as a flat system."""
        return read_sbml(antimony_to_sbml(joined_antimony(self.content, MODULES, {})))

    @cached_property
    def host_kernel(self) -> Kernel:
        """The host module alone, compiled."""
        text = joined_antimony(self.content, ("host",), {}, name="eubiosis_host")
        return compile_system(read_sbml(antimony_to_sbml(text, "eubiosis_host")))

    @cached_property
    def upstream_kernel(self) -> Kernel:
        """The gut and the hand-over, compiled: all that lies before the host."""
        text = joined_antimony(self.content, ("gut", "handover"), {}, name="eubiosis_upstream")
        return compile_system(read_sbml(antimony_to_sbml(text, "eubiosis_upstream")))

    @cached_property
    def gut_kernel(self) -> Kernel:
        """The gut module alone, compiled."""
        text = joined_antimony(self.content, ("gut",), {}, name="eubiosis_gut")
        return compile_system(read_sbml(antimony_to_sbml(text, "eubiosis_gut")))

    def parameters(self, person: str, kernel: Kernel | None = None) -> Array:
        """Return the parameter vector of one kind of person, shape (parameters,)."""
        kernel = kernel or self.kernel
        values = kernel.default_parameters.copy()
        for name, value in self.derived.of(person).items():
            if name in kernel.parameter_index:
                values[kernel.parameter_index[name]] = value
        return values

    def states(self, person: str, kernel: Kernel | None = None) -> Array:
        """Return the reference state of one kind of person, shape (states,)."""
        kernel = kernel or self.kernel
        values = self.derived.of(person)
        return np.array([values[name] for name in kernel.system.states])

    def simulate(
        self,
        condition: str,
        times: Sequence[float] | Array | None = None,
        observables: Sequence[str] | None = None,
        *,
        changes: Mapping[str, Array] | None = None,
        tolerances: Tolerances | None = None,
    ) -> Solution:
        """Run a named condition for one subject, or for several that differ in some parameters.

        ``times`` in days (default: every day of the condition), ``observables`` any state, assigned
        quantity or parameter (default: all states). ``changes`` maps parameter names to values, shape
        (subjects,). Returns subjects x times x observables with a status for each subject. Raises
        ``KeyError`` for an unknown observable or parameter.
        """
        setting = self.condition(condition)
        kernel = self.kernel
        grid = np.arange(0.0, setting.days + 1.0) if times is None else np.asarray(times, dtype=float)
        parameters = self.parameters(setting.person)
        for name, value in setting.fixed.items():
            parameters[kernel.parameter_index[name]] = value
        start = self.states(setting.person)
        rows = np.atleast_2d(parameters)
        if changes:
            subjects = max(len(np.atleast_1d(v)) for v in changes.values())
            rows = np.repeat(rows, subjects, axis=0)
            for name, values in changes.items():
                rows[:, kernel.parameter_index[name]] = values
        return solve(
            kernel,
            grid,
            tuple(observables) if observables is not None else kernel.system.states,
            states=start[None],
            parameters=rows,
            schedule=setting.schedule,
            jumps=self._transplants(setting),
            tolerances=tolerances,
        )

    def _transplants(self, setting: Condition) -> list[Jump]:
        """Turn fecal transplants into jumps of the gut states."""
        if not setting.transplants:
            return []
        index = self.kernel.state_index
        donor = self.derived.of("healthy")
        guilds = [index[f"gut_B_{g}"] for g in GUILDS]
        engraft = np.array([self.content.numbers[f"gut_eng_{g}"].value for g in GUILDS])
        biomass = np.array([donor[f"gut_B_{g}"] for g in GUILDS])

        def transplant(dose: float) -> Callable[[Array], Array]:
            def change(y: Array) -> Array:
                new = y.copy()
                new[index["gut_Efmt"]] = max(y[index["gut_Efmt"]], dose)
                new[guilds] = (1 - dose * engraft) * y[guilds] + dose * engraft * biomass
                return new

            return change

        return [Jump(day, transplant(dose)) for day, dose in setting.transplants]

    def antimony(self, condition: str | None = None) -> str:
        """Return the joined model, or one named condition with its doses in it, as Antimony text."""
        modules: tuple[str, ...] = MODULES
        if condition is None:
            inputs: dict[str, str] = {}
            values = dict(self.derived.of("healthy"))
            header = ["The joined model: reference parameters, a healthy person at steady state, no therapy."]
        else:
            setting = self.condition(condition)
            inputs = setting.expressions()
            values = {**self.derived.of(setting.person), **setting.fixed}
            header = [f"Condition {condition}: {setting.description}; {setting.days:g} days."]
            if setting.transplants:
                modules = (*MODULES, "fmt")
                (values["gut_fmt_day"], values["gut_fmt_dose"]) = setting.transplants[0]
                donor = self.derived.of("healthy")
                values |= {f"gut_B_don_{g}": donor[f"gut_B_{g}"] for g in GUILDS}
        return joined_antimony(
            self.content,
            modules,
            values,
            inputs=inputs,
            assigned_units=unit_texts(self.content, self.system),
            header=header,
        )

    def sbml(self, condition: str | None = None) -> str:
        """Return the joined model, or one named condition, as SBML Level 3 text."""
        return antimony_to_sbml(self.antimony(condition))


def load(folder: Path = PACKAGED_CONTENT) -> Model:
    """Load the model from a content folder (the packaged one by default).

    Raises ``FindingsError`` with every finding of the tables.
    """
    content = load_content(folder)
    return Model(content, load_derived(content), read_conditions(content))
