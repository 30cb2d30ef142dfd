"""The pages of forecasts against real cohorts: statistics over people in words and tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import exvivo
import imsms
from studies import NOT_REPRESENTABLE, Case

from eubiosis.core.stool_forecast import ClassScore, StudyScores
from eubiosis.core.stool_profile import ProfileSection, SectionTable
from eubiosis.report.forecast_page.page import sections_page
from eubiosis.workflow.forecast.section import scores_section

CLASSES = {"guild": "guilds", "stool": "stool acids", "plasma": "plasma acids"}
LEAD = (
    "What the model forecast for each person of a finished study from their own baseline, against what was "
    "measured, beside three simple competitors. Statistics over people only."
)
WHY = (
    "Why the sum wins, as far as it was found: it goes with all acids together as much as with butyrate, so "
    "it shows how much was fermented rather than who made its butyrate. With one diet for everybody the "
    "model's total goes with nothing.",
    "What helped, by mechanism and without these acids: how much carbohydrate reaches a person's colon, "
    "inferred from their own composition (rows 'supply inferred'; population/supply.py), with the spread of "
    "dietary fibre between people as prior. The supply itself goes with all acids better than the plain sum "
    "does. It does not go with the fibre that people report to eat, so it is not a measure of diet. It was "
    "the one that helped of four ideas tried on these same people: a fresh cohort has to confirm it.",
    "What did not help: transit inferred in the same way; compositions without shrinkage (.15); the mean of "
    "60 gut worlds (.13). The regression has seen the acids of the other households and shows what "
    "composition holds.",
    "The gut was fitted to the ratio of MS to controls of these acids across sites, never to who has more.",
)


@dataclass(frozen=True)
class Found:
    """Everything that one run of the script found."""

    scored: tuple[tuple[Case, StudyScores], ...]
    tubes: tuple[exvivo.TubeScore, ...]
    contrasts: tuple[imsms.ContrastRow, ...]
    correlations: tuple[imsms.CorrelationRow, ...]
    absent: tuple[str, ...]


_SEEN = "Scored before with another stand-in for the therapy: no fresh test. "


def pages_of(found: Found) -> dict[str, str]:
    """Return the pages by name: one for the interventions, one for tubes, one for iMSMS."""
    interventions = [
        _summary(found),
        *(_study(case, scores) for case, scores in found.scored),
        _left_out(),
    ]
    pages = {"interventions": sections_page("Forecasts against finished studies", LEAD, interventions)}
    if found.tubes:
        pages["exvivo"] = sections_page("Stool in a tube", LEAD, [_tubes(found.tubes)])
    if found.correlations:
        lead = "Development sites A to D: what composition says of stool acids, and of MS."
        pages["imsms"] = sections_page("iMSMS: stool acids and contrasts", lead, _imsms(found))
    return pages


def place_of(one: ClassScore) -> str:
    """Return the class of a score's quantities: "guild", "stool" or "plasma"."""
    first = one.quantities[0]
    return "guild" if first.startswith("share_") else first.split("_", 1)[0]


def _study(case: Case, scores: StudyScores) -> ProfileSection:
    made = scores_section(scores, case.study, name=case.study)
    fitted = ", ".join(CLASSES[place] for place in case.fitted)
    about = (
        f"{case.source}; licence {case.licence}. Given: {case.dose}, {case.days} days. "
        f"{f'FITTED: {fitted}. ' if fitted else 'Never fitted. '}{_SEEN if case.seen else ''}"
        f"{case.note[:1].upper()}{case.note[1:]}."
    )
    refused = "; ".join(case.published.refused)
    notes = (f"Published mean change: none{f' ({refused})' if refused else ''}.",)
    if case.published.changes:
        notes = (f"Published mean change: {len(case.published.changes)} figures.",)
    said = (made.first_line, about, *notes, *made.paragraphs[1:])
    return ProfileSection(made.name, case.study, "", said, made.tables, (), made.data)


def _summary(found: Found) -> ProfileSection:
    rows = [(case, one) for case, scores in found.scored for one in scores.classes if one.score == "crps"]
    beaten = sum(one.gain_low > 0 for _, one in rows)
    line = (
        "CRPS: the model beats every simple competitor (no change, regression to the mean, published mean) "
        f"in {beaten} of {len(rows)} studies and classes."
    )
    table = SectionTable(
        "CRPS of log changes; smaller is better",
        ("study", "quantities", "people", "fitted", "model", "best competitor", "gain (95 %)"),
        tuple(
            (
                case.study,
                CLASSES[place_of(one)],
                str(one.people),
                "fitted" if place_of(one) in case.fitted else "seen" if case.seen else "no",
                f"{one.by_method['model']:.3f}",
                f"{one.best.replace('_', ' ')} {one.by_method[one.best]:.3f}",
                _gain(one),
            )
            for case, one in rows
        ),
        (2, 4, 5, 6),
    )
    return ProfileSection("summary", "In one table", line, (), (table,))


