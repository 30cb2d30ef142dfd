"""The therapy table: gut, Treg and event ratios, with the specification's gains and with sampled ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from eubiosis.core.json_data import JsonRecord
from eubiosis.core.laws import Z975
from eubiosis.core.world_intervals import ENOUGH_WORLDS, interval_error, widened

Discrepancies = Mapping[str, Mapping[str, float]]  # condition -> column of the gut -> sd of its logarithm

NOTICE = """\
Simulated. Ratios to the own untreated state; gut on day 84. Host columns with the specification's
gains are a one-signed hand fit and predict nothing. The columns in brackets sample one total effect
for each metabolite class, zero or symmetric about zero, divided over its paths (2.5, 50 and 97.5 % of
worlds): prior only, not calibrated to any clinical outcome, and no bound on an effect: they hold what
the mechanism contains. No trial has tested a relapse outcome for any of these therapies."""


class TherapyLike(Protocol):
    """What a row of the comparison offers; arrays have shape (worlds,)."""

    @property
    def therapy(self) -> str: ...
    @property
    def condition(self) -> str: ...
    @property
    def gut(self) -> Mapping[str, float]: ...
    @property
    def treg_84d(self) -> NDArray[np.float64]: ...
    @property
    def relapses(self) -> NDArray[np.float64]: ...
    @property
    def lesions(self) -> NDArray[np.float64]: ...
    @property
    def share_worse(self) -> NDArray[np.float64]: ...


def therapy_records(
    fitted: Sequence[TherapyLike], sampled: Sequence[TherapyLike], discrepancies: Discrepancies
) -> list[JsonRecord]:
    """Return one record for each therapy, ready for JSON; sampled figures are [2.5, 50, 97.5] percentiles.

    ``discrepancies`` holds, by condition, the standard deviation of the log of a gut ratio that no parameter
    set covers; such a ratio gets the 95 % interval that this alone leaves.
    """
    by_condition = {row.condition: row for row in sampled}
    records: list[JsonRecord] = []
    for row in fitted:
        sds = discrepancies[row.condition]
        record: JsonRecord = {"therapy": row.therapy, "condition": row.condition, "simulated": True}
        record.update({f"{name}_ratio": round(value, 4) for name, value in row.gut.items()})
        record.update({f"{name}_ratio_discrepancy": _around(row.gut[name], sd) for name, sd in sds.items()})
        record |= {
            "treg_ratio_hand_fit": _one(row.treg_84d),
            "arr_ratio_hand_fit": _one(row.relapses),
            "mri_ratio_hand_fit": _one(row.lesions),
            "share_worse_hand_fit": _one(row.share_worse),
        }
        if row.condition in by_condition:
            other = by_condition[row.condition]
            record |= {
                "treg_ratio_sampled": _quantiles(other.treg_84d),
                "arr_ratio_sampled": _quantiles(other.relapses),
                "mri_ratio_sampled": _quantiles(other.lesions),
                "share_worse_sampled": _quantiles(other.share_worse),
                "arr_ratio_sampled_error": _errors(other.relapses),
                "mri_ratio_sampled_error": _errors(other.lesions),
                "worlds": len(other.relapses),
            }
        record["origin"] = "prior only: not calibrated to any clinical outcome"
        records.append(record)
    return records


def format_therapies(
    fitted: Sequence[TherapyLike], sampled: Sequence[TherapyLike], discrepancies: Discrepancies
) -> str:
    """Lay the comparison out for the terminal."""
    head = f"{'therapy':<20}{'acids':>7}{'butyr.':>7}{'LPS':>7}{'indole':>7}{'IPA':>7}{'AHR':>7}"
    head += f"{'Treg':>7}{'ARR':>7}{'MRI':>7}{'worse':>7}   sampled couplings: ARR, MRI, share worse"
    lines = [NOTICE, "", head]
    by_condition = {row.condition: row for row in sampled}
    for row in fitted:
        gut = [round(row.gut[name], 4) for name in ("acids", "butyrate", "lps", "indole", "ipa", "ahr")]
        host = [_one(values) for values in (row.treg_84d, row.relapses, row.lesions, row.share_worse)]
        line = f"{row.therapy:<20}" + "".join(f"{ratio:>7.2f}" for ratio in (*gut, *host))
        if row.condition in by_condition:
            other = by_condition[row.condition]
            line += "   " + "  ".join(
                "[" + " ".join(f"{x:.2f}" for x in _quantiles(values)) + "]"
                for values in (other.relapses, other.lesions, other.share_worse)
            )
        lines.append(line)
    return "\n".join([*lines, "", *_notes(sampled, discrepancies)])


def _notes(sampled: Sequence[TherapyLike], discrepancies: Discrepancies) -> list[str]:
    """Say how sure the printed intervals are, and what widens the gut's ratios."""
    notes = []
    if sampled:
        worlds = len(sampled[0].relapses)
        rough = f" (fewer than {ENOUGH_WORLDS}: rough)" if worlds < ENOUGH_WORLDS else ""
        notes.append(f"{worlds} worlds in mirrored pairs{rough}; Monte Carlo error of the ends:")
        for row in sampled:
            told = [
                f"{name} {_ends(values)}" for name, values in (("ARR", row.relapses), ("MRI", row.lesions))
            ]
            notes.append(f"  {row.therapy:<20}{'; '.join(told)}")
    names = sorted({name for sds in discrepancies.values() for name in sds})
    for name in names:
        sizes = sorted({sds[name] for sds in discrepancies.values() if name in sds})
        factors = " or ".join(f"{np.exp(Z975 * sd):.2f}" for sd in sizes)
        notes.append(f"no parameter set covers {name} better than by a factor of {factors} (95 %) either way")
    return notes


def _one(values: NDArray[np.float64]) -> float:
    return round(float(values[0]), 4)


def _errors(values: NDArray[np.float64]) -> list[float | None]:
    """Return the Monte Carlo error of the quantiles; a world and its mirror image are one draw."""
    found = interval_error(values, [k // 2 for k in range(len(values))])
    return [round(x, 4) if np.isfinite(x) else None for x in found]


def _ends(values: NDArray[np.float64]) -> str:
    low, _, high = _errors(values)
    return "not estimable" if low is None or high is None else f"{low:.2f}, {high:.2f}"


def _around(ratio: float, sd: float) -> list[float]:
    low, middle, high = widened((ratio, ratio, ratio), sd, ratio=True)
    return [round(low, 4), round(middle, 4), round(high, 4)]


def _quantiles(values: NDArray[np.float64]) -> list[float]:
    return [round(float(q), 4) for q in np.percentile(values, [2.5, 50, 97.5])]
