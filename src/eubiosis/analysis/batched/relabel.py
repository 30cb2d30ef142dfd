"""Randomisation tests of many event counts at once: the re-labellings are a matrix, the sums its products."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from eubiosis.analysis.estimators.randomisation import TIE
from eubiosis.core.streams import stream

Floats = NDArray[np.float64]
RELABELLINGS = 999
_TOGETHER = 64  # tests multiplied at a time: bounds the memory
_KEPT, _LARGE = 64, 500_000  # sets kept for the next batch, and the entries above which none is kept


@dataclass(frozen=True)
class Test:
    """One test of equal event rates: events and exposure of the participants kept, who is treated.

    All are (participants,). ``block`` numbers the set of re-labellings: tests of one block with as many
    participants and as many treated ones share it, and nothing else decides which they get.
    """

    events: Floats
    time: Floats
    treated: NDArray[np.bool_]
    block: int


def randomisation_ps(tests: Sequence[Test], seed: int, relabellings: int = RELABELLINGS) -> Floats:
    """Return the two-sided p-value of each test, shape (tests,); see ``estimators.randomisation_p``.

    The labels of as many participants as were treated are dealt out anew among all who were kept. A set of
    re-labellings is drawn from the stream of its block and sizes, so a test's p-value does not depend on
    its company.
    """
    groups: dict[tuple[int, int, int], list[int]] = {}
    for number, test in enumerate(tests):
        key = (test.block, len(test.events), int(np.count_nonzero(test.treated)))
        groups.setdefault(key, []).append(number)
    found = np.empty(len(tests))
    for (block, people, treated), members in groups.items():
        draw = _relabellings if relabellings * people <= _LARGE else _relabellings.__wrapped__
        labels = draw(seed, block, people, treated, relabellings).astype(np.float64)
        for begin in range(0, len(members), _TOGETHER):
            some = members[begin : begin + _TOGETHER]
            found[some] = _p_values([tests[k] for k in some], labels)
    return found


@lru_cache(_KEPT)
def _relabellings(seed: int, block: int, people: int, treated: int, number: int) -> NDArray[np.uint8]:
    """Draw labellings (number, people): one for the treated, zero for the rest."""
    generator = stream(seed, f"analysis/relabel/{block}/{people}/{treated}")
    labels = np.zeros((number, people), dtype=np.uint8)
    labels[:, :treated] = 1
    labels = generator.permuted(labels, axis=1)
    labels.flags.writeable = False
    return labels


def _p_values(tests: Sequence[Test], labels: Floats) -> Floats:
    events, time = np.column_stack([t.events for t in tests]), np.column_stack([t.time for t in tests])
    own = np.column_stack([t.treated for t in tests])
    everything = events.sum(axis=0), time.sum(axis=0)
    observed = _statistic((own * events).sum(axis=0), (own * time).sum(axis=0), *everything)
    null = _statistic(labels @ events, labels @ time, *everything)
    return np.asarray((1 + (null >= observed - TIE).sum(axis=0)) / (len(labels) + 1))


def _statistic(events: Floats, time: Floats, all_events: Floats, all_time: Floats) -> Floats:
    """Return |log rate ratio|, half an event added to each arm."""
    ratio = (events + 0.5) * (all_time - time) / ((all_events - events + 0.5) * time)
    return np.asarray(np.abs(np.log(ratio)))
