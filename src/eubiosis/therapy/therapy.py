"""Therapies: which products, at which dose, from which week to which, how well adhered to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Annotated

from pydantic import BeforeValidator, Field, WithJsonSchema

from eubiosis.core.findings import Finding, FindingsError
from eubiosis.core.kinds import Text, Week, plain, shown
from eubiosis.core.spec import Problem, Spec, of, rule
from eubiosis.core.tables import RowProblem
from eubiosis.therapy.adherence import Adherence
from eubiosis.therapy.catalogue import known_product, product, products, unknown_product
from eubiosis.therapy.dose import ALLOWED, DailyDose, Dose
from eubiosis.therapy.product import Group, Product
from eubiosis.therapy.transplant import Transplant, transplant_words


def _given() -> str:
    """Return the products that can be given in a trial, as a list in words."""
    return ", ".join(name for name, each in products().items() if each.not_in_trials is None)


def _known_product(value: object) -> str:
    found = known_product(value) if isinstance(value, str) else None
    if not isinstance(value, str) or found is None:
        word = value if isinstance(value, str) else shown(value)
        raise RowProblem(unknown_product(word), allowed=_given(), next_step="write one of these")
    reason = found.not_in_trials
    if reason is not None:
        problem = f'"{value}" cannot be given in a trial yet: {reason}'
        raise RowProblem(problem, allowed=_given(), next_step="choose one of these")
    return value


# what is added to "allowed" and to "next" of a dose above the ceiling, where a reason can be written
OR_REASON = (", or above_ceiling with the reason", ", or state the reason in above_ceiling")
_LITTLE = 0.1  # share of the usual dose below which the unit may be a slip


class Component(Spec):
    """One product of a therapy: its dose, its weeks and how well it is adhered to.

    ``ramp`` is the week after the start in which the full dose is reached, in weekly steps. A dose above the
    product's ceiling needs ``above_ceiling``, a reason in words.

    >>> Component(product="inulin", dose="12 g/day", ramp=2.0).ramp_weeks
    2.0
    """

    product: Annotated[str, BeforeValidator(_known_product), WithJsonSchema({"type": "string"})]
    dose: DailyDose | None = None
    start: Week = 0.0
    stop: Week | None = None
    ramp: Annotated[float, Field(ge=0, le=104)] | None = None
    above_ceiling: Text | None = None
    transplant: Transplant | None = None
    adherence: Adherence = Field(default_factory=Adherence)

    @classmethod
    def filled(cls, content: Mapping[str, object]) -> Mapping[str, object]:
        """Fill in what trials of the product report of adherence, and what a transplant is by default."""
        name = content.get("product")
        record = known_product(name) if isinstance(name, str) else None
        if record is None:
            return content
        found = dict(content)
        if record.adherence is not None:
            usual = record.adherence.stated
            own = content.get("adherence")
            if own is None or isinstance(own, Mapping):
                found["adherence"] = usual | dict(own or {})
        if record.transplant is not None and not isinstance(content.get("transplant"), Transplant):
            usual_transplant = record.transplant.model_dump(exclude={"note"})
            own = content.get("transplant")
            if own is None or isinstance(own, Mapping):
                found["transplant"] = usual_transplant | dict(own or {})
        return found

    @staticmethod
    @rule("product", "dose")
    def _dose_fits_product(name: str, dose: Dose | None) -> Iterator[Problem]:
        dosed = product(name).dose
        what = "a placebo" if name == "placebo" else name
        if dosed is not None and dose is None:
            yield Problem(("dose",), f"{what} has no dose", ALLOWED, "add {path}")
        if dosed is None and dose is not None:
            problem = f"{what} has no dose" if name == "placebo" else f"{what} takes no dose"
            yield Problem(("dose",), problem, "no dose", "remove the key")
        if dosed is not None and dose is not None and not dose.measures(dosed.unit):
            problem = f'the dose "{dose.text}" of {name} does not measure the same as {dosed.unit}'
            yield Problem(("dose",), problem, f"an amount in {dosed.unit}", "correct the dose")

    @staticmethod
    @rule("product", "dose", "above_ceiling")
    def _a_dose_above_the_ceiling_has_a_reason(
        name: str, dose: Dose | None, reason: object
    ) -> Iterator[Problem]:
        dosed = product(name).dose
        ceiling = None if dosed is None else dosed.ceiling
        if dose is None or ceiling is None or dose.kind != ceiling.dose.kind:
            return
        if dose.grams > ceiling.dose.grams * (1 + 1e-12) and reason is None:
            where = ceiling.source or ceiling.note
            yield Problem(
                ("dose",),
                f"the dose {dose.words(6)} of {name} is above its ceiling of {ceiling.dose} "
                f"({ceiling.kind}: {where})",
                f"{ceiling.dose.text} or less{OR_REASON[0]}",
                f"lower the dose{OR_REASON[1]}",
            )

    @staticmethod
    @rule("product", "transplant")
    def _a_transplant_fits(name: str, transplant: object) -> Iterator[Problem]:
        if transplant is not None and product(name).transplant is None:
            yield Problem(("transplant",), f"{name} is no transplant", "a transplant", "remove the key")

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
        """The daily dose in the unit of the product's file; 0 for a product without a dose."""
        rule_of_dose = self.record.dose
        return 0.0 if self.dose is None or rule_of_dose is None else self.dose.amount(rule_of_dose.unit)

    @property
    def far_below_usual(self) -> str:
        """Say that the dose is below a tenth of the usual one of the product; empty where it is not.

        >>> Component(product="inulin", dose="12 mg/day").far_below_usual
        'inulin 12 mg a day is less than a tenth of the usual 12 g a day: is the unit right?'
        """
        usual = None if self.record.dose is None else self.record.dose.usual
        if self.dose is None or usual is None or self.dose.kind != usual.kind:
            return ""
        if self.dose.grams >= _LITTLE * usual.grams * (1 - 1e-12):
            return ""
        said = f"{self.record.label} {self.dose} is less than a tenth of the usual {usual}"
        return f"{said}: is the unit right?"

    @property
    def ramp_weeks(self) -> float:
        """Weeks from the start to the full dose: the arm's, else the product's."""
        usual = 0.0 if self.record.schedule is None else self.record.schedule.ramp_weeks
        return usual if self.ramp is None else self.ramp

    @property
    def parts(self) -> tuple[Component, ...]:
        """The products that are given: this one, or those that it is made of, at their doses."""
        if not self.record.together:
            return (self,)
        shared = {name: getattr(self, name) for name in ("start", "stop", "ramp", "adherence")}
        return tuple(
            Component(product=each.product, dose=each.dose).model_copy(update=shared)
            for each in self.record.together
        )

    def describe_alone(self) -> str:
        """The product in words, with its dose and weeks."""
        if self.record.group == "placebo" and self.dose is None and self.record.transplant is None:
            return self.record.label
        dose = "" if self.dose is None else f" {self.dose}"
        until = "the last visit" if self.stop is None else f"{self.stop:g}"
        words = f"{self.record.label}{dose}, weeks {self.start:g} to {until}"
        return words if self.transplant is None else f"{words}: {transplant_words(self.transplant)}"


