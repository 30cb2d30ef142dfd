"""Peers in processes of their own: each loads the model once, then all start a batch together.

The subjects of a batch are handed out one by one from a shared counter, so that no process waits for another
at the end; the time runs from the common start to the last result. Sending results back is not counted.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from benchmarks.cases import Case
from benchmarks.roadrunner_peer import Tolerance

Array = NDArray[np.float64]


class Peer(Protocol):
    """A simulator with a case loaded."""

    load_seconds: float

    def set_tolerance(self, tolerance: Tolerance) -> None:
        """Set both tolerances."""

    def run(self, row: int) -> Array:
        """Simulate one subject; shape (times, states)."""


@dataclass(frozen=True)
class Batch:
    """Results of a batch: values (subjects, times, states), wall seconds, and processor seconds summed."""

    values: Array
    wall: float
    processor: float

    @property
    def per_second(self) -> float:
        """Subjects a wall second, all processes together."""
        return len(self.values) / self.wall


class PeerPool:
    """``processes`` copies of one peer. Use it as a context, or ``close`` it."""

    def __init__(self, build: Callable[..., Peer], case: Case, processes: int, **options: str) -> None:
        context = multiprocessing.get_context("spawn")
        self.case = case
        self.counter = context.Value("l", 0)
        self.barrier = context.Barrier(processes + 1)
        self.ends: list[Connection] = []
        self.children: list[Any] = []
        for _ in range(processes):
            ours, theirs = context.Pipe()
            arguments = (build, case, options, theirs, self.counter, self.barrier)
            child = context.Process(target=_serve, args=arguments, daemon=True)
            child.start()
            self.ends.append(ours)
            self.children.append(child)
        self.load_seconds = max(end.recv() for end in self.ends)

    def run(self, size: int, tolerance: Tolerance) -> Batch:
        """Simulate the first ``size`` subjects; a subject that the peer gives up has NaN."""
        self.counter.value = 0
        for end in self.ends:
            end.send((size, tolerance))
        self.barrier.wait()
        values = np.full((size, len(self.case.times), len(self.case.states)), np.nan)
        starts, stops, processor = [], [], 0.0
        for end in self.ends:
            rows, results, (start, stop), seconds = end.recv()
            values[rows] = results
            starts.append(start)
            stops.append(stop)
            processor += seconds
        return Batch(values, max(stops) - min(starts), processor)

    def close(self) -> None:
        """End the processes."""
        for end in self.ends:
            end.send(None)
        for child in self.children:
            child.join()

    def __enter__(self) -> PeerPool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _serve(
    build: Callable[..., Peer],
    case: Case,
    options: dict[str, str],
    pipe: Connection,
    counter: Any,
    barrier: Any,
) -> None:
    peer = build(case, **options)
    peer.set_tolerance(Tolerance(1e-3, tuple([1e-6] * len(case.states))))
    attempt(peer, 0, case)  # the first run compiles what is compiled late
    pipe.send(peer.load_seconds)
    while (order := pipe.recv()) is not None:
        size, tolerance = order
        peer.set_tolerance(tolerance)
        rows, results = [], []
        barrier.wait()
        start, begin = time.perf_counter(), time.process_time()
        while True:
            with counter.get_lock():
                row = counter.value
                counter.value += 1
            if row >= size:
                break
            rows.append(row)
            results.append(attempt(peer, row, case))
        span, seconds = (start, time.perf_counter()), time.process_time() - begin
        shape = (len(rows), len(case.times), len(case.states))
        pipe.send((rows, np.array(results).reshape(shape), span, seconds))


def attempt(peer: Peer, row: int, case: Case) -> Array:
    """Simulate one subject; NaN where the peer gives up."""
    try:
        return peer.run(row)
    except RuntimeError:  # what CVODE's failures arrive as; the subject counts as failed
        return np.full((len(case.times), len(case.states)), np.nan)
