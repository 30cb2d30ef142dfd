"""Named random streams: the same seed, decision and subject give the same draws everywhere.

A draw depends on the seed, the name of the decision and the subject's own number, and on nothing else:
not on the arm, the batch, the order of subjects, the process or the machine.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.random.bit_generator import ISeedSequence
from numpy.typing import DTypeLike, NDArray

Floats = NDArray[np.float64]


def stream(seed: int, decision: str, subject: int | None = None) -> np.random.Generator:
    """Return the random generator of one decision for one subject (or for all, when none is named).

    The key is a hash of its arguments, the generator counter-based (Philox; Salmon 2011), so streams of
    different names or subjects are independent and can be opened in any order.

    >>> float(stream(7, "relapse", 3).random()) == float(stream(7, "relapse", 3).random())
    True
    """
    name = _name(seed, decision)
    name.update(b"" if subject is None else str(subject).encode())
    key = _Key(np.frombuffer(name.digest(), dtype=np.uint64))
    return np.random.Generator(np.random.Philox(key))  # type: ignore[arg-type]  # numpy takes any ISeedSequence


class _Key(ISeedSequence):
    """A key that is known: a generator that is handed one asks the system for no entropy of its own."""

    def __init__(self, key: NDArray[np.uint64]) -> None:
        self.key = key

    def generate_state(self, n_words: int, dtype: DTypeLike = np.uint64) -> NDArray[np.uint64]:
        """Return the key, whatever is asked for; Philox asks for two words of 64 bits."""
        if n_words != len(self.key) or dtype != np.uint64:
            message = f"{n_words} words of {dtype}; allowed: {len(self.key)} of uint64"
            raise ValueError(message)
        return self.key


def streams(seed: int, decision: str, subjects: Sequence[int]) -> Iterator[np.random.Generator]:
    """Yield the generator of one decision for each subject in turn: the numbers of ``stream``, sooner.

    One generator is set to the beginning of every stream, so each must be drawn from before the next is asked
    for, and must not be kept.

    >>> [float(generator.random()) for generator in streams(7, "relapse", (3, 4))] == [
    ...     float(stream(7, "relapse", k).random()) for k in (3, 4)
    ... ]
    True
    """
    philox = np.random.Philox(0)
    generator = np.random.Generator(philox)
    nothing = np.zeros(4, dtype=np.uint64)
    name = _name(seed, decision)
    for subject in subjects:
        own = name.copy()
        own.update(str(subject).encode())
        key = np.frombuffer(own.digest(), dtype=np.uint64)
        philox.state = {
            "bit_generator": "Philox", "state": {"counter": nothing, "key": key}, "buffer": nothing,
            "buffer_pos": len(nothing), "has_uint32": 0, "uinteger": 0,
        }  # fmt: skip
        yield generator


def _name(seed: int, decision: str) -> hashlib.blake2b:
    """Return the hash of a decision, open for the number of a subject."""
    return hashlib.blake2b(f"{seed}\x1f{decision}\x1f".encode(), digest_size=16)


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
        rows = np.empty((len(self.numbers), count))
        for row, generator in zip(rows, streams(self.seed, decision, self.numbers), strict=True):
            generator.standard_normal(out=row)
        return rows

    def uniforms(self, decision: str, count: int) -> Floats:
        """Return uniforms between 0 and 1, shape (subjects, count)."""
        rows = np.empty((len(self.numbers), count))
        for row, generator in zip(rows, streams(self.seed, decision, self.numbers), strict=True):
            generator.random(out=row)
        return rows

    def exponentials(self, decision: str, count: int) -> Floats:
        """Return exponentials of mean 1, shape (subjects, count)."""
        rows = np.empty((len(self.numbers), count))
        for row, generator in zip(rows, streams(self.seed, decision, self.numbers), strict=True):
            generator.standard_exponential(out=row)
        return rows


class KeptDraws(SubjectDraws):
    """The same numbers as ``SubjectDraws``, drawn once and kept: many worlds ask the same people.

    What is returned is shared, and cannot be written to.
    """

    @cached_property
    def _kept(self) -> dict[tuple[str, str, int], Floats]:
        return {}

    def normals(self, decision: str, count: int) -> Floats:
        """Return standard normals, shape (subjects, count)."""
        return self._once("normals", decision, count, super().normals)

    def uniforms(self, decision: str, count: int) -> Floats:
        """Return uniforms between 0 and 1, shape (subjects, count)."""
        return self._once("uniforms", decision, count, super().uniforms)

    def exponentials(self, decision: str, count: int) -> Floats:
        """Return exponentials of mean 1, shape (subjects, count)."""
        return self._once("exponentials", decision, count, super().exponentials)

    def _once(self, kind: str, decision: str, count: int, draw: Callable[[str, int], Floats]) -> Floats:
        found = self._kept.get((kind, decision, count))
        if found is None:
            found = draw(decision, count)
            found.flags.writeable = False
            self._kept[kind, decision, count] = found
        return found
