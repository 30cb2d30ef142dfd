"""Names of features: rank columns and taxonomy columns or files become one lineage each."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from eubiosis.core.findings import FindingCollector
from eubiosis.population.stool.delimited import Grid
from eubiosis.population.stool.words import counted, shown

RANK_PREFIX = {
    "domain": "d__", "superkingdom": "k__", "kingdom": "k__", "phylum": "p__", "class": "c__", "order": "o__",
    "family": "f__", "genus": "g__", "species": "s__", "strain": "t__",
}  # fmt: skip
LINEAGE_WORDS = frozenset(
    ("taxonomy", "taxon", "lineage", "consensus lineage", "consensuslineage", "taxa", "tax", "classification")
)
ID_WORDS = frozenset(
    ("tax_id", "taxid", "taxon_id", "taxonid", "ncbi_id", "ncbi_tax_id", "ncbi_taxid", "ncbi taxid",
     "taxonomy_id", "ncbi_taxonomy_id", "clade_taxid", "taxonomic_id")
)  # fmt: skip
SIDE_WORDS = frozenset(("confidence", "consensus", "size", "seq", "sequence", "rank", "taxonomy_lvl"))
NUMBERED_RANK = re.compile(r"^(?:rank|ta)([1-7])$")
_IN_ORDER = ("k__", "p__", "c__", "o__", "f__", "g__", "s__")
_BLANK = frozenset(("", "na", "nan", "n/a", "none", "null", "unassigned", "?"))
_SEQUENCE = re.compile(r"^[ACGTN]{40,}$", re.IGNORECASE)
_HASH = re.compile(r"^[0-9a-f]{32}$")
_NUMBERED = re.compile(r"^(?:[a-z]?otu|asv|zotu|seq|sv|denovo|feature)[_.-]?\d+$", re.IGNORECASE)


def rank_columns(header: Sequence[str]) -> dict[int, str]:
    """Return which columns are ranks, by position, and the prefix of each: two or more, or the genus alone.

    phyloseq calls them Rank1 to Rank7, or ta1 to ta7, where nobody named them.
    """
    found = {}
    for j, header_word in enumerate(header):
        word = header_word.strip().lower()
        numbered = NUMBERED_RANK.match(word)
        if word in RANK_PREFIX:
            found[j] = RANK_PREFIX[word]
        elif numbered:
            found[j] = _IN_ORDER[int(numbered.group(1)) - 1]
    return found if len(found) > 1 or (0 not in found and "g__" in found.values()) else {}


def joined_ranks(prefixes: Sequence[str], cells: Sequence[str]) -> str:
    """Join the ranks of one feature into a lineage; blanks and NA keep their rank and name nothing.

    >>> joined_ranks(("f__", "g__"), ("Lachnospiraceae", "NA"))
    'f__Lachnospiraceae;g__'
    """
    parts = []
    for prefix, cell in zip(prefixes, cells, strict=True):
        word = cell.strip().strip('"')
        if word.lower() in _BLANK:
            parts.append(prefix)
        else:
            parts.append(word if re.match(r"^(?:[a-z]{1,2}|D_\d+)__", word) else prefix + word)
    return ";".join(parts)


def nameless(labels: Sequence[str]) -> bool:
    """Say whether features carry numbers, hashes or sequences instead of names."""
    if not labels:
        return False
    bare = sum(
        bool(_SEQUENCE.match(label) or _HASH.match(label) or _NUMBERED.match(label)) for label in labels
    )
    return bare > 0.5 * len(labels)


def read_lineages(grid: Grid, findings: FindingCollector) -> dict[str, str] | None:
    """Return the lineage of each feature id of a taxonomy table: one lineage column, or a column a rank.

    Forms: QIIME 2 (Feature ID, Taxon, Confidence), mothur (OTU, Size, Taxonomy), phyloseq and DADA2 (ids
    first, then Kingdom to Species).
    """
    words = [word.strip().lower() for word in grid.header]
    lineage = next((j for j, word in enumerate(words) if word in LINEAGE_WORDS and j > 0), None)
    ranks = {j: prefix for j, prefix in rank_columns(grid.header).items() if j > 0}
    ids = grid.words(0)
    if lineage is not None:
        found = dict(zip(ids, grid.words(lineage), strict=True))
    elif ranks:
        columns = [grid.words(j) for j in ranks]
        found = {
            key: joined_ranks(tuple(ranks.values()), cells) for key, *cells in zip(ids, *columns, strict=True)
        }
    else:
        findings.add(
            grid.file,
            "header",
            f"no taxonomy in the columns {shown(grid.header)}",
            allowed="a column Taxon, Taxonomy or Lineage, or the ranks Kingdom to Species in columns",
            next_step="name the taxonomy file that belongs to the table",
        )
        return None
    if len(found) < len(ids):
        twice = [key for key in found if ids.count(key) > 1]
        findings.add(
            grid.file, "", f"{counted(len(twice), 'feature id')} on several lines ({shown(twice)})",
            next_step="keep one line a feature",
        )  # fmt: skip
        return None
    return found


def apply_lineages(
    file: str, labels: Sequence[str], lineages: Mapping[str, str], findings: FindingCollector
) -> tuple[str, ...] | None:
    """Return the lineages of features; ids that the taxonomy lacks are a finding."""
    absent = [label for label in labels if label not in lineages]
    if absent:
        findings.add(
            file,
            "",
            f"{len(absent)} of {len(labels)} features are not in the taxonomy ({shown(absent)})",
            allowed=f'the ids of the taxonomy, as in "{next(iter(lineages), "")}"',
            next_step="give the taxonomy that was made for this table",
        )
        return None
    return tuple(lineages[label] for label in labels)
