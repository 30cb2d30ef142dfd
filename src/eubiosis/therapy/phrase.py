"""A therapy in one line of words: "inulin 12 g/day for 3 weeks"; several that are taken together by "+".

A part names a product (its id or label; "_" and a space are the same, capitals do not count), a dose where
the product has one, how often a day where that is not in the unit, when it begins where that is not at
once, and for how long: PRODUCT [DOSE] [N times a day] [from week N] [for N days|weeks|months]. A part
without a duration has that of the last part that says one.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from eubiosis.core.findings import Finding, FindingCollector, FindingsError
from eubiosis.core.kinds import LONGEST_WEEKS
from eubiosis.core.tables import RowProblem
from eubiosis.therapy.adherence import Adherence
from eubiosis.therapy.catalogue import products, unknown_product
from eubiosis.therapy.dose import ALLOWED as DOSE_ALLOWED
from eubiosis.therapy.dose import read_dose
from eubiosis.therapy.therapy import OR_REASON, Therapy

EXAMPLE = "inulin 12 g/day for 3 weeks"
LONGEST_PHRASE = 500
MOST_PARTS = 8
_DAYS = {"day": 1.0, "week": 7.0, "month": 365.25 / 12}
_NUMBER = r"[0-9]+(?:\.[0-9]+)?(?:e[+-]?[0-9]+)?"
_TIMES = {"once": 1, "twice": 2, "thrice": 3}
_FOR = re.compile(rf"\s+for\s+({_NUMBER})\s*(day|week|month)s?\s*$", re.IGNORECASE | re.ASCII)
_FROM = re.compile(rf"\s+from\s+(day|week|month)\s+({_NUMBER})\s*$", re.IGNORECASE | re.ASCII)
_OFTEN = re.compile(
    rf"\s+(?:({'|'.join(_TIMES)})|([0-9]+)\s+times)\s+(?:a\s+day|per\s+day|daily)\s*$",
    re.IGNORECASE | re.ASCII,
)
_A_DAY = re.compile(r"(?:\s*/\s*d(?:ay)?|\s+a\s+day|\s+per\s+day|\s+daily)\s*$", re.IGNORECASE)
_DOSE = re.compile(r"\s+([+-]?[0-9][0-9.]*(?:e[+-]?[0-9]+)?)\s*([^\W\d_]+)\s*$", re.IGNORECASE | re.ASCII)
_DURATION_ALLOWED = f'"for N days", "weeks" or "months", 1 day to {LONGEST_WEEKS} weeks'


@dataclass(frozen=True)
class TherapyPhrase:
    """What a phrase asks for: one therapy, what is given beside it added, and the last of its ``days``.

    The whole dose is taken: a phrase says what is done, not what is prescribed.
    """

    text: str
    therapy: Therapy
    days: int

    @property
    def products(self) -> tuple[str, ...]:
        """The products that were asked for, in order."""
        return tuple(each.product for each in self.therapy.given)

    def describe(self) -> str:
        """The therapies in words."""
        return self.therapy.describe()

    @property
    def weeks(self) -> float:
        """The last day in weeks."""
        return self.days / 7


def read_phrase(phrase: str) -> TherapyPhrase:
    """Return the therapies that a phrase names.

    Raises ``FindingsError`` with everything that is wrong: an unknown product (with the nearest), a dose that
    cannot be read, is missing, does not belong or is above the product's ceiling, a duration that is missing
    or out of range, and products that contradict each other in the same weeks.

    >>> read_phrase("inulin 12 g/day for 3 weeks").describe()
    'inulin 12 g a day, weeks 0 to 3'
    >>> read_phrase("Mediterranean diet + propionate 500 mg twice a day for 12 weeks").days
    84
    """
    findings = FindingCollector()
    parts = _parts(phrase, findings)
    read = [_part(text, f"part {k}" if len(parts) > 1 else "", findings) for k, text in enumerate(parts, 1)]
    last = next((part.days for part in reversed(read) if part.days), 0.0)
    said = any(part.bad_duration for part in read)
    therapies = []
    for part in read:
        days = part.days or last
        if not days and not said:
            findings.add(_FILE, part.place, f'"{part.text}" has no duration', allowed=_DURATION_ALLOWED,
                         next_step=f'end with a duration, as in "{EXAMPLE}"')  # fmt: skip
        made = _therapy(part, days, findings)
        if made is not None:
            therapies.append(made)
    findings.raise_if_any()
    end = max(7 * (therapy.stop or 0.0) for therapy in therapies)
    return TherapyPhrase(" ".join(phrase.split()), _together(therapies), max(1, round(end)))


_FILE = "therapy"


@dataclass(frozen=True)
class _Part:
    """One part as it was read; ``days`` 0 where none are named."""

    text: str
    place: str
    product: str | None
    dose: str | None
    start: float
    days: float
    bad_duration: bool
    bad_dose: bool


def _parts(phrase: str, findings: FindingCollector) -> list[str]:
    if not phrase.strip() or len(phrase) > LONGEST_PHRASE or not phrase.isprintable():
        problem = "the phrase is empty" if not phrase.strip() else "the phrase is too long or not plain text"
        findings.add(_FILE, "", problem, allowed=f"1 to {LONGEST_PHRASE} characters on one line",
                     next_step=f'write a therapy, as in "{EXAMPLE}"')  # fmt: skip
        findings.raise_if_any()
    # a sign inside a number, as in 1e+10, joins no two therapies
    parts = [part.strip() for part in re.split(r"(?<![eE])\+|\+(?![0-9])", phrase)]
    if not all(parts) or len(parts) > MOST_PARTS:
        problem = f"{len(parts)} parts, of which {sum(not part for part in parts)} are empty"
        findings.add(_FILE, "", problem, allowed=f'1 to {MOST_PARTS} therapies, with "+" between them',
                     next_step="name a therapy on each side of a +")  # fmt: skip
    return [part for part in parts if part][:MOST_PARTS]


def _part(text: str, place: str, findings: FindingCollector) -> _Part:
    rest, days, bad = _duration(f" {text}", place, findings)
    start = 0.0
    found = _FROM.search(rest)
    if found:
        start, rest = float(found[2]) * _DAYS[found[1].lower()], rest[: found.start()]
    if _spoken(rest) in _known():  # a label may hold the words of a dose itself
        return _Part(text, place, _known()[_spoken(rest)], None, start, days, bad, bad_dose=False)
    times = 1
    often = _OFTEN.search(rest)
    if often:
        times, rest = _TIMES[often[1].lower()] if often[1] else int(often[2]), rest[: often.start()]
    a_day = _A_DAY.search(rest) if not often else None
    if a_day:
        rest = rest[: a_day.start()]
    dose = _DOSE.search(rest)
    name = rest[: dose.start()] if dose else rest
    written = None
    if dose and not (often or a_day):
        findings.add(_FILE, place, f'the dose "{dose[0].strip()}" does not say how often',
                     allowed=DOSE_ALLOWED, next_step=f'write "{dose[1]} {dose[2]}/day"')  # fmt: skip
    elif dose:
        written = _dose_text(dose[1], dose[2], times, place, findings)
    elif often or a_day:
        findings.add(_FILE, place, f'no dose stands before the times a day in "{text}"',
                     allowed=DOSE_ALLOWED, next_step="write number and unit")  # fmt: skip
    bad_dose = bool(dose or often or a_day) and written is None
    return _Part(text, place, _product(name, place, findings), written, start, days, bad, bad_dose)


def _duration(text: str, place: str, findings: FindingCollector) -> tuple[str, float, bool]:
    """Return the text before the duration, the days, and whether a duration was wrong."""
    found = _FOR.search(text)
    if not found:
        wrong = re.search(r"\s+for\b(.*)$", text, re.IGNORECASE)
        if wrong:
            findings.add(_FILE, place, f'the duration "for{wrong[1]}" cannot be read',
                         allowed=_DURATION_ALLOWED, next_step='write "for 3 weeks"')  # fmt: skip
        return (text[: wrong.start()] if wrong else text), 0.0, bool(wrong)
    days = float(found[1]) * _DAYS[found[2].lower()]
    if not 1 <= days <= 7 * LONGEST_WEEKS:
        findings.add(_FILE, place, f"{days:g} days are out of range", allowed=_DURATION_ALLOWED,
                     next_step="correct the duration")  # fmt: skip
        return text[: found.start()], 0.0, True
    return text[: found.start()], days, False


def _dose_text(amount: str, unit: str, times: int, place: str, findings: FindingCollector) -> str | None:
    try:
        total = float(amount) * times
    except ValueError:
        total = math.nan
    if not math.isfinite(total):
        findings.add(_FILE, place, f'the dose "{amount} {unit}" cannot be read', allowed=DOSE_ALLOWED,
                     next_step="write number and unit")  # fmt: skip
        return None
    if not total:
        findings.add(_FILE, place, f'the dose "{amount} {unit}" is zero', allowed=DOSE_ALLOWED,
                     next_step='write a dose, or "placebo" for none')  # fmt: skip
        return None
    return f"{total:.12g} {unit}/day"


def _spoken(name: str) -> str:
    return " ".join(name.replace("_", " ").casefold().split())


def _known() -> dict[str, str]:
    """Return every product by its id and its label as they are compared."""
    return {_spoken(word): key for key, record in products().items() for word in (record.label, key)}


def _product(name: str, place: str, findings: FindingCollector) -> str | None:
    known, asked = _known(), _spoken(name)
    if asked in known:
        return known[asked]
    problem = "no product is named" if not asked else unknown_product(asked)
    given = [key for key, record in products().items() if record.not_in_trials is None]
    findings.add(_FILE, place, problem, allowed=", ".join(given), next_step="see: eubiosis therapy list")
    return None


def _therapy(part: _Part, days: float, findings: FindingCollector) -> Therapy | None:
    if part.product is None or part.bad_dose or not days:
        return None
    dose = part.dose
    if dose is not None:
        try:
            read_dose(dose)
        except RowProblem as problem:
            findings.add(_FILE, part.place, str(problem), allowed=DOSE_ALLOWED, next_step="correct the dose")
            return None
    start, stop = part.start / 7, (part.start + days) / 7
    if stop > LONGEST_WEEKS:
        findings.add(_FILE, part.place, f"it ends in week {stop:g}", allowed=f"up to week {LONGEST_WEEKS}",
                     next_step="shorten it")  # fmt: skip
        return None
    try:
        return Therapy(product=part.product, dose=dose, start=f"week {start:.6f}", stop=f"week {stop:.6f}",
                       adherence=Adherence.full())  # fmt: skip
    except FindingsError as error:
        findings.extend(_in_phrase(each, part.place) for each in error.findings)
        return None


def _in_phrase(one: Finding, place: str) -> Finding:
    """Return a finding about a therapy as one about a phrase, which has no word for a reason."""
    allowed, next_step = one.allowed.removesuffix(OR_REASON[0]), one.next_step.removesuffix(OR_REASON[1])
    return Finding(_FILE, place, one.problem, allowed, next_step)


def _together(therapies: list[Therapy]) -> Therapy:
    """Return all of them as one therapy; raises ``FindingsError`` where they contradict each other."""
    first, *others = therapies
    try:
        for other in others:
            first = first + other
    except FindingsError as error:
        raise FindingsError(
            Finding(_FILE, "", each.problem, each.allowed, each.next_step) for each in error.findings
        ) from None
    return first
