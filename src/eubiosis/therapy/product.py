"""A product: one file of ``content/therapies``, with what it does to the model and how well that is known.

A product acts in one way or two: a dose drives inputs, a diet replaces the habitual one, a transplant brings
a donor's guilds, other products are given together, and a direct term works past the gut. What the model has
no path for is said to be not representable, and evidence alone answers for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Literal

from pydantic import Field

from eubiosis.core.kinds import Share, Text
from eubiosis.core.provenance import Basis, Read
from eubiosis.core.spec import Problem, Spec, of, rule
from eubiosis.therapy.dose import DailyDose

Group = Literal[
    "placebo", "prebiotic", "probiotic", "synbiotic", "acid", "metabolite", "antibiotic", "diet",
    "transplant", "helminth", "vitamin", "drug",
]  # fmt: skip
InputUnit = Literal["g/d", "mg/d", "mmol/d", "CFU/d", "IU/d", "unit/d"]
Mechanism = Literal["ecology", "metabolites", "direct", "outside"]
Representable = Literal["yes", "direct effect only", "not representable"]
PRIM_TOPICS = (
    "diagnosis", "delivery_route", "source", "classification", "preparation", "dosage", "state",
    "concomitant_treatment", "efficacy", "safety",
)  # fmt: skip
_WAYS = "dose, diet, transplant, together and not_in_trials"
Weeks = Annotated[float, Field(ge=0, le=104)]


class Stated(Spec):
    """Where something stands and how far that was read; without a source it is assumed and says why."""

    basis: Basis = "assumed"
    source: Text | None = None
    read: Read | None = None
    note: Text | None = None

    @staticmethod
    @rule("basis", "source", "read", "note")
    def _origin_is_stated(basis: str, source: object, read: object, note: object) -> Iterator[Problem]:
        if basis == "assumed" and note is None:
            yield Problem(("note",), "an assumption without its reason", "a note", "add {path}")
        if basis != "assumed" and (source is None or read is None):
            yield Problem(
                ("source",), f"{basis} without a source and how far it was read", "both", "add {path}"
            )


class DrivenInput(Spec):
    """A further input that the dose drives: ``share`` of the dose, in the unit of the dose."""

    input: Text
    share: Annotated[float, Field(gt=0, le=10)] = 1.0
    note: Text | None = None


class Ceiling(Stated):
    """The largest daily dose that may be given without a stated reason, and what kind of limit it is."""

    dose: DailyDose
    kind: Literal["upper intake level", "tolerance", "largest given in a trial read", "assumed"]


class DosedInput(Spec):
    """The input of the model that a dose drives, its unit there, and what the dose is a dose of.

    Without ``input`` the dose reaches nothing that the model has. ``share`` of the dose goes to the input,
    and more inputs may follow in ``also``; ``usual`` is the dose of the shipped example.
    """

    input: Text | None = None
    unit: InputUnit
    of: Text
    share: Annotated[float, Field(gt=0, le=10)] = 1.0
    also: tuple[DrivenInput, ...] = Field(default=(), strict=False)
    usual: DailyDose | None = None
    usual_source: Text | None = None
    ceiling: Ceiling | None = None

    @property
    def driven(self) -> Mapping[str, float]:
        """Return the share of the dose that goes to each input."""
        own = {} if self.input is None else {self.input: self.share}
        return own | {each.input: each.share for each in self.also}


class PrescribedDiet(Stated):
    """A diet: what reaches the colon, those of a named condition or ``levels`` by input in its unit.

    ``share`` is the input that adherence scales. ``days_a_week`` are the days on which it replaces the
    habitual diet: the model takes the mean of a week.
    """

    condition: Text | None = None
    levels: Mapping[str, Annotated[float, Field(ge=0, le=1000)]] | None = None
    share: Text = "gut_diet_on"
    days_a_week: Annotated[float, Field(gt=0, le=7)] = 7.0
    basis: Basis = "assumed"
    note: Text | None = "as the condition says"

    @staticmethod
    @rule("condition", "levels")
    def _levels_stand_in_one_place(condition: object, levels: object) -> Iterator[Problem]:
        if (condition is None) == (levels is None):
            yield Problem(
                ("levels",), "the levels stand nowhere, or twice", "condition or levels", "write one of them"
            )


class TransplantDefaults(Spec):
    """What a transplant is where an arm says nothing else; ``donor`` "own" is the placebo transplant."""

    donor: Literal["healthy", "own"]
    number: Annotated[int, Field(ge=1, le=52)] = 1
    every_weeks: Annotated[float, Field(gt=0, le=52)] = 4.0
    note: Text


class DirectTerm(Stated):
    """An action past the gut: a number of the host is multiplied while the product is taken.

    Either ``drug`` names the rows of ``drug_classes.tsv`` that hold target and factor, or ``target`` is a
    number of the host whose log factor is drawn in every world from a normal law about zero with ``sd``: its
    size and its sign are not known.
    """

    drug: Text | None = None
    target: Text | None = None
    sd: Annotated[float, Field(gt=0, le=2)] | None = None

    @staticmethod
    @rule("drug", "target", "sd")
    def _is_a_drug_or_a_drawn_factor(drug: object, target: object, sd: object) -> Iterator[Problem]:
        drawn = target is not None and sd is not None
        if (drug is not None) == drawn or (target is None) != (sd is None):
            problem = "neither a drug nor a drawn factor"
            yield Problem(("target",), problem, "drug, or target with sd", "write one of them")


class GivenTogether(Spec):
    """A product that is part of another, with its dose."""

    product: Text
    dose: DailyDose | None = None


class ScheduleFacts(Stated):
    """How a product is taken: times a day, weeks of ramp, weeks until it is gone, after the last dose."""

    times_per_day: Annotated[float, Field(gt=0, le=24)] = 1.0
    ramp_weeks: Weeks = 0.0
    washout_weeks: Weeks | None = None
    note: Text | None = "no source read"


class UsualAdherence(Stated):
    """Mean and spread of the share of doses taken that trials of the product report.

    The other fields are those of ``Adherence``; left out, they are the design's defaults.
    """

    mean: Share
    sd: Annotated[float, Field(ge=0, le=0.5)]
    missed_run: Annotated[float, Field(ge=0, le=60)] | None = None
    fall_per_year: Share | None = None
    reduced_per_year: Annotated[float, Field(ge=0, le=5)] | None = None

    @property
    def stated(self) -> dict[str, float]:
        """The fields of ``Adherence`` that are stated."""
        names = ("mean", "sd", "missed_run", "fall_per_year", "reduced_per_year")
        return {name: getattr(self, name) for name in names if getattr(self, name) is not None}


class ReadSource(Spec):
    """A source, what of it was used, and how far it was read."""

    source: Text
    read: Read
    says: Text


class ComparedCondition(Spec):
    """The named condition in which ``eubiosis model therapies`` compares the product, and its label there."""

    condition: Text
    label: Text


class Product(Spec):
    """What can be given: how it acts, how well that is known, and what evidence there is.

    >>> from eubiosis.therapy import product
    >>> product("inulin").dose.unit
    'g/d'
    """

    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=40)]
    label: Text
    group: Group
    description: Text
    representable: Representable = "yes"
    why: Text | None = None
    mechanism: tuple[Mechanism, ...] = Field(default=(), strict=False)
    known: Text | None = None
    strains: tuple[Text, ...] = Field(default=(), strict=False)
    live: Literal["none", "bacteria", "yeast", "worms"] = "none"
    immunosuppression: Literal["none", "moderate", "severe"] = "none"
    dose: DosedInput | None = None
    diet: PrescribedDiet | None = None
    transplant: TransplantDefaults | None = None
    direct: tuple[DirectTerm, ...] = Field(default=(), strict=False)
    together: tuple[GivenTogether, ...] = Field(default=(), strict=False)
    not_in_trials: Text | None = None
    schedule: ScheduleFacts | None = None
    adherence: UsualAdherence | None = None
    harms: Text | None = None
    evidence: Text | None = None
    prim: Mapping[str, Text] = Field(default_factory=dict)
    sources: tuple[ReadSource, ...] = Field(default=(), strict=False)
    compared: ComparedCondition | None = None

    @staticmethod
    @rule("dose", "diet", "transplant", "together", "not_in_trials")
    def _acts_in_one_way(
        dose: object, diet: object, transplant: object, together: Sequence[object], not_in_trials: object
    ) -> Iterator[Problem]:
        ways = sum(way is not None for way in (dose, diet, transplant, not_in_trials)) + bool(together)
        if ways > 1:
            yield Problem(
                ("dose",), f"{ways} of {_WAYS} are given", "one of them at most", "describe one way"
            )

    @staticmethod
    @rule("group", "representable", "dose", "diet", "transplant", "direct", "together", "not_in_trials")
    def _is_as_representable_as_it_says(
        group: str, representable: str, dose: object, diet: object, transplant: object,
        direct: Sequence[object], together: Sequence[object], not_in_trials: object,
    ) -> Iterator[Problem]:  # fmt: skip
        ways = any(way is not None for way in (diet, transplant, not_in_trials)) or bool(together)
        reaches = ways or of(dose, "input") is not None or bool(of(dose, "also"))
        if dose is not None and not isinstance(dose, DosedInput):
            return  # wrong itself: whether it reaches the model is not known
        if representable == "yes" and group != "placebo" and not reaches:
            allowed = "exactly one where the product is representable"
            step = "describe the way in which the product acts, or say that it is not representable"
            yield Problem(("dose",), f"0 of {_WAYS} are given", allowed, step)
        elif representable == "direct effect only" and (not direct or reaches):
            problem = "a direct effect only, without a direct term or with another action"
            yield Problem(("direct",), problem, "direct alone, and a dose", "describe the direct term")
        elif representable == "not representable" and (direct or reaches):
            problem = "not representable, yet an action on the model is given"
            yield Problem(("representable",), problem, "yes", "correct one of the two")

    @staticmethod
    @rule("representable", "why")
    def _says_why_it_is_not_representable(representable: str, why: object) -> Iterator[Problem]:
        if representable != "yes" and why is None:
            yield Problem(("why",), f"{representable} without a reason", "text", "add {path}")

    @staticmethod
    @rule("prim")
    def _reporting_items_are_those_of_the_guideline(prim: Mapping[str, str]) -> Iterator[Problem]:
        for topic in prim:
            if topic not in PRIM_TOPICS:
                problem = f'"{topic}" is no topic of PRIM 2024'
                yield Problem(("prim", topic), problem, ", ".join(PRIM_TOPICS), "rename the key")
