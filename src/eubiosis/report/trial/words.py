"""How a trial report writes its numbers."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterable

from eubiosis.core.report_input import EffectRow, Quantiles, TrialReportInput
from eubiosis.core.version import __version__

PRIOR_ONLY = "prior only: not calibrated to any clinical outcome"
NOT_ESTIMABLE = "not estimable"
NOTICE = (
    "Every subject, event and number here comes from a computer model. It is not evidence of efficacy or "
    "safety, it is not medical advice, and no number may be quoted as a finding about a therapy. Every "
    f"effect is {PRIOR_ONLY}."
)
_NOISE = 1e-9  # below it a share or an end of an interval is the rounding of sums, no effect
_NOTHING = 1e-6  # below it a number says nothing in the units of a report
_MOST_DECIMALS = 3
_KEPT = 5e-5  # half the last decimal with which chances of a formula are kept
_MINUS = "−"
_SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


def number(value: float | None, *, sign: bool = False) -> str:
    """Write a number with three significant figures or decimals; what is not finite is not estimable.

    What is nearer to zero than 0.001 keeps one figure, without powers of ten; what is next to nothing, as the
    rounding of sums, is zero.

    >>> number(0.12345), number(-3.0), number(231.4), number(12600), number(float("nan"))
    ('0.123', '−3.00', '231', '12,600', 'not estimable')
    >>> number(2.56e-4), number(-2.56e-4), number(-2.8e-17)
    ('0.0003', '−0.0003', '0')
    """
    if value is None or not math.isfinite(value):
        return NOT_ESTIMABLE
    size = abs(value)
    if size < _NOTHING:
        return "0"
    if size < 0.000_995:
        text = f"{size:.{-math.floor(math.log10(float(f'{size:.1g}')))}f}"
    elif size >= 999_999.5:
        mantissa, exponent = f"{size:.2e}".split("e")
        text = f"{mantissa} × 10{str(int(exponent)).translate(_SUPERSCRIPTS)}"
    elif size >= 999.5:
        text = f"{float(f'{size:.3g}'):,.0f}"
    else:
        # how many decimals leave three figures, judged after rounding: 9.996 is 10.0, not 10.00
        decimals = min(max(0, 2 - math.floor(math.log10(float(f"{size:.3g}")))), _MOST_DECIMALS)
        text = f"{size:.{decimals}f}"
    if value < 0:
        return _MINUS + text
    return f"+{text}" if sign else text


def stated(value: float) -> str:
    """Write a number of a table as it was given there: no rounding, thousands apart, no trailing zeros.

    Small numbers are written out; from ten million on a power of ten stands in the place of a row of zeros.

    >>> stated(0.4), stated(1200000.0), stated(-4.0), stated(6.7e11), stated(-2.58e-5)
    ('0.4', '1,200,000', '−4', '6.7 × 10¹¹', '−0.0000258')
    """
    if not math.isfinite(value):
        return NOT_ESTIMABLE
    if value == 0:
        return "0"
    size = math.floor(math.log10(abs(value)))
    if size < 7:
        decimals = min(max(0, 9 - size), 20)
        text = f"{value:,.{decimals}f}".rstrip("0").rstrip(".") if decimals else f"{value:,.0f}"
        return text.replace("-", _MINUS)
    digits = f"{value / 10.0**size:.9f}".rstrip("0").rstrip(".").replace("-", _MINUS)
    return f"{digits} × 10{str(size).translate(_SUPERSCRIPTS)}"


def count(value: float, beside: Iterable[float] = ()) -> str:
    """Write a mean count of subjects: whole where it and those ``beside`` it are whole, else one decimal."""
    if not math.isfinite(value):
        return NOT_ESTIMABLE
    whole = all(abs(v - round(v)) < 0.05 for v in (value, *beside) if math.isfinite(v))
    return f"{value:,.0f}" if whole else f"{value:,.1f}"


def percent(share: float, *, decimals: int = 0) -> str:
    """Write a share as a percentage; what rounds to none or to all without being so is said to be near.

    >>> percent(0.123), percent(0.0004), percent(0.0), percent(0.9996), percent(0.0004, decimals=1)
    ('12\\xa0%', 'under 1\\xa0%', '0\\xa0%', 'over 99\\xa0%', 'under 0.1\\xa0%')
    """
    if not math.isfinite(share):
        return NOT_ESTIMABLE
    step = 10.0 ** -(decimals + 2)
    if _NOISE < share < step / 2:
        return f"under {100 * step:.{decimals}f}\u00a0%"
    if 1 - step / 2 < share < 1 - _NOISE:
        return f"over {100 * (1 - step):.{decimals}f}\u00a0%"
    return f"{100 * share:.{decimals}f}\u00a0%"


def formula_percent(share: float, *, decimals: int = 0) -> str:
    """Write a chance that a formula gives, kept with four decimals: it is never exactly none or all.

    >>> formula_percent(1.0), formula_percent(0.0), formula_percent(0.4217)
    ('over 99\\xa0%', 'under 1\\xa0%', '42\\xa0%')
    """
    if not math.isfinite(share):
        return NOT_ESTIMABLE
    return percent(min(max(share, _KEPT), 1 - _KEPT), decimals=decimals)


def estimable(values: Iterable[float]) -> bool:
    """Tell whether every one of the values is finite."""
    return all(math.isfinite(v) for v in values)


def interval_texts(
    values: Quantiles, *, sign: bool = False, decimals: int | None = None
) -> tuple[str, str, str]:
    """Write three quantiles with the same number of decimals, by default as many as the largest deserves.

    A narrow interval takes as many more as tell its ends apart, up to three. Where the default would write a
    ratio or an end as zero, or the numbers are very large or small, each is written by itself.

    >>> interval_texts((0.7071, 1.012, 1.433)), interval_texts((-3.2, -0.0642, 3.07), sign=True)
    (('0.71', '1.01', '1.43'), ('−3.20', '−0.06', '+3.07'))
    >>> interval_texts((1.0071, 1.012, 1.0143)), interval_texts((-0.0456, 0.0029, 0.0663))
    (('1.007', '1.012', '1.014'), ('−0.046', '0.003', '0.066'))
    """
    apart = (number(values[0], sign=sign), number(values[1], sign=sign), number(values[2], sign=sign))
    largest = max((abs(v) for v in values if math.isfinite(v)), default=0.0)
    fixed = decimals is not None and largest < 1e5
    if not fixed and not 1e-3 <= largest < 1e5:
        return apart
    if decimals is None:
        decimals = _decimals(values, largest)
    rounded = [round(v, decimals) if math.isfinite(v) else v for v in values]
    lost = [abs(value) > _NOISE and new == 0 for value, new in zip(values, rounded, strict=True)]
    if not fixed and (lost[0] or lost[2] or (lost[1] and values[0] > 0)):
        return apart

    def text(value: float) -> str:
        if not math.isfinite(value):
            return NOT_ESTIMABLE
        plain = f"{abs(value):,.{decimals}f}"
        if value == 0:
            return plain
        return (_MINUS if value < 0 else "+" if sign else "") + plain

    return text(rounded[0]), text(rounded[1]), text(rounded[2])


def _decimals(values: Quantiles, largest: float) -> int:
    """Return how many decimals three quantiles take: three figures of the largest, more if ends coincide."""
    known = [value for value in values if math.isfinite(value)]
    wide = max(known) - min(known)
    decimals = 2 - math.floor(math.log10(float(f"{largest:.3g}")))
    if _NOISE < wide < 5 * 10.0**-decimals:
        decimals = 1 - math.floor(math.log10(wide))
    return min(max(0, decimals), _MOST_DECIMALS)


def low_to_high(values: Quantiles, *, sign: bool = False, decimals: int | None = None) -> str:
    """Write the outer two of three quantiles as "x to y"."""
    if not estimable((values[0], values[2])):
        return NOT_ESTIMABLE
    low, _, high = interval_texts(values, sign=sign, decimals=decimals)
    return f"{low} to {high}"


def with_interval(values: Quantiles, *, sign: bool = False, decimals: int | None = None) -> str:
    """Write three quantiles as "median (low to high)"."""
    if not estimable(values):
        return NOT_ESTIMABLE
    low, middle, high = interval_texts(values, sign=sign, decimals=decimals)
    return f"{middle} ({low} to {high})"


def power_text(row: EffectRow) -> str:
    """Write the power of a row with its Monte Carlo error, in percent."""
    share, error = power_parts(row.power, row.power_error, row.trials)
    return f"{share} ± {error}" if error else share


def power_parts(power: float, error: float, trials: int) -> tuple[str, str]:
    """Write a share of trials and its Monte Carlo error; of none or of all the count.

    >>> power_parts(0.052, 0.009, 288), power_parts(0.0, 0.0, 36), power_parts(1.0, 0.0, 36)
    (('5.2\\xa0%', '0.9\\xa0%'), ('none of 36', ''), ('all of 36', ''))
    """
    if not estimable((power, error)):
        return NOT_ESTIMABLE, ""
    if power in (0.0, 1.0):
        return f"{'all' if power else 'none'} of {trials:,}", ""
    return percent(power, decimals=1), percent(error, decimals=1)


def error_text(value: float) -> str:
    """Write a Monte Carlo error with two figures.

    >>> error_text(0.7391), error_text(0.2), error_text(1.42e-4), error_text(12.3), error_text(0.0)
    ('0.74', '0.20', 'under 0.001', '12', '0')
    """
    if not math.isfinite(value):
        return NOT_ESTIMABLE
    if _NOISE < value < 0.000_995:
        return "under 0.001"
    if value <= _NOISE or value >= 99.5:
        return f"{value:,.0f}"
    return f"{value:#.2g}".rstrip(".")


def truth_note(row: EffectRow) -> str:
    """Say how sure the two ends of a truth are, and by what discrepancy it was widened; "" where neither."""
    parts = []
    if row.truth_error is not None:
        low, _, high = row.truth_error
        parts.append(
            f"MCE {error_text(low)}, {error_text(high)}" if estimable((low, high)) else f"MCE {NOT_ESTIMABLE}"
        )
    if row.discrepancy:
        parts.append(f"discrepancy {error_text(row.discrepancy)}")
    return "; ".join(parts)


def scale_text(row: EffectRow, control: str) -> str:
    """Say on which scale an effect stands."""
    return f"ratio to {control}" if row.scale == "ratio" else f"difference to {control}, {row.unit}"


def wrapped(text: str, width: int, lines: int) -> list[str]:
    """Break a text into at most ``lines`` lines of ``width`` characters, the last cut with an ellipsis.

    A word that is longer than a line is cut too, as in scripts that write no spaces.

    >>> wrapped("an ordinary title", 10, 1), wrapped("x" * 20, 6, 1)
    (['an …'], ['xxxx …'])
    """
    parts = textwrap.wrap(text, width, max_lines=lines, placeholder=" …", break_long_words=True)
    if parts and parts[-1].strip() == "…":
        parts[-1] = f"{textwrap.wrap(text, width)[len(parts) - 1][: width - 2]} …"
    return parts or [""]


def control_name(report_input: TrialReportInput) -> str:
    """Name the control arm."""
    return next((arm.name for arm in report_input.arms if arm.control), "control")


def many(number: int, one: str, more: str = "") -> str:
    """Write a count with its noun.

    >>> many(1, "world"), many(1200, "trial"), many(0, "subgroup"), many(2, "person", "people")
    ('1 world', '1,200 trials', '0 subgroups', '2 people')
    """
    return f"{number:,} {one if number == 1 else more or one + 's'}"


def trials_text(number: int) -> str:
    """Write a number of trials: "1 trial", "1,200 trials"."""
    return many(number, "trial")


def arm_hues(report_input: TrialReportInput) -> list[tuple[str, int]]:
    """Return each arm with the number of its colour: 0 for control, active ones from 1 on."""
    hues, active = [], 0
    for arm in report_input.arms:
        active += not arm.control
        hues.append((arm.name, 0 if arm.control else active))
    return hues


def untested_mark(rows: Iterable[EffectRow], endpoint: str) -> str:
    """Return what stands before the name of an endpoint that no trial has tested, in all or in some arms."""
    told = [bool(row.tested) for row in rows if row.endpoint == endpoint]
    if not any(told):
        return ""
    return "† " if all(told) else "(†) "


def origin_text(report_input: TrialReportInput) -> str:
    """State in one line where the figures come from: program, simulated, prior only, seed, design."""
    size = report_input.size
    seed = "not stated" if size.seed is None else size.seed
    parts = [f"Eubiosis {__version__}", "simulated, not patient data", PRIOR_ONLY, f"seed {seed}"]
    if size.design_hash:
        parts.append(f"design {size.design_hash[:12]}")
    return "; ".join(parts)


def stamp_text(report_input: TrialReportInput) -> str:
    """State seed and design in the fewest words, for a figure whose page says the rest beside it."""
    size = report_input.size
    seed = "seed not stated" if size.seed is None else f"seed {size.seed}"
    return f"{seed}, design {size.design_hash[:12]}" if size.design_hash else seed


def size_text(report_input: TrialReportInput) -> str:
    """State how many worlds, trials and participants stand behind a figure."""
    size = report_input.size
    parts = [
        f"{many(value, noun)}{rest}"
        for value, noun, rest in (
            (size.worlds, "world", ""),
            (size.trials, "trial", " in each"),
            (size.participants, "participant", " in each trial"),
        )
        if value is not None
    ]
    return "n = " + " × ".join(parts) if parts else "n not stated"


def change_size(report_input: TrialReportInput) -> str:
    """State over how many people the latent changes of guilds and metabolites are."""
    if not report_input.changes or report_input.changes[0].people is None:
        return size_text(report_input)
    one = report_input.changes[0]
    worlds = many(one.gut_worlds or 0, "gut world")
    block = ", those of block 0 of trials that were cut" if one.block_only else ""
    return f"n = {many(one.people or 0, 'person', 'people')} of {worlds} together{block}, each in every arm"


def first_trials_text(report_input: TrialReportInput, trials: int | None, people: float | None) -> str:
    """State the first trials of the pairs of worlds and their people, of a figure that shows no other.

    Where they were not counted the sizes of the whole run stand there.
    """
    if trials is None or people is None:
        return size_text(report_input)
    return (
        f"n = {trials_text(trials)}, the first of each pair of worlds × {many(round(people), 'participant')}"
    )
