"""Numbers of the page of a profile, as they are written."""

from __future__ import annotations

import math

from eubiosis.core.stool_profile import (
    ContrastLine,
    ContrastScale,
    NamedTaxonLine,
    SampleQuantiles,
    ShareInterval,
)
from eubiosis.report.trial_table.words import NO_NUMBER, number, p_text

__all__ = [
    "NO_NUMBER",
    "bounds",
    "effect",
    "interval",
    "level",
    "number",
    "p_value",
    "percent",
    "spread",
    "studies",
]
EFFECT_UNITS: dict[ContrastScale, str] = {
    "share": "percentage points",
    "prevalence": "percentage points",
    "log ratio": "natural log-ratio (times)",
    "log": "natural log-ratio (times)",
    "difference": "difference",
}


def percent(value: float | None) -> str:
    """Write a share in percent, with two figures where it is small.

    >>> percent(0.1234), percent(0.00123), percent(0.0), percent(None), percent(0.0000004)
    ('12.3 %', '0.12 %', '0 %', '–', '<0.001 %')
    """
    if value is None or math.isnan(value):
        return NO_NUMBER
    hundred = 100 * value
    if hundred == 0:
        return "0 %"
    if abs(hundred) < 0.001:
        return "<0.001 %"
    digits = 1 if abs(hundred) >= 1 else max(1 - math.floor(math.log10(abs(hundred))), 2)
    return f"{hundred:.{digits}f} %"


def bounds(one: ShareInterval | None) -> str:
    """Write an interval of shares."""
    return NO_NUMBER if one is None else f"{percent(one.low)} to {percent(one.high)}"


def level(value: float, unit: str = "", beside: float = 0.0) -> str:
    """Write a number of a sample in its unit, with the decimals of the one that it stands ``beside``.

    >>> level(1.0), level(1.0, beside=0.9996), level(0.25, "fraction")
    ('1.00', '1.000', '25.0 %')
    """
    if unit == "fraction":
        return percent(value)
    written = number(beside)
    if not beside or not math.isfinite(beside) or not math.isfinite(value) or "e" in written:
        return number(value)
    return f"{value:,.{len(written.partition('.')[2])}f}"


def spread(one: SampleQuantiles | None, unit: str = "") -> str:
    """Write the quartiles and outer points of a number over samples."""
    if one is None:
        return NO_NUMBER
    points = (one.median, one.lower, one.upper, one.low, one.high)
    median, lower, upper, low, high = (level(x, unit, one.median) for x in points)
    return f"{median} ({lower} to {upper}; 90 % in {low} to {high})"


def _points(value: float) -> str:
    points = 100 * value
    if points == 0:
        return "0"
    if abs(points) < 0.01:
        return _written_out(points, 1)
    return f"{points:+.2f}" if abs(points) < 10 else f"{points:+.1f}"


def effect(value: float | None, scale: ContrastScale) -> str:
    """Write an effect on its scale.

    >>> effect(0.0123, "share"), effect(0.6931472, "log ratio"), effect(None, "log")
    ('+1.23', '+0.69 (×2.00)', '–')
    """
    if value is None:
        return NO_NUMBER
    if scale in ("share", "prevalence"):
        return _points(value)
    if scale in ("log ratio", "log"):
        return f"{value:+.2f} (×{number(math.exp(value))})"
    return _written_out(value, 3)


def _written_out(value: float, figures: int) -> str:
    """Write a signed number with so many figures and no exponent.

    >>> _written_out(-9.81e-06, 3), _written_out(1.5, 3), _written_out(123.4, 3)
    ('-0.00000981', '+1.5', '+123')
    """
    text = f"{value:+.{figures}g}"
    if "e" not in text:
        return text
    decimals = max(figures - 1 - math.floor(math.log10(abs(value))), 0)
    return f"{value:+.{decimals}f}"


def interval(line: ContrastLine, scale: ContrastScale) -> str:
    """Write the interval of a contrast on its scale."""
    if line.low is None or line.high is None:
        return NO_NUMBER
    if scale in ("share", "prevalence"):
        return f"{_points(line.low)} to {_points(line.high)}"
    return (
        f"{line.low:+.2f} to {line.high:+.2f}"
        if scale != "difference"
        else f"{_written_out(line.low, 3)} to {_written_out(line.high, 3)}"
    )


def p_value(value: float | None) -> str:
    """Write a p-value that may be absent."""
    return NO_NUMBER if value is None else p_text(value)


def studies(line: NamedTaxonLine) -> str:
    """Write what primary studies of MS report of a genus.

    >>> studies(NamedTaxonLine("A", 4, 0, 1, True, None, None, None))
    '4 higher, 0 lower, 1 mixed'
    """
    if not line.studies_up + line.studies_down + line.studies_mixed:
        return "named in reviews only"
    mixed = f", {line.studies_mixed} mixed" if line.studies_mixed else ""
    return f"{line.studies_up} higher, {line.studies_down} lower{mixed}"
