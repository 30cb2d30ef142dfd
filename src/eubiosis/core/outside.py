"""Effects outside the mechanism: what add-on trials of other agents say about how far true effects spread.

The log ratio of relapses of a therapy has a part that no path of the model carries: a term of its class and
one of its own, delta = delta_class + delta_therapy. Both have centre 0; tau is the spread of their sum and
rho the share of its variance that a class has in common. A reported ratio is y = delta + b s + e with its
standard error s, where b is what selective reporting adds (a shift, never part of the spread), and arms
that share a control have its variance in common. Tau has a half-normal prior, rho a uniform and b a normal
one; given tau and rho everything is normal, so the posterior is a mixture over a grid (no sampling).
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import model_validator

from eubiosis.core import laws
from eubiosis.core.findings import FindingCollector
from eubiosis.core.laws import Floats
from eubiosis.core.provenance import Basis, Read, SourcedNumber
from eubiosis.core.streams import stream
from eubiosis.core.tables import RowProblem, TableRow, display_name, read_table

TRIALS, NUMBERS, ENDPOINTS = (
    f"calibration/{n}.tsv" for n in ("delta_trials", "delta_priors", "delta_endpoints")
)
FIT = "fit"
_TAUS, _RHOS, _TOP = 80, 9, 4.0  # nodes, and how many scales of the prior the grid of tau covers
_NEEDED = ("tau_scale", "centre", "bias_slope_mean", "bias_slope_sd", "least_randomised", "lesion_slope")


class DeltaTrial(TableRow):
    """One comparison of an add-on trial: the log ratio of relapses and its standard error.

    ``control`` names a control arm that several rows share and ``control_variance`` its variance, which they
    have in common. ``role`` is "fit", "check" (compared, never fitted) or "holdout".
    """

    cohort: str
    trial: str
    agent: str
    effect_class: str
    population: str
    outcome: Literal["relapses"]
    estimate: float
    se: float
    how: str
    blinded: Literal["yes", "no"]
    randomised: int
    role: Literal["fit", "check", "holdout"]
    control: str = ""
    control_variance: float | None = None
    basis: Basis
    read: Read | None = None
    source: str = ""
    licence: str = ""
    note: str = ""

    @model_validator(mode="after")
    def _is_usable(self) -> DeltaTrial:
        for name in ("source", "licence"):
            if not getattr(self, name):
                raise RowProblem(
                    f"{self.trial}: no {name}", next_step=f"name the {name}, or take the row out"
                )
        if not (math.isfinite(self.se) and self.se > 0 and math.isfinite(self.estimate)):
            raise RowProblem(f"{self.trial}: no estimate with a standard error above 0")
        if bool(self.control) != (self.control_variance is not None):
            raise RowProblem(
                f"{self.trial}: one of control and control_variance is empty",
                next_step="give both or neither",
            )
        if self.control_variance is not None and not 0 < self.control_variance < self.se**2:
            raise RowProblem(
                f"{self.trial}: control_variance {self.control_variance:g}",
                allowed=f"above 0 and below the square of the standard error, {self.se**2:.3g}",
            )
        return self


class EndpointRow(TableRow):
    """Whether and how the term outside acts on an endpoint of a simulated trial."""

    endpoint: str
    acts: Literal["yes", "no", "through relapses"]
    how: str
    basis: Basis
    read: Read | None = None
    source: str = ""
    note: str


@dataclass(frozen=True)
class OutsideTables:
    """Add-on trials, the numbers of their model, and where the term acts."""

    trials: tuple[DeltaTrial, ...]
    numbers: Mapping[str, SourcedNumber]
    endpoints: tuple[EndpointRow, ...]

    def value(self, name: str) -> float:
        """Return one of the numbers."""
        return self.numbers[name].value

    def fitted(self, leave_out: Collection[str] = ()) -> tuple[DeltaTrial, ...]:
        """Return the fit rows without the cohorts left out."""
        return tuple(row for row in self.trials if row.role == FIT and row.cohort not in leave_out)


def read_outside(folder: Path, holdouts: frozenset[str] = frozenset()) -> OutsideTables:
    """Read the tables of a content folder; ``holdouts`` are cohorts that no fit row may have.

    Raises ``FindingsError`` with every bad row: without source or licence, a cohort counted twice, a fit row
    that is held out, a centre that is not zero.
    """
    findings = FindingCollector()
    trials = read_table(folder / TRIALS, DeltaTrial, findings)
    numbers = {row.id: row for row in read_table(folder / NUMBERS, SourcedNumber, findings)}
    endpoints = read_table(folder / ENDPOINTS, EndpointRow, findings)
    file = display_name(folder / NUMBERS)
    for name in _NEEDED:
        if name not in numbers and not findings.findings:
            findings.add(file, name, "is missing", next_step="restore the row")
    _check_numbers(file, numbers, findings)
    fitted = [row for row in trials if row.role == FIT]
    check_cohorts(display_name(folder / TRIALS), fitted, holdouts, findings)
    for row in fitted:
        least = numbers["least_randomised"].value if "least_randomised" in numbers else 0
        if row.randomised < least or row.blinded == "no":
            findings.add(
                display_name(folder / TRIALS),
                row.trial,
                "a fit row that is open or too small",
                allowed=f"blinded, {least:g} randomised or more",
                next_step="make it a check",
            )
    findings.raise_if_any()
    return OutsideTables(tuple(trials), numbers, tuple(endpoints))


def check_cohorts(
    file: str, fitted: Sequence[DeltaTrial], holdouts: Collection[str], findings: FindingCollector
) -> None:
    """Report cohorts counted twice and held-out cohorts among fit rows."""
    seen: dict[str, DeltaTrial] = {}
    for row in fitted:
        if row.cohort in holdouts:
            findings.add(file, row.trial, f'cohort "{row.cohort}" is held out and a fit row',
                         next_step="make the row a holdout: a held-out study is never fitted")  # fmt: skip
        first = seen.setdefault(row.cohort, row)
        if first is not row and not (row.control and row.control == first.control):
            findings.add(file, row.trial, f'cohort "{row.cohort}" is counted twice (first: {first.agent})',
                         allowed="one row a cohort, or arms that name the control they share",
                         next_step="keep one row, or give control and control_variance")  # fmt: skip


def _check_numbers(file: str, numbers: Mapping[str, SourcedNumber], findings: FindingCollector) -> None:
    centre, scale = numbers.get("centre"), numbers.get("tau_scale")
    if centre is not None and centre.value != 0:
        findings.add(file, "centre", f"a prior centred on {centre.value:g} has no support at zero of its own",
                     allowed="0", next_step="show another centre as a sensitivity")  # fmt: skip
    if scale is not None and not scale.value > 0:
        findings.add(file, "tau_scale", f"{scale.value:g}", allowed="a number above 0")


@dataclass(frozen=True)
class Outside:
    """The posterior of effects outside the mechanism: nodes of (tau, rho) with weights, shape (nodes,)."""

    rows: tuple[DeltaTrial, ...]
    weights: Floats
    taus: Floats
    rhos: Floats
    class_means: Mapping[str, Floats]  # of the classes that have a trial, by node
    class_variances: Mapping[str, Floats]

    def tau_quantile(self, p: float) -> float:
        """Return a quantile of the posterior of tau."""
        taus, members = np.unique(self.taus, return_inverse=True)
        own = np.bincount(members, self.weights)
        return float(np.interp(p, np.cumsum(own) - own / 2, taus))

    def components(self, effect_class: str) -> tuple[Floats, Floats, Floats]:
        """Return weights, means and SDs (nodes,) of delta of a new therapy of a class."""
        mean, variance = self._of_class(effect_class)
        own = self.taus**2 * (1 - self.rhos)
        return self.weights, mean, np.sqrt(variance + own)

    def draw(self, number: int, seed: int, therapies: Mapping[str, str]) -> dict[str, float]:
        """Draw delta of each therapy in world ``number``; ``therapies`` maps therapy to class.

        A draw depends on the therapy and its class, not on the company; odd worlds mirror the even one before
        about the mean, which is 0 for a class without a trial.
        """
        pair, mirrored = divmod(number, 2)
        node = int(np.searchsorted(np.cumsum(self.weights), stream(seed, "world/outside", pair).random()))
        node = min(node, len(self.weights) - 1)
        drawn = {}
        for therapy, effect_class in therapies.items():
            mean, variance = (float(x[node]) for x in self._of_class(effect_class))
            common = float(stream(seed, f"world/outside/class/{effect_class}", pair).standard_normal())
            own = float(stream(seed, f"world/outside/therapy/{therapy}", pair).standard_normal())
            off = math.sqrt(variance) * common + float(self.taus[node]) * math.sqrt(1 - self.rhos[node]) * own
            drawn[therapy] = mean + (-off if mirrored else off)
        return drawn

    def _of_class(self, effect_class: str) -> tuple[Floats, Floats]:
        """Return mean and variance (nodes,) of the class's term; the prior for a class without a trial."""
        if effect_class in self.class_means:
            return self.class_means[effect_class], self.class_variances[effect_class]
        return np.zeros_like(self.taus), self.taus**2 * self.rhos