class Therapy(Component):
    """One therapy of an arm: a product, and others that are given beside it.

    ``product`` names a file of ``content/therapies``; ``dose`` is an amount a day such as "12 g/day", for
    products that have one; ``start`` and ``stop`` are weeks such as "week 12" (``stop`` by default the last
    visit of the trial). ``added`` are further products with doses and weeks of their own; ``a + b`` makes
    one of two. What contradicts itself is refused. Raises ``FindingsError`` with everything that is wrong.

    >>> Therapy(product="inulin", dose="12 g/day").dose.grams
    12.0
    """

    added: tuple[Component, ...] = Field(default=(), strict=False)

    @staticmethod
    @rule("product", "start", "stop", "added")
    def _parts_do_not_contradict(
        name: str, start: float, stop: float | None, added: Sequence[object]
    ) -> Iterator[Problem]:
        every: list[tuple[int, str, float, float | None]] = [(-1, name, start, stop)]
        for k, each in enumerate(added):
            other, begin = of(each, "product"), of(each, "start")
            end = of(each, "stop")
            if isinstance(other, str) and isinstance(begin, float):
                every.append((k, other, begin, end if isinstance(end, float) else None))
        for first, second in combinations(every, 2):
            if not _overlap(first[2:], second[2:]):
                continue
            problem = contradiction(product(first[1]), product(second[1]))
            if problem:
                yield Problem(
                    ("added", second[0], "product"),
                    problem,
                    "products that can be given in the same weeks",
                    "give one of the two, or give them in different weeks",
                )

    @property
    def components(self) -> tuple[Component, ...]:
        """All products that are given, those that are made of others as their parts."""
        return tuple(part for each in (self, *self.added) for part in each.parts)

    @property
    def given(self) -> tuple[Component, ...]:
        """All products as they were asked for, the first of them first."""
        return (self, *self.added)

    def describe(self) -> str:
        """The therapy in words."""
        return " + ".join(each.describe_alone() for each in self.given)

    def __add__(self, other: Therapy) -> Therapy:
        """Return both given together; raises ``FindingsError`` where they contradict each other."""
        first = Component.model_construct(**{name: getattr(other, name) for name in Component.model_fields})
        return self.changed(added=(*self.added, first, *other.added))


