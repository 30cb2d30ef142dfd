"""Randomisation tests of many event counts at once: the re-labellings are a matrix, the sums its products."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from eubiosis.analysis.estimators.randomisation import log_ratio, reach
from eubiosis.core.streams import stream

Floats = NDArray[np.float64]
Labels = NDArray[np.uint8]
TIE = 1e-5  # of a log ratio; sums of times in single precision are not nearer to each other
RELABELLINGS = 999
_TOGETHER = 64  # tests multiplied at a time: bounds the memory
_ROWS = 111  # re-labellings multiplied at a time: likewise
_KEPT, _LARGE = 16, 20_000  # sets kept for the next batch, and the people in a test above whom none is kept


@dataclass(frozen=True)
class Test:
    """One test of equal event rates: events and exposure of all in the two arms, who is treated.

    All are (participants,); both are zero for whoever has nothing to count. ``block`` numbers the set of
    re-labellings: tests of one block with as many participants and as many treated ones share it, and nothing
    else decides which they get.
    """

    events: Floats
    time: Floats
    treated: NDArray[np.bool_]
    block: tuple[int, int]


def randomisation_tests(tests: Sequence[Test], seed: int, relabellings: int = RELABELLINGS) -> Floats:
    """Return p-value, centre and reach of each test, (tests, 3); see ``estimators.randomisation_test``.

    The labels of as many participants as were treated are dealt out anew among all. A set of re-labellings is
    drawn from the stream of its block and sizes, so a test's p-value does not depend on its company.
    """
    groups: dict[tuple[tuple[int, int], int, int], list[int]] = {}
    for number, test in enumerate(tests):
        key = (test.block, len(test.events), int(np.count_nonzero(test.treated)))
        groups.setdefault(key, []).append(number)
    found = np.empty((len(tests), 3))
    for (block, people, treated), members in groups.items():
        draw = _relabellings if people <= _LARGE else _relabellings.__wrapped__
        labels = draw(seed, block, people, treated, relabellings)
        for begin in range(0, len(members), _TOGETHER):
            some = members[begin : begin + _TOGETHER]
            found[some] = _p_values([tests[k] for k in some], labels)
    return found


@lru_cache(_KEPT)
def _relabellings(seed: int, block: tuple[int, int], people: int, treated: int, number: int) -> Labels:
    """Draw labellings (number, people), a bit each: one for the treated, zero for the rest."""
    generator = stream(seed, f"analysis/relabel/{block[0]}/{block[1]}/{people}/{treated}")
    packed = np.empty((number, -(-people // 8)), dtype=np.uint8)
    for begin in range(0, number, _ROWS):
        labels = np.zeros((min(_ROWS, number - begin), people), dtype=np.uint8)
        labels[:, :treated] = 1
        packed[begin : begin + _ROWS] = np.packbits(generator.permuted(labels, axis=1, out=labels), axis=1)
    packed.flags.writeable = False
    return packed


def _p_values(tests: Sequence[Test], labels: Labels) -> Floats:
    """Return p-values and intervals; sums are taken in single precision, where counts are exact."""
    events, time = np.stack([t.events for t in tests], axis=1), np.stack([t.time for t in tests], axis=1)
    own = np.stack([t.treated for t in tests], axis=1)
    everything = events.sum(axis=0), time.sum(axis=0)
    centre = log_ratio((own * events).sum(axis=0), (own * time).sum(axis=0), *everything)
    singles = [values.astype(np.float32) for values in (events, time)]
    whole = [values.astype(np.float32) for values in everything]
    null = np.empty((len(labels), len(tests)), dtype=np.float32)
    for begin in range(0, len(labels), _ROWS):
        bits = np.unpackbits(labels[begin : begin + _ROWS], axis=1, count=len(events))
        some = bits.astype(np.float32)
        null[begin : begin + _ROWS] = np.abs(log_ratio(*(some @ values for values in singles), *whole))
    p_values = (1 + (null >= np.abs(centre) - TIE).sum(axis=0)) / (len(labels) + 1)
    return np.stack([p_values, centre, reach(null)], axis=1)
