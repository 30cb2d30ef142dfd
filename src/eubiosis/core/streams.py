"""Named random streams: the same seed, decision and subject give the same draws everywhere.

A draw depends on the seed, the name of the decision and the subject's own number, and on nothing else:
not on the arm, the batch, the order of subjects, the process or the machine.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def stream(seed: int, decision: str, subject: int | None = None) -> np.random.Generator:
    """Return the random generator of one decision for one subject (or for all, when none is named).

    The key is a hash of its arguments, the generator counter-based (Philox; Salmon 2011), so streams of
    different names or subjects are independent and can be opened in any order.

    >>> float(stream(7, "relapse", 3).random()) == float(stream(7, "relapse", 3).random())
    True
    """
    label = f"{seed}\x1f{decision}\x1f{'' if subject is None else subject}".encode()
    key = np.frombuffer(hashlib.blake2b(label, digest_size=16).digest(), dtype=np.uint64)
    return np.random.Generator(np.random.Philox(key=key))


class Draws(Protocol):
    """Random numbers for a group of subjects, by the name of the decision; subjects first."""

    def normals(self, decision: str, count: int) -> Floats:
        """Return standard normals, shape (subjects, count)."""
        ...

    def uniforms(self, decision: str, count: int) -> Floats:
        """Return uniforms between 0 and 1, shape (subjects, count)."""
        ...

    def exponentials(self, decision: str, count: int) -> Floats:
        """Return exponentials of mean 1, shape (subjects, count)."""
        ...


@dataclass(frozen=True)
class CohortDraws:
    """One stream for each decision: fast, for a group of fixed size."""

    seed: int
    size: int

    def normals(self, decision: str, count: int) -> Floats:
        """Return standard normals, shape (subjects, count)."""
        return stream(self.seed, decision).standard_normal((self.size, count))

    def uniforms(self, decision: str, count: int) -> Floats:
        """Return uniforms between 0 and 1, shape (subjects, count)."""
        return stream(self.seed, decision).random((self.size, count))

    def exponentials(self, decision: str, count: int) -> Floats:
        """Return exponentials of mean 1, shape (subjects, count)."""
        return stream(self.seed, decision).standard_exponential((self.size, count))


@dataclass(frozen=True)
class SubjectDraws:
    """One stream for each decision and subject: a subject's numbers do not depend on the company."""

    seed: int
    numbers: tuple[int, ...]

    def normals(self, decision: str, count: int) -> Floats:
        """Return standard normals, shape (subjects, count)."""
        return self._rows(
            [stream(self.seed, decision, k).standard_normal(count) for k in self.numbers], count
        )

    def uniforms(self, decision: str, count: int) -> Floats:
        """Return uniforms between 0 and 1, shape (subjects, count)."""
        return self._rows([stream(self.seed, decision, k).random(count) for k in self.numbers], count)

    def exponentials(self, decision: str, count: int) -> Floats:
        """Return exponentials of mean 1, shape (subjects, count)."""
        rows = [stream(self.seed, decision, k).standard_exponential(count) for k in self.numbers]
        return self._rows(rows, count)

    @staticmethod
    def _rows(rows: list[Floats], count: int) -> Floats:
        return np.array(rows).reshape(len(rows), count)
