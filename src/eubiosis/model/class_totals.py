"""From the total of a metabolite class to its couplings: drawn once for the class, divided over its paths.

The total is the log ratio of relapses where the inputs of the class double. Paths share it and never change
it: adding or splitting one leaves its distribution as it is, and taking one out removes its share.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from eubiosis.core.class_priors import ALL, PriorRow
from eubiosis.core.streams import stream
from eubiosis.engine import Array
from eubiosis.model.couplings import CouplingTables


@dataclass(frozen=True)
class PathAnswer:
    """The log ratio of relapses on doubling against a path's coupling, both rising from zero outwards."""

    couplings: Array
    log_ratios: Array

    @property
    def slope(self) -> float:
        """The log-sensitivity at zero: log ratio a unit of coupling."""
        k = int(np.flatnonzero(self.couplings == 0)[0])
        rise = self.log_ratios[k + 1] - self.log_ratios[k - 1]
        return float(rise / (self.couplings[k + 1] - self.couplings[k - 1]))

    @property
    def moves(self) -> bool:
        """Whether relapses answer at all."""
        return bool(np.any(self.log_ratios != 0))

    def at(self, coupling: float) -> float:
        """Return the log ratio at a coupling, by straight lines; held at its ends."""
        return float(np.interp(coupling, self.couplings, self.log_ratios))

    def reach(self, sign: float, largest: float) -> tuple[float, float]:
        """Return the coupling that moves relapses furthest in a direction, and how far it does.

        The search starts at zero and stops where the answer turns or the coupling passes ``largest``.
        """
        side = np.sign(sign * self.slope)
        if side == 0:
            return 0.0, 0.0
        best, best_ratio = 0.0, 0.0
        outwards = np.sort(np.abs(self.couplings[np.sign(self.couplings) == side]))
        for size in (*outwards[outwards < largest], min(largest, outwards[-1])):
            ratio = self.at(side * size) * sign
            if ratio <= best_ratio:
                break
            best, best_ratio = float(side * size), ratio
        return best, best_ratio

    def coupling(self, log_ratio: float, largest: float) -> float:
        """Return the coupling that gives a log ratio; the furthest one where none does."""
        end, most = self.reach(np.sign(log_ratio), largest)
        if abs(log_ratio) >= most:
            return end
        between = (np.sign(self.couplings) == np.sign(end)) & (np.abs(self.couplings) < abs(end))
        sizes = np.array([0.0, *np.sort(np.abs(self.couplings[between])), abs(end)])
        reached = np.array([abs(self.at(np.sign(end) * size)) for size in sizes])
        return float(np.sign(end) * np.interp(abs(log_ratio), reached, sizes))


def draw_totals(couplings: CouplingTables, number: int, seed: int, attempt: int = 0) -> dict[str, float]:
    """Draw the total of every class in host world ``number``; odd worlds mirror the even one before.

    A class that no drawn path carries has a total all the same: paths never change a total. ``attempt``
    counts draws anew.
    """
    return {
        name: draw_total(name, prior.spike, prior.slab_sd, number, seed, attempt)
        for name, prior in couplings.priors.items()
        if name != ALL
    }


def draw_total(name: str, spike: float, slab_sd: float, number: int, seed: int, attempt: int = 0) -> float:
    """Draw one total: zero with the probability of the spike, else normal; mirrored in odd worlds."""
    pair, mirrored = divmod(number, 2)
    again = f"/{attempt}" if attempt else ""
    generator = stream(seed, f"world/total/{name}{again}", pair)
    zero = generator.random() < spike
    size = slab_sd * float(generator.standard_normal())
    return 0.0 if zero else -size if mirrored else size


def divide(
    total: float,
    prior: PriorRow,
    answers: Mapping[str, PathAnswer],
    ratios: Mapping[str, float],
    draws: Mapping[str, tuple[float, float]],
) -> dict[str, float]:
    """Divide the total of a class over its paths; returns the coupling of each.

    ``answers`` holds the paths of the class, ``ratios`` by how much the world changes what a unit of a
    coupling does, ``draws`` an exponential and a normal number for each path. A path that carries nothing by
    itself stays at zero: it could act only through another class, beside the budget. One that carries less
    than a quarter of a slab at the largest coupling is minor: its coupling is the normal number, and what
    that does is taken off the total. The others share the rest by Dirichlet(1, ..., 1) weights; what is
    beyond the largest coupling of one goes to the others, and what is beyond all of them stays unmet.
    """
    assert prior.largest is not None, "the row of the budget is not divided"
    if total == 0:
        return dict.fromkeys(answers, 0.0)
    main = [name for name in answers if _carries(answers[name], prior)]
    found = {name: draws[name][1] * answers[name].moves for name in answers if name not in main}
    rest = total - sum(answers[name].at(value * ratios[name]) for name, value in found.items())
    most = np.array([answers[name].reach(np.sign(rest), prior.largest)[1] for name in main])
    shares = _fill(abs(rest), np.array([draws[name][0] for name in main]), most)
    for name, share in zip(main, shares.tolist(), strict=True):
        at_reference = answers[name].coupling(float(np.sign(rest)) * share, prior.largest)
        found[name] = at_reference / ratios[name]
    return found


def _carries(answer: PathAnswer, prior: PriorRow) -> bool:
    assert prior.largest is not None
    return min(answer.reach(sign, prior.largest)[1] for sign in (-1.0, 1.0)) >= prior.slab_sd / 4


def _fill(amount: float, weights: Array, most: Array) -> Array:
    """Share an amount by weights, none above its most; what is beyond all of them is left out."""
    shares = np.zeros(len(weights))
    open_ = most > 0
    while amount - shares.sum() > 1e-12 and open_.any():
        parts = np.where(open_, weights, 0.0)
        shares = np.minimum(shares + (amount - shares.sum()) * parts / parts.sum(), most)
        open_ = shares < most * (1 - 1e-12)
    return shares
