"""A delimited table becomes samples by features: ranks, taxonomy, ids, groups, which way round it lies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy import sparse

from eubiosis.core.csv_arrow import SparseColumn
from eubiosis.core.findings import FindingCollector, unknown_word
from eubiosis.population.stool.delimited import Grid, report_cells, report_words
from eubiosis.population.stool.features import FeatureTable, Matrix, Orientation
from eubiosis.population.stool.lineage import (
    ID_WORDS,
    LINEAGE_WORDS,
    SIDE_WORDS,
    joined_ranks,
    nameless,
    rank_columns,
)
from eubiosis.population.stool.options import ReadOptions
from eubiosis.population.stool.words import counted, shown
from eubiosis.population.taxa import TaxaTable

GROUP_WORDS = frozenset(
    ("group", "diagnosis", "disease", "condition", "arm", "treatment", "status", "cohort", "case_control",
     "phenotype", "class", "disease_state", "study_condition", "health_status")
)  # fmt: skip
METADATA_WORDS = frozenset(
    ("age", "bmi", "weight", "height", "sex", "gender", "edss", "depth", "reads", "read_depth", "year", "day",
     "week", "visit", "month", "ph", "stool_ph", "batch", "run", "plate", "barcode", "sequencing_depth",
     "number_reads", "age_years", "disease_duration", "bristol", "smoker", "antibiotics")
)  # fmt: skip
TOTAL_WORDS = frozenset(("total", "totals", "sum", "all", "grand total", "total reads", "sum of reads"))


@dataclass
class _Roles:
    """What each column of a table is, by position."""

    names: int = 0
    lineage: int | None = None
    ranks: dict[int, str] = field(default_factory=dict)
    ids: int | None = None
    group: int | None = None
    ignored: list[int] = field(default_factory=list)
    values: list[int] = field(default_factory=list)
    words: list[int] = field(default_factory=list)


def table_features(
    grid: Grid, taxa: TaxaTable, options: ReadOptions, findings: FindingCollector
) -> FeatureTable | None:
    """Return samples by features of a text table; None (with findings) where that cannot be told.

    Columns of ranks or a taxonomy column name the features; a column of NCBI ids is kept beside them; a
    column of words is the group where it is called so or named. All other words are findings.
    """
    roles = _roles(grid, options, findings)
    _check_names(grid, roles, findings)
    labels = _row_labels(grid, roles)
    by_row = labels is not None
    rows = grid.words(0) if labels is None else labels
    columns = tuple(grid.header[j] for j in roles.values)
    direction: Orientation | None = options.orientation
    if by_row:
        if direction == "samples_in_rows":
            findings.add(
                grid.file, "", "taxonomy columns stand beside the table, so its rows are taxa",
                allowed="samples_in_columns", next_step="leave out --orientation",
            )  # fmt: skip
            return None
        direction = "samples_in_columns"
    elif direction is None:
        direction = _orientation(grid, rows, columns, taxa, options, findings)
    if direction == "samples_in_columns" and roles.group is not None:
        roles.words.append(roles.group)
        roles.group = None
    for j in roles.words:
        report_words(grid, j, findings)
    report_cells(grid, grid.header, roles.values, findings, blanks=options.blanks == "refuse")
    if direction is None:
        return None
    values = _matrix(grid, roles.values, options, len(rows))
    notes = _notes(grid, roles)
    if options.blanks == "zero":
        blank = sum(int(np.isnan(grid.numbers(j)).sum()) for j in roles.values)
        notes += (f"{counted(blank, 'blank cell')} taken as zero",) if blank else ()
    if direction == "samples_in_rows":
        groups = None if roles.group is None else grid.words(roles.group)
        return FeatureTable(
            grid.file, "text table", grid.words(0), columns, values, direction, groups=groups, notes=notes
        )
    ids = () if roles.ids is None else tuple(_whole(w) for w in grid.words(roles.ids))
    return FeatureTable(
        grid.file, "text table", columns, rows, _turned(values), direction, ids=ids, notes=notes
    )


def _roles(grid: Grid, options: ReadOptions, findings: FindingCollector) -> _Roles:
    roles, words = _Roles(), [word.strip().lower() for word in grid.header]
    for name in options.ignore:
        if name not in grid.header:
            findings.add(
                grid.file,
                "header",
                f'column "{name}" to be ignored is not there',
                next_step="correct --ignore",
            )
    if options.group_column and options.group_column not in grid.header[1:]:
        findings.add(
            grid.file, "header", f"column {unknown_word(options.group_column, grid.header[1:])}",
            next_step="name a column of the table, or give a metadata table",
        )  # fmt: skip
    ranks = rank_columns(grid.header)
    for j, word in enumerate(words):
        is_text = not grid.is_number(j)
        if grid.header[j] in options.ignore:
            roles.ignored.append(j)
        elif j in ranks:
            roles.ranks[j] = ranks[j]
        elif j == 0:
            continue
        elif word in LINEAGE_WORDS and is_text:
            roles.lineage = j
        elif word in ID_WORDS:
            roles.ids = j
        elif options.group_column and grid.header[j] == options.group_column:
            roles.group = j
        elif is_text and word in SIDE_WORDS:
            roles.ignored.append(j)
        elif is_text and word in GROUP_WORDS and roles.group is None and not options.group_column:
            roles.group = j
        elif is_text:
            roles.words.append(j)
        else:
            roles.values.append(j)
    return roles


def _row_labels(grid: Grid, roles: _Roles) -> tuple[str, ...] | None:
    if roles.ranks:
        prefixes = tuple(roles.ranks.values())
        columns = [grid.words(j) for j in roles.ranks]
        return tuple(joined_ranks(prefixes, cells) for cells in zip(*columns, strict=True))
    return None if roles.lineage is None else grid.words(roles.lineage)


def _check_names(grid: Grid, roles: _Roles, findings: FindingCollector) -> None:
    """Report metadata among numeric columns."""
    found = [grid.header[j] for j in roles.values if grid.header[j].strip().lower() in METADATA_WORDS]
    if found:
        findings.add(
            grid.file,
            "header",
            f"{counted(len(found), 'column')} of metadata among the taxa ({shown(found)})",
            allowed="taxa and one column of names",
            next_step=f"leave them out: {' '.join(f'--ignore {name}' for name in found[:5])}",
        )


def _notes(grid: Grid, roles: _Roles) -> tuple[str, ...]:
    notes = []
    if roles.lineage is not None:
        notes.append(f'taxa named by the column "{grid.header[roles.lineage]}"')
    if roles.ranks:
        notes.append(f"taxa named by the rank columns {', '.join(grid.header[j] for j in roles.ranks)}")
    if roles.ids is not None:
        notes.append(f'the column "{grid.header[roles.ids]}" holds NCBI ids, not a sample')
    if roles.group is not None:
        notes.append(f'groups from the column "{grid.header[roles.group]}" of the table')
    if roles.ignored:
        notes.append(f"left out: {', '.join(grid.header[j] for j in roles.ignored)}")
    return tuple(notes)


def _orientation(
    grid: Grid,
    rows: Sequence[str],
    columns: Sequence[str],
    taxa: TaxaTable,
    options: ReadOptions,
    findings: FindingCollector,
) -> Orientation | None:
    """Return which way round a table lies, seen from the known names; a tie or none is a finding."""
    if options.lineages:
        known = options.lineages
        down, across = (sum(label in known for label in labels) for labels in (rows, columns))
    else:
        down, across = (sum(taxa.find(label) is not None for label in labels) for labels in (rows, columns))
    if across != down:
        return "samples_in_rows" if across > down else "samples_in_columns"
    if across:
        findings.add(
            grid.file, "", f"as many known taxa in the header as in the first column ({across})",
            next_step="say which way round the table lies: --orientation samples_in_rows or _columns",
        )  # fmt: skip
        return None
    bare = next((labels for labels in (rows, columns) if nameless(labels)), None)
    if bare is not None:
        findings.add(
            grid.file, "", f"features without names ({shown(bare)})",
            allowed="genus names or lineages, or a second file that gives the taxonomy of each feature",
            next_step="add --taxonomy FILE (QIIME 2, mothur, phyloseq or DADA2), or collapse to genus level",
        )  # fmt: skip
        return None
    examples = shown([*columns[:2], *rows[:1]])
    findings.add(
        grid.file, "", f"no known genus in the header or the first column (found {examples})",
        allowed="genus names or lineages, as in Bacteroides, g__Blautia, k__Bacteria;...;g__Roseburia",
        next_step="collapse the table to genus level; sequence or OTU numbers carry no name",
    )  # fmt: skip
    return None


def _matrix(grid: Grid, columns: Sequence[int], options: ReadOptions, rows: int) -> Matrix:
    """Join columns, dense or, where a large table holds mostly zeros, sparse; shape (rows, columns)."""
    shape = (rows, len(columns))
    held = [grid.columns[j] for j in columns]
    if not any(isinstance(column, SparseColumn) for column in held):
        values = np.column_stack([grid.numbers(j) for j in columns]) if columns else np.zeros(shape)
        return np.nan_to_num(values, nan=0.0) if options.blanks == "zero" else values
    places, data = [], []
    for j, column in zip(columns, held, strict=True):
        part = column if isinstance(column, SparseColumn) else SparseColumn.of(grid.numbers(j))
        places.append(part.places)
        data.append(np.nan_to_num(part.values, nan=0.0) if options.blanks == "zero" else part.values)
    ends = np.cumsum([0, *(len(part) for part in places)])
    ends = ends.astype(np.int32) if ends[-1] < np.iinfo(np.int32).max else ends  # as the places are
    joined = sparse.csc_array((np.concatenate(data), np.concatenate(places), ends), shape=shape)
    return joined.tocsr()


def _turned(values: Matrix) -> Matrix:
    return values.T if isinstance(values, np.ndarray) else sparse.csr_array(values.T)


def _whole(word: str) -> int:
    try:
        return int(float(word))
    except ValueError:
        return 0
