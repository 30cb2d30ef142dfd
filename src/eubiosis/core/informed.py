"""What the data informed, as the page and the JSON show it: shrinkage, what stayed as drawn, profiles."""

from __future__ import annotations

from dataclasses import dataclass

Triple = tuple[float, float, float]


@dataclass(frozen=True)
class Measure:
    """How far data moved one number or prediction, on the scale of its prior's normal scores.

    There the prior is a standard normal whatever its law. ``shrinkage`` is 1 less the variance that is left;
    below 0 the worlds are wider than the prior. ``shift`` is the mean of the worlds. ``distance`` is the
    largest gap between the distribution functions (Kolmogorov), ``critical`` what chance reaches once in
    forty tables like this one. ``error`` and ``shift_error`` are Monte Carlo standard errors. ``informed``
    says that the distance exceeds the critical one, or that the shrinkage exceeds its error by what chance
    reaches once in forty tables.
    """

    name: str
    label: str
    unit: str
    prior: Triple
    worlds: Triple
    worlds_error: Triple
    shrinkage: float
    error: float
    shift: float
    shift_error: float
    distance: float
    critical: float

    informed: bool


@dataclass(frozen=True)
class Profile:
    """The weight of the worlds over equal parts of a number's prior, with its Monte Carlo error.

    ``edges`` are the values between the parts; without data every part holds ``1 / parts``. ``best`` is the
    least implausibility (spreads by which the worst fitted row is off) among the sets run in a part, None
    where none was run.
    """

    name: str
    label: str
    unit: str
    edges: tuple[float, ...]
    weight: tuple[float, ...]
    error: tuple[float, ...]
    best: tuple[float | None, ...]


@dataclass(frozen=True)
class Informed:
    """Everything that the page shows. ``origin`` says which worlds, ``rows`` how many rows were fitted."""

    origin: str
    worlds: int
    effective: float
    prior_draws: int
    rows: int
    roles_hash: str
    calibrated: str
    numbers: tuple[Measure, ...]
    predictions: tuple[Measure, ...]
    profiles: tuple[Profile, ...]
    warnings: tuple[str, ...] = ()
