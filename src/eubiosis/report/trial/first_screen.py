"""What the first screen of a trial report says: words and cells, filled from the answer by fixed rules."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypedDict

from eubiosis.core.endpoints import in_sentence
from eubiosis.core.report_input import TrialReportInput
from eubiosis.core.trial_answer import ComparisonAnswer, Promise, TippingRow, TrialAnswer
from eubiosis.core.verdict import EffectWords
from eubiosis.report.trial.board import board_line
from eubiosis.report.trial.words import low_to_high, number, percent, wrapped

LONGEST_QUESTION, LONGEST_TITLE = 260, 140
SIMULATED = (
    "All of this is simulated or arithmetic on it: no evidence that a therapy works or is safe, no medical "
    "advice, and no number to quote as a finding."
)
NOT_CHECKED = "Nobody has stated how far this question lies from what the model was checked on."
_TONES = {"large enough": "yes", "not with this design": "no"}
_PRIORS = {
    "common": "common prior",
    "simulated worlds": "simulated worlds",
    "sceptical": "sceptical prior",
}
_ROLES = {
    "clinical": "",
    "biological": "biological",
    "exposure marker": "adherence",
}


class NamedCells(TypedDict):
    """A row of the table of endpoints that were named beforehand."""

    endpoint: str
    role: str
    untested: bool
    primary: bool
    arm: str
    relevant: str
    sees: str
    verdict: str
    tone: str
    common: str
    sceptical: str
    size: str


class FirstScreen(TypedDict):
    """The first screen in words."""

    question: str
    title: str
    of: str
    tone: str
    verdict: str
    facts: list[tuple[str, str]]
    named: list[NamedCells]
    assumption: str
    applicability: str
    scoreboard: str
    simulated: str
    step: str
    notes: tuple[str, ...]


def first_screen(report_input: TrialReportInput) -> FirstScreen:
    """Return the first screen; a report without an answer says that it has none."""
    answer = report_input.answer
    question = wrapped(report_input.question or "No question was stated.", LONGEST_QUESTION, 1)[0]
    title = wrapped(report_input.title or "A virtual trial", LONGEST_TITLE, 1)[0]
    if answer is None or not answer.rows:
        return {
            "question": question, "title": title, "of": "", "tone": "none",
            "verdict": "No verdict: this report was made from parts, without the simulated trials.",
            "facts": [], "named": [], "assumption": "", "applicability": _applicability(report_input),
            "scoreboard": board_line(report_input), "simulated": SIMULATED,
            "step": "", "notes": (),
        }  # fmt: skip
    primary = _deciding(answer)
    return {
        "question": question,
        "title": title,
        "of": f"{primary.label}, primary; {_arms(answer)} against {primary.control}; "
        f"{primary.participants:,} participants in all, {primary.weeks:g} weeks{_decides(primary)}",
        "tone": _TONES.get(answer.headline.kind, "none"),
        "verdict": answer.headline.text,
        "facts": _facts(primary),
        "named": [_named(row, report_input) for row in answer.rows],
        "assumption": _assumption(primary, answer.tipping),
        "applicability": _applicability(report_input),
        "scoreboard": board_line(report_input),
        "simulated": SIMULATED,
        "step": answer.step.text,
        "notes": answer.notes,
    }


def _applicability(report_input: TrialReportInput) -> str:
    """Return in one line how far the question lies from what was checked."""
    own = report_input.applicability
    return NOT_CHECKED if own is None else own.summary


def _deciding(answer: TrialAnswer) -> ComparisonAnswer:
    return next(row for row in answer.rows if row.primary and row.arm == answer.headline_of)


def _decides(row: ComparisonAnswer) -> str:
    return f"; {row.arm} decides" if row.comparisons > 1 else ""


def _arms(answer: TrialAnswer) -> str:
    return " and ".join(dict.fromkeys(row.arm for row in answer.rows if row.primary))


def _facts(row: ComparisonAnswer) -> list[tuple[str, str]]:
    """Return chance of success, wrong signs, size needed, control rate and multiplicity, in words."""
    lines = [
        ("Chance of success", _both(row, "assurance", "no prior, so none can be given")),
        ("Wrong signs among successes", _both(row, "wrong_sign", "as above")),
        ("Size needed", needed_text(row)),
    ]
    if row.level[0] is not None:
        best, stated, worst = row.level
        unit = "a year" if row.level_unit.startswith("1/") else row.level_unit
        lines.append(
            (
                "Control rate",
                f"{number(stated)} {unit} as stated; counted from {number(worst)} to {number(best)}",
            )
        )
    else:
        lines.append(("Control rate", "plays no part in this endpoint"))
    share = (
        f"two-sided level {row.alpha:.3g} each" if row.comparisons > 1 else f"two-sided level {row.alpha:g}"
    )
    many = f"{row.comparisons} comparisons" if row.comparisons > 1 else "1 comparison"
    lines.append(("Multiplicity", f"{many}, {share}; power {percent(row.power)}"))
    return lines


def _both(row: ComparisonAnswer, name: str, lacking: str) -> str:
    found = {one.prior: one for one in row.promises}
    order = sorted(_PRIORS, key=lambda prior: prior == "simulated worlds" and "common" in found)
    said = [
        f"{small_percent(getattr(found[prior], name))} ({_PRIORS[prior]})"
        for prior in order
        if prior in found
    ]
    return ", ".join(said) or lacking


def small_percent(share: float) -> str:
    """Write a share in percent; below one percent it is said so, and not rounded to none.

    >>> small_percent(0.271), small_percent(0.0021), small_percent(0.0)
    ('27\\xa0%', 'under 1\\xa0%', '0\\xa0%')
    """
    if not math.isfinite(share):
        return "not estimable"
    return percent(share) if share >= 0.0095 or share == 0 else "under 1\u00a0%"


def needed_text(row: ComparisonAnswer) -> str:
    """Say how many participants of the whole trial see the relevant effect.

    With a control rate this is the size at its worst level, the stated one in brackets.
    """
    if row.verdict.kind == "not estimable":
        return "not estimable"
    if row.relevant is None:
        return "cannot be given without a relevant difference"
    _, stated, worst = row.participants_needed
    if worst is None:
        middle = "" if stated is None else f" ({stated:,} at the stated control rate)"
        return f"more than 100,000 participants in all{middle}"
    middle = f" ({stated:,} at the stated control rate)" if row.level[0] is not None and stated else ""
    return f"{worst:,} participants in all{middle}"


def _named(row: ComparisonAnswer, report_input: TrialReportInput) -> NamedCells:
    found = {one.prior: one for one in row.promises}
    tested = next(
        (e.tested for e in report_input.effects if (e.endpoint, e.arm) == (row.endpoint, row.arm)), ""
    )
    return {
        "endpoint": row.label,
        "role": _ROLES[row.role],
        "untested": bool(tested),
        "primary": row.primary,
        "arm": row.arm,
        "relevant": "none named" if row.relevant is None else _stated(row),
        "sees": _sees(row),
        "verdict": row.verdict.text,
        "tone": _TONES.get(row.verdict.kind, "none"),
        "common": _assured(found.get("common") or found.get("simulated worlds")),
        "sceptical": _assured(found.get("sceptical")),
        "size": needed_text(row),
    }


def _stated(row: ComparisonAnswer) -> str:
    return f"ratio {row.relevant:g}" if row.scale == "ratio" else f"{row.relevant:g} {row.unit}"


def _sees(row: ComparisonAnswer) -> str:
    if row.verdict.kind == "not estimable":
        return "not estimable"
    worst = row.detectable[2]
    if worst is None:
        return "no effect, however large"
    size = abs(math.log(worst)) if row.scale == "ratio" else worst
    return EffectWords(row.label, row.scale, row.unit, row.better == "lower").of(size)


def _assured(one: Promise | None) -> str:
    if one is None:
        return "–"
    mark = "" if one.prior != "simulated worlds" else " (worlds)"
    return f"{small_percent(one.assurance)}{mark}; wrong sign {small_percent(one.wrong_sign)}"


def _assumption(row: ComparisonAnswer, forms: Sequence[TippingRow]) -> str:
    """Say that the interval is an assumption, not a bound, and where it would tip, in all and by form."""
    if row.role != "clinical" or not all(math.isfinite(q) for q in row.interval):
        return ""
    unit = "a ratio" if row.scale == "ratio" else row.unit
    said = (
        f"The simulated worlds let {in_sentence(row.label)} move from {low_to_high(row.interval)} "
        f"({unit}, {row.arm}): an "
        "assumption, not a bound on the effect."
    )
    if row.relevant is None:
        return said
    if row.tipping is None:
        return f"{said} No world moves it towards benefit, so no strength of the mechanism makes it matter."
    if row.tipping <= 1:
        words = f"{_stated(row)} lies inside it, which says nothing about whether it is there"
    else:
        times = number(row.tipping)
        words = (
            f"to reach {_stated(row)} the mechanism would have to be {times} times as strong as at its edge "
            f"in all worlds together{_by_form(row, forms)}"
        )
    doubling = ""
    if row.per_doubling is not None and row.per_doubling < 1:
        doubling = (
            "; through acids alone, every doubling of acids would have to bring relapses down to a ratio of "
            f"{number(row.per_doubling) if row.per_doubling >= 0.001 else 'under 0.001'}"
        )
    return f"{said} Tipping point: {words}{doubling}."


def _by_form(row: ComparisonAnswer, forms: Sequence[TippingRow]) -> str:
    """Say what single forms of the model would need: their worlds are fewer, their edges elsewhere."""
    own = [
        one.factor
        for one in forms
        if (one.endpoint, one.arm) == (row.endpoint, row.arm) and one.form != "outside" and one.factor
    ]
    if len(own) < 2:
        return ""
    return f"; by form of the model {number(min(own))} to {number(max(own))} times, each from its own edge"
