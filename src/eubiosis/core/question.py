"""What a brief is asked: every field with its bounds, and the rules that need no evidence table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from eubiosis.core.control_arm import Background, Phenotype
from eubiosis.core.kinds import Text, number, shown
from eubiosis.core.spec import Problem, Spec, of, rule
from eubiosis.core.tables import RowProblem

Blinding = Literal["double", "open"]
Role = Literal["primary", "secondary"]
OutcomeKind = Literal["count", "time", "score"]
SHORTEST_YEARS, LONGEST_YEARS, MOST_LENGTHS = 0.05, 5, 4


def lengths(value: object) -> tuple[float, ...]:
    """Return the lengths of treatment to compare, in years and increasing.

    >>> lengths([1, 2])
    (1.0, 2.0)
    """
    allowed = (
        f"a list of 1 to {MOST_LENGTHS} numbers from {SHORTEST_YEARS} to {LONGEST_YEARS}, increasing, "
        "such as [1, 2]"
    )
    if not isinstance(value, list | tuple) or not 1 <= len(value) <= MOST_LENGTHS:
        raise RowProblem(f"{shown(value)} is no list of years", allowed=allowed, next_step="write [1, 2]")
    one = number(SHORTEST_YEARS, LONGEST_YEARS)
    years = tuple(float(one(item)) for item in value)
    if list(years) != sorted(set(years)):
        raise RowProblem("the years do not increase", allowed=allowed, next_step="put them in order")
    return years


Lengths = Annotated[
    tuple[float, ...],
    BeforeValidator(lengths),
    WithJsonSchema(
        {
            "type": "array",
            "items": {"type": "number", "minimum": SHORTEST_YEARS, "maximum": LONGEST_YEARS},
            "minItems": 1,
            "maxItems": MOST_LENGTHS,
        }
    ),
]


class AskedPopulation(Spec):
    """Who enters and on what; ``background`` is what both arms take.

    A criterion that is None is not asked for. ``relapses_last_year`` of 0 says that relapses do not matter at
    entry; None says nothing about them.
    """

    phenotype: Phenotype = "RRMS"
    background: Background
    breakthrough: bool = False
    relapses_last_year: Annotated[int | None, Field(ge=0, le=5)] = None
    mfis_from: Annotated[float | None, Field(ge=0, le=84)] = None

    @staticmethod
    @rule("breakthrough", "background")
    def a_relapse_on_a_drug_needs_a_drug(breakthrough: bool, background: Background) -> Iterator[Problem]:
        """Refuse a relapse on a drug where there is none."""
        if breakthrough and background == "none":
            yield Problem(
                ("breakthrough",),
                "a relapse on a drug is asked for, and there is no drug",
                "a background other than none",
                "name the drug or remove the key",
            )


class AskedDesign(Spec):
    """How the trial is run; ``recruitable_per_arm`` is what can be recruited at most."""

    blinding: Blinding
    comparator: Text
    years: Lengths
    recruitable_per_arm: Annotated[int, Field(ge=4, le=20_000)]
    dropout_per_year: Annotated[float | None, Field(ge=0, le=3)] = None
    power: Annotated[float, Field(ge=0.5, le=0.99)] = 0.8
    alpha: Annotated[float, Field(ge=0.001, le=0.2)] = 0.05


class AskedEndpoint(Spec):
    """An endpoint. ``effect`` and ``relevant`` are a ratio for counts and times, else SDs of benefit."""

    outcome: Text
    role: Role = "secondary"
    effect: Annotated[float, Field(ge=0.01, le=3)]
    relevant: Annotated[float | None, Field(ge=0.01, le=3)] = None
    baseline_correlation: Annotated[float | None, Field(ge=-0.95, le=0.95)] = None


class AskedRecruitment(Spec):
    """How fast people come: randomised a month, all sites together."""

    per_month: Annotated[float | None, Field(ge=0.05, le=1000)] = None


class AskedPrices(Spec):
    """Prices that the user gives; without them nothing is costed."""

    currency: Text | None = None
    fixed: Annotated[float | None, Field(ge=0, le=1e9)] = None
    per_participant: Annotated[float | None, Field(ge=0, le=1e7)] = None
    per_participant_year: Annotated[float | None, Field(ge=0, le=1e7)] = None

    @property
    def given(self) -> bool:
        """Say whether anything can be costed."""
        return any(
            price is not None for price in (self.fixed, self.per_participant, self.per_participant_year)
        )

    @staticmethod
    @rule("currency", "fixed", "per_participant", "per_participant_year")
    def prices_have_a_currency(currency: str | None, *prices: float | None) -> Iterator[Problem]:
        """Refuse prices without a currency."""
        if currency is None and any(price is not None for price in prices):
            yield Problem(("currency",), "prices without a currency", "", "add prices.currency")


class AskedQuestion(Spec):
    """A whole question, before its words are held against the evidence tables."""

    title: Text
    question: Text
    decision: Text
    intervention: Text
    agent: Text
    year: Annotated[int, Field(ge=1990, le=2060)]
    population: AskedPopulation
    design: AskedDesign
    endpoints: Annotated[tuple[AskedEndpoint, ...], Field(strict=False, min_length=1, max_length=8)]
    recruitment: AskedRecruitment = AskedRecruitment()
    prices: AskedPrices = AskedPrices()

    @staticmethod
    @rule("endpoints")
    def one_endpoint_is_primary(endpoints: tuple[AskedEndpoint, ...]) -> Iterator[Problem]:
        """Refuse a question without one primary endpoint, or with several."""
        roles = [of(one, "role") for one in endpoints]
        if roles and None not in roles and roles.count("primary") != 1:
            yield Problem(
                ("endpoints",),
                f"{roles.count('primary')} endpoints are primary",
                "exactly one",
                "write role: primary in one endpoint",
            )
