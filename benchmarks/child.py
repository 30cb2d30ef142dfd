"""Measurements in a process of their own: time and peak memory that nothing else has touched."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Measured:
    """What a function returned, its wall and processor seconds, and its process's peak memory in MB."""

    result: Any
    wall: float
    processor: float
    peak_mb: float


def peak_memory_mb() -> float:
    """Return the largest resident memory of this process so far, in MB.

    From ``VmHWM`` and not from ``getrusage``, whose number a child inherits from a larger parent.
    """
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    message = "no VmHWM in /proc/self/status; memory is measured on Linux only"
    raise RuntimeError(message)


def measured(function: Callable[..., Any], *arguments: Any) -> Measured:
    """Run a function of a module in a fresh process; raises what it raised."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    child = context.Process(target=_measure, args=(theirs, function, arguments))
    child.start()
    theirs.close()
    answer = ours.recv()
    child.join()
    if isinstance(answer, Exception):
        raise answer
    assert isinstance(answer, Measured)
    return answer


def _measure(pipe: Connection, function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    try:
        wall, processor = time.perf_counter(), time.process_time()
        result = function(*arguments)
        wall, processor = time.perf_counter() - wall, time.process_time() - processor
        pipe.send(Measured(result, wall, processor, peak_memory_mb()))
    except Exception as problem:  # noqa: BLE001  (it is raised again in the parent)
        pipe.send(problem)


def python(code: str, **environment: str) -> list[float]:
    """Run a line of Python in a fresh interpreter and return the numbers that it printed."""
    command = [sys.executable, "-c", code]
    done = subprocess.run(
        command, env={**os.environ, **environment}, capture_output=True, text=True, check=True
    )
    return [float(word) for word in done.stdout.split()]
