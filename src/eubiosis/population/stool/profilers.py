"""Tables of taxonomic profilers: MetaPhlAn 2 to 4, Kraken 2, Bracken, SingleM, and mothur's shared file."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath

import numpy as np

from eubiosis.core.findings import FindingCollector
from eubiosis.population.stool.delimited import Grid, all_numbers, report_cells
from eubiosis.population.stool.features import FeatureTable, from_columns
from eubiosis.population.stool.options import ReadOptions
from eubiosis.population.stool.words import counted, shown

_CLADE_WORDS = ("clade_name", "#clade_name", "id", "#sampleid", "#id", "taxname", "")
_CLADE = re.compile(r"^(?:[kdpcofgst]__[^|]*)(?:\|[kdpcofgst]__[^|]*)*$")
_ABUNDANCE = ("relative_abundance", "metaphlan2_analysis", "metaphlan_analysis")
_NOT_SAMPLES = frozenset(
    ("ncbi_tax_id", "clade_taxid", "additional_species", "coverage", "average_genome_length_in_the_clade",
     "estimated_number_of_reads_from_the_clade")
)  # fmt: skip
_RANKS = {"genus": "g__", "species": "s__", "family": "f__"}
_KRAKEN_RANKS = "DKPCOFGS"
_PREFIX_OF = dict(zip(_KRAKEN_RANKS, ("d__", "k__", "p__", "c__", "o__", "f__", "g__", "s__"), strict=True))
_KRAKEN_LINE = re.compile(
    r"^\s*\d+(?:\.\d+)?\t\d+\t\d+\t(?:\d+\t\d+\t)?(?P<rank>[URDKPCOFGS]\d*)\t\d+\t *\S", re.ASCII
)


_READS = re.compile(r"^\d{1,15}$", re.ASCII)


def looks_like_metaphlan(lines: Sequence[str]) -> bool:
    """Say whether the first lines are a MetaPhlAn profile: its remark, or clades with | in all rows."""
    if any(line.startswith("#mpa_v") for line in lines[:4]):
        return True
    header = next((k for k, line in enumerate(lines) if line.split("\t")[0].lower() in _CLADE_WORDS), None)
    if header is None or "\t" not in lines[header]:
        return False
    first = [line.split("\t")[0] for line in lines[header + 1 :]]
    clades = [word for word in first if word.upper() not in ("UNCLASSIFIED", "UNKNOWN")]
    return bool(clades) and all(_CLADE.match(word) for word in clades) and any("|" in w for w in clades)


def metaphlan_features(grid: Grid, options: ReadOptions, findings: FindingCollector) -> FeatureTable | None:
    """Return one rank of a MetaPhlAn profile, single or merged: genus, or species where there is no genus."""
    words = [word.strip().lower() for word in grid.header]
    single = next((j for j, word in enumerate(words) if word in _ABUNDANCE), None)
    every = [j for j, word in enumerate(words) if j and word and word not in _NOT_SAMPLES]
    columns = [single] if single is not None else every
    if not columns:
        findings.add(grid.file, "header", "no column of abundances", allowed="relative_abundance, or samples")
        return None
    if not all_numbers(grid, columns, findings):
        return None
    report_cells(grid, grid.header, columns, findings, blanks=options.blanks == "refuse")
    clades = grid.words(0)
    wanted = options.rank or next((rank for rank in _RANKS if _at_rank(clades, _RANKS[rank])), "")
    rows = _at_rank(clades, _RANKS.get(wanted, "g__"))
    if wanted not in _RANKS or not rows:
        findings.add(
            grid.file, "", f'no clade of rank "{wanted or "genus"}"', allowed=", ".join(_RANKS),
            next_step="profile to genus or species level",
        )  # fmt: skip
        return None
    unknown = [i for i, word in enumerate(clades) if word.upper() in ("UNCLASSIFIED", "UNKNOWN")]
    kept = [*rows, *unknown]
    values = np.nan_to_num(np.column_stack([grid.numbers(j) for j in columns])[kept].T, nan=0.0)
    names = (_stem(grid.file),) if single is not None else tuple(grid.header[j] for j in columns)
    labels = tuple(clades[i].replace("|", ";") for i in kept)
    left = len(clades) - len(kept)
    note = f"MetaPhlAn: the rank {wanted} is taken; {counted(left, 'line')} of other ranks left out"
    return FeatureTable(grid.file, "metaphlan", names, labels, values, one_rank=True, notes=(note,))


def _at_rank(clades: Sequence[str], prefix: str) -> list[int]:
    return [i for i, clade in enumerate(clades) if re.split(r"[|;]", clade)[-1].startswith(prefix)]


def looks_like_kraken(lines: Sequence[str]) -> bool:
    """Say whether the first lines are a Kraken 2 report, with minimizers or without."""
    return bool(lines) and all(_KRAKEN_LINE.match(line) for line in lines[:10])


@dataclass(frozen=True)
class _KrakenLine:
    reads: float
    rank: str
    name: str


def kraken_features(name: str, text: str, findings: FindingCollector) -> FeatureTable | None:
    """Return the genera of one Kraken 2 report; reads above genus and unclassified ones keep a line each."""
    parsed: list[_KrakenLine] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        match = _KRAKEN_LINE.match(line)
        if match is None:
            findings.add(
                name, f"line {number}", "not a line of a Kraken 2 report",
                allowed="percent, clade reads, own reads, (minimizers, distinct,) rank, taxid, name",
                next_step="give the report (--report), not the output by read",
            )  # fmt: skip
            return None
        cells = line.split("\t")
        parsed.append(_KrakenLine(float(cells[1]), match.group("rank"), cells[-1].strip()))
    column = _genera([(p.rank, p.name, p.reads) for p in parsed])
    labels, values = from_columns({_stem(name): column})
    note = "Kraken 2: reads of the clade at genus; what lies above genus is not mapped"
    return FeatureTable(name, "kraken", (_stem(name),), labels, values, one_rank=True, notes=(note,))


def _genera(lines: Sequence[tuple[str, str, float]]) -> dict[str, float]:
    """Return reads by genus lineage from (rank code, name, clade reads) in the order of the report."""
    above: dict[str, str] = {}
    found: dict[str, float] = {}
    root = unclassified = 0.0
    for rank, name, reads in lines:
        if rank == "U":
            unclassified += reads
        elif rank == "R":
            root += reads
        if rank not in _PREFIX_OF:
            continue
        place = _KRAKEN_RANKS.index(rank)
        above = {r: n for r, n in above.items() if _KRAKEN_RANKS.index(r) < place}
        above[rank] = name
        if rank == "G":
            lineage = ";".join(_PREFIX_OF[r] + above[r] for r in _KRAKEN_RANKS if r in above)
            found[lineage] = found.get(lineage, 0.0) + reads
    rest = root - math.fsum(found.values())
    if rest > 0:
        found["reads above genus"] = rest
    if unclassified:
        found["unclassified"] = unclassified
    return found


def looks_like_combined_kraken(lines: Sequence[str]) -> bool:
    """Say whether the first lines are several Kraken reports joined by KrakenTools."""
    return any(line.startswith("#perc\ttot_all\t") for line in lines)


def combined_kraken_features(name: str, text: str, findings: FindingCollector) -> FeatureTable | None:
    """Return the genera of Kraken reports joined by KrakenTools' combine_kreports."""
    lines = text.splitlines()
    start = next(k for k, line in enumerate(lines) if line.startswith("#perc\t"))
    header = lines[start].lstrip("#").split("\t")
    samples = {}
    for line in lines[:start]:
        match = re.match(r"^#S(\d+)\t(.+)$", line)
        if match:
            samples[f"{match.group(1)}_all"] = _stem(match.group(2))
    if len(set(samples.values())) < len(samples):
        twice = [name for name in samples.values() if list(samples.values()).count(name) > 1]
        findings.add(
            name, "header", f"a sample that occurs twice ({shown(sorted(set(twice)))})",
            allowed="each report once", next_step="join the reports again, or give them names of their own",
        )  # fmt: skip
        return None
    absent = [column for column in samples if column not in header]
    if absent or not samples or header[-3:] != ["lvl_type", "taxid", "name"]:
        findings.add(
            name, "header", f"no columns for {shown(absent) or 'any sample'}",
            allowed="#S1<tab>file lines and #perc tot_all ... lvl_type taxid name",
            next_step="join the reports with combine_kreports.py",
        )  # fmt: skip
        return None
    columns: dict[str, dict[str, float]] = {}
    rows = [line.split("\t") for line in lines[start + 1 :] if line.strip()]
    for number, cells in enumerate(rows, start=start + 2):
        if len(cells) != len(header):
            findings.add(name, f"line {number}", f"{len(cells)} cells", allowed=f"{len(header)} cells")
            return None
        odd = [cells[j] for j in map(header.index, samples) if not _READS.match(cells[j].strip())]
        if odd:
            findings.add(
                name, f"line {number}", f"{shown(odd)} where reads belong", allowed="whole numbers",
                next_step="join the reports again",
            )  # fmt: skip
            return None
    for column, sample in samples.items():
        place = header.index(column)
        columns[sample] = _genera([(c[-3], c[-1].strip(), float(c[place])) for c in rows])
    labels, values = from_columns(columns)
    note = "Kraken 2, combined: reads of the clade at genus; what lies above genus is not mapped"
    return FeatureTable(name, "kraken", tuple(columns), labels, values, one_rank=True, notes=(note,))


