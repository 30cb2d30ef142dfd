"""Recognise what a stool table is, and read it as samples by features."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

from eubiosis.core.findings import FindingCollector
from eubiosis.population.stool import containers, profilers
from eubiosis.population.stool.delimited import Grid, read_grid, text_lines
from eubiosis.population.stool.features import FeatureTable
from eubiosis.population.stool.hdf5_files import hdf5_features
from eubiosis.population.stool.lineage import read_lineages
from eubiosis.population.stool.melted import looks_melted, melted_features
from eubiosis.population.stool.options import ReadOptions
from eubiosis.population.stool.text_table import table_features
from eubiosis.population.stool.unpack import Opened, as_text, open_table
from eubiosis.population.stool.words import shown
from eubiosis.population.stool.workbook import excel_grid
from eubiosis.population.taxa import TaxaTable

_Found = FeatureTable | None
_HUMANN = ("gene family", "pathway", "reaction", "genefamily", "gene_family")
_HELD = {"hdf5": ("biom", "h5ad"), "xlsx": ("excel",), "qza": ("qiime2",)}
_NEVER_TEXT = ("qiime2", "h5ad", "excel")


def read_features(
    path: Path, taxa: TaxaTable, options: ReadOptions, findings: FindingCollector
) -> FeatureTable | None:
    """Read a file in any of the formats; which it is, is seen from its contents or told by ``options``."""
    opened = open_table(path, findings, tick=options.tick("unpacking"))
    if opened is None:
        return None
    if _is_another(opened, options, findings):
        return None
    if opened.container:
        return _container(opened, taxa, options, findings)
    text = as_text(opened, findings)
    if text is None:
        return None
    lines = [line for line in text_lines(text, 60) if line.strip()]
    kind = options.format or _text_kind(lines, text)
    readers: dict[str, Callable[[], _Found]] = {
        "biom": lambda: containers.biom_json_features(opened, findings, options.group_column),
        "kraken": lambda: _kraken(opened.name, lines, text, findings),
    }
    if kind in readers:
        return readers[kind]()
    grid = read_grid(opened.name, text, findings, tick=options.tick("reading rows"))
    return None if grid is None else _from_grid(grid, kind, taxa, options, findings)


def _is_another(opened: Opened, options: ReadOptions, findings: FindingCollector) -> bool:
    """Report a forced format that the file cannot have."""
    held = _HELD.get(opened.container, ())
    if not options.format or (options.format in held if held else options.format not in _NEVER_TEXT):
        return False
    findings.add(
        opened.name, "format", f"the file is not {options.format}: it holds {' or '.join(held) or 'text'}",
        allowed=", ".join(held) or "a format of text", next_step="leave out --format, or name another",
    )  # fmt: skip
    return True


def _kraken(name: str, lines: list[str], text: str, findings: FindingCollector) -> _Found:
    if profilers.looks_like_combined_kraken(lines):
        return profilers.combined_kraken_features(name, text, findings)
    return profilers.kraken_features(name, text, findings)


def _text_kind(lines: list[str], text: str) -> str:
    if text.lstrip()[:1] == "{":
        return "biom"
    if profilers.looks_like_kraken(lines) or profilers.looks_like_combined_kraken(lines):
        return "kraken"
    if profilers.looks_like_metaphlan(lines):
        return "metaphlan"
    return ""


def _from_grid(
    grid: Grid, kind: str, taxa: TaxaTable, options: ReadOptions, findings: FindingCollector
) -> _Found:
    if _is_refused_by_name(grid, findings):
        return None
    if kind == "metaphlan":
        return profilers.metaphlan_features(grid, options, findings)
    if kind == "bracken" or (not kind and profilers.looks_like_bracken(grid.header)):
        return profilers.bracken_features(grid, findings)
    if kind == "mothur" or (not kind and profilers.looks_like_shared(grid.header)):
        return profilers.shared_features(grid, findings)
    if not kind and looks_melted(grid.header):
        return melted_features(grid, findings)
    if not kind and profilers.looks_like_singlem(grid.header):
        return profilers.singlem_features(grid, findings)
    return table_features(grid, taxa, options, findings)


def _is_refused_by_name(grid: Grid, findings: FindingCollector) -> bool:
    """Report tables that come from the same runs and do not say how much there is of whom."""
    words = [word.strip().lower() for word in grid.header]
    if words[0].lstrip("# ").startswith(_HUMANN):
        findings.add(
            grid.file, "", "a HUMAnN table of genes or pathways: it says what genes do, not who is there",
            allowed="a taxonomic table", next_step="give the MetaPhlAn profile of the same run",
        )  # fmt: skip
        return True
    if words[:2] == ["user_genome", "classification"]:
        findings.add(
            grid.file, "", "a GTDB-Tk summary: it names genomes and counts none",
            allowed="a table of counts", next_step="give the table of the genomes, and this with --taxonomy",
        )  # fmt: skip
        return True
    return False


def _container(opened: Opened, taxa: TaxaTable, options: ReadOptions, findings: FindingCollector) -> _Found:
    if options.progress is not None:
        options.progress(
            f"reading {opened.path.stat().st_size / 1e6:.0f} MB by the format's own library", 0.0
        )
    if opened.container == "qza":
        return containers.qiime2_features(opened, findings)
    if opened.container == "xlsx":
        grid = excel_grid(opened, findings)
        found = None if grid is None else _from_grid(grid, "", taxa, options, findings)
        return replace(found, format="excel") if found is not None and found.format == "text table" else found
    return hdf5_features(opened, options, findings)


def read_taxonomy(path: Path, findings: FindingCollector) -> MappingProxyType[str, str] | None:
    """Read a second file that gives the lineage of each feature: QIIME 2, mothur, phyloseq or DADA2."""
    opened = open_table(path, findings)
    if opened is None:
        return None
    grid: Grid | None
    if opened.container == "qza":
        grid = containers.qiime2_taxonomy(opened, findings)
    elif opened.container == "xlsx":
        grid = excel_grid(opened, findings)
    elif opened.container:
        findings.add(
            opened.name, "", "an HDF5 file where a taxonomy belongs", allowed="a text table or .qza",
            next_step=f"give one of: {shown(['taxonomy.tsv', 'taxonomy.qza', 'cons.taxonomy'])}",
        )  # fmt: skip
        return None
    else:
        text = as_text(opened, findings)
        grid = None if text is None else read_grid(opened.name, text, findings, all_words=True)
    found = None if grid is None else read_lineages(grid, findings)
    return None if found is None else MappingProxyType(found)
