"""Expected endpoints of very many people under several arms: streamed in chunks, nothing kept but the ends.

For each chunk the niche factors are solved, the gut runs under every arm, and the host under every arm and
every set of couplings, all with one random drive for each person. What is kept is one number for each person,
arm, set of couplings and endpoint, so memory does not grow with the days, and with the people only by these.
Chunks run on threads of their own; nobody's numbers depend on them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eubiosis.core.guilds import GUILDS
from eubiosis.core.machine import available_threads
from eubiosis.core.streams import SubjectDraws
from eubiosis.engine import Array, Integral, Last, Reduction, Set
from eubiosis.model.held import HELD
from eubiosis.model.model import Model
from eubiosis.model.natural_history.course import FEWEST_STEPS_PER_DAY
from eubiosis.model.natural_history.people import HOST_INPUTS, Drive, People, draw_drive, draw_people
from eubiosis.model.niche import OK
from eubiosis.model.tolerances import STRICT
from eubiosis.model.worlds import GutWorld, as_person, hold_people
from eubiosis.trial.world.gut import HANDED, TOLERANCES

# endpoint -> what of the host gives it
ENDPOINTS: Mapping[str, Reduction] = {
    "expected_relapses": Integral("host_relapse_rate"),
    "expected_lesions": Integral("host_lesion_rate"),
    "infiltrate": Last("host_C"),
    "treg": Last("host_R"),
    "nfl": Last("host_NfL_rel"),
}
CHUNK = 1_000
_SMALL_CHUNK = 250  # fewer people than this for each thread are not worth chunks of their own
EXCHANGE_DAYS = 7
_DENSE_DAYS = 14  # days after a change of dose in which the gut hands over daily
_REFERENCES = ("host_C_healthy", "host_MG_healthy", "host_NfL_healthy")


@dataclass(frozen=True)
class Exposure:
    """One arm: an input of the model held at ``dose`` (its unit) from ``start`` to ``stop`` (days).

    The control has no input.
    """

    name: str
    model_input: str | None = None
    dose: float = 0.0
    start: float = 0.0
    stop: float = np.inf


@dataclass(frozen=True)
class Crowd:
    """People by number: ``shares`` of reads (people, guilds), and ``age`` in years (people,)."""

    numbers: tuple[int, ...]
    shares: Array
    age: Array

    def __len__(self) -> int:
        return len(self.numbers)

    def chunks(self, size: int) -> Iterator[tuple[slice, Crowd]]:
        """Yield the people in chunks, with their places."""
        for first in range(0, len(self), size):
            rows = slice(first, min(first + size, len(self)))
            yield rows, Crowd(self.numbers[rows], self.shares[rows], self.age[rows])


@dataclass(frozen=True)
class ExpectedEndpoints:
    """Endpoints: ``values`` (people, arms, couplings, endpoints), NaN where ``status`` is not "ok".

    ``niche`` (people,) says how each composition is held and ``residual`` (people,) how far from what was
    asked for (largest difference of a log share).
    """

    arms: tuple[str, ...]
    endpoints: tuple[str, ...]
    values: Array
    status: tuple[str, ...]
    niche: tuple[str, ...]
    residual: Array


def expected_endpoints(
    model: Model,
    world: GutWorld,
    couplings: Sequence[Mapping[str, float]],
    crowd: Crowd,
    exposures: Sequence[Exposure],
    *,
    days: int,
    seed: int,
    threads: int | None = None,
    chunk: int = CHUNK,
) -> ExpectedEndpoints:
    """Run everybody through every arm under every set of couplings, from the reference host in MS.

    A person whose composition cannot be held at all has status ``niche_unsolved``, one whose run failed its
    reason. Raises ``KeyError`` for an unknown input.

    >>> from eubiosis import model, population
    >>> from eubiosis.model.worlds import coupling_names, draw_gut_world
    >>> axis = model.load()
    >>> people = population.generate(axis, seed=3).candidates(4)
    >>> crowd = Crowd(people.numbers, people.shares, people.age)
    >>> none = dict.fromkeys(coupling_names(axis), 0.0)
    >>> arms = [Exposure("control"), Exposure("inulin", "gut_dose_inulin", 12.0)]
    >>> found = expected_endpoints(axis, draw_gut_world(axis, 0, 3), [none], crowd, arms, days=28, seed=3)
    >>> found.values.shape[:3]
    (4, 2, 1)
    """
    shape = (len(crowd), len(exposures), len(couplings), len(ENDPOINTS))
    values, status = np.full(shape, np.nan), np.full(len(crowd), "", dtype=object)
    niche, residual = np.full(len(crowd), "", dtype=object), np.full(len(crowd), np.nan)
    cores = threads or available_threads()
    workers, size = _shared_out(len(crowd), chunk, cores)

    def run_chunk(rows: slice, part: Crowd) -> None:
        run = _Chunk(model, world, part, days, seed, max(1, cores // workers))
        status[rows], niche[rows], residual[rows] = run.status, run.niche, run.residual
        held = np.flatnonzero(run.status == OK)
        for a, exposure in enumerate(exposures):
            handed = run.gut(exposure)
            for c, gains in enumerate(couplings):
                values[rows, a, c][held] = run.host(handed, gains)
        failed = np.isnan(values[rows]).any(axis=(1, 2, 3)) & (status[rows] == OK)
        status[rows][failed] = "non_finite"
        values[rows][status[rows] != OK] = np.nan

    with ThreadPoolExecutor(workers) as pool:
        for done in [pool.submit(run_chunk, rows, part) for rows, part in crowd.chunks(size)]:
            done.result()
    arms = tuple(e.name for e in exposures)
    return ExpectedEndpoints(arms, tuple(ENDPOINTS), values, tuple(status), tuple(niche), residual)


def _shared_out(people: int, chunk: int, cores: int) -> tuple[int, int]:
    """Return how many chunks run at once and how many people each has, so that all end together."""
    workers = max(1, min(cores, people // _SMALL_CHUNK))
    rounds = max(1, -(-people // (workers * chunk)))
    return workers, max(1, -(-people // (workers * rounds)))


class _Chunk:
    """Some people in one world: their guts at steady state, their hosts and their random drive."""

    def __init__(
        self, model: Model, world: GutWorld, crowd: Crowd, days: int, seed: int, threads: int | None
    ) -> None:
        self.model, self.days, self.threads = model, days, threads
        gut, joined = model.gut_kernel, model.upstream_kernel
        own, _ = as_person(model, world, crowd.shares)
        niches = hold_people(model, world, crowd.shares, threads=threads)
        self.niche = np.array(niches.status, dtype=object)
        self.residual = niches.residual
        self.status = np.array([OK if word in HELD else word for word in niches.status], dtype=object)
        rows = np.flatnonzero(self.status == OK)
        values = {**model.derived.of("healthy"), **own}
        self.parameters: dict[str, float | Array] = {
            name: value for name, value in values.items() if name in joined.parameter_index
        }
        self.parameters |= {f"gut_w_{g}": niches.factors[rows, k] for k, g in enumerate(GUILDS)}
        self.states = np.repeat(model.states("healthy", joined)[None], len(rows), axis=0)
        self.states[:, [joined.state_index[name] for name in gut.system.states]] = niches.states[rows]
        still = joined.solve([0.0], HANDED, parameters=self.parameters, initial=self.states, threads=threads)
        self.still = still.values[:, 0, :]
        draws = SubjectDraws(seed, tuple(crowd.numbers[i] for i in rows))
        self.people = self._people(world, crowd.age[rows], draws)
        self.drive: Drive = draw_drive(model.content, self.people, draws, days=days)

    def _people(self, world: GutWorld, age: Array, draws: SubjectDraws) -> People:
        healthy = self.model.derived.of("healthy")
        shared = {name: healthy[name] for name in _REFERENCES}
        shared |= {name: value for name, value in world.values.items() if name.startswith("host_")}
        shared |= {n: self.model.derived.of("ms")[n] for n in ("host_lambda0", "host_h0")}
        inputs = {name: self.still[:, HANDED.index(name)] for name in HOST_INPUTS}
        return draw_people(
            self.model.content,
            self.model.host_kernel,
            inputs,
            shared,
            draws,
            vary_inputs=False,
            age=age,
        )

    def gut(self, exposure: Exposure) -> Mapping[str, Array]:
        """Return what the gut hands over, each day's mean, (days, people) each."""
        if exposure.model_input is None or exposure.dose == 0:
            shape = (self.days, len(self.still))
            return {n: np.broadcast_to(self.still[:, k], shape) for k, n in enumerate(HANDED)}
        grid = exchange_days(exposure, self.days)
        changes = [Set(exposure.start, exposure.model_input, exposure.dose)]
        if exposure.stop < self.days:
            changes.append(Set(exposure.stop, exposure.model_input, 0.0))
        solution = self.model.upstream_kernel.solve(
            grid,
            HANDED,
            parameters=self.parameters,
            initial=self.states,
            inputs=changes,
            tolerances=TOLERANCES,
            threads=self.threads,
        )
        noon = np.arange(self.days) + 0.5  # of a line, the mean of a day is its value at noon
        place = np.searchsorted(grid, noon, side="right") - 1
        weight = ((noon - grid[place]) / (grid[place + 1] - grid[place]))[:, None]
        return {name: _between(solution[name].T, place, weight) for name in HANDED}

    def host(self, handed: Mapping[str, Array], couplings: Mapping[str, float]) -> Array:
        """Return the endpoints under one set of couplings, (people, endpoints)."""
        kernel = self.model.host_kernel
        own = {**self.people.values(kernel), **couplings, "host_v_i": self.people.frailty}
        drive = self.drive
        held = {"host_Z": drive.tone, "host_shot": drive.shots, "host_u": drive.hazard, **handed}
        solution = kernel.march(
            np.arange(self.days + 1.0),
            (),
            parameters={n: value for n, value in own.items() if n not in held},
            initial=self.model.states("ms", kernel)[None],
            held=held,
            record=(),
            reductions=tuple(ENDPOINTS.values()),
            steps=FEWEST_STEPS_PER_DAY,
            tolerances=STRICT,
            threads=self.threads,
        )
        return np.stack([solution.reduced[r] for r in ENDPOINTS.values()], axis=1)


def _between(points: Array, place: NDArray[np.intp], weight: Array) -> Array:
    """Interpolate (points, people) to ``place`` + ``weight``, without copies that are not needed."""
    values, later = points[place], points[place + 1]
    later -= values
    later *= weight
    values += later
    return values


def exchange_days(exposure: Exposure, days: int) -> Array:
    """Return when the gut hands over: weekly, and daily after each change of dose."""
    marks = set(range(0, days + 1, EXCHANGE_DAYS)) | {days}
    for change in (exposure.start, exposure.stop):
        if change < days:
            marks |= set(range(int(change), min(int(change) + _DENSE_DAYS, days) + 1))
    return np.array(sorted(marks), dtype=float)
