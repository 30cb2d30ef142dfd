"""Every check of every study, flagged or not, with its outcome: passed, failed, or why it could not be made.

Estimate by estimate: arithmetic, interval, p against interval, p against dispersions, SE taken for SD,
GRIM, limits of the scale, size of the effect. Study by study: baseline balance and the four INSPECT-SR
domains (Wilkinson 2024), of which only what the records allow can be answered.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Literal

from eubiosis.core.laws import Z975
from eubiosis.core.tables import TableRow
from eubiosis.evidence.integrity.forensics import (
    PrintedArm,
    grim,
    last_digit_half,
    p_fits,
    p_from_interval,
    p_range,
    sd_is_possible,
)
from eubiosis.evidence.records.rows import ScaleTerm, Study, StudyEstimate, parse_p
from eubiosis.evidence.records.store import Evidence
from eubiosis.evidence.synthesis.derive import derive

Outcome = Literal["passed", "failed", "not possible"]
LARGEST_PLAUSIBLE_SMD = 2.0
RESULTS_DOMAIN = "INSPECT-SR 4: results"
RATIOS = ("risk_ratio", "OR", "HR", "rate_ratio", "IRR")


class CheckResult(TableRow):
    """The stored outcome of one check of one estimate, or of one study where ``estimate_id`` is empty."""

    study_id: str
    estimate_id: str = ""
    check: str
    outcome: Outcome
    detail: str


Result = tuple[Outcome, str]


def check_trials(evidence: Evidence) -> list[CheckResult]:
    """Run every check on every study and return the outcomes in table order."""
    results: list[CheckResult] = []
    for study in evidence.studies.values():
        own = [e for e in evidence.estimates if e.study_id == study.id]
        found = [
            CheckResult(study_id=study.id, estimate_id=e.id, check=name, outcome=outcome, detail=detail)
            for e in own
            for name, (outcome, detail) in _estimate_checks(e, evidence.scales.get(e.scale))
        ]
        results += found
        results += [
            CheckResult(study_id=study.id, check=name, outcome=outcome, detail=detail)
            for name, (outcome, detail) in _study_checks(study, found)
        ]
    return results


def _estimate_checks(estimate: StudyEstimate, scale: ScaleTerm | None) -> Iterator[tuple[str, Result]]:
    for name, check in ESTIMATE_CHECKS.items():
        yield name, check(estimate, scale)


def _arms(estimate: StudyEstimate) -> tuple[PrintedArm, PrintedArm] | None:
    m1, s1, n1 = estimate.treatment_mean, estimate.treatment_sd, estimate.n_treatment
    m2, s2, n2 = estimate.control_mean, estimate.control_sd, estimate.n_control
    if estimate.measure != "MD" or m1 is None or s1 is None or m2 is None or s2 is None:
        return None
    if not n1 or not n2:
        return None
    return _arm(m1, s1, n1, estimate), _arm(m2, s2, n2, estimate)


def _arm(mean: float, sd: float, n: int, estimate: StudyEstimate) -> PrintedArm:
    if estimate.dispersion_type == "SE->SD":  # printed with two decimals as a standard error
        return PrintedArm(mean, sd, n, last_digit_half(mean), 0.005 * math.sqrt(n))
    return PrintedArm(mean, sd, n, last_digit_half(mean), last_digit_half(sd))


def _arithmetic(estimate: StudyEstimate, scale: ScaleTerm | None) -> Result:
    """Compare a computed effect and interval with what the arms give."""
    del scale
    arms = _arms(estimate)
    if arms is None or estimate.effect is None or estimate.effect_origin != "computed":
        return "not possible", "no effect that was computed from both arms"
    effect = derive(estimate)["MD"].effect
    half = Z975 * effect.standard_error
    expected = (effect.estimate, effect.estimate - half, effect.estimate + half)
    recorded = (estimate.effect, estimate.ci_low, estimate.ci_high)
    gap = max(abs(a - b) for a, b in zip(expected, recorded, strict=True) if b is not None)
    detail = f"arms give {expected[0]:.3f} [{expected[1]:.3f}, {expected[2]:.3f}]"
    allowed = 0.04 * abs(half)  # a t quantile instead of the normal one moves the limits by that much
    return ("passed" if gap <= allowed else "failed"), detail


def _interval(estimate: StudyEstimate, scale: ScaleTerm | None) -> Result:
    """Look whether the interval contains its estimate."""
    del scale
    if estimate.effect is None or estimate.ci_low is None or estimate.ci_high is None:
        return "not possible", "no complete interval"
    inside = estimate.ci_low <= estimate.effect <= estimate.ci_high
    detail = f"{estimate.effect:g} and [{estimate.ci_low:g}, {estimate.ci_high:g}]"
    return ("passed" if inside else "failed"), detail


def _p_interval(estimate: StudyEstimate, scale: ScaleTerm | None) -> Result:
    """Compare the printed p with the one that the printed interval implies."""
    del scale
    printed = parse_p(estimate.p_value) if estimate.p_value else None
    if estimate.effect_origin != "reported" or printed is None:
        return "not possible", "no printed interval with a printed p"
    if estimate.effect is None or estimate.ci_low is None or estimate.ci_high is None:
        return "not possible", "no complete printed interval"
    ratio = estimate.effect_metric in RATIOS
    p = p_from_interval(estimate.effect, estimate.ci_low, estimate.ci_high, ratio=ratio)
    null = 1.0 if ratio else 0.0
    clearly = (p < 0.05 / 1.5) == (printed.relation != ">" and printed.value <= 0.05) or 0.03 < p < 0.08
    detail = f"printed p {estimate.p_value}, the interval gives {p:.2g} ({null:g} is no effect)"
    return ("passed" if clearly and p_fits(printed, p, p) else "failed"), detail


def _p_dispersion(estimate: StudyEstimate, scale: ScaleTerm | None) -> Result:
    """Recompute p from means and dispersions as recorded (Welch), allowing for rounding."""
    del scale
    arms = _arms(estimate)
    printed = parse_p(estimate.p_value) if estimate.p_value else None
    if arms is None or printed is None:
        return "not possible", "no printed p with both means and dispersions"
    low, high = p_range(*arms)
    detail = f"printed p {estimate.p_value}, recomputed {low:.2g} to {high:.2g}"
    return ("passed" if p_fits(printed, low, high) else "failed"), detail


def _se_as_sd(estimate: StudyEstimate, scale: ScaleTerm | None) -> Result:
    """Ask which reading of the printed dispersion, SD or standard error, fits the printed p."""
    del scale
    arms = _arms(estimate)
    printed = parse_p(estimate.p_value) if estimate.p_value else None
    if arms is None or printed is None:
        return "not possible", "no printed p with both means and dispersions"
    converted = estimate.dispersion_type == "SE->SD"
    factors = [math.sqrt(arm.n) for arm in arms]
    as_sd = [a._replace(sd=a.sd / f, sd_half=a.sd_half / f) if converted else a
             for a, f in zip(arms, factors, strict=True)]  # fmt: skip
    as_se = [a._replace(sd=a.sd * f, sd_half=a.sd_half * f) for a, f in zip(as_sd, factors, strict=True)]
    sd_low, sd_high = p_range(*as_sd)
    se_low, se_high = p_range(*as_se)
    sd_fits, se_fits = p_fits(printed, sd_low, sd_high), p_fits(printed, se_low, se_high)
    detail = (
        f"printed p {estimate.p_value}; read as SD {sd_low:.2g} to {sd_high:.2g}, "
        f"as standard error {se_low:.2g} to {se_high:.2g}"
    )
    if sd_fits and se_fits:
        return "not possible", detail + "; both readings fit"
    if sd_fits:
        return "passed", detail
    if se_fits:
        return "failed", detail + "; printed as SD, fits a standard error"
    return "failed", detail + "; fits neither"


def _grim(estimate: StudyEstimate, scale: ScaleTerm | None) -> Result:
    """Test whether the printed means can be means of whole steps of the scale."""
    arms = _arms(estimate)
    if arms is None or scale is None or scale.step is None:
        return "not possible", "no two printed means on a scale with known steps"
    if estimate.n_basis != "printed":
        return "not possible", "the group sizes are assumed"
    answers = [grim(arm.mean, arm.n, half=arm.mean_half, step=scale.step) for arm in arms]
    if all(answer is None for answer in answers):
        return "not possible", "too few decimals for these group sizes"
    detail = (
        f"means {arms[0].mean:g} (n {arms[0].n}) and {arms[1].mean:g} (n {arms[1].n}), step {scale.step:g}"
    )
    return ("failed" if False in answers else "passed"), detail


def _limits(estimate: StudyEstimate, scale: ScaleTerm | None) -> Result:
    """Hold means and dispersions against the ends of the scale; a change can span its whole width."""
    if scale is None or scale.low is None:
        return "not possible", "no limits known for this scale"
    pairs = [
        (mean, sd, n or 2)
        for mean, sd, n in (
            (estimate.treatment_mean, estimate.treatment_sd, estimate.n_treatment),
            (estimate.control_mean, estimate.control_sd, estimate.n_control or estimate.n_treatment),
        )
        if mean is not None
    ]
    if not pairs:
        return "not possible", "no printed mean"
    is_change = estimate.quantity == "change" or estimate.treatment_mean == estimate.effect
    if scale.high is None:
        bad = [mean for mean, _, _ in pairs if mean < scale.low and not is_change]
        return ("failed" if bad else "passed"), f"values from {scale.low:g} upwards"
    width = scale.high - scale.low
    low, high = (-width, width) if is_change else (scale.low, scale.high)
    bad = [mean for mean, sd, n in pairs if not sd_is_possible(mean, sd or 0.0, n, low, high)]
    return ("failed" if bad else "passed"), f"{scale.id} from {low:g} to {high:g}"


def _size(estimate: StudyEstimate, scale: ScaleTerm | None) -> Result:
    """Mark a standardised difference larger than treatments reach."""
    del scale
    derived = derive(estimate).get("SMD")
    if derived is None:
        return "not possible", "no standardised difference"
    g = derived.effect.estimate
    return ("failed" if abs(g) > LARGEST_PLAUSIBLE_SMD else "passed"), f"standardised difference {g:.2f}"


ESTIMATE_CHECKS: dict[str, Callable[[StudyEstimate, ScaleTerm | None], Result]] = {
    "arithmetic": _arithmetic,
    "interval": _interval,
    "p against interval": _p_interval,
    "p against dispersions": _p_dispersion,
    "standard error as SD": _se_as_sd,
    "GRIM": _grim,
    "limits of the scale": _limits,
    "size of the effect": _size,
}


def _study_checks(study: Study, found: list[CheckResult]) -> Iterator[tuple[str, Result]]:
    yield "baseline balance", ("not possible", "no baseline table has been read")
    yield "INSPECT-SR 1: notices after publication", _notices(study)
    registered = f"registered as {study.registry_id}"
    yield (
        "INSPECT-SR 2: conduct, governance, transparency",
        ("passed", registered) if study.registry_id else ("not possible", "no registration in what was read"),
    )
    yield "INSPECT-SR 3: text and figures", ("not possible", "no full text was compared with others")
    failed = [r for r in found if r.outcome == "failed"]
    passed = [r for r in found if r.outcome == "passed"]
    if failed:
        names = ", ".join(dict.fromkeys(r.check for r in failed))
        yield RESULTS_DOMAIN, ("failed", f"{len(failed)} of {len(failed) + len(passed)}: {names}")
    elif passed:
        yield RESULTS_DOMAIN, ("passed", f"{len(passed)} checks of printed numbers")
    else:
        yield RESULTS_DOMAIN, ("not possible", "no number to check")


def _notices(study: Study) -> Result:
    if study.integrity_status in ("retracted", "notice"):
        return "failed", study.integrity_reason
    if study.notice_search == "none found":
        return "passed", "looked for, none found"
    return "not possible", "nobody has looked for a notice"
