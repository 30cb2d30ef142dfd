"""What a trialist and a statistician stumbled over when they read the pages word by word, kind by kind."""

from __future__ import annotations

import dataclasses
import html
import re
from pathlib import Path

import pytest
from answer_factory import make_answer, make_line, make_row
from figures_factory import make_figures_input
from report_input_factory import make_report_input

from eubiosis.core.endpoints import in_sentence
from eubiosis.core.report_input import AssumptionRow, BurdenLine, HarmLine
from eubiosis.core.trial_answer import FingerprintRow, Promise, TippingRow
from eubiosis.evidence import load
from eubiosis.evidence.integrity.claims import audit
from eubiosis.evidence.synthesis.certainty import grade
from eubiosis.evidence.synthesis.pool_record import pool_report
from eubiosis.evidence.synthesis.pooling import pool
from eubiosis.report.abbreviations import used
from eubiosis.report.brief.page import brief_html
from eubiosis.report.evidence.page import audit_page, pool_page
from eubiosis.report.trial.courses import course_texts
from eubiosis.report.trial.first_screen import first_screen
from eubiosis.report.trial.page import trial_report
from eubiosis.report.trial.power_lengths import length_cells
from eubiosis.report.trial.tipping import fingerprint_cells, fingerprint_words
from eubiosis.workflow.brief import brief

BRIEFS = Path(__file__).parents[3] / "src" / "eubiosis" / "content" / "briefs"
WORLDS = Promise("simulated worlds", "the worlds", 0.0126, 0.4577, 0.494, None)
MARKER = {
    "endpoint": "stool_butyrate", "label": "Butyrate in stool", "role": "exposure marker", "scale": "ratio",
    "better": "higher", "relevant": 1.2, "interval": (0.86, 1.11, 1.43),
}  # fmt: skip


def plain(page: str) -> str:
    """Return the visible text of a page with plain spaces."""
    body = re.sub(r"<(script|style|pre|code)\b.*?</\1>", " ", page, flags=re.DOTALL)
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]*>", " ", body)).replace("\u00a0", " "))


def test_the_first_screen_says_the_wrong_signs_of_the_worlds_beside_the_priors():
    """A wide prior makes wrong signs rare; under the worlds nearly half of the successes had one."""
    row = make_row()
    row = dataclasses.replace(row, promises=(*row.promises, WORLDS))
    answer = make_answer(rows=(row,), lines=(make_line(row),), pictured=("mfis",))
    facts = {name: text.replace("\u00a0", " ") for name, text in
             first_screen(make_report_input(answer=answer))["facts"]}  # fmt: skip
    assert facts["Wrong signs among successes"] == (
        "under 1 % (common prior), 3 % (sceptical prior), 46 % (simulated worlds)"
    )
    assert facts["Chance of success"].endswith("1 % (simulated worlds)")


def test_the_tipping_point_of_all_worlds_does_not_contradict_those_of_single_forms():
    tips = tuple(
        TippingRow("mfis", "fatigue", "inulin", form, form, 4.0, "difference", "points", -1.0, factor, 10)
        for form, factor in (("N0", 71.2), ("N1", 8.15), ("N2", 2.28), ("N3", None), ("outside", 0.1))
    )
    said = first_screen(make_report_input(answer=make_answer(tipping=tips)))["assumption"]
    assert "5.40 times as strong as at its edge in all worlds together" in said
    assert "by form of the model 2.28 to 71.2 times, each from its own edge" in said


def test_a_marker_of_adherence_has_no_benefit_on_the_page_of_its_own_trial():
    row = make_row(**MARKER)
    answer = make_answer(rows=(row,), lines=(make_line(row),), pictured=("stool_butyrate",))
    page = plain(trial_report(make_report_input(answer=answer)))
    said = "Of butyrate in stool neither direction is better: there more stands in the place of benefit."
    assert page.count(said) == 2  # under the picture of power, and above the table of named endpoints
    clinical = plain(trial_report(make_report_input(answer=make_answer())))
    assert "in the place of benefit" not in clinical


