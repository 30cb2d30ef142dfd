"""Recognise what a stool table is, and read it as samples by features."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from pathlib import Path
from types import MappingProxyType

from eubiosis.core.findings import FindingCollector
from eubiosis.population.stool import containers, profilers
from eubiosis.population.stool.delimited import Grid, read_grid
from eubiosis.population.stool.features import FeatureTable
from eubiosis.population.stool.lineage import read_lineages
from eubiosis.population.stool.options import ReadOptions
from eubiosis.population.stool.text_table import table_features
from eubiosis.population.stool.unpack import Opened, as_text, open_table
from eubiosis.population.stool.words import shown
from eubiosis.population.taxa import TaxaTable

_Found = FeatureTable | None
_HUMANN = ("# gene family", "# pathway", "# reaction", "gene family", "pathway", "# genefamily")


def read_features(
    path: Path, taxa: TaxaTable, options: ReadOptions, findings: FindingCollector
) -> FeatureTable | None:
    """Read a file in any of the formats; which it is, is seen from its contents or told by ``options``."""
    opened = open_table(path, findings)
    if opened is None:
        return None
    if opened.container:
        return _container(opened, taxa, options, findings)
    text = as_text(opened, findings)
    if text is None:
        return None
    lines = [line for line in islice(text.splitlines(), 60) if line.strip()]
    kind = options.format or _text_kind(lines, text)
    readers: dict[str, Callable[[], _Found]] = {
        "biom": lambda: containers.biom_json_features(opened, findings),
        "kraken": lambda: _kraken(opened.name, lines, text, findings),
    }
    if kind in readers:
        return readers[kind]()
    grid = read_grid(opened.name, text, findings)
    return None if grid is None else _from_grid(grid, kind, taxa, options, findings)


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
    if grid.header[0].strip().lower() in _HUMANN:
        findings.add(
            grid.file, "", "a HUMAnN table of genes or pathways: it says what genes do, not who is there",
            allowed="a taxonomic table", next_step="give the MetaPhlAn profile of the same run",
        )  # fmt: skip
        return None
    if kind == "metaphlan":
        return profilers.metaphlan_features(grid, options, findings)
    if kind == "bracken" or (not kind and profilers.looks_like_bracken(grid.header)):
        return profilers.bracken_features(grid, findings)
    if kind == "mothur" or (not kind and profilers.looks_like_shared(grid.header)):
        return profilers.shared_features(grid, findings)
    if not kind and profilers.looks_like_singlem(grid.header):
        return profilers.singlem_features(grid, findings)
    return table_features(grid, taxa, options, findings)


def _container(opened: Opened, taxa: TaxaTable, options: ReadOptions, findings: FindingCollector) -> _Found:
    if opened.container == "qza":
        return containers.qiime2_features(opened, findings)
    if opened.container == "xlsx":
        grid = containers.excel_grid(opened, findings)
        return None if grid is None else _from_grid(grid, "", taxa, options, findings)
    kind = containers.hdf5_kind(opened, findings)
    if kind == "biom":
        return containers.biom_hdf5_features(opened, findings)
    return containers.h5ad_features(opened, options, findings) if kind == "h5ad" else None


def read_taxonomy(path: Path, findings: FindingCollector) -> MappingProxyType[str, str] | None:
    """Read a second file that gives the lineage of each feature: QIIME 2, mothur, phyloseq or DADA2."""
    opened = open_table(path, findings)
    if opened is None:
        return None
    grid: Grid | None
    if opened.container == "qza":
        grid = containers.qiime2_taxonomy(opened, findings)
    elif opened.container == "xlsx":
        grid = containers.excel_grid(opened, findings)
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
