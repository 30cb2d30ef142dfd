"""The kernels of one system, each made when it is first needed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from eubiosis.engine.codegen.kernels import (
    ColumnKernel,
    LoopKernel,
    column_kernel,
    linear_kernel,
    needed_rows,
)
from eubiosis.engine.codegen.march_kernel import MarchKernel, march_kernel
from eubiosis.engine.codegen.native import Identity
from eubiosis.engine.codegen.program import Options
from eubiosis.engine.expressions import TIME, TIME_NAME, Number
from eubiosis.engine.names import unfit_name
from eubiosis.engine.sbml.trees import replace as replace_symbols
from eubiosis.engine.system import System

Names = tuple[str, ...]
_MANY = 64  # subjects for whom optimised code pays


@dataclass(frozen=True, eq=False)
class KernelLibrary:
    """A system, where its quantities stand, and the kernels made for it so far.

    Machine code is made for what is asked: which quantities are wanted, and for how many subjects. Unless
    ``keep`` is false it is kept on disk. It is never part of a pickle. ``optimize`` says whether it is
    optimised; None: where many subjects use it.
    """

    system: System
    keep: bool = True
    optimize: bool | None = None
    _loops: dict[tuple[str, Options], LoopKernel] = field(default_factory=dict, repr=False)
    _marches: dict[tuple[Options, Names], MarchKernel] = field(default_factory=dict, repr=False)
    _columns: dict[tuple[Names, Names, Names, bool, bool], ColumnKernel] = field(
        default_factory=dict, repr=False
    )
    _rows: dict[tuple[Names, Names], Names] = field(default_factory=dict, repr=False)
    _variants: dict[Hashable, KernelLibrary] = field(default_factory=dict, repr=False)

    @cached_property
    def state_index(self) -> Mapping[str, int]:
        """Position of each state."""
        return {name: i for i, name in enumerate(self.system.states)}

    @cached_property
    def parameter_index(self) -> Mapping[str, int]:
        """Position of each parameter."""
        return {name: i for i, name in enumerate(self.system.parameters)}

    @cached_property
    def assigned_index(self) -> Mapping[str, int]:
        """Position of each assigned quantity."""
        return {name: i for i, name in enumerate(self.system.assigned)}

    @cached_property
    def identity(self) -> Identity:
        """A digest of everything the file says, and whether its machine code is kept."""
        return Identity(hashlib.sha256(self.system.text().encode()).hexdigest(), self.keep)

    def quick(self, subjects: int) -> bool:
        """Whether a call for so many subjects is served by code that is made faster and runs slower.

        The call decides, not what is kept or how fast the machine is; the numbers are the same, bit for bit.
        """
        return subjects < _MANY if self.optimize is None else not self.optimize

    def checked(self, names: Sequence[str]) -> Names:
        """Return names of quantities as a tuple.

        Raises ``KeyError`` for an unknown one and ``TypeError`` for one text, which would be read letter by
        letter.
        """
        if isinstance(names, str):
            message = f'observables is the text "{names}"; allowed: a sequence of names'
            raise TypeError(message)
        known = (self.state_index, self.assigned_index, self.parameter_index)
        for name in names:
            if name != TIME_NAME and not any(name in index for index in known):
                raise unfit_name("quantity", name, self.system, [n for index in known for n in index])
        return tuple(names)

    def loop(self, make: Callable[[System, Options, Identity], LoopKernel], options: Options) -> LoopKernel:
        """Return the loop that ``make`` makes for some options."""
        key = (make.__name__, options)
        if key not in self._loops:
            self._loops[key] = make(self.system, options, self.identity)
        return self._loops[key]

    @property
    def loops(self) -> tuple[LoopKernel, ...]:
        """The loops made so far."""
        return tuple(self._loops.values())

    def march(self, options: Options, observed: Names) -> MarchKernel:
        """Return the explicit loop that observes some quantities."""
        key = (options, observed)
        if key not in self._marches:
            self._marches[key] = march_kernel(self.system, options, observed, self.identity)
        return self._marches[key]

    def columns(
        self,
        outputs: Names,
        given: Names,
        *,
        rates: bool = False,
        sensitivities: Names = (),
        quick: bool = False,
    ) -> ColumnKernel:
        """Return the kernel that evaluates quantities, rates or derivatives from given rows."""
        key = (outputs, given, sensitivities, rates, quick)
        if key not in self._columns:
            self._columns[key] = column_kernel(
                self.system,
                outputs,
                given,
                self.identity,
                rates=rates,
                sensitivities=sensitivities,
                quick=quick,
            )
        return self._columns[key]

    @cached_property
    def linear(self) -> tuple[ColumnKernel, NDArray[np.int64]]:
        """The kernel of rates and their derivatives by the states, and the places of these, (2, places)."""
        kernel, places = linear_kernel(self.system, self.identity)
        return kernel, np.array(places, dtype=np.int64).reshape(-1, 2).T.copy()

    def held(self, time: float | None) -> KernelLibrary:
        """Return the library of this system without its events, and with the time held at a value."""
        if not self.system.events and not (time is not None and self.system.explicit_time):
            return self
        return self.variant(("held", time), lambda: _held(self.system, time))

    def variant(self, key: Hashable, make: Callable[[], System]) -> KernelLibrary:
        """Return the library of a system made from this one, made once for a key."""
        if key not in self._variants:
            self._variants[key] = KernelLibrary(make(), self.keep, self.optimize)
        return self._variants[key]

    def rows_for(self, names: Names, by: Names = ()) -> Names:
        """Return the states, and derivatives of states, that quantities and their derivatives depend on."""
        if (names, by) not in self._rows:
            self._rows[names, by] = needed_rows(self.system, names, by)
        return self._rows[names, by]

    def __reduce__(self) -> tuple[type[KernelLibrary], tuple[System, bool, bool | None]]:
        return KernelLibrary, (self.system, self.keep, self.optimize)


def _held(system: System, time: float | None) -> System:
    known = {} if time is None else {TIME: Number(time)}
    return replace(
        system,
        rates={name: replace_symbols(rate, known) for name, rate in system.rates.items()},
        rules={name: replace_symbols(rule, known) for name, rule in system.rules.items()},
        events=(),
        bounds=system.bounds if time is None else (),
    )
