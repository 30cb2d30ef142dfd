"""Numbers and sentences of the page of a real trial's table."""

from __future__ import annotations

import math

from eubiosis.analysis.result import RATIO_SCALES, Estimate
from eubiosis.analysis.trial_table.results import EndpointResult, PlannedEstimate, TrialAnalysis

NO_NUMBER = "–"


def number(value: float) -> str:
    """Write a number with three significant digits and without an exponent where it can be read so.

    >>> number(-4.0049), number(0.01234), number(12345.6), number(float("nan"))
    ('-4.00', '0.0123', '12,346', '–')
    """
    if not math.isfinite(value):
        return NO_NUMBER if math.isnan(value) else ("∞" if value > 0 else "-∞")
    if value == 0:
        return "0"
    digits = 2 - math.floor(math.log10(abs(value)))
    if digits > 6:
        return f"{value:.2e}"
    return f"{value:,.{max(digits, 0)}f}"


def p_text(value: float) -> str:
    """Write a p-value.

    >>> p_text(0.0000123), p_text(0.0421)
    ('<0.001', '0.042')
    """
    if math.isnan(value):
        return NO_NUMBER
    return "<0.001" if value < 0.001 else f"{value:.3f}"


def interval(found: Estimate) -> str:
    """Write the interval of an estimate."""
    return f"{number(found.ci_low)} to {number(found.ci_high)}" if found.usable else NO_NUMBER


def null_value(found: Estimate) -> float:
    """Return the value that means no effect."""
    return 1.0 if found.scale in RATIO_SCALES else 0.0


def status_text(found: Estimate) -> str:
    """Write the status of an estimate with its particulars."""
    reason = str(found.detail.get("reason", ""))
    words = found.status.replace("_", " ")
    return f"{words}: {reason}" if reason else words


def sentence(result: EndpointResult, one: PlannedEstimate, analysis: TrialAnalysis) -> str:
    """Say what a hypothesis gave, without a verdict on the therapy."""
    found, planned = one.estimate, result.planned
    at = f" at {one.visit}" if one.visit else ""
    name = f"{planned.name}{at}, {found.treated} against {found.control}"
    if not found.usable:
        return f"{name}: no numbers ({status_text(found)})."
    unit = f" {planned.unit}" if planned.unit and found.scale == "mean difference" else ""
    adjusted = f", adjusted {p_text(one.p_adjusted)}" if analysis.plan.multiplicity != "none" else ""
    shown = p_text(found.p_value)
    p_value = f"p {shown}" if shown.startswith("<") else f"p = {shown}"
    return (
        f"{name}: {found.scale} {number(found.estimate)}{unit} ({100 * found.level:g} % interval "
        f"{interval(found)}), {p_value}{adjusted}; {found.n_treated:,} and {found.n_control:,} "
        f"participants, {found.missing_treated + found.missing_control:,} missing."
    )
