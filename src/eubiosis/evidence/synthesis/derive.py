"""From one record to effect sizes, with a sentence on how each was obtained."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from eubiosis.core.scales import Scale
from eubiosis.evidence.records.rows import StudyEstimate, parse_p
from eubiosis.evidence.synthesis import conversions as conv
from eubiosis.evidence.synthesis import effects
from eubiosis.evidence.synthesis.effects import EffectSize

_RATIO_SCALES: dict[str, Scale] = {
    "OR": "log OR",
    "HR": "log HR",
    "rate_ratio": "log rate ratio",
    "IRR": "log rate ratio",
    "risk_ratio": "log RR",
}


@dataclass(frozen=True)
class DerivedEffect:
    """An effect size, how it was obtained, and the SD of one person's value where that is known."""

    effect: EffectSize
    how: str
    sd: float | None = None


def derive(estimate: StudyEstimate) -> dict[Scale, DerivedEffect]:
    """Return every effect size that the record's numbers allow; empty for a narrative or within-arm row."""
    if estimate.measure == "MD":
        return _from_means(estimate) or _from_difference(estimate)
    if estimate.measure in ("RR", "rate_ratio"):
        return _from_ratio(estimate)
    if estimate.effect_metric == "risk_difference_pp":
        return _from_risk_difference(estimate)
    return {}


def as_printed(estimate: StudyEstimate) -> StudyEstimate:
    """Undo the conversion of standard errors, so that the printed dispersions are read as they stand."""
    if estimate.dispersion_type != "SE->SD" or estimate.treatment_sd is None or estimate.control_sd is None:
        return estimate
    if not estimate.n_treatment or not estimate.n_control:
        return estimate
    return estimate.model_copy(
        update={
            "treatment_sd": estimate.treatment_sd / math.sqrt(estimate.n_treatment),
            "control_sd": estimate.control_sd / math.sqrt(estimate.n_control),
            "dispersion_type": "SD",
        }
    )


def _arms(estimate: StudyEstimate) -> tuple[float, float, int, float, float, int] | None:
    m1, s1, n1 = estimate.treatment_mean, estimate.treatment_sd, estimate.n_treatment
    m2, s2, n2 = estimate.control_mean, estimate.control_sd, estimate.n_control
    if m1 is None or s1 is None or not n1 or m2 is None or s2 is None or not n2:
        return None
    if estimate.dispersion_type == "SE":
        s1, s2 = conv.sd_from_se(s1, n1), conv.sd_from_se(s2, n2)
    return m1, s1, n1, m2, s2, n2


def _from_means(estimate: StudyEstimate) -> dict[Scale, DerivedEffect]:
    arms = _arms(estimate)
    if arms is None:
        return {}
    how = "means and SDs of both arms"
    if estimate.dispersion_type == "SE->SD":
        how += ", the SDs converted from printed standard errors"
    if estimate.n_basis == "assumed":
        how += "; group sizes partly assumed"
    sd = effects.pooled_sd(arms[1], arms[2], arms[4], arms[5])
    return {
        "MD": DerivedEffect(effects.mean_difference(*arms), how, sd),
        "SMD": DerivedEffect(effects.standardised_mean_difference(*arms), how, sd),
    }


def _from_difference(estimate: StudyEstimate) -> dict[Scale, DerivedEffect]:
    """Use a printed difference with its interval, or with an exact p where no interval was printed."""
    if estimate.effect is None:
        return {}
    n1, n2 = estimate.n_treatment, estimate.n_control
    p = parse_p(estimate.p_value) if estimate.p_value else None
    if estimate.ci_low is not None and estimate.ci_high is not None:
        se, how = conv.se_from_ci(estimate.ci_low, estimate.ci_high), "printed difference and its interval"
    elif p and p.relation == "=" and n1 and n2 and estimate.effect != 0 and 0 < p.value < 1:
        se = conv.se_from_p(estimate.effect, p.value, df=n1 + n2 - 2)
        how = "printed difference and its exact p value"
    else:
        return {}
    derived: dict[Scale, DerivedEffect] = {"MD": DerivedEffect(EffectSize(estimate.effect, se**2, "MD"), how)}
    if n1 and n2:
        sd = conv.sd_from_difference_se(se, n1, n2)
        derived["MD"] = replace(derived["MD"], sd=sd)
        smd = effects.smd_from_d(estimate.effect / sd, n1, n2)
        derived["SMD"] = DerivedEffect(
            smd, how + "; SD back-calculated, too small if the difference is adjusted", sd
        )
    return derived


def _from_ratio(estimate: StudyEstimate) -> dict[Scale, DerivedEffect]:
    scale = _RATIO_SCALES.get(estimate.effect_metric or "")
    if scale is None or estimate.effect is None:
        return {}
    if estimate.ci_low is not None and estimate.ci_high is not None:
        effect = conv.effect_from_ci(estimate.effect, estimate.ci_low, estimate.ci_high, scale)
        return {scale: DerivedEffect(effect, "printed ratio and its interval")}
    counts = back_calculated_counts(estimate) if scale == "log RR" else None
    if counts is not None:
        a, n1, c, n2 = counts
        how = f"events back-calculated from printed shares: {a:.1f}/{n1} and {c:.1f}/{n2}"
        return {scale: DerivedEffect(effects.log_risk_ratio(a, n1, c, n2), how)}
    p = parse_p(estimate.p_value) if estimate.p_value else None
    if p and p.relation == "=" and 0 < p.value < 1 and estimate.effect not in (0.0, 1.0):
        log = math.log(estimate.effect)
        se = conv.se_from_p(log, p.value)
        return {scale: DerivedEffect(EffectSize(log, se**2, scale), "printed rates and an exact p value")}
    return {}


def back_calculated_counts(estimate: StudyEstimate) -> tuple[float, int, float, int] | None:
    """Return (events, n, events, n) from printed percentages or shares, or None where one is missing.

    The events are share times n and not rounded, so that their ratio is the printed one.
    """
    n1, n2 = estimate.n_treatment, estimate.n_control
    share1, share2 = estimate.treatment_mean, estimate.control_mean
    if not n1 or not n2 or share1 is None or share2 is None:
        return None
    unit = 1.0 if max(share1, share2) <= 1 else 100.0
    return share1 / unit * n1, n1, share2 / unit * n2, n2


def _from_risk_difference(estimate: StudyEstimate) -> dict[Scale, DerivedEffect]:
    if estimate.effect is None or estimate.ci_low is None or estimate.ci_high is None:
        return {}
    se = conv.se_from_ci(estimate.ci_low / 100, estimate.ci_high / 100)
    effect = EffectSize(estimate.effect / 100, se**2, "RD")
    return {"RD": DerivedEffect(effect, "printed risk difference and its interval")}
