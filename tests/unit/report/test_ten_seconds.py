"""What a reader is meant to say after ten seconds: the words that docs/concepts/report.md names are there."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest
from answer_factory import make_answer, make_line, make_row
from board_factory import make_board
from report_input_factory import make_report_input

from eubiosis.core.trial_answer import NextStep, TrialAnswer, TrialVerdict
from eubiosis.core.verdict import EffectWords, Reach, verdict
from eubiosis.report.trial.page import trial_report

DOC = Path(__file__).parents[3] / "docs" / "concepts" / "report.md"
MFIS = EffectWords("Fatigue (MFIS)", "difference", "points", falls=True)
RELAPSES = EffectWords("Relapses", "ratio", "1/year", falls=True)
HEADINGS = {
    "Like the demonstration": "demonstration",
    "Not large enough": "low rate",
    "Large enough": "large",
    "A verdict that cannot be given": "none",
}


def one(row, step: NextStep) -> TrialAnswer:
    return make_answer(
        headline=row.verdict, headline_of=row.arm, rows=(row,), lines=(make_line(row),), pictured=("mfis",),
        tipping=(), what_if=(), step=step,
    )  # fmt: skip


def answers() -> dict[str, TrialAnswer]:
    """Return the four answers; verdicts are those of the rules, not typed."""
    low = verdict(Reach((0.5, 0.693, 1.2), 0.2231, rated=True), RELAPSES)
    large = verdict(Reach((3.0, 3.05, 3.1), 4.0), MFIS)
    unnamed = verdict(Reach((7.4, 8.1, 8.7), None), MFIS)
    relapses = make_row(
        label="relapses per year", scale="ratio", unit="1/year", relevant=0.8, level=(0.507, 0.3, 0.178),
        level_unit="1/year", participants_needed=(4284, 7719, 14_244), verdict=low,
    )  # fmt: skip
    line = dataclasses.replace(make_line(make_row(relevant=None)), low=(), middle=(), high=())
    cannot = make_row(relevant=None, verdict=unnamed, participants_needed=(None,) * 3, tipping=None)
    return {
        "demonstration": make_answer(),
        "low rate": one(relapses, NextStep("none", "None within reach: relapses would need 14,244 people.")),
        "large": one(
            make_row(participants=960, verdict=large, detectable=(3.0, 3.05, 3.1)),
            NextStep("none", "None: keep this design."),
        ),
        "none": dataclasses.replace(
            one(cannot, NextStep("relevant difference", "Name beforehand which effect would matter.")),
            lines=(line,),
        ),
    }


def meant() -> dict[str, list[str]]:
    """Return the words that the page of each report must say, in order, as the documentation names them."""
    found: dict[str, list[str]] = {}
    for part in DOC.read_text(encoding="utf-8").split("\n### ")[1:]:
        heading, _, body = part.partition("\n")
        name = next(value for key, value in HEADINGS.items() if heading.startswith(key))
        rows = [line.split("|")[2] for line in body.split("\n## ")[0].splitlines() if line.startswith("| ")]
        found[name] = [words for row in rows for words in re.findall(r"`([^`]+)`", row)]
    return found


def first_screen_text(answer: TrialAnswer) -> str:
    page = trial_report(make_report_input(answer=answer, scoreboard=make_board()))
    text = page[page.index('<div id="answer">') : page.index('<nav aria-label="Sections"')]
    text = re.sub(r"<(select|pre|svg).*?</\1>", " ", text, flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", text).replace("\u00a0", " ").split())


@pytest.mark.parametrize("name", HEADINGS.values())
def test_the_words_of_the_first_screen_say_it_in_order(name):
    words, text = meant()[name], first_screen_text(answers()[name])
    assert len(words) >= 7
    places = [text.find(one) for one in words]
    assert -1 not in places, [one for one, place in zip(words, places, strict=True) if place < 0]
    assert places == sorted(places)


def test_only_the_large_one_is_called_large_and_none_is_praised():
    for name, answer in answers().items():
        text = first_screen_text(answer)
        assert ("Large enough if" in text) == (name == "large")
        assert not re.search(r"\b(effective|promising|beneficial|significant benefit)\b", text)


def test_verdicts_without_a_size_name_none():
    text = first_screen_text(answers()["none"])
    assert "participants in all (" not in text
    assert isinstance(answers()["none"].headline, TrialVerdict)
