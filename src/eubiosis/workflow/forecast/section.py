"""Forecasts and scores as sections of a profile: words and tables."""

from __future__ import annotations

from collections.abc import Sequence

from eubiosis.core.record import as_record
from eubiosis.core.stool_forecast import (
    DEFINITIONS,
    METHOD_WORDS,
    NOT_FOR_CARE,
    Change,
    ClassScore,
    GroupForecast,
    QuantityForecast,
    QuantityScore,
    StudyScores,
)
from eubiosis.core.stool_profile import ProfileSection, SectionTable

NONE = "none"
_FITTED = "; the gut was fitted with this trial in sight"
_SHORT = {
    "model": "model", "model_tables": "model, tables", "no_change": "no change", "regression": "regression",
    "published": "published", "others": "others*",
}  # fmt: skip
_CLASS_WORDS = {"guild": "guilds", "stool": "stool acids", "plasma": "plasma acids"}


def forecast_section(forecast: GroupForecast, *, figure: bool = True) -> ProfileSection:
    """Return the forecast of a group as a section; its first line is what the model has shown on data."""
    drawn: tuple[tuple[str, str], ...] = ()
    if figure:
        from eubiosis.report.forecast_page.figure import forecast_figure, forecast_origin

        caption = (
            "Ratios after over before. The bar is the 95 % interval: worlds, named discrepancy and sampling "
            "together; it is cut at ×0.05 and ×20. Simulated: "
        )
        drawn = ((forecast_figure(forecast), caption + forecast_origin(forecast)),)
    guilds = [q for q in forecast.quantities if q.place == "guild"]
    others = [q for q in forecast.quantities if q.place != "guild"]
    return ProfileSection(
        name="forecast",
        title=f"Forecast of the group under {forecast.phrase}",
        first_line=forecast.skill,
        paragraphs=(forecast.not_for_care, _who(forecast), *forecast.notes, *_published_notes(forecast)),
        tables=(
            _table("Guilds: change of the centred log-ratio on day "
                   f"{forecast.days}, as a ratio (95 % interval)", guilds),
            _table(f"Acids and aromatics: change on day {forecast.days}, as a ratio (95 % interval)", others),
            _width_table(forecast.quantities),
        ),
        figures=drawn,
        data=as_record(forecast),
    )  # fmt: skip


def scores_section(scores: StudyScores, what: str, *, name: str = "scores") -> ProfileSection:
    """Return the scores of a finished study as a section; nothing in it is about one person."""
    return ProfileSection(
        name=name,
        title=f"Forecast against what was measured: {what}",
        first_line=verdict(scores, what),
        paragraphs=(
            NOT_FOR_CARE,
            f"{scores.people} people with both visits, each forecast from their own baseline"
            f"{f'; {scores.not_run} could not be run' if scores.not_run else ''}. Scores are of changes of "
            "logarithms (guilds: centred log-ratios), means over people and quantities; smaller is better. "
            "The model's forecast is regression to the mean plus the model's change: with a placebo it is "
            "regression alone.",
            *(f"Left out: {text}." for text in scores.left_out),
        ),
        tables=(
            _class_table(scores.classes),
            _crps_table(scores.quantities),
        ),
        data=as_record(scores),
    )


def verdict(scores: StudyScores, what: str) -> str:
    """Say in one line where the model beat every simple competitor in a study."""
    told = []
    for one in scores.classes:
        if one.score != "crps":
            continue
        name = _CLASS_WORDS[_place(one)]
        best = METHOD_WORDS[one.best]
        gain = f"gain {one.gain:.3f}, {one.gain_low:.3f} to {one.gain_high:.3f}"
        word = "better than every simple competitor" if one.gain_low > 0 else f"NOT better than {best}"
        if one.gain == one.gain_low == one.gain_high == 0:
            word = f"the same as {best}"
        told.append(f"{name} {word} ({gain})")
    return f"{what}, CRPS: {'; '.join(told) or 'nothing could be scored'}."


def _place(one: ClassScore) -> str:
    first = one.quantities[0]
    return "guild" if first.startswith("share_") else first.split("_", 1)[0]


def _who(forecast: GroupForecast) -> str:
    lost = f", {forecast.not_run} of whom could not be run" if forecast.not_run else ""
    unusable = f" ({forecast.unusable} more cannot be used)" if forecast.unusable else ""
    worlds = f"{forecast.worlds} gut worlds" + ("" if forecast.enough_worlds else ", too few for an interval")
    return f"{forecast.people} people{unusable}{lost}; {forecast.therapy}; {worlds}."


