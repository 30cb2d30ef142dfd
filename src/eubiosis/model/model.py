"""The joined model: content, derived reference states, compiled kernels and named conditions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from eubiosis import engine
from eubiosis.core.content import PACKAGED_CONTENT
from eubiosis.core.findings import Finding, FindingsError, unknown_word
from eubiosis.core.guilds import GUILDS
from eubiosis.core.model_forms import Forms, read_forms
from eubiosis.engine import Add, Array, AtLeast, Compiled, Input, Scale, Set, Solution, System, Tolerances
from eubiosis.model.class_totals import PathAnswer
from eubiosis.model.clinical_key import demand_fresh_clinical
from eubiosis.model.conditions import Condition, read_conditions
from eubiosis.model.content import MODULES, Content, load_content
from eubiosis.model.coupling_data import CouplingData, load_coupling_data
from eubiosis.model.couplings import CouplingTables, read_couplings
from eubiosis.model.derived import Derived, load_derived
from eubiosis.model.join import antimony_to_sbml, joined_antimony, joined_system, unit_texts
from eubiosis.model.labels import labels
from eubiosis.model.sensitivity import load_sensitivities
from eubiosis.model.tolerances import STRICT


@dataclass(frozen=True, repr=False)
class Model:
    """The gut, hand-over and host modules with their numbers, ready to run.

    ``derived`` holds what follows from the tables for each kind of person: niche factors, reference states
    and the scales of the two event rates.
    """

    content: Content
    derived: Derived

    @cached_property
    def conditions(self) -> Mapping[str, Condition]:
        """The named conditions; raises ``FindingsError`` with every finding of their tables."""
        return read_conditions(self.content)

    def __repr__(self) -> str:
        numbers = self.content.numbers
        assumed = sum(row.basis == "assumed" for row in numbers.values())
        return (
            f"Model: {len(numbers)} sourced numbers, {assumed} of them assumed; "
            f"{len(self.conditions)} named conditions"
        )

    def _repr_html_(self) -> str:
        from html import escape

        rows = "".join(
            f"<tr><td>{escape(name)}</td><td>{escape(each.description)}</td></tr>"
            for name, each in self.conditions.items()
        )
        return f"<p>{escape(repr(self))}</p><table><tr><th>condition</th><th></th></tr>{rows}</table>"

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

    def with_values(self, values: Mapping[str, float]) -> Model:
        """Return this model with other values of numbers that stand outside its equations.

        Kernels and what was derived stay as they are. Raises ``KeyError`` for an unknown number.
        """
        if not values:
            return self
        changed = replace(self, content=self.content.with_values(values))
        changed.__dict__.update({k: v for k, v in self.__dict__.items() if k not in changed.__dict__})
        return changed

    @cached_property
    def kernel(self) -> Compiled:
        """The joined model, compiled; inputs are parameters."""
        return engine.compile(self.system)

    @cached_property
    def system(self) -> System:
        """The joined model as a flat system."""
        return joined_system(self.content, MODULES)

    @cached_property
    def host_kernel(self) -> Compiled:
        """The host module alone, compiled."""
        return engine.compile(joined_system(self.content, ("host",), "eubiosis_host"))

    @cached_property
    def upstream_kernel(self) -> Compiled:
        """The gut and the hand-over, compiled: all that lies before the host."""
        return engine.compile(joined_system(self.content, ("gut", "handover"), "eubiosis_upstream"))

    @cached_property
    def gut_kernel(self) -> Compiled:
        """The gut module alone, compiled."""
        return engine.compile(joined_system(self.content, ("gut",), "eubiosis_gut"))

    @cached_property
    def couplings(self) -> CouplingTables:
        """The paths from the gut to the host, and the prior of each class of them."""
        return read_couplings(self.content)

    @cached_property
    def sensitivities(self) -> Mapping[str, PathAnswer]:
        """How relapses answer to each path; raises ``FindingsError`` where the stored answers are stale."""
        return load_sensitivities(self.content)

    @cached_property
    def forms(self) -> Forms:
        """The forms in which gut and disease may hang together."""
        return read_forms(self.content.folder)

    @cached_property
    def coupling_data(self) -> CouplingData:
        """Biomarkers that say something about couplings; raises ``FindingsError`` where gains are stale."""
        demand_fresh_clinical(self.content)
        return load_coupling_data(self.content.folder)

    def parameters(self, person: str, kernel: Compiled | None = None) -> Array:
        """Return the parameter vector of one kind of person, shape (parameters,)."""
        kernel = kernel or self.kernel
        values = kernel.default_parameters.copy()
        for name, value in self.derived.of(person).items():
            if name in kernel.parameter_index:
                values[kernel.parameter_index[name]] = value
        return values

    def states(self, person: str, kernel: Compiled | None = None) -> Array:
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
        values: dict[str, float | Array] = {
            name: value
            for name, value in {**self.derived.of(setting.person), **setting.fixed}.items()
            if name in kernel.parameter_index
        }
        values |= {name: np.atleast_1d(column) for name, column in (changes or {}).items()}
        doses: list[Input] = [
            Set(day, name, value) for day, change in setting.schedule for name, value in change.items()
        ]
        return kernel.solve(
            grid,
            tuple(observables) if observables is not None else kernel.system.states,
            parameters=values,
            initial=self._begin(setting),
            inputs=[*doses, *self._transplants(setting)],
            tolerances=tolerances or STRICT,
        )

    def _begin(self, setting: Condition) -> Array:
        """Return the state in which a condition begins: the person's own, but for what the condition sets."""
        states = self.states(setting.person)
        for name, value in setting.start.items():
            states[self.kernel.state_index[name]] = value
        return states

    def _transplants(self, setting: Condition) -> list[Input]:
        """Turn fecal transplants into changes of the gut's states.

        The engrafting share of every guild's biomass is the donor's from then on.
        """
        donor = self.derived.of("healthy")
        changes: list[Input] = []
        for day, dose in setting.transplants:
            changes.append(AtLeast(day, "gut_Efmt", dose))
            for guild in GUILDS:
                biomass = f"gut_B_{guild}"
                changes += [Scale(day, biomass, 1 - dose), Add(day, biomass, dose * donor[biomass])]
        return changes

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
            values = {**self.derived.of(setting.person), **setting.fixed, **setting.start}
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
            labels=labels(self.content),
        )

    def sbml(self, condition: str | None = None) -> str:
        """Return the joined model, or one named condition, as SBML Level 3 text."""
        return antimony_to_sbml(self.antimony(condition))


def load(folder: Path = PACKAGED_CONTENT) -> Model:
    """Load the model from a content folder (the packaged one by default).

    Raises ``FindingsError`` with every finding of the tables.

    >>> model = load()
    >>> model.content.numbers["gut_a_scfa"].basis in ("measured", "fitted", "derived", "assumed")
    True
    >>> model  # doctest: +ELLIPSIS
    Model: ... sourced numbers, ... of them assumed; ... named conditions
    """
    model = load_known(folder)
    model.conditions.keys()  # raises what is wrong with them
    return model


def load_known(folder: Path) -> Model:
    """Load the model from a folder that ``load`` found nothing in: conditions are read when one is asked for.

    They need the library of units, which half a second of every worker process would go into.
    """
    content = load_content(folder)
    return Model(content, load_derived(content))
