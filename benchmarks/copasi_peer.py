"""COPASI (LSODA) on a case, doses as SBML events; shown beside the main peer."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.cases import Case
from benchmarks.exports import event_parameters
from benchmarks.roadrunner_peer import Tolerance, peer_sbml

Array = NDArray[np.float64]
_MOST_STEPS = 1_000_000


class Copasi:
    """One loaded model. ``load_seconds`` is the time to read the file and compile it."""

    def __init__(self, case: Case, form: str = "products") -> None:
        import COPASI

        self.api: Any = COPASI
        self.case = case
        sbml = peer_sbml(case, form, "events")
        begin = time.perf_counter()
        self.data: Any = COPASI.CRootContainer.addDatamodel()
        if not self.data.importSBMLFromString(sbml):
            message = "COPASI could not read the model"
            raise RuntimeError(message)
        self.model = self.data.getModel()
        self.model.compileIfNecessary()
        self.load_seconds = time.perf_counter() - begin
        values = (self.model.getModelValue(i) for i in range(self.model.getNumModelValues()))
        self.values = {value.getSBMLId(): value for value in values}
        self.events = event_parameters(case)
        self.task = self.data.getTask("Time-Course")
        problem = self.task.getProblem()
        problem.setOutputStartTime(float(case.times[0]))
        problem.setValues(" ".join(map(repr, case.times.tolist())))
        problem.setUseValues(True)
        problem.setTimeSeriesRequested(False)
        self.task.getMethod().getParameter("Max Internal Steps").setIntValue(_MOST_STEPS)
        self.columns = [
            COPASI.CRegisteredCommonName(self.values[name].getValueReference().getCN().getString())
            for name in case.states
        ]

    def set_tolerance(self, tolerance: Tolerance) -> None:
        """Set the tolerances; COPASI takes one absolute tolerance: the geometric mean of several."""
        absolute = float(np.exp(np.mean(np.log(tolerance.absolute))))
        method = self.task.getMethod()
        method.getParameter("Relative Tolerance").setDblValue(tolerance.relative)
        method.getParameter("Absolute Tolerance").setDblValue(absolute)

    def run(self, row: int) -> Array:
        """Simulate one subject; shape (times, states), NaN where COPASI gives up."""
        people = self.case.people
        changed = self.api.ObjectStdVector()
        numbers = dict(zip(people.names, people.parameters[row], strict=True))
        starts = dict(zip(people.states, people.initial[row], strict=True))
        for name, value in {**numbers, **starts, **self.events}.items():
            own = self.values[name]
            own.setInitialValue(float(value))
            changed.append(own.getInitialValueReference())
        self.model.updateInitialValues(changed)
        rows = self.api.CDataHandler()  # a handler keeps the rows of earlier runs: each run has its own
        for column in self.columns:
            rows.addDuringName(column)
        self.data.addInterface(rows)
        out = np.full((len(self.case.times), len(people.states)), np.nan)
        if self.task.initializeRaw(self.api.CCopasiTask.OUTPUT_UI) and self.task.processRaw(True):
            count = rows.getNumRowsDuring()
            if count == len(out):
                out[:] = [list(rows.getNthRow(i)) for i in range(count)]
        self.task.restore()
        self.data.removeInterface(rows)
        return out
