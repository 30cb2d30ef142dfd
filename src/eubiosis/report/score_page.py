"""The page of the scoreboard: what was forecast, what was found, and how far off it was."""

from __future__ import annotations

import json

from eubiosis.core.record import as_record
from eubiosis.core.scoreboard import (
    STATUS_WORDS,
    BoardGroup,
    CoverageSeen,
    RatioSeen,
    Scoreboard,
    ScoredQuantity,
    StudyUnit,
)
from eubiosis.report.pages import render

_NOTICE = (
    "Forecasts of finished studies by a model, and what the studies found. Nothing here is evidence that a "
    "therapy works, and nothing is medical advice. A score says how far the model was off and no more."
)
_NONE = "none"


def score_page(board: Scoreboard) -> str:
    """Return the page, self-contained; its data are inside."""
    return render(
        "scoreboard.html",
        title=board.title,
        notice=_NOTICE,
        headline=headline(board),
        board=board,
        groups=[_group(group) for group in board.groups],
        studies=[_study(unit) for unit in board.studies],
        quantities=[_quantity(each) for each in board.quantities],
        statuses=[(name, words) for name, words in STATUS_WORDS.items()
                  if any(q.status == name for q in board.quantities)],
        data=json.dumps(as_record(board), ensure_ascii=False, allow_nan=False).replace("<", "\\u003c"),
    )  # fmt: skip


def headline(board: Scoreboard) -> tuple[str, ...]:
    """Say in sentences what the board shows: first what was fresh, then what was not fitted, then all."""
    return tuple(
        sentence(group) for group in board.groups if group.group in ("fresh", "not fitted", "yours", "all")
    )


def sentence(group: BoardGroup) -> str:
    """Say what one group shows, whatever it is.

    A ratio above 1 is a loss against the forecast of no change, and is called that.
    """
    ratio = "no reference" if group.crps is None else (
        f"CRPS {ratio_words(group.crps)} times the reference's: {group.crps.verdict}"
    )  # fmt: skip
    studies = "1 study" if group.studies == 1 else f"{group.studies} studies"
    figures = "1 figure" if group.quantities == 1 else f"{group.quantities} figures"
    width = (
        "" if group.width is None else f"; 90 % intervals {_width(group)} times as wide as the reference's"
    )
    return (
        f"{group.group.capitalize()} ({studies}, {figures}): {ratio}; "
        f"coverage of 50 % intervals {coverage_words(group.coverage_50)}, "
        f"of 90 % intervals {coverage_words(group.coverage_90)}{width}."
    )


def ratio_words(ratio: RatioSeen | None) -> str:
    """Return a ratio with its interval; "none" where there is none."""
    if ratio is None:
        return _NONE
    if ratio.low is None or ratio.high is None:
        return f"{ratio.ratio:.2f} (no interval from {ratio.studies})"
    return f"{ratio.ratio:.2f} ({ratio.low:.2f} to {ratio.high:.2f})"


def coverage_words(seen: CoverageSeen) -> str:
    """Return a coverage as a share with its exact interval, and over resampled studies where there is one."""
    text = f"{seen.share:.0%} ({seen.low:.0%} to {seen.high:.0%}"
    if seen.low_studies is not None and seen.high_studies is not None:
        text += f"; over studies {seen.low_studies:.0%} to {seen.high_studies:.0%}"
    return text + ")"


def _width(group: BoardGroup) -> str:
    if group.width is None:
        return _NONE
    if group.width_low is None or group.width_high is None:
        return f"{group.width:.2f}"
    return f"{group.width:.2f} ({group.width_low:.2f} to {group.width_high:.2f})"


def _group(group: BoardGroup) -> dict[str, str]:
    return {
        "group": group.group, "what": group.what, "studies": str(group.studies),
        "quantities": str(group.quantities), "crps": ratio_words(group.crps),
        "verdict": "no reference" if group.crps is None else group.crps.verdict,
        "energy": ratio_words(group.energy), "minus": ratio_words(group.minus_baseline),
        "regression": ratio_words(group.regression), "yardstick": ratio_words(group.yardstick),
        "in_50": coverage_words(group.coverage_50),
        "in_90": coverage_words(group.coverage_90), "width": _width(group),
    }  # fmt: skip


def _study(unit: StudyUnit) -> tuple[str, ...]:
    return (
        unit.study, unit.status, unit.population, ", ".join(unit.kinds), str(unit.quantities),
        f"{unit.model:.3f}", f"{unit.reference:.3f}", f"{unit.ratio:.2f}", f"{unit.energy_ratio:.2f}",
        f"{unit.in_50} of {unit.quantities}", f"{unit.in_90} of {unit.quantities}",
    )  # fmt: skip


def _quantity(each: ScoredQuantity) -> tuple[str, ...]:
    ratio = _NONE if each.crps_reference is None else f"{each.crps / each.crps_reference:.2f}"
    return (
        f"{each.study}, {each.arm}", each.label, each.status, each.unit,
        f"{each.estimate:+.2f} ± {each.se:.2f}", f"{each.middle:+.2f} ({each.low:+.2f} to {each.high:+.2f})",
        "yes" if each.in_50 else "no", "yes" if each.in_90 else "no", ratio, "null" if each.null else "",
    )  # fmt: skip