def _published_notes(forecast: GroupForecast) -> tuple[str, ...]:
    used = {q.competitors.published for q in forecast.quantities} - {None}
    told = [
        f"Published: {one.source.split(';')[0]}, {one.population}, day {one.day}, "
        f"{DEFINITIONS[one.definition]}, {one.over}{_FITTED if one.fitted else ''}."
        for one in sorted((u for u in used if u is not None), key=lambda u: u.source)
    ]
    refused = [f"Not comparable, so not used: {text}." for text in forecast.published_refused]
    return (*dict.fromkeys(told), *refused)


def _table(caption: str, rows: Sequence[QuantityForecast]) -> SectionTable:
    return SectionTable(
        caption,
        (
            "quantity",
            "forecast",
            "tables' numbers",
            "no change",
            "regression to the mean",
            "published trials",
        ),
        tuple(_row(row) for row in rows),
        tuple(range(1, 6)),
    )


def _row(row: QuantityForecast) -> tuple[str, ...]:
    rivals = row.competitors
    published = NONE
    if rivals.published is not None:
        published = _change(Change(rivals.published.value, rivals.published.low, rivals.published.high))
        if rivals.published.definition == "ratio_of_means":
            published += f" (ratio of means; the model's: {_change(row.ratio_of_means)})"
    regression = NONE if rivals.regression_to_the_mean is None else _change(rivals.regression_to_the_mean)
    return (
        row.label,
        _change(row.mean_log_ratio),
        _ratio(row.tables),
        _change(rivals.no_change),
        regression,
        published,
    )


def _width_table(rows: Sequence[QuantityForecast]) -> SectionTable:
    return SectionTable(
        "Where the width comes from: standard deviations of the mean log ratio, and the Monte Carlo error of "
        "an end of the worlds' interval",
        ("quantity", "worlds", "named discrepancy", "sampling", "error of an end"),
        tuple(
            (
                row.label,
                f"{row.worlds_sd:.3f}",
                f"{row.discrepancy_sd:.3f}" if row.discrepancy_sd else "none named",
                "not measured" if row.sampling_sd is None else f"{row.sampling_sd:.3f}",
                f"{row.end_error:.3f}",
            )
            for row in rows
        ),
        tuple(range(1, 5)),
    )


def _change(change: Change) -> str:
    if change.low is None or change.high is None:
        return _ratio(change.middle)
    return f"{_ratio(change.middle)} ({_ratio(change.low)} to {_ratio(change.high)})"


def _ratio(value: float) -> str:
    return f"×{value:.3g}"


def _class_table(rows: Sequence[ClassScore]) -> SectionTable:
    return SectionTable(
        "Scores over people and quantities; the gain is the best simple competitor's score minus the model's "
        "(people resampled). * the mean of the study's other people: it has seen the study, no competitor",
        ("quantities", "score", "people", *_SHORT.values(), "best competitor", "gain (95 %)"),
        tuple(
            (
                _CLASS_WORDS[_place(row)], row.score.upper(), str(row.people),
                *(_number(row.by_method[name]) for name in _SHORT),
                _SHORT[row.best], f"{row.gain:+.3f} ({row.gain_low:+.3f} to {row.gain_high:+.3f})",
            )
            for row in rows
        ),
        tuple(range(2, 3 + len(_SHORT))),
    )  # fmt: skip


def _crps_table(rows: Sequence[QuantityScore]) -> SectionTable:
    return SectionTable(
        "Each quantity: mean measured and forecast change of the logarithm, CRPS (MAE), rank correlations "
        "over people (the last: of what the model adds with what regression leaves)",
        ("quantity", "people", "measured", "forecast", "model", "no change", "regression",
         "rank, forecast", "rank, regression", "rank, model's part"),
        tuple(
            (
                row.quantity.removeprefix("share_").replace("_", " "), str(row.people),
                f"{row.measured_change:+.2f}", f"{row.forecast_change:+.2f}",
                *(f"{_number(row.crps[name])} ({_number(row.mae[name])})"
                  for name in ("model", "no_change", "regression")),
                _rank(row.rank), _rank(row.rank_regression), _rank(row.rank_mechanism),
            )
            for row in rows
        ),
        tuple(range(1, 10)),
    )  # fmt: skip


def _number(value: float | None) -> str:
    return NONE if value is None else f"{value:.3f}"


def _rank(value: float | None) -> str:
    return NONE if value is None else f"{value:+.2f}"
