"""Power and assurance of one design over endpoint, comparison, duration, size and samples per visit.

What a surface of trials computes, ``results.json`` holds and a report draws. Every figure is simulated, or
comes from a closed form whose numbers are those of the simulation; none is evidence that a therapy works.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Annotated, Literal, get_args

from pydantic import Field

from eubiosis.core.endpoints import ENDPOINTS, Endpoint
from eubiosis.core.kinds import Text, Words
from eubiosis.core.spec import Problem, Spec, rule

EndpointKind = Literal["clinical", "biological", "exposure marker"]
SizeBasis = Literal["power", "closed form", "assurance, common prior", "assurance, sceptical prior"]
Chance = Annotated[float, Field(ge=0.0, le=1.0)]
SizeKey = tuple[str, str, float, int]  # endpoint, arm, week, samples a visit


def kind_of(endpoint: Endpoint) -> EndpointKind:
    """Return what an effect on an endpoint would mean.

    "clinical": an outcome of the disease. "biological": a change in the body that no clinical outcome
    follows from. "exposure marker": acids and guilds, which say that a product was taken and reached the gut.

    >>> [kind_of(ENDPOINTS[name]) for name in ("relapses", "treg", "stool_butyrate")]
    ['clinical', 'biological', 'exposure marker']
    """
    if endpoint.clinical:
        return "clinical"
    return "exposure marker" if endpoint.place in ("stool", "plasma", "guild") else "biological"


class SurfacePoint(Spec):
    """One comparison of one trial of the surface.

    ``participants`` are those of the whole trial, all arms; ``week`` is its last visit; ``samples_per_visit``
    how many samples of stool or blood, or ratings, are averaged at each visit (1 for counts).

    ``power`` is the share of simulated trials with p < 0.05 in either direction, averaged over worlds with
    the effect that each has; ``power_error`` its Monte Carlo error, which holds the finite number of worlds
    and the finite pool of people in each. ``closed_form`` is the power by the planner's formula at the same
    effects, averaged over the same worlds (None: no formula); ``closed_form_low`` and ``closed_form_high``
    are that with the control arm's rate at the ends of its band (None where no rate plays a part).
    ``disagreement`` says in words why simulation and formula differ by more than their error; empty where
    they do not.

    ``benefit`` is the share of trials with p < 0.05 towards benefit (None where neither direction is one).
    ``assurance_common`` and ``assurance_sceptical`` are the probability of such a trial when the true effect
    is drawn from the prior that brief and report print, and from a sceptical one; None where the evidence
    gives no prior for the endpoint. ``wrong_sign`` is the share, among trials with p < 0.05, of those whose
    estimate lies on the other side of no effect than the truth of their world (None where none succeeded, or
    the truth is exactly none); ``successes`` counts the trials behind it. ``no_numbers`` counts trials whose
    analysis gave none: they are no successes and stay among ``trials``; where all did, there is no power (see
    ``without_numbers``).
    """

    endpoint: Annotated[str, *Words(ENDPOINTS).marks]
    label: Text
    kind: Annotated[EndpointKind, *Words(get_args(EndpointKind)).marks]
    arm: Text
    control: Text
    week: Annotated[float, Field(gt=0.0)]
    participants: Annotated[int, Field(ge=4)]
    samples_per_visit: Annotated[int, Field(ge=1)]
    power: Chance
    power_error: Annotated[float, Field(ge=0.0)]
    closed_form: Chance | None = None
    closed_form_low: Chance | None = None
    closed_form_high: Chance | None = None
    disagreement: str = ""
    benefit: Chance | None = None
    assurance_common: Chance | None = None
    assurance_sceptical: Chance | None = None
    wrong_sign: Chance | None = None
    successes: Annotated[int, Field(ge=0)] = 0
    no_numbers: Annotated[int, Field(ge=0)] = 0
    worlds: Annotated[int, Field(ge=1)]
    trials: Annotated[int, Field(ge=1)]

    @property
    def key(self) -> tuple[str, str, float, int, int]:
        """Endpoint, arm, week, participants and samples a visit: unique in a surface."""
        return (self.endpoint, self.arm, self.week, self.participants, self.samples_per_visit)

    @property
    def without_numbers(self) -> bool:
        """Whether no trial gave numbers: its power is then none at all, though it is written as 0."""
        return self.no_numbers >= self.trials

    @property
    def curve(self) -> SizeKey:
        """Endpoint, arm, week and samples a visit: the curve over participants that the point is on."""
        return (self.endpoint, self.arm, self.week, self.samples_per_visit)

    @staticmethod
    @rule("closed_form", "closed_form_low", "closed_form_high")
    def _band_holds_the_middle(middle: object, low: object, high: object) -> Iterator[Problem]:
        if low is None and high is None:
            return
        given = [one for one in (low, middle, high) if isinstance(one, float | int)]
        if len(given) < 3 or sorted(given) != given:
            yield Problem(
                ("closed_form",),
                f"{middle} outside its band {low} to {high}",
                "low <= closed form <= high, or no band",
                "give both ends in order, or neither",
            )

    @staticmethod
    @rule("successes", "no_numbers", "trials")
    def _shares_of_the_trials(successes: int, no_numbers: int, trials: int) -> Iterator[Problem]:
        if successes + no_numbers > trials:
            yield Problem(
                ("successes",),
                f"{successes} successes and {no_numbers} without numbers of {trials} trials",
                "no more than there are trials",
                "correct the counts",
            )


class RateBand(Spec):
    """The control arm's rate of a counted endpoint in its unit: as simulated, and the ends of its band.

    ``source`` says in words where the band comes from.
    """

    endpoint: Annotated[str, *Words(ENDPOINTS).marks]
    low: Annotated[float, Field(gt=0.0)]
    rate: Annotated[float, Field(gt=0.0)]
    high: Annotated[float, Field(gt=0.0)]
    source: Text


class SizeNeeded(Spec):
    """The smallest whole trial that reaches a target on one curve of the surface.

    ``participants`` is None where none does; ``why_none`` says so in words ("beyond 100,000 participants",
    "at most 43 % at any size"). ``basis`` names what reaches the target: simulated power (between sizes of
    the grid, on a line through the normal points of the power against the root of the size), the closed form,
    or assurance under a prior. ``beyond_grid`` marks a size larger than any that was simulated.
    """

    endpoint: Annotated[str, *Words(ENDPOINTS).marks]
    arm: Text
    week: Annotated[float, Field(gt=0.0)]
    samples_per_visit: Annotated[int, Field(ge=1)]
    basis: Annotated[SizeBasis, *Words(get_args(SizeBasis)).marks]
    target: Annotated[float, Field(gt=0.0, lt=1.0)]
    participants: Annotated[int, Field(ge=2)] | None = None
    beyond_grid: bool = False
    why_none: str = ""

    @property
    def curve(self) -> SizeKey:
        """Endpoint, arm, week and samples a visit."""
        return (self.endpoint, self.arm, self.week, self.samples_per_visit)

    @staticmethod
    @rule("participants", "why_none")
    def _a_size_or_a_reason(participants: object, why_none: object) -> Iterator[Problem]:
        if (participants is None) != bool(why_none):
            yield Problem(
                ("why_none",),
                "a size and a reason against it, or neither",
                "a size, or the words that say why there is none",
                "give one of the two",
            )


class PowerSurface(Spec):
    """Power and assurance over the whole grid, with the sizes that 80 and 90 % need.

    ``points`` are in the order endpoint, arm, week, samples a visit, participants. ``pool`` is how many
    people of each world the trials draw theirs from; ``alpha`` the two-sided level; ``control_rates`` the
    bands of the control arm's rate, for endpoints that are counts. ``priors`` says in words what each prior
    is, by endpoint; ``notes`` are what a reader must know, each a sentence.

    >>> surface = example_surface()
    >>> surface.weeks, surface.sizes, surface.samples
    ((24.0, 48.0), (60, 120, 240), (1,))
    >>> [point.participants for point in surface.line("relapses", "inulin", 48.0)]
    [60, 120, 240]
    >>> surface.size_needed("relapses", "inulin", 48.0, 0.8) is None
    True
    """

    primary: Annotated[str, *Words(ENDPOINTS).marks]
    alpha: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.05
    seed: Annotated[int, Field(ge=0, le=2**53)]
    pool: Annotated[int, Field(ge=4)]
    points: Annotated[tuple[SurfacePoint, ...], Field(min_length=1, strict=False)]
    sizes_needed: Annotated[tuple[SizeNeeded, ...], Field(strict=False)] = ()
    control_rates: Annotated[tuple[RateBand, ...], Field(strict=False)] = ()
    priors: dict[str, str] = Field(default_factory=dict)
    notes: Annotated[tuple[str, ...], Field(strict=False)] = ()

    @staticmethod
    @rule("points")
    def _each_point_once(points: Sequence[object]) -> Iterator[Problem]:
        keys = Counter(point.key for point in points if isinstance(point, SurfacePoint))
        for key in [key for key, times in keys.items() if times > 1]:
            yield Problem(
                ("points",),
                "twice: {}, {}, week {:g}, {} participants, {} samples a visit".format(*key),
                "each combination once",
                "remove one",
            )

    @property
    def endpoints(self) -> tuple[str, ...]:
        """The endpoints, in the order of the points."""
        return tuple(dict.fromkeys(point.endpoint for point in self.points))

    @property
    def arms(self) -> tuple[str, ...]:
        """The active arms, in the order of the points."""
        return tuple(dict.fromkeys(point.arm for point in self.points))

    @property
    def weeks(self) -> tuple[float, ...]:
        """The last visits, ascending."""
        return tuple(sorted({point.week for point in self.points}))

    @property
    def sizes(self) -> tuple[int, ...]:
        """The numbers of participants, ascending."""
        return tuple(sorted({point.participants for point in self.points}))

    @property
    def samples(self) -> tuple[int, ...]:
        """The samples per visit, ascending."""
        return tuple(sorted({point.samples_per_visit for point in self.points}))

    def line(self, endpoint: str, arm: str, week: float, samples: int = 1) -> tuple[SurfacePoint, ...]:
        """Return one curve over participants, ascending; empty where the surface does not hold it."""
        own = [point for point in self.points if point.curve == (endpoint, arm, week, samples)]
        return tuple(sorted(own, key=lambda point: point.participants))

    def size_needed(
        self,
        endpoint: str,
        arm: str,
        week: float,
        target: float,
        *,
        basis: SizeBasis = "power",
        samples: int = 1,
    ) -> int | None:
        """Return the smallest trial that reaches ``target``; None where none does, or none was asked."""
        for row in self.sizes_needed:
            same = math.isclose(row.target, target) and row.basis == basis
            if same and row.curve == (endpoint, arm, week, samples):
                return row.participants
        return None


def example_surface() -> PowerSurface:
    """Return a small surface whose numbers are made up, for examples and tests of what draws one.

    >>> len(example_surface().points)
    18
    """
    made = {
        ("relapses", 24.0): ((0.05, 0.05, 0.06), (0.05, 0.05, 0.05), 0.41),
        ("relapses", 48.0): ((0.06, 0.07, 0.10), (0.05, 0.06, 0.07), 0.34),
        ("treg", 24.0): ((0.16, 0.22, 0.30), None, 0.02),
        ("treg", 48.0): ((0.18, 0.26, 0.34), None, 0.01),
        ("stool_butyrate", 24.0): ((0.48, 0.74, 0.93), None, 0.0),
        ("stool_butyrate", 48.0): ((0.50, 0.77, 0.95), None, 0.0),
    }
    sizes, trials = (60, 120, 240), 720
    points = []
    for (name, week), (power, assured, wrong) in made.items():
        row = ENDPOINTS[name]
        for k, (people, share) in enumerate(zip(sizes, power, strict=True)):
            count = name == "relapses"
            points.append(
                SurfacePoint(
                    endpoint=name, label=row.label, kind=kind_of(row), arm="inulin", control="placebo",
                    week=week, participants=people, samples_per_visit=1, power=share, power_error=0.01,
                    closed_form=min(1.0, share + 0.01),
                    closed_form_low=share - 0.01 if count else None,
                    closed_form_high=min(1.0, share + 0.03) if count else None,
                    benefit=share / 2 if row.better != "neither" else None,
                    assurance_common=None if assured is None else assured[k],
                    assurance_sceptical=None if assured is None else assured[k] - 0.02,
                    wrong_sign=wrong, successes=round(share * trials), worlds=36, trials=trials,
                )
            )  # fmt: skip
    needed = [
        SizeNeeded(endpoint="stool_butyrate", arm="inulin", week=week, samples_per_visit=1, basis="power",
                   target=target, participants=people)
        for week, target, people in ((24.0, 0.8, 148), (24.0, 0.9, 214), (48.0, 0.8, 132), (48.0, 0.9, 193))
    ]  # fmt: skip
    needed += [
        SizeNeeded(endpoint="relapses", arm="inulin", week=week, samples_per_visit=1, basis=basis,
                   target=target, why_none="at most 43 % at any size")
        for week in (24.0, 48.0) for target in (0.8, 0.9)
        for basis in ("power", "assurance, common prior", "assurance, sceptical prior")
    ]  # fmt: skip
    return PowerSurface(
        primary="stool_butyrate",
        seed=2026,
        pool=240,
        points=tuple(points),
        sizes_needed=tuple(needed),
        control_rates=(RateBand(endpoint="relapses", low=0.2, rate=0.35, high=0.6, source="made up"),),
        priors={"relapses": "made up for an example"},
        notes=("Every number of this surface is made up.",),
    )
