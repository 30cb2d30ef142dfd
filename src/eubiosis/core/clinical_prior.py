"""The one prior of a clinical effect: the mechanism's part and the part outside it.

ln RR = sum over classes of beta_c x_c + delta_class + delta_therapy. beta_c is the total of a class
(zero or normal about zero), x_c the therapy's exposure in doublings of its inputs, and which classes
carry anything depends on the form of the model. delta is outside the mechanism, not scaled by exposure
(``core.outside``). All of it is a mixture of normals; without exposures and without delta it is exactly zero.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
from pydantic import model_validator

from eubiosis.core.class_priors import ALL, read_class_priors
from eubiosis.core.content import PACKAGED_CONTENT
from eubiosis.core.findings import FindingCollector, unknown_word
from eubiosis.core.laws import Floats
from eubiosis.core.model_forms import TAXON, Forms, read_forms
from eubiosis.core.outside import OutsideTables, outside_of, read_outside
from eubiosis.core.provenance import Basis
from eubiosis.core.tables import RowProblem, TableRow, check_unique, display_name, read_table

THERAPIES, EXPOSURES = "calibration/prior_therapies.tsv", "calibration/prior_exposures.tsv"
TOTALS, COUPLINGS = "calibration/prior_totals.tsv", "couplings.tsv"
_DERIVE = "run eubiosis model derive"
_MOST_MECHANISM, _MOST = 24, 48  # normal components that a mixture keeps


class TherapyPriorRow(TableRow):
    """A therapy of the simulator, the intervention of the evidence that it is, and its class outside.

    An intervention that nobody simulates has no therapy.
    """

    therapy: str = ""
    intervention: str
    effect_class: str
    note: str = ""


class ExposureRow(TableRow):
    """The exposure of a therapy to a class, in doublings, at the dose of its named condition.

    ``mean`` keeps the sign; ``size`` is its root mean square when nobody knows which input of the class acts.
    """

    therapy: str
    condition: str
    metabolite_class: str
    mean: float
    size: float
    unit: str
    basis: Basis
    source: str

    @model_validator(mode="after")
    def _is_a_size(self) -> ExposureRow:
        if not (math.isfinite(self.mean) and 0 <= self.size < math.inf):
            raise RowProblem(f"mean {self.mean:g}, size {self.size:g}", allowed="finite numbers, size from 0",
                             next_step=_DERIVE)  # fmt: skip
        return self


class TotalRow(TableRow):
    """The posterior of one class's total given biomarkers, as a spike and a slab of the same moments.

    ``cohorts`` are those of the biomarkers, separated by spaces.
    """

    metabolite_class: str
    spike: float
    slab_sd: float
    draws: int
    effective: float
    cohorts: str
    basis: Basis
    source: str
    note: str = ""

    @model_validator(mode="after")
    def _is_a_spike_and_a_slab(self) -> TotalRow:
        if not 0 < self.spike <= 1:
            raise RowProblem(
                f"spike {self.spike:g}: a prior without support at zero",
                allowed="above 0, at most 1: no effect must stay possible", next_step=_DERIVE,
            )  # fmt: skip
        if not 0 <= self.slab_sd < math.inf:
            raise RowProblem(f"slab_sd {self.slab_sd:g}", allowed="0 or more, finite", next_step=_DERIVE)
        return self


class _PathRow(TableRow):
    """What a prior needs to know of a path: its class."""

    id: str
    metabolite_class: str
    target: str
    prior_only: str
    read: str = ""
    source: str = ""
    note: str = ""


@dataclass(frozen=True)
class ClinicalTables:
    """Everything that the prior of a clinical effect rests on.

    ``before`` and ``after`` hold (spike, slab) of each class and guild without and with biomarker data;
    ``carried`` form -> the classes and guilds that act in it; ``totals`` are what biomarkers made of classes.
    """

    therapies: tuple[TherapyPriorRow, ...]
    exposures: Mapping[str, tuple[ExposureRow, ...]]
    before: Mapping[str, tuple[float, float]]
    after: Mapping[str, tuple[float, float]]
    forms: Forms
    carried: Mapping[str, frozenset[str]]
    outside: OutsideTables
    totals: tuple[TotalRow, ...]

    @property
    def biomarker_cohorts(self) -> frozenset[str]:
        """The cohorts whose biomarkers weigh on class totals."""
        return frozenset(name for row in self.totals for name in row.cohorts.split())

    def therapy(self, name: str) -> TherapyPriorRow | None:
        """Return the row of a therapy or of an intervention of the evidence; None where there is none."""
        return next((row for row in self.therapies if name in (row.therapy, row.intervention)), None)


@cache
def packaged_clinical(holdouts: frozenset[str] = frozenset()) -> ClinicalTables:
    """Return the tables of the package, read once; ``holdouts`` as in ``read_clinical``."""
    return read_clinical(PACKAGED_CONTENT, holdouts)


def read_clinical(folder: Path, holdouts: frozenset[str] = frozenset()) -> ClinicalTables:
    """Read the tables of a content folder; ``holdouts`` are cohorts that no fit row may have.

    Raises ``FindingsError`` with everything that is wrong in them.
    """
    findings = FindingCollector()
    therapies = read_table(folder / THERAPIES, TherapyPriorRow, findings)
    exposures = read_table(folder / EXPOSURES, ExposureRow, findings)
    total_rows = read_table(folder / TOTALS, TotalRow, findings)
    totals = {row.metabolite_class: row for row in total_rows}
    paths = read_table(folder / COUPLINGS, _PathRow, findings)
    check_unique(
        [(r.intervention,) * 2 for r in therapies], display_name(folder / THERAPIES), "intervention", findings
    )
    check_unique(
        [(r.metabolite_class,) * 2 for r in total_rows], display_name(folder / TOTALS), "class", findings
    )
    keys = [f"{r.therapy} {r.metabolite_class}" for r in exposures]
    check_unique([(k, k) for k in keys], display_name(folder / EXPOSURES), "therapy and class", findings)
    findings.raise_if_any()
    forms, priors = read_forms(folder), read_class_priors(folder)
    class_of = {row.id: row.metabolite_class for row in paths if row.prior_only == "no"}
    _check_paths(display_name(folder / "calibration/forms.tsv"), forms, class_of, findings)
    before = {name: (prior.spike, prior.slab_sd) for name, prior in priors.items() if name != ALL}
    before |= {f"{TAXON}{guild}": (row.spike, row.slab_sd) for guild, row in forms.taxa.items()}
    for name, (spike, _) in before.items():
        if spike == 0:
            findings.add("coupling_priors.tsv", name, "a prior without support at zero",
                         allowed="a spike above 0: no effect must stay possible")  # fmt: skip
    findings.raise_if_any()
    _check_derived(therapies, exposures, totals, before, findings)
    findings.raise_if_any()
    after = before | {name: (row.spike, row.slab_sd) for name, row in totals.items() if name in before}
    by_therapy: dict[str, tuple[ExposureRow, ...]] = {}
    for row in exposures:
        by_therapy[row.therapy] = (*by_therapy.get(row.therapy, ()), row)
    carried = {
        form.id: frozenset(class_of[path] for path in form.paths) | {f"{TAXON}{g}" for g in form.taxa}
        for form in forms.rows
    }
    return ClinicalTables(
        tuple(therapies),
        by_therapy,
        before,
        after,
        forms,
        carried,
        read_outside(folder, holdouts),
        tuple(totals.values()),
    )


def _check_derived(
    therapies: Sequence[TherapyPriorRow],
    exposures: Sequence[ExposureRow],
    totals: Collection[str],
    before: Collection[str],
    findings: FindingCollector,
) -> None:
    """Report classes that no prior knows, and therapies that only one of two tables holds."""
    for file, names in ((TOTALS, totals), (EXPOSURES, dict.fromkeys(r.metabolite_class for r in exposures))):
        for name in names:
            if name not in before:
                findings.add(display_name(Path(file)), name, "is no class and no guild with a term",
                             allowed=", ".join(before), next_step=_DERIVE)  # fmt: skip
    exposed = {row.therapy for row in exposures}
    for row in therapies:
        if row.therapy and row.therapy not in exposed:
            findings.add(display_name(Path(EXPOSURES)), row.therapy, "has no exposure", next_step=_DERIVE)
    for name in sorted(exposed - {row.therapy for row in therapies}):
        findings.add(display_name(Path(THERAPIES)), name, "has exposures and no row here",
                     next_step="name the intervention and the class that it is")  # fmt: skip


def _check_paths(file: str, forms: Forms, drawn: Mapping[str, str], findings: FindingCollector) -> None:
    held: set[str] = set()
    for form in forms.rows:
        held |= form.paths
        for path in sorted(form.paths - set(drawn)):
            findings.add(file, form.id, f"path {unknown_word(path, drawn)}",
                         allowed="a drawn path of couplings.tsv")  # fmt: skip
    for path in sorted(set(drawn) - held):
        findings.add(file, "paths", f"{path} is in no form", next_step="add it to the form that holds it")


@dataclass(frozen=True)
class Mixture:
    """Normal components, shape (components,); an SD of 0 is a point."""

    weights: Floats
    means: Floats
    sds: Floats

    @property
    def variance(self) -> float:
        """Variance of the mixture."""
        mean = float(self.weights @ self.means)
        return float(self.weights @ (self.sds**2 + self.means**2)) - mean**2


def mechanism_part(tables: ClinicalTables, therapy: str, *, before: bool = False) -> Mixture:
    """Return the prior of the mechanism's log ratio: zero and normals about zero, mixed over the forms.

    ``before`` leaves the biomarker data out. A therapy without exposures has none: a point at zero.
    """
    priors = tables.before if before else tables.after
    size = {row.metabolite_class: row.size for row in tables.exposures.get(therapy, ())}
    weights, variances = [], []
    for form in tables.forms.rows:
        own_weights, own = np.array([form.weight]), np.array([0.0])
        for name in sorted(tables.carried[form.id] & set(size)):
            spike, slab = priors[name]
            own_weights = np.concatenate((own_weights * spike, own_weights * (1 - spike)))
            own = np.concatenate((own, own + (slab * size[name]) ** 2))
        weights.append(own_weights)
        variances.append(own)
    return _binned(np.concatenate(weights), np.sqrt(np.concatenate(variances)), _MOST_MECHANISM)


def clinical_part(
    tables: ClinicalTables,
    therapy: str,
    effect_class: str,
    *,
    leave_out: Collection[str] = (),
    before: bool = False,
    delta: bool = True,
    factor: float = 1.0,
) -> Mixture:
    """Return the prior of a therapy's log ratio of relapses, times ``factor``.

    ``leave_out`` removes cohorts; ``delta`` False leaves the part outside the mechanism away.
    """
    inside = mechanism_part(tables, therapy, before=before)
    if not delta:
        return Mixture(inside.weights, inside.means * factor, inside.sds * factor)
    weights, means, sds = outside_of(tables.outside, leave_out).components(effect_class)
    joint = np.outer(inside.weights, weights).ravel()
    spread = np.hypot(inside.sds[:, None], sds[None, :]).ravel() * factor
    if not means.any():
        return _binned(joint, spread, _MOST)
    centre = np.tile(means, len(inside.weights)) * factor
    keep = joint > 1e-6
    return Mixture(joint[keep] / joint[keep].sum(), centre[keep], spread[keep])


def _binned(weights: Floats, sds: Floats, most: int) -> Mixture:
    """Put zero-mean components with similar SDs together, keeping the variance; points at zero stay apart."""
    point = float(weights[sds == 0].sum())
    kept_weights, kept = ([point], [0.0]) if point > 0 else ([], [])
    rest = sds > 0
    order = np.argsort(sds[rest], kind="stable")
    own_weights, own = weights[rest][order], sds[rest][order]
    if len(own):
        for part in _bins(own, most):
            mass = float(own_weights[part].sum())
            if mass > 0:
                kept_weights.append(mass)
                kept.append(float(np.sqrt(own_weights[part] @ own[part] ** 2 / mass)))
    found = np.array(kept_weights)
    return Mixture(found / found.sum(), np.zeros(len(kept)), np.array(kept))


def _bins(sds: Floats, most: int) -> Sequence[slice]:
    """Split sorted SDs where their logarithm passes even steps, at most ``most`` parts."""
    if sds[-1] / sds[0] < 1 + 1e-9:
        return [slice(0, len(sds))]
    lowest = max(float(sds[0]), float(sds[-1]) * 1e-3)
    ends = np.geomspace(lowest, sds[-1], most)
    at = np.unique(np.concatenate(([0], np.searchsorted(sds, ends, side="right"), [len(sds)])))
    return [slice(int(a), int(b)) for a, b in pairwise(at.tolist())]
