"""What a laboratory does to the acids of a sample: batches of an assay, limits of detection, printed digits.

Samples of one visit are assayed in the order of entry, a batch at a time; a batch shifts every sample in it
by a factor of its own for each acid, alike in all arms. What an acid varies within a person, as studies
print it, holds the batches already, so they take their part of it. A level below the limit is reported as
half the limit and flagged; analyses take it as it is written.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from eubiosis.core.endpoints import LIMITED
from eubiosis.core.trial_draws import TrialDraws
from eubiosis.engine import Array
from eubiosis.trial.world.layer import trial_numbers

_BELOW = 0.5  # of the limit: what is written for a level under it


def batches(people: int) -> NDArray[np.int64]:
    """Return the number of each one's batch at a visit, from 1 on, in the order of entry, shape (people,)."""
    return np.arange(people) // round(trial_numbers()["trial_batch_samples"].value) + 1


def batch_shifts(draws: TrialDraws, week: float, people: int) -> NDArray[np.float32]:
    """Return the log factors of a visit's batches, shape (trials, people, acids in the order of ``LIMITED``).

    A batch is keyed by its week and number, so that neither another visit nor more people change it.
    """
    own = batches(people)
    count = int(own[-1])
    shifts = draws.measurement_errors(f"assay batch/week {week:g}", count, len(LIMITED))
    sd = np.float32(trial_numbers()["trial_sd_ln_assay_batch"].value)
    return np.asarray(sd * shifts[:, own - 1])


def reported(levels: Mapping[str, NDArray[np.floating]]) -> dict[str, NDArray[np.generic]]:
    """Return the acids as they are printed, the total in stool, and a flag for each acid under its limit.

    ``levels`` (any shape, mM) are by acid of ``LIMITED``; NaN stays, and is under no limit.
    """
    found: dict[str, NDArray[np.generic]] = {}
    flags: dict[str, NDArray[np.generic]] = {}
    total: Array | None = None
    for name in LIMITED:
        limit, step = limit_of(name), step_of(name)
        values = to_step(np.asarray(levels[name], dtype=np.float64), step)
        below = values < limit
        values[below] = _BELOW * limit
        found[name], flags[f"{name}_below_limit"] = values, below
        if name.startswith("stool_"):
            total = values.copy() if total is None else total + values
    assert total is not None  # LIMITED has acids in stool
    return {**found, "stool_scfa": np.round(total, 2), **flags}


def limit_of(acid: str) -> float:
    """Return the limit of detection of an acid's assay, mM."""
    kind = acid if acid == "plasma_acetate" else acid.split("_", maxsplit=1)[0] + "_acids"
    return trial_numbers()[f"trial_limit_{kind}"].value


def step_of(acid: str) -> float:
    """Return the step to which an acid is printed, mM."""
    return trial_numbers()[f"trial_step_{acid.split('_', maxsplit=1)[0]}_acids"].value


def to_step(values: Array, step: float) -> Array:
    """Return values on a grid of ``step``, a power of ten, as a laboratory prints them; a new array.

    >>> to_step(np.array([12.345, 0.04]), 0.1).tolist()
    [12.3, 0.0]
    """
    return np.asarray(np.round(values, -round(np.log10(step))))
