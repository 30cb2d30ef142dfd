"""Does this installation compute what it should: two systems with a known answer."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import metadata

import numpy as np

from eubiosis import engine
from eubiosis.compute.run_folder import LIBRARIES
from eubiosis.core.findings import FindingsError
from eubiosis.core.machine import available_cores
from eubiosis.core.version import __version__
from eubiosis.model import load
from eubiosis.model.join import antimony_to_sbml
from eubiosis.model.tolerances import STRICT

DECAY = "model decay; x = 2; k = 0.25; x' = -k*x; end"
DECAY_TOLERANCE = 1e-6
STEADY_TOLERANCE = 1e-4
STEADY_DAYS = 30.0


@dataclass(frozen=True)
class Examination:
    """One system with a known answer, and how far off the computed one is."""

    name: str
    passed: bool
    detail: str


def environment() -> Iterator[tuple[str, str]]:
    """Yield what this installation is made of, name and value."""
    yield "eubiosis", __version__
    yield "python", platform.python_version()
    yield "system", f"{platform.system()} {platform.machine()}"
    yield "cores", str(available_cores())
    yield "vectors", f"{engine.vector_width()} doubles"
    yield "compiled kernels", str(engine.cache_folder() or "not kept")
    for library in LIBRARIES:
        yield library, metadata.version(library)


def examine() -> Iterator[Examination]:
    """Yield the results one by one; an examination that cannot be done has failed and says why."""
    yield _examined("exponential decay against exp", decay_error, DECAY_TOLERANCE)
    yield _examined("the healthy gut stays at its stored steady state", steady_error, STEADY_TOLERANCE)


def decay_error() -> float:
    """Return the largest relative error of a compiled decay over 20 days against 2 exp(-t/4)."""
    days = np.linspace(0.0, 20.0, 21)
    solution = engine.compile(antimony_to_sbml(DECAY, "decay")).solve(days, ["x"])
    return float(np.max(np.abs(solution["x"][0] / (2 * np.exp(-days / 4)) - 1)))


def steady_error() -> float:
    """Return by how much, relative to the stored value, any state of the healthy gut moves in a month."""
    model = load()
    kernel = model.gut_kernel
    stored = model.states("healthy", kernel)
    own = dict(zip(kernel.system.parameters, model.parameters("healthy", kernel), strict=True))
    solution = kernel.solve([0.0, STEADY_DAYS], parameters=own, initial=stored[None], tolerances=STRICT)
    if solution.status[0] != "ok":
        message = f"the solution ended with status {solution.status[0]}"
        raise ArithmeticError(message)
    present = stored > 0
    return float(np.max(np.abs(solution.states[0][present] / stored[present] - 1)))


def _examined(name: str, error_of: Callable[[], float], tolerance: float) -> Examination:
    try:
        error = error_of()
    except (ArithmeticError, FindingsError, OSError, RuntimeError, ValueError) as problem:
        return Examination(name, passed=False, detail=f"{type(problem).__name__}: {problem}")
    return Examination(
        name, passed=error <= tolerance, detail=f"relative error {error:.1e}, allowed {tolerance:.0e}"
    )
