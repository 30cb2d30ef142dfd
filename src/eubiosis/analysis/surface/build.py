"""From the cells of all worlds to the power surface: Monte Carlo errors, closed forms, assurance, sizes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from eubiosis.analysis.planning.prior_assurance import MixturePrior, prior_assurance
from eubiosis.analysis.surface.cells import ALPHA, SurfaceCell
from eubiosis.analysis.surface.closed import Nuisance, size_for
from eubiosis.core import laws
from eubiosis.core.endpoints import ENDPOINTS
from eubiosis.core.guilds import GUILD_NAMES
from eubiosis.core.power_surface import PowerSurface, RateBand, SizeBasis, SizeNeeded, SurfacePoint, kind_of

TARGETS = (0.8, 0.9)
LARGEST = 100_000  # participants of a whole trial; more count as none
_FEW_EVENTS = 10.0
_STRAYS = 1.05  # times the formula's standard error from which the counts' law is named as the reason
_SCENARIOS = 5
COMMON: SizeBasis = "assurance, common prior"
SCEPTICAL: SizeBasis = "assurance, sceptical prior"


@dataclass(frozen=True)
class Priors:
    """The two priors of the effect on one endpoint in one arm, benefit positive, on the analysis scale."""

    common: MixturePrior
    sceptical: MixturePrior


@dataclass(frozen=True)
class SurfaceInput:
    """What a surface needs beside its cells.

    ``priors`` by endpoint and arm; ``bands`` endpoint -> the low and the high control rate over the one in
    the middle, and where they come from; ``words`` endpoint -> what its priors are.
    """

    primary: str
    seed: int
    pool: int
    priors: Mapping[tuple[str, str], Priors] = field(default_factory=dict)
    bands: Mapping[str, tuple[float, float, str]] = field(default_factory=dict)
    words: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def power_surface(cells: Sequence[SurfaceCell], given: SurfaceInput) -> PowerSurface:
    """Put the cells of all pairs of worlds together.

    Raises ``ValueError`` without cells, or where no trial of an endpoint gave numbers.
    """
    if not cells:
        message = "a surface needs the cells of one pair of worlds at least"
        raise ValueError(message)
    curves: dict[tuple[str, str, float, int], list[SurfaceCell]] = {}
    for cell in cells:
        curves.setdefault((cell.endpoint, cell.arm, cell.week, cell.samples), []).append(cell)
    order = {name: k for k, name in enumerate(dict.fromkeys(cell.endpoint for cell in cells))}
    points: list[SurfacePoint] = []
    needed: list[SizeNeeded] = []
    for key in sorted(curves, key=lambda k: (order[k[0]], k[1], k[2], k[3])):
        curve = _Curve.of(curves[key], given)
        points += curve.points()
        needed += curve.sizes(points)
    return PowerSurface(
        primary=given.primary,
        alpha=ALPHA,
        seed=given.seed,
        pool=given.pool,
        points=tuple(points),
        sizes_needed=tuple(needed),
        control_rates=tuple(_bands(cells, given)),
        priors={name: words for name, words in given.words.items() if name in order},
        notes=given.notes,
    )


def _bands(cells: Sequence[SurfaceCell], given: SurfaceInput) -> Iterator[RateBand]:
    for name in dict.fromkeys(cell.endpoint for cell in cells):
        rates = [cell.rate for cell in cells if cell.endpoint == name and cell.rate > 0]
        if name in given.bands and rates:
            low, high, source = given.bands[name]
            rate = float(np.mean(rates))
            yield RateBand(endpoint=name, low=rate * low, rate=rate, high=rate * high, source=source)


@dataclass(frozen=True)
class _Curve:
    """One endpoint, arm, week and number of samples, over sizes."""

    cells: Mapping[int, Sequence[SurfaceCell]]  # by participants, ascending
    nuisance: Nuisance
    priors: Priors | None
    band: tuple[float, float, str] | None
    pool: int

    @classmethod
    def of(cls, cells: Sequence[SurfaceCell], given: SurfaceInput) -> _Curve:
        by_size: dict[int, list[SurfaceCell]] = {}
        for cell in sorted(cells, key=lambda one: one.participants):
            by_size.setdefault(cell.participants, []).append(cell)
        first = cells[0]
        return cls(
            by_size,
            Nuisance.of(cells),
            given.priors.get((first.endpoint, first.arm)),
            given.bands.get(first.endpoint),
            given.pool,
        )

    def points(self) -> list[SurfacePoint]:
        return [self._point(size, cells) for size, cells in self.cells.items()]

    def _point(self, size: int, cells: Sequence[SurfaceCell]) -> SurfacePoint:
        first, endpoint = cells[0], ENDPOINTS[cells[0].endpoint]
        trials, successes = sum(c.trials for c in cells), sum(c.successes for c in cells)
        power, error = float(np.mean([c.successes / c.trials for c in cells])), monte_carlo(cells, self.pool)
        middle = self.nuisance.power(size)
        low = high = None
        if self.band is not None and self.nuisance.counted:
            ends = sorted((middle, *(self.nuisance.power(size, factor) for factor in self.band[:2])))
            low, high = ends[0], ends[-1]
        known = [c for c in cells if c.value != 0.0]
        hits = sum(c.successes for c in known)
        return SurfacePoint(
            endpoint=endpoint.id,
            label=f"Share of {GUILD_NAMES[endpoint.guild]}" if endpoint.guild else endpoint.label,
            kind=kind_of(endpoint),
            arm=first.arm,
            control=first.control_arm,
            week=first.week,
            participants=size,
            samples_per_visit=first.samples,
            power=power,
            power_error=error,
            closed_form=_chance(middle),
            closed_form_low=None if low is None else _chance(low),
            closed_form_high=None if high is None else _chance(high),
            disagreement=disagreement(cells, self.nuisance, power),
            benefit=None if endpoint.better == "neither" else sum(c.towards for c in cells) / trials,
            assurance_common=self._assured(size, "common"),
            assurance_sceptical=self._assured(size, "sceptical"),
            wrong_sign=sum(c.wrong for c in known) / hits if hits else None,
            successes=successes,
            no_numbers=sum(c.no_numbers for c in cells),
            worlds=len(cells),
            trials=trials,
        )

    def _assured(self, size: float, name: str) -> float | None:
        if self.priors is None:
            return None
        prior: MixturePrior = getattr(self.priors, name)
        factors = np.ones(1)
        if self.band is not None and self.nuisance.counted:
            low, high = np.log(self.band[:2])
            places = (np.arange(_SCENARIOS) + 0.5) / _SCENARIOS
            middles = np.asarray(
                laws.normal_quantile(places)
            )  # the band's ends are its 2.5 and 97.5 % points
            factors = np.exp(np.where(middles < 0, -low, high) * middles / laws.Z975)
        sign = -1.0 if ENDPOINTS[next(iter(self.cells.values()))[0].endpoint].better == "lower" else 1.0

        def errors(effect: float) -> Sequence[float]:
            return [float(one) for one in self.nuisance.typical_error(size, sign * effect, factors)]

        return _chance(prior_assurance(prior, errors, alpha=ALPHA / 2).assurance)

    def sizes(self, points: Sequence[SurfacePoint]) -> list[SizeNeeded]:
        first = next(iter(self.cells.values()))[0]
        own = [p for p in points if p.curve == (first.endpoint, first.arm, first.week, first.samples)]
        rows = []
        for target in TARGETS:
            for basis, (size, why, beyond) in {
                "power": self._by_power(own, target),
                "closed form": self._by_formula(target),
                **({} if self.priors is None else {
                    COMMON: self._by_assurance("common", target),
                    SCEPTICAL: self._by_assurance("sceptical", target),
                }),
            }.items():  # fmt: skip
                rows.append(
                    SizeNeeded.model_validate({
                        "endpoint": first.endpoint, "arm": first.arm, "week": first.week,
                        "samples_per_visit": first.samples, "basis": basis, "target": target,
                        "participants": size, "why_none": why, "beyond_grid": beyond,
                    })
                )  # fmt: skip
        return rows

    def _by_power(self, points: Sequence[SurfacePoint], target: float) -> tuple[int | None, str, bool]:
        """Return the size between two of the grid at which the simulated power passes the target."""
        if points[0].power >= target:
            return points[0].participants, "", False
        for one, other in pairwise(points):
            if one.power < target <= other.power:
                at = [math.sqrt(one.participants), math.sqrt(other.participants)]
                low, high, wanted = (
                    float(laws.normal_quantile(min(max(p, 1e-6), 1 - 1e-6)))
                    for p in (one.power, other.power, target)
                )
                root = at[0] + (at[1] - at[0]) * (wanted - low) / (high - low)
                return math.ceil(root**2), "", False
        best = max(point.power for point in points)
        return (
            None,
            f"at most {best:.0%} up to {points[-1].participants} participants, the largest simulated",
            False,
        )

    def _by_formula(self, target: float) -> tuple[int | None, str, bool]:
        size = size_for(self.nuisance, target, LARGEST)
        return (size, "", size > max(self.cells)) if size is not None else (None, _BEYOND, False)

    def _by_assurance(self, name: str, target: float) -> tuple[int | None, str, bool]:
        assert self.priors is not None
        ceiling = getattr(self.priors, name).ceiling
        if target >= ceiling:
            return None, f"at most {ceiling:.0%} at any size: the chance of any benefit", False

        def reached(size: int) -> bool:
            found = self._assured(size, name)
            return found is not None and found >= target

        low, high = 4, LARGEST
        if not reached(high):
            return None, _BEYOND, False
        while high / low > 1.01 and high - low > 1:
            middle = round(math.sqrt(low * high))
            low, high = (low, middle) if reached(middle) else (middle, high)
        return high, "", high > max(self.cells)


_BEYOND = f"beyond {LARGEST:,} participants"


def monte_carlo(cells: Sequence[SurfaceCell], pool: int) -> float:
    """Return the Monte Carlo error of the mean power of some cells, one a pair of worlds.

    Gut worlds share neither people nor luck, so the spread of their means holds everything: worlds, the
    finite pool of people in each, and the finite number of trials. With fewer than two gut worlds, and as the
    least there is: the binomial error within worlds, times the root of 1 + participants / pool for the people
    that trials of one pool share.
    """
    shares: dict[int, list[float]] = {}
    for cell in cells:
        shares.setdefault(cell.gut_world, []).append(cell.successes / cell.trials)
    variances = [
        p * (1 - p) / cell.trials for cell in cells for p in (((cell.successes + 0.5) / (cell.trials + 1)),)
    ]
    within = sum(variances) / len(cells) ** 2 * (1 + cells[0].participants / pool)
    means = np.array([np.mean(own) for own in shares.values()])
    between = float(np.var(means, ddof=1)) / len(means) if len(means) > 1 else 0.0
    return math.sqrt(max(within, between))


def disagreement(cells: Sequence[SurfaceCell], nuisance: Nuisance, power: float) -> str:
    """Say in words why the simulated power differs from the closed form by more than two Monte Carlo errors.

    The closed form has the effects and the worlds of the simulation, so that only the trials within worlds
    count as chance here; empty where it does not differ.
    """
    size = cells[0].participants
    formula = nuisance.power(size)
    within = math.sqrt(sum((p := (c.successes + 0.5) / (c.trials + 1)) * (1 - p) / c.trials for c in cells))
    chance = within / len(cells)
    if abs(power - formula) <= max(2 * chance, 0.01):
        return ""
    reasons = []
    lost = sum(c.no_numbers for c in cells) / sum(c.trials for c in cells)
    if lost > 0.01:
        reasons.append(f"{lost:.0%} of the trials give no numbers and count as no success")
    usable = [c for c in cells if np.isfinite(c.square) and c.trials - c.no_numbers > 1]
    if nuisance.counted and usable:
        events = float(np.mean([c.rate * c.exposure * c.control for c in usable]))
        if events < _FEW_EVENTS:
            reasons.append(
                f"{events:.1f} events in the control arm: the test takes few values, and is cautious"
            )
        seen = float(np.mean([c.square * (n := c.trials - c.no_numbers) / (n - 1) for c in usable]))
        planned = float(np.mean(nuisance.errors(size, nuisance.effect)[0] ** 2))
        if math.sqrt(seen / planned) > _STRAYS:
            reasons.append(
                f"estimates stray {math.sqrt(seen / planned):.2f} times as far as a negative binomial law "
                "lets them: a few people have most events"
            )
        elif power < formula:
            reasons.append("the p-value is that of a randomisation test, the formula's of a regression")
    moved = float(np.mean([abs(c.effect - c.value) for c in usable])) if usable else 0.0
    shift = float(np.mean([c.effect - c.value for c in usable])) if usable else 0.0
    errors = float(np.sqrt(np.mean(nuisance.errors(size, nuisance.effect)[0] ** 2)))
    if abs(shift) > 0.1 * errors and moved:
        reasons.append(
            "estimates are off the truth at the last visit on average (missed doses, missed visits)"
        )
    if not nuisance.counted and not reasons:
        reasons.append(
            "people who take part, and so the residual variance, differ from trial to trial of a pool"
        )
    return "; ".join(reasons) or "no reason found"


def _chance(value: float) -> float:
    return min(1.0, max(0.0, value))
