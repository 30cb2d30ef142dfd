"""What a reader is meant to say after ten seconds of the first screen: the words say it, and nothing else."""

from __future__ import annotations

import dataclasses
import math
import re

import pytest
from answer_factory import make_answer, make_line, make_row
from report_input_factory import make_report_input

from eubiosis.core.applicability import Applicability
from eubiosis.core.trial_answer import NextStep, TrialVerdict
from eubiosis.report.trial.first_screen import first_screen, needed_text, small_percent
from eubiosis.report.trial.page import trial_report
from eubiosis.report.trial.power_picture import picture_legend, power_picture
from eubiosis.report.trial.tipping import blind_markers, fingerprint_parts

NAN = math.nan


def seen(page: str) -> str:
    """Return the text of the first screen: what stands before the sections."""
    start = page.index('<div id="answer">')
    text = page[start : page.index('<nav aria-label="Sections"')]
    text = re.sub(r"<(select|pre|svg).*?</\1>", " ", text, flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", text).split())


@pytest.fixture(scope="module")
def text() -> str:
    report = make_report_input(answer=make_answer())
    checked = Applicability("Far: nobody has compared a prediction of fatigue with people.", "far", 3, ())
    return seen(trial_report(dataclasses.replace(report, applicability=checked)))


def test_after_ten_seconds_a_reader_can_say_it(text):
    """docs/how_to/read_a_report.md says what that is; each half-sentence is found here, in order."""
    meant = [
        "Does 10 g of inulin or 1 g of propionate",  # this is the question
        "Modified Fatigue Impact Scale, primary",  # on this endpoint
        "120 participants in all, 48 weeks",  # this design
        "Not with this design: it sees only a true effect of 8.8 points or more (relevant: 4 points).",
        "Chance of success",
        "28 % (common prior), 5 % (sceptical prior)",  # would probably not succeed
        "Wrong signs among successes",
        "under 1 % (common prior), 3 % (sceptical prior)",
        "Size needed",
        "571 participants in all",  # it would take so many
        "2 comparisons, two-sided level 0.025 each",
        "an assumption, not a bound on the effect",  # the model's interval is no evidence
        "Tipping point: to reach 4 points the mechanism would have to be 5.40 times as strong",
        "power if the true effect is the relevant one",
        "Next step",
        "Size: 576 participants in all.",  # do this next
        "Far: nobody has compared a prediction of fatigue with people.",  # so far from what was checked
        "All of this is simulated or arithmetic on it: no evidence that a therapy works",
    ]
    places = [text.index(words) for words in meant]
    assert places == sorted(places)


def test_that_all_is_simulated_is_said_once_in_words(text):
    assert text.count("All of this is simulated") == 1
    assert text.count("no medical advice") == 1
    assert "UNTESTED" not in text
    assert "no trial in our tables" not in text


def test_no_word_of_it_praises(text):
    assert not re.search(
        r"\b(effective|beneficial|promising|improves?|reduces?|works well|superior)\b", text.lower()
    )


def test_the_tone_follows_the_verdict_alone():
    tones = {"large enough": "yes", "not with this design": "no", "no relevant difference": "none"}
    for kind, tone in tones.items():
        answer = make_answer(headline=TrialVerdict(kind, kind))
        assert first_screen(make_report_input(answer=answer))["tone"] == tone
        assert f'class="ruling {tone}"' in trial_report(make_report_input(answer=answer))


def test_a_control_rate_shows_its_band_and_the_size_at_its_worst():
    row = make_row(
        label="relapses",
        scale="ratio",
        unit="1/year",
        relevant=0.8,
        level=(0.507, 0.3, 0.178),
        level_unit="1/year",
        participants_needed=(4284, 7719, 14244),
        interval=(0.6, 1.0, 1.67),
        tipping=0.44,
        per_doubling=0.295,
    )
    answer = make_answer(rows=(row,), lines=(make_line(row),), pictured=("mfis",))
    screen = first_screen(make_report_input(answer=answer))
    facts = dict(screen["facts"])
    assert facts["Control rate"] == "0.300 a year as stated; counted from 0.178 to 0.507"
    assert facts["Size needed"] == "14,244 participants in all (7,719 at the stated control rate)"
    said = "ratio 0.8 lies inside it, which says nothing about whether it is there; through acids alone, "
    assert (
        said + "every doubling of acids would have to bring relapses down to a ratio of 0.295"
        in screen["assumption"]
    )
    assert "Band: control rate from 0.178 to 0.507" in trial_report(make_report_input(answer=answer))
    beyond = dataclasses.replace(row, participants_needed=(4284, None, None))
    assert needed_text(beyond) == "more than 100,000 participants in all"


def test_a_design_without_a_relevant_difference_says_that_no_verdict_can_be_given():
    verdict = TrialVerdict("no relevant difference", "No verdict: the design names no relevant difference.")
    row = make_row(relevant=None, verdict=verdict, tipping=None, participants_needed=(None,) * 3)
    line = dataclasses.replace(make_line(row), low=(), middle=(), high=())
    answer = make_answer(
        headline=verdict,
        rows=(row,),
        lines=(line,),
        pictured=("mfis",),
        tipping=(),
        what_if=(),
        step=NextStep("relevant difference", "Name beforehand which effect would matter."),
    )
    report = make_report_input(answer=answer)
    page = trial_report(report)
    assert "No verdict: the design names no relevant difference." in seen(page)
    assert "cannot be given without a relevant difference" in seen(page)
    assert [words for _, words in picture_legend(report)] == [
        "Modified Fatigue Impact Scale, inulin: assurance under the common prior"
    ]
    assert "power if the true effect" not in page


def test_an_endpoint_without_any_finite_estimate_is_said_to_have_none():
    verdict = TrialVerdict("not estimable", "No verdict: no simulated trial gave a finite estimate of it.")
    row = make_row(
        verdict=verdict,
        detectable=(None,) * 3,
        participants_needed=(None,) * 3,
        promises=(),
        standard_error=NAN,
        interval=(NAN,) * 3,
        tipping=None,
        simulated_power=NAN,
        not_usable=288,
    )
    answer = make_answer(headline=verdict, rows=(row,), lines=(), pictured=("mfis",), what_if=(), tipping=())
    report = make_report_input(answer=answer)
    assert power_picture(report) == ""
    page = trial_report(report)
    text = seen(page)
    assert "No verdict: no simulated trial gave a finite estimate of it." in text
    assert "Size needed not estimable" in text
    assert "No power can be drawn" in text
    assert not re.search(r"\b(nan|inf)\b", text, re.IGNORECASE)


def test_a_title_without_end_is_cut_and_a_hostile_one_is_text():
    long = make_report_input(answer=make_answer(), question="w" * 100_000, title="x" * 100_000)
    screen = first_screen(long)
    assert len(screen["question"]) <= 260
    assert screen["question"].endswith("…")
    assert screen["title"].startswith("x" * 100)  # one word without an end is cut, not lost
    assert len(screen["title"]) <= 140
    page = trial_report(long)
    assert len(seen(page)) < 5_000
    assert page.count("x" * 100_000) == 1  # in the data, whole
    evil = '<script>alert(1)</script>" onload=x {{ 7*7 }}'
    page = trial_report(make_report_input(answer=make_answer(), question=evil, title=evil))
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "{{ 7*7 }}" in page


def test_the_picture_holds_the_design_and_both_endpoints():
    report = make_report_input(answer=make_answer())
    svg = power_picture(report)
    assert "this design, 120" in svg
    assert svg.count("<polygon") == 2
    assert svg.count("<polyline") == 3  # two powers, and one assurance
    assert "power 20\u00a0% (18\u00a0% to 22\u00a0%)" in svg
    assert len(picture_legend(report)) == 3


def test_small_shares_are_not_rounded_to_none():
    assert small_percent(NAN) == "not estimable"
    assert small_percent(0.0095) == "1\u00a0%"
    assert small_percent(0.005) == "under 1\u00a0%"


def test_the_fingerprint_shows_the_best_of_each_marker_and_folds_the_rest():
    row = make_answer().fingerprint[0]
    rows = [
        dataclasses.replace(row, chance=0.75),
        dataclasses.replace(row, chance=0.7, week=24.0),
        dataclasses.replace(row, chance=0.65, samples=1),
        dataclasses.replace(row, chance=0.6, endpoint="relapses", label="Relapses", week=48.0, samples=1),
    ]
    (_, best), (words, rest) = fingerprint_parts(rows)
    assert [(one["label"], one["week"], one["chance"]) for one in best] == [
        ("regulatory T cells", "12", "75\xa0%"),
        ("regulatory T cells", "12", "65\xa0%"),
        ("Relapses", "48, whole follow-up", "60\xa0%"),
    ]
    assert [one["week"] for one in rest] == ["24"]
    assert words.startswith("1 more")
    assert len(fingerprint_parts(rows[:1])) == 1
    blind = [label for label, _ in blind_markers()]
    assert "Butyrate in plasma" in blind
    assert "Share of Faecalibacterium" in blind
    assert "Regulatory T cells" not in blind
