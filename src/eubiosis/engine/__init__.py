"""SBML -> flat system -> compiled kernel -> solutions with a status per subject. No biology in here."""

from eubiosis.engine.kernel import Kernel, compile_system
from eubiosis.engine.sbml import System, UnsupportedSbmlError, read_sbml
from eubiosis.engine.solve import Solution, Tolerances, solve

__all__ = [
    "Kernel",
    "Solution",
    "System",
    "Tolerances",
    "UnsupportedSbmlError",
    "compile_system",
    "read_sbml",
    "solve",
]
