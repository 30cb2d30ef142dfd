"""The data dictionary: every column of every table, made from the schemas."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

from eubiosis.core.columns import Column, TableSchema
from eubiosis.core.table_schemas import TABLES

DICTIONARY_FILE = "data_dictionary.tsv"
HEADER = ("table", "column", "meaning", "kind", "unit", "coding", "cdisc", "latent")
_KINDS = {
    "number": "number",
    "count": "whole number",
    "flag": "true or false",
    "text": "text",
    "date": "date",
}
_TITLE = """# Data dictionary

Made from `eubiosis.core.table_schemas` by `eubiosis schema tables --markdown`; a test compares the two.
Every run folder holds the part that concerns its own tables as `data_dictionary.tsv`, and every parquet
file carries meaning, unit, coding and CDISC name of its columns in the metadata of its Arrow schema. A
missing value is null (NaN in numpy). "-" is a number without dimension. Tables marked as latent hold
simulated truth, which no trial could see. CDISC names are those of SDTM and ADaM that hold the same where
there is one; our tables are wide, so that `AVAL` is the value whose parameter is the column.
"""


def dictionary_tsv(schemas: Iterable[TableSchema] = tuple(TABLES.values())) -> str:
    """Return the dictionary of some tables as tab-separated text, one line a column, with a header."""
    stream = io.StringIO()
    writer = csv.writer(stream, delimiter="\t", lineterminator="\n")
    writer.writerow(HEADER)
    for schema in schemas:
        for column in schema.columns:
            latent = "yes" if schema.latent else "no"
            row = (schema.name, column.name, column.meaning, _KINDS[column.kind], column.unit)
            writer.writerow((*row, _coding(column), column.cdisc, latent))
    return stream.getvalue()


def dictionary_markdown(schemas: Iterable[TableSchema] = tuple(TABLES.values())) -> str:
    """Return the dictionary as a page in Markdown."""
    lines = [_TITLE]
    for schema in schemas:
        latent = " Latent." if schema.latent else ""
        lines += [f"## {schema.name}", "", f"{schema.meaning} One row is {schema.row}.{latent}", ""]
        lines += ["| Column | Meaning | Kind | Unit | CDISC |", "| --- | --- | --- | --- | --- |"]
        for column in schema.columns:
            kind = _KINDS[column.kind] + (", may be absent" if column.optional else "")
            cells = (f"`{column.name}`", column.meaning, kind, column.unit, column.cdisc)
            lines.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |")
        lines.append("")
        if schema.further:
            lines += [f"Further columns: {schema.further}.", ""]
        for column in schema.columns:
            if column.coding:
                lines.append(f"Values of `{column.name}`:")
                lines += ["", *(f"- `{value}`: {said}" for value, said in column.coding.items()), ""]
    return "\n".join(lines).rstrip() + "\n"


def _coding(column: Column) -> str:
    return "; ".join(f"{value} = {meaning}" for value, meaning in column.coding.items())
