"""The page of the scoreboard: what was forecast, what was found, and how far off it was."""

from __future__ import annotations

import json
from collections.abc import Sequence

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
WORSE = "worse than the reference"
_FIRST = ("fresh", "not fitted", "yours", "fitted")


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
    """Say in sentences what the board shows: what was fresh, what was not fitted, and apart what was."""
    groups = {group.group: group for group in board.groups}
    return tuple(sentence(groups[name]) for name in _FIRST if name in groups)


def sentence(group: BoardGroup) -> str:
    """Say what one group shows, whatever it is.

    A ratio above 1 is a loss against the forecast of no change, and is called that.
    """
    ratio = "no reference" if group.crps is None else (
        f"CRPS {ratio_words(group.crps)} times the reference's over {_studies(group.crps.studies)}: "
        f"{verdict_words(group)}"
    )  # fmt: skip
    figures = "1 figure" if group.quantities == 1 else f"{group.quantities} figures"
    width = (
        "" if group.width is None else f"; 90 % intervals {_width(group)} times as wide as the reference's"
    )
    return (
        f"{group.group.capitalize()} ({_studies(group.studies)}, {figures}): {ratio}; "
        f"coverage of 50 % intervals {coverage_words(group.coverage_50)}, "
        f"of 90 % intervals {coverage_words(group.coverage_90)}{width}."
    )


def verdict_words(group: BoardGroup) -> str:
    """Return the verdict on a group, with a word where the model is worse than the yardstick."""
    if group.crps is None:
        return "no reference"
    worse = group.yardstick is not None and group.yardstick.verdict == WORSE
    if not worse or group.crps.verdict == WORSE:
        return group.crps.verdict
    return f"{group.crps.verdict}; {WORSE} that knows all studies (yardstick)"


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


def _studies(count: int) -> str:
    return "1 study" if count == 1 else f"{count} studies"


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
        "verdict": verdict_words(group),
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


def board_markdown(board: Scoreboard) -> str:
    """Return the scoreboard as a page of the documentation: groups, studies, checks of left-out worlds."""
    groups = [_group(group) for group in board.groups]
    shown = ("group", "studies", "quantities", "crps", "verdict", "in_50", "in_90", "width")
    beside = ("group", "yardstick", "energy", "minus", "regression")
    refits = [
        (r.study, f"{r.effective:.0f}", f"{r.tail:.2f}", f"{r.difference:.3f}", f"{r.spread:.3f}", r.used)
        for r in board.refits
    ]
    left = [n for n in board.not_scored if not n.id.startswith(("T", "N", "anchor"))]
    parts = [
        f"# {board.title}",
        _NOTICE,
        "\n".join(f"- {line}" for line in headline(board)),
        f"{board.rule} How it is made: [score forecasts](../how_to/score.md). Every figure with its "
        "forecast: `eubiosis score --out FOLDER`.",
        "## Groups",
        _table(
            ("group", "studies", "figures", "CRPS over reference", "verdict", "in 50 %", "in 90 %", "width"),
            [[g[name] for name in shown] for g in groups],
        ),
        _table(
            ("group", "model over yardstick", "energy score", "minus-baseline", "trial-level regression"),
            [[g[name] for name in beside] for g in groups],
        ),
        "## Studies",
        _table(
            ("study", "status", "people", "kind", "figures", "model", "reference", "ratio", "energy ratio",
             "in 50 %", "in 90 %"),
            [_study(unit) for unit in board.studies],
        ),
        "## Reweighted against moved on",
        _table(
            ("study", "effective worlds", "shape of the tail", "medians differ by", "spread", "used"), refits
        ),
        "## Not scored",
        f"{len(board.not_scored)} cohorts and rows; the page lists each with its reason. Among them:",
        _table(("row", "what", "why not"), [(n.id, n.what, n.reason) for n in left]),
        "## Notes",
        "\n".join(f"- {note}" for note in board.notes),
    ]  # fmt: skip
    return "\n\n".join(parts) + "\n"


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    cells = [[cell.replace("|", "/") for cell in row] for row in rows]
    return "\n".join(f"| {' | '.join(row)} |" for row in (header, ["---"] * len(header), *cells))
