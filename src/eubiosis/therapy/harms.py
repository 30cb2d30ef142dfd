"""Harms: what was counted in whom, exact limits, and what a class of therapy is known to do or not.

Every row of ``content/harms.tsv`` is a count of people with an event. A harm of a class without a row is not
known to be absent: no count was read.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Literal

from eubiosis.core.calendar import DAYS_PER_YEAR
from eubiosis.core.content import PACKAGED_CONTENT
from eubiosis.core.findings import FindingCollector
from eubiosis.core.provenance import Basis, Read
from eubiosis.core.tables import RowProblem, TableRow, read_table
from eubiosis.therapy.product import Product

ROWS = PACKAGED_CONTENT / "harms.tsv"
TERMS = PACKAGED_CONTENT / "harm_terms.tsv"
BACKGROUND = "background"
LEFT = "left_trial"  # no harm to a body but counted like one; in simulated trials the design sets it
ANY = "any_event"
# a harm and others whose events are events of it too; ``ANY`` takes in all, "serious" all that are serious
_TAKES_IN: Mapping[str, tuple[str, ...]] = {"infection": ("serious_infection",)}
# harms that a class of therapy must answer for, whether a count was read or not
ASKED: Mapping[str, tuple[str, ...]] = {
    "bacteria": ("gastrointestinal", "bacteraemia"),
    "yeast": ("gastrointestinal", "fungaemia"),
    "transplant": ("gastrointestinal", "abdominal_pain", "c_difficile", "donor_infection", "bacteraemia"),
    "antibiotic": ("gastrointestinal", "c_difficile"),
    "prebiotic": ("gastrointestinal",),
    "diet": ("weight_loss",),
}


class HarmTerm(TableRow):
    """One harm: its name, whether it is serious, and the excess risk that a trial would want to exclude."""

    harm: str
    label: str
    serious: Literal["yes", "no"]
    excluded_at: float
    note: str


class HarmRow(TableRow):
    """People with an event among those observed, in one arm of one source.

    ``occasion`` "time": over ``weeks`` of follow-up; "course": for each transplant or other single occasion;
    "treatment": for the whole of a treatment. Rows of one ``pair`` are the arms of one randomised trial;
    "both" arms are counted together where no more was printed, and not simulated.
    """

    id: str
    harm: str
    therapy_class: str
    arm: Literal["treated", "control", "both"]
    events: int
    people: int
    weeks: float
    occasion: Literal["time", "course", "treatment"]
    pair: str = ""
    simulated: Literal["yes", "no"]
    population: str
    basis: Basis
    read: Read
    source: str
    note: str = ""

    @property
    def years(self) -> float:
        """Years of follow-up of each."""
        return 7 * self.weeks / DAYS_PER_YEAR

    @property
    def limits(self) -> tuple[float, float]:
        """The exact 95 % interval of the risk (Clopper and Pearson)."""
        return exact_interval(self.events, self.people)

    @property
    def text(self) -> str:
        """The count with its interval, in percent; of no event the upper limit and the rule of three."""
        low, high = self.limits
        span = f"{100 * low:.2g} to {100 * high:.2g} %"
        rule = f"; rule of three {100 * rule_of_three(self.people):.2g} %" if self.events == 0 else ""
        return f"{self.events:,} of {self.people:,} ({span}{rule})"


def exact_interval(events: int, people: int, level: float = 0.95) -> tuple[float, float]:
    """Return the exact interval of a risk (Clopper and Pearson 1934).

    >>> low, high = exact_interval(0, 97)
    >>> low, round(high, 4)
    (0.0, 0.0373)
    """
    from scipy.special import betaincinv

    if not 0 <= events <= people or people < 1:
        raise RowProblem(f"{events} events in {people} people", allowed="0 to all of at least one person")
    tail = (1 - level) / 2
    low = 0.0 if events == 0 else float(betaincinv(events, people - events + 1, tail))
    high = 1.0 if events == people else float(betaincinv(events + 1, people - events, 1 - tail))
    return low, high


def rule_of_three(people: int) -> float:
    """Return the risk that no event in so many people excludes with 95 % confidence, nearly: 3/n.

    >>> rule_of_three(300)
    0.01
    """
    return min(3 / people, 1.0)


@cache
def harm_terms() -> Mapping[str, HarmTerm]:
    """Read the harms by id; raises ``FindingsError``."""
    findings = FindingCollector()
    rows = read_table(TERMS, HarmTerm, findings)
    findings.raise_if_any()
    return {row.harm: row for row in rows}


@cache
def taken_in(harm: str) -> frozenset[str]:
    """Return the harms of which every event is an event of ``harm`` too.

    >>> sorted(taken_in("infection")), "infection" in taken_in("any_event"), sorted(taken_in("skin"))
    (['serious_infection'], True, [])
    """
    terms = {name: term for name, term in harm_terms().items() if name not in (harm, LEFT)}
    if harm == ANY:
        return frozenset(terms)
    if harm == "serious":
        return frozenset(name for name, term in terms.items() if term.serious == "yes")
    return frozenset(_TAKES_IN.get(harm, ()))


@cache
def harm_rows() -> tuple[HarmRow, ...]:
    """Read the counts; raises ``FindingsError`` also for unknown harms and impossible counts.

    >>> {row.therapy_class for row in harm_rows() if row.harm == "fungaemia"}
    {'yeast'}
    """
    findings = FindingCollector()
    rows = read_table(ROWS, HarmRow, findings)
    for row in rows:
        if row.harm not in harm_terms():
            findings.add(
                "harms.tsv", row.id, f'harm "{row.harm}" is unknown', allowed=", ".join(harm_terms())
            )
        if not 0 <= row.events <= row.people or (row.occasion == "time") != (row.weeks > 0):
            findings.add(
                "harms.tsv", row.id, "more events than people, or weeks that do not fit the occasion"
            )
    findings.raise_if_any()
    return tuple(rows)


def counts_of(product: Product) -> tuple[HarmRow, ...]:
    """Return the counts of a product's class, none where none was read."""
    return tuple(row for row in harm_rows() if row.therapy_class == product.harms)


def uncounted(product: Product) -> str:
    """Return what stands where a product has no count of a harm: what anybody's silence could exclude.

    >>> from eubiosis.therapy import product
    >>> uncounted(product("inulin"))
    'no count was read of anybody: no risk is excluded, and that is not absence'
    """
    people = max((row.people for row in counts_of(product) if row.arm == "treated"), default=0)
    if people == 0:
        return "no count was read of anybody: no risk is excluded, and that is not absence"
    limit = 100 * rule_of_three(people)
    return (
        "no count was read; that is not absence. The largest group of its class in which other harms were "
        f"counted has {people:,} people: had nobody of them had it, a risk above {limit:.2g} % would be "
        "excluded (rule of three)"
    )


def asked_of(product: Product) -> tuple[str, ...]:
    """Return the harms that a product must answer for: those of its kind and those that were counted."""
    kind = product.live if product.live in ASKED and product.group != "transplant" else product.group
    counted = (row.harm for row in counts_of(product))
    return tuple(dict.fromkeys((*ASKED.get(kind, ()), *counted)))
