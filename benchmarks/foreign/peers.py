"""The engines that are compared on foreign models, each behind the same three calls.

``load`` reads a text, ``run`` solves it for one value of the scanned parameter and returns (times, states),
and ``names`` says which states those are. A species stands for what its symbol means in the file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.foreign.models import POINTS, Foreign

Array = NDArray[np.float64]
_MOST_STEPS = 1_000_000


@dataclass
class Ours:
    """This engine; ``scan`` solves many values at once on one thread."""

    model: Foreign
    compiled: Any = None
    names: tuple[str, ...] = ()

    def load(self) -> None:
        """Read the text; code is made by the first run."""
        from eubiosis import engine

        self.compiled = engine.compile(self.model.sbml)
        self.names = self.compiled.system.moving

    def run(self, relative: float, absolute: float, factor: float = 1.0) -> Array:
        """Solve for one value."""
        return np.asarray(self.scan(relative, absolute, np.array([factor]))[0])

    def scan(self, relative: float, absolute: float, factors: Array) -> Array:
        """Solve for many values; (values, times, states)."""
        from eubiosis.engine import Tolerances

        value = self.compiled.system.constants[self.model.parameter]
        solution = self.compiled.solve(
            np.linspace(0.0, self.model.end, POINTS),
            self.names,
            parameters={self.model.parameter: value * factors},
            tolerances=Tolerances(relative, absolute, max_steps=_MOST_STEPS),
            threads=1,
        )
        return np.asarray(solution.values)


@dataclass
class RoadRunner:
    """libRoadRunner; ``backend`` is "MCJIT", its default, or "LLJIT", which loads faster."""

    model: Foreign
    backend: str = "LLJIT"
    names: tuple[str, ...] = ()
    runner: Any = None
    value: float = 0.0

    def load(self) -> None:
        """Read the text and compile it."""
        import roadrunner

        roadrunner.Logger.setLevel(roadrunner.Logger.LOG_FATAL)
        config = roadrunner.Config
        config.setValue(config.LLVM_BACKEND, getattr(config, self.backend))
        self.runner = roadrunner.RoadRunner(self.model.sbml)

    def choose(self, names: Sequence[str]) -> None:
        """Say which states are wanted."""
        import libsbml

        self.names = tuple(names)
        species = set(self.runner.model.getFloatingSpeciesIds())
        document = libsbml.readSBMLFromString(self.model.sbml)
        amounts = {s.getId() for s in document.getModel().getListOfSpecies() if s.getHasOnlySubstanceUnits()}
        self.runner.timeCourseSelections = [
            f"[{name}]" if name in species and name not in amounts else name for name in names
        ]
        self.place = list(self.runner.model.getGlobalParameterIds()).index(self.model.parameter)
        (self.value,) = self.runner.model.getGlobalParameterValues([self.place])

    def run(self, relative: float, absolute: float, factor: float = 1.0) -> Array:
        """Solve for one value."""
        self.runner.integrator.relative_tolerance = relative
        self.runner.integrator.absolute_tolerance = absolute
        self.runner.integrator.maximum_num_steps = _MOST_STEPS
        self.runner.resetAll()
        self.runner.model.setGlobalParameterValues([self.place], [self.value * factor])
        return np.array(self.runner.simulate(0.0, self.model.end, POINTS))


@dataclass
class Copasi:
    """COPASI (LSODA), through its own Python interface."""

    model: Foreign
    names: tuple[str, ...] = ()
    data: Any = None
    columns: list[Any] = field(default_factory=list)

    def load(self) -> None:
        """Read the text and compile it."""
        import COPASI

        self.api: Any = COPASI
        self.data = COPASI.CRootContainer.addDatamodel()
        if not self.data.importSBMLFromString(self.model.sbml):
            message = "COPASI cannot read the model"
            raise RuntimeError(message)
        self.data.getModel().compileIfNecessary()

    def choose(self, names: Sequence[str]) -> None:
        """Say which states are wanted."""
        import libsbml

        model = self.data.getModel()
        document = libsbml.readSBMLFromString(self.model.sbml)
        amounts = {s.getId() for s in document.getModel().getListOfSpecies() if s.getHasOnlySubstanceUnits()}
        known = {}
        for i in range(model.getNumMetabs()):
            own = model.getMetabolite(i)
            if own.getSBMLId() not in amounts:
                known[own.getSBMLId()] = own.getConcentrationReference()
        for i in range(model.getNumModelValues()):
            known[model.getModelValue(i).getSBMLId()] = model.getModelValue(i).getValueReference()
        self.names = tuple(name for name in names if name in known)
        self.columns = [
            self.api.CRegisteredCommonName(known[name].getCN().getString()) for name in self.names
        ]
        values = (model.getModelValue(i) for i in range(model.getNumModelValues()))
        self.parameter = next(v for v in values if v.getSBMLId() == self.model.parameter)
        self.value = self.parameter.getInitialValue()
        self.task = self.data.getTask("Time-Course")
        problem = self.task.getProblem()
        problem.setDuration(self.model.end)
        problem.setStepNumber(POINTS - 1)
        problem.setTimeSeriesRequested(False)
        self.task.getMethod().getParameter("Max Internal Steps").setIntValue(_MOST_STEPS)

    def run(self, relative: float, absolute: float, factor: float = 1.0) -> Array:
        """Solve for one value; NaN where COPASI gives up."""
        method = self.task.getMethod()
        method.getParameter("Relative Tolerance").setDblValue(relative)
        method.getParameter("Absolute Tolerance").setDblValue(absolute)
        self.parameter.setInitialValue(self.value * factor)
        changed = self.api.ObjectStdVector()
        changed.append(self.parameter.getInitialValueReference())
        self.data.getModel().updateInitialValues(changed)
        rows = self.api.CDataHandler()
        for column in self.columns:
            rows.addDuringName(column)
        self.data.addInterface(rows)
        out = np.full((POINTS, len(self.names)), np.nan)
        fine = self.task.initializeRaw(self.api.CCopasiTask.OUTPUT_UI) and self.task.processRaw(True)
        if fine and rows.getNumRowsDuring() == POINTS:
            out[:] = [list(rows.getNthRow(i)) for i in range(POINTS)]
        self.task.restore()
        self.data.removeInterface(rows)
        return out


@dataclass
class Bngsim:
    """bngsim (CVODE), its expressions interpreted unless it compiles them itself."""

    model: Foreign
    names: tuple[str, ...] = ()

    def load(self) -> None:
        """Read the text."""
        import bngsim

        self.system = bngsim.Model.from_sbml_string(self.model.sbml)
        self.simulator = bngsim.Simulator(self.system, "ode")
        self.simulator.set_max_steps(_MOST_STEPS)
        self.value = self.system.get_param(self.model.parameter)
        self.places: list[int] = []

    def choose(self, names: Sequence[str]) -> None:
        """Say which states are wanted."""
        own = list(self.system.species_names)
        self.names = tuple(name for name in names if name in own)
        self.places = [own.index(name) for name in self.names]

    def run(self, relative: float, absolute: float, factor: float = 1.0) -> Array:
        """Solve for one value."""
        self.system.reset()
        self.system.set_param(self.model.parameter, self.value * factor)
        span = (0.0, self.model.end)
        result = self.simulator.run(t_span=span, n_points=POINTS, rtol=relative, atol=absolute)
        return np.asarray(result.species)[:, self.places]
