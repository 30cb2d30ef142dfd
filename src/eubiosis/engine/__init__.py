"""A batched stiff solver for SBML models: SBML -> flat system -> vector code -> courses with a status.

``compile`` a model once; its ``solve``, ``steady_state`` and ``sensitivities`` run many subjects at once.
No biology in here.
"""

from eubiosis.engine.codegen.native import cache_folder, vector_width
from eubiosis.engine.compiled import Compiled, compile
from eubiosis.engine.inputs import Add, AtLeast, Infuse, Input, Scale, Set, piecewise, repeated
from eubiosis.engine.multirate import Split, split
from eubiosis.engine.sbml import SbmlWarning, UnsupportedSbmlError, read_sbml
from eubiosis.engine.sensitivity import Sensitivities
from eubiosis.engine.solution import (
    FAILURES,
    Integral,
    Last,
    Maximum,
    Minimum,
    Reduction,
    Solution,
    Tolerances,
)
from eubiosis.engine.steady import SteadyState
from eubiosis.engine.system import Array, SbmlEvent, System

__all__ = [
    "FAILURES",
    "Add",
    "Array",
    "AtLeast",
    "Compiled",
    "Infuse",
    "Input",
    "Integral",
    "Last",
    "Maximum",
    "Minimum",
    "Reduction",
    "SbmlEvent",
    "SbmlWarning",
    "Scale",
    "Sensitivities",
    "Set",
    "Solution",
    "Split",
    "SteadyState",
    "System",
    "Tolerances",
    "UnsupportedSbmlError",
    "cache_folder",
    "compile",
    "piecewise",
    "read_sbml",
    "repeated",
    "split",
    "vector_width",
]
