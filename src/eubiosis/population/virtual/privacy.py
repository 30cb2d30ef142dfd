"""What a fitted generator gives away about the people it was fitted to, and whether it may be handed on.

The attack is told the record of a person and the generator, and guesses whether the person was in the data.
It is fitted to one half of a group and tried on people of both halves. It scores a record by its likelihood
under the generator, alone and over that under a generator fitted to other people of the same kind (a part of
the other half, which is then not tried): the second is the strongest that such an attacker has. A generator
fitted to all people has seen more of them than to half, so it gives away less of each.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eubiosis.core.findings import Finding, FindingsError
from eubiosis.core.streams import stream
from eubiosis.population.covariates import SMALLEST_GROUP
from eubiosis.population.stool.table import StoolTable
from eubiosis.population.virtual.fit import POOLED, FitData, blurred, fit_data, fit_group
from eubiosis.population.virtual.generator import Generator, GroupModel, draw_together
from eubiosis.population.virtual.likelihoods import CountLikelihoods
from eubiosis.population.virtual.nearest import nearest_distances, roots_of_shares

LARGEST_AUC = 0.55
_SPLITS = 10
_LEAST_HALF = 10
_ATTACK_SEED = 0


@dataclass(frozen=True)
class GroupPrivacy:
    """What the generator gives away of one group of ``people``.

    ``auc_alone`` and ``auc_against_others`` are areas under the curve of the two attacks, means over
    ``splits`` halvings, ``error`` the larger standard error of those means. ``nearer_to_members`` is the
    share of virtual people that lie nearer to a person of the half they were fitted to than to one of the
    other (0.5 is none given away), ``nearer_error`` its standard error; ``copies`` how many virtual people
    equal a real one in every share.
    """

    group: str
    people: int
    splits: int
    auc_alone: float
    auc_against_others: float
    error: float
    nearer_to_members: float
    nearer_error: float
    copies: int

    @property
    def auc(self) -> float:
        """Return the area under the curve of the better attack."""
        return max(self.auc_alone, self.auc_against_others)


def attack(data: FitData, *, blur: float = 0.0) -> tuple[GroupPrivacy, ...]:
    """Attack generators fitted to halves of every group with at least 20 people; raises nothing.

    A smaller group gets NaN: half of it is too few to fit to.
    """
    return tuple(_attack_group(data, name, blur) for name in data.names())


def check_export(generator: Generator, stool: StoolTable) -> tuple[GroupPrivacy, ...]:
    """Return what a generator gives away of the table it was fitted to; refuse it where that is too much.

    Raises ``FindingsError`` with fewer than 100 people in a group, an attack with an area above 0.55, a
    virtual person who equals a real one, or without the basis of consent. All reasons are told at once.

    >>> from eubiosis.core.findings import FindingsError
    >>> from eubiosis.population import example_table, read_profiles
    >>> from eubiosis.population.virtual.fit import fit_generator
    >>> stool = read_profiles(example_table())
    >>> try:
    ...     check_export(fit_generator(stool, most_taxa=8), stool)
    ... except FindingsError as refused:
    ...     print(*(finding.problem for finding in refused.findings), sep="; ")
    no basis of consent was given; 20 people; 20 people
    """
    most_taxa = sum(taxon != POOLED for taxon in generator.taxa)
    data = fit_data(stool, groups=tuple(generator.groups), most_taxa=most_taxa)
    place, findings = data.file, []
    if not generator.basis.strip():
        findings.append(
            Finding(place, "consent", "no basis of consent was given",
                    "what allows these people's data to be used for this, in words",
                    "say it with --consent-basis")
        )  # fmt: skip
    small = [(name, m.people) for name, m in generator.groups.items() if m.people < SMALLEST_GROUP]
    findings += [
        Finding(place, f"group {name}", f"{people} people", f"{SMALLEST_GROUP} people or more in a group",
                "leave the group out with --group, or join groups before")
        for name, people in small
    ]  # fmt: skip
    found = () if small else attack(data, blur=generator.blur)
    for one in found:
        if not one.auc <= LARGEST_AUC:
            findings.append(
                Finding(place, f"group {one.group}",
                        f"an attack tells members from others with an area of {one.auc:.3f} "
                        f"(standard error {one.error:.3f})",
                        f"up to {LARGEST_AUC}",
                        "more noise (--blur), fewer taxa (--taxa), or more people")
            )  # fmt: skip
        if one.copies:
            findings.append(
                Finding(place, f"group {one.group}", f"{one.copies} virtual people equal a real one", "none",
                        "more taxa, or more reads a sample")
            )  # fmt: skip
    if findings:
        raise FindingsError(findings)
    return found


def _attack_group(data: FitData, name: str, blur: float) -> GroupPrivacy:
    rows = data.members(name)
    counts, depths = data.counts[rows], data.depths[rows]
    half = len(rows) // 2
    if half < _LEAST_HALF:
        nan = float("nan")
        return GroupPrivacy(name, len(rows), 0, nan, nan, nan, nan, nan, 0)
    likelihoods = CountLikelihoods.of(counts, depths)
    areas, nearer, copies = [], [], 0
    for split in range(_SPLITS):
        order = stream(_ATTACK_SEED, "population.virtual.attack", split).permutation(len(rows))
        members, others = order[:half], order[half : 2 * half]
        known, tried = others[: half // 2], others[half // 2 :]
        model = blurred(fit_group(likelihoods, depths, members), blur, split)
        reference = fit_group(likelihoods, depths, known)
        own_members, own_tried = (_likelihood(model, likelihoods, who) for who in (members, tried))
        far_members, far_tried = (_likelihood(reference, likelihoods, who) for who in (members, tried))
        areas.append((_area(own_members, own_tried), _area(own_members - far_members, own_tried - far_tried)))
        share, same = _nearer(model, counts[members], counts[others], split)
        nearer.append(share)
        copies += same
    means = np.mean(areas, axis=0)
    errors = np.std(areas, axis=0, ddof=1) / np.sqrt(_SPLITS)
    return GroupPrivacy(
        name, len(rows), _SPLITS, float(means[0]), float(means[1]), float(errors.max()),
        float(np.mean(nearer)), float(np.std(nearer, ddof=1) / np.sqrt(_SPLITS)), copies,
    )  # fmt: skip


def _likelihood(model: GroupModel, likelihoods: CountLikelihoods, who: NDArray[np.intp]) -> np.ndarray:
    """Return the log likelihood of each person's record under a group's model, shape (people,)."""
    scores, logs = likelihoods.scores(model.marginals, who)
    inverse = np.linalg.inv(model.correlation) - np.eye(len(model.correlation))
    copula = -0.5 * np.einsum("ij,jk,ik->i", scores, inverse, scores)
    return np.asarray(logs.sum(axis=1) + copula)


def _area(members: np.ndarray, others: np.ndarray) -> float:
    """Return how often a member scores above another person, ties counted half."""
    from scipy.stats import mannwhitneyu

    return float(mannwhitneyu(members, others).statistic) / (len(members) * len(others))


def _nearer(model: GroupModel, members: np.ndarray, others: np.ndarray, split: int) -> tuple[float, int]:
    drawn = draw_together(model, len(members), stream(split, "population.virtual.nearer"))
    virtual = roots_of_shares(drawn)
    to_members = nearest_distances(virtual, roots_of_shares(members))
    to_others = nearest_distances(virtual, roots_of_shares(others))
    share = float((to_members < to_others).mean() + 0.5 * (to_members == to_others).mean())
    return share, int((to_members == 0).sum())