def test_a_power_of_the_formula_is_never_all():
    """Kept with four decimals, 0.99996 is 1: a power of 100 % is none that a trial has."""
    made = make_figures_input()
    assert made.answer is not None
    lines = tuple(
        dataclasses.replace(
            line, low=(0.0,) * len(line.low), middle=(1.0,) * len(line.middle), high=(1.0,) * len(line.high)
        )
        for line in made.answer.lines
    )
    sure = dataclasses.replace(made, answer=dataclasses.replace(made.answer, lines=lines))
    cells = [row["relevant"].replace("\u00a0", " ") for row in length_cells(sure) if row["relevant"] != "–"]
    assert cells
    assert set(cells) == {"over 99 % (under 1 % to over 99 %)"}


def test_redrawn_trials_are_told_from_those_of_the_table_of_effects():
    made = make_figures_input()
    assert made.surface is not None
    page = plain(trial_report(made))
    said = f"Those trials are redrawn, each from {made.surface.pool:,} simulated people of a pair of worlds"
    assert said in page
    assert "they are not the trials of the table of effects" in page


def test_courses_name_the_trials_that_they_are_of():
    made = make_report_input()
    counted = tuple(dataclasses.replace(band, trials=36, people=120.0) for band in made.courses)
    page = trial_report(dataclasses.replace(made, courses=counted))
    start = page.index('<section id="courses"')
    (caption,) = re.findall(r"<figcaption>(.*?)</figcaption>", page[start : page.index("</section>", start)])
    assert "n = 36 trials, the first of each pair of worlds × 120 participants." in caption
    assert "trial in each" not in caption
    assert "trials in each" not in caption


@pytest.fixture(scope="module")
def risks() -> str:
    base = {"serious": True, "source": "", "control": None, "excluded": 0.072}
    harms = (
        HarmLine("inulin", "gi", "gastrointestinal event", published="none", simulated=None, limit=0.1,
                 size=29, **{**base, "serious": False}),
        HarmLine("inulin", "s", "serious adverse event", published="none", simulated=0.007, limit=0.037,
                 size=1168, **base),
        HarmLine("inulin", "any", "any adverse event", published="none", simulated=0.95, limit=1.05,
                 size=None, **base),
    )  # fmt: skip
    burden = (BurdenLine("placebo", 336, 0, 0, 5), BurdenLine("propionate", 1344, 0, 0, 5))
    return trial_report(make_report_input(harms=harms, burden=burden))


def test_a_size_over_a_risk_says_which_is_which(risks):
    text = plain(risks)
    assert "29 people to exclude 10.0 % or more" in text
    assert "1,168 people to exclude 3.7 % or more" in text
    assert "where a harm is not simulated it is the excess alone, if nobody has the harm" in text
    assert "serious adverse event serious" not in text


def test_a_burden_says_of_whom_and_that_blinding_takes_more(risks):
    text = plain(risks)
    assert "Burden of one participant over the trial, as planned." in text
    assert "a blinded trial gives everybody the same number, with dummies" in text
    assert "1,344" in text
    same = trial_report(make_report_input(
        harms=(HarmLine("a", "b", "c", False, "", "", None, None, 0.1, 0.1, 29),),
        burden=(BurdenLine("placebo", 336, 0, 0, 5), BurdenLine("inulin", 336, 0, 0, 5)),
    ))  # fmt: skip
    assert "dummies" not in same


def test_what_a_course_rounds_to_none_is_said_to_lie_under_it():
    assert course_texts((0.0, 0.04, 0.3), 27.3) == ["0.0", "under 0.1", "0.3"]
    assert course_texts((0.004, 0.45), 6.1) == ["under 0.01", "0.45"]


def test_counts_have_no_week_and_no_samples():
    row = FingerprintRow("relapses", "Relapses", "inulin", 48.0, ("N0", "N2"), 90, 1, 0.7, 0.9, 756)
    said = fingerprint_words([row])
    assert "the best marker is relapses over 48 weeks (inulin): it names" in said
    assert "Relapses over 48 weeks would reach 80 %" in said
    assert "sample" not in said.partition("Markers")[0]
    assert fingerprint_cells([row])[0]["samples"] == "–"


