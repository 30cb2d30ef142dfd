"""Stool communities: diversity, dissimilarity, PERMANOVA, dispersion and one model per taxon.

Tables are (samples, taxa) of counts or abundances, rows and columns in a fixed order.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from eubiosis.analysis.columns import DesignMatrix, Floats, arm_column, build_design, demand_arm
from eubiosis.analysis.estimators.linear import fit_least_squares
from eubiosis.analysis.estimators.multiplicity import adjust
from eubiosis.analysis.guard import NEGLIGIBLE, all_finite, spellings
from eubiosis.analysis.result import Estimate, wald
from eubiosis.core.soundness import OK, USABLE, Soundness, Status, worst
from eubiosis.core.streams import stream

Dissimilarity = Literal["Bray-Curtis", "Jaccard", "Aitchison"]


@dataclass(frozen=True)
class Permanova:
    """Permutational analysis of variance: pseudo-F, share explained, and a permutation p-value.

    Where ``status`` forbids the numbers they are NaN and ``reason`` says why.
    """

    pseudo_f: float
    r_squared: float
    degrees_of_freedom: tuple[int, int, int]
    p_value: float
    permutations: int
    status: Status = "ok"
    reason: str = ""

    @property
    def usable(self) -> bool:
        """Say whether the numbers may be read."""
        return self.status in USABLE


@dataclass(frozen=True)
class Dispersion:
    """Distances to the group's spatial median: mean per group (in ``groups`` order), F and its p-value.

    ``negative`` counts samples whose squared distance was negative and taken as zero. Where ``status``
    forbids the test F and p are NaN and ``reason`` says why.
    """

    groups: tuple[str, ...]
    mean_distance: tuple[float, ...]
    f_statistic: float
    p_value: float
    negative: int = 0
    status: Status = "ok"
    reason: str = ""

    @property
    def usable(self) -> bool:
        """Say whether the numbers may be read."""
        return self.status in USABLE


@dataclass(frozen=True)
class TaxonResult:
    """One taxon's estimate and its p-value adjusted over all taxa tested (Benjamini and Hochberg).

    ``tested`` is the number of taxa in that adjustment: those whose model has a p-value.
    """

    taxon: str
    estimate: Estimate
    adjusted_p: float
    tested: int


def alpha_diversity(
    table: ArrayLike, index: Literal["shannon", "simpson", "inverse simpson", "richness", "evenness"]
) -> Floats:
    """Return one diversity per sample (samples,); Shannon in nats, Simpson as 1 - sum of squares.

    "evenness" is Pielou's: Shannon over the logarithm of the richness, undefined (NaN) for a single taxon,
    which has nothing to be even with. An empty sample has richness 0 and otherwise NaN. Leave NaN out of
    means (``numpy.nanmean``) and say how many samples that were.

    >>> alpha_diversity([[1, 1, 0], [2, 0, 0]], "richness").tolist()
    [2.0, 1.0]
    """
    counts = _checked(table)
    if index == "richness":
        return np.asarray((counts > 0).sum(axis=1), dtype=np.float64)
    total = counts.sum(axis=1, keepdims=True)
    share = np.divide(counts, total, out=np.full_like(counts, math.nan), where=total > 0)
    if index == "shannon":
        logs = np.log(np.where(share > 0, share, 1.0))
        return np.asarray(-np.sum(share * logs, axis=1), dtype=np.float64)
    if index == "evenness":
        richness = (counts > 0).sum(axis=1)
        most = np.log(np.where(richness > 1, richness, 2))
        return np.where(richness > 1, alpha_diversity(counts, "shannon") / most, math.nan)
    same = np.sum(share**2, axis=1)
    return np.asarray(1 - same if index == "simpson" else 1 / same, dtype=np.float64)


def rarefied_richness(table: ArrayLike, depth: int) -> Floats:
    """Return the expected number of taxa in ``depth`` random reads of each sample (Hurlbert 1971).

    Samples with fewer reads raise ``ValueError``: rarefying them would invent reads.

    >>> rarefied_richness([[5, 5, 0], [9, 1, 1]], depth=4).round(2).tolist()
    [1.95, 1.73]
    """
    from scipy.special import gammaln

    counts = _checked(table)
    total = counts.sum(axis=1, keepdims=True)
    if np.any(total < depth):
        message = f"{int((total < depth).sum())} samples have fewer than {depth} reads; use a smaller depth"
        raise ValueError(message)

    def log_choose(n: Floats, k: int) -> Floats:
        possible = n >= k
        safe = np.where(possible, n, k)
        value = gammaln(safe + 1) - gammaln(k + 1) - gammaln(safe - k + 1)
        return np.where(possible, value, -np.inf)

    missed = np.exp(log_choose(total - counts, depth) - log_choose(total, depth))
    return np.asarray(np.sum(np.where(counts > 0, 1 - missed, 0.0), axis=1), dtype=np.float64)


def centred_log_ratio(table: ArrayLike, pseudocount: float = 0.5) -> Floats:
    """Return log abundances minus their mean per sample, (samples, taxa); zeros need the pseudocount."""
    counts = _checked(table) + pseudocount
    if np.any(counts <= 0):
        message = "a zero has no logarithm; allowed: a positive pseudocount"
        raise ValueError(message)
    logs = np.log(counts)
    return np.asarray(logs - logs.mean(axis=1, keepdims=True), dtype=np.float64)


def dissimilarity(table: ArrayLike, kind: Dissimilarity = "Bray-Curtis", pseudocount: float = 0.5) -> Floats:
    """Return the dissimilarities between samples, (samples, samples).

    "Bray-Curtis" and the quantitative "Jaccard" (2 B / (1 + B)) on abundances as given; "Aitchison" is
    the Euclidean distance of centred log ratios.

    >>> dissimilarity([[1, 0], [0, 1], [1, 1]]).round(2).tolist()
    [[0.0, 1.0, 0.33], [1.0, 0.0, 0.33], [0.33, 0.33, 0.0]]
    """
    if kind == "Aitchison":
        points = centred_log_ratio(table, pseudocount)
        return np.asarray(np.linalg.norm(points[:, None] - points[None], axis=2), dtype=np.float64)
    counts = _checked(table)
    apart = np.abs(counts[:, None] - counts[None]).sum(axis=2)
    together = (counts[:, None] + counts[None]).sum(axis=2)
    bray = np.divide(apart, together, out=np.zeros_like(apart), where=together > 0)
    return np.asarray(bray if kind == "Bray-Curtis" else 2 * bray / (1 + bray), dtype=np.float64)


def change_dissimilarity(followed: ArrayLike, baseline: ArrayLike, pseudocount: float = 0.5) -> Floats:
    """Return the distances between participants' changes from baseline, (participants, participants).

    The change is that of the centred log ratios, the distance Euclidean: the input of a PERMANOVA of arms
    that is adjusted for where everybody started.
    """
    change = centred_log_ratio(followed, pseudocount) - centred_log_ratio(baseline, pseudocount)
    return np.asarray(np.linalg.norm(change[:, None] - change[None], axis=2), dtype=np.float64)


def permanova(
    distances: ArrayLike,
    group: ArrayLike,
    *,
    covariates: ArrayLike | None = None,
    blocks: ArrayLike | None = None,
    permutations: int = 999,
    seed: int,
) -> Permanova:
    """Test whether groups differ in composition, after covariates (samples, columns).

    Pseudo-F of Anderson (2001, Austral Ecology 26:32) and McArdle and Anderson (2001): the groups' share
    of the squared distances beyond the covariates, against the residual. Group labels are permuted
    within ``blocks``, which is what randomisation justifies; p counts the observed arrangement, so that
    it cannot be below 1 / (permutations + 1). A distance or covariate that is missing or infinite, one
    group, distances that are all zero, groups that the covariates or blocks determine, or no residual
    degrees of freedom leave no numbers and a status that says which.

    >>> distances = dissimilarity([[9, 1, 0], [8, 2, 0], [7, 2, 1], [1, 9, 2], [0, 8, 3], [1, 7, 4]])
    >>> found = permanova(distances, ["a", "a", "a", "b", "b", "b"], permutations=199, seed=1)
    >>> round(found.r_squared, 2)
    0.95
    """
    matrix = np.asarray(distances, dtype=np.float64)
    samples = len(matrix)
    names, labels = np.unique(np.asarray(group).astype(str), return_inverse=True)
    extra = None if covariates is None else np.asarray(covariates, dtype=np.float64).reshape(samples, -1)
    soundness = worst(
        all_finite(matrix, "distances"),
        OK if extra is None else all_finite(extra, "covariates"),
        spellings(names.tolist(), "group"),
        _groups_enough(names.tolist(), samples, matrix),
    )
    groups = len(names) - 1
    if not soundness.usable:
        return _no_permanova(groups, samples, soundness)
    gower = -0.5 * _centred(matrix**2)
    base = np.ones((samples, 1)) if extra is None else np.column_stack([np.ones(samples), extra])
    base_hat = _hat(base)
    before = round(float(np.trace(base_hat)))
    layer = np.zeros(samples, dtype=int) if blocks is None else np.unique(blocks, return_inverse=True)[1]
    total = float(np.trace(gower))
    reduced = float(np.sum(base_hat * gower))

    def fitted(order: NDArray[np.intp]) -> Floats:
        dummies = (labels[order][:, None] == np.arange(1, groups + 1)).astype(np.float64)
        return _hat(np.column_stack([base, dummies]))

    hat = fitted(np.arange(samples))
    own = round(float(np.trace(hat))) - before
    freedom = samples - before - own
    explained = float(np.sum(hat * gower)) - reduced
    soundness = _permanova_defined(labels, layer, own=own, groups=groups, freedom=freedom)
    if soundness.usable and abs(total - reduced - explained) <= NEGLIGIBLE * total:
        soundness = Soundness("no_variance", "samples of one group do not differ")
    if not soundness.usable:
        return _no_permanova(groups, samples, soundness)

    def pseudo_f(share: float) -> float:
        rest = total - reduced - share
        return share / own / (rest / freedom) if rest > NEGLIGIBLE * total else math.inf

    observed = pseudo_f(explained)
    draw = stream(seed, "permanova")
    hits = 0
    for _ in range(permutations):
        order = np.arange(samples)
        for one in np.unique(layer):
            rows = np.flatnonzero(layer == one)
            order[rows] = draw.permutation(rows)
        again = pseudo_f(float(np.sum(fitted(order) * gower)) - reduced)
        hits += again >= observed - 1e-12 * abs(observed)
    return Permanova(
        observed,
        explained / total,
        (own, freedom, samples - 1),
        (hits + 1) / (permutations + 1),
        permutations,
    )


def _groups_enough(names: Sequence[str], samples: int, matrix: Floats) -> Soundness:
    if len(names) < 2:
        return Soundness("no_information", f"{len(names)} group: nothing to compare")
    if samples <= len(names):
        return Soundness("too_few_participants", f"{samples} samples in {len(names)} groups: one each")
    if not np.any(matrix > 0):
        return Soundness("no_variance", "all distances are zero")
    return OK


def _permanova_defined(
    labels: NDArray[np.intp], layer: NDArray[np.intp], *, own: int, groups: int, freedom: int
) -> Soundness:
    if own < 1:
        return Soundness("singular", "the covariates determine the groups")
    if own < groups:
        return Soundness("singular", "the covariates determine some of the groups")
    if freedom < 1:
        return Soundness("too_few_participants", "no residual degrees of freedom are left")
    if all(len(np.unique(labels[layer == one])) < 2 for one in np.unique(layer)):
        return Soundness("no_information", "no block holds two groups: no permutation changes anything")
    return OK


def _no_permanova(groups: int, samples: int, soundness: Soundness) -> Permanova:
    freedom = (groups, max(samples - groups - 1, 0), samples - 1)
    return Permanova(math.nan, math.nan, freedom, math.nan, 0, soundness.status, soundness.reason)


def dispersion(distances: ArrayLike, group: ArrayLike) -> Dispersion:
    """Compare how far samples lie from their group's spatial median (Anderson 2006, Biometrics 62:245).

    Squared distances are those in principal coordinates, less the part of the negative eigenvalues; where
    that is more than the whole the distance is taken as zero and counted, as vegan's betadisper does. A
    missing or infinite distance, one group, only groups of one sample, or distances that do not vary
    within the groups leave no test.

    >>> distances = dissimilarity([[9, 1, 0], [8, 2, 0], [7, 2, 1], [1, 9, 2], [0, 8, 3], [1, 7, 4]])
    >>> round(dispersion(distances, ["a", "a", "a", "b", "b", "b"]).p_value, 2)
    0.74
    """
    from scipy.stats import f

    matrix = np.asarray(distances, dtype=np.float64)
    labels = np.asarray(group).astype(str)
    names = np.unique(labels)
    soundness = worst(
        all_finite(matrix, "distances"),
        spellings(names.tolist(), "group"),
        _groups_enough(names.tolist(), len(labels), matrix),
    )
    if not soundness.usable:
        return _no_dispersion(names, soundness)
    values, vectors = np.linalg.eigh(-0.5 * _centred(matrix**2))
    least = 1e-8 * float(values.max())
    squared = np.zeros(len(labels))
    for kept, sign in ((values > least, 1.0), (values < -least, -1.0)):
        points = vectors[:, kept] * np.sqrt(np.abs(values[kept]))
        for name in names:
            rows = labels == name
            squared[rows] += sign * np.sum((points[rows] - spatial_median(points[rows])) ** 2, axis=1)
    rounding = NEGLIGIBLE * float(np.max(matrix)) ** 2
    away = np.sqrt(np.where(squared > rounding, squared, 0.0))
    means = np.array([away[labels == name].mean() for name in names])
    sizes = np.array([np.sum(labels == name) for name in names])
    between = float(sizes @ (means - away.mean()) ** 2) / (len(names) - 1)
    within = sum(float(np.sum((away[labels == n] - m) ** 2)) for n, m in zip(names, means, strict=True))
    freedom = len(labels) - len(names)
    negative = int(np.sum(squared < -rounding))
    if within <= (NEGLIGIBLE * float(np.max(away))) ** 2 * len(labels):
        soundness = Soundness("no_variance", "the distances to the group's centre do not vary")
        return _no_dispersion(names, soundness, tuple(means.tolist()), negative)
    statistic = between / (within / freedom)
    return Dispersion(
        tuple(str(name) for name in names),
        tuple(means.tolist()),
        statistic,
        float(f.sf(statistic, len(names) - 1, freedom)),
        negative,
    )


def _no_dispersion(
    names: NDArray[np.str_], soundness: Soundness, means: tuple[float, ...] | None = None, negative: int = 0
) -> Dispersion:
    groups = tuple(str(name) for name in names)
    blank = tuple(math.nan for _ in groups)
    return Dispersion(
        groups, means or blank, math.nan, math.nan, negative, soundness.status, soundness.reason
    )


def spatial_median(points: Floats) -> Floats:
    """Return the point with the smallest sum of distances to ``points`` (samples, axes).

    Weiszfeld's iteration in the form of Vardi and Zhang (2000, PNAS 97:1423), finished by Newton steps.
    """
    from scipy.optimize import minimize

    if points.shape[1] == 0 or len(points) == 1:
        return np.asarray(points.mean(axis=0), dtype=np.float64)
    centre = points.mean(axis=0)
    for _ in range(200):
        away = np.maximum(np.linalg.norm(points - centre, axis=1), 1e-12)
        centre = (points / away[:, None]).sum(axis=0) / np.sum(1 / away)

    def total(x: Floats) -> float:
        return float(np.sum(np.linalg.norm(points - x, axis=1)))

    def slope(x: Floats) -> Floats:
        away = np.maximum(np.linalg.norm(points - x, axis=1), 1e-15)
        return np.asarray(np.sum((x - points) / away[:, None], axis=0), dtype=np.float64)

    found = minimize(total, centre, jac=slope, method="BFGS", options={"gtol": 1e-10})
    return np.asarray(found.x if found.fun <= total(centre) else centre, dtype=np.float64)


def taxon_models(
    followed: ArrayLike,
    baseline: ArrayLike | None,
    taxa: Sequence[str],
    arm: ArrayLike,
    *,
    treated: str,
    control: str,
    covariates: Mapping[str, ArrayLike] | None = None,
    pseudocount: float = 0.5,
    smallest_prevalence: float = 0.1,
    level: float = 0.95,
) -> tuple[TaxonResult, ...]:
    """Estimate the treatment effect on every taxon: ANCOVA of its centred log ratio on its baseline.

    ``followed`` and ``baseline`` are (participants, taxa) counts of the same participants in the same
    order; the effect is a difference of log ratios to the sample's mean taxon, in nats. Taxa found in
    fewer than ``smallest_prevalence`` of the follow-up samples are left out of the models, not of the
    log ratios; a participant with a missing row is counted as missing. P-values are adjusted over the
    taxa that have one (Benjamini and Hochberg); their number stands in each result.

    >>> counts = [[90, 10, 30], [80, 22, 31], [70, 18, 29], [10, 90, 30], [12, 81, 28], [9, 72, 33]]
    >>> arm = ["a", "a", "a", "c", "c", "c"]
    >>> found = taxon_models(counts, None, ["Bif", "Bac", "Ros"], arm, treated="a", control="c")
    >>> [one.taxon for one in found]
    ['Bif', 'Bac', 'Ros']
    """
    later = np.asarray(followed, dtype=np.float64)
    missing = np.isnan(later).any(axis=1)
    earlier = None if baseline is None else np.asarray(baseline, dtype=np.float64)
    seen = later[~missing] > 0
    present = seen.mean(axis=0) >= smallest_prevalence if len(seen) else np.zeros(later.shape[1], dtype=bool)
    ratios = np.full_like(later, math.nan)
    ratios[~missing] = centred_log_ratio(later[~missing], pseudocount)
    starts = None
    if earlier is not None:
        gone = np.isnan(earlier).any(axis=1)
        starts = np.full_like(earlier, math.nan)
        starts[~gone] = centred_log_ratio(earlier[~gone], pseudocount)
    estimates = []
    for j in np.flatnonzero(present).tolist():
        extra: dict[str, ArrayLike] = dict(covariates or {})
        if starts is not None:
            extra["baseline"] = starts[:, j]
        design = build_design(arm, control, required={"outcome": ratios[:, j]}, covariates=extra)
        demand_arm(treated, design.treated_arms)
        fit = fit_least_squares(design.values["outcome"], design.matrix)
        column = design.column(arm_column(treated))
        estimates.append(
            wald(
                float(fit.coefficients[column]),
                fit.standard_error(column),
                endpoint=f"{taxa[j]}, centred log ratio",
                method="ANCOVA",
                arms=(treated, control),
                scale="mean difference",
                counts=design.counts(treated),
                level=level,
                degrees_of_freedom=float(fit.degrees_of_freedom),
                soundness=worst(design.soundness, _seen_twice(design, treated), fit.judge(column)),
            )
        )
    p_values = np.array([one.p_value for one in estimates])
    adjusted = adjust(p_values, "BH") if estimates else np.zeros(0)
    tested = int(np.sum(~np.isnan(p_values)))
    names = [taxa[j] for j in np.flatnonzero(present).tolist()]
    return tuple(
        TaxonResult(name, one, float(p), tested)
        for name, one, p in zip(names, estimates, adjusted, strict=True)
    )


def _seen_twice(design: DesignMatrix, treated: str) -> Soundness:
    sizes = [int(np.sum(design.arm == name)) for name in (treated, design.control)]
    if min(sizes) < 2:
        return Soundness("too_few_participants", f"{sizes[0]} and {sizes[1]} participants in the two arms")
    return OK


def _centred(matrix: Floats) -> Floats:
    rows = matrix.mean(axis=0)
    result: Floats = matrix - rows[None, :] - rows[:, None] + rows.mean()
    return result


def _hat(matrix: Floats) -> Floats:
    orthogonal, triangle = np.linalg.qr(matrix)
    kept = np.abs(np.diag(triangle)) > 1e-10
    basis: Floats = orthogonal[:, kept]
    return basis @ basis.T


def _checked(table: ArrayLike) -> Floats:
    counts = np.array(table, dtype=np.float64)
    if counts.ndim != 2 or not np.all(np.isfinite(counts)) or np.any(counts < 0):
        message = "the table: allowed (samples, taxa) without missing, infinite or negative values"
        raise ValueError(message)
    return counts
