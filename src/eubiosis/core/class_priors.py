"""The prior of what each metabolite class does to relapses: one row a class, and one budget for all.

The total of a class is the log ratio of relapses where its inputs double: zero with the probability of the
spike, else normal about zero. The row "all" is the budget: the variance under an exposure of one doubling,
which no class may exceed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

from eubiosis.core.findings import FindingCollector
from eubiosis.core.provenance import Basis, Read
from eubiosis.core.tables import TableRow, check_unique, display_name, read_table

PRIORS = "coupling_priors.tsv"
ALL = "all"


class PriorRow(TableRow):
    """The prior of one class's total: probability of zero, and the standard deviation of the slab.

    ``inputs`` are the host's inputs that double together; ``largest`` bounds the size of each coupling, 1
    being the specification's gain. The row "all" is the budget and has neither.
    """

    metabolite_class: str
    inputs: str = ""
    spike: float
    slab_sd: float
    largest: float | None = None
    basis: Basis
    read: Read | None = None
    source: str = ""
    note: str

    @property
    def variance(self) -> float:
        """Variance of the total."""
        return (1 - self.spike) * self.slab_sd**2


def read_class_priors(folder: Path, findings: FindingCollector | None = None) -> dict[str, PriorRow]:
    """Read the priors of a content folder by class; findings are raised where there is no collector."""
    own = findings if findings is not None else FindingCollector()
    file = display_name(folder / PRIORS)
    priors = read_table(folder / PRIORS, PriorRow, own)
    check_unique([(p.metabolite_class,) * 2 for p in priors], file, "class", own)
    for prior in priors:
        _check_prior(file, prior, own)
    by_class = {prior.metabolite_class: prior for prior in priors}
    _check_budget(file, by_class, own)
    if findings is None:
        own.raise_if_any()
    return by_class


def _check_prior(file: str, prior: PriorRow, findings: FindingCollector) -> None:
    name = prior.metabolite_class
    if not 0 <= prior.spike <= 1:
        findings.add(file, name, f"spike {prior.spike:g}", allowed="a probability, 0 to 1")
    if not (math.isfinite(prior.slab_sd) and prior.slab_sd > 0):
        findings.add(file, name, f"slab_sd {prior.slab_sd:g}", allowed="a number above 0")
    if name == ALL:
        return
    if not prior.inputs:
        findings.add(file, name, "no inputs", next_step="name the host inputs that double together")
    if prior.largest is None or not (math.isfinite(prior.largest) and prior.largest > 0):
        findings.add(file, name, f"largest {prior.largest}", allowed="a number above 0")


def _check_budget(file: str, priors: Mapping[str, PriorRow], findings: FindingCollector) -> None:
    if ALL not in priors:
        findings.add(file, "", f'the row "{ALL}" is missing', next_step="state the budget of all classes")
        return
    most = priors[ALL].variance
    for name, prior in priors.items():
        if name != ALL and prior.variance > most * (1 + 1e-9):
            findings.add(
                file,
                name,
                f"the class spends a variance of {prior.variance:.4g}",
                allowed=f"at most {most:.4g}, the budget of one doubling",
                next_step=f'lower slab_sd, or raise the budget in the row "{ALL}" for every class',
            )
