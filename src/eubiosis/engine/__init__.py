"""SBML -> flat system -> compiled kernel -> solutions with a status per subject. No biology in here."""

from eubiosis.engine.kernel import Kernel, compile_system
from eubiosis.engine.sbml import UnsupportedSbmlError, read_sbml
from eubiosis.engine.solve import Solution, Tolerances, solve
from eubiosis.engine.system import SbmlEvent, System

__all__ = [
    "Kernel",
    "SbmlEvent",
    "Solution",
    "System",
    "Tolerances",
    "UnsupportedSbmlError",
    "compile_system",
    "read_sbml",
    "solve",
]