def looks_like_bracken(header: Sequence[str]) -> bool:
    """Say whether a header is Bracken's, single or combined."""
    return list(header[:3]) == ["name", "taxonomy_id", "taxonomy_lvl"]


def bracken_features(grid: Grid, findings: FindingCollector) -> FeatureTable | None:
    """Return the estimated reads of a Bracken table, single or combined, at the level it was made for."""
    levels = sorted(set(grid.words(2)))
    if len(levels) > 1 or levels[0][:1] not in ("G", "S"):
        findings.add(
            grid.file, "column taxonomy_lvl", f"levels {shown(levels)}", allowed="G or S, one in a table",
            next_step="run Bracken with -l G (or S)",
        )  # fmt: skip
        return None
    ending = ".bracken_num", "_num"
    columns = [j for j, word in enumerate(grid.header) if word == "new_est_reads" or word.endswith(ending)]
    if not columns:
        findings.add(grid.file, "header", "no column of reads", allowed="new_est_reads, or NAME_num")
        return None
    if not all_numbers(grid, columns, findings):
        return None
    report_cells(grid, grid.header, columns, findings, blanks=True)
    values = np.column_stack([grid.numbers(j) for j in columns]).T
    single = grid.header[columns[0]] == "new_est_reads"
    samples = tuple(
        _stem(grid.file) if single else re.sub(r"(?:\.bracken)?_num$", "", grid.header[j]) for j in columns
    )
    prefix = _PREFIX_OF[levels[0][0]]
    note = f"Bracken: estimated reads at level {levels[0]}"
    return FeatureTable(
        grid.file, "bracken", samples, tuple(prefix + name for name in grid.words(0)), values,
        ids=tuple(int(w) if _READS.match(w) else 0 for w in grid.words(1)), one_rank=True, notes=(note,),
    )  # fmt: skip


