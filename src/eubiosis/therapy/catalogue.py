"""Products: what can be given, one file each in ``content/therapies``. A biologist adds a file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from eubiosis.core.content import PACKAGED_CONTENT
from eubiosis.core.findings import Finding, FindingCollector, FindingsError, unknown_word
from eubiosis.core.from_yaml import check_yaml
from eubiosis.core.kinds import Text
from eubiosis.core.spec import Problem, Spec, rule

FOLDER = PACKAGED_CONTENT / "therapies"
Group = Literal["placebo", "prebiotic", "acid", "antibiotic", "diet", "transplant"]


class DosedInput(Spec):
    """The input of the model that a dose drives, its unit there, and what the dose is a dose of."""

    input: Text
    unit: Literal["g/d", "mg/d"]
    of: Text


class PrescribedDiet(Spec):
    """A diet: its levels are those of a named condition; ``share`` is the input that adherence scales."""

    condition: Text
    share: Text


class ComparedCondition(Spec):
    """The named condition in which ``eubiosis model therapies`` compares the product, and its label there."""

    condition: Text
    label: Text


class Product(Spec):
    """What can be given. A product has a dose, or is a diet, or says why no trial can give it yet.

    >>> product("inulin").dose.unit
    'g/d'
    """

    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=40)]
    label: Text
    group: Group
    description: Text
    dose: DosedInput | None = None
    diet: PrescribedDiet | None = None
    not_in_trials: Text | None = None
    compared: ComparedCondition | None = None

    @staticmethod
    @rule("group", "dose", "diet", "not_in_trials")
    def _acts_in_one_way(group: str, dose: object, diet: object, not_in_trials: object) -> Iterator[Problem]:
        ways = sum(way is not None for way in (dose, diet, not_in_trials))
        if ways != (group != "placebo"):
            yield Problem(
                ("dose",),
                f"{ways} of dose, diet and not_in_trials are given",
                "none for a placebo, otherwise exactly one",
                "describe one way in which the product acts",
            )


@cache
def products(folder: Path = FOLDER) -> Mapping[str, Product]:
    """Read every product by id, the placebo first; raises ``FindingsError`` with everything wrong in them.

    >>> list(products())[0]
    'placebo'
    """
    findings = FindingCollector()
    found: dict[str, Product] = {}
    for path in sorted(folder.glob("*.yaml")):
        made = check_yaml(path, Product, findings)
        if made is None:
            continue
        if made.id != path.stem:
            problem = f'the id "{made.id}" is not the name of the file'
            findings.add(path.name, "id", problem, allowed=path.stem, next_step="rename one")
        found[made.id] = made
    findings.raise_if_any()
    return dict(sorted(found.items(), key=lambda item: (item[1].group != "placebo", item[0])))


def product(name: str) -> Product:
    """Return one product; raises ``FindingsError`` naming the nearest one.

    >>> product("mediterranean_diet").group
    'diet'
    """
    known = products()
    if name not in known:
        problem, next_step = unknown_word(name, known), "see: eubiosis therapy list"
        raise FindingsError([Finding("therapy", "product", problem, ", ".join(known), next_step)])
    return known[name]


def compared_conditions() -> dict[str, str]:
    """Return the named condition of every product that has one.

    >>> compared_conditions()["inulin"]
    'ms_inulin_20g'
    """
    return {name: each.compared.condition for name, each in products().items() if each.compared is not None}