def fit_outside(
    rows: Iterable[DeltaTrial], *, tau_scale: float, bias_mean: float = 0.0, bias_sd: float = 0.0
) -> Outside:
    """Return the posterior of tau, rho and the class terms given trials; without trials it is the prior."""
    rows = tuple(rows)
    nodes, node_weights = laws.gauss_legendre(_TAUS)
    shares, share_weights = laws.gauss_legendre(_RHOS)
    tau = (_TOP * tau_scale * (nodes + 1) / 2)[:, None]
    rho = ((shares + 1) / 2)[None, :]
    log = laws.normal_log_pdf(tau / tau_scale) + np.log(node_weights[:, None] * share_weights[None, :])
    taus, rhos = (np.broadcast_to(x, log.shape).ravel() for x in (tau, rho))
    log = log.ravel()
    means: dict[str, Floats] = {}
    variances: dict[str, Floats] = {}
    if rows:
        classes = np.array([row.effect_class for row in rows])
        same = (classes[:, None] == classes[None, :]).astype(float)
        left = np.array([row.estimate - bias_mean * row.se for row in rows])
        between = taus[:, None, None] ** 2 * (
            rhos[:, None, None] * same + (1 - rhos[:, None, None]) * np.eye(len(rows))
        )
        total = _sampling(rows, bias_sd) + between
        inverse = np.linalg.inv(total)
        log = log - 0.5 * np.linalg.slogdet(total)[1] - 0.5 * np.einsum("i,nij,j->n", left, inverse, left)
        for name in dict.fromkeys(classes.tolist()):
            loads = (taus**2 * rhos)[:, None] * (classes == name)
            means[name] = np.einsum("ni,nij,j->n", loads, inverse, left)
            explained = np.einsum("ni,nij,nj->n", loads, inverse, loads)
            variances[name] = np.maximum(taus**2 * rhos - explained, 0.0)
    weights = np.exp(log - log.max())
    return Outside(rows, weights / weights.sum(), taus, rhos, means, variances)


def _sampling(rows: Sequence[DeltaTrial], bias_sd: float) -> Floats:
    """Return the covariance of the reported ratios about delta: sampling, shared controls, selection."""
    errors = np.array([row.se for row in rows])
    found = np.diag(errors**2) + bias_sd**2 * np.outer(errors, errors)
    for i, one in enumerate(rows):
        for j, other in enumerate(rows):
            if i != j and one.control and one.control == other.control:
                assert one.control_variance is not None
                assert other.control_variance is not None
                found[i, j] += math.sqrt(one.control_variance * other.control_variance)
    return found


def outside_of(tables: OutsideTables, leave_out: Collection[str] = ()) -> Outside:
    """Return the posterior of the packaged model: the fit rows but those of the cohorts left out."""
    return _outside_of(
        tables.fitted(leave_out),
        tables.value("tau_scale"),
        tables.value("bias_slope_mean"),
        tables.value("bias_slope_sd"),
    )


@cache
def _outside_of(rows: tuple[DeltaTrial, ...], scale: float, bias_mean: float, bias_sd: float) -> Outside:
    return fit_outside(rows, tau_scale=scale, bias_mean=bias_mean, bias_sd=bias_sd)