def test_a_label_in_a_sentence_keeps_names_and_loses_the_capital_of_a_word():
    assert in_sentence("Beck Depression Inventory") == "Beck Depression Inventory"
    assert in_sentence("Short-chain fatty acids in stool") == "short-chain fatty acids in stool"
    assert in_sentence("C-reactive protein") == "C-reactive protein"
    assert in_sentence("Regulatory T cells") == "regulatory T cells"


def test_numbers_of_the_model_have_no_exponents_of_a_machine():
    rows = [
        AssumptionRow(f"n{k}", "a number", value, "-", value / 2, 2 * value, "assumed", "", "s", "", "r")
        for k, value in enumerate((2e-5, 6.7e11, 1e9))
    ]
    text = plain(trial_report(make_report_input(assumptions=tuple(rows)))).partition("by what they do")[2]
    text = text.partition("Methods, and what")[0]
    assert not re.search(r"\de[-−+]?\d", text)
    assert "0.00002" in text
    assert "6.7 × 10¹¹" in text


def test_abbreviations_with_odd_letters_are_spelled_out_too():
    found = dict(used("<p>hs-CRP, IL-6, 25(OH)D, mmol/gDW, 58 gDW, GC-MS</p>"))
    assert set(found) >= {"hs-CRP", "IL-6", "25(OH)D", "gDW", "GC-MS"}
    assert "IL-10" not in found


@pytest.fixture(scope="module")
def briefs() -> dict[str, str]:
    return {path.stem: plain(brief_html(brief(path))) for path in sorted(BRIEFS.glob("*.yaml"))}


def test_a_brief_writes_units_and_names_alike_everywhere(briefs):
    for name, text in briefs.items():
        assert not re.search(r"\bu(?:g|mol|M)\b", text), name
        assert "expanded Disability" not in text, name
        assert not re.search(r"pooled High-", text), name


def test_a_phrase_of_a_source_is_not_taken_for_a_count_of_harms(briefs):
    for name, text in briefs.items():
        quoted = "“" in text.partition("Records of harms")[2].partition("By length")[0]
        assert ("a phrase without a count says nothing of safety" in text) == quoted, name
    assert any("says nothing of safety" in text for text in briefs.values())


def test_the_answer_names_the_size_that_a_cut_off_may_ask_for(briefs):
    text = briefs["fibre_add_on"]
    answer = text.partition("The answer")[2].partition("The control arm")[0]
    assert re.search(r"148 per arm at 1 year; 174 if the correlation given is of people not chosen", answer)


@pytest.fixture(scope="module")
def audited() -> str:
    return audit_page(audit())


@pytest.fixture(scope="module")
def pooled() -> str:
    found = pool("hs-CRP", "probiotic")
    return pool_page(pool_report(found, grade(found, load())))


def test_pool_and_audit_speak_of_studies_by_name_with_true_signs(pooled, audited):
    page, claims = plain(pooled), plain(audited)
    for text in (page, claims):
        assert not re.search(r"(?<![\w/.-])[a-z]+20\d\d(?![\w/])", text)
        assert not re.search(r"\bug/mL\b|[\s\[]-\d", text)
    assert "Kouchaki 2017" in page
    assert "µg/mL" in page
    assert "none of 1 " not in claims
    assert not re.search(r"\b1 records\b", claims)
    assert "hs_CRP (" not in claims


def test_every_table_of_pool_and_audit_says_what_it_is(pooled, audited):
    for page in (pooled, audited):
        assert page.count("<table") == page.count("<caption")


def test_on_paper_no_caption_is_parted_from_its_table_and_no_filter_is_printed():
    css = (BRIEFS.parents[1] / "report" / "templates" / "eubiosis.css").read_text(encoding="utf-8")
    paper = css.partition("@media print")[2]
    together = re.search(r"h2, h3, h4,([^{]*)\{ break-after: avoid; \}", paper)
    assert together is not None
    assert {"summary", "caption"} <= {name.strip() for name in together[1].split(",")}
    hidden = re.search(r"nav,([^{]*)\{ display: none", paper)
    assert hidden is not None
    assert "#filters" in hidden[1]
    assert "tbody > tr:first-child { break-before: avoid; }" in paper