def _gain(one: ClassScore) -> str:
    return f"{one.gain:+.3f} ({one.gain_low:+.3f} to {one.gain_high:+.3f})"


def _left_out() -> ProfileSection:
    rows = tuple((one.study, one.reason, one.source, one.licence) for one in NOT_REPRESENTABLE)
    table = SectionTable("Not representable", ("study", "why", "source", "licence"), rows)
    return ProfileSection("left_out", "Studies that are not scored", tables=(table,))


def _tubes(tubes: Sequence[exvivo.TubeScore]) -> ProfileSection:
    rows = tuple(
        (
            f"{t.study}: {t.fibre}, {t.acid}",
            str(t.donors),
            _effect(t.measured, t.measured_low, t.measured_high),
            f"{t.forecast:+.2f}",
            f"{t.mae:.2f}",
            f"{t.mae_no_change:.2f}",
            f"{t.mae_others:.2f}",
            f"{t.rank:+.2f}",
        )
        for t in tubes
    )
    nearer, as_good = (sum(t.mae < rival(t) for t in tubes) for rival in (_no_change, _others))
    line = (
        f"Stool in a tube with fibre: the model is nearer than no change in {nearer} of {len(tubes)} acids "
        f"and fibres, nearer than the mean of the other donors (which has seen the study) in {as_good}."
    )
    columns = (
        "study, fibre, acid", "donors", "measured (95 %)", "forecast", "MAE model", "MAE no change",
        "MAE mean of the other donors", "rank correlation",
    )  # fmt: skip
    table = SectionTable(
        "Log ratio of an acid with over without fibre, over donors", columns, rows, tuple(range(1, 8))
    )
    assumed = (
        f"Dilution {exvivo.DILUTION:g}, {exvivo.GRAMS:g} g/L of fibre and the hours of study B are assumed, "
        "and the size of a ratio depends on them. Study B's blanks hold almost no acid. Regression to the "
        "mean and a published mean do not exist here: both tubes are of one stool, and no other study is in "
        "the tables."
    )
    return ProfileSection("exvivo", "Quinn-Bohmann 2024, studies B and C", line, (assumed,), (table,))


def _no_change(tube: exvivo.TubeScore) -> float:
    return tube.mae_no_change


def _others(tube: exvivo.TubeScore) -> float:
    return tube.mae_others


def _imsms(found: Found) -> list[ProfileSection]:
    sites = sorted({row.where for row in found.correlations} - {"within sites"})
    at = {(row.predictor, row.measured, row.where): row for row in found.correlations}
    correlations = tuple(
        (
            row.predictor,
            row.measured,
            str(row.people),
            _effect(row.rho, row.low, row.high),
            *(f"{at[row.predictor, row.measured, site].rho:+.2f}" for site in sites),
        )
        for row in found.correlations
        if row.where == "within sites"
    )
    contrasts = tuple(
        (
            row.genus,
            row.where,
            str(row.pairs),
            row.published,
            _effect(row.mean, row.low, row.high),
            row.verdict,
        )
        for row in found.contrasts
    )
    acids = SectionTable(
        "Rank correlation within sites, pooled with people as weight (households resampled)",
        ("prediction", "measured", "people", "rank correlation", *sites),
        correlations,
        tuple(range(2, 4 + len(sites))),
    )
    genera = SectionTable(
        "MS against household controls: mean difference of centred log-ratios of genera over pairs",
        ("genus", "where", "pairs", "published", "log ratio (95 %)", "verdict"),
        contrasts,
        (2, 4),
    )
    about = (
        "Published directions are those of the study's own abstract: this is a check of the reading, not of "
        f"the model. Not named in this table: {', '.join(imsms.ABSENT)}. Genera are compared with genera; "
        "guilds have no published direction."
    )
    return [
        ProfileSection(
            "acids", "Stool acids from composition", imsms.beaten_by_sum(found.correlations), WHY, (acids,)
        ),
        ProfileSection("contrasts", "Genera of the published signature", "", (about,), (genera,)),
    ]


def _effect(middle: float, low: float | None, high: float | None) -> str:
    return f"{middle:+.2f}" if low is None or high is None else f"{middle:+.2f} ({low:+.2f} to {high:+.2f})"
