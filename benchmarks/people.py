"""The virtual subjects of the benchmarks: real draws from the packaged reference population.

Each subject has niche factors that hold their own gut composition, that gut's steady state to start from, and
personal host numbers. Solving them takes a while, so the table is kept in a scratch folder between runs.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from eubiosis.core.guilds import GUILDS
from eubiosis.core.streams import SubjectDraws
from eubiosis.model.derived import content_key
from eubiosis.model.held import HELD
from eubiosis.model.model import Model
from eubiosis.model.natural_history.people import HOST_INPUTS, draw_people
from eubiosis.model.worlds import draw_gut_world, hold_people, reference_shares
from eubiosis.population.subjects import USABLE_PROFILE, VirtualSubjects, subjects_from_reference

Array = NDArray[np.float64]
SEED = 2026
PERSON = "ms"
_CANDIDATES_A_SUBJECT = 1.3
_YEAR = 365.25


@dataclass(frozen=True)
class People:
    """Subjects of a benchmark.

    ``parameters`` (subjects, names) are the numbers that differ between subjects, ``initial`` (subjects,
    states) where each one starts, in the order of ``names`` and ``states``.
    """

    names: tuple[str, ...]
    states: tuple[str, ...]
    parameters: Array
    initial: Array

    def __len__(self) -> int:
        return len(self.initial)

    def first(self, size: int) -> People:
        """Return the first ``size`` subjects, going round again where there are fewer."""
        rows = np.arange(size) % len(self)
        return People(self.names, self.states, self.parameters[rows], self.initial[rows])


def scratch() -> Path:
    """Return the folder for tables that are kept between runs (``EUBIOSIS_BENCH`` or the temporary one)."""
    folder = Path(os.environ.get("EUBIOSIS_BENCH", Path(tempfile.gettempdir()) / "eubiosis_benchmarks"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def load_people(model: Model, size: int) -> People:
    """Return ``size`` subjects, from the scratch folder where the content has not changed since."""
    key = hashlib.sha256(f"{content_key(model.content)} {SEED} {size}".encode()).hexdigest()[:16]
    file = scratch() / f"people_{size}_{key}.npz"
    if file.is_file():
        with np.load(file) as table:
            return People(
                tuple(map(str, table["names"])),
                tuple(map(str, table["states"])),
                table["parameters"],
                table["initial"],
            )
    people = build_people(model, size)
    partial = file.with_suffix(".part.npz")
    np.savez(
        partial,
        names=np.array(people.names),
        states=np.array(people.states),
        parameters=people.parameters,
        initial=people.initial,
    )
    partial.replace(file)
    return people


def draw_candidates(model: Model, size: int, first: int = 0) -> VirtualSubjects:
    """Draw candidates with MS from the packaged reference population."""
    shares = dict(zip(GUILDS, reference_shares(model), strict=True))
    return subjects_from_reference(shares, group="MS", size=size, seed=SEED, first=first)


def build_people(model: Model, size: int) -> People:
    """Solve the niche of candidates until ``size`` of them have a steady state, and draw their hosts.

    Raises ``RuntimeError`` when too few have one.
    """
    candidates = draw_candidates(model, round(_CANDIDATES_A_SUBJECT * size) + 10)
    world = draw_gut_world(model, 0, SEED, vary=False)
    gut, joined = model.gut_kernel, model.kernel
    usable = np.flatnonzero([word in USABLE_PROFILE for word in candidates.profile_status])
    niches = hold_people(model, world, candidates.shares[usable])
    held = np.flatnonzero([word in HELD for word in niches.status])[:size]
    if len(held) < size:
        message = f"{len(held)} of {len(candidates)} candidates have a steady gut; {size} are needed"
        raise RuntimeError(message)
    subjects = candidates.take(usable[held])
    host_names, host_values = _hosts(model, subjects)
    initial = np.repeat(joined.default_states[None], size, axis=0)
    for name, row in gut.state_index.items():
        initial[:, joined.state_index[name]] = niches.states[held, row]
    names = (*(f"gut_w_{guild}" for guild in GUILDS), *host_names)
    return People(names, joined.system.states, np.hstack((niches.factors[held], host_values)), initial)


def _hosts(model: Model, subjects: VirtualSubjects) -> tuple[tuple[str, ...], Array]:
    """Draw personal host numbers, the expected daily trigger load among them; (subjects, names)."""
    kernel = model.host_kernel
    default = dict(zip(kernel.system.parameters, kernel.default_parameters, strict=True))
    people = draw_people(
        model.content,
        kernel,
        {name: default[name] for name in HOST_INPUTS},
        {},
        SubjectDraws(SEED, subjects.numbers),
        vary_inputs=False,
        age=subjects.age,
    )
    personal = [
        name
        for name, row in kernel.parameter_index.items()
        if name not in HOST_INPUTS and np.ptp(people.parameters[row]) > 0
    ]
    load = people.triggers / _YEAR * model.content.numbers["host_shot_mean"].value
    columns = [*(people.parameters[kernel.parameter_index[name]] for name in personal), load]
    return (*personal, "host_shot"), np.stack(columns, axis=1)
