"""Therapies: which input of the model, at which dose, from which week to which, how well adhered to."""

from __future__ import annotations

from dataclasses import dataclass

from eubiosis.core.findings import Finding, FindingsError
from eubiosis.core.units import UnitProblem, conversion_factor

# kind -> (input of the model, unit of that input, plain name)
KINDS: dict[str, tuple[str, str, str]] = {
    "placebo": ("", "g/d", "placebo"),
    "inulin": ("gut_dose_inulin", "g/d", "inulin"),
    "propionate": ("handover_dose_propionate_salt", "g/d", "sodium propionate by mouth"),
}


@dataclass(frozen=True)
class Therapy:
    """One therapy of an arm.

    ``dose`` is in the unit of the model input (g/d), taken from ``start_week`` to ``stop_week``.
    ``adherence_mean`` and ``adherence_sd`` describe the share of the dose that subjects take (beta law).
    """

    kind: str
    dose: float
    start_week: float = 0.0
    stop_week: float = 48.0
    adherence_mean: float = 0.85
    adherence_sd: float = 0.15

    @property
    def model_input(self) -> str:
        """The model input that the therapy drives; empty for placebo."""
        return KINDS[self.kind][0]

    def describe(self) -> str:
        """The therapy in words."""
        name = KINDS[self.kind][2]
        if self.kind == "placebo":
            return name
        amount = f"{self.dose:g} g" if self.dose >= 0.1 else f"{1000 * self.dose:g} mg"
        return f"{name} {amount} a day, weeks {self.start_week:g} to {self.stop_week:g}"


def placebo(*, start_week: float = 0.0, stop_week: float = 48.0) -> Therapy:
    """Return a placebo."""
    return Therapy("placebo", 0.0, start_week, stop_week)


def inulin(dose: str, *, start_week: float = 0.0, stop_week: float = 48.0) -> Therapy:
    """Return inulin at a daily dose of product, such as "12 g/day".

    >>> inulin("12 g/day").dose
    12.0
    """
    return Therapy("inulin", parse_dose("inulin", dose), start_week, stop_week)


def propionate(dose: str, *, start_week: float = 0.0, stop_week: float = 48.0) -> Therapy:
    """Return sodium propionate by mouth at a daily dose of the salt, such as "1000 mg/day".

    >>> propionate("1000 mg/day").dose
    1.0
    """
    return Therapy("propionate", parse_dose("propionate", dose), start_week, stop_week)


def parse_dose(kind: str, text: str) -> float:
    """Return a dose in the unit of the therapy's model input.

    Raises ``FindingsError`` for a dose that cannot be read, has the wrong unit or is negative.
    """
    unit = KINDS[kind][1]
    allowed = f'an amount a day, such as "12 {unit.replace("/d", "/day")}"'
    number, _, rest = text.strip().partition(" ")
    try:
        amount = float(number) * conversion_factor(rest.strip(), unit)
    except (ValueError, UnitProblem) as error:
        problem = f'the dose "{text}" of {kind} cannot be read ({error})'
        raise FindingsError([Finding("therapy", kind, problem, allowed=allowed)]) from error
    if not 0 <= amount < float("inf"):
        raise FindingsError(
            [Finding("therapy", kind, f'the dose "{text}" is negative or not finite', allowed=allowed)]
        )
    return amount
