"""Random numbers of many trials at once: one stream a decision and trial, people in the order of entry.

A stream fills its people one after the other, so the first of them have the same numbers however many follow,
and a trial the same numbers whatever other trials are drawn with it. Opening a stream for every person and
decision would cost more than the trials themselves.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eubiosis.core.streams import streams

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]


@dataclass(frozen=True)
class TrialDraws:
    """Draws of the trials ``numbers`` of the pair of worlds ``world``; trials first.

    >>> few, many = TrialDraws(7, "0.0", (4,)), TrialDraws(7, "0.0", (3, 4))
    >>> bool((few.uniforms("left", 5, 2)[0, :3] == many.uniforms("left", 3, 2)[1]).all())
    True
    """

    seed: int
    world: str
    numbers: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.numbers)

    def normals(self, decision: str, people: int, count: int = 1) -> Floats:
        """Return standard normals, shape (trials, people, count)."""
        return self._fill(decision, (people, count), lambda g, out: g.standard_normal(out=out))

    def measurement_errors(self, decision: str, people: int, count: int = 1) -> Singles:
        """Return standard normals in single precision, shape (trials, people, count)."""
        values = np.empty((len(self.numbers), people, count), dtype=np.float32)
        name = f"trial/{self.world}/{decision}"
        for out, generator in zip(values, streams(self.seed, name, self.numbers), strict=True):
            generator.standard_normal(dtype=np.float32, out=out)
        return values

    def uniforms(self, decision: str, people: int, count: int = 1) -> Floats:
        """Return uniforms between 0 and 1, shape (trials, people, count)."""
        return self._fill(decision, (people, count), lambda g, out: g.random(out=out))

    def exponentials(self, decision: str, people: int, count: int = 1) -> Floats:
        """Return exponentials of mean 1, shape (trials, people, count)."""
        return self._fill(decision, (people, count), lambda g, out: g.standard_exponential(out=out))

    def _fill(
        self,
        decision: str,
        shape: tuple[int, int],
        draw: Callable[[np.random.Generator, Floats], object],
    ) -> Floats:
        values = np.empty((len(self.numbers), *shape))
        name = f"trial/{self.world}/{decision}"
        for out, generator in zip(values, streams(self.seed, name, self.numbers), strict=True):
            draw(generator, out)
        return values
