"""Write a table as a SAS transport file of version 5, by pyreadstat, within the limits of the format."""

from __future__ import annotations

import errno
from importlib.util import find_spec
from pathlib import Path

from eubiosis.core.findings import Finding, FindingCollector, FindingsError
from eubiosis.core.frame import Table

NAME, LABEL, TEXT = 8, 40, 200  # the most characters of a name, a label and a text in version 5
NEEDS = ("pandas", "pyreadstat")


def demand_transport() -> None:
    """Raise ``FindingsError`` where the libraries that write transport files are not installed."""
    absent = [name for name in NEEDS if find_spec(name) is None]
    if absent:
        step = "install them: pip install eubiosis[xpt], or leave xpt out: --format parquet --format csv"
        raise FindingsError([Finding("xpt", "", f"needs {' and '.join(absent)}", next_step=step)])


def write_transport(table: Table, path: Path) -> Path:
    """Write a table of numbers and texts to ``path``; return it.

    The labels of the columns are their meanings. Raises ``FindingsError`` with every name, label and text
    that the format cannot hold: nothing is cut off; ``OSError`` where the disk refuses.
    """
    import pyreadstat

    findings = FindingCollector()
    for what, text, most in (("name", table.name, NAME), ("label", table.schema.meaning, LABEL)):
        if len(text) > most or not text.isascii():
            findings.add(table.name, "", f'{what} "{text}"', allowed=f"{most} characters of ASCII")
    for column in table.schema.columns:
        for what, text, most in (("name", column.name, NAME), ("label", column.meaning, LABEL)):
            if len(text) > most or not text.isascii():
                findings.add(
                    table.name, column.name, f'{what} "{text}"', allowed=f"{most} characters of ASCII"
                )
        if column.kind == "text":
            long = next((t for t in table.texts(column.name) if len(t) > TEXT or not t.isascii()), None)
            if long is not None:
                findings.add(
                    table.name, column.name, f'text "{long[:40]}"', allowed=f"{TEXT} characters of ASCII"
                )
    findings.raise_if_any()
    try:
        pyreadstat.write_xport(
            table.to_pandas(),
            str(path),
            file_label=table.schema.meaning,
            column_labels=[column.meaning for column in table.schema.columns],
            table_name=table.name,
            file_format_version=5,
        )
    except pyreadstat.ReadstatError as error:  # it does not say why the system refused
        raise OSError(errno.EIO, f"{error}: the disk may be full", str(path)) from error
    numbers = sum(column.kind != "text" for column in table.schema.columns)
    if path.stat().st_size < 8 * numbers * len(table):  # a write that fails as a whole is not told
        raise OSError(errno.EIO, "less was written than was given: the disk may be full", str(path))
    return path