def looks_like_shared(header: Sequence[str]) -> bool:
    """Say whether a header is that of mothur's shared file."""
    return [word.lower() for word in header[:3]] in (
        ["label", "group", "numotus"],
        ["label", "group", "numasvs"],
    )


def shared_features(grid: Grid, findings: FindingCollector) -> FeatureTable | None:
    """Return the OTUs of mothur's shared file at its one label; their names come from cons.taxonomy."""
    labels = sorted(set(grid.words(0)))
    if len(labels) > 1:
        findings.add(
            grid.file, "column label", f"several distances in one file ({shown(labels)})",
            allowed="one label", next_step='write the file for one label: get.sharedseqs or label=0.03',
        )  # fmt: skip
        return None
    places = [j for j in range(3, len(grid.header)) if grid.header[j]]
    if not all_numbers(grid, places, findings):
        return None
    report_cells(grid, grid.header, places, findings, blanks=True)
    values = np.column_stack([grid.numbers(j) for j in places])
    otus = tuple(grid.header[j] for j in places)
    return FeatureTable(
        grid.file, "mothur", grid.words(1), otus, values, "samples_in_rows",
        notes=(f"mothur shared file at label {labels[0]}",),
    )  # fmt: skip


def looks_like_singlem(header: Sequence[str]) -> bool:
    """Say whether a header is that of SingleM's condensed profile: one line a sample and taxon."""
    return [word.lower() for word in header] == ["sample", "coverage", "taxonomy"]


def singlem_features(grid: Grid, findings: FindingCollector) -> FeatureTable | None:
    """Return samples by lineages of a SingleM profile; coverage at each rank is exclusive of lower ones."""
    if not all_numbers(grid, [1], findings):
        return None
    report_cells(grid, grid.header, [1], findings, blanks=True)
    columns: dict[str, dict[str, float]] = {}
    for sample, coverage, taxonomy in zip(grid.words(0), grid.words(1), grid.words(2), strict=True):
        lineage = ";".join(part.strip() for part in taxonomy.split(";") if part.strip() != "Root")
        own = columns.setdefault(sample, {})
        own[lineage or "unclassified"] = own.get(lineage or "unclassified", 0.0) + float(coverage or "nan")
    labels, values = from_columns(columns)
    return FeatureTable(
        grid.file, "text table", tuple(columns), labels, values,
        notes=("SingleM profile: coverage by lineage, taken as it stands",),
    )  # fmt: skip


def _stem(name: str) -> str:
    stem = PurePath(name).name
    for ending in (
        ".gz",
        ".bz2",
        ".xz",
        ".zip",
        ".txt",
        ".tsv",
        ".report",
        ".kreport",
        ".bracken",
        ".kraken2",
    ):
        stem = stem.removesuffix(ending)
    return stem
