"""The fixed sentences of a trial report that say what its numbers mean and what they do not."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TypeVar

from eubiosis.core.endpoints import in_sentence
from eubiosis.core.report_input import EffectRow, TrialReportInput, VarianceRow
from eubiosis.report.trial.words import (
    NOT_ESTIMABLE,
    control_name,
    estimable,
    low_to_high,
    percent,
    power_text,
    scale_text,
)

_Row = TypeVar("_Row", EffectRow, VarianceRow)
_HARDLY_VARIED = 0.005  # share of worlds in the uncertainty below which it would print as 0 %


def sentences(report_input: TrialReportInput) -> list[str]:
    """Say in fixed sentences what the numbers of a report mean and what they do not."""
    effects, control = report_input.effects, control_name(report_input)
    untested = {row.endpoint: in_sentence(row.label) for row in effects if row.tested}
    shown = {row.endpoint for row in effects}
    lines = ["What follows describes assumptions played out, not a finding."]
    if untested:
        lines.append(
            f"Of the {len(shown)} endpoints, {len(untested)} "
            f"{'is one' if len(untested) == 1 else 'are ones'} that no trial in our tables has tested for "
            f"these products against a control group: {', '.join(untested.values())}. They bear a dagger (†)."
        )
    told = [row for row in effects if row.primary]
    told += [row for row in effects if row.clinical and not row.primary]
    lines.extend(_effect_sentence(rows, control) for rows in _by_endpoint(told))
    primary = [row for row in effects if row.primary]
    lines.extend(_uncertainty_sentence(rows) for rows in _by_endpoint(_primary_variance(report_input)))
    lines.extend(_power_sentence(rows) for rows in _by_endpoint(primary))
    failed = sum(row.not_usable for row in effects)
    lines.append(_failed_words(failed, sum(row.trials for row in effects)))
    assumed = report_input.basis_shares.get("assumed")
    if assumed is not None and math.isfinite(assumed):
        lines.append(f"{percent(assumed)} of the numbers that the result rests on are assumed.")
    return lines


def _failed_words(failed: int, fits: int) -> str:
    if not failed:
        return f"All {fits:,} fits were usable."
    told = "was not usable; it counts as a trial" if failed == 1 else "were not usable; they count as trials"
    return f"{failed:,} of {fits:,} fits {told} without p < 0.05."


def _by_endpoint(rows: Iterable[_Row]) -> list[list[_Row]]:
    gathered: dict[str, list[_Row]] = {}
    for row in rows:
        gathered.setdefault(row.endpoint, []).append(row)
    return list(gathered.values())


def _effect_sentence(rows: Sequence[EffectRow], control: str) -> str:
    first = rows[0]
    null = 1.0 if first.scale == "ratio" else 0.0
    allowed, beyond = [], []
    for row in rows:
        low, high = row.truth[0], row.truth[2]
        if not estimable((low, high)):
            allowed.append(f"an effect that is {NOT_ESTIMABLE} for {row.arm}")
        elif math.isclose(low, null, abs_tol=1e-9) and math.isclose(high, null, abs_tol=1e-9):
            allowed.append(f"no effect at all, by construction, for {row.arm}")
        else:
            allowed.append(f"from {low_to_high(row.truth)} for {row.arm}")
            if not low <= null <= high:
                beyond.append(row.arm)
    mark = "† " if all(row.tested for row in rows) else "(†) " if any(row.tested for row in rows) else ""
    words = (
        f"{mark}{_capital(first.label)}{' (primary)' if first.primary else ''}: the simulated prior allows "
    )
    words += f"{' and '.join(allowed)} ({scale_text(first, control)}; {null:.0f} is no effect). "
    if beyond:
        words += f"That no effect is left out for {' and '.join(beyond)} follows from assumptions alone. "
    return f"{words}This range is an assumption and not a bound on the effect."


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _primary_variance(report_input: TrialReportInput) -> Sequence[VarianceRow]:
    primary = {(row.endpoint, row.arm) for row in report_input.effects if row.primary}
    return [row for row in report_input.variance if (row.endpoint, row.arm) in primary]


def _uncertainty_sentence(rows: Sequence[VarianceRow]) -> str:
    told = [row for row in rows if not row.worlds < _HARDLY_VARIED]
    words = []
    if told:
        shares = ", ".join(f"{percent(row.worlds)} for {row.arm}" for row in told)
        words.append(
            f"What nobody knows about the model makes up this share of the uncertainty about "
            f"{in_sentence(rows[0].label)}: {shares}. A larger trial does not shrink it."
        )
    if len(told) < len(rows):
        arms = " and ".join(row.arm for row in rows if row.worlds < _HARDLY_VARIED)
        words.append(
            f"For {arms} the worlds hardly vary {in_sentence(rows[0].label)} (under half a percent of the "
            "uncertainty): "
            "the effects that they allow are small beside the luck of one trial. That is assumed, so it is "
            "no sign that the effect is known."
        )
    return " ".join(words)


def _power_sentence(rows: Sequence[EffectRow]) -> str:
    shares = ", ".join(f"{power_text(row)} for {row.arm}" for row in rows)
    return (
        f"Simulated trials that end with p < 0.05 for {in_sentence(rows[0].label)}, in one direction "
        "or the other, with "
        f"Monte Carlo error: {shares}. This is the reach of the design under the prior, not "
        "a chance of success."
    )
