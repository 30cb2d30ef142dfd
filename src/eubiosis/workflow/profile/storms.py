"""The items of the STORMS checklist that a table can fill, and those that its authors must.

Mirzayi 2021, 10.1038/s41591-021-01552-x: 17 items in six sections, most of them with parts. Items and parts
stand here by name, as a public template of the checklist lists them (read second-hand); that template leaves
out bioinformatics, statistics and reproducibility, whose names are recalled. Their wording is not repeated.
"""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence

import numpy as np

from eubiosis.core.stool_profile import ContrastFamily, StormsLine
from eubiosis.core.version import __version__
from eubiosis.population.stool.table import StoolTable
from eubiosis.workflow.profile.samples import counted

_RECALLED = (
    "data sources and measurement", "causal inference", "selection bias", "quality control",
    "sequence analysis", "statistical methods", "longitudinal analysis", "subgroup analysis", "missing data",
    "sensitivity analyses", "criteria for findings", "software", "reproducible research",
    "access to data and code",
)  # fmt: skip
_SECTIONS: Mapping[str, tuple[str, ...]] = {
    "Abstract": ("abstract", "study design", "sequencing methods", "specimens"),
    "Introduction": ("background and rationale", "hypotheses"),
    "Methods": (
        "study design", "participants", "geographic location", "relevant dates", "eligibility criteria",
        "antibiotics usage", "analytic sample size", "longitudinal studies", "matching", "ethics",
        "laboratory methods", "specimen collection", "shipping", "storage", "DNA extraction",
        "human DNA depletion or microbial enrichment", "primer selection", "positive controls",
        "negative controls", "contaminant mitigation and identification", "replication",
        "sequencing strategy", "sequencing methods", "batch effects", "metatranscriptomics", "metaproteomics",
        "metabolomics", *_RECALLED,
    ),
    "Results": (
        "descriptive data", "microbiome data", "taxonomy", "differential abundance", "other data types",
        "other statistical analysis",
    ),
    "Discussion": (
        "key results", "interpretation", "limitations", "bias", "generalizability", "ongoing or future work",
    ),
    "Other information": ("funding", "acknowledgements", "conflicts of interest", "supplements"),
}  # fmt: skip


def storms_lines(
    table: StoolTable, families: Sequence[ContrastFamily], usable: int
) -> tuple[StormsLine, ...]:
    """Return every item of the checklist with what the profile knows, or nothing: a blank to fill in.

    ``usable`` is how many samples can be used.
    """
    known = {
        **_of_table(table, usable),
        **({("Results", "differential abundance"): _tested(families)} if families else {}),
    }
    return tuple(
        StormsLine(
            section, item, known.get((section, item)), "recalled" if item in _RECALLED else "secondary"
        )
        for section, items in _SECTIONS.items()
        for item in items
    )


def _of_table(table: StoolTable, usable: int) -> dict[tuple[str, str], str]:
    depth = "shares only; depth not known"
    if counted(table):
        points = np.percentile(table.depth, (25, 50, 75))
        depth = "reads a sample: median {1:,.0f}, quartiles {0:,.0f} and {2:,.0f}".format(*points)
    rules = ", ".join(
        f"{rule} {100 * share:.1f} %" for rule, share in table.share_by_rule.items() if share > 0
    )
    found = {
        (
            "Methods",
            "analytic sample size",
        ): f"{len(table.sample_ids):,} samples, {usable:,} usable; nobody was left out silently",
        (
            "Methods",
            "statistical methods",
        ): "guild shares of mapped reads; zeros replaced by half the detection "
        "limit; centred log-ratios; differences of means (Welch), shifts (Hodges and Lehmann), prevalences "
        "(Newcombe, Fisher); Benjamini and Hochberg and Holm within a family; permutations where a group has "
        "fewer than 20",
        ("Methods", "missing data"): "cells without a value are refused unless the user takes them as zero; "
        "samples that cannot be used stay in the table with their status",
        ("Methods", "software"): f"Eubiosis {__version__}, NumPy {np.__version__}, SciPy {_scipy()}, "
        f"Python {platform.python_version()}",
        (
            "Results",
            "microbiome data",
        ): f"{depth}; {100 * table.overall_mapped_share:.1f} % of the reads in a guild",
        ("Results", "taxonomy"): f"names as the table has them; found by: {rules or 'none'}",
    }
    if table.platform:
        found["Methods", "sequencing strategy"] = table.platform
    return found


def _tested(families: Sequence[ContrastFamily]) -> str:
    pairs = dict.fromkeys(f"{one.group} against {one.control}" for one in families)
    tested = sum(one.tested for one in families)
    return f"{'; '.join(pairs)}: {tested} contrasts in {len(families)} families, all with their direction"


def _scipy() -> str:
    import scipy

    return str(scipy.__version__)
