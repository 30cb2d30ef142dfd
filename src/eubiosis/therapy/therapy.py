"""Therapies: which product, at which dose, from which week to which, how well adhered to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import BeforeValidator, Field, WithJsonSchema

from eubiosis.core.design_defaults import default
from eubiosis.core.findings import Finding, FindingsError, unknown_word
from eubiosis.core.kinds import Share, Week, plain, shown
from eubiosis.core.spec import Problem, Spec, rule
from eubiosis.core.tables import RowProblem
from eubiosis.therapy.catalogue import Group, Product, product, products
from eubiosis.therapy.dose import ALLOWED, DailyDose, Dose


def _known_product(value: object) -> str:
    known = products()
    given = ", ".join(name for name, each in known.items() if each.not_in_trials is None)
    if not isinstance(value, str) or value not in known:
        word = value if isinstance(value, str) else shown(value)
        raise RowProblem(unknown_word(word, known), allowed=given, next_step="write one of these")
    reason = known[value].not_in_trials
    if reason is not None:
        problem = f'"{value}" cannot be given in a trial yet: {reason}'
        raise RowProblem(problem, allowed=given, next_step="choose one of these")
    return value


class Adherence(Spec):
    """The share of the dose that subjects take: mean and standard deviation of a beta law between people.

    >>> Adherence(mean=0.7, sd=0.2).mean
    0.7
    """

    mean: Share = Field(default_factory=lambda: default("adherence_mean"))
    sd: Annotated[float, Field(ge=0, le=0.5)] = Field(default_factory=lambda: default("adherence_sd"))

    @staticmethod
    @rule("mean", "sd")
    def _some_law_has_them(mean: float, sd: float) -> Iterator[Problem]:
        if sd and sd**2 >= mean * (1 - mean):
            yield Problem(
                (),
                f"no share between 0 and 1 has mean {plain(mean)} and sd {plain(sd)}",
                "sd below the square root of mean x (1 - mean)",
                "make sd smaller",
            )


class Therapy(Spec):
    """One therapy of an arm.

    ``product`` names a file of ``content/therapies``; ``dose`` is an amount a day such as "12 g/day", for
    products that have one; ``start`` and ``stop`` are weeks such as "week 12" (``stop`` by default the last
    visit of the trial). Raises ``FindingsError`` with everything that is wrong.

    >>> Therapy(product="inulin", dose="12 g/day").dose.grams
    12.0
    """

    product: Annotated[str, BeforeValidator(_known_product), WithJsonSchema({"type": "string"})]
    dose: DailyDose | None = None
    start: Week = 0.0
    stop: Week | None = None
    adherence: Adherence = Field(default_factory=Adherence)

    @staticmethod
    @rule("product", "dose")
    def _dose_fits_product(name: str, dose: Dose | None) -> Iterator[Problem]:
        doses = product(name).dose is not None
        what = "a placebo" if name == "placebo" else name
        if doses and dose is None:
            yield Problem(("dose",), f"{what} has no dose", ALLOWED, "add {path}")
        if not doses and dose is not None:
            problem = f"{what} has no dose" if name == "placebo" else f"{what} takes no dose"
            yield Problem(("dose",), problem, "no dose", "remove the key")

    @staticmethod
    @rule("start", "stop")
    def _stops_after_start(start: float, stop: float | None) -> Iterator[Problem]:
        if stop is not None and stop <= start:
            yield Problem(
                ("stop",),
                f"the therapy stops in week {plain(stop)}, not after its start in week {plain(start)}",
                "start before stop",
                "move one of the two",
            )

    @property
    def record(self) -> Product:
        """What the content says of the product."""
        return product(self.product)

    @property
    def amount(self) -> float:
        """The daily dose in the unit of the model's input; 0 for a product without a dose."""
        rule_of_dose = self.record.dose
        return 0.0 if self.dose is None or rule_of_dose is None else self.dose.amount(rule_of_dose.unit)

    def describe(self) -> str:
        """The therapy in words."""
        if self.product == "placebo":
            return self.record.label
        dose = "" if self.dose is None else f" {self.dose}"
        until = "the last visit" if self.stop is None else f"{self.stop:g}"
        return f"{self.record.label}{dose}, weeks {self.start:g} to {until}"


def give(
    name: str, *, dose: str | None = None, start: str = "week 0", stop: str | None = None,
    adherence: Adherence | None = None,
) -> Therapy:  # fmt: skip
    """Return a therapy of any product.

    Raises ``FindingsError`` for an unknown product, a dose that cannot be read or does not fit, or weeks that
    are none.

    >>> give("inulin", dose="12 g/day", stop="week 48").describe()
    'inulin 12 g a day, weeks 0 to 48'
    """
    return Therapy(product=name, dose=dose, start=start, stop=stop, adherence=adherence or Adherence())


def placebo(*, start: str = "week 0", stop: str | None = None) -> Therapy:
    """Return a placebo.

    >>> placebo().describe()
    'placebo'
    """
    return give("placebo", start=start, stop=stop)


def prebiotic(name: str, *, dose: str, start: str = "week 0", stop: str | None = None) -> Therapy:
    """Return a prebiotic at a daily dose of product; other arguments and errors as for ``give``.

    >>> prebiotic("inulin", dose="12 g/day").amount
    12.0
    """
    return _of_group("prebiotic", name, dose, start, stop)


def acid(name: str, *, dose: str, start: str = "week 0", stop: str | None = None) -> Therapy:
    """Return a short-chain fatty acid at a daily dose of its salt; arguments and errors as for ``give``.

    >>> acid("propionate", dose="1000 mg/day").describe()
    'sodium propionate by mouth 1 g a day, weeks 0 to the last visit'
    """
    return _of_group("acid", name, dose, start, stop)


def antibiotic(name: str, *, dose: str, start: str = "week 0", stop: str | None = None) -> Therapy:
    """Return an antibiotic at a daily dose of substance; arguments and errors as for ``give``.

    >>> antibiotic("vancomycin", dose="2 g/day", stop="week 2").amount
    2000.0
    """
    return _of_group("antibiotic", name, dose, start, stop)


def diet(name: str, *, start: str = "week 0", stop: str | None = None) -> Therapy:
    """Return a diet that replaces the habitual one; arguments and errors as for ``give``.

    >>> diet("mediterranean_diet", stop="week 24").describe()
    'Mediterranean diet with 30 g of fibre a day, weeks 0 to 24'
    """
    return _of_group("diet", name, None, start, stop)


def _of_group(group: Group, name: str, dose: str | None, start: str, stop: str | None) -> Therapy:
    """Return a therapy whose product must be of a group; raises ``FindingsError`` where it is of another."""
    own = [key for key, each in products().items() if each.group == group]
    if name in products() and name not in own:
        problem = f'"{name}" is of the group {products()[name].group}, not {group}'
        raise FindingsError([Finding("therapy", "product", problem, ", ".join(own), "use therapy.give")])
    return give(name, dose=dose, start=start, stop=stop)