def contradiction(first: Product, second: Product) -> str:
    """Say why two products cannot be given in the same weeks; empty where they can."""
    names = f"{first.label} and {second.label}"
    if first.id == second.id:
        return f"{first.label} is given twice in the same weeks"
    if first.diet is not None and second.diet is not None:
        return f"{names} both replace the habitual diet in the same weeks"
    if first.transplant is not None and second.transplant is not None:
        return f"{names} are two transplants in the same weeks"
    for one, other in ((first, second), (second, first)):
        if one.group == "antibiotic" and other.live == "bacteria":
            return f"{one.label} acts on the live bacteria of {other.label} in the same weeks"
    return ""


def _overlap(first: tuple[float, float | None], second: tuple[float, float | None]) -> bool:
    ends = [float("inf") if end is None else end for _, end in (first, second)]
    return first[0] < ends[1] and second[0] < ends[0]


def give(
    name: str, *, dose: str | None = None, start: str = "week 0", stop: str | None = None,
    adherence: Adherence | None = None, **further: object,
) -> Therapy:  # fmt: skip
    """Return a therapy of any product; ``further`` are other fields of ``Therapy``.

    Raises ``FindingsError`` for an unknown product, a dose that cannot be read or does not fit, or weeks that
    are none.

    >>> give("inulin", dose="12 g/day", stop="week 48").describe()
    'inulin 12 g a day, weeks 0 to 48'
    >>> both = give("inulin", dose="5 g/day") + give("b_infantis", dose="1e10 CFU/day")
    >>> [part.product for part in both.components]
    ['inulin', 'b_infantis']
    """
    own = {} if adherence is None else {"adherence": adherence}
    return Therapy(product=name, dose=dose, start=start, stop=stop, **own, **further)


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


def transplant(name: str = "fecal_transplant", *, start: str = "week 0", **fields: object) -> Therapy:
    """Return fecal transplants; ``fields`` are those of ``Transplant``, errors as for ``give``.

    >>> transplant(number=2, donor_screening="as in the protocol").transplant.days
    (0.0, 28.0)
    """
    return give(name, start=start, transplant=dict(fields))


def probiotic(name: str, *, dose: str, start: str = "week 0", stop: str | None = None) -> Therapy:
    """Return live bacteria or yeast at a daily dose in CFU; arguments and errors as for ``give``.

    >>> probiotic("b_infantis", dose="1e10 CFU/day").amount
    10000000000.0
    """
    return _of_group("probiotic", name, dose, start, stop)


def _of_group(group: Group, name: str, dose: str | None, start: str, stop: str | None) -> Therapy:
    """Return a therapy whose product must be of a group; raises ``FindingsError`` where it is of another."""
    own = [key for key, each in products().items() if each.group == group]
    if name in products() and name not in own:
        problem = f'"{name}" is of the group {products()[name].group}, not {group}'
        raise FindingsError([Finding("therapy", "product", problem, ", ".join(own), "use therapy.give")])
    return give(name, dose=dose, start=start, stop=stop)
