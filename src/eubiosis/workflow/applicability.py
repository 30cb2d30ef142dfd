"""How far a workflow lies from what was ever checked: population, therapy, dose, duration and endpoint.

Checked means: a prediction of the model was held against people and no number of the model was set with
them in sight. Three tables say where: the scored rows of the roles that the model itself answers, the scores
of forecasts on measured studies that were neither fitted nor seen, and the trials of the scoreboard that were
not fitted, each with whether its forecast was fresh or the study seen before. The rules below judge
distances; they never look at whether a comparison was met.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from eubiosis.calibration.roles import Row, scoreboard
from eubiosis.calibration.roles_compare import HEALTHY, NONE
from eubiosis.core.applicability import DISTANCES, Applicability, ApplicabilityRow, Distance
from eubiosis.core.endpoints import ENDPOINTS, in_sentence
from eubiosis.therapy import Component, known_product, product
from eubiosis.trial.design import Design
from eubiosis.workflow.files.workflow_yaml import read_workflow
from eubiosis.workflow.forecast.skill import load_skill
from eubiosis.workflow.score.tables import trial_rows
from eubiosis.workflow.workflow import Workflow

FAMILIES = {
    "relapses": "relapses", "gd_lesions": "lesions", "t2_lesions": "lesions", "edss": "disability",
    "mfis": "fatigue", "treg": "immune cells", "nfl": "serum NfL",
}  # fmt: skip
_PLACE_FAMILY = {"guild": "guilds", "stool": "stool acids", "plasma": "plasma acids"}
_AGENTS = {"propionate_salt": "propionate", "itf": "inulin"}
_NEAR, _SAME = 2.0, 1.25  # ratios of doses and of durations
_DRUGS = "drug"
_NOT_OF_THE_GUT = ("drug", "helminth", "vitamin")  # groups whose products act elsewhere in the model
_SAID: Mapping[Distance, str] = {
    "never checked": "never checked against people",
    "far": "far from what was checked",
    "near": "near what was checked",
    "checked": "compared before",
}
RULES = {
    "population": "checked: a response to any microbiome therapy was compared in people with MS; near: only "
    "in other people; never checked: in nobody",
    "therapy": "checked: a response to this product was compared; near: to another product of its group; "
    "never checked: to none of its group",
    "dose": f"of the same product: checked within {_SAME:g} times a compared dose, near within {_NEAR:g} "
    "times, else far; never checked: no compared dose of the product",
    "duration": f"of the same product: checked up to {_SAME:g} times the longest compared course, near up to "
    f"{_NEAR:g} times, else far; never checked: no compared course of the product",
    "endpoint": "checked: compared in people under the same product; near: under another microbiome therapy; "
    "far: only without a therapy or under a drug of MS; never checked: not at all",
}


@dataclass(frozen=True)
class Compared:
    """One comparison of the model with people that no number of it was set with.

    ``product`` is one of the catalogue, "drug" for a drug of MS, empty without a therapy; ``dose`` its amount
    a day (g, or a count), ``days`` how long; None where not read or not said. ``status`` is "fresh" or "seen"
    for a trial of the scoreboard, empty for the other tables.
    """

    where: str
    with_ms: bool
    product: str
    family: str
    dose: float | None = None
    days: float | None = None
    status: str = ""

    @property
    def microbiome(self) -> bool:
        """Whether it is a response to a therapy of the microbiome."""
        known = known_product(self.product)
        return self.product not in ("", _DRUGS) and (known is None or known.group not in _NOT_OF_THE_GUT)


@cache
def comparisons() -> tuple[Compared, ...]:
    """Return every comparison that counts as checked, from the three tables."""
    return (*_of_roles(), *_of_skill(), *_of_scoreboard())


def applicability(workflow: Workflow, compared: Sequence[Compared] | None = None) -> Applicability:
    """Say how far a workflow lies from ``compared`` (default: every comparison of the package)."""
    known = comparisons() if compared is None else tuple(compared)
    design = workflow.design
    rows = [_population(workflow, known), *_endpoint(design, known)]
    for arm in design.active:
        for part in arm.therapy.given:
            if part.record.group != "placebo":
                rows += [_therapy(arm.name, part, known), *_dose(arm.name, part, known)]
                rows.append(_duration(arm.name, part, design, known))
    worst = max((row.distance for row in rows), key=DISTANCES.index)
    said = " ".join([_summary(rows), *_trials_of_the_endpoint(design, known)])
    return Applicability(said, worst, len(known), tuple(rows))


def _trials_of_the_endpoint(design: Design, known: Sequence[Compared]) -> Iterable[str]:
    """Say under which therapies forecasts of the endpoint were held against trials, fresh or seen before."""
    family, label = family_of(design.primary), ENDPOINTS[design.primary].label
    own = [one for one in known if one.status and one.family == family]
    if own:
        labels = dict.fromkeys(product(one.product).label for one in own)
        fresh = sum(one.status == "fresh" for one in own)
        trials = "1 trial" if len(own) == 1 else f"{len(own)} trials"
        counts = ((fresh, "fresh"), (len(own) - fresh, "seen before"))
        told = ", ".join(f"{number} {words}" for number, words in counts if number)
        yield (
            f"{label}: forecasts were compared with {trials} ({', '.join(labels)}; {told}); the scoreboard "
            "says how far off they were."
        )


def _summary(rows: Sequence[ApplicabilityRow]) -> str:
    """Put the distances into one sentence, the farthest first."""
    told = []
    for distance in reversed(DISTANCES):
        names = dict.fromkeys(_name(row) for row in rows if row.distance == distance)
        if names:
            told.append(f"{_SAID[distance]}: {', '.join(names)}")
    text = "; ".join(told)
    return f"{text[0].upper()}{text[1:]}."


def _name(row: ApplicabilityRow) -> str:
    """Name a row in the summary: an arm's dose and duration with the arm.

    People of a stool table are people with MS there: nobody has compared those of the table themselves.
    """
    if row.aspect == "population":
        return "people with MS"
    if row.aspect in ("dose", "duration"):
        return f"{row.asked} of {row.arm}"
    if row.aspect == "endpoint" and row.distance in ("far", "never checked"):
        return f"{in_sentence(row.asked)} as an endpoint of a microbiome therapy"
    return f"{in_sentence(row.asked)} as endpoint" if row.aspect == "endpoint" else row.asked


def _population(workflow: Workflow, known: Sequence[Compared]) -> ApplicabilityRow:
    source = workflow.population
    asked = "people with MS" if source.source == "reference" else "people of the given stool table, with MS"
    responses = [one for one in known if one.microbiome]
    with_ms = [one for one in responses if one.with_ms]
    distance: Distance = "checked" if with_ms else "near" if responses else "never checked"
    return _row("population", "", asked, with_ms or responses, distance)


def _endpoint(design: Design, known: Sequence[Compared]) -> list[ApplicabilityRow]:
    """Judge the primary endpoint under each active arm; an arm with several products by its nearest one."""
    family, label = family_of(design.primary), ENDPOINTS[design.primary].label
    same = [one for one in known if one.family == family]
    rows = []
    for arm in design.active:
        own = {part.product for part in arm.therapy.given}
        hits = [one for one in same if one.product in own]
        others = [one for one in same if one.microbiome]
        distance: Distance = "never checked"
        near = hits or others or same
        if near:
            distance = "checked" if hits else "near" if others else "far"
        rows.append(_row("endpoint", arm.name, label, near, distance))
    return rows


def _group(name: str) -> str:
    found = known_product(name)
    return "" if found is None else found.group


def _therapy(arm: str, part: Component, known: Sequence[Compared]) -> ApplicabilityRow:
    own = [one for one in known if one.product == part.product]
    others = [one for one in known if _group(one.product) == part.record.group]
    distance: Distance = "checked" if own else "near" if others else "never checked"
    return _row("therapy", arm, part.record.label, own or others, distance)


def _dose(arm: str, part: Component, known: Sequence[Compared]) -> list[ApplicabilityRow]:
    """Judge the dose; a product without a dose, such as a diet, has none to judge."""
    if part.dose is None:
        return []
    amount = part.dose.grams
    dosed = [one for one in known if one.product == part.product and one.dose] if amount > 0 else []
    if not dosed:
        return [_row("dose", arm, str(part.dose), [], "never checked")]
    nearest = min(dosed, key=lambda one: _apart(amount, one.dose or amount))
    distance = _by_ratio(_apart(amount, nearest.dose or amount))
    return [_row("dose", arm, str(part.dose), [nearest], distance)]


def _duration(arm: str, part: Component, design: Design, known: Sequence[Compared]) -> ApplicabilityRow:
    stop = design.visits[-1] if part.stop is None else part.stop
    weeks = stop - part.start
    courses = [one for one in known if one.product == part.product and one.days]
    if not courses:
        return _row("duration", arm, f"{weeks:g} weeks", [], "never checked")
    longest = max(courses, key=lambda one: one.days or 0.0)
    ratio = max(7 * weeks / (longest.days or 1.0), 1.0)
    return _row("duration", arm, f"{weeks:g} weeks", [longest], _by_ratio(ratio))


def _by_ratio(ratio: float) -> Distance:
    return "checked" if ratio <= _SAME else "near" if ratio <= _NEAR else "far"


def _apart(first: float, second: float) -> float:
    return max(first / second, second / first)


def _row(aspect: str, arm: str, asked: str, near: Sequence[Compared], distance: Distance) -> ApplicabilityRow:
    words = "; ".join(dict.fromkeys(one.where for one in near[:3])) or "nothing"
    more = len(dict.fromkeys(one.where for one in near)) - 3
    return ApplicabilityRow(
        aspect, arm, asked, words + (f"; and {more} more" if more > 0 else ""), len(near), distance,
        RULES[aspect],
    )  # fmt: skip


def family_of(endpoint: str) -> str:
    """Return the kind of quantity that an endpoint is: what counts as the same endpoint.

    >>> family_of("mfis"), family_of("share_BIF"), family_of("stool_butyrate")
    ('fatigue', 'guilds', 'stool acids')
    """
    return FAMILIES.get(endpoint) or _PLACE_FAMILY[ENDPOINTS[endpoint].place]


def _of_roles() -> Iterable[Compared]:
    """Yield the scored rows that the model itself answers; those of evidence alone are no check of it."""
    for row in scoreboard():
        if row.asked is None:
            continue
        product, dose = _given(row)
        where = f"{row.quantity} (target {row.id})"
        yield Compared(where, row.in_ms, product, _family(row), dose, row.measured.day or None)


def _given(row: Row) -> tuple[str, float | None]:
    """Return product and daily amount of a row: "" without a therapy."""
    if row.measured.contrast in (NONE, HEALTHY) and row.measured.dose == NONE:
        return "", None
    agent, _, rest = row.measured.dose.partition(" ")
    if agent == _DRUGS:
        return _DRUGS, None
    if agent == "diet":
        return ("high_fibre_diet" if rest == "fibre_40g" else rest), None
    found = re.match(r"([\d.e+]+)(?:-[\d.e+]+)? (g|mg)\b", rest)
    grams = None if found is None else float(found[1]) * (1e-3 if found[2] == "mg" else 1.0)
    return _AGENTS.get(agent, agent), grams


def _family(row: Row) -> str:
    if row.kind == "drug_class":
        return "relapses"
    if row.measured.taxon == "guild":
        return "guilds"
    if row.measured.specimen == "plasma":
        return "plasma acids" if row.unit == "mM" else "plasma"
    words = row.quantity.lower()
    known = (
        ("lesion", "lesions"),
        ("edss", "disability"),
        ("progression", "disability"),
        ("relapse", "relapses"),
    )
    return next((family for word, family in known if word in words), row.quantity)


def _of_scoreboard() -> Iterable[Compared]:
    """Yield the trials of the scoreboard that were not fitted, with what their workflows give."""
    for row in trial_rows():
        if row.status == "fitted":
            continue
        design = read_workflow(row.path).design
        arm = next(each for each in design.arms if each.name == row.active)
        seen = "forecast fresh" if row.status == "fresh" else "seen before"
        where = f"{row.study}, {row.kind}, {design.participants} people ({seen})"
        for part in arm.therapy.given:
            dose = None if part.dose is None or not part.dose.grams else part.dose.grams
            weeks = (design.visits[-1] if part.stop is None else part.stop) - part.start
            in_ms, days = row.population == "people with MS", 7.0 * weeks
            yield Compared(where, in_ms, part.product, row.kind, dose, days, row.status)


def _of_skill() -> Iterable[Compared]:
    for row in load_skill():
        if row.fitted == "no" and row.score == "crps":
            found = re.match(r"([\d.]+) g/day", row.dose)
            dose = float(found[1]) if found else None
            where = f"{row.study}, {row.quantities}, {row.people} people"
            yield Compared(where, False, row.product, row.quantities, dose, float(row.days))
